//! The rules of the chunk layer, one test each, on bytes written out by hand.

use super::*;
use bytes::{Buf, BytesMut};

fn read_all(bytes: &[u8]) -> Vec<Message> {
    try_read_all(bytes).expect("a well-formed chunk stream")
}

fn try_read_all(bytes: &[u8]) -> Result<Vec<Message>, Error> {
    let mut reader = Reader::new(Limits::default());
    let mut input = BytesMut::from(bytes);
    let mut messages = Vec::new();
    while let Some(message) = reader.read(&mut input)? {
        messages.push(message);
    }
    assert!(input.is_empty(), "{} bytes were left", input.len());
    Ok(messages)
}

/// A type 0 header on chunk stream 4: audio on message stream 1.
fn full(timestamp: u32, length: usize) -> Vec<u8> {
    let mut bytes = vec![4];
    bytes.extend_from_slice(&timestamp.min(0xFF_FFFF).to_be_bytes()[1..]);
    bytes.extend_from_slice(&(length as u32).to_be_bytes()[1..]);
    bytes.extend_from_slice(&[8, 1, 0, 0, 0]);
    if timestamp >= 0xFF_FFFF {
        bytes.extend_from_slice(&timestamp.to_be_bytes());
    }
    bytes
}

fn audio(timestamp: u32, payload: impl Into<Bytes>) -> Message {
    Message { timestamp, kind: MessageType::AUDIO, stream_id: 1, payload: payload.into() }
}

fn written(messages: impl IntoIterator<Item = Message>) -> Vec<u8> {
    let mut writer = Writer::default();
    for message in messages {
        writer.write(4, message).unwrap();
    }
    let out = writer.outgoing();
    out.copy_to_bytes(out.remaining()).to_vec()
}

fn timestamps(messages: &[Message]) -> Vec<u32> {
    messages.iter().map(|message| message.timestamp).collect()
}

/// `header` with a body of `size` bytes behind it.
fn with_body(mut header: Vec<u8>, size: usize) -> Vec<u8> {
    header.resize(header.len() + size, 0xAA);
    header
}

#[test]
fn t04_chunk_stream_ids_have_three_forms_and_the_longest_is_little_endian() {
    for (id, start) in [
        (2, &[0x02][..]),
        (63, &[0x3F]),
        (64, &[0x00, 0]),
        (319, &[0x00, 255]),
        (320, &[0x01, 0x00, 0x01]),
        (65_599, &[0x01, 0xFF, 0xFF]),
    ] {
        let mut writer = Writer::default();
        writer.write(id, audio(5, &b"abc"[..])).unwrap();
        let bytes = writer.outgoing().copy_to_bytes(start.len() + 11 + 3);
        assert!(bytes.starts_with(start), "id {id}: {bytes:02x?}");

        let mut reader = Reader::new(Limits::default());
        let mut input = BytesMut::from(&bytes[..]);
        assert_eq!(reader.read(&mut input).unwrap(), Some(audio(5, &b"abc"[..])));
        // The same number in a longer form is the same chunk stream: a type 3 finds its header.
        if id >= 64 {
            let [low, high, ..] = (id - 64).to_le_bytes();
            input.extend_from_slice(&[0xC1, low, high]);
            input.extend_from_slice(b"def");
            assert_eq!(reader.read(&mut input).unwrap().unwrap().payload, &b"def"[..]);
        }
    }
}

#[test]
fn t05_message_stream_id_is_little_endian() {
    let bytes = [3, 0, 0, 0, 0, 0, 1, 8, 0x04, 0x03, 0x02, 0x01, 0xAB];
    let message = read_all(&bytes).remove(0);
    assert_eq!(message.stream_id, 0x0102_0304);

    let mut writer = Writer::default();
    writer.write(3, message).unwrap();
    assert_eq!(&writer.outgoing().copy_to_bytes(13)[..], bytes);
}

#[test]
fn t06_extended_timestamp_is_there_from_exactly_0xffffff_on() {
    for (timestamp, size) in [(0xFF_FFFE, 12), (0xFF_FFFF, 16), (0x100_0000, 16), (u32::MAX, 16)] {
        let bytes = written([audio(timestamp, Bytes::new())]);
        assert_eq!(bytes.len(), size, "{timestamp:x}");
        assert_eq!(timestamps(&read_all(&bytes)), [timestamp]);
    }
}

