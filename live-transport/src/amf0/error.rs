//! What can be wrong with AMF data, and where.

use std::fmt;

/// What is wrong with an AMF0 or AMF3 value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The message ends inside a value.
    UnexpectedEnd,
    /// A type marker that is reserved or not defined.
    UnknownMarker(u8),
    /// Objects are nested deeper than [`MAX_DEPTH`](super::MAX_DEPTH).
    TooDeep,
    /// The message holds more than [`MAX_COST`](super::MAX_COST) allows.
    TooLarge,
    /// A reference to an object that has not been sent, or to one that contains the reference.
    BadReference(u32),
    /// An AMF3 object whose class writes itself, in a format of its own.
    Externalizable,
}

/// An AMF0 or AMF3 value that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Error {
    /// What is wrong.
    pub kind: ErrorKind,
    /// Where, in bytes from the start of the message.
    pub offset: usize,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            ErrorKind::UnexpectedEnd => f.write_str("AMF data ends inside a value")?,
            ErrorKind::UnknownMarker(marker) => write!(f, "unknown AMF type marker {marker:#04x}")?,
            ErrorKind::TooDeep => f.write_str("AMF objects are nested too deeply")?,
            ErrorKind::TooLarge => f.write_str("AMF data holds too many values")?,
            ErrorKind::BadReference(index) => write!(f, "AMF reference {index} leads nowhere")?,
            ErrorKind::Externalizable => f.write_str("AMF3 object in a private format")?,
        }
        write!(f, " at byte {}", self.offset)
    }
}

impl std::error::Error for Error {}
