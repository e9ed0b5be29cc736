//! The rules of FLV that implementations are known to break, by the numbers of the project's list.
#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

use bytes::{BufMut, Bytes, BytesMut};
use live_core::{Codec, Metadata, Packet, PacketKind, Timestamp, Track};
use live_transport::amf0::Value;
use live_transport::flv::{
    Demuxer, Depacketizer, Error, ErrorKind, ForeignCodec, Header, Muxer, Tag, TagKind, script,
};
use std::time::Duration;

const HEADER: &[u8] = b"FLV\x01\x05\0\0\0\x09\0\0\0\0";
const AVC_CONFIG: &[u8] = b"\x17\0\0\0\0\x01\x64\0\x1F\xFF\xE0\0";

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

/// A tag as a peer might write it, with its back pointer.
fn tag(kind: u8, timestamp: u32, body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    out.put_u8(kind);
    out.put_uint(body.len() as u64, 3);
    out.put_uint(u64::from(timestamp & 0xFF_FFFF), 3);
    out.put_u8((timestamp >> 24) as u8);
    out.put_uint(0, 3);
    out.put_slice(body);
    out.put_u32(body.len() as u32 + 11);
    out
}

fn demux(bytes: &[u8]) -> Result<Vec<Tag>, Error> {
    let (mut input, mut demuxer, mut tags) = (BytesMut::from(bytes), Demuxer::new(), Vec::new());
    while let Some(tag) = demuxer.read(&mut input)? {
        tags.push(tag);
    }
    demuxer.finish(&input)?;
    Ok(tags)
}

fn file(tags: &[Vec<u8>]) -> Vec<u8> {
    [HEADER, &tags.concat()].concat()
}

/// The packets of a file whose every tag can be read.
fn packets(bytes: &[u8]) -> Vec<Packet> {
    let (mut depacketizer, mut packets) = (Depacketizer::new(), Vec::new());
    for tag in demux(bytes).expect("the file is whole") {
        depacketizer.read_tag(tag, &mut packets).expect("the tag can be read");
    }
    packets
}

fn body(kind: TagKind, body: &[u8]) -> Result<Vec<Packet>, ErrorKind> {
    let mut packets = Vec::new();
    Depacketizer::new().read(kind, 0, Bytes::copy_from_slice(body), &mut packets)?;
    Ok(packets)
}

#[test]
fn t50_the_high_byte_of_the_time_comes_last() {
    let written = tag(8, 0x0123_4567, &[0xAF, 1, 0]);
    assert_eq!(written[4..8], [0x23, 0x45, 0x67, 0x01]);
    assert_eq!(demux(&file(std::slice::from_ref(&written))).unwrap()[0].timestamp, 0x0123_4567);

    let mut ours = BytesMut::new();
    let packet = Packet::audio(at(0x0123_4567), Bytes::from_static(&[0]));
    Muxer::new(Timestamp::ZERO).write(&packet, &mut ours).unwrap();
    assert_eq!(ours, written);
}

#[test]
fn t50_times_go_on_past_24_and_32_bits() {
    for limit in [1_i64 << 24, 1 << 32, 3 << 32] {
        let mut out = BytesMut::from(HEADER);
        let mut muxer = Muxer::new(Timestamp::ZERO);
        let sent: Vec<_> =
            (-5..5).map(|n| Packet::audio(at(limit + n * 23), Bytes::from_static(&[7]))).collect();
        sent.iter().for_each(|packet| muxer.write(packet, &mut out).unwrap());
        let received = packets(&out);
        let offset = received[0].pts.micros_since(sent[0].pts);
        assert_eq!(offset % (1_000 << 32), 0, "whole wraps are all a receiver cannot know");
        for (sent, received) in sent.iter().zip(&received) {
            assert_eq!(received.pts, sent.pts.offset_micros(offset));
        }
    }
}

#[test]
fn t51_the_first_back_pointer_is_zero() {
    let mut out = BytesMut::new();
    Header::default().write(&mut out);
    assert_eq!(out, HEADER);
}

