//! What can be wrong with FLV, and where.

use crate::amf0;
use live_core::Codec;
use std::fmt;

/// A compression format that FLV can name and this crate does not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ForeignCodec {
    /// A video `CodecID` (E.4.3.1).
    Video(u8),
    /// A `SoundFormat` (E.4.2.1).
    Audio(u8),
    /// Video with an extended header (Enhanced RTMP), by its `FourCC`.
    ExtendedVideo([u8; 4]),
    /// Audio with an extended header (Enhanced RTMP), by its `FourCC`.
    ExtendedAudio([u8; 4]),
}

impl fmt::Display for ForeignCodec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::Video(2) => "Sorenson H.263",
            Self::Video(3 | 6) => "Screen Video",
            Self::Video(4) => "VP6",
            Self::Video(5) => "VP6 with alpha",
            Self::Video(id) => return write!(f, "video codec {id}"),
            Self::Audio(0 | 3) => "PCM",
            Self::Audio(1) => "ADPCM",
            Self::Audio(4..=6) => "Nellymoser",
            Self::Audio(7) => "G.711 A-law",
            Self::Audio(8) => "G.711 µ-law",
            Self::Audio(11) => "Speex",
            Self::Audio(id) => return write!(f, "sound format {id}"),
            Self::ExtendedVideo(four_cc) | Self::ExtendedAudio(four_cc) => {
                return write!(f, "{} in an Enhanced RTMP header", four_cc.escape_ascii());
            }
        };
        f.write_str(name)
    }
}

/// What is wrong with a tag or with the file around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The first bytes are not those of an FLV file.
    NotFlv {
        /// The bytes there are instead, zeros after a shorter input.
        found: [u8; 4],
    },
    /// The header claims to be longer than any header is.
    HeaderTooLong(u32),
    /// There is neither a tag nor an end where a tag should be: bytes were lost or inserted before.
    LostSync,
    /// The input ends inside a tag.
    Truncated,
    /// A tag ends inside its own header.
    ShortTag,
    /// A codec that is not read. The tag can be passed over; the other track may be readable.
    ForeignCodec(ForeignCodec),
    /// A codec that FLV without Enhanced RTMP cannot carry.
    CannotCarry(Codec),
    /// Script data that is not AMF0. The tag can be passed over.
    Script(amf0::Error),
    /// A payload longer than the 24 bits that a tag has for its size.
    TooLarge(usize),
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFlv { found } => {
                write!(f, "this is not FLV: it starts with \"{}\" instead of \"FLV\"", found.escape_ascii())
            }
            Self::HeaderTooLong(len) => write!(f, "the FLV header claims to be {len} bytes long"),
            Self::LostSync => f.write_str("there is no FLV tag where one should be"),
            Self::Truncated => f.write_str("the FLV data ends inside a tag"),
            Self::ShortTag => f.write_str("an FLV tag ends inside its own header"),
            Self::ForeignCodec(codec) => write!(f, "{codec} is not supported"),
            Self::CannotCarry(codec) => write!(f, "FLV cannot carry {codec}"),
            Self::Script(error) => write!(f, "FLV script data cannot be read: {error}"),
            Self::TooLarge(len) => write!(f, "{len} bytes do not fit into an FLV tag"),
        }
    }
}

impl std::error::Error for ErrorKind {}

/// FLV that cannot be read on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Error {
    /// What is wrong.
    pub kind: ErrorKind,
    /// Where, in bytes from the start of the file or stream.
    pub offset: u64,
    /// How many tags came before.
    pub tag: u64,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (byte {}, tag {})", self.kind, self.offset, self.tag)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.kind)
    }
}
