//! Chunks in, messages out.

use super::{
    DEFAULT_CHUNK_SIZE, EXTENDED, Error, ErrorKind, MAX_CHUNK_SIZE, MAX_MESSAGE_SIZE, Message, MessageType,
};
use bytes::{Buf, Bytes, BytesMut};
use std::fmt;

/// What is reserved at once for a message that comes in several chunks; more only as its bytes really come, so an
/// announced length alone costs nothing.
const FIRST_RESERVE: usize = 64 * 1024;

/// What a peer may make a [`Reader`] hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one message. Default 16 MiB − 1, all that the format can announce.
    pub message: usize,
    /// Bytes of all unfinished messages together. Default 20 MiB: one message of the largest size and change.
    pub unfinished: usize,
    /// Chunk streams. Default 64: real peers use four to eight.
    pub chunk_streams: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { message: MAX_MESSAGE_SIZE, unfinished: 20 << 20, chunk_streams: 64 }
    }
}

/// Puts messages together from chunks.
///
/// Feed bytes with [`read`](Self::read) until it wants more. A message that comes in a single chunk shares the memory
/// of the input buffer; one that comes in several is copied once.
pub struct Reader {
    limits: Limits,
    chunk_size: usize,
    streams: Vec<ChunkStream>,
    /// The chunk whose payload has not come completely.
    open: Option<OpenChunk>,
    /// Bytes of all unfinished messages.
    unfinished: usize,
    /// Bytes read so far.
    offset: u64,
}

/// What is remembered of one chunk stream: the fields later headers refer to, and its message under way.
#[derive(Default)]
struct ChunkStream {
    id: u32,
    timestamp: u32,
    delta: u32,
    length: usize,
    kind: u8,
    stream_id: u32,
    /// The extended timestamp of the header in force, which type 3 chunks repeat.
    extended: Option<u32>,
    /// A message has started and is not complete.
    under_way: bool,
    partial: BytesMut,
}

/// Prints how much is held, never what.
impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader")
            .field("chunk_size", &self.chunk_size)
            .field("chunk_streams", &self.streams.len())
            .field("unfinished", &self.unfinished)
            .field("offset", &self.offset)
            .finish_non_exhaustive()
    }
}

#[derive(Clone, Copy)]
struct OpenChunk {
    /// Index in [`Reader::streams`].
    stream: usize,
    /// Bytes of the chunk's payload that have not come.
    left: usize,
}

/// What became of a chunk's payload.
enum Payload {
    /// Its end has not come.
    Incomplete,
    /// The chunk is complete, its message is not.
    Chunk,
    /// A message is complete.
    Message(Message),
}

/// The basic header: chunk type and chunk stream id (RTMP section 5.3.1.1).
struct BasicHeader {
    format: u8,
    chunk_stream: u32,
    size: usize,
}

impl BasicHeader {
    /// `None` when it has not come completely.
    fn parse(bytes: &[u8]) -> Option<Self> {
        let first = *bytes.first()?;
        let (chunk_stream, size) = match first & 0x3F {
            0 => (u32::from(*bytes.get(1)?) + 64, 2),
            // The third byte is the more significant one.
            1 => (u32::from(u16::from_le_bytes([*bytes.get(1)?, *bytes.get(2)?])) + 64, 3),
            id => (u32::from(id), 1),
        };
        Some(Self { format: first >> 6, chunk_stream, size })
    }
}

/// Bytes of the message header by chunk type (RTMP section 5.3.1.2).
const MESSAGE_HEADER_SIZE: [usize; 4] = [11, 7, 3, 0];

