//! The messages about the connection itself (RTMP sections 5.4 and 7.1.7).

use super::chunk::{Message, MessageType};
use bytes::{BufMut, Bytes, BytesMut};

/// A user control event (RTMP section 7.1.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UserControl {
    /// A message stream can be used.
    StreamBegin(u32),
    /// A message stream is over.
    StreamEof(u32),
    /// A message stream has nothing to send at the moment.
    StreamDry(u32),
    /// How many milliseconds the client buffers.
    SetBufferLength {
        /// The message stream.
        stream: u32,
        /// Milliseconds.
        millis: u32,
    },
    /// A message stream is a recording.
    StreamIsRecorded(u32),
    /// The server wants to know whether the client is alive.
    PingRequest(u32),
    /// The client is alive; carries the request's number.
    PingResponse(u32),
}

impl UserControl {
    /// Reads the body of a user control message; `None` for an unknown event or one that is cut short.
    #[must_use]
    pub fn parse(body: &[u8]) -> Option<Self> {
        let (kind, data) = body.split_first_chunk()?;
        let (first, rest) = data.split_first_chunk()?;
        let value = u32::from_be_bytes(*first);
        Some(match u16::from_be_bytes(*kind) {
            0 => Self::StreamBegin(value),
            1 => Self::StreamEof(value),
            2 => Self::StreamDry(value),
            3 => Self::SetBufferLength { stream: value, millis: u32::from_be_bytes(*rest.first_chunk()?) },
            4 => Self::StreamIsRecorded(value),
            6 => Self::PingRequest(value),
            7 => Self::PingResponse(value),
            _ => return None,
        })
    }

    /// The message that says it.
    #[must_use]
    pub fn message(self) -> Message {
        let (kind, value) = match self {
            Self::StreamBegin(stream) => (0, stream),
            Self::StreamEof(stream) => (1, stream),
            Self::StreamDry(stream) => (2, stream),
            Self::SetBufferLength { stream, .. } => (3, stream),
            Self::StreamIsRecorded(stream) => (4, stream),
            Self::PingRequest(number) => (6, number),
            Self::PingResponse(number) => (7, number),
        };
        let mut body = BytesMut::with_capacity(10);
        body.put_u16(kind);
        body.put_u32(value);
        if let Self::SetBufferLength { millis, .. } = self {
            body.put_u32(millis);
        }
        control(MessageType::USER_CONTROL, body.freeze())
    }
}

/// The number that starts the body of an Acknowledgement, Window Acknowledgement Size or Set Peer Bandwidth.
pub(super) fn word(message: &Message) -> Option<u32> {
    message.payload.first_chunk().map(|bytes| u32::from_be_bytes(*bytes))
}

/// Acknowledgement of `total` bytes modulo 2³² (RTMP section 5.4.3).
pub(super) fn acknowledgement(total: u32) -> Message {
    control(MessageType::ACKNOWLEDGEMENT, Bytes::copy_from_slice(&total.to_be_bytes()))
}

/// Window Acknowledgement Size (RTMP section 5.4.4).
pub(super) fn window_ack_size(size: u32) -> Message {
    control(MessageType::WINDOW_ACK_SIZE, Bytes::copy_from_slice(&size.to_be_bytes()))
}

/// Set Peer Bandwidth with a dynamic limit (RTMP section 5.4.5).
pub(super) fn set_peer_bandwidth(size: u32) -> Message {
    const DYNAMIC: u8 = 2;
    let mut body = BytesMut::with_capacity(5);
    body.put_u32(size);
    body.put_u8(DYNAMIC);
    control(MessageType::SET_PEER_BANDWIDTH, body.freeze())
}

fn control(kind: MessageType, payload: Bytes) -> Message {
    Message { timestamp: 0, kind, stream_id: 0, payload }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_control_events_are_read_as_they_are_written() {
        for event in [
            UserControl::StreamBegin(1),
            UserControl::StreamEof(1),
            UserControl::StreamDry(7),
            UserControl::SetBufferLength { stream: 1, millis: 3000 },
            UserControl::StreamIsRecorded(1),
            UserControl::PingRequest(0xFFFF_FFFF),
            UserControl::PingResponse(5),
        ] {
            assert_eq!(UserControl::parse(&event.message().payload), Some(event));
        }
    }

    #[test]
    fn t24_unknown_or_truncated_user_control_is_nothing() {
        for body in [&[][..], &[0], &[0, 6], &[0, 6, 1, 2, 3], &[0, 3, 0, 0, 0, 1], &[0, 99, 0, 0, 0, 0]] {
            assert_eq!(UserControl::parse(body), None);
        }
    }
}
