//! Which picture size and frame rate suits a bitrate.

use super::{RateConfig, Temper};
use std::time::{Duration, Instant};

/// Bits per pixel under which a smaller picture looks better.
const LEAST_BITS_PER_PIXEL: f64 = 0.06;
/// A larger picture needs this many times its least bitrate before it comes back.
const MARGIN: f64 = 1.25;
/// Fewer pictures per second than this look like a slide show.
const LEAST_FPS: f64 = 8.0;
/// What the lower frame rate is of the configured one.
const FEWER: f64 = 2.0 / 3.0;
/// An encoder that makes this many times what it shall cannot do better at its size.
const OVERSHOOT: f64 = 1.3;

/// For how long it is remembered what such an encoder needed: scenes change.
const REMEMBERED: Duration = Duration::from_secs(180);

/// A size and a frame rate.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Level {
    step: usize,
    fps: f64,
    /// Under this many kbit/s the next level is better.
    least_kbps: f64,
}

/// Goes up and down a ladder of sizes and frame rates, unhurriedly: each change of size costs a key frame.
#[derive(Clone, Debug)]
pub(super) struct Ladder {
    levels: Vec<Level>,
    current: usize,
    /// Since when another level would suit, and which way.
    unsuited: Option<(Instant, bool)>,
    changed: Option<Instant>,
    /// For each level that the encoder could not keep to its bitrate, what it made in kbit/s, and when.
    overshot: Vec<Option<(f64, Instant)>>,
    down_after: Duration,
    up_after: Duration,
}

impl Ladder {
    pub(super) fn new(config: &RateConfig) -> Self {
        let last = config.ladder.len().saturating_sub(1);
        let fewer = (config.fps * FEWER).round();
        let mut levels = Vec::new();
        for (step, size) in config.ladder.iter().enumerate() {
            let pixels = f64::from(size.width) * f64::from(size.height);
            let level =
                |fps: f64| Level { step, fps, least_kbps: pixels * fps * LEAST_BITS_PER_PIXEL / 1000.0 };
            levels.push(level(config.fps));
            // Clarity gives up motion first, conversation gives it up last.
            if fewer >= LEAST_FPS && (config.temper == Temper::Calm || step == last) {
                levels.push(level(fewer));
            }
        }
        levels.sort_by(|a, b| b.least_kbps.total_cmp(&a.least_kbps));
        let quick = config.temper == Temper::Quick;
        Self {
            current: 0,
            unsuited: None,
            changed: None,
            overshot: vec![None; levels.len()],
            down_after: Duration::from_millis(if quick { 1000 } else { 2500 }),
            up_after: Duration::from_secs(if quick { 6 } else { 12 }),
            levels,
        }
    }

    /// The step and frame rate of the moment.
    pub(super) fn now(&self) -> (usize, f64) {
        let level = self.levels[self.current];
        (level.step, level.fps)
    }

    /// Takes the bitrate, what the encoder makes of it as a part of what it shall make, and in kbit/s. Says whether the
    /// level is another one now.
    pub(super) fn update(&mut self, now: Instant, kbps: f64, made: f64, made_kbps: f64) -> bool {
        let suited = self.suited(now, kbps, made);
        if suited == self.current {
            self.unsuited = None;
            return false;
        }
        let down = suited > self.current;
        let since = match self.unsuited {
            Some((since, way)) if way == down => since,
            _ => {
                self.unsuited = Some((now, down));
                now
            }
        };
        let patience = if down { self.down_after } else { self.up_after };
        let settled = self
            .changed
            .is_none_or(|changed| down || now.saturating_duration_since(changed) >= 2 * self.up_after);
        if now.saturating_duration_since(since) >= patience && settled {
            if made > OVERSHOOT {
                self.overshot[self.current] = Some((made_kbps.max(kbps * made), now));
            }
            self.current = suited;
            self.changed = Some(now);
            self.unsuited = None;
            return true;
        }
        false
    }

