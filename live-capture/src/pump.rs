//! Paces what is made or read faster than real time.
//!
//! Deadlines are absolute: unit `n` is due at `n / rate` of the session timeline, so nothing drifts however long it runs
//! and however late a thread wakes.

use live_core::{CaptureError, CaptureErrorKind, CaptureGuard, SessionClock, Timestamp};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Units later than this are skipped; what is less late is caught up with.
const LATEST: Duration = Duration::from_secs(1);

/// Whether a producer has more to give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// Call again for the next unit.
    GoOn,
    /// The last unit has been made, or nobody takes them any more.
    End,
}

impl Flow {
    /// [`GoOn`](Self::GoOn) when `wanted`: fits the answer of [`FrameSender::send`](live_core::queue::FrameSender::send).
    #[must_use]
    pub const fn go_on_if(wanted: bool) -> Self {
        if wanted { Self::GoOn } else { Self::End }
    }
}

/// Which unit comes next and when it is due. Pure: time is an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    rate: u32,
    next: u64,
}

impl Pace {
    /// Units at `rate` per second on the grid of the session timeline, from the first one that is not over at `now`.
    #[must_use]
    pub fn starting_at(now: Timestamp, rate: u32) -> Self {
        let rate = rate.max(1);
        Self { rate, next: first_not_before(now, rate) }
    }

    /// The instant at which the next unit is due.
    #[must_use]
    pub fn due(&self) -> Timestamp {
        Timestamp::from_index(self.next, self.rate)
    }

    /// Takes the next unit: its number and instant. Units more than a second late at `now` are left out.
    pub fn take(&mut self, now: Timestamp) -> (u64, Timestamp) {
        if now.saturating_since(self.due()) > LATEST {
            self.next = first_not_before(now, self.rate);
        }
        let unit = (self.next, self.due());
        self.next += 1;
        unit
    }
}

/// The first unit whose instant is `now` or later.
fn first_not_before(now: Timestamp, rate: u32) -> u64 {
    let micros = u128::from(now.saturating_since(Timestamp::ZERO).as_micros() as u64);
    let index = (micros * u128::from(rate)).div_ceil(1_000_000) as u64;
    // Instants are rounded down to whole microseconds, so the unit before may round onto `now`.
    let before = index.saturating_sub(1);
    if Timestamp::from_index(before, rate) >= now { before } else { index }
}

/// Time as a pump sees it.
pub trait Wait {
    /// The instant it is.
    fn now(&self) -> Timestamp;
    /// Returns at `due`, at once when that is over. `false` when the pump is to stop.
    fn until(&mut self, due: Timestamp) -> bool;
}

/// Calls `produce` for each unit when it is due, until one of them ends it.
pub fn run(mut pace: Pace, wait: &mut impl Wait, mut produce: impl FnMut(u64, Timestamp) -> Flow) {
    while wait.until(pace.due()) {
        let (index, due) = pace.take(wait.now());
        if produce(index, due) == Flow::End {
            return;
        }
    }
}

/// Calls `produce` for each unit when it is due, on a thread named `name`. Dropping the guard interrupts the waiting at
/// once and returns when the call to `produce` that is under way, if any, has returned.
///
/// # Errors
/// [`CaptureErrorKind::Failed`] when the system gives no thread.
pub fn spawn(
    name: &str,
    clock: SessionClock,
    pace: Pace,
    produce: impl FnMut(u64, Timestamp) -> Flow + Send + 'static,
) -> Result<CaptureGuard, CaptureError> {
    let stop = Arc::new(Stop::default());
    let mut wait = RealTime { clock, stop: Arc::clone(&stop) };
    let thread = std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(move || run(pace, &mut wait, produce))
        .map_err(|error| {
            CaptureError::new(CaptureErrorKind::Failed, name, "the system gave no thread to run it on")
                .because(error)
        })?;
    Ok(CaptureGuard::over_thread(thread, move || stop.set()))
}

