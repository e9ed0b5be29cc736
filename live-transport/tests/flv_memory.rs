//! How much memory a peer can make the readers of FLV, AMF0 and MP4 hold.
#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

#[path = "support/heap.rs"]
mod heap;

use bytes::BytesMut;
use heap::{Counting, peak_of};
use live_transport::amf0::{MAX_COST, read_all};
use live_transport::flv::{Demuxer, Depacketizer, Header, Tag};
use live_transport::net::file::from_reader;
use proptest::collection::vec;
use proptest::prelude::*;
use std::io::Cursor;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const MIB: usize = 1 << 20;

/// Reads `pattern` over and over until there were `total` bytes or it cannot be read, as a driver would. Packets are
/// dropped as they come.
fn demux_endless(pattern: &[u8], total: usize) {
    let (mut demuxer, mut depacketizer) = (Demuxer::new(), Depacketizer::new());
    let (mut input, mut packets) = (BytesMut::new(), Vec::new());
    Header::default().write(&mut input);
    let pieces =
        std::iter::repeat_n(pattern, total / pattern.len().max(1)).flat_map(|whole| whole.chunks(64 * 1024));
    for piece in pieces {
        input.extend_from_slice(piece);
        loop {
            match demuxer.read(&mut input) {
                Ok(Some(tag)) => depacketizer.read_tag(tag, &mut packets).unwrap_or_default(),
                Ok(None) => break,
                Err(_) => return,
            }
            packets.clear();
        }
    }
}

#[test]
fn t90_an_endless_stream_of_the_largest_tags_holds_one_of_them() {
    let mut tag = vec![0x55; Tag::HEADER_LEN + Tag::MAX_BODY + 4];
    tag[..5].copy_from_slice(&[9, 0xFF, 0xFF, 0xFF, 0]);
    let ((), peak) = peak_of(|| demux_endless(&tag, 200 * MIB));
    // The buffer grows by doubling, and is copied when it does.
    assert!(peak < 4 * Tag::MAX_BODY, "{peak}");
}

#[test]
fn t90_an_endless_stream_of_small_tags_holds_what_is_read_at_a_time() {
    let tag = b"\x08\0\0\x03\0\0\0\0\0\0\0\xAF\x01x\0\0\0\x0E";
    let ((), peak) = peak_of(|| demux_endless(&tag.repeat(1000), 50 * MIB));
    assert!(peak < MIB / 4, "{peak}");
}

#[test]
fn t66_the_costliest_amf0_message_is_bounded() {
    // As many members as there may be, with the longest names that cost nothing.
    let member = [&[0, 31][..], &[b'x'; 31], &[5]].concat();
    let members = [&b"\x03"[..], &member.repeat(MAX_COST - 1), b"\0\0\x09"].concat();
    // The same again, by reference.
    let twice =
        [b"\x0A\0\0\0\x03", &members[..members.len() / 2], b"\0\0\x09", &b"\x07\0\x01".repeat(2)].concat();
    for message in [members, twice, vec![5; MAX_COST]] {
        let (_, peak) = peak_of(|| read_all(&message).is_ok());
        assert!(peak < 24 * MIB, "{peak}");
    }
}

fn read_file(bytes: Vec<u8>) {
    let Ok(mut source) = from_reader("test", Cursor::new(bytes)) else { return };
    while let Ok(Some(_)) = source.next_packet() {}
}

#[test]
fn t90_counts_in_an_mp4_index_reserve_nothing() {
    let whole = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/late-audio.mp4")).unwrap();
    for place in 0..whole.len() - 4 {
        let mut bytes = whole.clone();
        bytes[place..place + 4].copy_from_slice(&[0x7F, 0xFF, 0xFF, 0xFF]);
        let ((), peak) = peak_of(|| read_file(bytes));
        assert!(peak < MIB, "byte {place}: {peak}");
    }
}

proptest! {
    #[test]
    fn t90_any_bytes_hold_in_proportion_to_their_length(
        kind in 0..4,
        bytes in vec(prop_oneof![any::<u8>(), 0_u8..0x12], 0..4000),
    ) {
        let length = bytes.len();
        let ((), peak) = peak_of(|| match kind {
            0 => demux_endless(&bytes, length),
            1 => drop(read_all(&bytes)),
            2 => read_file([b"FLV\x01\x05\0\0\0\x09\0\0\0\0", &bytes[..]].concat()),
            _ => read_file([b"\0\0\0\x08ftyp\0\0\0\0moov", &bytes[..]].concat()),
        });
        prop_assert!(peak < MIB + 200 * length, "{peak} bytes for {length}");
    }
}