#[test]
fn t07_extended_timestamp_is_repeated_in_every_type_3_chunk() {
    let bytes = written([audio(0x0123_4567, vec![7; 300])]);
    let repeated: Vec<_> = bytes.windows(5).filter(|w| *w == [0xC4, 0x01, 0x23, 0x45, 0x67]).collect();
    assert_eq!(repeated.len(), 2, "300 bytes are three chunks");
    assert_eq!(read_all(&bytes), [audio(0x0123_4567, vec![7; 300])]);
}

#[test]
fn t07_a_type_3_that_starts_a_message_repeats_it_too() {
    // Absolute 2^25, then a type 1 whose delta of 2^24 needs the extended field, then a type 3 repeating that delta.
    let mut bytes = with_body(full(0x200_0000, 2), 2);
    bytes.extend_from_slice(&[0x44, 0xFF, 0xFF, 0xFF, 0, 0, 2, 8, 0x01, 0, 0, 0, 0xAA, 0xAA]);
    bytes.extend_from_slice(&[0xC4, 0x01, 0, 0, 0, 0xBB, 0xBB]);
    assert_eq!(timestamps(&read_all(&bytes)), [0x200_0000, 0x300_0000, 0x400_0000]);
}

#[test]
fn t08_peers_that_leave_the_extended_timestamp_out_of_type_3_are_understood() {
    let body: Vec<u8> = (0..200).map(|i| i as u8).collect();
    let mut bytes = full(0x0123_4567, 200);
    bytes.extend_from_slice(&body[..128]);
    bytes.push(0xC4);
    bytes.extend_from_slice(&body[128..]);
    assert_eq!(read_all(&bytes), [audio(0x0123_4567, body)]);
}

#[test]
fn t08_a_short_last_chunk_without_extended_timestamp_does_not_wait_for_four_bytes() {
    let mut bytes = with_body(full(0x0123_4567, 130), 128);
    bytes.extend_from_slice(&[0xC4, 0xAA, 0xAA]);
    assert_eq!(read_all(&bytes).len(), 1);
}

#[test]
fn t08_a_continuation_may_repeat_the_absolute_timestamp_instead_of_the_delta() {
    let mut bytes = with_body(full(0x200_0000, 1), 1);
    bytes.extend_from_slice(&[0x44, 0xFF, 0xFF, 0xFF, 0, 0, 130, 8, 0x01, 0, 0, 0]);
    bytes = with_body(bytes, 128);
    bytes.extend_from_slice(&[0xC4, 0x03, 0, 0, 0, 0xAA, 0xAA]);
    let messages = read_all(&bytes);
    assert_eq!(timestamps(&messages), [0x200_0000, 0x300_0000]);
    assert_eq!(messages[1].payload.len(), 130);
}

#[test]
fn t09_in_types_1_and_2_the_extended_timestamp_is_a_delta() {
    let mut bytes = with_body(full(10, 2), 2);
    bytes.extend_from_slice(&[0x44, 0xFF, 0xFF, 0xFF, 0, 0, 2, 8, 0x01, 0, 0, 0, 0xAA, 0xAA]);
    bytes.extend_from_slice(&[0x84, 0xFF, 0xFF, 0xFF, 0x02, 0, 0, 0, 0xAA, 0xAA]);
    assert_eq!(timestamps(&read_all(&bytes)), [10, 0x100_000A, 0x300_000A]);
}

#[test]
fn t10_a_type_3_after_a_type_0_repeats_the_timestamp_as_delta() {
    let mut bytes = with_body(full(1000, 2), 2);
    bytes.extend_from_slice(&[0xC4, 0xBB, 0xBB, 0xC4, 0xCC, 0xCC]);
    assert_eq!(timestamps(&read_all(&bytes)), [1000, 2000, 3000]);
}

