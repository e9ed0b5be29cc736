//! How evenly the network takes media.

use live_core::net_status::JitterEstimator;
use live_core::{Packet, PacketKind};
use std::time::{Duration, Instant};

/// How evenly the network takes media: a packet is taken when the network has taken those before.
#[derive(Default)]
pub(super) struct Pace {
    jitter: JitterEstimator,
    has_video: bool,
}

impl Pace {
    /// The jitter after `packet` was taken. Where there are pictures, they alone count: the tracks do not interleave
    /// evenly.
    pub(super) fn taken(&mut self, packet: &Packet, now: Instant) -> Duration {
        self.has_video |= packet.is_video_unit();
        if packet.is_video_unit() || (packet.kind == PacketKind::Audio && !self.has_video) {
            self.jitter.record(now, packet.dts);
        }
        self.jitter.jitter()
    }
}
