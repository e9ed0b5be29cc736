//! Application messages and wall-clock stamps on their way into the stream.

use super::orders::Desk;
use bytes::{Bytes, BytesMut};
use live_codec::h264::avcc::DecoderConfig;
use live_codec::h264::sei;
use live_core::{Codec, Packet, PacketKind, SessionClock, Timestamp};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The longest message, in bytes.
pub(crate) const LONGEST: usize = 2048;

/// Messages that go with one picture; the others wait for the next.
const MOST_PER_PICTURE: usize = 8;

/// From one stamp to the next.
const STAMP_INTERVAL: Duration = Duration::from_millis(500);

/// Puts what waits into H.264 access units as they leave the encoder.
pub(super) struct Inserter {
    messages: Desk<Bytes>,
    /// Bytes of the length before each NAL unit.
    length_size: usize,
    /// `None`: no stamps.
    stamps: Option<Stamps>,
    memory: BytesMut,
}

struct Stamps {
    clock: SessionClock,
    last: Option<Timestamp>,
}

impl Stamps {
    /// The wall clock at `pts`, in UNIX µs, when a stamp is due.
    fn due(&mut self, pts: Timestamp) -> Option<u64> {
        let waits = |last: Timestamp| pts < last.saturating_add(STAMP_INTERVAL);
        if self.last.is_some_and(waits) {
            return None;
        }
        self.last = Some(pts);
        let (wall, now) = (SystemTime::now(), self.clock.at(Instant::now()));
        let unix = wall.duration_since(UNIX_EPOCH).unwrap_or_default().as_micros();
        Some(u64::try_from(unix).unwrap_or(0).saturating_add_signed(pts.micros_since(now)))
    }
}

impl Inserter {
    /// Stamps the wall clock when `stamped` gives the session's own.
    pub(super) fn new(messages: Desk<Bytes>, stamped: Option<SessionClock>) -> Self {
        let stamps = stamped.map(|clock| Stamps { clock, last: None });
        Self { messages, length_size: 4, stamps, memory: BytesMut::new() }
    }

    /// Adds what waits to the first pictures among `packets`. A picture that gets nothing is not touched.
    pub(super) fn insert(&mut self, packets: &mut [Packet]) {
        for packet in packets {
            match packet.kind {
                PacketKind::Config(Codec::H264) => {
                    let size = DecoderConfig::parse(&packet.data).map(|config| config.length_size);
                    self.length_size = size.unwrap_or(self.length_size);
                }
                PacketKind::Key | PacketKind::Delta { .. } => self.add_to(packet),
                _ => {}
            }
        }
    }

    fn add_to(&mut self, packet: &mut Packet) {
        let stamp = self.stamps.as_mut().and_then(|stamps| stamps.due(packet.pts));
        if stamp.is_none() && self.messages.is_empty() {
            return;
        }
        let Some(place) = sei::place(&packet.data, self.length_size) else { return };
        let unit = &mut self.memory;
        unit.extend_from_slice(&packet.data[..place]);
        let mut fits = true;
        if let Some(micros) = stamp {
            fits &= sei::write(&sei::WALL_CLOCK, &micros.to_be_bytes(), self.length_size, unit);
        }
        for message in std::iter::from_fn(|| self.messages.take()).take(MOST_PER_PICTURE) {
            fits &= sei::write(&sei::MESSAGE, &message, self.length_size, unit);
        }
        if !fits {
            tracing::warn!("the encoder's access units have no room for messages");
        }
        unit.extend_from_slice(&packet.data[place..]);
        packet.data = unit.split().freeze();
    }
}
