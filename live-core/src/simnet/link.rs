//! TCP over a bottleneck.

use super::{Random, Trace};
use crate::net_status::LinkInfo;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// Payload of a full segment: an MTU of 1500 bytes, with timestamps.
const SEGMENT: u64 = 1448;
/// Ethernet, IP and TCP around each segment.
const HEADERS: u64 = 66;
/// The congestion window at the start (RFC 6928).
const FIRST_WINDOW: f64 = 10.0 * SEGMENT as f64;
/// The least congestion window.
const LEAST_WINDOW: f64 = 2.0 * SEGMENT as f64;
/// What a loss leaves of the congestion window (RFC 9438).
const AFTER_LOSS: f64 = 0.7;
/// The delivery rate is taken over at least this long.
const RATE_SPAN: Duration = Duration::from_millis(100);

/// What a link is like.
#[derive(Clone, Debug, PartialEq)]
pub struct LinkConfig {
    /// What the bottleneck can carry, headers included.
    pub trace: Trace,
    /// Propagation delay, one way; there is the same on the way back.
    pub delay: Duration,
    /// Bytes that the bottleneck can hold; more are lost.
    pub buffer: usize,
    /// The part of the segments that is lost at random, from 0 to 1.
    pub loss: f64,
    /// Unsent bytes that the sender's kernel takes.
    pub send_buffer: usize,
    /// What chance depends on.
    pub seed: u64,
}

impl Default for LinkConfig {
    /// 2000 kbit/s, 20 ms, 32 KiB in the bottleneck, no loss, and 16 KiB in the kernel.
    fn default() -> Self {
        Self {
            trace: Trace::starting_at(2000),
            delay: Duration::from_millis(20),
            buffer: 32 * 1024,
            loss: 0.0,
            send_buffer: 16 * 1024,
            seed: 1,
        }
    }
}

/// Bytes reached the receiver's program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// When.
    pub at: Duration,
    /// How many have done so altogether, in order and without a gap.
    pub total: u64,
}

/// A segment on its way. Those that are lost are taken along, as their absence is noticed when they would have come.
#[derive(Clone, Copy, Debug)]
struct Segment {
    offset: u64,
    length: u64,
    sent: Duration,
    /// When it is through the bottleneck.
    departs: Duration,
    lost: bool,
    /// The congestion window kept the sender from sending more.
    limited: bool,
    /// Bytes the receiver had without a gap when it came.
    in_order: u64,
}

/// A connection of a sender and a receiver over a [simulated](super) link.
#[derive(Clone, Debug)]
pub struct Link {
    config: LinkConfig,
    now: Duration,
    random: Random,
    /// Bytes the kernel has taken.
    written: u64,
    /// Of these, sent at least once.
    sent: u64,
    /// Of these, acknowledged without a gap.
    acknowledged: u64,
    /// To be sent again, first.
    again: VecDeque<(u64, u64)>,
    window: f64,
    threshold: f64,
    /// The window is not cut again for losses of what was sent before this.
    cut_at: u64,
    /// Bytes the window counts.
    outstanding: u64,
    /// When the bottleneck is through with what it holds.
    busy_until: Duration,
    /// On the way to the receiver, in order of time.
    forward: VecDeque<Segment>,
    /// Their acknowledgements on the way back.
    back: VecDeque<Segment>,
    /// Where the receiver misses something, and how much.
    missing: BTreeMap<u64, u64>,
    /// The end of what has come to the receiver.
    edge: u64,
    deliveries: VecDeque<Delivery>,
    received: u64,
    smoothed_rtt: Option<Duration>,
    /// Bytes acknowledged in any order.
    delivered: u64,
    /// When `delivered` had which value, over a little more than [`RATE_SPAN`].
    history: VecDeque<(Duration, u64)>,
    limited: bool,
}

impl Link {
    /// A connection that stands at time zero.
    #[must_use]
    pub fn new(config: LinkConfig) -> Self {
        Self {
            random: Random::new(config.seed),
            config,
            now: Duration::ZERO,
            written: 0,
            sent: 0,
            acknowledged: 0,
            again: VecDeque::new(),
            window: FIRST_WINDOW,
            threshold: f64::INFINITY,
            cut_at: 0,
            outstanding: 0,
            busy_until: Duration::ZERO,
            forward: VecDeque::new(),
            back: VecDeque::new(),
            missing: BTreeMap::new(),
            edge: 0,
            deliveries: VecDeque::new(),
            received: 0,
            smoothed_rtt: None,
            delivered: 0,
            history: VecDeque::new(),
            limited: false,
        }
    }

    /// What the link is like.
    #[must_use]
    pub const fn config(&self) -> &LinkConfig {
        &self.config
    }

    /// The simulated time.
    #[must_use]
    pub const fn now(&self) -> Duration {
        self.now
    }

    /// How many bytes [`write`](Self::write) would take.
    #[must_use]
    pub fn room(&self) -> usize {
        let unsent = usize::try_from(self.written - self.sent).unwrap_or(usize::MAX);
        self.config.send_buffer.saturating_sub(unsent)
    }

