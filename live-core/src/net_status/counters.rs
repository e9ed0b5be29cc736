//! Counters that one task writes and anybody reads.

use super::link::{LinkInfo, LinkProbe};
use crate::packet::{Packet, PacketKind, Track};
use crate::time::Timestamp;
use std::fmt;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

/// Stands for a time that has not been measured.
const UNKNOWN: u64 = u64::MAX;

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(UNKNOWN - 1)
}

/// Bytes, packets and times of one connection. One task writes, anybody reads.
pub struct LinkCounters {
    sent: AtomicU64,
    pending: AtomicU64,
    allowance: AtomicU64,
    acknowledged: AtomicU64,
    received: AtomicU64,
    packets: AtomicU64,
    jitter_micros: AtomicU64,
    rtt_micros: AtomicU64,
    probe: Mutex<Option<Weak<dyn LinkProbe>>>,
}

impl fmt::Debug for LinkCounters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LinkCounters")
            .field("sent", &self.sent())
            .field("received", &self.received())
            .field("packets", &self.packets())
            .finish_non_exhaustive()
    }
}

impl Default for LinkCounters {
    fn default() -> Self {
        Self {
            sent: AtomicU64::new(0),
            pending: AtomicU64::new(0),
            allowance: AtomicU64::new(UNKNOWN),
            acknowledged: AtomicU64::new(0),
            received: AtomicU64::new(0),
            packets: AtomicU64::new(0),
            jitter_micros: AtomicU64::new(0),
            rtt_micros: AtomicU64::new(UNKNOWN),
            probe: Mutex::new(None),
        }
    }
}

impl LinkCounters {
    /// Counts bytes the kernel has taken.
    pub fn add_sent(&self, bytes: u64) {
        self.sent.fetch_add(bytes, Relaxed);
    }

    /// Notes how many bytes are out of the packet queue and not yet taken by the kernel.
    pub fn set_pending(&self, bytes: u64) {
        self.pending.store(bytes, Relaxed);
    }

    /// Says how many bytes kernel and network shall hold at most; `None`: as many as they take.
    pub fn set_allowance(&self, bytes: Option<u64>) {
        self.allowance.store(bytes.unwrap_or(UNKNOWN), Relaxed);
    }

    /// Notes that the peer says, in the stream's own protocol, that it has received `bytes` more.
    pub fn add_acknowledged(&self, bytes: u64) {
        self.acknowledged.fetch_add(bytes, Relaxed);
    }

    /// Connects the counters with a new connection, in place of the one before. The connection holds the probe: when
    /// it drops it, [`info`](Self::info) is `None` again.
    pub fn set_probe(&self, probe: &Arc<dyn LinkProbe>) {
        *self.probe.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::downgrade(probe));
    }

    /// Asks the platform about the connection: one or two system calls. `None` without a connection, and where the
    /// platform does not tell.
    #[must_use]
    pub fn info(&self) -> Option<LinkInfo> {
        let probe = self.probe.lock().unwrap_or_else(PoisonError::into_inner).as_ref()?.upgrade();
        probe?.read()
    }

    /// Counts bytes read from the peer.
    pub fn add_received(&self, bytes: u64) {
        self.received.fetch_add(bytes, Relaxed);
    }

    /// Counts media packets handed to, or taken from, the wire.
    pub fn add_packets(&self, packets: u64) {
        self.packets.fetch_add(packets, Relaxed);
    }

    /// Notes what a [`JitterEstimator`](super::JitterEstimator) says now.
    pub fn set_jitter(&self, jitter: Duration) {
        self.jitter_micros.store(micros(jitter), Relaxed);
    }

    /// Notes the connection's round-trip time, where the platform tells it.
    pub fn set_rtt(&self, rtt: Duration) {
        self.rtt_micros.store(micros(rtt), Relaxed);
    }

    /// Bytes sent so far.
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.sent.load(Relaxed)
    }

    /// Bytes that are out of the packet queue and not yet taken by the kernel.
    #[must_use]
    pub fn pending(&self) -> u64 {
        self.pending.load(Relaxed)
    }

    /// Whether kernel and network hold as much as they shall already.
    #[must_use]
    pub fn is_allowance_used(&self) -> bool {
        let allowance = self.allowance.load(Relaxed);
        allowance != UNKNOWN && self.info().is_some_and(|info| info.held() >= allowance)
    }

    /// Bytes that the peer says it has received, in the stream's own protocol. Peers tell seldom or never.
    #[must_use]
    pub fn acknowledged(&self) -> u64 {
        self.acknowledged.load(Relaxed)
    }

    /// Bytes received so far.
    #[must_use]
    pub fn received(&self) -> u64 {
        self.received.load(Relaxed)
    }

    /// Media packets so far.
    #[must_use]
    pub fn packets(&self) -> u64 {
        self.packets.load(Relaxed)
    }

    /// The jitter noted last; zero before.
    #[must_use]
    pub fn jitter(&self) -> Duration {
        Duration::from_micros(self.jitter_micros.load(Relaxed))
    }

    /// The round-trip time noted last.
    #[must_use]
    pub fn rtt(&self) -> Option<Duration> {
        let micros = self.rtt_micros.load(Relaxed);
        (micros != UNKNOWN).then(|| Duration::from_micros(micros))
    }
}