#[test]
fn t10_the_writer_never_starts_a_message_with_type_3_right_after_type_0() {
    let bytes = written([0, 0, 0, 0].map(|t| audio(t, &b"xy"[..])));
    // Type 0, type 2 with delta 0, and only then type 3.
    assert_eq!(bytes.len(), 14 + 6 + 3 + 3);
    assert_eq!((bytes[14] >> 6, bytes[20] >> 6, bytes[23] >> 6), (2, 3, 3));
    assert_eq!(timestamps(&read_all(&bytes)), [0; 4]);
}

#[test]
fn t11_timestamps_wrap_at_2_to_the_32() {
    let times = [u32::MAX - 30, u32::MAX - 10, 9, 29, 49];
    let bytes = written(times.map(|t| audio(t, vec![1; 200])));
    assert_eq!(timestamps(&read_all(&bytes)), times);
    assert_eq!(bytes.iter().filter(|&&b| b == 0x04).count(), 1, "the wrap needs no second type 0");
}

#[test]
fn t12_extended_timestamp_does_not_count_into_the_message_length() {
    let bytes = written([audio(u32::MAX, vec![1; 128])]);
    assert_eq!(bytes.len(), 12 + 4 + 128);
    assert_eq!(read_all(&bytes)[0].payload.len(), 128);
}

#[test]
fn t13_going_backwards_takes_a_type_0() {
    let bytes = written([100, 60, 90].map(|t| audio(t, Bytes::new())));
    assert_eq!((bytes[0], bytes[12], bytes[24]), (0x04, 0x04, 0x84));
    assert_eq!(timestamps(&read_all(&bytes)), [100, 60, 90]);
}

#[test]
fn t14_chunk_size_starts_at_128_and_a_change_applies_to_the_very_next_chunk() {
    let mut writer = Writer::default();
    writer.write(4, audio(0, vec![1; 200])).unwrap();
    writer.set_chunk_size(4096);
    writer.write(4, audio(20, vec![2; 4000])).unwrap();
    let bytes = writer.outgoing().copy_to_bytes(12 + 200 + 1 + 16 + 8 + 4000);
    assert!(!writer.outgoing().has_remaining());
    assert_eq!(read_all(&bytes), [audio(0, vec![1; 200]), audio(20, vec![2; 4000])]);
}

#[test]
fn t14_chunk_sizes_outside_1_to_2_31_are_refused() {
    let set = |size: u32| {
        let mut bytes = vec![2, 0, 0, 0, 0, 0, 4, 1, 0, 0, 0, 0];
        bytes.extend_from_slice(&size.to_be_bytes());
        try_read_all(&bytes)
    };
    assert_eq!(set(0).unwrap_err().kind, ErrorKind::ChunkSize(0));
    assert_eq!(set(0x8000_0000).unwrap_err().kind, ErrorKind::ChunkSize(0x8000_0000));
    assert!(set(1).is_ok() && set(MAX_CHUNK_SIZE).is_ok());
}

#[test]
fn t15_chunk_size_may_change_in_the_middle_of_interleaved_messages() {
    let mut bytes = with_body(full(0, 300), 128);
    bytes.extend_from_slice(&[2, 0, 0, 0, 0, 0, 4, 1, 0, 0, 0, 0, 0, 0, 0, 100]);
    bytes = with_body([bytes, vec![0xC4]].concat(), 100);
    bytes = with_body([bytes, vec![0xC4]].concat(), 72);
    assert_eq!(read_all(&bytes), [audio(0, vec![0xAA; 300])]);
}

#[test]
fn t16_every_chunk_stream_has_a_partial_message_of_its_own() {
    let video = [6, 0, 0, 40, 0, 0, 150, 9, 1, 0, 0, 0];
    let mut bytes = with_body(full(20, 150), 128);
    bytes = with_body([bytes, video.to_vec()].concat(), 128);
    bytes = with_body([bytes, vec![0xC4]].concat(), 22);
    bytes = with_body([bytes, vec![0xC6]].concat(), 22);
    let messages = read_all(&bytes);
    assert_eq!(timestamps(&messages), [20, 40]);
    assert_eq!((messages[0].kind, messages[1].kind), (MessageType::AUDIO, MessageType::VIDEO));
    assert!(messages.iter().all(|message| message.payload.len() == 150));
}

