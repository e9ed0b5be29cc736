//! When a beauty stage has to give way to a plainer one.

use std::time::Duration;

/// Media time over which a stage is judged: a stall of the scheduler is shorter.
const PERIOD: Duration = Duration::from_secs(2);

/// Pictures that fail in a row before the stage is taken for broken.
const MOST_FAILURES: u32 = 3;

/// A stage that takes less than one part in so many of the time between two pictures is not why pictures are late.
const NEGLIGIBLE: u32 = 5;

/// What follows from a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The stage may stay.
    Fine,
    /// The frame rate cannot be held, and the stage has its share in it. Times are means per picture.
    TooSlow {
        /// What the stage takes.
        stage: Duration,
        /// What the worker takes, stage and encoder included.
        whole: Duration,
        /// What there is from one picture to the next.
        interval: Duration,
    },
}

/// Judges one stage by measured times.
#[derive(Clone, Debug)]
pub(super) struct Fallback {
    interval: Duration,
    pictures: u32,
    stage: Duration,
    whole: Duration,
    failures: u32,
}

impl Fallback {
    /// For a stream of `frame_rate` > 0 pictures a second.
    pub(super) fn new(frame_rate: f64) -> Self {
        Self {
            interval: Duration::from_secs_f64(1.0 / frame_rate),
            pictures: 0,
            stage: Duration::ZERO,
            whole: Duration::ZERO,
            failures: 0,
        }
    }

    /// Another stage is to be judged.
    pub(super) fn reset(&mut self) {
        (self.stage, self.whole) = (Duration::ZERO, Duration::ZERO);
        (self.pictures, self.failures) = (0, 0);
    }

    /// A picture was encoded; the worker took `whole` for it, and `stage` of that was for beauty.
    ///
    /// Judged at the end of each period of two seconds of pictures, by the means of the period: a source that is slower
    /// than the frame rate leaves more time than that, and then nothing is late.
    pub(super) fn picture(&mut self, stage: Duration, whole: Duration) -> Verdict {
        self.pictures += 1;
        self.stage += stage;
        self.whole += whole;
        if self.interval * self.pictures < PERIOD && self.whole < PERIOD {
            return Verdict::Fine;
        }
        let (stage, whole) = (self.stage / self.pictures, self.whole / self.pictures);
        (self.stage, self.whole, self.pictures) = (Duration::ZERO, Duration::ZERO, 0);
        if whole > self.interval && stage * NEGLIGIBLE > self.interval {
            Verdict::TooSlow { stage, whole, interval: self.interval }
        } else {
            Verdict::Fine
        }
    }

    /// The stage did its work.
    pub(super) fn worked(&mut self) {
        self.failures = 0;
    }

    /// The stage failed on a picture; `true` when it is taken for broken.
    pub(super) fn failed(&mut self) -> bool {
        self.failures += 1;
        self.failures >= MOST_FAILURES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    /// Which picture the stage was found too slow at, out of ten seconds of them.
    fn judged(frame_rate: u32, times: impl Fn(u32) -> (Duration, Duration)) -> Option<u32> {
        let mut fallback = Fallback::new(f64::from(frame_rate));
        (1..=10 * frame_rate).find(|picture| {
            let (stage, encoder) = times(*picture);
            fallback.picture(stage, stage + encoder) != Verdict::Fine
        })
    }

    #[test]
    fn a_stage_stays_while_the_frame_rate_is_held() {
        assert_eq!(judged(30, |_| (ms(1), ms(10))), None);
        assert_eq!(judged(30, |_| (ms(20), ms(12))), None, "much, but there is the time for it");
        assert_eq!(judged(15, |_| (ms(40), ms(20))), None);
    }

    #[test]
    fn a_stage_that_makes_pictures_late_goes_within_two_seconds() {
        assert_eq!(judged(30, |_| (ms(20), ms(20))), Some(50), "two seconds of work");
        assert_eq!(judged(15, |_| (ms(200), ms(10))), Some(10));
        assert_eq!(judged(1, |_| (ms(3000), ms(10))), Some(1));
    }

    #[test]
    fn a_slow_encoder_is_not_the_stage_s_fault() {
        assert_eq!(judged(30, |_| (ms(2), ms(60))), None);
    }

    #[test]
    fn one_stall_is_forgiven() {
        assert_eq!(judged(30, |picture| if picture == 40 { (ms(900), ms(5)) } else { (ms(1), ms(5)) }), None);
    }

    #[test]
    fn a_stage_that_becomes_slow_goes_a_period_later() {
        let found = judged(30, |picture| if picture > 150 { (ms(35), ms(5)) } else { (ms(1), ms(5)) });
        assert!(found.is_some_and(|picture| (151..=240).contains(&picture)), "{found:?}");
    }

    #[test]
    fn the_means_are_told() {
        let mut fallback = Fallback::new(10.0);
        let verdict = std::iter::repeat_with(|| fallback.picture(ms(120), ms(150)))
            .find(|verdict| *verdict != Verdict::Fine);
        let told = Verdict::TooSlow { stage: ms(120), whole: ms(150), interval: ms(100) };
        assert_eq!(verdict, Some(told));
    }

    #[test]
    fn failures_count_in_a_row_only() {
        let mut fallback = Fallback::new(30.0);
        assert!(!fallback.failed() && !fallback.failed());
        fallback.worked();
        assert!(!fallback.failed() && !fallback.failed() && fallback.failed());
        fallback.reset();
        assert!(!fallback.failed());
    }
}
