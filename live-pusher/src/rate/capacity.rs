//! What a link can carry, measured while something waits.

use super::Sample;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// The shortest round trip is looked for over this long: a path that has become longer is accepted after it.
const SHORTEST_OVER: Duration = Duration::from_secs(20);
/// A rate is measured over at most this long.
const LONGEST: Duration = Duration::from_millis(1000);
/// Readings that are kept at most; more frequent callers get shorter spans.
const MOST_READINGS: usize = 256;
/// For waits that are made of bytes, a link is taken to carry at least this much: kbit/s.
const LEAST_KBPS: f64 = 100.0;

/// What one sample said.
#[derive(Clone, Copy, Debug)]
struct Reading {
    at: Instant,
    delivered: u64,
}

/// Measures waits and rates.
#[derive(Clone, Debug, Default)]
pub(super) struct Capacity {
    readings: VecDeque<Reading>,
    /// Shortest round trips, one for each second.
    shortest: VecDeque<(Instant, Duration)>,
    /// Since when something has been waiting all the time.
    waiting_since: Option<Instant>,
    wait: Duration,
    sender_wait: Duration,
}

impl Capacity {
    /// Takes a sample; a wait over `threshold` says that the link has more to do than it can.
    pub(super) fn take(&mut self, now: Instant, sample: &Sample, threshold: Duration) {
        let held = sample.info.map_or(0, |info| info.held());
        let mut delivered = sample.sent.saturating_sub(held);
        // A connection that was lost takes what it held with it.
        if let Some(last) = self.readings.back() {
            delivered = delivered.max(last.delivered);
        }
        self.readings.push_back(Reading { at: now, delivered });
        while self.readings.len() > MOST_READINGS
            || self.readings.get(1).is_some_and(|next| now.saturating_duration_since(next.at) >= LONGEST)
        {
            self.readings.pop_front();
        }
        self.measure_wait(now, sample);
        if self.wait < threshold {
            self.waiting_since = None;
        } else if self.waiting_since.is_none() {
            self.waiting_since = Some(now);
        }
    }

    fn measure_wait(&mut self, now: Instant, sample: &Sample) {
        let kbps = self.delivered(LONGEST).unwrap_or(0.0).max(LEAST_KBPS);
        let time_for = |bytes: u64| Duration::from_secs_f64(bytes as f64 / (kbps * 125.0));
        let unsent = sample.info.map_or(0, |info| info.unsent);
        // What is in the queue is known in time; what is behind it, in bytes.
        let behind = if sample.queue.is_zero() { sample.queued } else { sample.queued.min(16 * 1024) };
        // Before there is a rate, nobody knows how long bytes take.
        let known = self.readings.len() > 2;
        let (behind, unsent) = if known { (behind, unsent) } else { (0, 0) };
        self.sender_wait = sample.queue.max(time_for(behind)) + time_for(unsent);
        let inflation = sample.info.map_or(Duration::ZERO, |info| {
            let rtt = info.rtt;
            while self
                .shortest
                .front()
                .is_some_and(|(at, _)| now.saturating_duration_since(*at) > SHORTEST_OVER)
            {
                self.shortest.pop_front();
            }
            match self.shortest.back_mut() {
                Some((at, shortest)) if now.saturating_duration_since(*at) < Duration::from_secs(1) => {
                    *shortest = (*shortest).min(rtt);
                }
                _ => self.shortest.push_back((now, rtt)),
            }
            rtt.saturating_sub(self.shortest_round_trip().unwrap_or(rtt))
        });
        self.wait = self.sender_wait + inflation;
    }

    /// The shortest round trip of late, where the platform tells.
    pub(super) fn shortest_round_trip(&self) -> Option<Duration> {
        self.shortest.iter().map(|(_, rtt)| *rtt).min()
    }

    /// How long what is made now has to wait, over the time that an idle link would take.
    pub(super) fn wait(&self) -> Duration {
        self.wait
    }

    /// The part of it before the network.
    pub(super) fn sender_wait(&self) -> Duration {
        self.sender_wait
    }

    /// How long something has been waiting, without a break.
    pub(super) fn waiting_for(&self, now: Instant) -> Duration {
        self.waiting_since.map_or(Duration::ZERO, |since| now.saturating_duration_since(since))
    }

    /// What arrived over the last `span`, kbit/s; `None` before there are two samples.
    pub(super) fn delivered(&self, span: Duration) -> Option<f64> {
        let last = self.readings.back()?;
        let first = self
            .readings
            .iter()
            .rev()
            .skip(1)
            .take_while(|reading| last.at.saturating_duration_since(reading.at) <= span + span / 8)
            .last()?;
        let seconds = last.at.saturating_duration_since(first.at).as_secs_f64();
        (seconds > 0.0).then(|| (last.delivered - first.delivered) as f64 / 125.0 / seconds)
    }

    /// Forgets everything about a connection that is gone.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }
}
