//! What the pipeline counts, and the net status made of it.

use crate::output::link::Link;
use live_core::Packet;
use live_core::net_status::{Direction, MediaCounters, Meter, NetStatus};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Instant;

/// Counters of a session's workers.
#[derive(Debug, Default)]
pub(crate) struct PipelineStats {
    /// Pictures that were replaced by newer ones before the encoder took them.
    pub(crate) capture_dropped: AtomicU64,
    pub(crate) media: MediaCounters,
}

impl PipelineStats {
    /// Counts what came out of an encoder.
    pub(crate) fn count(&self, packets: &[Packet]) {
        for packet in packets {
            self.media.count_packet(packet);
            if packet.is_video_unit() {
                self.media.count_picture();
            }
        }
    }
}

/// Makes the net status of a session, as one destination sees it.
pub(crate) struct StatusMeter {
    meter: Meter,
    stats: Arc<PipelineStats>,
    link: Arc<Link>,
}

impl StatusMeter {
    pub(crate) fn new(stats: Arc<PipelineStats>, link: Arc<Link>, now: Instant) -> Self {
        Self { meter: Meter::new(Direction::Sent, now), stats, link }
    }

    pub(crate) fn measure(&mut self, now: Instant) -> NetStatus {
        let mut status = self.meter.read(now, &self.stats.media, &self.link.counters);
        let queue = self.link.queue();
        status.net_quality_level = Some(NetStatus::quality_level(queue.backlog));
        status.video_cache = u32::try_from(queue.video).unwrap_or(u32::MAX);
        status.audio_cache = u32::try_from(queue.packets - queue.video).unwrap_or(u32::MAX);
        status.dropped_frames = self.stats.capture_dropped.load(Relaxed) + queue.dropped.video;
        status
    }
}
