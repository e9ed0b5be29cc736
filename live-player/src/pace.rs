//! How fast to play, and when to skip, so that the cache stays at its target: pure.
//!
//! The cache is the media time ahead of the playhead. Its target starts at `min-cache`, rises at once with what the
//! lateness of media asks for, never over `max-cache`, and falls slowly. What is compared with the target is not the
//! cache of the moment, which falls by every wait for a packet, but the *crest*: the cache as it would be had
//! everything come as early as the earliest of the last second. A crest over the target for a second is played faster,
//! one that is under it when the cache runs low is played slower; both end at the target, so the two never alternate.

use live_core::Timestamp;
use std::time::{Duration, Instant};

/// The fastest, as a multiple of real time (behaviour §2).
pub(crate) const FASTEST: f64 = 1.1;
/// The slowest (behaviour §2).
pub(crate) const SLOWEST: f64 = 0.95;
/// The rate moves by no more than this in a second.
const SLEW_PER_SECOND: f64 = 0.1;
/// So long must the crest be over the target before it is played faster.
const OVER_FOR: Duration = Duration::from_secs(1);
/// Less over the target than this is let be, however small the target is.
const LEAST_OVER_MICROS: i64 = 10_000;
/// The last stretch to the target is played less fast.
const NEAR_MICROS: f64 = 100_000.0;
const SLOWEST_CATCH_UP: f64 = 0.03;
/// So much under the target is one.
const UNDER_MICROS: i64 = 10_000;
/// The target falls by this much in a second.
const FALL_MICROS_PER_SECOND: f64 = 50_000.0;
/// Cache over `max-cache` by this much is skipped (behaviour §2).
const SKIP_OVER: Duration = Duration::from_secs(1);
/// A burst is waited for before a skip, but no longer than this.
const BURST_WAIT: Duration = Duration::from_secs(2);
/// For so many slices after it has come, a burst may go on.
const BURST_SLICES: i64 = 4;
/// Media coming this much faster than it plays is a burst.
const BURST_FACTOR: i64 = 2;

/// A track that is waited for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ahead {
    /// Where the newest received unit ends.
    pub(crate) end: Timestamp,
    /// The cache that its lateness asks for.
    pub(crate) need: Duration,
}

/// Pictures and sound; `None` for a track that is not there or brings nothing.
pub(crate) type Tracks = [Option<Ahead>; 2];

/// The state machine.
#[derive(Clone, Debug)]
pub(crate) struct Pace {
    min: i64,
    max: i64,
    tracks: [Track; 2],
    rate: f64,
    mode: Mode,
    over_since: Option<Instant>,
    skip_since: Option<Instant>,
    begun: Instant,
    last: Instant,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Mode {
    AtTarget,
    Faster,
    Slower,
}

#[derive(Clone, Copy, Debug, Default)]
struct Track {
    target: f64,
    crest: Crest,
}

impl Pace {
    pub(crate) fn new(min: Duration, max: Duration, now: Instant) -> Self {
        let (min, max) = (micros(min), micros(max).max(micros(min)));
        let track = Track { target: min as f64, crest: Crest::default() };
        Self {
            min,
            max,
            tracks: [track; 2],
            rate: 1.0,
            mode: Mode::AtTarget,
            over_since: None,
            skip_since: None,
            begun: now,
            last: now,
        }
    }

    /// What later than this is no jitter but an outage.
    pub(crate) fn outage(max_cache: Duration) -> Duration {
        max_cache + SKIP_OVER
    }

    /// Media time that passes in a second.
    pub(crate) const fn rate(&self) -> f64 {
        self.rate
    }

    /// The cache that is aimed at, of the track that asks for more.
    pub(crate) fn target(&self, tracks: &Tracks) -> Duration {
        let targets = self.tracks.iter().zip(tracks).filter(|(_, ahead)| ahead.is_some());
        let most = targets.map(|(track, _)| track.target as i64).max().unwrap_or(self.min);
        Duration::from_micros(most.max(0).unsigned_abs())
    }

    /// The cache that is aimed at for one track.
    pub(crate) fn target_of(&self, track: usize) -> Duration {
        Duration::from_micros(self.tracks[track].target.max(0.0) as u64)
    }

    /// Looks at the tracks; to be called at every poll, also while nothing moves.
    pub(crate) fn observe(&mut self, now: Instant, tracks: &Tracks) {
        let passed = now.saturating_duration_since(self.last).as_secs_f64();
        let since = micros(now.saturating_duration_since(self.begun));
        for (track, ahead) in self.tracks.iter_mut().zip(tracks) {
            let Some(ahead) = ahead else { continue };
            let wanted = micros(ahead.need).clamp(self.min, self.max) as f64;
            track.target = wanted.max(track.target - FALL_MICROS_PER_SECOND * passed);
            track.crest.note(since, ahead.end.as_micros());
        }
        self.last = now;
    }

    /// Whether media comes much faster than it can be played.
    pub(crate) fn is_burst(&self, now: Instant) -> bool {
        let since = micros(now.saturating_duration_since(self.begun));
        self.tracks.iter().any(|track| track.crest.is_rising(since, 1))
    }

    /// The crest of the track that has the least over its target, less that target; in µs.
    pub(crate) fn surplus(&self, now: Instant, position: Timestamp, tracks: &Tracks) -> Option<i64> {
        let since = micros(now.saturating_duration_since(self.begun));
        let each = self.tracks.iter().zip(tracks).filter_map(|(track, ahead)| {
            ahead.as_ref()?;
            let edge = track.crest.highest(since)?.saturating_add(since);
            Some(edge.saturating_sub(position.as_micros()).saturating_sub(track.target as i64))
        });
        each.min()
    }

