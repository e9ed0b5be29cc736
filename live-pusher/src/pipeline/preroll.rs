//! Makes both tracks of a stream begin together.

use live_core::{Packet, PacketKind, Timestamp, Track};
use std::time::{Duration, Instant};

/// How long the start of a stream waits for a track that was announced but does not come.
const PATIENCE: Duration = Duration::from_secs(2);

/// Sound from at most this long before the first picture is kept: receivers see both tracks begin together, and at
/// 48 kHz the access unit that primes the decoder for the first audible sample is among it.
const HEAD_START: Duration = Duration::from_millis(40);

/// Holds the first packets of a session until every expected track has begun, then releases them with a common start.
///
/// A camera opens later than a microphone; without this a receiver would see a second of sound without pictures, and
/// the first packet on the wire would not be the earliest one.
#[derive(Debug)]
pub(crate) struct Preroll {
    awaited: Vec<Track>,
    held: Vec<Packet>,
    deadline: Option<Instant>,
    released: bool,
}

/// What is to be sent now.
#[derive(Debug, PartialEq)]
pub(crate) enum Release {
    /// Nothing yet.
    Nothing,
    /// The start of the stream: its packets in order, and the earliest decoding time among them.
    Start { packets: Vec<Packet>, epoch: Timestamp },
    /// The stream has begun: this packet goes straight on.
    PassOn(Packet),
}

impl Preroll {
    /// Waits for these tracks.
    pub(crate) fn new(awaited: Vec<Track>) -> Self {
        Self { awaited, held: Vec::new(), deadline: None, released: false }
    }

    /// Takes the next packet of either track.
    pub(crate) fn push(&mut self, packet: Packet, now: Instant) -> Release {
        if self.released {
            return Release::PassOn(packet);
        }
        if begins_track(&packet) {
            self.awaited.retain(|track| *track != packet.track);
        }
        // The wait begins with the first media: devices may take as long as they like to open.
        let deadline = self.deadline.or_else(|| begins_track(&packet).then_some(now + PATIENCE));
        self.deadline = deadline;
        self.held.push(packet);
        let Some(deadline) = deadline else { return Release::Nothing };
        let is_complete = self.awaited.is_empty() && self.sound_has_begun();
        if is_complete || now >= deadline { self.release() } else { Release::Nothing }
    }

    /// Whether no sound is held, or some of it is kept: as long as all of it comes before the first picture, what
    /// follows may be earlier than the picture too, and has to be known before the epoch is fixed.
    fn sound_has_begun(&self) -> bool {
        let start = self.start();
        let mut sound = self.held.iter().filter(|packet| packet.kind == PacketKind::Audio).peekable();
        sound.peek().is_none() || sound.any(|packet| start.is_none_or(|start| packet.pts >= start))
    }

    /// From when on sound is kept; `None` without pictures.
    fn start(&self) -> Option<Timestamp> {
        let key = self.held.iter().find(|packet| packet.kind == PacketKind::Key)?;
        key.pts.checked_sub(HEAD_START)
    }

    /// What is still held when the session ends before every track began.
    pub(crate) fn finish(&mut self) -> Release {
        if self.released || self.held.is_empty() { Release::Nothing } else { self.release() }
    }

    fn release(&mut self) -> Release {
        self.released = true;
        let start = self.start();
        let mut packets = std::mem::take(&mut self.held);
        if let Some(start) = start {
            packets.retain(|packet| packet.kind != PacketKind::Audio || packet.pts >= start);
        }
        let media = |packet: &&Packet| packet.is_video_unit() || packet.kind == PacketKind::Audio;
        let epoch = packets.iter().filter(media).map(|packet| packet.dts).min().unwrap_or_default();
        // Stream information first, whenever it was made; the sort is stable.
        packets.sort_by_key(|packet| (!packet.is_stream_information(), packet.dts));
        for packet in packets.iter_mut().filter(|packet| packet.is_stream_information()) {
            packet.pts = epoch;
            packet.dts = epoch;
        }
        Release::Start { packets, epoch }
    }
}

fn begins_track(packet: &Packet) -> bool {
    matches!(packet.kind, PacketKind::Key | PacketKind::Audio)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use live_core::Codec;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn audio(millis: i64) -> Packet {
        Packet::audio(at(millis), Bytes::from_static(b"a"))
    }

    fn key(millis: i64) -> Packet {
        Packet::key(at(millis), at(millis), Bytes::from_static(b"k"))
    }

    fn config(codec: Codec, millis: i64) -> Packet {
        Packet::config(codec, at(millis), Bytes::from_static(b"c"))
    }

    #[test]
    fn sound_from_before_the_first_picture_is_cut() {
        let now = Instant::now();
        let mut preroll = Preroll::new(vec![Track::Video, Track::Audio]);
        assert_eq!(preroll.push(config(Codec::Aac, 0), now), Release::Nothing);
        for millis in (0..1000).step_by(20) {
            assert_eq!(preroll.push(audio(millis), now), Release::Nothing);
        }
        assert_eq!(preroll.push(config(Codec::H264, 900), now), Release::Nothing);
        let Release::Start { packets, epoch } = preroll.push(key(900), now) else { panic!("both are there") };
        assert_eq!(epoch, at(860));
        assert_eq!(packets[..3], [config(Codec::Aac, 860), config(Codec::H264, 860), audio(860)]);
        assert!(packets.contains(&key(900)) && packets.contains(&audio(980)));
        assert_eq!(preroll.push(audio(1000), now), Release::PassOn(audio(1000)));
    }

    #[test]
    fn sound_that_primes_the_decoder_is_waited_for_one_packet_at_a_time() {
        let now = Instant::now();
        let mut preroll = Preroll::new(vec![Track::Video, Track::Audio]);
        assert_eq!(preroll.push(key(0), now), Release::Nothing);
        assert_eq!(preroll.push(audio(-43), now), Release::Nothing, "it is cut, and the next one is not");
        let Release::Start { packets, epoch } = preroll.push(audio(-21), now) else {
            panic!("sound is there")
        };
        assert_eq!((packets, epoch), (vec![audio(-21), key(0)], at(-21)));
    }

    #[test]
    fn a_track_that_never_comes_is_waited_for_two_seconds() {
        let now = Instant::now();
        let mut preroll = Preroll::new(vec![Track::Video, Track::Audio]);
        assert_eq!(preroll.push(key(0), now), Release::Nothing);
        assert_eq!(preroll.push(key(1999), now + Duration::from_millis(1999)), Release::Nothing);
        let Release::Start { packets, .. } = preroll.push(key(2000), now + PATIENCE) else {
            panic!("time is up")
        };
        assert_eq!(packets.len(), 3);
    }

    #[test]
    fn a_session_that_ends_early_loses_nothing() {
        let mut preroll = Preroll::new(vec![Track::Video, Track::Audio]);
        preroll.push(key(40), Instant::now());
        assert_eq!(preroll.finish(), Release::Start { packets: vec![key(40)], epoch: at(40) });
        assert_eq!(preroll.finish(), Release::Nothing);
    }
}
