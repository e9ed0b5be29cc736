//! The controller.

use super::capacity::Capacity;
use super::congestion::{Alarm, Congestion};
use super::ladder::Ladder;
use super::{EncodeTarget, RateConfig, Sample, Temper};
use std::time::{Duration, Instant};

/// The part of a link's capacity that is used.
const USED: f64 = 0.95;
/// While a backlog drains, at least this part of what the link carries goes on being made.
const LEAST_SHARE: f64 = 0.3;
/// Changes smaller than this part are not worth telling.
const WORTH_TELLING: f64 = 0.02;
/// Climbs only while the encoder makes this part of what it may: otherwise nothing is proven.
const PROVING: f64 = 0.75;
/// For how long the capacity that was seen last is believed.
const BELIEVED: Duration = Duration::from_secs(10);
/// How much of the past counts in what the encoder makes of its target.
const SMOOTHED_OVER: f64 = 2.0;
/// About how long an encoder takes to follow its target, in seconds.
const FOLLOWED_WITHIN: f64 = 0.5;
/// After an alarm, packets this old make a key frame worth while: the queue will drop what is before it.
const KEY_AFTER: Duration = Duration::from_millis(600);
/// What may wait in the network, over what its round trip needs. A wider link shows in this being used up faster.
const IN_FLIGHT: Duration = Duration::from_millis(250);
/// Bytes that may always be on their way: some segments.
const LEAST_IN_FLIGHT: u64 = 8 * 1024;

/// The numbers of a [`Temper`].
#[derive(Clone, Copy, Debug)]
struct Pace {
    /// A wait under this is none.
    low: Duration,
    /// A wait over this, of a link that carries too little, lowers the bitrate.
    react: Duration,
    /// A wait over this lowers the bitrate in any case.
    limit: Duration,
    /// How long a wait has to last until what arrives is taken for the capacity.
    measure: Duration,
    /// The last moment, for what has just changed. When the gap of a lost segment is filled, much comes at once: the
    /// shorter this is, the more that looks like a faster link.
    just_now: Duration,
    /// In which time a backlog shall be gone.
    drain: Duration,
    /// From a fall to the first step up.
    hold: Duration,
    /// From one step up to the next.
    interval: Duration,
    /// The first step up, as a part of the bitrate; each further one without a wait is twice as large.
    first_step: f64,
    /// The largest step up.
    largest_step: f64,
}

impl Pace {
    const fn of(temper: Temper) -> Self {
        const fn ms(millis: u64) -> Duration {
            Duration::from_millis(millis)
        }
        match temper {
            Temper::Quick => Self {
                low: ms(50),
                react: ms(120),
                limit: ms(300),
                measure: ms(300),
                just_now: ms(300),
                drain: ms(1500),
                hold: ms(500),
                interval: ms(500),
                first_step: 0.02,
                largest_step: 0.16,
            },
            Temper::Calm => Self {
                low: ms(100),
                react: ms(250),
                limit: ms(600),
                measure: ms(600),
                just_now: ms(480),
                drain: ms(2000),
                hold: ms(3000),
                interval: ms(1000),
                first_step: 0.02,
                largest_step: 0.1,
            },
        }
    }
}

/// What a [`Control`] answers to a sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Decision {
    /// What the video encoder shall make.
    pub target: EncodeTarget,
    /// Whether the bitrate is another one than before: code 1006.
    pub bitrate_changed: bool,
    /// Whether the picture size is another one than before: code 1005.
    pub size_changed: bool,
    /// Whether the frame rate is another one than before.
    pub frame_rate_changed: bool,
    /// Whether a key frame would help: the queue can then drop everything before it.
    pub key_wanted: bool,
    /// How many bytes the kernel and the network shall hold at most: more would only wait where nothing can be dropped.
    pub allowance: Option<u64>,
    /// Set when the uplink does not take what is made: code 1101.
    pub congestion: Option<Congestion>,
}

impl Decision {
    /// Whether the target is another one than before.
    #[must_use]
    pub fn changes(&self) -> bool {
        self.bitrate_changed || self.size_changed || self.frame_rate_changed
    }
}

