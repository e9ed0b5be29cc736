//! The decoder against ffmpeg's: every picture, bit by bit.
#![cfg(feature = "openh264")]

mod support;

use live_codec::openh264::Decoder;
use live_core::{CodecErrorKind, Color, Packet, PicturePool, Track, VideoDecoder, VideoFrame};
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

/// Decodes the FLV stream with both and compares: every picture is there, in order, and differs by `least` dB at most.
fn compare(name: &str, flv: &[u8], least: f64) {
    let expected =
        ffmpeg(&["-i", "-", "-map", "0:v", "-f", "rawvideo", "-pix_fmt", "yuv420p", "-"], Some(flv));
    let packets = read_flv(flv, Track::Video);
    let frames = decode(&packets);
    let units = packets.iter().filter(|packet| packet.is_video_unit()).count();
    assert_eq!(frames.len(), units, "{name}: pictures");
    assert!(frames.is_sorted_by_key(|frame| frame.pts), "{name}: presentation order");
    let pool = PicturePool::new();
    let size = expected.len() / frames.len();
    for (index, (frame, expected)) in frames.iter().zip(expected.chunks(size)).enumerate() {
        let mut actual = Vec::with_capacity(size);
        raw(&frame.surface.to_i420(&pool), &mut actual);
        assert_eq!(actual.len(), size, "{name}: bytes of picture {index}");
        let psnr = psnr(&actual, expected);
        assert!(psnr >= least, "{name}: picture {index} has {psnr:.1} dB");
    }
}

/// Infinite when both are the same.
fn psnr(a: &[u8], b: &[u8]) -> f64 {
    let error: f64 = a.iter().zip(b).map(|(&a, &b)| (f64::from(a) - f64::from(b)).powi(2)).sum();
    10.0 * (255.0 * 255.0 * a.len() as f64 / error).log10()
}

const SAME: f64 = f64::INFINITY;

fn x264(profile: &str, options: &str, filter: &str) -> Vec<u8> {
    let source = format!("testsrc2=size=320x180:rate=25:duration=3,{filter}");
    let args =
        ["-f", "lavfi", "-i", &source, "-pix_fmt", "yuv420p", "-c:v", "libx264", "-profile:v", profile];
    let output = ["-x264-params", options, "-f", "flv", "-flvflags", "no_duration_filesize", "-"];
    ffmpeg(&[&args[..], &output].concat(), None)
}

/// Grain, so that every kind of block and many references are used.
const GRAIN: &str = "noise=alls=8:allf=t";

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
        compare(name, &flv, SAME);
    }
}

#[test]
fn profiles_entropy_b_frames_and_slices_decode_as_ffmpeg_decodes_them() {
    if !ffmpeg_is_here() {
        return;
    }
    for (profile, options, least) in [
        ("baseline", "keyint=25:slices=3", SAME),
        ("main", "keyint=25:bframes=0:ref=3:slices=2", SAME),
        ("high", "keyint=30:bframes=0:cabac=0:slices=4:8x8dct=1", SAME),
        ("high", "keyint=50:bframes=0:weightp=2:ref=4", SAME),
        ("main", "keyint=25:bframes=3:b-pyramid=normal:direct=none:slices=2", SAME),
        ("main", "keyint=25:bframes=3:b-pyramid=normal:slices=2", 60.0),
        ("high", "keyint=50:bframes=5:b-pyramid=strict:8x8dct=1:weightb=1:ref=4", 60.0),
        ("high", "keyint=40:bframes=2:open-gop=1:weightp=2", 60.0),
        ("high", "keyint=25:bframes=3:direct=temporal:constrained-intra=1:aud=1", 60.0),
    ] {
        // Where openh264's filtering differs from others', grain would multiply the difference.
        let filter = if least == SAME { GRAIN } else { "null" };
        compare(&format!("{profile} {options}"), &x264(profile, options, filter), least);
    }
}

#[test]
fn what_it_cannot_decode_is_a_clean_error() {
    if !ffmpeg_is_here() {
        return;
    }
    let source = "testsrc2=size=320x192:rate=25:duration=0.2";
    for (format, options, word) in [
        ("yuv420p", "interlaced=1:weightp=0", "interlaced"),
        ("yuv422p", "", "4:2:2"),
        ("yuv444p", "qp=20", "4:4:4"),
        ("yuv420p10le", "", "10 bits"),
    ] {
        let args =
            ["-f", "lavfi", "-i", source, "-pix_fmt", format, "-c:v", "libx264", "-x264-params", options];
        let flv =
            ffmpeg(&[&args[..], &["-f", "flv", "-flvflags", "no_duration_filesize", "-"]].concat(), None);
        let error = Decoder::open(&read_flv(&flv, Track::Video)[0]).err().expect("the decoder refuses");
        assert_eq!(error.kind, CodecErrorKind::Unsupported);
        assert!(error.message.contains(word), "{error}");
    }
}

#[test]
fn size_and_colour_may_change_in_the_middle() {
    if !ffmpeg_is_here() {
        return;
    }
    let stream = |size: &str, color: &str| {
        let source = format!("testsrc2=size={size}:rate=25:duration=0.4");
        let options = format!("bframes=0:colormatrix={color}");
        let args = [
            "-f",
            "lavfi",
            "-i",
            &source,
            "-pix_fmt",
            "yuv420p",
            "-c:v",
            "libx264",
            "-x264-params",
            &options,
        ];
        let flv =
            ffmpeg(&[&args[..], &["-f", "flv", "-flvflags", "no_duration_filesize", "-"]].concat(), None);
        read_flv(&flv, Track::Video)
    };
    let packets = [stream("322x182", "bt709"), stream("640x360", "smpte170m")].concat();
    let frames = decode(&packets);
    assert_eq!(frames.len(), 20);
    let looks = |frame: &VideoFrame| (frame.width(), frame.height(), frame.color);
    assert!(frames[..10].iter().all(|frame| looks(frame) == (322, 182, Color::BT709)));
    assert!(frames[10..].iter().all(|frame| looks(frame) == (640, 360, Color::BT601)));
}

#[test]
fn a_stream_without_reordering_has_no_delay() {
    if !ffmpeg_is_here() {
        return;
    }
    let packets = read_flv(&x264("high", "keyint=50:bframes=0:ref=3", GRAIN), Track::Video);
    let mut decoder = Decoder::open(&packets[0]).unwrap();
    for packet in packets.iter().filter(|packet| packet.is_video_unit()) {
        let mut frames = Vec::new();
        decoder.decode(packet, &mut frames).unwrap();
        assert_eq!(frames.iter().map(|frame| frame.pts).collect::<Vec<_>>(), [packet.pts]);
    }
}
