//! Video encoders and decoders.

use super::material::{HEIGHT, WIDTH, frame, psnr};
use crate::error::{CodecError, CodecErrorKind};
use crate::frame::{Color, Matrix, PicturePool, Range, VideoFrame};
use crate::packet::{Packet, PacketKind};
use crate::time::Timestamp;
use crate::traits::{Entropy, VideoDecoder, VideoEncoder, VideoEncoderConfig};
use bytes::Bytes;
use std::time::Duration;

/// Opens the encoder under examination.
pub type OpenVideoEncoder<'a> = &'a dyn Fn(&VideoEncoderConfig) -> Result<Box<dyn VideoEncoder>, CodecError>;
/// Opens the decoder under examination with a stream's configuration packet.
pub type OpenVideoDecoder<'a> = &'a dyn Fn(&Packet) -> Result<Box<dyn VideoDecoder>, CodecError>;

const GOP: u32 = 20;

fn config() -> VideoEncoderConfig {
    VideoEncoderConfig {
        width: WIDTH,
        height: HEIGHT,
        frame_rate: 30.0,
        kbps: 800,
        gop: GOP,
        color: Color::BT601,
        entropy: Entropy::Auto,
        threads: 1,
        slices: 1,
    }
}

/// Examines a video encoder; `open_decoder` has to read what it makes.
///
/// # Panics
/// When a promise of [`VideoEncoder`] is broken.
pub fn video_encoder(open: OpenVideoEncoder<'_>, open_decoder: OpenVideoDecoder<'_>) {
    configuration_and_key_frame_come_first(open);
    every_picture_comes_out_in_time(open);
    key_frames_come_by_count_and_on_request(open);
    what_goes_in_comes_out_of_a_decoder(open, open_decoder);
    the_colour_reading_is_written(open, open_decoder);
    the_bitrate_is_followed(open);
    a_new_frame_rate_keeps_the_bitrate(open);
    wrong_input_is_an_error_and_no_end(open);
    flushing_loses_nothing_and_starts_afresh(open);
    drop(encode(open, &config(), 0..3));
}

fn encoder(open: OpenVideoEncoder<'_>, config: &VideoEncoderConfig) -> Box<dyn VideoEncoder> {
    open(config).unwrap_or_else(|error| panic!("the encoder does not open for {config:?}: {error}"))
}

fn encode(
    open: OpenVideoEncoder<'_>,
    config: &VideoEncoderConfig,
    indices: std::ops::Range<u64>,
) -> Vec<Packet> {
    let mut encoder = encoder(open, config);
    let mut packets = Vec::new();
    for index in indices {
        encode_frame(&mut *encoder, &frame(index, 8, config.color), &mut packets);
    }
    encoder.flush(&mut packets).expect("flushing works");
    packets
}

fn encode_frame(encoder: &mut dyn VideoEncoder, frame: &VideoFrame, out: &mut Vec<Packet>) {
    encoder.encode(frame, out).unwrap_or_else(|error| panic!("a picture does not encode: {error}"));
}

fn units(packets: &[Packet]) -> Vec<&Packet> {
    packets.iter().filter(|packet| packet.is_video_unit()).collect()
}

fn configuration_and_key_frame_come_first(open: OpenVideoEncoder<'_>) {
    let packets = encode(open, &config(), 0..3);
    assert!(
        matches!(packets[0].kind, PacketKind::Config(_)),
        "the first packet is no configuration: {packets:?}"
    );
    assert!(
        packets[0].dts <= packets[1].dts,
        "the configuration comes after what it configures: {packets:?}"
    );
    assert_eq!(packets[1].kind, PacketKind::Key, "the first picture is no key frame: {packets:?}");
    let configurations = packets.iter().filter(|packet| packet.is_stream_information()).count();
    assert_eq!(configurations, 1, "the configuration is repeated without having changed");
}

