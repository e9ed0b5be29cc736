//! How two well-known programs adapt their bitrate, written from their rules. They see the same queue and the same
//! socket as ours.

use super::policy::{AUDIO_KBPS, FPS, LIMITS, Policy, Target, View};
use live_core::queue::DropRule;
use std::collections::VecDeque;
use std::time::Duration;

/// OBS Studio's RTMP output with dynamic bitrate: when more than 200 ms wait, to the rate of what was sent over at
/// least one second; up again by a tenth of the configured bitrate every 4 s. Pictures waiting for over 900 ms are
/// dropped, up to the next key frame.
#[derive(Default)]
pub struct Obs {
    kbps: Option<u32>,
    sent: VecDeque<(Duration, u64)>,
    raised: Duration,
}

impl Policy for Obs {
    fn name(&self) -> &'static str {
        "OBS"
    }

    fn drop_rule(&self) -> DropRule {
        DropRule { video_after: Duration::from_millis(900), audio_after: Duration::MAX }
    }

    fn asks_for_keys(&self) -> bool {
        false
    }

    fn decide(&mut self, view: &View) -> Target {
        let (floor, start, original) = LIMITS;
        let kbps = self.kbps.get_or_insert(start);
        self.sent.push_back((view.now, view.taken));
        while self.sent.get(1).is_some_and(|next| view.now - next.0 >= Duration::from_secs(1)) {
            self.sent.pop_front();
        }
        let (since, before) = self.sent[0];
        let span = (view.now - since).as_secs_f64();
        if view.queue.backlog > Duration::from_millis(200) {
            self.raised = view.now;
            if span >= 1.0 {
                let rate = (view.taken - before) as f64 * 8.0 / 1000.0 / span;
                let estimate = (rate as u32).saturating_sub(AUDIO_KBPS).max(floor);
                if estimate < *kbps {
                    *kbps = estimate;
                }
            }
        } else if view.now - self.raised >= Duration::from_secs(4) {
            self.raised = view.now;
            *kbps = (*kbps + original / 10).min(original);
        }
        Target { kbps: *kbps, fps: f64::from(FPS) }
    }
}

/// HaishinKit for Swift: when the queue has grown for 3 s, to the rate of what went out in the last second, and to 10
/// and then 5 pictures a second when nothing did; up by a tenth of the maximum every 15 s without trouble.
#[derive(Default)]
pub struct HaishinKit {
    kbps: Option<u32>,
    fps: Option<f64>,
    /// Bytes waiting, and sent, at the last full second.
    last: Option<(Duration, u64, u64)>,
    growing: u32,
    quiet: u32,
    idle: u32,
}

impl Policy for HaishinKit {
    fn name(&self) -> &'static str {
        "HaishinKit"
    }

    fn drop_rule(&self) -> DropRule {
        DropRule::NEVER
    }

    fn asks_for_keys(&self) -> bool {
        false
    }

    fn decide(&mut self, view: &View) -> Target {
        let (floor, start, most) = LIMITS;
        let kbps = self.kbps.get_or_insert(start);
        let fps = self.fps.get_or_insert(f64::from(FPS));
        let waiting = view.queue.bytes as u64 + view.pending + view.info.unsent;
        let (since, before, sent) = *self.last.get_or_insert((view.now, waiting, view.taken));
        if view.now - since < Duration::from_secs(1) {
            return Target { kbps: *kbps, fps: *fps };
        }
        self.last = Some((view.now, waiting, view.taken));
        self.growing = if waiting > before { self.growing + 1 } else { 0 };
        if self.growing >= 3 {
            (self.growing, self.quiet) = (0, 0);
            let rate = ((view.taken - sent) * 8 / 1000) as u32;
            if rate > 0 {
                *kbps = rate.saturating_sub(AUDIO_KBPS).clamp(floor, most);
                (*fps, self.idle) = (f64::from(FPS), 0);
            } else {
                self.idle += 1;
                *fps = if self.idle > 1 { 5.0 } else { 10.0 };
            }
        } else {
            self.quiet += 1;
            if self.quiet >= 15 {
                self.quiet = 0;
                *kbps = (*kbps + most / 10).min(most);
            }
        }
        Target { kbps: *kbps, fps: *fps }
    }
}
