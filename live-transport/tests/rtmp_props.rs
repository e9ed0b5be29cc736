//! Properties of the chunk layer and the sessions: nothing is lost or changed by any chunk size, interleaving or split,
//! and no input panics or makes us hold more than the limits say.
#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]
#![cfg(feature = "rtmp")]

#[path = "support/heap.rs"]
mod heap;

use bytes::{Buf, Bytes, BytesMut};
use live_transport::rtmp::chunk::{Limits, Message, MessageType, Reader, Writer};
use live_transport::rtmp::{ClientConfig, ClientSession, Outgoing, Purpose, ServerConfig, ServerSession};
use proptest::collection::vec;
use proptest::prelude::*;
use std::time::Instant;

#[global_allocator]
static HEAP: heap::Counting = heap::Counting;

fn take(out: &mut Outgoing) -> BytesMut {
    BytesMut::from(out.copy_to_bytes(out.remaining()))
}

/// Timestamps with the edges of 24 and 32 bits among them.
fn timestamp() -> impl Strategy<Value = u32> {
    prop_oneof![
        any::<u32>(),
        0..100_u32,
        0xFF_FFF0..0x100_0010_u32,
        (u32::MAX - 16)..=u32::MAX,
        Just(0xFF_FFFE),
        Just(0xFF_FFFF),
    ]
}

fn chunk_stream() -> impl Strategy<Value = u32> {
    prop_oneof![2..8_u32, Just(63), Just(64), Just(319), Just(320), Just(65_599)]
}

fn chunk_size() -> impl Strategy<Value = u32> {
    prop_oneof![1..10_u32, 100..300_u32, Just(4096), Just(65_536), Just(0x7FFF_FFFF)]
}

prop_compose! {
    fn message()(
        timestamp in timestamp(),
        kind in prop_oneof![Just(8_u8), Just(9), Just(18), Just(20)],
        stream_id in prop_oneof![Just(0_u32), Just(1), any::<u32>()],
        payload in vec(any::<u8>(), 0..700),
    ) -> Message {
        Message { timestamp, kind: MessageType(kind), stream_id, payload: payload.into() }
    }
}

/// Reads `bytes`, given in pieces of the sizes in `cuts` over and over.
fn read_in_pieces(bytes: &[u8], cuts: &[usize]) -> Vec<Message> {
    let mut reader = Reader::new(Limits::default());
    let (mut input, mut messages, mut rest) = (BytesMut::new(), Vec::new(), bytes);
    for cut in cuts.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (piece, behind) = rest.split_at((*cut).min(rest.len()));
        input.extend_from_slice(piece);
        rest = behind;
        while let Some(message) = reader.read(&mut input).expect("a well-formed stream") {
            messages.push(message);
        }
    }
    assert!(input.is_empty(), "{} bytes were left", input.len());
    messages
}

/// The chunks of a message, as the format's text has them: a full header, then type 3, nothing clever.
fn plain_chunks(chunk_stream: u32, message: &Message, chunk_size: usize) -> Vec<Vec<u8>> {
    let basic = |format: u8| match chunk_stream {
        0..64 => vec![format << 6 | chunk_stream as u8],
        64..320 => vec![format << 6, (chunk_stream - 64) as u8],
        _ => [&[format << 6 | 1][..], &((chunk_stream - 64) as u16).to_le_bytes()].concat(),
    };
    let extended = message.timestamp >= 0xFF_FFFF;
    let extension: &[u8] = if extended { &message.timestamp.to_be_bytes() } else { &[] };
    let mut first = basic(0);
    first.extend_from_slice(&message.timestamp.min(0xFF_FFFF).to_be_bytes()[1..]);
    first.extend_from_slice(&(message.payload.len() as u32).to_be_bytes()[1..]);
    first.push(message.kind.0);
    first.extend_from_slice(&message.stream_id.to_le_bytes());
    first.extend_from_slice(extension);
    let mut pieces = message.payload.chunks(chunk_size);
    first.extend_from_slice(pieces.next().unwrap_or_default());
    let more = pieces.map(|piece| [&basic(3)[..], extension, piece].concat());
    std::iter::once(first).chain(more).collect()
}