fn every_picture_comes_out_in_time(open: OpenVideoEncoder<'_>) {
    let packets = encode(open, &config(), 0..45);
    let units = units(&packets);
    let expected: Vec<_> = (0..45).map(|index| Timestamp::from_index(index, 30)).collect();
    let mut times: Vec<_> = units.iter().map(|unit| unit.pts).collect();
    times.sort_unstable();
    assert_eq!(times, expected, "the presentation times that went in are not those that came out");
    assert!(units.is_sorted_by_key(|unit| unit.dts), "decode times go back: {units:?}");
    assert!(
        units.iter().all(|unit| unit.dts <= unit.pts),
        "a decode time is after its presentation: {units:?}"
    );
}

fn key_frames_come_by_count_and_on_request(open: OpenVideoEncoder<'_>) {
    let mut encoder = encoder(open, &config());
    let mut packets = Vec::new();
    for index in 0..50 {
        if index == 27 {
            encoder.request_key().expect("a key frame can be requested");
        }
        encode_frame(&mut *encoder, &frame(index, 8, Color::BT601), &mut packets);
    }
    encoder.flush(&mut packets).expect("flushing works");
    let keys: Vec<_> = (0..50u64)
        .filter(|&index| {
            let pts = Timestamp::from_index(index, 30);
            packets.iter().any(|packet| packet.kind == PacketKind::Key && packet.pts == pts)
        })
        .collect();
    assert_eq!(keys, [0, 20, 27, 47], "key frames of a GOP of {GOP} with one requested at picture 27");
}

fn decode(open: OpenVideoDecoder<'_>, packets: &[Packet]) -> Vec<VideoFrame> {
    let (first, rest) = packets.split_first().expect("there is a configuration");
    let mut decoder = open(first).unwrap_or_else(|error| panic!("the decoder does not open: {error}"));
    let mut frames = Vec::new();
    for packet in rest {
        let decoded = decoder.decode(packet, &mut frames);
        decoded.unwrap_or_else(|error| panic!("{packet:?} of a good stream does not decode: {error}"));
    }
    decoder.flush(&mut frames).expect("flushing works");
    frames
}

fn what_goes_in_comes_out_of_a_decoder(open: OpenVideoEncoder<'_>, open_decoder: OpenVideoDecoder<'_>) {
    let pool = PicturePool::new();
    for (entropy, slices, threads) in [(Entropy::Auto, 1, 1), (Entropy::Cavlc, 3, 1), (Entropy::Cabac, 2, 2)]
    {
        let config = VideoEncoderConfig { entropy, slices, threads, ..config() };
        let frames = decode(open_decoder, &encode(open, &config, 0..45));
        assert_eq!(frames.len(), 45, "pictures decoded from 45 encoded with {entropy:?}, {slices} slices");
        for (index, decoded) in frames.iter().enumerate() {
            let source = frame(index as u64, 8, Color::BT601);
            assert_eq!(decoded.pts, source.pts, "pictures come out of order, or with another's time");
            let psnr = psnr(&decoded.surface.to_i420(&pool), &source.surface.to_i420(&pool));
            assert!(psnr > 28.0, "picture {index} has {psnr:.1} dB with {entropy:?}, {slices} slices");
        }
    }
}

fn the_colour_reading_is_written(open: OpenVideoEncoder<'_>, open_decoder: OpenVideoDecoder<'_>) {
    for matrix in [Matrix::Bt601, Matrix::Bt709] {
        for range in [Range::Limited, Range::Full] {
            let color = Color { matrix, range };
            let frames = decode(open_decoder, &encode(open, &VideoEncoderConfig { color, ..config() }, 0..1));
            assert_eq!(frames[0].color, color, "the stream says another colour reading than was configured");
        }
    }
}

/// Kbit/s of the units presented from `from` on for `span`.
fn rate(packets: &[Packet], from: Timestamp, span: Duration) -> f64 {
    let to = from.saturating_add(span);
    let bytes: usize =
        units(packets).iter().filter(|unit| (from..to).contains(&unit.pts)).map(|unit| unit.data.len()).sum();
    bytes as f64 * 8.0 / 1000.0 / span.as_secs_f64()
}