    /// The level that suits.
    fn suited(&self, now: Instant, kbps: f64, made: f64) -> usize {
        let last = self.levels.len() - 1;
        let fits = |level: &Level| kbps >= level.least_kbps;
        if !fits(&self.levels[self.current]) {
            let below = self.levels[self.current..].iter().position(fits);
            return below.map_or(last, |below| self.current + below);
        }
        if made > OVERSHOOT {
            return (self.current + 1).min(last);
        }
        let barred =
            |(needs, at): (f64, Instant)| kbps < needs && now.saturating_duration_since(at) < REMEMBERED;
        let above = self.levels[..self.current]
            .iter()
            .zip(&self.overshot)
            .position(|(level, overshot)| kbps >= level.least_kbps * MARGIN && !overshot.is_some_and(barred));
        above.unwrap_or(self.current)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use live_core::config::{Aspect, Mode, Orientation};
    use proptest::prelude::*;

    fn config(mode: Mode) -> RateConfig {
        RateConfig {
            min_kbps: 100,
            max_kbps: 3000,
            start_kbps: 500,
            fps: 15.0,
            ladder: mode.ladder(Aspect::NineSixteen, Orientation::Vertical),
            temper: mode.into(),
            adaptive: true,
        }
    }

    /// The levels that a ladder of `mode` goes through, when the bitrate has each value for so many seconds.
    fn walk(mode: Mode, rates: &[(f64, u64)], made: f64) -> Vec<(usize, f64)> {
        let mut ladder = Ladder::new(&config(mode));
        let mut now = Instant::now();
        let mut levels = vec![ladder.now()];
        for (kbps, seconds) in rates {
            for _ in 0..seconds * 10 {
                now += Duration::from_millis(100);
                ladder.update(now, *kbps, made, *kbps * made);
                if levels.last() != Some(&ladder.now()) {
                    levels.push(ladder.now());
                }
            }
        }
        levels
    }

    #[test]
    fn conversation_takes_smaller_pictures_and_fewer_last() {
        let levels = walk(Mode::Rtc, &[(500.0, 20), (150.0, 20), (40.0, 20), (500.0, 60)], 1.0);
        assert_eq!(levels, [(0, 15.0), (1, 15.0), (2, 10.0), (0, 15.0)]);
    }

    #[test]
    fn clarity_gives_up_motion_first() {
        let levels =
            walk(Mode::Fhd, &[(1200.0, 20), (700.0, 20), (500.0, 20), (350.0, 20), (1200.0, 90)], 1.0);
        assert_eq!(levels, [(0, 15.0), (0, 10.0), (1, 15.0), (1, 10.0), (0, 15.0)]);
    }

    #[test]
    fn a_short_dip_and_a_rate_around_the_limit_change_nothing_or_once() {
        assert_eq!(walk(Mode::Hd, &[(900.0, 20), (100.0, 2), (900.0, 20)], 1.0).len(), 1);
        let around: Vec<_> = (0..60).map(|n| (if n % 2 == 0 { 195.0 } else { 220.0 }, 4)).collect();
        assert_eq!(walk(Mode::Rtc, &around, 1.0), [(0, 15.0), (1, 15.0)]);
    }

    #[test]
    fn an_encoder_that_makes_too_much_gets_a_smaller_picture() {
        assert_eq!(walk(Mode::Rtc, &[(500.0, 2)], 1.5), [(0, 15.0), (1, 15.0)]);
    }

    #[test]
    fn a_size_that_was_too_much_comes_back_with_the_bitrate_that_it_needs() {
        let mut ladder = Ladder::new(&config(Mode::Rtc));
        let mut now = Instant::now();
        let mut run = |kbps: f64, made: f64, seconds: u64| {
            for _ in 0..seconds * 10 {
                now += Duration::from_millis(100);
                ladder.update(now, kbps, made, kbps * made);
            }
            ladder.now().0
        };
        assert_eq!(run(500.0, 3.0, 1), 0);
        assert_eq!(run(500.0, 3.0, 1), 1);
        assert_eq!(run(100.0, 3.0, 3), 2, "a smaller one is too much, too: of that only little is needed");
        assert_eq!(run(1200.0, 1.0, 60), 1, "it made 1500");
        assert_eq!(run(1600.0, 1.0, 20), 0);
    }

    proptest! {
        #[test]
        fn sizes_change_seldom_whatever_the_bitrate_does(rates in prop::collection::vec(20.0..3000.0f64, 1..300)) {
            let rates: Vec<_> = rates.into_iter().map(|kbps| (kbps, 1)).collect();
            let changes = walk(Mode::Rtc, &rates, 1.0).len() - 1;
            // Each way up takes its time, and leads to at most three ways down.
            prop_assert!(changes <= 4 + rates.len() / 3, "{changes} in {} s", rates.len());
        }
    }
}
