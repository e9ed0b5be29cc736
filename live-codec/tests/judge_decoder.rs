//! The decoder against ffmpeg's: every picture, bit by bit.
#![cfg(feature = "openh264")]

mod support;

use live_codec::openh264::Decoder;
use live_core::{Packet, PicturePool, Track, VideoDecoder, VideoFrame};
use support::{clip, ffmpeg, ffmpeg_is_here, raw, read_flv};

fn decode(packets: &[Packet]) -> Vec<VideoFrame> {
    let mut frames = Vec::new();
    let mut decoder = Decoder::open(&packets[0]).expect("the decoder opens");
    for packet in &packets[1..] {
        decoder.decode(packet, &mut frames).expect("the packet decodes");
    }
    decoder.flush(&mut frames).expect("the decoder flushes");
    frames
}

/// Decodes the FLV stream with both and compares.
fn compare(name: &str, flv: &[u8]) -> Vec<VideoFrame> {
    let expected =
        ffmpeg(&["-i", "-", "-map", "0:v", "-f", "rawvideo", "-pix_fmt", "yuv420p", "-"], Some(flv));
    let packets = read_flv(flv, Track::Video);
    let frames = decode(&packets);
    let units = packets.iter().filter(|packet| packet.is_video_unit()).count();
    assert_eq!(frames.len(), units, "{name}: pictures");
    assert!(frames.is_sorted_by_key(|frame| frame.pts), "{name}: presentation order");
    let pool = PicturePool::new();
    let mut actual = Vec::with_capacity(expected.len());
    for frame in &frames {
        raw(&frame.surface.to_i420(&pool), &mut actual);
    }
    assert_eq!(actual.len(), expected.len(), "{name}: bytes");
    let size = expected.len() / frames.len();
    let wrong =
        actual.chunks(size).zip(expected.chunks(size)).position(|(actual, expected)| actual != expected);
    assert_eq!(wrong, None, "{name}: the first picture that differs");
    frames
}

fn x264(profile: &str, options: &str) -> Vec<u8> {
    let source = "testsrc2=size=320x180:rate=25:duration=3,noise=alls=8:allf=t";
    let args = ["-f", "lavfi", "-i", source, "-pix_fmt", "yuv420p", "-c:v", "libx264", "-profile:v", profile];
    ffmpeg(
        &[&args[..], &["-x264-params", options, "-f", "flv", "-flvflags", "no_duration_filesize", "-"]]
            .concat(),
        None,
    )
}

#[test]
fn both_clips_decode_as_ffmpeg_decodes_them() {
    if !ffmpeg_is_here() {
        return;
    }
    for name in ["carphone_pristine.mp4", "bigbuckbunny.mp4"] {
        let Some(path) = clip(name) else { continue };
        let path = path.to_str().unwrap();
        let flv = ffmpeg(
            &["-i", path, "-an", "-c", "copy", "-f", "flv", "-flvflags", "no_duration_filesize", "-"],
            None,
        );
        compare(name, &flv);
    }
}

#[test]
fn profiles_entropy_b_frames_and_slices_decode_as_ffmpeg_decodes_them() {
    if !ffmpeg_is_here() {
        return;
    }
    for (profile, options) in [
        ("baseline", "keyint=25:slices=3"),
        ("main", "keyint=25:bframes=3:b-pyramid=normal:slices=2"),
        ("high", "keyint=50:bframes=5:b-pyramid=strict:8x8dct=1:weightb=1:ref=4"),
        ("high", "keyint=30:bframes=0:cabac=0:slices=4"),
        ("high", "keyint=40:bframes=2:open-gop=1:weightp=2"),
        ("high", "keyint=25:bframes=3:direct=temporal:constrained-intra=1:aud=1"),
    ] {
        compare(&format!("{profile} {options}"), &x264(profile, options));
    }
}

#[test]
fn a_stream_without_reordering_has_no_delay() {
    if !ffmpeg_is_here() {
        return;
    }
    let packets = read_flv(&x264("high", "keyint=50:bframes=0:ref=3"), Track::Video);
    let mut decoder = Decoder::open(&packets[0]).unwrap();
    for packet in packets.iter().filter(|packet| packet.is_video_unit()) {
        let mut frames = Vec::new();
        decoder.decode(packet, &mut frames).unwrap();
        assert_eq!(frames.iter().map(|frame| frame.pts).collect::<Vec<_>>(), [packet.pts]);
    }
}
