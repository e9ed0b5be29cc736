//! Messages in, chunks out.

use super::{
    CONTROL_STREAM, DEFAULT_CHUNK_SIZE, EXTENDED, ErrorKind, MAX_MESSAGE_SIZE, Message, MessageType,
};
use crate::rtmp::outgoing::Outgoing;
use bytes::Bytes;

/// The longest chunk header: 3 bytes basic header, 11 bytes message header, 4 bytes extended timestamp.
const MAX_HEADER: usize = 18;

/// Cuts messages into chunks, with the shortest header that says enough.
///
/// Messages are written one after the other and not interleaved: whoever calls decides what goes first, message by
/// message. Payloads are passed on by reference; the bytes to send are taken from [`outgoing`](Self::outgoing).
#[derive(Debug)]
pub struct Writer {
    chunk_size: usize,
    streams: Vec<(u32, Last)>,
    out: Outgoing,
}

/// The header that the next one on the same chunk stream may refer to.
#[derive(Clone, Copy, Debug)]
struct Last {
    timestamp: u32,
    /// `None` after a type 0 header: what a type 3 means then is read in two ways, so none is written.
    delta: Option<u32>,
    length: usize,
    kind: MessageType,
    stream_id: u32,
}

impl Default for Writer {
    fn default() -> Self {
        Self { chunk_size: DEFAULT_CHUNK_SIZE as usize, streams: Vec::new(), out: Outgoing::default() }
    }
}

/// A header under construction.
struct Header {
    bytes: [u8; MAX_HEADER],
    len: usize,
}

impl Header {
    fn new(format: u8, chunk_stream: u32) -> Self {
        let mut header = Self { bytes: [0; MAX_HEADER], len: 0 };
        let format = format << 6;
        match chunk_stream {
            0..64 => header.put(&[format | chunk_stream as u8]),
            64..320 => header.put(&[format, (chunk_stream - 64) as u8]),
            _ => {
                let [low, high, ..] = (chunk_stream - 64).to_le_bytes();
                header.put(&[format | 1, low, high]);
            }
        }
        header
    }

    fn put(&mut self, bytes: &[u8]) {
        self.bytes[self.len..self.len + bytes.len()].copy_from_slice(bytes);
        self.len += bytes.len();
    }

    fn put_uint24(&mut self, value: u32) {
        self.put(&value.to_be_bytes()[1..]);
    }