fn the_bitrate_is_followed(open: OpenVideoEncoder<'_>) {
    let mut encoder = encoder(open, &VideoEncoderConfig { gop: 600, ..config() });
    let mut packets = Vec::new();
    for (second, kbps) in [(0, 800), (4, 300), (8, 1200)] {
        match encoder.set_bitrate(kbps) {
            Err(error) if error.kind == CodecErrorKind::Unsupported => return,
            result => result.unwrap_or_else(|error| panic!("the bitrate cannot be set: {error}")),
        }
        for index in second * 30..(second + 4) * 30 {
            encode_frame(&mut *encoder, &frame(index, 60, Color::BT601), &mut packets);
        }
    }
    encoder.flush(&mut packets).expect("flushing works");
    let keys = packets.iter().filter(|packet| packet.kind == PacketKind::Key).count();
    assert_eq!(keys, 1, "a change of bitrate makes key frames");
    for (second, kbps) in [(0, 800.0), (4, 300.0), (8, 1200.0)] {
        // The first second after a change is for settling.
        let measured = rate(&packets, Timestamp::from_millis(second * 1000 + 1000), Duration::from_secs(3));
        assert!(
            (measured / kbps - 1.0).abs() < 0.2,
            "{measured:.0} kbit/s came out and {kbps} were asked for"
        );
    }
}

fn a_new_frame_rate_keeps_the_bitrate(open: OpenVideoEncoder<'_>) {
    let mut encoder = encoder(open, &VideoEncoderConfig { gop: 600, kbps: 500, ..config() });
    match encoder.set_frame_rate(10.0) {
        Err(error) if error.kind == CodecErrorKind::Unsupported => return,
        result => result.unwrap_or_else(|error| panic!("the frame rate cannot be set: {error}")),
    }
    let mut packets = Vec::new();
    for index in (0..180).step_by(3) {
        encode_frame(&mut *encoder, &frame(index, 60, Color::BT601), &mut packets);
    }
    encoder.flush(&mut packets).expect("flushing works");
    let measured = rate(&packets, Timestamp::from_millis(2000), Duration::from_secs(4));
    assert!(
        (measured / 500.0 - 1.0).abs() < 0.25,
        "{measured:.0} kbit/s at 10 fps came out and 500 were asked for"
    );
}

fn wrong_input_is_an_error_and_no_end(open: OpenVideoEncoder<'_>) {
    let mut encoder = encoder(open, &config());
    let mut packets = Vec::new();
    encode_frame(&mut *encoder, &frame(0, 8, Color::BT601), &mut packets);
    let small = VideoFrame::new(Timestamp::from_index(1, 30), Color::BT601, PicturePool::new().black(64, 64));
    let error = encoder.encode(&small, &mut packets).expect_err("a picture of another size is an error");
    assert!(
        !error.message.is_empty() && error.pts == Some(small.pts),
        "the error says neither what nor when: {error:?}"
    );
    encode_frame(&mut *encoder, &frame(2, 8, Color::BT601), &mut packets);
    let odd = VideoEncoderConfig { width: 0, height: 0, ..config() };
    assert!(open(&odd).is_err(), "an encoder opens for pictures without pixels");
}

fn flushing_loses_nothing_and_starts_afresh(open: OpenVideoEncoder<'_>) {
    let mut encoder = encoder(open, &config());
    let mut packets = Vec::new();
    encoder.flush(&mut packets).expect("flushing before the first picture is harmless");
    for index in 0..5 {
        encode_frame(&mut *encoder, &frame(index, 8, Color::BT601), &mut packets);
    }
    encoder.flush(&mut packets).expect("flushing works");
    assert_eq!(units(&packets).len(), 5, "pictures that came out of 5");
    packets.clear();
    for index in 5..8 {
        encode_frame(&mut *encoder, &frame(index, 8, Color::BT601), &mut packets);
    }
    encoder.flush(&mut packets).expect("flushing works again");
    assert_eq!(units(&packets).len(), 3, "pictures that came out of 3 after a flush");
    assert_eq!(units(&packets)[0].kind, PacketKind::Key, "the first picture after a flush is no key frame");
}

