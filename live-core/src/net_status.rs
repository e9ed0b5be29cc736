//! What a running session measures of itself.
//!
//! Workers and transports count ([`MediaCounters`], [`LinkCounters`]), a [`Meter`] turns the counts into rates, and a
//! [`NetStatus`] carries them to the application under the specification's names.

mod counters;
mod jitter;
mod link;

pub use counters::{LinkCounters, MediaCounters};
pub use jitter::JitterEstimator;
pub use link::{LinkInfo, LinkProbe};

use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// How a session is doing: a copy to keep, with the specification's field names in JSON.
///
/// A number that is not known yet is zero; a number that the platform or the side cannot know is `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct NetStatus {
    /// Video over the last second, kbit/s: encoded by the pusher, received by the player.
    pub video_bitrate: u32,
    /// Audio over the last second, kbit/s: encoded by the pusher, received by the player.
    pub audio_bitrate: u32,
    /// Pictures per second over the last second: encoded by the pusher, presented by the player.
    #[serde(rename = "videoFPS")]
    pub video_fps: f64,
    /// Seconds of media time between the last two key frames.
    #[serde(rename = "videoGOP")]
    pub video_gop: f64,
    /// Bytes on the wire over the last second, kbit/s: sent by the pusher (where the platform tells, those that the
    /// peer has acknowledged), received by the player.
    pub net_speed: u32,
    /// Variation of sending or arrival against media time, ms (RFC 3550 section 6.4.1).
    pub net_jitter: f64,
    /// Picture width in pixels: encoded by the pusher, decoded by the player.
    pub video_width: u32,
    /// Picture height in pixels.
    pub video_height: u32,
    /// The network's quality from 1 (excellent) to 6 (unusable), by [`NetStatus::quality_level`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub net_quality_level: Option<u8>,
    /// Video held back: frames waiting in the pusher, ms waiting in the player.
    pub video_cache: u32,
    /// Audio held back: frames waiting in the pusher, ms waiting in the player.
    pub audio_cache: u32,
    /// Round-trip time of the connection, ms, where the platform tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rtt: Option<f64>,
    /// Pictures dropped since the session started.
    pub dropped_frames: u64,
    /// How far the sound is ahead of the picture, ms; negative when it is behind. Player only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub av_offset: Option<f64>,
}

impl NetStatus {
    /// The network's quality from 1 to 6 by what it makes media wait: the pusher's backlog, the player's jitter.
    ///
    /// Up to 50 ms nobody notices (1), up to 150 ms a conversation does not (2); past 3 s there is none (6).
    #[must_use]
    pub fn quality_level(wait: Duration) -> u8 {
        const LIMITS_MS: [u128; 5] = [50, 150, 400, 1000, 3000];
        1 + LIMITS_MS.iter().map(|limit| u8::from(wait.as_millis() > *limit)).sum::<u8>()
    }
}

/// Which way a session's media travels on its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Out: a pusher.
    Sent,
    /// In: a player.
    Received,
}

/// The span rates are taken over.
const WINDOW: Duration = Duration::from_secs(1);
/// Readings closer together than this share one sample, so that frequent readers cost no memory.
const SPACING: Duration = Duration::from_millis(100);

/// Turns counters into rates over the last second.
///
/// To be read at least once a second; a longer pause makes the next rates those over the pause. Reading more often
/// changes nothing.
#[derive(Clone, Debug)]
pub struct Meter {
    direction: Direction,
    /// Readings of the last second and the one before them, oldest first; never empty.
    samples: VecDeque<Sample>,
}

/// The totals at one moment.
#[derive(Clone, Copy, Debug)]
struct Sample {
    at: Instant,
    video_bytes: u64,
    audio_bytes: u64,
    pictures: u64,
    link_bytes: u64,
}

impl Meter {
    /// A meter for counters that are zero at `now`.
    #[must_use]
    pub fn new(direction: Direction, now: Instant) -> Self {
        let start = Sample { at: now, video_bytes: 0, audio_bytes: 0, pictures: 0, link_bytes: 0 };
        Self { direction, samples: VecDeque::from([start]) }
    }

    /// How the session is doing at `now`.
    ///
    /// Quality level, caches, dropped frames and offset are not counted here: the session fills them in.
    pub fn read(&mut self, now: Instant, media: &MediaCounters, link: &LinkCounters) -> NetStatus {
        let info = link.info();
        let latest = Sample {
            at: now,
            video_bytes: media.video_bytes(),
            audio_bytes: media.audio_bytes(),
            pictures: media.pictures(),
            link_bytes: match self.direction {
                Direction::Sent => link.sent().saturating_sub(info.map_or(0, |info| info.held())),
                Direction::Received => link.received(),
            },
        };
        let base = self.remember(latest);
        let seconds = now.saturating_duration_since(base.at).max(SPACING).as_secs_f64();
        let kbps = |latest: u64, base: u64| {
            (latest.saturating_sub(base) as f64 * 8.0 / 1000.0 / seconds).round() as u32
        };
        let (video_width, video_height) = media.size();
        NetStatus {
            video_bitrate: kbps(latest.video_bytes, base.video_bytes),
            audio_bitrate: kbps(latest.audio_bytes, base.audio_bytes),
            video_fps: latest.pictures.saturating_sub(base.pictures) as f64 / seconds,
            video_gop: media.gop().as_secs_f64(),
            net_speed: kbps(latest.link_bytes, base.link_bytes),
            net_jitter: link.jitter().as_secs_f64() * 1000.0,
            video_width,
            video_height,
            rtt: info.map(|info| info.rtt).or_else(|| link.rtt()).map(|rtt| rtt.as_secs_f64() * 1000.0),
            ..NetStatus::default()
        }
    }

