//! Feeds the bitrate controller from the leading output, and passes on what it decides.

use crate::output::link::Link;
use crate::pipeline::Controls;
use crate::pipeline::stats::PipelineStats;
use crate::rate::{Control, RateConfig, Sample};
use live_core::PusherCode;
use live_core::config::CheckedPusherConfig;
use live_core::event::{EventSender, PusherEvent};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};
use tokio::time::{Interval, MissedTickBehavior};

/// How often the controller is asked.
const INTERVAL: Duration = Duration::from_millis(100);
/// What was encoded while the connection was being made goes out at once, and says nothing about the uplink.
const SETTLING: Duration = Duration::from_secs(1);

/// When to call [`Adaptation::step`].
pub(crate) fn interval() -> Interval {
    let mut interval = tokio::time::interval(INTERVAL);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}

/// The bitrate control of a session.
pub(crate) struct Adaptation {
    control: Control,
    /// The connection it is about, and since when media flows on it.
    up: Option<(Weak<Link>, Instant)>,
    stats: Arc<PipelineStats>,
    controls: Arc<Controls>,
    events: EventSender<PusherEvent>,
}

impl Adaptation {
    /// Begins with the configured bitrate. Without `adaptive` the bitrate stays, and congestion is told all the same.
    pub(crate) fn new(
        config: &CheckedPusherConfig,
        adaptive: bool,
        stats: Arc<PipelineStats>,
        controls: Arc<Controls>,
        events: EventSender<PusherEvent>,
    ) -> Self {
        let config = RateConfig {
            min_kbps: config.min_bitrate,
            max_kbps: config.max_bitrate,
            start_kbps: config.start_kbps(),
            fps: f64::from(config.fps),
            ladder: config.ladder(),
            temper: config.mode.into(),
            adaptive,
        };
        controls.encode.clear();
        Self { control: Control::new(config, Instant::now()), up: None, stats, controls, events }
    }

    /// Looks at the connection that decides, when there is one.
    pub(crate) fn step(&mut self, now: Instant, uplink: Option<&Arc<Link>>) {
        let Some(link) = uplink.filter(|link| link.is_accepted()) else {
            self.up = None;
            return;
        };
        let since = match &self.up {
            Some((known, since)) if std::ptr::eq(known.as_ptr(), Arc::as_ptr(link)) => *since,
            _ => {
                self.control.disconnected(now);
                link.counters.set_allowance(None);
                self.up = Some((Arc::downgrade(link), now));
                now
            }
        };
        if now.saturating_duration_since(since) >= SETTLING {
            self.ask(now, link);
        }
    }

    fn ask(&mut self, now: Instant, link: &Link) {
        let decision = self.control.sample(now, &self.sample(link));
        if decision.changes() {
            self.controls.encode.set(decision.target);
        }
        link.counters.set_allowance(decision.allowance);
        if decision.key_wanted
            && let Some(reader) = link.reader()
        {
            reader.request_key();
        }
        if let Some(congestion) = decision.congestion {
            let (waiting, kbps) = (congestion.waiting.as_millis(), congestion.kbps);
            let detail = format!("queue {waiting} ms, {kbps} kbit/s");
            self.events.send(PusherEvent::State { code: PusherCode::UplinkCongested, detail });
        }
    }

    fn sample(&self, link: &Link) -> Sample {
        let counters = &link.counters;
        // The kernel is asked first: what it takes meanwhile then counts as delivered and not twice as held.
        let info = counters.info();
        let queue = link.queue();
        Sample {
            queue: queue.backlog,
            queued: queue.bytes as u64 + counters.pending(),
            video: self.stats.media.video_bytes(),
            audio: self.stats.media.audio_bytes(),
            sent: counters.sent(),
            acknowledged: counters.acknowledged(),
            info,
        }
    }
}