/// Examines a video decoder with a good stream: its configuration packet first, at least three key frames, and at
/// least six access units from one to the next.
///
/// # Panics
/// When a promise of [`VideoDecoder`] is broken, or the stream is not as described.
pub fn video_decoder(open: OpenVideoDecoder<'_>, stream: &[Packet]) {
    let keys: Vec<_> = (0..stream.len()).filter(|&index| stream[index].kind == PacketKind::Key).collect();
    assert!(stream[0].is_stream_information() && keys.len() >= 3, "the stream is not fit for an examination");
    assert!(
        keys.windows(2).all(|pair| pair[1] - pair[0] >= 6),
        "the stream's GOPs are too short for an examination"
    );
    let good = decode(open, stream);
    pictures_come_in_order_and_none_is_missing(stream, &good);
    repeated_configurations_change_nothing(open, stream, &good);
    nothing_is_shown_before_a_key_frame(open, stream, &keys, &good);
    a_lost_reference_is_told_and_hidden(open, stream, &keys, &good);
    damage_ends_at_the_next_key_frame(open, stream, &keys, &good);
    after_a_flush_a_key_frame_starts_afresh(open, stream, &keys, &good);
    dropping_with_pictures_inside_is_harmless(open, stream);
}

fn pictures_come_in_order_and_none_is_missing(stream: &[Packet], good: &[VideoFrame]) {
    let mut expected: Vec<_> = units(stream).iter().map(|unit| unit.pts).collect();
    expected.sort_unstable();
    let times: Vec<_> = good.iter().map(|frame| frame.pts).collect();
    assert_eq!(times, expected, "the pictures' times are not those of the packets in presentation order");
}

fn assert_same(actual: &[VideoFrame], expected: &[VideoFrame], what: &str) {
    let pool = PicturePool::new();
    let times = |frames: &[VideoFrame]| frames.iter().map(|frame| frame.pts).collect::<Vec<_>>();
    assert_eq!(times(actual), times(expected), "the times of the pictures {what}");
    for (actual, expected) in actual.iter().zip(expected) {
        let psnr = psnr(&actual.surface.to_i420(&pool), &expected.surface.to_i420(&pool));
        assert!(psnr > 80.0, "the picture of {:?} {what} looks different ({psnr:.1} dB)", actual.pts);
    }
}

fn repeated_configurations_change_nothing(
    open: OpenVideoDecoder<'_>,
    stream: &[Packet],
    good: &[VideoFrame],
) {
    let with_config = |packet: &Packet| {
        let config =
            (packet.kind == PacketKind::Key).then(|| Packet { dts: packet.dts, ..stream[0].clone() });
        config.into_iter().chain([packet.clone()])
    };
    let repeated: Vec<_> = stream.iter().flat_map(with_config).collect();
    assert_same(&decode(open, &repeated), good, "with the configuration repeated");
}

/// Decodes what may be damaged: the pictures, and the errors with the index of their packet.
fn decode_damaged(
    open: OpenVideoDecoder<'_>,
    packets: &[Packet],
) -> (Vec<VideoFrame>, Vec<(usize, CodecError)>) {
    let mut decoder = open(&packets[0]).unwrap_or_else(|error| panic!("the decoder does not open: {error}"));
    let (mut frames, mut errors) = (Vec::new(), Vec::new());
    for (index, packet) in packets.iter().enumerate().skip(1) {
        if let Err(error) = decoder.decode(packet, &mut frames) {
            assert_ne!(error.kind, CodecErrorKind::Fatal, "bad input is not the end of a decoder: {error}");
            errors.push((index, error));
        }
    }
    decoder.flush(&mut frames).expect("flushing works");
    (frames, errors)
}

/// The pictures presented at or after `pts`.
fn shown_from(frames: &[VideoFrame], pts: Timestamp) -> Vec<VideoFrame> {
    frames.iter().filter(|frame| frame.pts >= pts).cloned().collect()
}

fn nothing_is_shown_before_a_key_frame(
    open: OpenVideoDecoder<'_>,
    stream: &[Packet],
    keys: &[usize],
    good: &[VideoFrame],
) {
    let late: Vec<_> = [&stream[..1], &stream[keys[0] + 3..]].concat();
    let (frames, errors) = decode_damaged(open, &late);
    assert!(!errors.is_empty(), "joining a stream between key frames is told");
    assert_same(&frames, &shown_from(good, stream[keys[1]].pts), "after joining between key frames");
}

