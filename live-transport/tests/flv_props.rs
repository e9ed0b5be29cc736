//! FLV for any packets, any split of the input and any bytes.
#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

use bytes::{Buf, Bytes, BytesMut};
use live_core::{Codec, Metadata, Packet, PacketKind, Timestamp, Track};
use live_transport::flv::{Demuxer, Depacketizer, Header, Muxer};
use proptest::collection::vec;
use proptest::prelude::*;
use std::time::Duration;

fn payload() -> impl Strategy<Value = Bytes> {
    vec(any::<u8>(), 1..60).prop_map(Bytes::from)
}

fn metadata() -> impl Strategy<Value = Metadata> {
    let size = prop::option::of(1_u32..10_000);
    let rate = prop::option::of(1.0..10_000.0);
    (size.clone(), size, rate.clone(), rate, prop::option::of(1_u16..9), prop::option::of(".{0,20}"))
        .prop_map(|(width, height, frame_rate, audio_kbps, channels, encoder)| Metadata {
            width,
            height,
            frame_rate,
            audio_kbps,
            channels,
            encoder,
            sample_rate: width,
            duration: height.map(|height| Duration::from_millis(u64::from(height))),
            ..Metadata::default()
        })
}

/// Script data that is not `onMetaData`: a number of any value.
fn data(bits: u64) -> Bytes {
    let mut message = vec![0];
    message.extend(bits.to_be_bytes());
    message.into()
}

/// A packet of any kind that FLV has, some milliseconds after the one before it.
fn packet() -> impl Strategy<Value = (i64, i64, Packet)> {
    let zero = Timestamp::ZERO;
    let packet = prop_oneof![
        payload().prop_map(move |data| Packet::audio(zero, data)),
        payload().prop_map(move |data| Packet::key(zero, zero, data)),
        // No slice in it: whether a picture is disposable does not depend on the bytes.
        Just(Packet::delta(zero, zero, false, Bytes::from_static(b"\0\0\0\x01\x41"))),
        Just(Packet::delta(zero, zero, true, Bytes::from_static(b"\0\0\0\x01\x01"))),
        payload().prop_map(move |mut config| {
            // The configuration fixes how long the lengths are in the pictures above.
            config = [&[1, 66, 0, 30, 0xFF], &config[..]].concat().into();
            Packet::config(Codec::H264, zero, config)
        }),
        payload().prop_map(move |config| Packet::config(Codec::Aac, zero, config)),
        metadata().prop_map(move |metadata| Packet::metadata(zero, metadata)),
        any::<u64>().prop_map(move |bits| Packet {
            track: Track::Data,
            kind: PacketKind::Data,
            data: data(bits),
            ..Packet::audio(zero, Bytes::new())
        }),
        Just(Packet::end_of_sequence(Track::Video, zero)),
    ];
    (0_i64..100_000, 0_i64..8_000_000, packet)
}

/// Packets from `start` milliseconds on, each at its distance from the one before.
fn packets() -> impl Strategy<Value = Vec<Packet>> {
    (0_i64..1 << 32, vec(packet(), 1..20)).prop_map(|(start, steps)| {
        let mut millis = start;
        let place = |(step, ahead, mut packet): (i64, i64, Packet)| {
            millis += step;
            packet.dts = Timestamp::from_millis(millis);
            packet.pts = packet.dts;
            if packet.is_video_unit() {
                packet.pts = Timestamp::from_millis(millis + ahead);
            }
            packet
        };
        steps.into_iter().map(place).collect()
    })
}

fn mux(packets: &[Packet]) -> BytesMut {
    let (mut out, mut muxer) = (BytesMut::new(), Muxer::new(Timestamp::ZERO));
    Header::default().write(&mut out);
    packets.iter().for_each(|packet| muxer.write(packet, &mut out).expect("FLV carries it"));
    out
}

/// Reads `bytes` in pieces that end at `cuts`; errors end it, as they do in a driver.
fn demux(bytes: &[u8], cuts: &[usize]) -> Vec<Packet> {
    let (mut demuxer, mut depacketizer) = (Demuxer::new(), Depacketizer::new());
    let (mut input, mut packets) = (BytesMut::new(), Vec::new());
    let mut from = 0;
    for &to in cuts.iter().chain([&bytes.len()]) {
        input.extend_from_slice(&bytes[from..to]);
        from = to;
        loop {
            match demuxer.read(&mut input) {
                // What is wrong with one tag does not end the stream.
                Ok(Some(tag)) => depacketizer.read_tag(tag, &mut packets).unwrap_or_default(),
                Ok(None) => break,
                Err(_) => return packets,
            }
        }
    }
    let _ = demuxer.finish(&input);
    packets
}

proptest! {
    #[test]
    fn any_packets_come_back(packets in packets()) {
        prop_assert_eq!(demux(&mux(&packets), &[]), packets);
    }

    #[test]
    fn any_split_gives_the_same(packets in packets(), cuts in vec(any::<prop::sample::Index>(), 0..30)) {
        let bytes = mux(&packets);
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(bytes.len())).collect();
        cuts.sort_unstable();
        prop_assert_eq!(demux(&bytes, &cuts), packets);
    }

    #[test]
    fn one_byte_at_a_time_gives_the_same(packets in packets()) {
        let bytes = mux(&packets);
        let cuts: Vec<_> = (0..bytes.len()).collect();
        prop_assert_eq!(demux(&bytes, &cuts), packets);
    }

    #[test]
    fn the_pieces_of_a_tag_are_the_tag(packets in packets()) {
        let mut muxer = Muxer::new(Timestamp::ZERO);
        let mut out = BytesMut::new();
        Header::default().write(&mut out);
        for packet in &packets {
            let tag = muxer.mux(packet).unwrap().expect("every kind above has a tag");
            let (len, mut buf) = (tag.len(), tag.into_buf());
            prop_assert_eq!(buf.remaining(), len);
            while buf.has_remaining() {
                let chunk = buf.chunk().len().min(3);
                out.extend_from_slice(&buf.chunk()[..chunk]);
                buf.advance(chunk);
            }
        }
        prop_assert_eq!(out, mux(&packets));
    }

    #[test]
    fn t90_any_bytes_are_read_or_refused(bytes in vec(any::<u8>(), 0..300), header in any::<bool>()) {
        let start: &[u8] = if header { b"FLV\x01\x05\0\0\0\x09\0\0\0\0" } else { b"" };
        demux(&[start, &bytes].concat(), &[]);
    }

    #[test]
    fn t90_mutated_files_are_read_or_refused(
        packets in packets(),
        changes in vec((any::<prop::sample::Index>(), any::<u8>()), 1..10),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = mux(&packets);
        for (place, byte) in changes {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        demux(&bytes[..cut.index(bytes.len() + 1)], &[]);
    }
}