/// Decides what the video encoder shall make; see the [module](super).
#[derive(Clone, Debug)]
pub struct Control {
    config: RateConfig,
    pace: Pace,
    capacity: Capacity,
    ladder: Ladder,
    alarm: Alarm,
    /// Video bitrate.
    kbps: f64,
    told: EncodeTarget,
    /// What the link carried when something last waited, sound included.
    seen: Option<(f64, Instant)>,
    /// What the encoder makes, as a part of what it shall make.
    made: f64,
    /// What the encoder makes at the moment, kbit/s.
    video_kbps: f64,
    /// What it was asked for of late: encoders follow a fall with a delay.
    asked_kbps: f64,
    /// The bitrate of the sound.
    audio_kbps: f64,
    last: Option<(Instant, u64, u64)>,
    last_step: Instant,
    /// The last step up, as a part of the bitrate; zero after a wait.
    step: f64,
    /// A key frame was wished for in this congestion.
    key_wished: bool,
}

impl Control {
    /// A controller that begins with the configured bitrate, the largest picture and every picture.
    #[must_use]
    pub fn new(config: RateConfig, now: Instant) -> Self {
        let kbps = config.start_kbps.clamp(config.min_kbps, config.max_kbps);
        let ladder = Ladder::new(&config);
        let (step, fps) = ladder.now();
        Self {
            pace: Pace::of(config.temper),
            config,
            capacity: Capacity::default(),
            ladder,
            alarm: Alarm::default(),
            kbps: f64::from(kbps),
            told: EncodeTarget { kbps, fps, step },
            seen: None,
            made: 1.0,
            video_kbps: 0.0,
            asked_kbps: f64::from(kbps),
            audio_kbps: 0.0,
            last: None,
            last_step: now,
            step: 0.0,
            key_wished: false,
        }
    }

    /// What the encoder shall make as of the last decision.
    #[must_use]
    pub const fn target(&self) -> EncodeTarget {
        self.told
    }

    /// The connection is gone: what was measured of it does not hold for the next one. The bitrate stays.
    pub fn disconnected(&mut self, now: Instant) {
        self.capacity.forget();
        self.seen = None;
        self.last_step = now;
        self.last = None;
        self.alarm = Alarm::default();
        self.key_wished = false;
    }

    /// Takes a sample, some ten times a second, while media flows.
    pub fn sample(&mut self, now: Instant, sample: &Sample) -> Decision {
        self.capacity.take(now, sample, self.pace.low);
        self.measure_made(now, sample);
        if !self.config.adaptive {
            return self.decide(now);
        }
        match self.measured(now) {
            Some(rate) => self.follow(now, rate),
            None => self.climb(now),
        }
        let floor_and_ceiling = (f64::from(self.config.min_kbps), f64::from(self.config.max_kbps));
        self.kbps = self.kbps.clamp(floor_and_ceiling.0, floor_and_ceiling.1);
        if self.ladder.update(now, self.kbps, self.made, self.video_kbps) {
            // What is made at another size has to be seen.
            self.made = 1.0;
        }
        self.decide(now)
    }

    fn measure_made(&mut self, now: Instant, sample: &Sample) {
        let Some((then, video, audio)) = self.last.replace((now, sample.video, sample.audio)) else { return };
        let seconds = now.saturating_duration_since(then).as_secs_f64();
        if seconds > 0.0 {
            let weight = (seconds / SMOOTHED_OVER).min(1.0);
            let kbps = |bytes: u64, before: u64| bytes.saturating_sub(before) as f64 / 125.0 / seconds;
            let just_now = kbps(sample.video, video);
            let quick_weight = (seconds / FOLLOWED_WITHIN).min(1.0);
            self.video_kbps += (just_now - self.video_kbps) * quick_weight;
            self.asked_kbps = self.kbps.max(self.asked_kbps + (self.kbps - self.asked_kbps) * quick_weight);
            self.made += (just_now / self.asked_kbps - self.made) * weight;
            self.audio_kbps += (kbps(sample.audio, audio) - self.audio_kbps) * weight;
        }
    }

    /// What is made when the encoder makes what it may, sound included.
    fn total(&self) -> f64 {
        self.kbps * self.made.max(1.0) + self.audio_kbps
    }

