//! The effects of a session: the beauty stage of the moment, and the application's own.

mod fallback;

use crate::pipeline::WorkerCx;
use fallback::{Fallback, Verdict};
use live_core::{BeautyLevels, BeautyStage, EffectError, PicturePool, PusherCode, VideoEffect, VideoFrame};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Makes an effect of the application, once for each session, on the worker's thread.
pub(crate) type MakeEffect = Arc<dyn Fn() -> Box<dyn VideoEffect> + Send + Sync>;

/// Makes a beauty stage, when one is needed for the first time in a session, on the worker's thread.
pub(crate) type MakeStage = Arc<dyn Fn() -> Result<Box<dyn BeautyStage>, EffectError> + Send + Sync>;

/// What a session's effects are made from.
#[derive(Clone, Default)]
pub(crate) struct EffectPlan {
    /// Stages before those that are built in, most preferred first.
    pub(crate) stages: Vec<MakeStage>,
    /// In the order they are applied.
    pub(crate) effects: Vec<MakeEffect>,
}

/// An effect of the application that fails so often in a row is left out.
const MOST_FAILURES: u32 = 5;

/// Applies what is switched on to one picture after the other.
pub(super) struct Effects<'a> {
    stage: Option<Box<dyn BeautyStage>>,
    plainer: VecDeque<MakeStage>,
    levels: BeautyLevels,
    fallback: Fallback,
    effects: Vec<(Box<dyn VideoEffect>, u32)>,
    spent: Duration,
    cx: &'a WorkerCx,
}

impl<'a> Effects<'a> {
    pub(super) fn new(plan: &EffectPlan, frame_rate: f64, cx: &'a WorkerCx) -> Self {
        let built_in: [MakeStage; 2] = [
            Arc::new(|| Ok(Box::new(live_capture::effect::SkinStage::new()))),
            Arc::new(|| Ok(Box::new(live_capture::effect::PlainStage::new()))),
        ];
        Self {
            stage: None,
            plainer: plan.stages.iter().cloned().chain(built_in).collect(),
            levels: BeautyLevels::NONE,
            fallback: Fallback::new(frame_rate),
            effects: plan.effects.iter().map(|make| (make(), 0)).collect(),
            spent: Duration::ZERO,
            cx,
        }
    }

    /// Changes one picture: beauty first, then the application's effects in their order.
    pub(super) fn apply(&mut self, frame: &mut VideoFrame, pool: &PicturePool) {
        self.spent = Duration::ZERO;
        let levels = self.cx.controls.picture.beauty_levels();
        if !levels.is_none() {
            self.beautify(levels, frame, pool);
        }
        let cx = self.cx;
        self.effects.retain_mut(|(effect, failures)| match effect.apply(frame, pool) {
            Ok(()) => {
                *failures = 0;
                true
            }
            Err(error) => {
                *failures += 1;
                tracing::warn!(%error, "a picture goes on without an effect");
                if *failures == MOST_FAILURES {
                    tell(cx, effect.name(), "none", &error.to_string());
                }
                *failures < MOST_FAILURES
            }
        });
    }

    /// Notes how long the worker took for the picture, effects included, and looks whether beauty takes too much of it.
    pub(super) fn picture_done(&mut self, whole: Duration) {
        if self.stage.is_none() {
            return;
        }
        if let Verdict::TooSlow { stage, whole, interval } = self.fallback.picture(self.spent, whole) {
            let of = |time: Duration| time.as_secs_f64() * 1e3;
            let reason = format!(
                "pictures come every {:.1} ms and take {:.1} ms, {:.1} ms of it for beauty",
                of(interval),
                of(whole),
                of(stage)
            );
            self.step_down(&reason);
        }
    }

    fn beautify(&mut self, levels: BeautyLevels, frame: &mut VideoFrame, pool: &PicturePool) {
        self.open_stage();
        let Some(stage) = &mut self.stage else { return };
        if levels != self.levels {
            stage.set_levels(levels);
            self.levels = levels;
        }
        let start = Instant::now();
        let result = stage.apply(frame, pool);
        self.spent = start.elapsed();
        match result {
            Ok(()) => self.fallback.worked(),
            Err(error) => {
                tracing::warn!(%error, "a picture goes on without beauty");
                if self.fallback.failed() {
                    self.step_down(&error.to_string());
                }
            }
        }
    }