fn a_lost_reference_is_told_and_hidden(
    open: OpenVideoDecoder<'_>,
    stream: &[Packet],
    keys: &[usize],
    good: &[VideoFrame],
) {
    let is_reference = |&index: &usize| stream[index].kind == (PacketKind::Delta { disposable: false });
    let lost =
        (keys[0] + 2..keys[1] - 2).find(is_reference).expect("a GOP holds pictures that others refer to");
    let mut damaged = stream.to_vec();
    damaged.remove(lost);
    let (frames, errors) = decode_damaged(open, &damaged);
    let told = errors.iter().any(|(index, error)| {
        error.kind == CodecErrorKind::MissingReference
            && (lost..keys[1]).contains(index)
            && error.pts.is_some()
    });
    assert!(
        told,
        "a lost reference is reported as such, with its time, before the next key frame: {errors:?}"
    );
    let second = stream[keys[1]].pts;
    assert_same(
        &shown_from(&frames, second),
        &shown_from(good, second),
        "after a lost reference and a key frame",
    );
    let before: Vec<_> = frames.iter().filter(|frame| frame.pts < second).cloned().collect();
    let shown: Vec<_> =
        good.iter().filter(|good| before.iter().any(|frame| frame.pts == good.pts)).cloned().collect();
    assert_same(&before, &shown, "around a lost reference");
}

fn damage_ends_at_the_next_key_frame(
    open: OpenVideoDecoder<'_>,
    stream: &[Packet],
    keys: &[usize],
    good: &[VideoFrame],
) {
    let half = |data: &Bytes| data.slice(..data.len() / 2);
    let lying = |data: &Bytes| [&[0xff; 4][..], &data[4.min(data.len())..]].concat().into();
    let noise = |data: &Bytes| {
        data.iter().enumerate().map(|(at, byte)| if at < 4 { *byte } else { byte ^ 0x5a }).collect()
    };
    let empty = |_: &Bytes| Bytes::new();
    let damages: [&dyn Fn(&Bytes) -> Bytes; 4] = [&half, &lying, &noise, &empty];
    for (which, damage) in damages.iter().enumerate() {
        let mut damaged = stream.to_vec();
        let unit = &mut damaged[keys[0] + 3];
        unit.data = damage(&unit.data);
        let (frames, _) = decode_damaged(open, &damaged);
        let second = stream[keys[1]].pts;
        let what = format!("after damage {which} and a key frame");
        assert_same(&shown_from(&frames, second), &shown_from(good, second), &what);
    }
}

fn after_a_flush_a_key_frame_starts_afresh(
    open: OpenVideoDecoder<'_>,
    stream: &[Packet],
    keys: &[usize],
    good: &[VideoFrame],
) {
    let mut decoder = open(&stream[0]).expect("the decoder opens");
    let mut frames = Vec::new();
    for packet in &stream[1..keys[1]] {
        decoder.decode(packet, &mut frames).expect("a good stream decodes");
    }
    decoder.flush(&mut frames).expect("flushing works");
    let units_before = units(&stream[..keys[1]]).len();
    assert_eq!(frames.len(), units_before, "pictures that came out by flushing in the middle");
    frames.clear();
    for packet in &stream[keys[1]..] {
        decoder.decode(packet, &mut frames).expect("a good stream decodes after a flush");
    }
    decoder.flush(&mut frames).expect("flushing works again");
    assert_same(&frames, &good[units_before..], "after a flush");
}

fn dropping_with_pictures_inside_is_harmless(open: OpenVideoDecoder<'_>, stream: &[Packet]) {
    let mut decoder = open(&stream[0]).expect("the decoder opens");
    let mut frames = Vec::new();
    for packet in stream.iter().skip(1).take(5) {
        decoder.decode(packet, &mut frames).expect("a good stream decodes");
    }
    drop(decoder);
    let pool = PicturePool::new();
    for frame in frames {
        let _ = frame.surface.to_i420(&pool);
    }
}
