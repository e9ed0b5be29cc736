//! Where the device is: written by its callback, read by the presenter, without a lock.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};
use std::time::{Duration, Instant};

/// What the callback tells when it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Report {
    /// Sample frames of sound the device had taken before.
    pub(crate) taken: u64,
    /// When it asked for more.
    pub(crate) at: Instant,
    /// From then until what it asked for is heard.
    pub(crate) latency: Duration,
}

/// A report for one writer and any readers. A reader that meets the writer reads again: it never gets parts of two.
#[derive(Debug)]
pub(crate) struct Tap {
    since: Instant,
    /// Odd while a report is being written; 0 before the first.
    turn: AtomicU64,
    taken: AtomicU64,
    at: AtomicU64,
    latency: AtomicU64,
    asked: AtomicU64,
    starved: AtomicBool,
    /// What waits is to be dropped.
    drop: AtomicBool,
}

fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}

impl Tap {
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            since: now,
            turn: AtomicU64::new(0),
            taken: AtomicU64::new(0),
            at: AtomicU64::new(0),
            latency: AtomicU64::new(0),
            asked: AtomicU64::new(0),
            starved: AtomicBool::new(true),
            drop: AtomicBool::new(false),
        }
    }

    /// When the device was opened.
    pub(crate) const fn began(&self) -> Instant {
        self.since
    }

    /// Asks the callback to drop what waits.
    pub(crate) fn ask_to_drop(&self) {
        self.drop.store(true, Ordering::Relaxed);
    }

    /// Whether that was asked for; once.
    pub(crate) fn is_to_drop(&self) -> bool {
        self.drop.load(Ordering::Relaxed) && self.drop.swap(false, Ordering::Relaxed)
    }

    pub(crate) fn write(&self, report: Report) {
        let turn = self.turn.load(Ordering::Relaxed);
        self.turn.store(turn + 1, Ordering::Relaxed);
        fence(Ordering::Release);
        self.taken.store(report.taken, Ordering::Relaxed);
        self.at.store(nanos(report.at.saturating_duration_since(self.since)), Ordering::Relaxed);
        self.latency.store(nanos(report.latency), Ordering::Relaxed);
        self.turn.store(turn + 2, Ordering::Release);
    }

    /// The newest report; `None` before the first one.
    pub(crate) fn read(&self) -> Option<Report> {
        loop {
            let turn = self.turn.load(Ordering::Acquire);
            if turn == 0 {
                return None;
            }
            let taken = self.taken.load(Ordering::Relaxed);
            let at = self.since + Duration::from_nanos(self.at.load(Ordering::Relaxed));
            let latency = Duration::from_nanos(self.latency.load(Ordering::Relaxed));
            fence(Ordering::Acquire);
            if turn.is_multiple_of(2) && self.turn.load(Ordering::Relaxed) == turn {
                return Some(Report { taken, at, latency });
            }
            // The writer is a few stores from its end.
            std::hint::spin_loop();
        }
    }

    /// Counts what the device wanted, sound or not, and whether there was less.
    pub(crate) fn note(&self, asked: u64, starved: bool) {
        self.asked.fetch_add(asked, Ordering::Relaxed);
        self.starved.store(starved, Ordering::Relaxed);
    }

    /// Whether the device has played all it was given.
    pub(crate) fn is_starved(&self) -> bool {
        self.starved.load(Ordering::Relaxed)
    }

    /// Whether the device takes sound as fast as it gets it, and not in the time sound takes: `rate` frames a second.
    /// Its buffer may hold two seconds.
    pub(crate) fn is_unpaced(&self, rate: u32, now: Instant) -> bool {
        let passed = now.saturating_duration_since(self.since) + Duration::from_secs(2);
        let most = passed.as_secs_f64() * 1.5 * f64::from(rate);
        self.asked.load(Ordering::Relaxed) as f64 > most
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_never_gets_parts_of_two_reports() {
        let now = Instant::now();
        let tap = Tap::new(now);
        assert_eq!(tap.read(), None);
        let report = |number: u64| Report {
            taken: number,
            at: now + Duration::from_nanos(number),
            latency: Duration::from_nanos(number),
        };
        std::thread::scope(|scope| {
            scope.spawn(|| (1..=200_000).for_each(|number| tap.write(report(number))));
            let mut last = 0;
            while last < 200_000 {
                if let Some(read) = tap.read() {
                    assert_eq!(read, report(read.taken));
                    assert!(read.taken >= last);
                    last = read.taken;
                }
            }
        });
    }

    #[test]
    fn a_device_without_a_clock_is_found_out() {
        let now = Instant::now();
        let tap = Tap::new(now);
        let after = |ms| now + Duration::from_millis(ms);
        tap.note(96_000, true);
        assert!(!tap.is_unpaced(48_000, after(25)), "a buffer of two seconds is filled at once");
        tap.note(96_000, true);
        assert!(tap.is_unpaced(48_000, after(25)));
        assert!(!tap.is_unpaced(48_000, after(3_000)), "and four seconds of sound in three are possible");
    }
}