impl Reader {
    /// A reader at the start of a chunk stream, with the chunk size of the start.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            chunk_size: DEFAULT_CHUNK_SIZE as usize,
            streams: Vec::new(),
            open: None,
            unfinished: 0,
            offset: 0,
        }
    }

    /// Bytes of the chunk stream read so far, headers included.
    #[must_use]
    pub const fn offset(&self) -> u64 {
        self.offset
    }

    /// The next complete message, or `None` when more bytes are needed.
    ///
    /// Takes what it understood off the front of `input` and leaves an incomplete header there; call it again, with
    /// more bytes behind. Set Chunk Size and Abort take effect here, before the next chunk, and are not given out.
    ///
    /// # Errors
    /// The stream breaks the format or a limit. There is no way to find the next chunk then: give up the connection.
    pub fn read(&mut self, input: &mut BytesMut) -> Result<Option<Message>, Error> {
        loop {
            let chunk = match self.open.take() {
                Some(open) => open,
                None => match self.read_header(input)? {
                    Some(chunk) => chunk,
                    None => return Ok(None),
                },
            };
            match self.read_payload(chunk, input)? {
                Payload::Incomplete => return Ok(None),
                Payload::Chunk => {}
                Payload::Message(message) => match message.kind {
                    MessageType::SET_CHUNK_SIZE => self.set_chunk_size(&message)?,
                    MessageType::ABORT => self.abort(&message)?,
                    _ => return Ok(Some(message)),
                },
            }
        }
    }

    /// Reads the headers of a chunk, if they have come completely.
    fn read_header(&mut self, input: &mut BytesMut) -> Result<Option<OpenChunk>, Error> {
        let Some(basic) = BasicHeader::parse(input) else { return Ok(None) };
        let known = self.streams.iter().position(|stream| stream.id == basic.chunk_stream);
        let end = basic.size + MESSAGE_HEADER_SIZE[usize::from(basic.format)];
        let Some(fields) = input.get(basic.size..end) else { return Ok(None) };

        let (consumed, index) = if basic.format == 3 {
            let Some(index) = known else {
                return Err(self.error(basic.chunk_stream, ErrorKind::NoHeader(3)));
            };
            let stream = &mut self.streams[index];
            let Some(repeated) = stream.repeats_extended(&input[end..]) else { return Ok(None) };
            if !stream.under_way {
                stream.timestamp = stream.timestamp.wrapping_add(stream.delta);
            }
            (end + if repeated { 4 } else { 0 }, index)
        } else {
            let field = uint24(fields);
            let extended = if field == EXTENDED {
                let Some(bytes) = input[end..].first_chunk() else { return Ok(None) };
                Some(u32::from_be_bytes(*bytes))
            } else {
                None
            };
            let fields = Fields::parse(basic.format, fields);
            if let Some(size) = fields.length.filter(|&size| size > self.limits.message) {
                let kind = ErrorKind::TooLarge { size, limit: self.limits.message };
                return Err(self.error(basic.chunk_stream, kind));
            }
            let index = self.stream_for(&basic, known)?;
            self.streams[index].start(extended.unwrap_or(field), extended, &fields);
            (end + if extended.is_some() { 4 } else { 0 }, index)
        };

        input.advance(consumed);
        self.offset += consumed as u64;
        let stream = &mut self.streams[index];
        stream.under_way = true;
        let left = (stream.length - stream.partial.len()).min(self.chunk_size);
        Ok(Some(OpenChunk { stream: index, left }))
    }

    /// The place of the chunk stream that a type 0, 1 or 2 chunk belongs to.
    fn stream_for(&mut self, basic: &BasicHeader, known: Option<usize>) -> Result<usize, Error> {
        match known {
            Some(index) if self.streams[index].under_way => {
                Err(self.error(basic.chunk_stream, ErrorKind::Unfinished(basic.format)))
            }
            Some(index) => Ok(index),
            None if basic.format != 0 => {
                Err(self.error(basic.chunk_stream, ErrorKind::NoHeader(basic.format)))
            }
            None if self.streams.len() >= self.limits.chunk_streams => {
                let kind = ErrorKind::TooManyStreams(self.limits.chunk_streams);
                Err(self.error(basic.chunk_stream, kind))
            }
            None => {
                self.streams.push(ChunkStream { id: basic.chunk_stream, ..ChunkStream::default() });
                Ok(self.streams.len() - 1)
            }
        }
    }

    /// Takes what has come of a chunk's payload.
    fn read_payload(&mut self, chunk: OpenChunk, input: &mut BytesMut) -> Result<Payload, Error> {
        let stream = &mut self.streams[chunk.stream];
        let take = chunk.left.min(input.len());
        self.offset += take as u64;
        if take == stream.length {
            // The whole message lies in the input: share it. (Nothing can be in `partial` then.)
            stream.under_way = false;
            return Ok(Payload::Message(stream.message(input.split_to(take).freeze())));
        }
        if self.unfinished + take > self.limits.unfinished {
            let id = stream.id;
            return Err(self.error(id, ErrorKind::TooMuchUnfinished(self.limits.unfinished)));
        }
        stream.append(&input[..take]);
        input.advance(take);
        self.unfinished += take;
        if take < chunk.left {
            self.open = Some(OpenChunk { stream: chunk.stream, left: chunk.left - take });
            return Ok(Payload::Incomplete);
        }
        if stream.partial.len() < stream.length {
            return Ok(Payload::Chunk);
        }
        self.unfinished -= stream.length;
        stream.under_way = false;
        let payload = std::mem::take(&mut stream.partial).freeze();
        Ok(Payload::Message(stream.message(payload)))
    }

    fn set_chunk_size(&mut self, message: &Message) -> Result<(), Error> {
        let size = self.control_word(message)?;
        if !(1..=MAX_CHUNK_SIZE).contains(&size) {
            return Err(self.error(super::CONTROL_STREAM, ErrorKind::ChunkSize(size)));
        }
        self.chunk_size = size as usize;
        Ok(())
    }

    /// Drops the message under way on a chunk stream; the fields of its header stay in force.
    fn abort(&mut self, message: &Message) -> Result<(), Error> {
        let id = self.control_word(message)?;
        if let Some(stream) = self.streams.iter_mut().find(|stream| stream.id == id) {
            self.unfinished -= stream.partial.len();
            stream.partial = BytesMut::new();
            stream.under_way = false;
        }
        Ok(())
    }

    fn control_word(&self, message: &Message) -> Result<u32, Error> {
        match message.payload.first_chunk() {
            Some(bytes) => Ok(u32::from_be_bytes(*bytes)),
            None => Err(self.error(super::CONTROL_STREAM, ErrorKind::Truncated(message.kind.0))),
        }
    }

    fn error(&self, chunk_stream: u32, kind: ErrorKind) -> Error {
        Error { kind, chunk_stream, offset: self.offset }
    }
}