    /// Decides the rate while the stream moves. `true`: skip to the newest key frame that leaves the target.
    pub(crate) fn steer(&mut self, now: Instant, position: Timestamp, tracks: &Tracks) -> bool {
        let slice = now.saturating_duration_since(self.last);
        self.observe(now, tracks);
        let ends = || tracks.iter().flatten().map(|ahead| ahead.end);
        let (Some(end), Some(surplus)) = (ends().min(), self.surplus(now, position, tracks)) else {
            self.mode = Mode::AtTarget;
            self.turn(1.0, slice);
            return false;
        };
        let cache = end.micros_since(position);
        let target = micros(self.target(tracks));
        let dip = tracks.iter().flatten().map(|ahead| micros(ahead.need)).max().unwrap_or(0);
        let is_low = cache < target / 2;

        let over = surplus > (target / 10).max(LEAST_OVER_MICROS);
        self.over_since = over.then(|| self.over_since.unwrap_or(now));
        let over_long = self.over_since.is_some_and(|since| now.saturating_duration_since(since) >= OVER_FOR);
        // Less than what the usual lateness leaves: an outage. Else the playhead has to be further behind.
        let under = is_low && (cache < target.saturating_sub(dip) || surplus < -UNDER_MICROS);
        self.mode = match self.mode {
            Mode::Faster if surplus <= 0 || is_low => Mode::AtTarget,
            Mode::Slower if surplus >= 0 && !is_low => Mode::AtTarget,
            Mode::AtTarget if under => Mode::Slower,
            Mode::AtTarget if over_long && !is_low => Mode::Faster,
            mode => mode,
        };
        let wanted = match self.mode {
            Mode::AtTarget => 1.0,
            Mode::Slower => SLOWEST,
            Mode::Faster => {
                let near = (surplus as f64 / NEAR_MICROS).clamp(0.0, 1.0);
                1.0 + SLOWEST_CATCH_UP + (FASTEST - 1.0 - SLOWEST_CATCH_UP) * near
            }
        };
        self.turn(wanted, slice);
        self.wants_skip(now, cache)
    }

    /// Whether so much is ahead that it is skipped.
    pub(crate) fn wants_skip(&mut self, now: Instant, cache: i64) -> bool {
        if cache <= self.max + micros(SKIP_OVER) {
            self.skip_since = None;
            return false;
        }
        let since = *self.skip_since.get_or_insert(now);
        // One skip at the end of a burst is better than several in it. Losses make a burst pause.
        let elapsed = micros(now.saturating_duration_since(self.begun));
        let is_burst = self
            .tracks
            .iter()
            .any(|track| (1..=BURST_SLICES).any(|back| track.crest.is_rising(elapsed, back)));
        !is_burst || now.saturating_duration_since(since) >= BURST_WAIT
    }

    /// Motion starts, or goes on elsewhere.
    pub(crate) fn restart(&mut self) {
        (self.rate, self.mode) = (1.0, Mode::AtTarget);
        (self.over_since, self.skip_since) = (None, None);
    }

    fn turn(&mut self, wanted: f64, slice: Duration) {
        let step = SLEW_PER_SECOND * slice.as_secs_f64().min(0.1);
        self.rate = wanted.clamp(self.rate - step, self.rate + step).clamp(SLOWEST, FASTEST);
    }
}

/// A slice of the time that a crest is kept for.
const SLICE_MICROS: i64 = 100_000;
/// Less than [`OVER_FOR`], so that a single burst never counts as a crest that lasted.
const SLICES: usize = 9;

/// The highest that a track's end has stood above the clock in the last second.
#[derive(Clone, Copy, Debug, Default)]
struct Crest([Slice; SLICES]);

#[derive(Clone, Copy, Debug, Default)]
struct Slice {
    /// Which slice of time it is, from 1.
    number: i64,
    highest: i64,
    /// Where the track ended when the slice began.
    end: i64,
}

impl Crest {
    /// At `since` µs the track ended at `end` µs.
    fn note(&mut self, since: i64, end: i64) {
        let number = since / SLICE_MICROS + 1;
        let slice = &mut self.0[(number % SLICES as i64) as usize];
        if slice.number != number {
            *slice = Slice { number, highest: i64::MIN, end };
        }
        slice.highest = slice.highest.max(end.saturating_sub(since));
    }

    fn highest(&self, since: i64) -> Option<i64> {
        let oldest = since / SLICE_MICROS + 1 - SLICES as i64;
        self.0.iter().filter(|slice| slice.number > oldest.max(0)).map(|slice| slice.highest).max()
    }

    /// Whether the end has run ahead of the clock since the slice that is `back` before this one began.
    fn is_rising(&self, since: i64, back: i64) -> bool {
        let number = since / SLICE_MICROS + 1;
        let slice = |number: i64| self.0.iter().find(|slice| slice.number == number && number > 0);
        // At the very start there is none before.
        let Some(before) = slice(number - back).or_else(|| slice(number)) else { return false };
        let highest = slice(number).map_or(before.highest, |slice| slice.highest.max(before.highest));
        let passed = since.saturating_sub((before.number - 1) * SLICE_MICROS);
        let came = highest.saturating_add(since).saturating_sub(before.end);
        came > BURST_FACTOR * passed + SLICE_MICROS
    }
}

pub(crate) fn micros(span: Duration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX)
}