#[test]
fn t51_a_longer_header_is_skipped() {
    let bytes = [b"FLV\x01\x01\0\0\0\x0CxyZ\0\0\0\0", &tag(8, 0, &[0xAF, 1, 9])[..]].concat();
    assert_eq!(demux(&bytes).unwrap().len(), 1);
    let endless = b"FLV\x01\x01\xFF\0\0\0rest";
    assert_eq!(demux(endless).unwrap_err().kind, ErrorKind::HeaderTooLong(0xFF00_0000));
}

#[test]
fn t51_a_wrong_back_pointer_is_tolerated() {
    let mut first = tag(8, 0, &[0xAF, 1, 9]);
    first.splice(14.., [0xDE, 0xAD, 0xBE, 0xEF]);
    assert_eq!(demux(&file(&[first, tag(9, 1, &[0x27, 1, 0, 0, 0, 1])])).unwrap().len(), 2);
}

#[test]
fn t52_composition_time_has_a_sign() {
    let unit = |composition: &[u8; 3]| [&[0x27, 1], &composition[..], b"\0\0\0\x01\x41"].concat();
    let bytes = file(&[
        tag(9, 1000, &unit(&[0, 0, 80])),
        tag(9, 1040, &unit(&[0xFF, 0xFF, 0xD8])),
        tag(9, 1080, &unit(&[0x80, 0, 0])),
    ]);
    let times: Vec<_> = packets(&bytes).iter().map(|packet| (packet.dts, packet.pts)).collect();
    assert_eq!(times, [(at(1000), at(1080)), (at(1040), at(1000)), (at(1080), at(1080 - 8_388_608))]);
}

#[test]
fn t52_negative_composition_time_is_written() {
    let mut out = BytesMut::from(HEADER);
    let packet = Packet::delta(at(40), at(120), false, Bytes::from_static(b"\0\0\0\x01\x41"));
    Muxer::new(Timestamp::ZERO).write(&packet, &mut out).unwrap();
    assert_eq!(packets(&out), [packet]);
}

#[test]
fn t53_a_configuration_in_the_middle_of_the_stream_is_passed_on() {
    let unit = b"\x17\x01\0\0\0\0\0\0\x01\x65";
    let bytes = file(&[tag(9, 0, AVC_CONFIG), tag(9, 0, unit), tag(9, 40, AVC_CONFIG), tag(9, 40, unit)]);
    let kinds: Vec<_> = packets(&bytes).into_iter().map(|packet| packet.kind).collect();
    let config = PacketKind::Config(Codec::H264);
    assert_eq!(kinds, [config.clone(), PacketKind::Key, config, PacketKind::Key]);
}

#[test]
fn t53_a_careless_time_on_a_configuration_does_not_move_the_media() {
    let sound = |time| tag(8, time, &[0xAF, 1, 9]);
    let bytes = file(&[sound(3_000_000_000), tag(9, 0, AVC_CONFIG), sound(3_000_000_023)]);
    let read = packets(&bytes);
    assert_eq!(read[2].pts.saturating_since(read[0].pts), Duration::from_millis(23));
}

#[test]
fn t54_the_header_flags_are_only_a_hint() {
    for flags in [0, 1, 4, 5] {
        let mut bytes = file(&[tag(8, 0, &[0xAF, 1, 9]), tag(9, 0, AVC_CONFIG)]);
        bytes[4] = flags;
        let tracks: Vec<_> = packets(&bytes).iter().map(|packet| packet.track).collect();
        assert_eq!(tracks, [Track::Audio, Track::Video]);
    }
}

#[test]
fn t55_end_of_sequence_goes_both_ways() {
    let end = Packet::end_of_sequence(Track::Video, at(80));
    let mut out = BytesMut::from(HEADER);
    Muxer::new(Timestamp::ZERO).write(&end, &mut out).unwrap();
    assert_eq!(out[HEADER.len() + 11..][..5], [0x17, 2, 0, 0, 0]);
    assert_eq!(packets(&out), [end]);
    // Some senders leave out the composition time.
    let short = body(TagKind::Video, &[0x17, 2]).unwrap();
    assert_eq!(short, [Packet::end_of_sequence(Track::Video, at(0))]);
}