#[test]
fn t17_abort_drops_the_partial_message_and_keeps_its_timestamp_as_base() {
    let mut bytes = with_body(full(500, 300), 128);
    bytes.extend_from_slice(&[2, 0, 0, 0, 0, 0, 4, 2, 0, 0, 0, 0, 0, 0, 0, 4]);
    bytes.extend_from_slice(&[0x44, 0, 0, 20, 0, 0, 2, 8, 0xBB, 0xBB]);
    assert_eq!(read_all(&bytes), [audio(520, &[0xBB, 0xBB][..])]);
}

#[test]
fn t17_aborting_an_unknown_chunk_stream_is_harmless() {
    assert_eq!(read_all(&[2, 0, 0, 0, 0, 0, 4, 2, 0, 0, 0, 0, 0, 0, 0, 99]), []);
}

#[test]
fn t18_zero_length_messages_exist() {
    let messages = [audio(0, Bytes::new()), audio(5, Bytes::new()), audio(10, Bytes::new())];
    assert_eq!(read_all(&written(messages.clone())), messages);
}

#[test]
fn t19_nothing_over_16_mib_minus_1_is_sent() {
    let mut writer = Writer::default();
    let error = writer.write(4, audio(0, vec![0; MAX_MESSAGE_SIZE + 1])).unwrap_err();
    assert_eq!(error, ErrorKind::TooLarge { size: MAX_MESSAGE_SIZE + 1, limit: MAX_MESSAGE_SIZE });
    assert!(!writer.outgoing().has_remaining());
    writer.write(4, audio(0, vec![0; MAX_MESSAGE_SIZE])).unwrap();
}

#[test]
fn t91_types_1_to_3_on_a_virgin_chunk_stream_are_errors() {
    for format in 1..=3_u8 {
        let mut bytes = vec![format << 6 | 5];
        bytes.resize(12, 0);
        let error = try_read_all(&bytes).unwrap_err();
        assert_eq!((error.kind, error.chunk_stream), (ErrorKind::NoHeader(format), 5));
    }
}

#[test]
fn t93_thousands_of_chunk_streams_with_partial_messages_are_bounded() {
    let mut reader = Reader::new(Limits::default());
    let mut opened = 0;
    let error = loop {
        let id = 320 + opened;
        let [low, high] = ((id - 64) as u16).to_le_bytes();
        // Each announces 16 MiB - 1 and sends 128 bytes.
        let mut input = BytesMut::from(&[1, low, high, 0, 0, 0, 0xFF, 0xFF, 0xFF, 9, 1, 0, 0, 0][..]);
        input.resize(14 + 128, 0);
        match reader.read(&mut input) {
            Ok(message) => assert_eq!(message, None),
            Err(error) => break error,
        }
        opened += 1;
    };
    assert_eq!((opened, error.kind), (64, ErrorKind::TooManyStreams(64)));
}

#[test]
fn t93_unfinished_messages_share_one_bound() {
    let limits = Limits { unfinished: 1000, ..Limits::default() };
    let mut reader = Reader::new(limits);
    let mut sent = 0;
    let error = loop {
        let id = 3 + sent as u8;
        let mut input = BytesMut::from(&[id, 0, 0, 0, 0, 1, 0, 9, 1, 0, 0, 0][..]);
        input.resize(12 + 128, 0);
        match reader.read(&mut input) {
            Ok(_) => sent += 1,
            Err(error) => break error,
        }
    };
    assert_eq!((sent, error.kind), (7, ErrorKind::TooMuchUnfinished(1000)));
}

#[test]
fn a_new_header_inside_a_message_is_an_error_and_says_where() {
    let bytes = [with_body(full(0, 300), 128), full(20, 10)].concat();
    let error = try_read_all(&bytes).unwrap_err();
    assert_eq!(
        error.to_string(),
        "a type 0 chunk starts a message inside another one (chunk stream 4, after 140 bytes)"
    );
}

#[test]
fn a_message_in_one_chunk_shares_the_memory_of_the_input() {
    let mut input = BytesMut::from(&with_body(full(0, 100), 100)[..]);
    let place = input[12..].as_ptr();
    let message = Reader::new(Limits::default()).read(&mut input).unwrap().unwrap();
    assert_eq!(message.payload.as_ptr(), place);
}
