//! From packets to bytes.

use super::tag::TagHeader;
use super::{ErrorKind, Packetizer, Tag, TagParts};
use bytes::{Buf, BufMut, Bytes, BytesMut};
use live_core::{Packet, Timestamp};

/// Bytes of a tag's header and the first part of its body.
const MAX_HEAD: usize = Tag::HEADER_LEN + 5;

/// Writes packets as the tags of a file or of an HTTP-FLV body.
#[derive(Clone, Debug)]
pub struct Muxer {
    packetizer: Packetizer,
}

impl Muxer {
    /// For a stream whose zero on the wire is `epoch`, which must not be later than the smallest `dts` to come.
    #[must_use]
    pub const fn new(epoch: Timestamp) -> Self {
        Self { packetizer: Packetizer::new(epoch) }
    }

    /// The tag for `packet`, its payload not copied; `None` where FLV has none.
    ///
    /// # Errors
    /// As [`Packetizer::packetize`].
    pub fn mux(&mut self, packet: &Packet) -> Result<Option<MuxedTag>, ErrorKind> {
        Ok(self.packetizer.packetize(packet)?.map(MuxedTag::from))
    }

    /// Appends the tag for `packet`, if there is one, to `out`.
    ///
    /// # Errors
    /// As [`Packetizer::packetize`]; `out` is then unchanged.
    pub fn write(&mut self, packet: &Packet, out: &mut BytesMut) -> Result<(), ErrorKind> {
        if let Some(tag) = self.mux(packet)? {
            out.reserve(tag.len());
            out.put(tag.into_buf());
        }
        Ok(())
    }
}

/// A whole tag with its back pointer, in the three pieces that go to a vectored write.
#[derive(Clone, Debug)]
pub struct MuxedTag {
    head: Piece<MAX_HEAD>,
    payload: Bytes,
    back_pointer: [u8; 4],
}

impl MuxedTag {
    /// Bytes in all.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a tag is never empty")]
    pub fn len(&self) -> usize {
        self.head.len + self.payload.len() + self.back_pointer.len()
    }

    /// The pieces as one buffer.
    #[must_use]
    pub fn into_buf(self) -> impl Buf + Send {
        let Self { head, payload, back_pointer } = self;
        head.chain(payload).chain(Piece { bytes: back_pointer, at: 0, len: back_pointer.len() })
    }
}

impl From<TagParts> for MuxedTag {
    fn from(parts: TagParts) -> Self {
        let size = parts.body_len() as u32;
        let header =
            TagHeader { kind: parts.kind, encrypted: false, size, timestamp: parts.timestamp, stream_id: 0 };
        let first = parts.head.as_slice();
        let mut bytes = [0; MAX_HEAD];
        let len = Tag::HEADER_LEN + first.len();
        bytes[..Tag::HEADER_LEN].copy_from_slice(&header.to_bytes());
        bytes[Tag::HEADER_LEN..len].copy_from_slice(first);
        Self {
            head: Piece { bytes, at: 0, len },
            payload: parts.payload,
            back_pointer: (size + Tag::HEADER_LEN as u32).to_be_bytes(),
        }
    }
}

/// A few bytes by value that are read like a buffer.
#[derive(Clone, Copy, Debug)]
struct Piece<const N: usize> {
    bytes: [u8; N],
    at: usize,
    len: usize,
}

impl<const N: usize> Buf for Piece<N> {
    fn remaining(&self) -> usize {
        self.len - self.at
    }

    fn chunk(&self) -> &[u8] {
        &self.bytes[self.at..self.len]
    }

    fn advance(&mut self, count: usize) {
        assert!(count <= self.remaining(), "advanced past the end of a tag");
        self.at += count;
    }
}
