//! The header of an FLV file (E.2).

use bytes::{BufMut, BytesMut};

/// Which tracks a file says it has.
///
/// Many senders lie: a set flag does not mean that the track ever comes, a clear one not that it stays away. Use it
/// as a hint and never wait for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// There is sound.
    pub audio: bool,
    /// There are pictures.
    pub video: bool,
}

impl Default for Header {
    /// Both tracks.
    fn default() -> Self {
        Self { audio: true, video: true }
    }
}

impl Header {
    /// Bytes of a header as everybody writes it, without the first back pointer.
    pub const LEN: usize = 9;
    pub(super) const SIGNATURE: [u8; 3] = *b"FLV";

    const VERSION: u8 = 1;
    const AUDIO: u8 = 0b100;
    const VIDEO: u8 = 0b001;

    /// The tracks of flag byte `flags`.
    pub(super) const fn from_flags(flags: u8) -> Self {
        Self { audio: flags & Self::AUDIO != 0, video: flags & Self::VIDEO != 0 }
    }

    /// Appends the header and the back pointer that precedes the first tag.
    pub fn write(self, out: &mut BytesMut) {
        out.put_slice(&Self::SIGNATURE);
        out.put_u8(Self::VERSION);
        out.put_u8(if self.audio { Self::AUDIO } else { 0 } | if self.video { Self::VIDEO } else { 0 });
        out.put_u32(Self::LEN as u32);
        out.put_u32(0);
    }
}