    /// The link's capacity in kbit/s, when something has waited for long enough to tell it.
    fn measured(&self, now: Instant) -> Option<f64> {
        let waited = self.capacity.waiting_for(now);
        // What waits for this long already is made much too fast: a rough measure now is worth more than a good one later.
        let enough =
            if self.capacity.wait() > self.pace.limit { self.pace.measure / 2 } else { self.pace.measure };
        if waited < enough {
            return None;
        }
        // A link that has just become faster shows in the last moment first.
        let (whole, last) =
            (self.capacity.delivered(waited)?, self.capacity.delivered(self.pace.just_now.min(waited))?);
        Some(whole.max(last))
    }

    /// The video bitrate for `total` kbit/s on the link.
    fn video(&self, total: f64) -> f64 {
        (total - self.audio_kbps) / self.made.max(1.0)
    }

    /// The link carries `rate`, and something waits.
    fn follow(&mut self, now: Instant, rate: f64) {
        self.seen = Some((rate, now));
        self.step = 0.0;
        let wait = self.capacity.wait();
        let surplus = wait.saturating_sub(self.pace.react).as_secs_f64() / self.pace.drain.as_secs_f64();
        let goal = self.video(rate * (USED - surplus).max(LEAST_SHARE));
        let too_much = rate < self.total() * USED && wait > self.pace.react;
        if goal < self.kbps && (too_much || wait > self.pace.limit) {
            self.kbps = goal;
            self.last_step = now;
        } else if goal > self.kbps {
            // It is known to carry more.
            self.kbps = goal;
            self.last_step = now;
        }
    }

    /// Nothing waits, or not for long enough to tell anything.
    fn climb(&mut self, now: Instant) {
        let since_step = now.saturating_duration_since(self.last_step);
        if self.capacity.wait() >= self.pace.low || since_step < self.pace.interval || self.made < PROVING {
            return;
        }
        let seen = self.seen.filter(|(_, at)| now.saturating_duration_since(*at) < BELIEVED);
        let factor = match seen {
            // The link carried that much while something waited, and now that is through.
            Some((rate, _)) if self.total() < rate * USED => rate * USED / self.total(),
            Some((_, at)) if now.saturating_duration_since(at) < self.pace.hold => return,
            _ => {
                self.step = (2.0 * self.step).clamp(self.pace.first_step, self.pace.largest_step);
                // Near the floor a part of the bitrate is next to nothing.
                let base = self.total().max(f64::from(self.config.max_kbps) / 4.0);
                1.0 + self.step * base / self.total()
            }
        };
        self.kbps = self.video(self.total() * factor).max(self.kbps);
        self.last_step = now;
    }

    /// What the link needs to be kept busy, when its capacity is known.
    fn allowance(&self, now: Instant) -> Option<u64> {
        let (rate, _) = self.seen.filter(|(_, at)| now.saturating_duration_since(*at) < BELIEVED)?;
        let span = self.capacity.shortest_round_trip()? + IN_FLIGHT;
        Some(((rate * 125.0 * span.as_secs_f64()) as u64).max(LEAST_IN_FLIGHT))
    }

    fn decide(&mut self, now: Instant) -> Decision {
        let told = self.told;
        let (step, fps) = self.ladder.now();
        let kbps = self.kbps.round() as u32;
        let at_an_end = kbps == self.config.min_kbps || kbps == self.config.max_kbps;
        let change = (self.kbps / f64::from(told.kbps.max(1)) - 1.0).abs();
        let bitrate_changed = kbps != told.kbps && (change >= WORTH_TELLING || at_an_end);
        self.told = EncodeTarget { kbps: if bitrate_changed { kbps } else { told.kbps }, fps, step };
        let waiting = self.capacity.sender_wait();
        let congested = self.alarm.check(now, waiting);
        self.key_wished &= waiting >= self.pace.react;
        let key_wanted = waiting >= KEY_AFTER && !self.key_wished;
        self.key_wished |= key_wanted;
        Decision {
            target: self.told,
            bitrate_changed,
            size_changed: step != told.step,
            frame_rate_changed: fps != told.fps,
            key_wanted,
            allowance: self.allowance(now),
            congestion: congested.then(|| Congestion {
                waiting,
                kbps: self.capacity.delivered(Duration::from_secs(1)).unwrap_or(0.0) as u32,
            }),
        }
    }
}