/// Media at one place of a session: out of a pusher's encoders, or into a player.
///
/// One worker writes the video counters, one the audio counters; anybody reads.
#[derive(Debug)]
pub struct MediaCounters {
    video_bytes: AtomicU64,
    audio_bytes: AtomicU64,
    pictures: AtomicU64,
    /// Width in the upper, height in the lower half, so that both change together.
    size: AtomicU64,
    last_key_micros: AtomicI64,
    gop_micros: AtomicU64,
}

/// Before the first key frame.
const NO_KEY: i64 = i64::MIN;

impl Default for MediaCounters {
    fn default() -> Self {
        Self {
            video_bytes: AtomicU64::new(0),
            audio_bytes: AtomicU64::new(0),
            pictures: AtomicU64::new(0),
            size: AtomicU64::new(0),
            last_key_micros: AtomicI64::new(NO_KEY),
            gop_micros: AtomicU64::new(0),
        }
    }
}

impl MediaCounters {
    /// Counts the bytes of `packet` for its track, and measures from key frame to key frame.
    pub fn count_packet(&self, packet: &Packet) {
        match packet.track {
            Track::Video => self.video_bytes.fetch_add(packet.data.len() as u64, Relaxed),
            Track::Audio => self.audio_bytes.fetch_add(packet.data.len() as u64, Relaxed),
            Track::Data => return,
        };
        if packet.kind == PacketKind::Key {
            self.key_at(packet.dts);
        }
    }

    fn key_at(&self, dts: Timestamp) {
        let last = self.last_key_micros.swap(dts.as_micros(), Relaxed);
        let span = dts.saturating_since(Timestamp::from_micros(last));
        // A timeline that starts again says nothing about the distance of key frames.
        if last != NO_KEY && !span.is_zero() {
            self.gop_micros.store(micros(span), Relaxed);
        }
    }

    /// Counts a picture: encoded by a pusher, presented by a player.
    pub fn count_picture(&self) {
        self.pictures.fetch_add(1, Relaxed);
    }

    /// Notes the size of the pictures from now on.
    pub fn set_size(&self, width: u32, height: u32) {
        self.size.store(u64::from(width) << 32 | u64::from(height), Relaxed);
    }

    /// Bytes of video so far, configuration records included.
    #[must_use]
    pub fn video_bytes(&self) -> u64 {
        self.video_bytes.load(Relaxed)
    }

    /// Bytes of audio so far, configuration records included.
    #[must_use]
    pub fn audio_bytes(&self) -> u64 {
        self.audio_bytes.load(Relaxed)
    }

    /// Pictures so far.
    #[must_use]
    pub fn pictures(&self) -> u64 {
        self.pictures.load(Relaxed)
    }

    /// Width and height in pixels; zero before they are known.
    #[must_use]
    pub fn size(&self) -> (u32, u32) {
        let size = self.size.load(Relaxed);
        ((size >> 32) as u32, size as u32)
    }

    /// Media time between the last two key frames; zero before the second one.
    #[must_use]
    pub fn gop(&self) -> Duration {
        Duration::from_micros(self.gop_micros.load(Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    fn key(millis: i64) -> Packet {
        let at = Timestamp::from_millis(millis);
        Packet::key(at, at, Bytes::from_static(b"1234"))
    }

    #[test]
    fn the_gop_is_the_distance_of_the_last_two_key_frames() {
        let counters = MediaCounters::default();
        for (millis, gop) in [(0, 0), (2000, 2000), (5000, 3000), (100, 3000), (1100, 1000)] {
            counters.count_packet(&key(millis));
            assert_eq!(counters.gop(), Duration::from_millis(gop), "key frame at {millis} ms");
        }
        assert_eq!(counters.video_bytes(), 20);
    }

    #[test]
    fn tracks_are_counted_apart() {
        let counters = MediaCounters::default();
        counters.count_packet(&Packet::audio(Timestamp::ZERO, Bytes::from_static(b"12")));
        counters.count_packet(&key(0));
        counters.count_packet(&Packet::metadata(Timestamp::ZERO, crate::Metadata::default()));
        assert_eq!((counters.audio_bytes(), counters.video_bytes(), counters.pictures()), (2, 4, 0));
    }

    #[test]
    fn a_round_trip_time_is_unknown_until_it_is_told() {
        let link = LinkCounters::default();
        assert_eq!(link.rtt(), None);
        link.set_rtt(Duration::MAX);
        assert!(link.rtt().is_some());
        assert_eq!(link.jitter(), Duration::ZERO);
    }
}
