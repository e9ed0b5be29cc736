//! The chunk layer on a second of a 25 frames/s stream, beside two other implementations in the same run.
#![allow(missing_docs, reason = "the macros of criterion write functions without any")]

use bytes::{Buf, Bytes, BytesMut};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use live_transport::rtmp::chunk::{Limits, Message, MessageType, Reader, Writer};
use rml_rtmp::chunk_io::{ChunkDeserializer, ChunkSerializer};
use rml_rtmp::messages::MessagePayload;
use rml_rtmp::time::RtmpTimestamp;
use scuffle_rtmp::chunk::Chunk;
use scuffle_rtmp::chunk::reader::ChunkReader;
use scuffle_rtmp::chunk::writer::ChunkWriter;
use std::hint::black_box;
use std::io::{IoSlice, Write};

/// The chunk size that senders of today use.
const CHUNK: u32 = 4096;
/// The largest that all three accept, and ours.
const LARGE_CHUNK: u32 = 65_536;

/// Two seconds at about 1500 kbit/s: a key frame of 60 kB, deltas of 6 kB, sound of 180 bytes.
fn stream() -> Vec<Message> {
    let mut messages = Vec::new();
    for frame in 0..50_u32 {
        let size = if frame == 0 { 60_000 } else { 6_000 };
        let video = Bytes::from(vec![frame as u8; size]);
        let message = |timestamp, kind, payload| Message { timestamp, kind, stream_id: 1, payload };
        messages.push(message(frame * 40, MessageType::VIDEO, video));
        for part in 0..2 {
            messages.push(message(frame * 40 + part * 20, MessageType::AUDIO, Bytes::from(vec![7; 180])));
        }
    }
    messages
}

fn chunk_stream(kind: MessageType) -> u32 {
    if kind == MessageType::VIDEO { 6 } else { 4 }
}

/// Hands everything to a writer that throws it away, as a socket would take it.
fn send(out: &mut impl Buf) {
    while out.has_remaining() {
        let mut slices = [IoSlice::new(&[]); 64];
        let filled = out.chunks_vectored(&mut slices);
        let written = std::io::sink().write_vectored(black_box(&slices[..filled])).expect("a sink takes all");
        out.advance(written);
    }
}

fn written(messages: &[Message], chunk_size: u32) -> (Bytes, BytesMut) {
    let mut writer = Writer::default();
    writer.set_chunk_size(chunk_size);
    let out = writer.outgoing();
    let announcement = out.copy_to_bytes(out.remaining());
    for message in messages {
        writer.write(chunk_stream(message.kind), message.clone()).expect("within the limit");
    }
    let out = writer.outgoing();
    (announcement, BytesMut::from(out.copy_to_bytes(out.remaining())))
}

fn write(c: &mut Criterion) {
    let messages = stream();
    for chunk_size in [CHUNK, LARGE_CHUNK] {
        let mut group = c.benchmark_group(format!("chunk write, {chunk_size}"));
        group.throughput(Throughput::Elements(messages.len() as u64));
        group.bench_function("ours", |b| {
            let mut writer = Writer::default();
            writer.set_chunk_size(chunk_size);
            b.iter(|| {
                for message in &messages {
                    writer.write(chunk_stream(message.kind), message.clone()).expect("within the limit");
                    send(writer.outgoing());
                }
            });
        });
        group.bench_function("rml_rtmp", |b| {
            let mut writer = ChunkSerializer::new();
            writer.set_max_chunk_size(chunk_size, RtmpTimestamp::new(0)).expect("a legal size");
            b.iter(|| {
                for message in &messages {
                    let payload = MessagePayload {
                        timestamp: RtmpTimestamp::new(message.timestamp),
                        type_id: message.kind.0,
                        message_stream_id: 1,
                        data: message.payload.clone(),
                    };
                    let packet = writer.serialize(&payload, false, false).expect("within the limit");
                    send(&mut &packet.bytes[..]);
                }
            });
        });
        group.bench_function("scuffle", |b| {
            let mut writer = ChunkWriter::default();
            writer.set_chunk_size(chunk_size as usize);
            let mut buffer = Vec::new();
            b.iter(|| {
                for message in &messages {
                    let kind = message.kind.0.into();
                    let chunk_stream = chunk_stream(message.kind);
                    let chunk = Chunk::new(chunk_stream, message.timestamp, kind, 1, message.payload.clone());
                    buffer.clear();
                    writer.write_chunk(&mut buffer, chunk).expect("a vector takes all");
                    send(&mut &buffer[..]);
                }
            });
        });
    }
}

fn read(c: &mut Criterion) {
    let messages = stream();
    for chunk_size in [CHUNK, LARGE_CHUNK] {
        let (announcement, bytes) = written(&messages, chunk_size);
        let mut group = c.benchmark_group(format!("chunk read, {chunk_size}"));
        group.throughput(Throughput::Elements(messages.len() as u64));
        // Each starts on bytes of its own, which it may keep.
        let input = || BytesMut::from(&bytes[..]);
        group.bench_function("ours", |b| {
            let start = || {
                let mut reader = Reader::new(Limits::default());
                let mut first = BytesMut::from(&announcement[..]);
                assert_eq!(reader.read(&mut first), Ok(None));
                (reader, input())
            };
            b.iter_batched(
                start,
                |(mut reader, mut input)| {
                    while let Some(message) = reader.read(&mut input).expect("well-formed") {
                        black_box(message);
                    }
                },
                BatchSize::SmallInput,
            );
        });
        group.bench_function("rml_rtmp", |b| {
            let start = || {
                let mut reader = ChunkDeserializer::new();
                reader.set_max_chunk_size(chunk_size as usize).expect("a legal size");
                (reader, input())
            };
            b.iter_batched(
                start,
                |(mut reader, input)| {
                    let mut rest = &input[..];
                    while let Some(message) = reader.get_next_message(rest).expect("well-formed") {
                        rest = &[];
                        black_box(message);
                    }
                },
                BatchSize::SmallInput,
            );
        });
        group.bench_function("scuffle", |b| {
            let start = || {
                let mut reader = ChunkReader::default();
                assert!(reader.update_max_chunk_size(chunk_size as usize));
                (reader, input())
            };
            b.iter_batched(
                start,
                |(mut reader, mut input)| {
                    while let Some(chunk) = reader.read_chunk(&mut input).expect("well-formed") {
                        black_box(chunk);
                    }
                },
                BatchSize::SmallInput,
            );
        });
    }
}

criterion_group!(benches, write, read);
criterion_main!(benches);