    /// Opens the most preferred stage that is left and opens.
    fn open_stage(&mut self) {
        while self.stage.is_none() {
            let Some(make) = self.plainer.pop_front() else { return };
            match make() {
                Ok(stage) => self.take(stage),
                Err(error) => self.step_down_from(&error.effect, &error.message),
            }
        }
    }

    fn take(&mut self, stage: Box<dyn BeautyStage>) {
        self.stage = Some(stage);
        // It has not been told any yet.
        self.levels = BeautyLevels::NONE;
        self.fallback.reset();
    }

    fn step_down(&mut self, reason: &str) {
        if let Some(stage) = self.stage.take() {
            self.step_down_from(stage.name(), reason);
        }
    }

    /// Opens the next stage and tells which it is.
    fn step_down_from(&mut self, from: &str, reason: &str) {
        let next = self.plainer.pop_front().map(|make| make());
        match next {
            Some(Ok(stage)) => {
                tell(self.cx, from, stage.name(), reason);
                self.take(stage);
            }
            Some(Err(error)) => {
                tell(self.cx, from, &error.effect, reason);
                self.step_down_from(&error.effect, &error.message);
            }
            None => tell(self.cx, from, "none", reason),
        }
    }
}

/// Code 1105.
fn tell(cx: &WorkerCx, from: &str, to: &str, reason: &str) {
    cx.state(PusherCode::BeautyFallback, format!("{from} → {to}: {reason}"));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::{StopFlag, writer::StreamWriter};
    use live_core::event::{Delivery, EventSender, PusherEvent};
    use live_core::queue::{PacketQueue, QueueLimits};
    use live_core::{Color, Metadata, Packet, SessionClock, Timestamp, WireEpoch};
    use std::sync::atomic::Ordering::Relaxed;

    fn context() -> WorkerCx {
        let first = Packet::metadata(Timestamp::ZERO, Metadata::default());
        let queue = PacketQueue::new(QueueLimits::default());
        WorkerCx {
            clock: SessionClock::starting_at(Instant::now()),
            events: EventSender::new(),
            registry: Arc::default(),
            writer: StreamWriter::new(first, Vec::new(), queue, WireEpoch::default()),
            stats: Arc::default(),
            controls: Arc::default(),
            permission: crate::pipeline::access::Permission::default(),
            has_sound: false,
            stop: StopFlag::default(),
        }
    }

    struct Broken(&'static str);

    impl VideoEffect for Broken {
        fn name(&self) -> &str {
            self.0
        }

        fn apply(&mut self, _frame: &mut VideoFrame, _pool: &PicturePool) -> Result<(), EffectError> {
            Err(EffectError::new(self.0, "out of memory"))
        }
    }

    impl BeautyStage for Broken {
        fn set_levels(&mut self, _levels: BeautyLevels) {}
    }

    #[test]
    fn the_last_stage_that_fails_gives_way_to_none_and_that_is_that() {
        let cx = context();
        let mut events = cx.events.subscribe();
        let mut effects = Effects::new(&EffectPlan::default(), 30.0, &cx);
        let first: MakeStage = Arc::new(|| Ok(Box::new(Broken("first"))));
        let second: MakeStage = Arc::new(|| Err(EffectError::new("second", "not here")));
        let third: MakeStage = Arc::new(|| Ok(Box::new(Broken("third"))));
        effects.plainer = [first, second, third].into();
        let pool = PicturePool::new();
        let picture = pool.black(16, 16);
        let pass = |effects: &mut Effects<'_>| {
            let mut frame = VideoFrame::new(Timestamp::ZERO, Color::BT601, picture.clone());
            effects.apply(&mut frame, &pool);
            effects.picture_done(Duration::from_millis(1));
        };
        (0..10).for_each(|_| pass(&mut effects));
        assert!(events.try_next().is_none(), "at level 0 nothing is made that could fail");
        cx.controls.picture.beauty.store(5, Relaxed);
        (0..20).for_each(|_| pass(&mut effects));
        let told: Vec<String> = std::iter::from_fn(|| events.try_next())
            .map(|delivery| match delivery {
                Delivery::Event(PusherEvent::State { code: PusherCode::BeautyFallback, detail }) => detail,
                other => panic!("{other:?}"),
            })
            .collect();
        let expected = [
            "first → second: first: out of memory",
            "second → third: not here",
            "third → none: third: out of memory",
        ];
        assert_eq!(told, expected);
    }
}