    /// Gives bytes to the sender's kernel; says how many it took.
    pub fn write(&mut self, bytes: usize) -> usize {
        let taken = bytes.min(self.room());
        self.written += taken as u64;
        self.send();
        taken
    }

    /// Bytes the receiver's program has.
    #[must_use]
    pub const fn received(&self) -> u64 {
        self.received
    }

    /// What came to the receiver and was not asked for yet, oldest first.
    pub fn poll_delivery(&mut self) -> Option<Delivery> {
        self.deliveries.pop_front()
    }

    /// What the sender's kernel would tell.
    #[must_use]
    pub fn info(&self) -> LinkInfo {
        let rate = match (self.history.front(), self.history.back()) {
            (Some(first), Some(last)) if last.0 > first.0 => {
                Some(((last.1 - first.1) as f64 / (last.0 - first.0).as_secs_f64()) as u64)
            }
            _ => None,
        };
        LinkInfo {
            rtt: self.smoothed_rtt.unwrap_or_default(),
            unsent: self.written - self.sent,
            in_flight: self.sent - self.acknowledged,
            delivery_rate: rate,
            app_limited: !self.limited,
        }
    }

    /// Lets time go on until `to`. Times in the past change nothing.
    pub fn advance(&mut self, to: Duration) {
        loop {
            let arrives =
                self.forward.front().map(|segment| segment.departs.saturating_add(self.config.delay));
            let returns =
                self.back.front().map(|segment| segment.departs.saturating_add(2 * self.config.delay));
            let next = arrives.into_iter().chain(returns).min();
            let Some(at) = next.filter(|at| *at <= to) else { break };
            self.now = self.now.max(at);
            if arrives == Some(at) {
                self.arrive();
            } else {
                self.acknowledge();
                self.send();
            }
        }
        self.now = self.now.max(to);
    }

    /// The first segment on its way comes to the receiver, or should have.
    fn arrive(&mut self) {
        let Some(mut segment) = self.forward.pop_front() else { return };
        let end = segment.offset + segment.length;
        if segment.lost {
            self.missing.insert(segment.offset, segment.length);
        } else {
            self.missing.remove(&segment.offset);
        }
        self.edge = self.edge.max(end);
        let in_order = self.missing.first_key_value().map_or(self.edge, |(offset, _)| *offset);
        if in_order > self.received {
            self.received = in_order;
            self.deliveries.push_back(Delivery { at: self.now, total: in_order });
        }
        segment.in_order = self.received;
        self.back.push_back(segment);
    }

    /// The sender learns what became of a segment.
    fn acknowledge(&mut self) {
        let Some(segment) = self.back.pop_front() else { return };
        self.outstanding -= segment.length;
        self.acknowledged = self.acknowledged.max(segment.in_order);
        if segment.lost {
            self.again.push_back((segment.offset, segment.length));
            if segment.offset >= self.cut_at {
                self.window = (self.window * AFTER_LOSS).max(LEAST_WINDOW);
                self.threshold = self.window;
                self.cut_at = self.sent;
            }
            return;
        }
        self.delivered += segment.length;
        self.limited = segment.limited;
        self.history.push_back((self.now, self.delivered));
        while self.history.get(1).is_some_and(|second| second.0 + RATE_SPAN <= self.now) {
            self.history.pop_front();
        }
        let rtt = self.now - segment.sent;
        self.smoothed_rtt = Some(self.smoothed_rtt.map_or(rtt, |smoothed| (smoothed * 7 + rtt) / 8));
        if segment.limited {
            let length = segment.length as f64;
            let slow_start = self.window < self.threshold;
            self.window += if slow_start { length } else { length * SEGMENT as f64 / self.window };
        }
    }

    /// Sends what the window allows.
    fn send(&mut self) {
        loop {
            let fresh = (self.sent, (self.written - self.sent).min(SEGMENT));
            let (offset, length) = self.again.front().copied().unwrap_or(fresh);
            if length == 0 {
                return;
            }
            if (self.outstanding + length) as f64 > self.window {
                if let Some(last) = self.forward.back_mut().or(self.back.back_mut()) {
                    last.limited = true;
                }
                return;
            }
            if self.again.pop_front().is_none() {
                self.sent += length;
            }
            self.transmit(offset, length);
        }
    }