    /// Keeps `latest` for later readings and returns the sample that rates are taken against: the newest one that is
    /// at least a window old, else the oldest.
    fn remember(&mut self, latest: Sample) -> Sample {
        while self.samples.get(1).is_some_and(|next| latest.at.saturating_duration_since(next.at) >= WINDOW) {
            self.samples.pop_front();
        }
        let base = self.samples.front().copied().unwrap_or(latest);
        if self.samples.back().is_none_or(|last| latest.at.saturating_duration_since(last.at) >= SPACING) {
            self.samples.push_back(latest);
        }
        base
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::Packet;
    use crate::time::Timestamp;
    use bytes::Bytes;
    use proptest::prelude::*;

    #[test]
    fn json_speaks_the_specification_s_names() {
        let status = NetStatus { video_fps: 15.0, rtt: Some(20.0), ..NetStatus::default() };
        let json = serde_json::to_value(status).unwrap();
        let names: Vec<&str> = json.as_object().unwrap().keys().map(String::as_str).collect();
        for name in [
            "videoBitrate",
            "audioBitrate",
            "videoFPS",
            "videoGOP",
            "netSpeed",
            "netJitter",
            "videoWidth",
            "videoHeight",
            "videoCache",
            "audioCache",
            "droppedFrames",
            "rtt",
        ] {
            assert!(names.contains(&name), "{name} is not among {names:?}");
        }
        assert!(!names.contains(&"netQualityLevel") && !names.contains(&"avOffset"));
        assert_eq!(serde_json::from_value::<NetStatus>(json).unwrap(), status);
    }

    #[test]
    fn quality_falls_with_the_wait() {
        for (ms, level) in [(0, 1), (50, 1), (51, 2), (400, 3), (401, 4), (3000, 5), (3001, 6), (60_000, 6)] {
            assert_eq!(NetStatus::quality_level(Duration::from_millis(ms)), level, "{ms} ms");
        }
    }

    /// Counts `fps` pictures of `bytes` a second for `seconds`, read every `every_ms`; the last reading.
    fn steady(fps: u64, bytes: usize, seconds: u64, every_ms: u64) -> NetStatus {
        let start = Instant::now();
        let (media, link) = (MediaCounters::default(), LinkCounters::default());
        let mut meter = Meter::new(Direction::Sent, start);
        let mut status = NetStatus::default();
        let (mut counted, mut packet) =
            (0, Packet::key(Timestamp::ZERO, Timestamp::ZERO, vec![0; bytes].into()));
        for ms in (0..=seconds * 1000).step_by(usize::try_from(every_ms).unwrap()) {
            while counted * 1000 < ms * fps {
                packet.dts = Timestamp::from_index(counted, u32::try_from(fps).unwrap());
                media.count_packet(&packet);
                media.count_picture();
                link.add_sent(bytes as u64 + 12);
                counted += 1;
            }
            status = meter.read(start + Duration::from_millis(ms), &media, &link);
        }
        status
    }

    #[test]
    fn rates_are_those_of_the_last_second_however_often_they_are_read() {
        for every_ms in [10, 100, 250, 500, 1000] {
            let status = steady(20, 1250, 5, every_ms);
            assert_eq!(
                (status.video_bitrate, status.audio_bitrate, status.net_speed),
                (200, 0, 202),
                "{every_ms}"
            );
            assert!((status.video_fps - 20.0).abs() < 0.01 && (status.video_gop - 0.05).abs() < 1e-9);
        }
    }

    #[test]
    fn rates_fall_to_zero_within_a_second_of_silence() {
        let start = Instant::now();
        let (media, link) = (MediaCounters::default(), LinkCounters::default());
        let mut meter = Meter::new(Direction::Received, start);
        media.count_packet(&Packet::audio(Timestamp::ZERO, Bytes::from_static(&[0; 125])));
        link.add_received(125);
        let after = |ms| start + Duration::from_millis(ms);
        assert_eq!(meter.read(after(500), &media, &link).audio_bitrate, 2, "over half a second");
        assert_eq!(meter.read(after(1000), &media, &link).audio_bitrate, 1);
        assert_eq!(meter.read(after(1500), &media, &link).net_speed, 0);
    }

    #[test]
    fn size_jitter_and_round_trip_are_passed_on() {
        let (media, link) = (MediaCounters::default(), LinkCounters::default());
        media.set_size(1280, 720);
        link.set_jitter(Duration::from_micros(2500));
        link.set_rtt(Duration::from_millis(40));
        let now = Instant::now();
        let status = Meter::new(Direction::Sent, now).read(now, &media, &link);
        assert_eq!((status.video_width, status.video_height), (1280, 720));
        assert_eq!((status.net_jitter, status.rtt), (2.5, Some(40.0)));
    }

    proptest! {
        #[test]
        fn memory_is_bounded_and_rates_never_exceed_the_total(gaps in prop::collection::vec(0u64..3000, 1..200)) {
            let mut now = Instant::now();
            let (media, link) = (MediaCounters::default(), LinkCounters::default());
            let mut meter = Meter::new(Direction::Sent, now);
            for gap in gaps {
                now += Duration::from_millis(gap);
                link.add_sent(1000);
                let status = meter.read(now, &media, &link);
                prop_assert!(u64::from(status.net_speed) <= link.sent() * 8 / 100);
                prop_assert!(meter.samples.len() <= 12, "{} samples", meter.samples.len());
            }
        }
    }
}
