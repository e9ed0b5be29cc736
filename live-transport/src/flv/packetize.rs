//! From packets to tag bodies.

use super::timeline::Epoch;
use super::{ErrorKind, Tag, TagKind, audio, script, video};
use bytes::{Bytes, BytesMut};
use live_core::{Codec, Packet, PacketKind, Timestamp, Track};

/// The up to five bytes that come before a payload in a tag's body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BodyHead {
    bytes: [u8; video::HEAD_LEN],
    len: u8,
}

impl BodyHead {
    pub(super) fn new(head: &[u8]) -> Self {
        let mut bytes = [0; video::HEAD_LEN];
        bytes[..head.len()].copy_from_slice(head);
        Self { bytes, len: head.len() as u8 }
    }

    /// The bytes.
    #[must_use]
    pub fn as_slice(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

/// A tag to be sent: its body in two parts, so that the payload need not be copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagParts {
    /// What it holds.
    pub kind: TagKind,
    /// Decoding time in wire milliseconds.
    pub timestamp: u32,
    /// The first bytes of the body.
    pub head: BodyHead,
    /// The rest of the body.
    pub payload: Bytes,
}

impl TagParts {
    /// Bytes in the body: never more than [`Tag::MAX_BODY`].
    #[must_use]
    pub fn body_len(&self) -> usize {
        self.head.as_slice().len() + self.payload.len()
    }
}

/// Writes tag bodies, which are also the payloads of RTMP's audio, video and data messages.
#[derive(Clone, Debug)]
pub struct Packetizer {
    epoch: Epoch,
    audio: Codec,
}

impl Packetizer {
    /// For a stream whose zero on the wire is `epoch`, which must not be later than the smallest `dts` to come. After
    /// a reconnect the same epoch is used again, so that times go on.
    #[must_use]
    pub const fn new(epoch: Timestamp) -> Self {
        Self { epoch: Epoch::at(epoch), audio: Codec::Aac }
    }

    /// The tag for `packet`; `None` where FLV has none: the end of the sound, the (empty) configuration of MP3.
    ///
    /// # Errors
    /// [`CannotCarry`](ErrorKind::CannotCarry) when the packet configures a codec that needs Enhanced RTMP, and
    /// [`TooLarge`](ErrorKind::TooLarge). Either is about this packet alone.
    pub fn packetize(&mut self, packet: &Packet) -> Result<Option<TagParts>, ErrorKind> {
        self.follow_codec(packet)?;
        let kind = match packet.track {
            Track::Video => TagKind::Video,
            Track::Audio => TagKind::Audio,
            Track::Data => TagKind::Script,
        };
        let Some((head, payload)) = self.body(packet) else { return Ok(None) };
        let parts = TagParts { kind, timestamp: self.epoch.wire(packet.dts), head, payload };
        match parts.body_len() {
            0..=Tag::MAX_BODY => Ok(Some(parts)),
            len => Err(ErrorKind::TooLarge(len)),
        }
    }

    /// Refuses codecs that cannot be written and remembers which one the sound has.
    fn follow_codec(&mut self, packet: &Packet) -> Result<(), ErrorKind> {
        match packet.kind {
            PacketKind::Config(codec @ (Codec::Aac | Codec::Mp3)) => self.audio = codec,
            PacketKind::Config(Codec::H264) => {}
            PacketKind::Config(codec) => return Err(ErrorKind::CannotCarry(codec)),
            _ => {}
        }
        Ok(())
    }

    fn body(&self, packet: &Packet) -> Option<(BodyHead, Bytes)> {
        let data = || packet.data.clone();
        match (&packet.kind, packet.track) {
            (PacketKind::Metadata(metadata), _) => {
                let mut body = BytesMut::with_capacity(256);
                script::write_metadata(metadata, self.audio, &mut body);
                Some((BodyHead::default(), body.freeze()))
            }
            (PacketKind::Data, _) => Some((BodyHead::default(), data())),
            (kind, Track::Video) => {
                let composition = self.epoch.composition(packet.pts, packet.dts);
                video::head(kind, composition).map(|head| (head, data()))
            }
            (PacketKind::Config(Codec::Aac), _) => Some((audio::aac_config_head(), data())),
            (PacketKind::Audio, _) if self.audio == Codec::Mp3 => {
                Some((audio::mp3_head(&packet.data), data()))
            }
            (PacketKind::Audio, _) => Some((audio::aac_head(), data())),
            _ => None,
        }
    }
}
