//! The chunk stream: messages cut into chunks and interleaved on one connection (RTMP section 5.3).
//!
//! [`Reader`] puts messages together, [`Writer`] cuts them. Both know nothing of what a message means, except the two
//! that the layer itself obeys: Set Chunk Size and Abort.

mod read;
mod write;

pub use read::{Limits, Reader};
pub use write::Writer;

use bytes::Bytes;
use std::fmt;

/// The chunk size both directions start with (RTMP section 5.4.1).
pub const DEFAULT_CHUNK_SIZE: u32 = 128;

/// The largest legal chunk size (RTMP section 5.4.1): the top bit is zero.
pub const MAX_CHUNK_SIZE: u32 = 0x7FFF_FFFF;

/// The largest message that the 24-bit length field can announce: 16 MiB − 1.
pub const MAX_MESSAGE_SIZE: usize = 0xFF_FFFF;

/// The chunk stream that carries the messages of the layer itself.
pub const CONTROL_STREAM: u32 = 2;

/// The value of the 24-bit timestamp field that announces an extended timestamp.
const EXTENDED: u32 = 0xFF_FFFF;

/// What a message is: its type id on the wire (RTMP sections 5.4 and 7.1).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct MessageType(pub u8);

impl MessageType {
    /// Set Chunk Size, obeyed by [`Reader`].
    pub const SET_CHUNK_SIZE: Self = Self(1);
    /// Abort, obeyed by [`Reader`].
    pub const ABORT: Self = Self(2);
    /// Acknowledgement of bytes received.
    pub const ACKNOWLEDGEMENT: Self = Self(3);
    /// User control: pings and the life of streams.
    pub const USER_CONTROL: Self = Self(4);
    /// Window Acknowledgement Size.
    pub const WINDOW_ACK_SIZE: Self = Self(5);
    /// Set Peer Bandwidth.
    pub const SET_PEER_BANDWIDTH: Self = Self(6);
    /// Sound: the body of an FLV audio tag.
    pub const AUDIO: Self = Self(8);
    /// Pictures: the body of an FLV video tag.
    pub const VIDEO: Self = Self(9);
    /// Data in AMF3 clothing: a format byte, then AMF0 values.
    pub const DATA_AMF3: Self = Self(15);
    /// A command in AMF3 clothing: a format byte, then AMF0 values.
    pub const COMMAND_AMF3: Self = Self(17);
    /// Data: AMF0 values, as in an FLV script tag.
    pub const DATA_AMF0: Self = Self(18);
    /// A command: AMF0 values.
    pub const COMMAND_AMF0: Self = Self(20);
    /// Several audio, video and data messages in one.
    pub const AGGREGATE: Self = Self(22);
}

impl fmt::Debug for MessageType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MessageType({})", self.0)
    }
}

/// One message: what the chunk stream carries.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    /// When it belongs, in milliseconds modulo 2³² on the sender's clock.
    pub timestamp: u32,
    /// What it is.
    pub kind: MessageType,
    /// The message stream it belongs to; 0 is the connection itself.
    pub stream_id: u32,
    /// Its body.
    pub payload: Bytes,
}

/// Prints the size of the payload, never its bytes.
impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("timestamp", &self.timestamp)
            .field("kind", &self.kind)
            .field("stream_id", &self.stream_id)
            .field("bytes", &self.payload.len())
            .finish()
    }
}

/// Why a byte sequence is not a chunk stream, or not one that is worth following.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A header that refers to an earlier one on a chunk stream that had none.
    #[error("a type {0} chunk opens a chunk stream, which only type 0 can do")]
    NoHeader(u8),
    /// A new message header before the message under way was complete.
    #[error("a type {0} chunk starts a message inside another one")]
    Unfinished(u8),
    /// A message over the limit.
    #[error("a message of {size} bytes is over the limit of {limit}")]
    TooLarge {
        /// Its announced size in bytes.
        size: usize,
        /// The limit in force.
        limit: usize,
    },
    /// More chunk streams than the limit.
    #[error("more than {0} chunk streams are in use")]
    TooManyStreams(usize),
    /// The unfinished messages together are over the limit.
    #[error("unfinished messages hold more than {0} bytes")]
    TooMuchUnfinished(usize),
    /// A chunk size of zero, or over 2³¹ − 1.
    #[error("a chunk size of {0} is not allowed")]
    ChunkSize(u32),
    /// Set Chunk Size or Abort with fewer than four bytes.
    #[error("a control message of type {0} is cut short")]
    Truncated(u8),
}

/// A chunk stream cannot be followed any further.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind} (chunk stream {chunk_stream}, after {offset} bytes)")]
pub struct Error {
    /// What is wrong.
    pub kind: ErrorKind,
    /// The chunk stream it happened on.
    pub chunk_stream: u32,
    /// Bytes of the chunk stream read before it.
    pub offset: u64,
}

#[cfg(test)]
mod tests;