proptest! {
    #[test]
    fn what_is_written_is_read_for_any_chunk_size_and_split(
        messages in vec((chunk_stream(), message(), proptest::option::weighted(0.1, chunk_size())), 1..20),
        cuts in vec(1..2000_usize, 1..5),
    ) {
        let mut writer = Writer::default();
        for (chunk_stream, message, new_size) in &messages {
            if let Some(size) = new_size {
                writer.set_chunk_size(*size);
            }
            writer.write(*chunk_stream, message.clone()).unwrap();
        }
        let bytes = take(writer.outgoing());
        let expected: Vec<_> = messages.into_iter().map(|(_, message, _)| message).collect();
        prop_assert_eq!(read_in_pieces(&bytes, &cuts), expected);
    }

    #[test]
    fn a_head_in_front_makes_no_difference(
        message in message(),
        size in chunk_size(),
        at in 0..700_usize,
    ) {
        let (mut whole, mut parts) = (Writer::default(), Writer::default());
        for writer in [&mut whole, &mut parts] {
            writer.set_chunk_size(size);
        }
        let mut payload = message.payload.clone();
        let head = payload.split_to(at.min(payload.len()));
        whole.write(4, message.clone()).unwrap();
        parts.write_with_head(4, &head, Message { payload, ..message }).unwrap();
        prop_assert_eq!(take(whole.outgoing()), take(parts.outgoing()));
    }

    #[test]
    fn interleaved_messages_come_apart_again(
        streams in vec(vec(message(), 1..4), 1..6),
        order in vec(any::<prop::sample::Index>(), 1..50),
        cuts in vec(1..400_usize, 1..5),
    ) {
        let mut waiting: Vec<_> = streams.iter().enumerate().map(|(index, messages)| {
            let chunks = messages.iter().flat_map(|message| plain_chunks(60 + 2 * index as u32, message, 128));
            chunks.collect::<std::collections::VecDeque<_>>()
        }).collect();
        let mut bytes = Vec::new();
        for pick in order.iter().cycle() {
            let Some(most) = waiting.iter().map(std::collections::VecDeque::len).max().filter(|&most| most > 0) else { break };
            let index = pick.index(waiting.len());
            let index = if waiting[index].is_empty() { waiting.iter().position(|w| w.len() == most).unwrap() } else { index };
            bytes.extend(waiting[index].pop_front().unwrap());
        }
        let got = read_in_pieces(&bytes, &cuts);
        // Messages of one chunk stream stay in order; those of different ones come as they are complete.
        let mut left = streams.clone();
        for message in got {
            let owner = left.iter_mut().find(|messages| messages.first() == Some(&message));
            prop_assert!(owner.is_some(), "{:?} is out of order", message);
            owner.unwrap().remove(0);
        }
        prop_assert!(left.iter().all(Vec::is_empty));
    }

    #[test]
    fn t90_arbitrary_bytes_do_not_panic_and_stay_within_the_bound(
        pieces in vec(vec(any::<u8>(), 0..3000), 0..8),
    ) {
        bounded(|| feed_reader(&pieces));
        bounded(|| feed_server(&pieces));
        bounded(|| feed_client(&pieces));
    }

    #[test]
    fn t90_mutated_streams_do_not_panic_and_stay_within_the_bound(
        messages in vec((2..8_u32, message()), 1..10),
        changes in vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in 1..500_usize,
    ) {
        let mut writer = Writer::default();
        for (chunk_stream, message) in messages {
            writer.write(chunk_stream, message).unwrap();
        }
        let mut bytes = take(writer.outgoing());
        for (place, value) in changes {
            let place = place.index(bytes.len());
            bytes[place] = value;
        }
        let pieces: Vec<_> = bytes.chunks(cut).map(<[u8]>::to_vec).collect();
        bounded(|| feed_reader(&pieces));
        bounded(|| feed_server(&pieces));
        bounded(|| feed_client(&pieces));
    }
}

/// What a peer may make one connection hold: the unfinished messages twice over, for the moment in which a buffer
/// grows, and the rest of a connection.
const BOUND: usize = 2 * (4 << 20) + (1 << 20);

const LIMITS: Limits = Limits { message: 0xFF_FFFF, unfinished: 4 << 20, chunk_streams: 64 };

fn bounded(work: impl FnOnce()) {
    let ((), peak) = heap::peak_of(work);
    assert!(peak < BOUND, "{peak} bytes were held");
}

fn feed_reader(pieces: &[Vec<u8>]) {
    let mut reader = Reader::new(LIMITS);
    let mut input = BytesMut::new();
    for piece in pieces {
        input.extend_from_slice(piece);
        loop {
            match reader.read(&mut input) {
                Ok(Some(_)) => {}
                Ok(None) => break,
                Err(_) => return,
            }
        }
    }
}

/// The handshake of either side, as the other accepts it.
fn handshake() -> Vec<u8> {
    let mut bytes = vec![3];
    bytes.resize(1 + 2 * 1536, 0);
    bytes
}

fn feed_server(pieces: &[Vec<u8>]) {
    let now = Instant::now();
    let mut server = ServerSession::new(now, ServerConfig { limits: LIMITS, ..ServerConfig::default() });
    let mut input = BytesMut::from(&handshake()[..]);
    for piece in pieces {
        input.extend_from_slice(piece);
        if server.handle_input(now, &mut input).is_err() {
            return;
        }
        while server.poll_event().is_some() {}
        let out = server.outgoing();
        out.advance(out.remaining());
    }
}

fn feed_client(pieces: &[Vec<u8>]) {
    let now = Instant::now();
    let mut config = ClientConfig::new(Purpose::Play, "rtmp://host/live/x".parse().unwrap());
    config.limits = LIMITS;
    let mut client = ClientSession::new(now, config);
    let mut input = BytesMut::from(&handshake()[..]);
    for piece in pieces {
        input.extend_from_slice(piece);
        if client.handle_input(now, &mut input).is_err() {
            return;
        }
        while client.poll_event().is_some() {}
        let out = client.outgoing();
        out.advance(out.remaining());
    }
}

#[test]
fn t93_the_worst_a_peer_can_do_stays_within_the_bound() {
    // Every chunk stream announces the largest message and sends as much of it as it may.
    let ((), peak) = heap::peak_of(|| {
        let mut reader = Reader::new(LIMITS);
        let mut input = BytesMut::new();
        // A chunk size beyond every message.
        input.extend_from_slice(&[2, 0, 0, 0, 0, 0, 4, 1, 0, 0, 0, 0, 0x7F, 0xFF, 0xFF, 0xFF]);
        assert_eq!(reader.read(&mut input), Ok(None));
        input.extend_from_slice(&[3, 0, 0, 0, 0xFF, 0xFF, 0xFF, 9, 1, 0, 0, 0]);
        let piece = Bytes::from(vec![0; 4096]);
        let mut sent = 0;
        loop {
            input.extend_from_slice(&piece);
            match reader.read(&mut input) {
                Ok(None) => sent += piece.len(),
                Ok(Some(message)) => panic!("complete: {message:?}"),
                Err(_) => break,
            }
        }
        assert_eq!(sent, LIMITS.unfinished);
    });
    assert!(peak < BOUND, "{peak} bytes were held");
}
