//! Our chunk layer against two independent ones, in both directions.
#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]
#![cfg(feature = "rtmp")]

use bytes::{Buf, Bytes, BytesMut};
use live_transport::rtmp::chunk::{Limits, Message, MessageType, Reader, Writer};
use proptest::collection::vec;
use proptest::prelude::*;
use rml_rtmp::chunk_io::{ChunkDeserializer, ChunkSerializer};
use rml_rtmp::messages::MessagePayload;
use rml_rtmp::time::RtmpTimestamp;
use scuffle_rtmp::chunk::Chunk;
use scuffle_rtmp::chunk::reader::ChunkReader;
use scuffle_rtmp::chunk::writer::ChunkWriter;

/// Both oracles know the customary chunk streams, of which one carries one kind of message.
fn chunk_stream(kind: MessageType) -> u32 {
    match kind {
        MessageType::AUDIO => 4,
        MessageType::VIDEO => 6,
        _ => 5,
    }
}

prop_compose! {
    /// Neither oracle writes empty messages; one knows no timestamps beyond 31 bits apart.
    fn messages()(
        steps in vec((0..50_u32, prop_oneof![Just(8_u8), Just(9), Just(18)], vec(any::<u8>(), 1..3000)), 1..20),
        start in prop_oneof![0..1000_u32, 0xFF_FF00..0x100_0100_u32, Just(0x7000_0000)],
    ) -> Vec<Message> {
        let mut timestamp = start;
        steps.into_iter().map(|(step, kind, payload)| {
            timestamp += step;
            Message { timestamp, kind: MessageType(kind), stream_id: 1, payload: payload.into() }
        }).collect()
    }
}

fn ours_written(messages: &[Message], chunk_size: u32) -> (usize, BytesMut) {
    let mut writer = Writer::default();
    writer.set_chunk_size(chunk_size);
    let announcement = writer.outgoing().remaining();
    for message in messages {
        writer.write(chunk_stream(message.kind), message.clone()).unwrap();
    }
    let out = writer.outgoing();
    (announcement, BytesMut::from(out.copy_to_bytes(out.remaining())))
}

fn ours_read(mut input: BytesMut) -> Vec<Message> {
    let mut reader = Reader::new(Limits::default());
    std::iter::from_fn(|| reader.read(&mut input).unwrap()).collect()
}

fn announcement(chunk_size: u32) -> Vec<u8> {
    let mut bytes = vec![2, 0, 0, 0, 0, 0, 4, 1, 0, 0, 0, 0];
    bytes.extend_from_slice(&chunk_size.to_be_bytes());
    bytes
}

proptest! {
    #[test]
    fn rml_rtmp_reads_what_we_write(messages in messages(), size in 128..5000_u32) {
        let (skip, bytes) = ours_written(&messages, size);
        let mut oracle = ChunkDeserializer::new();
        oracle.set_max_chunk_size(size as usize).unwrap();
        let mut got = Vec::new();
        let mut input = &bytes[skip..];
        while let Some(message) = oracle.get_next_message(input).unwrap() {
            input = &[];
            got.push(Message {
                timestamp: message.timestamp.value,
                kind: MessageType(message.type_id),
                stream_id: message.message_stream_id,
                payload: message.data,
            });
        }
        prop_assert_eq!(got, messages);
    }

    #[test]
    fn we_read_what_rml_rtmp_writes(messages in messages(), size in 128..5000_u32) {
        let mut oracle = ChunkSerializer::new();
        let mut bytes = oracle.set_max_chunk_size(size, RtmpTimestamp::new(0)).unwrap().bytes;
        for message in &messages {
            let payload = MessagePayload {
                timestamp: RtmpTimestamp::new(message.timestamp),
                type_id: message.kind.0,
                message_stream_id: message.stream_id,
                data: message.payload.clone(),
            };
            bytes.extend(oracle.serialize(&payload, false, false).unwrap().bytes);
        }
        prop_assert_eq!(ours_read(BytesMut::from(&bytes[..])), messages);
    }

    #[test]
    fn scuffle_reads_what_we_write(messages in messages(), size in 128..5000_u32) {
        let (skip, mut bytes) = ours_written(&messages, size);
        bytes.advance(skip);
        let mut oracle = ChunkReader::default();
        prop_assert!(oracle.update_max_chunk_size(size as usize));
        let mut got = Vec::new();
        while let Some(chunk) = oracle.read_chunk(&mut bytes).unwrap() {
            got.push(Message {
                timestamp: chunk.message_header.timestamp,
                kind: MessageType(chunk.message_header.msg_type_id.0),
                stream_id: chunk.message_header.msg_stream_id,
                payload: chunk.payload,
            });
        }
        prop_assert_eq!(got, messages);
    }

    #[test]
    fn we_read_what_scuffle_writes(messages in messages(), size in 128..5000_u32) {
        let mut oracle = ChunkWriter::default();
        oracle.set_chunk_size(size as usize);
        let mut bytes = announcement(size);
        for message in &messages {
            let chunk = Chunk::new(
                chunk_stream(message.kind),
                message.timestamp,
                message.kind.0.into(),
                message.stream_id,
                Bytes::clone(&message.payload),
            );
            oracle.write_chunk(&mut bytes, chunk).unwrap();
        }
        prop_assert_eq!(ours_read(BytesMut::from(&bytes[..])), messages);
    }
}
