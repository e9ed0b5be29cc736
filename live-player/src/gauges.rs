//! Numbers that the parts of a session write and its status reads.

use crate::media_queue::QueueView;
use crate::media_queue::lane::LaneState;
use live_core::Timestamp;
use live_core::net_status::{LinkCounters, MediaCounters, Meter, NetStatus};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// Stands for what is not known.
const UNKNOWN: i64 = i64::MIN;

/// What is measured between network and sinks.
#[derive(Debug)]
pub(crate) struct Gauges {
    pub(crate) media: MediaCounters,
    accepted: AtomicBool,
    dropped: AtomicU64,
    position_micros: AtomicI64,
    av_offset_micros: AtomicI64,
    duration_micros: AtomicI64,
}

impl Default for Gauges {
    fn default() -> Self {
        Self {
            media: MediaCounters::default(),
            accepted: AtomicBool::new(false),
            dropped: AtomicU64::new(0),
            position_micros: AtomicI64::new(UNKNOWN),
            av_offset_micros: AtomicI64::new(UNKNOWN),
            duration_micros: AtomicI64::new(UNKNOWN),
        }
    }
}

impl Gauges {
    /// A server has accepted the subscription.
    pub(crate) fn accept(&self) {
        self.accepted.store(true, Relaxed);
    }

    pub(crate) fn is_accepted(&self) -> bool {
        self.accepted.load(Relaxed)
    }

    /// Counts pictures that were received and are not shown.
    pub(crate) fn count_dropped(&self, pictures: u64) {
        self.dropped.fetch_add(pictures, Relaxed);
    }

    pub(crate) fn set_position(&self, position: Timestamp) {
        self.position_micros.store(position.as_micros(), Relaxed);
    }

    /// Notes how far the sound was ahead of a picture when it was shown.
    pub(crate) fn set_av_offset(&self, micros: Option<i64>) {
        self.av_offset_micros.store(micros.unwrap_or(UNKNOWN), Relaxed);
    }

    pub(crate) fn set_duration(&self, duration: Option<Duration>) {
        let micros = duration.and_then(|duration| i64::try_from(duration.as_micros()).ok());
        self.duration_micros.store(micros.filter(|micros| *micros > 0).unwrap_or(UNKNOWN), Relaxed);
    }

    /// The length of a finite stream, as its publisher says.
    pub(crate) fn duration(&self) -> Option<Duration> {
        known(&self.duration_micros).map(|micros| Duration::from_micros(micros.unsigned_abs()))
    }

    /// How the session is doing at `now`.
    pub(crate) fn read(
        &self,
        meter: &mut Meter,
        now: Instant,
        link: &LinkCounters,
        queue: &QueueView,
    ) -> NetStatus {
        let position = known(&self.position_micros).map(Timestamp::from_micros);
        let cache = |lane: &LaneState| {
            let ahead = lane
                .end
                .zip(position)
                .map_or(Duration::ZERO, |(end, position)| end.saturating_since(position));
            u32::try_from(ahead.as_millis()).unwrap_or(u32::MAX)
        };
        let mut status = meter.read(now, &self.media, link);
        status.video_cache = cache(&queue.video);
        status.audio_cache = cache(&queue.audio);
        status.dropped_frames = self.dropped.load(Relaxed);
        status.av_offset = known(&self.av_offset_micros).map(|micros| micros as f64 / 1000.0);
        status.net_quality_level = Some(NetStatus::quality_level(link.jitter()));
        status
    }
}

fn known(gauge: &AtomicI64) -> Option<i64> {
    Some(gauge.load(Relaxed)).filter(|value| *value != UNKNOWN)
}