/// A flag that wakes who waits for it.
#[derive(Debug, Default)]
struct Stop {
    set: Mutex<bool>,
    changed: Condvar,
}

impl Stop {
    fn set(&self) {
        *self.set.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.changed.notify_all();
    }

    /// Waits until `deadline`, or until the flag is set: then `true`, and at once.
    fn wait_until(&self, deadline: Instant) -> bool {
        let mut set = self.set.lock().unwrap_or_else(PoisonError::into_inner);
        while !*set {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            set = self.changed.wait_timeout(set, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }
}

/// The session clock, waited for by the operating system.
struct RealTime {
    clock: SessionClock,
    stop: Arc<Stop>,
}

impl Wait for RealTime {
    fn now(&self) -> Timestamp {
        self.clock.at(Instant::now())
    }

    fn until(&mut self, due: Timestamp) -> bool {
        !self.stop.wait_until(self.clock.instant_of(due))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A clock that is moved by waiting and by the producer's work.
    struct Fake {
        now: Timestamp,
        waits_left: usize,
    }

    impl Wait for Fake {
        fn now(&self) -> Timestamp {
            self.now
        }

        fn until(&mut self, due: Timestamp) -> bool {
            // Wakes a little late, as systems do.
            self.now = self.now.max(due.offset_micros(70));
            self.waits_left = self.waits_left.saturating_sub(1);
            self.waits_left > 0
        }
    }

    #[test]
    fn an_hour_at_an_uneven_rate_does_not_drift() {
        let mut wait = Fake { now: Timestamp::from_micros(123_456), waits_left: usize::MAX };
        let mut count = 0;
        run(Pace::starting_at(wait.now, 30), &mut wait, |index, due| {
            assert_eq!(index, 4 + count);
            assert_eq!(due, Timestamp::from_index(index, 30));
            count += 1;
            Flow::go_on_if(count < 30 * 3600)
        });
        assert_eq!(wait.now, Timestamp::from_index(4 + 30 * 3600 - 1, 30).offset_micros(70));
    }

    #[test]
    fn short_delays_are_caught_up_with_and_long_ones_left_out() {
        let mut pace = Pace::starting_at(Timestamp::ZERO, 10);
        let at = Timestamp::from_millis;
        assert_eq!(pace.take(at(0)), (0, at(0)));
        assert_eq!(pace.take(at(900)), (1, at(100)));
        assert_eq!(pace.take(at(900)), (2, at(200)));
        assert_eq!(pace.take(at(1301)), (14, at(1400)));
        assert_eq!(pace.take(at(1400)), (15, at(1500)));
    }

    #[test]
    fn a_pump_starts_on_the_grid_of_the_timeline() {
        for rate in [1, 7, 15, 30, 48_000] {
            for index in [0_u64, 1, 2, 29, 1_000_003] {
                let instant = Timestamp::from_index(index, rate);
                assert_eq!(Pace::starting_at(instant, rate).due(), instant, "{index} at {rate}");
                assert!(Pace::starting_at(instant.offset_micros(1), rate).due() > instant);
            }
        }
        assert_eq!(Pace::starting_at(Timestamp::from_millis(-5), 10).due(), Timestamp::ZERO);
    }

    #[test]
    fn a_stop_ends_the_waiting_whatever_the_deadline() {
        let mut wait = Fake { now: Timestamp::ZERO, waits_left: 3 };
        let mut made = 0;
        run(Pace::starting_at(Timestamp::ZERO, 30), &mut wait, |_, _| {
            made += 1;
            Flow::GoOn
        });
        assert_eq!(made, 2);
    }

    #[test]
    fn dropping_the_guard_interrupts_a_wait_of_an_hour() {
        let clock = SessionClock::starting_at(Instant::now() + Duration::from_secs(3600));
        let guard = spawn("test", clock, Pace::starting_at(Timestamp::ZERO, 1), |_, _| Flow::GoOn).unwrap();
        let begin = Instant::now();
        drop(guard);
        assert!(begin.elapsed() < Duration::from_secs(60));
    }
}
