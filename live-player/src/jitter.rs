//! How late media comes: pure.

use crate::pace::micros;
use live_core::Timestamp;
use std::time::{Duration, Instant};

/// Lateness is remembered for this many seconds.
const MEMORY: usize = 10;
/// Media that comes this much earlier than any before belongs to a burst at the start: what came until then was old,
/// and not late.
const BURST_MICROS: i64 = 20_000;
/// The burst is over when none has come for this long …
const SETTLED_AFTER: Duration = Duration::from_millis(200);
/// … or this long after the first unit.
const SETTLED_AT_LAST: Duration = Duration::from_secs(3);

/// The lateness of a track's units, against the earliest of the last ten seconds.
///
/// A peak and not a mean: a cache that covers it would have covered everything that came in that time. What is later
/// than a bound is an outage, which no allowed cache covers, and does not count.
#[derive(Clone, Debug)]
pub(crate) struct Lateness {
    outage_micros: i64,
    seconds: [Option<Second>; MEMORY],
    begun: Option<Instant>,
    /// When the last much earlier unit came, and its transit time.
    burst: Option<(Instant, i64)>,
    /// What an outage has held up is still coming.
    after_outage: bool,
}

/// The transit times of one second, in µs from an arbitrary zero.
#[derive(Clone, Copy, Debug)]
struct Second {
    number: u64,
    least: i64,
    most: Option<i64>,
}

impl Lateness {
    /// Nothing is known yet; what is later than `outage` will not count.
    pub(crate) fn new(outage: Duration) -> Self {
        Self {
            outage_micros: micros(outage),
            seconds: [None; MEMORY],
            begun: None,
            burst: None,
            after_outage: false,
        }
    }

    /// The unit of media time `media` came at `now`.
    pub(crate) fn record(&mut self, now: Instant, media: Timestamp) {
        let begun = *self.begun.get_or_insert(now);
        let age = now.saturating_duration_since(begun);
        let transit = Timestamp::ZERO.saturating_add(age).micros_since(media);
        self.forget_before(age.as_secs());
        let least = self.least();
        if self.burst.is_none_or(|(_, earliest)| transit < earliest - BURST_MICROS) {
            self.burst = Some((now, transit));
        }
        let since_burst = self.burst.map_or(age, |(at, _)| now.saturating_duration_since(at));
        let settled = since_burst >= SETTLED_AFTER || age >= SETTLED_AT_LAST;
        let late = transit.saturating_sub(least.unwrap_or(transit));
        self.after_outage = late > self.outage_micros || (self.after_outage && late > BURST_MICROS);
        let counts = settled && !self.after_outage;
        let place = (age.as_secs() % MEMORY as u64) as usize;
        let second =
            self.seconds[place].get_or_insert(Second { number: age.as_secs(), least: transit, most: None });
        second.least = second.least.min(transit);
        if counts {
            second.most = Some(second.most.map_or(transit, |most| most.max(transit)));
        }
    }

    /// What is too old counts no more at `second`. After a silence that long the earliest is kept, to tell by what comes
    /// that it was held up.
    fn forget_before(&mut self, second: u64) {
        let least = self.least();
        for place in &mut self.seconds {
            if place.is_some_and(|old| old.number + MEMORY as u64 <= second) {
                *place = None;
            }
        }
        if let (None, Some(least)) = (self.least(), least) {
            let place = (second % MEMORY as u64) as usize;
            self.seconds[place] = Some(Second { number: second, least, most: None });
        }
    }

    fn least(&self) -> Option<i64> {
        self.seconds.iter().flatten().map(|second| second.least).min()
    }

    /// By how much the latest unit that counts was later than the earliest.
    pub(crate) fn peak(&self) -> Duration {
        let Some(least) = self.least() else { return Duration::ZERO };
        let late = self.seconds.iter().flatten().filter_map(|second| second.most?.checked_sub(least));
        let peak = late.max().unwrap_or(0);
        Duration::from_micros(peak.max(0).unsigned_abs())
    }

    /// Another connection or timeline begins: times before it cannot be compared with those after.
    pub(crate) fn restart(&mut self) {
        *self = Self { outage_micros: self.outage_micros, ..Self::new(Duration::ZERO) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The peak in ms after units of 20 ms that come when `arrives` says, in ms.
    fn after(units: u64, arrives: impl Fn(u64) -> u64) -> u128 {
        let start = Instant::now();
        let mut lateness = Lateness::new(Duration::from_secs(4));
        for index in 0..units {
            lateness.record(
                start + Duration::from_millis(arrives(index)),
                Timestamp::from_millis(20 * index as i64),
            );
        }
        lateness.peak().as_millis()
    }

    #[test]
    fn an_even_stream_has_none_and_an_uneven_one_its_peak() {
        assert_eq!(after(500, |index| 20 * index), 0);
        assert_eq!(after(500, |index| 20 * index + 30 * (index % 2)), 30);
        assert_eq!(after(500, |index| 20 * index + if index == 250 { 700 } else { 0 }), 700);
        assert_eq!(after(1_000, |index| 20 * index + if index == 250 { 700 } else { 0 }), 0, "is forgotten");
    }

    #[test]
    fn a_burst_at_the_start_is_old_and_not_late() {
        assert_eq!(after(500, |index| (20 * index).saturating_sub(2_000)), 0);
        // Half as fast again as it is played.
        assert!(after(400, |index| (20 * index).max(1_000 + 13 * index) - 1_000) < 5);
    }

    #[test]
    fn an_outage_does_not_count_and_a_longer_way_is_got_used_to() {
        let outage =
            |index: u64| 20 * index + if (250..800).contains(&index) { 16_000 - 20 * index } else { 0 };
        assert!(after(1_000, outage) <= 20);
        assert_eq!(after(2_000, |index| 20 * index + if index < 500 { 0 } else { 5_000 }), 0);
    }

    #[test]
    fn a_sender_s_clock_is_no_lateness() {
        assert!(after(50_000, |index| 20 * index + index / 250) <= 2, "200 ppm slow");
        assert!(after(50_000, |index| 20 * index - index / 250) <= 2, "200 ppm fast");
    }

    proptest! {
        /// The peak of uniform lateness is found, and never exceeded.
        #[test]
        fn the_peak_covers_what_came(late in prop::collection::vec(0u64..200, 300..450)) {
            // What came before the first unit cannot be told from it.
            let late = [&[0][..], &late].concat();
            let (least, most) = (*late.iter().min().unwrap(), *late.iter().skip(200).max().unwrap());
            let start = Instant::now();
            let mut lateness = Lateness::new(Duration::from_secs(4));
            for (index, late) in late.iter().enumerate() {
                let at = start + Duration::from_millis(20 * index as u64 + late);
                lateness.record(at, Timestamp::from_millis(20 * index as i64));
            }
            let peak = lateness.peak().as_millis() as u64;
            prop_assert!(peak + least >= most, "{peak}");
            prop_assert!(peak <= 200, "{peak}");
        }
    }
}