#[test]
fn t56_metadata_may_be_missing_or_text_or_nonsense() {
    let description = Value::ecma_array([
        ("width", Value::from("1280")),
        ("height", Value::Number(f64::NAN)),
        ("framerate", Value::from("25.0 ")),
        ("videodatarate", Value::Number(-3.0)),
        ("audiodatarate", Value::from("fast")),
        ("audiosamplerate", Value::Number(f64::INFINITY)),
        ("stereo", Value::Boolean(true)),
        ("duration", Value::Null),
        ("encoder", Value::Number(1.0)),
    ]);
    let expected =
        Metadata { width: Some(1280), frame_rate: Some(25.0), channels: Some(2), ..Metadata::default() };
    assert_eq!(script::metadata(&description), expected);
    assert_eq!(script::metadata(&Value::Null), Metadata::default());
    assert_eq!(script::read_metadata(b"\x02\0\x0AonMetaData"), Ok(Some(Metadata::default())));
}

#[test]
fn t56_metadata_goes_both_ways() {
    let metadata = Metadata {
        width: Some(1280),
        height: Some(720),
        frame_rate: Some(29.97),
        video_kbps: Some(1500.0),
        audio_kbps: Some(64.0),
        sample_rate: Some(48_000),
        channels: Some(6),
        duration: Some(Duration::from_millis(5_280)),
        encoder: Some("live".into()),
    };
    let mut out = BytesMut::from(HEADER);
    let packet = Packet::metadata(at(0), metadata);
    Muxer::new(Timestamp::ZERO).write(&packet, &mut out).unwrap();
    assert_eq!(packets(&out), [packet]);
}

#[test]
fn t56_script_data_that_is_not_amf0_costs_one_tag() {
    let error = body(TagKind::Script, &[0xFF]).unwrap_err();
    assert!(matches!(error, ErrorKind::Script(_)), "{error}");
}

#[test]
fn t56_other_script_data_is_kept_as_it_is() {
    let mut message = BytesMut::new();
    Value::from("onFI").write(&mut message);
    Value::object([("sd", Value::from("2026-11-21"))]).write(&mut message);
    let packets = body(TagKind::Script, &message).unwrap();
    assert_eq!((&packets[0].kind, &packets[0].data), (&PacketKind::Data, &message.freeze()));
}

#[test]
fn t57_encrypted_tags_are_passed_over() {
    let bytes = file(&[tag(0x28, 0, b"secret"), tag(0x29, 0, b"secret"), tag(8, 5, &[0xAF, 1, 9])]);
    assert_eq!(packets(&bytes).len(), 1);
}

#[test]
fn t58_empty_tags_and_empty_payloads_are_passed_over() {
    let bytes = file(&[
        tag(8, 0, &[]),
        tag(9, 0, &[]),
        tag(18, 0, &[]),
        tag(8, 0, &[0xAF, 0]),
        tag(8, 0, &[0xAF, 1]),
        tag(9, 0, &[0x17, 0, 0, 0, 0]),
        tag(9, 0, &[0x27, 1, 0, 0, 0]),
        tag(9, 0, &[0x57, 0]),
    ]);
    assert_eq!(packets(&bytes), []);
}

#[test]
fn t60_hevc_as_codec_12_is_read() {
    let read = body(TagKind::Video, b"\x1C\0\0\0\0\x01config").unwrap();
    assert_eq!(read[0].kind, PacketKind::Config(Codec::Hevc));
    let unit = body(TagKind::Video, b"\x1C\x01\0\0\x28unit").unwrap();
    assert_eq!((&unit[0].kind, unit[0].pts), (&PacketKind::Key, at(40)));
}

#[test]
fn t60_hevc_is_never_written() {
    let config = Packet::config(Codec::Hevc, at(0), Bytes::from_static(b"config"));
    let error = Muxer::new(at(0)).write(&config, &mut BytesMut::new()).unwrap_err();
    assert_eq!(error, ErrorKind::CannotCarry(Codec::Hevc));
    assert_eq!(error.to_string(), "FLV cannot carry HEVC");
}

