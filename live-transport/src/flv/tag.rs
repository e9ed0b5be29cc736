//! One tag of an FLV file (E.4.1).

use bytes::Bytes;
use std::fmt;

/// What a tag holds. RTMP numbers its message types alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TagKind {
    /// Sound, 8.
    Audio,
    /// Pictures, 9.
    Video,
    /// Script data, 18.
    Script,
    /// Anything else, to be passed over.
    Other(u8),
}

impl TagKind {
    /// The kind with this number.
    #[must_use]
    pub const fn from_id(id: u8) -> Self {
        match id {
            8 => Self::Audio,
            9 => Self::Video,
            18 => Self::Script,
            other => Self::Other(other),
        }
    }

    /// Its number in FLV and RTMP.
    #[must_use]
    pub const fn id(self) -> u8 {
        match self {
            Self::Audio => 8,
            Self::Video => 9,
            Self::Script => 18,
            Self::Other(other) => other,
        }
    }
}

/// One tag as it was read.
#[derive(Clone, PartialEq, Eq)]
pub struct Tag {
    /// What it holds.
    pub kind: TagKind,
    /// Its body is encrypted (annex F): nothing here can read it.
    pub encrypted: bool,
    /// Decoding time in milliseconds modulo 2³².
    pub timestamp: u32,
    /// Always 0 by the specification; kept, not judged.
    pub stream_id: u32,
    /// What follows the tag's header, possibly nothing.
    pub body: Bytes,
}

impl Tag {
    /// Bytes of a tag's header.
    pub const HEADER_LEN: usize = 11;
    /// The longest body that a tag can announce.
    pub const MAX_BODY: usize = 0xFF_FFFF;
}

/// Prints the size of the body, never its bytes.
impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tag")
            .field("kind", &self.kind)
            .field("timestamp", &self.timestamp)
            .field("encrypted", &self.encrypted)
            .field("bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// The header of a tag, without the body it announces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TagHeader {
    pub(super) kind: TagKind,
    pub(super) encrypted: bool,
    pub(super) size: u32,
    pub(super) timestamp: u32,
    pub(super) stream_id: u32,
}

impl TagHeader {
    const ENCRYPTED: u8 = 0x20;
    const KIND: u8 = 0x1F;

    pub(super) const fn parse(bytes: [u8; Tag::HEADER_LEN]) -> Self {
        let [kind, s0, s1, s2, t0, t1, t2, t_high, i0, i1, i2] = bytes;
        Self {
            kind: TagKind::from_id(kind & Self::KIND),
            encrypted: kind & Self::ENCRYPTED != 0,
            size: u32::from_be_bytes([0, s0, s1, s2]),
            // The low 24 bits come first, the high byte was added later behind them.
            timestamp: u32::from_be_bytes([t_high, t0, t1, t2]),
            stream_id: u32::from_be_bytes([0, i0, i1, i2]),
        }
    }

    pub(super) fn with_body(self, body: Bytes) -> Tag {
        let Self { kind, encrypted, timestamp, stream_id, .. } = self;
        Tag { kind, encrypted, timestamp, stream_id, body }
    }

    pub(super) const fn to_bytes(self) -> [u8; Tag::HEADER_LEN] {
        let [_, s0, s1, s2] = self.size.to_be_bytes();
        let [t_high, t0, t1, t2] = self.timestamp.to_be_bytes();
        let [_, i0, i1, i2] = self.stream_id.to_be_bytes();
        let kind = self.kind.id() | if self.encrypted { Self::ENCRYPTED } else { 0 };
        [kind, s0, s1, s2, t0, t1, t2, t_high, i0, i1, i2]
    }
}