    fn as_slice(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

impl Writer {
    /// Appends a message on a chunk stream, 2 to 65 599.
    ///
    /// # Errors
    /// [`ErrorKind::TooLarge`] for a payload that the format cannot announce; nothing is written then.
    ///
    /// # Panics
    /// In debug builds, when `chunk_stream` is out of range.
    pub fn write(&mut self, chunk_stream: u32, message: Message) -> Result<(), ErrorKind> {
        self.write_with_head(chunk_stream, &[], message)
    }

    /// As [`write`](Self::write), with `head` in front of the payload: a few bytes that the payload, which belongs to
    /// somebody else, need not be copied for.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub fn write_with_head(
        &mut self,
        chunk_stream: u32,
        head: &[u8],
        message: Message,
    ) -> Result<(), ErrorKind> {
        debug_assert!((2..=65_599).contains(&chunk_stream), "chunk stream {chunk_stream} does not exist");
        let size = head.len() + message.payload.len();
        if size > MAX_MESSAGE_SIZE {
            return Err(ErrorKind::TooLarge { size, limit: MAX_MESSAGE_SIZE });
        }
        let extended = self.write_first_header(chunk_stream, &message, size);
        self.write_body(chunk_stream, extended, head, message.payload);
        Ok(())
    }

    /// Announces another chunk size to the peer and uses it from the next chunk on. `size` is kept within 1 to
    /// [`MAX_CHUNK_SIZE`](super::MAX_CHUNK_SIZE).
    pub fn set_chunk_size(&mut self, size: u32) {
        let size = size.clamp(1, super::MAX_CHUNK_SIZE);
        let payload = Bytes::copy_from_slice(&size.to_be_bytes());
        let message = Message { timestamp: 0, kind: MessageType::SET_CHUNK_SIZE, stream_id: 0, payload };
        self.write(CONTROL_STREAM, message).expect("four bytes are within the limit");
        self.chunk_size = size as usize;
    }

    /// The bytes to send, oldest first. Take what was sent off with [`Buf::advance`](bytes::Buf::advance).
    pub fn outgoing(&mut self) -> &mut Outgoing {
        &mut self.out
    }

    /// Writes the header that starts a message; returns its extended timestamp.
    fn write_first_header(&mut self, chunk_stream: u32, message: &Message, length: usize) -> Option<u32> {
        let index = self.streams.iter().position(|(id, _)| *id == chunk_stream);
        let last = index.map(|index| self.streams[index].1);
        let delta = last.and_then(|last| delta(&last, message));

        let (header, extended) = match (last, delta) {
            (Some(last), Some(delta)) => (short_header(chunk_stream, &last, delta, message, length), None),
            _ => full_header(chunk_stream, message, length),
        };
        self.out.put_slice(header.as_slice());

        let Message { timestamp, kind, stream_id, .. } = *message;
        let last = Last { timestamp, delta, length, kind, stream_id };
        match index {
            Some(index) => self.streams[index].1 = last,
            None => self.streams.push((chunk_stream, last)),
        }
        extended
    }

    fn write_body(&mut self, chunk_stream: u32, extended: Option<u32>, mut head: &[u8], mut payload: Bytes) {
        let mut continuation = None;
        loop {
            let from_head = head.len().min(self.chunk_size);
            let from_payload = payload.len().min(self.chunk_size - from_head);
            self.out.put_slice(&head[..from_head]);
            self.out.put(payload.split_to(from_payload));
            head = &head[from_head..];
            if head.is_empty() && payload.is_empty() {
                return;
            }
            let header = continuation.get_or_insert_with(|| continuation_header(chunk_stream, extended));
            self.out.put_slice(header.as_slice());
        }
    }
}

/// The delta from the last message, when a header of type 1, 2 or 3 can say it without an extended timestamp.
///
/// A step backwards is far ahead modulo 2³² and needs the absolute timestamp of type 0, as another message stream does.
fn delta(last: &Last, message: &Message) -> Option<u32> {
    let delta = message.timestamp.wrapping_sub(last.timestamp);
    (last.stream_id == message.stream_id && delta < EXTENDED).then_some(delta)
}

fn full_header(chunk_stream: u32, message: &Message, length: usize) -> (Header, Option<u32>) {
    let mut header = Header::new(0, chunk_stream);
    header.put_uint24(message.timestamp.min(EXTENDED));
    put_length_and_kind(&mut header, length, message.kind);
    header.put(&message.stream_id.to_le_bytes());
    let extended = (message.timestamp >= EXTENDED).then_some(message.timestamp);
    if let Some(extended) = extended {
        header.put(&extended.to_be_bytes());
    }
    (header, extended)
}

fn short_header(chunk_stream: u32, last: &Last, delta: u32, message: &Message, length: usize) -> Header {
    let same_shape = last.length == length && last.kind == message.kind;
    if same_shape && last.delta == Some(delta) {
        return Header::new(3, chunk_stream);
    }
    let mut header = Header::new(if same_shape { 2 } else { 1 }, chunk_stream);
    header.put_uint24(delta);
    if !same_shape {
        put_length_and_kind(&mut header, length, message.kind);
    }
    header
}

fn continuation_header(chunk_stream: u32, extended: Option<u32>) -> Header {
    let mut header = Header::new(3, chunk_stream);
    if let Some(extended) = extended {
        header.put(&extended.to_be_bytes());
    }
    header
}

fn put_length_and_kind(header: &mut Header, length: usize, kind: MessageType) {
    header.put_uint24(length as u32);
    header.put(&[kind.0]);
}
