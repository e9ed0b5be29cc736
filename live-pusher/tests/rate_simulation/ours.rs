//! Our controller, as the session uses it.

use super::policy::{FPS, LIMITS, Policy, Target, View};
use live_core::config::Size;
use live_core::queue::DropRule;
use live_pusher::rate::{Control, RateConfig, Sample, Temper};
use std::time::Instant;

pub struct Ours {
    control: Control,
    temper: Temper,
    epoch: Instant,
    wished: bool,
    allowance: Option<u64>,
}

impl Ours {
    pub fn new(temper: Temper) -> Self {
        let (min_kbps, start_kbps, max_kbps) = LIMITS;
        let config = RateConfig {
            min_kbps,
            max_kbps,
            start_kbps,
            fps: f64::from(FPS),
            // One size: the ladder has tests of its own.
            ladder: vec![Size::new(320, 180)],
            temper,
            adaptive: true,
        };
        let epoch = Instant::now();
        Self { control: Control::new(config, epoch), temper, epoch, wished: false, allowance: None }
    }
}

impl Policy for Ours {
    fn name(&self) -> &'static str {
        if self.temper == Temper::Quick { "ours, RTC" } else { "ours, SD/HD/FHD" }
    }

    fn drop_rule(&self) -> DropRule {
        live_pusher::rate::drop_rule(self.temper)
    }

    fn asks_for_keys(&self) -> bool {
        true
    }

    fn decide(&mut self, view: &View) -> Target {
        let sample = Sample {
            queue: view.queue.backlog,
            queued: view.queue.bytes as u64 + view.pending,
            video: view.video,
            audio: view.audio,
            sent: view.taken,
            acknowledged: 0,
            info: Some(view.info),
        };
        let decision = self.control.sample(self.epoch + view.now, &sample);
        self.wished |= decision.key_wanted;
        self.allowance = decision.allowance;
        Target { kbps: decision.target.kbps, fps: decision.target.fps }
    }

    fn allowance(&self) -> Option<u64> {
        self.allowance
    }

    fn wants_key(&mut self) -> bool {
        std::mem::take(&mut self.wished)
    }
}
