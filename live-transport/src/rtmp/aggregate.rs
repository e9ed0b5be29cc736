//! Aggregate messages: several messages in one, in the form of FLV tags (RTMP section 7.1.6).

use super::chunk::{Message, MessageType};
use bytes::{Buf, Bytes};
use std::fmt;

/// Bytes of the header before each part, as of an FLV tag.
const HEADER: usize = 11;

/// Bytes of the back pointer behind each part.
const BACK_POINTER: usize = 4;

/// Gives out the parts of an aggregate message one by one, without copying them.
pub(super) struct Aggregate {
    rest: Bytes,
    timestamp: u32,
    stream_id: u32,
    /// The timestamp of the first part: the others count from it.
    first: Option<u32>,
}

impl fmt::Debug for Aggregate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Aggregate").field("bytes", &self.rest.len()).finish()
    }
}

impl Aggregate {
    /// The parts of `message`, whose type is Aggregate.
    pub(super) fn new(message: Message) -> Self {
        Self {
            rest: message.payload,
            timestamp: message.timestamp,
            stream_id: message.stream_id,
            first: None,
        }
    }
}

impl Iterator for Aggregate {
    type Item = Message;

    /// The next part; `None` at the end, and where the rest is cut short.
    fn next(&mut self) -> Option<Message> {
        let header: [u8; HEADER] = *self.rest.first_chunk()?;
        let [kind, s2, s1, s0, t2, t1, t0, t3, ..] = header;
        let size = u32::from_be_bytes([0, s2, s1, s0]) as usize;
        let time = u32::from_be_bytes([t3, t2, t1, t0]);
        if self.rest.len() < HEADER + size {
            return None;
        }
        self.rest.advance(HEADER);
        let payload = self.rest.split_to(size);
        self.rest.advance(BACK_POINTER.min(self.rest.len()));
        let first = *self.first.get_or_insert(time);
        Some(Message {
            timestamp: self.timestamp.wrapping_add(time.wrapping_sub(first)),
            kind: MessageType(kind),
            stream_id: self.stream_id,
            payload,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(kind: u8, time: u32, body: &[u8]) -> Vec<u8> {
        let [t3, t2, t1, t0] = time.to_be_bytes();
        let size = body.len() as u8;
        let mut bytes = vec![kind, 0, 0, size, t2, t1, t0, t3, 0, 0, 0];
        bytes.extend_from_slice(body);
        bytes.extend_from_slice(&(11 + u32::from(size)).to_be_bytes());
        bytes
    }

    fn aggregate(timestamp: u32, body: Vec<u8>) -> Vec<(u32, u8, Bytes)> {
        let message = Message { timestamp, kind: MessageType::AGGREGATE, stream_id: 1, payload: body.into() };
        Aggregate::new(message).map(|part| (part.timestamp, part.kind.0, part.payload)).collect()
    }

    #[test]
    fn t25_times_in_an_aggregate_are_relative_to_the_first() {
        let body = [part(8, 5000, b"a"), part(9, 5040, b"vv"), part(8, 4990, b"")].concat();
        let expected =
            [(100, 8, b"a".as_slice().into()), (140, 9, b"vv".as_slice().into()), (90, 8, Bytes::new())];
        assert_eq!(aggregate(100, body), expected);
    }

    #[test]
    fn t25_a_missing_back_pointer_or_a_cut_part_ends_it() {
        let whole = [part(8, 0, b"abc"), part(9, 20, b"def")].concat();
        assert_eq!(aggregate(0, whole[..whole.len() - 4].to_vec()).len(), 2);
        assert_eq!(aggregate(0, whole[..whole.len() - 5].to_vec()).len(), 1);
        assert_eq!(aggregate(0, vec![8, 0, 0]).len(), 0);
    }
}