#[test]
fn foreign_codecs_are_named() {
    let message = |kind, bytes: &[u8]| body(kind, bytes).unwrap_err().to_string();
    assert_eq!(message(TagKind::Video, &[0x24, 0]), "VP6 is not supported");
    assert_eq!(message(TagKind::Audio, &[0xB2, 0]), "Speex is not supported");
    assert_eq!(message(TagKind::Video, b"\x90hvc1"), "hvc1 in an Enhanced RTMP header is not supported");
    assert_eq!(
        body(TagKind::Audio, b"\x90Opus"),
        Err(ErrorKind::ForeignCodec(ForeignCodec::ExtendedAudio(*b"Opus")))
    );
}

#[test]
fn mp3_announces_itself_and_is_written_with_what_its_frame_says() {
    // 32 kHz mono, 44.1 kHz stereo, 22.05 kHz joint stereo, 8 kHz mono.
    for (frame, first) in [
        (*b"\xFF\xFB\x58\xC0", 0x2E),
        (*b"\xFF\xFB\x50\x00", 0x2F),
        (*b"\xFF\xF3\x50\x40", 0x2B),
        (*b"\xFF\xE3\x58\xC0", 0xE2),
    ] {
        let config = Packet::config(Codec::Mp3, at(9), Bytes::new());
        let sound = Packet::audio(at(9), Bytes::copy_from_slice(&frame));
        let mut out = BytesMut::from(HEADER);
        let mut muxer = Muxer::new(at(0));
        muxer.write(&config, &mut out).unwrap();
        muxer.write(&sound, &mut out).unwrap();
        assert_eq!(out[HEADER.len() + 11], first);
        assert_eq!(packets(&out), [config, sound]);
    }
}

#[test]
fn disposable_pictures_are_found() {
    let unit = |first: u8, nal: u8| [&[first, 1, 0, 0, 0, 0, 0, 0, 1], &[nal][..]].concat();
    let disposable = |body_bytes: &[u8]| match body(TagKind::Video, body_bytes).unwrap()[0].kind {
        PacketKind::Delta { disposable } => disposable,
        ref other => panic!("{other:?}"),
    };
    assert!(!disposable(&unit(0x27, 0x41)));
    assert!(disposable(&unit(0x27, 0x01)));
    assert!(disposable(&unit(0x37, 0x41)));
}

#[test]
fn what_is_not_flv_is_found_out_by_its_first_byte() {
    let error = demux(b"<").unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotFlv { found: *b"<\0\0\0" });
    let error = demux(b"<html>").unwrap_err().to_string();
    assert_eq!(error, "this is not FLV: it starts with \"<htm\" instead of \"FLV\" (byte 0, tag 0)");
}

#[test]
fn a_truncated_file_says_so() {
    let whole = file(&[tag(8, 0, &[0xAF, 1, 9])]);
    for len in 0..whole.len() {
        let result = demux(&whole[..len]).map(|tags| tags.len());
        match len {
            9..=13 => assert_eq!(result, Ok(0)),
            27.. => assert_eq!(result, Ok(1)),
            _ => assert_eq!(result.unwrap_err().kind, ErrorKind::Truncated, "{len}"),
        }
    }
}

#[test]
fn unknown_tags_are_passed_over_but_noise_is_not() {
    let unknown = tag(15, 0, b"AMF3");
    assert_eq!(packets(&file(&[unknown, tag(8, 5, &[0xAF, 1, 9])])).len(), 1);
    let noise = b"\x01\0\0\x03\0\0\0\0\0\0\0abc????".to_vec();
    let error = demux(&file(&[tag(8, 0, &[0xAF, 1, 9]), noise])).unwrap_err();
    assert_eq!((error.kind, error.offset, error.tag), (ErrorKind::LostSync, 45, 2));
}

#[test]
fn a_second_file_header_begins_anew() {
    let once = file(&[tag(8, 0, &[0xAF, 1, 9])]);
    assert_eq!(demux(&[&once[..], &once[..]].concat()).unwrap().len(), 2);
}

#[test]
fn a_payload_that_does_not_fit_into_a_tag_is_refused() {
    let packet = Packet::key(at(0), at(0), Bytes::from(vec![0; Tag::MAX_BODY]));
    let error = Muxer::new(at(0)).write(&packet, &mut BytesMut::new()).unwrap_err();
    assert_eq!(error, ErrorKind::TooLarge(Tag::MAX_BODY + 5));
}
