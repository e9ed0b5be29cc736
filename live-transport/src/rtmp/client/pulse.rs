//! Whether the server still lives, when nothing it has to say tells.
//!
//! A publisher may hear nothing for minutes from a healthy server. So it asks: after some silence a ping request (RTMP
//! section 7.1.7) goes out, and a server that has once answered one has to go on answering. Servers that never do are
//! not judged.

use std::time::{Duration, Instant};

/// A ping under way.
#[derive(Clone, Copy, Debug)]
struct Ping {
    /// Where it ends in all that is sent.
    position: u64,
    /// When it was seen to have been taken off our hands.
    departed: Option<Instant>,
}

/// What to do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Beat {
    /// Send a ping.
    Ping,
    /// Nothing.
    Wait,
    /// The server is dead.
    Dead,
}

/// Listens, and asks after silence.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pulse {
    /// Silence that ends a connection.
    silence: Duration,
    heard: Instant,
    ping: Option<Ping>,
    /// The server has answered a ping before.
    answers: bool,
    next: Instant,
}

impl Pulse {
    /// Begins to listen. `silence` is the whole time, from the last word heard to the verdict, that a dead server is
    /// given.
    pub(super) fn new(now: Instant, silence: Duration) -> Self {
        // The first ping goes at once: whether a server answers has to be known before it dies.
        Self { silence: silence * 4 / 5, heard: now, ping: None, answers: false, next: now }
    }

    /// Something has arrived.
    pub(super) fn heard(&mut self, now: Instant) {
        self.heard = now;
        // A server that does not answer is not asked again and again.
        if self.answers {
            self.ping = None;
        }
    }

    /// The answer to a ping has arrived.
    pub(super) fn answered(&mut self) {
        self.answers = true;
        self.ping = None;
    }

    /// Whether a ping has gone out and none was ever answered.
    pub(super) const fn asked_in_vain(&self) -> bool {
        self.ping.is_some() && !self.answers
    }

    /// When to ask [`beat`](Self::beat).
    pub(super) const fn next(&self) -> Instant {
        self.next
    }

    /// Decides. `sent` is how many bytes have gone off our hands in all, `queued` how many still wait.
    pub(super) fn beat(&mut self, now: Instant, sent: u64, queued: usize) -> Beat {
        let step = self.silence / 8;
        self.next = now + step;
        let Some(ping) = &mut self.ping else {
            let is_due = !self.answers || now >= self.heard + self.silence / 4;
            return if is_due {
                self.ping = Some(Ping { position: sent + queued as u64, departed: None });
                Beat::Ping
            } else {
                Beat::Wait
            };
        };
        if ping.departed.is_none() && sent > ping.position {
            ping.departed = Some(now);
        }
        let patience = self.silence / 2;
        let is_late = ping.departed.is_some_and(|departed| now >= departed + patience);
        if self.answers && is_late && now >= self.heard + self.silence { Beat::Dead } else { Beat::Wait }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SILENCE: Duration = Duration::from_secs(10);

    /// A connection in simulated time, second by second of silence: what is sent leaves at once, unless held.
    struct Scene {
        pulse: Pulse,
        now: Instant,
        sent: u64,
        held: bool,
        pings: usize,
    }

    impl Scene {
        fn new() -> Self {
            let now = Instant::now();
            Self { pulse: Pulse::new(now, SILENCE), now, sent: 0, held: false, pings: 0 }
        }

        /// Lives for `time`; true when the server was found dead before the end.
        fn dies_within(&mut self, time: Duration, mut step: impl FnMut(&mut Self)) -> bool {
            let end = self.now + time;
            while self.now < end {
                self.now += Duration::from_millis(100);
                step(self);
                if self.now < self.pulse.next() {
                    continue;
                }
                match self.pulse.beat(self.now, self.sent, 0) {
                    Beat::Dead => return true,
                    Beat::Wait => {}
                    Beat::Ping => {
                        self.pings += 1;
                        self.sent += if self.held { 0 } else { 18 };
                    }
                }
            }
            false
        }

        fn answer(&mut self) {
            self.pulse.heard(self.now);
            self.pulse.answered();
        }
    }

    #[test]
    fn a_server_that_answered_and_falls_silent_is_dead_before_the_deadline() {
        let mut scene = Scene::new();
        assert!(!scene.dies_within(Duration::from_secs(60), |scene| {
            if scene.pulse.ping.is_some() {
                scene.answer();
            }
        }));
        assert!((20..=40).contains(&scene.pings), "{} pings a minute", scene.pings);
        assert!(scene.dies_within(SILENCE, |_| {}));
    }

    #[test]
    fn a_server_that_never_answers_is_asked_once_and_left_alone() {
        let mut scene = Scene::new();
        assert!(!scene.dies_within(Duration::from_secs(3600), |_| {}));
        assert_eq!(scene.pings, 1);
    }

    #[test]
    fn words_of_any_kind_are_a_sign_of_life() {
        let mut scene = Scene::new();
        scene.answer();
        let mut spoken = scene.now;
        assert!(!scene.dies_within(Duration::from_secs(120), |scene| {
            if scene.now >= spoken + Duration::from_secs(6) {
                spoken = scene.now;
                scene.pulse.heard(scene.now);
            }
        }));
    }

    #[test]
    fn a_ping_that_waits_behind_a_slow_uplink_is_no_proof() {
        let mut scene = Scene::new();
        scene.answer();
        scene.held = true;
        assert!(!scene.dies_within(Duration::from_secs(60), |_| {}));
        // It goes out, with what was queued behind it: from then on the server has its time.
        scene.sent += 1000;
        assert!(!scene.dies_within(Duration::from_secs(3), |_| {}));
        assert!(scene.dies_within(Duration::from_secs(3), |_| {}));
    }
}