/// The fields of a message header apart from its timestamp; absent ones stay as they were.
struct Fields {
    absolute: bool,
    length: Option<usize>,
    kind: Option<u8>,
    stream_id: Option<u32>,
}

impl Fields {
    /// `bytes` is a whole message header of type 0, 1 or 2.
    fn parse(format: u8, bytes: &[u8]) -> Self {
        Self {
            absolute: format == 0,
            length: bytes.get(3..6).map(|length| uint24(length) as usize),
            kind: bytes.get(6).copied(),
            // The one little-endian number of the format.
            stream_id: bytes.get(7..).and_then(|id| id.first_chunk()).map(|id| u32::from_le_bytes(*id)),
        }
    }
}

impl ChunkStream {
    /// Takes over the header of a new message, with its timestamp or delta `time`.
    fn start(&mut self, time: u32, extended: Option<u32>, fields: &Fields) {
        // After a type 0, a type 3 that starts a message advances by the timestamp itself (section 5.3.1.2.4).
        self.delta = time;
        self.timestamp = if fields.absolute { time } else { self.timestamp.wrapping_add(time) };
        self.extended = extended;
        self.length = fields.length.unwrap_or(self.length);
        self.kind = fields.kind.unwrap_or(self.kind);
        self.stream_id = fields.stream_id.unwrap_or(self.stream_id);
    }

    /// Whether the bytes behind a type 3 header are its extended timestamp; `None` when too few have come to say.
    ///
    /// The format demands one whenever the header in force has one. Some peers leave it out, others repeat the
    /// absolute timestamp where the header had a delta: the bytes tell.
    fn repeats_extended(&self, bytes: &[u8]) -> Option<bool> {
        let Some(extended) = self.extended else { return Some(false) };
        let seen = &bytes[..bytes.len().min(4)];
        let agrees = |value: u32| value.to_be_bytes().starts_with(seen);
        if !agrees(extended) && !agrees(self.timestamp) {
            return Some(false);
        }
        (seen.len() == 4).then_some(true)
    }

    fn append(&mut self, bytes: &[u8]) {
        let have = self.partial.len();
        if self.partial.capacity() - have < bytes.len() {
            let more = bytes.len().max(have).max(FIRST_RESERVE).min(self.length - have);
            self.partial.reserve(more);
        }
        self.partial.extend_from_slice(bytes);
    }

    fn message(&self, payload: Bytes) -> Message {
        Message {
            timestamp: self.timestamp,
            kind: MessageType(self.kind),
            stream_id: self.stream_id,
            payload,
        }
    }
}

fn uint24(bytes: &[u8]) -> u32 {
    u32::from_be_bytes([0, bytes[0], bytes[1], bytes[2]])
}