    fn transmit(&mut self, offset: u64, length: u64) {
        self.outstanding += length;
        let on_wire = (length + HEADERS) as usize;
        let begins = self.busy_until.max(self.now);
        let held = self.config.trace.bytes_between(self.now, begins);
        let full = held > 0.0 && held + on_wire as f64 > self.config.buffer as f64;
        let lost = full || self.random.unit() < self.config.loss;
        if !full {
            self.busy_until = self.config.trace.passed(on_wire, begins).unwrap_or(Duration::MAX);
        }
        let departs = self.busy_until.max(self.now);
        let segment = Segment { offset, length, sent: self.now, departs, lost, limited: false, in_order: 0 };
        self.forward.push_back(segment);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// Writes as much as is taken, every ms, for `span`.
    fn saturate(link: &mut Link, span: Duration) {
        let end = link.now() + span;
        while link.now() < end {
            link.write(usize::MAX / 2);
            link.advance(link.now() + Duration::from_millis(1));
        }
    }

    #[test]
    fn a_greedy_sender_fills_the_link_and_its_buffers() {
        let mut link = Link::new(LinkConfig::default());
        saturate(&mut link, 60 * SECOND);
        let capacity = link.config().trace.bytes_between(Duration::ZERO, link.now());
        let used = link.received() as f64 * (SEGMENT + HEADERS) as f64 / SEGMENT as f64 / capacity;
        assert!((0.95..=1.0).contains(&used), "{used}");
        assert!(link.info().unsent > 15_000 && !link.info().app_limited);
        let rate = link.info().delivery_rate.unwrap() as f64 * 8.0;
        assert!((1.8e6..2.0e6).contains(&rate), "{rate}");
        // 32 KiB at 2 Mbit/s are 131 ms.
        assert!(link.info().rtt > Duration::from_millis(70) && link.info().rtt < Duration::from_millis(175));
    }

    #[test]
    fn a_modest_sender_sees_the_propagation_delay_alone() {
        let mut link = Link::new(LinkConfig::default());
        for n in 0..1000u32 {
            assert_eq!(link.write(1000), 1000);
            link.advance(n * Duration::from_millis(10));
            while let Some(delivery) = link.poll_delivery() {
                let written = Duration::from_millis(10) * u32::try_from(delivery.total / 1000 - 1).unwrap();
                let took = delivery.at - written.saturating_sub(Duration::from_millis(10));
                assert!((20..29).contains(&took.as_millis()), "{took:?}");
            }
        }
        assert!(link.info().app_limited && link.info().unsent == 0);
        assert!((40..50).contains(&link.info().rtt.as_millis()));
    }

    #[test]
    fn an_outage_delays_and_loses_nothing() {
        let trace = Trace::starting_at(1000).hold(SECOND).step(0).hold(3 * SECOND).step(1000);
        let mut link = Link::new(LinkConfig { trace, ..LinkConfig::default() });
        saturate(&mut link, SECOND);
        let before = link.received();
        saturate(&mut link, 2 * SECOND);
        assert!(link.received() - before < 40_000, "what was on its way, and no more");
        saturate(&mut link, 3 * SECOND);
        assert!(link.received() - before > 150_000, "{}", link.received() - before);
    }

    #[test]
    fn losses_stall_what_is_behind_them_and_cost_throughput() {
        let mut link = Link::new(LinkConfig {
            loss: 0.02,
            delay: 50 * Duration::from_millis(1),
            ..LinkConfig::default()
        });
        saturate(&mut link, 60 * SECOND);
        let share = link.received() as f64 / link.config().trace.bytes_between(Duration::ZERO, link.now());
        assert!((0.2..0.8).contains(&share), "{share}");
        let bursts = std::iter::from_fn(|| link.poll_delivery()).collect::<Vec<_>>();
        let longest = bursts.windows(2).map(|pair| pair[1].at - pair[0].at).max().unwrap();
        assert!(longest >= Duration::from_millis(100), "a retransmission takes a round trip: {longest:?}");
    }

    #[test]
    fn thousands_of_seconds_pass_in_one() {
        let begun = std::time::Instant::now();
        let mut link = Link::new(LinkConfig::default());
        while link.now() < 2000 * SECOND {
            link.write(2000);
            link.advance(link.now() + Duration::from_millis(20));
        }
        let took = begun.elapsed();
        assert!(link.received() > 180_000_000 && took < 20 * SECOND, "{took:?}");
    }

    proptest! {
        #[test]
        fn the_same_seed_gives_the_same_run_and_bytes_never_multiply(
            seed: u64, loss in 0.0..0.1f64, delay in 1u64..100, writes in prop::collection::vec(0usize..20_000, 1..200),
        ) {
            let every = Duration::from_millis(300);
            let trace = Trace::starting_at(500).wander((0, 3000), 3.0, every, 10 * SECOND, seed).step(1000);
            let delay = Duration::from_millis(delay);
            let config = LinkConfig { trace, loss, delay, seed, ..LinkConfig::default() };
            let run = |config: LinkConfig| {
                let mut link = Link::new(config);
                let mut written = 0;
                for bytes in &writes {
                    written += link.write(*bytes) as u64;
                    link.advance(link.now() + Duration::from_millis(30));
                    assert!(link.received() <= written && link.info().unsent <= 16 * 1024);
                    assert!(link.info().held() <= written);
                }
                // With time, everything comes.
                link.advance(1000 * SECOND);
                assert_eq!((link.received(), link.info().held()), (written, 0));
                std::iter::from_fn(|| link.poll_delivery()).collect::<Vec<_>>()
            };
            prop_assert_eq!(run(config.clone()), run(config));
        }
    }
}
