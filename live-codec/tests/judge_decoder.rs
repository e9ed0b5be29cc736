//! The decoders against ffmpeg's: every picture, bit by bit.
#![cfg(all(feature = "openh264", feature = "rusty-h264"))]

mod support;

use live_codec::openh264::Decoder;
use live_codec::{register_enabled, rusty_h264};
use live_core::registry::Opened;
use live_core::{Codec, CodecErrorKind, Color, Packet, PicturePool, Registry, Selection, Track};
use live_core::{VideoDecoder, VideoFrame};
use support::{clip, ffmpeg, ffmpeg_is_here, raw, read_flv};

/// The decoder that a player would take.
fn open(config: &Packet) -> Opened<dyn VideoDecoder> {
    let mut registry = Registry::default();
    register_enabled(&mut registry);
    registry.video_decoders.open(Codec::H264, &Selection::Auto, config).expect("a decoder opens")
}

fn decode(decoder: &mut dyn VideoDecoder, packets: &[Packet]) -> Vec<VideoFrame> {
    let mut frames = Vec::new();
    for packet in packets {
        decoder.decode(packet, &mut frames).expect("the packet decodes");
    }
    decoder.flush(&mut frames).expect("the decoder flushes");
    frames
}

/// Decodes the FLV stream with FFmpeg and with the decoder that a player would take, which is returned. Every picture
/// is there, in order, and identical.
fn compare(name: &str, flv: &[u8]) -> &'static str {
    let packets = read_flv(flv, Track::Video);
    let mut opened = open(&packets[0]);
    compare_with(&mut *opened.codec, name, flv, SAME);
    opened.backend
}

/// The same for a given decoder, whose pictures may differ by so much that `least` dB are left.
fn compare_with(decoder: &mut dyn VideoDecoder, name: &str, flv: &[u8], least: f64) {
    let expected =
        ffmpeg(&["-i", "-", "-map", "0:v", "-f", "rawvideo", "-pix_fmt", "yuv420p", "-"], Some(flv));
    let packets = read_flv(flv, Track::Video);
    let frames = decode(decoder, &packets[1..]);
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
        compare(name, &flv);
    }
}

#[test]
fn profiles_entropy_b_frames_and_slices_decode_as_ffmpeg_decodes_them() {
    if !ffmpeg_is_here() {
        return;
    }
    for (profile, options, backend) in [
        ("baseline", "keyint=25:slices=3", "openh264"),
        ("main", "keyint=25:bframes=0:ref=3:slices=2", "openh264"),
        ("high", "keyint=30:bframes=0:cabac=0:slices=4:8x8dct=1", "openh264"),
        ("high", "keyint=50:bframes=0:weightp=2:ref=4", "openh264"),
        ("main", "keyint=25:bframes=3:b-pyramid=normal:direct=none:slices=2", "rusty-h264"),
        ("main", "keyint=25:bframes=3:b-pyramid=normal:direct=temporal:slices=4:cabac=0", "rusty-h264"),
        ("high", "keyint=50:bframes=5:b-pyramid=strict:8x8dct=1:weightb=1:ref=4", "rusty-h264"),
        ("high", "keyint=40:bframes=2:open-gop=1:weightp=2", "rusty-h264"),
        ("high", "keyint=75:bframes=8:ref=8:b-adapt=2:direct=auto:me=umh:subme=9:cqm=jvt", "rusty-h264"),
        ("high", "keyint=25:bframes=3:aud=1:deblock=-2,2", "rusty-h264"),
    ] {
        let served = compare(&format!("{profile} {options}"), &x264(profile, options, GRAIN));
        assert_eq!(served, backend, "{profile} {options}");
    }
}

#[test]
fn what_only_openh264_decodes_is_left_to_it_and_comes_close() {
    if !ffmpeg_is_here() {
        return;
    }
    let options = "keyint=25:bframes=3:direct=temporal:constrained-intra=1";
    let flv = x264("high", options, "null");
    let packets = read_flv(&flv, Track::Video);
    let mut opened = open(&packets[0]);
    assert_eq!(opened.backend, "openh264");
    assert!(opened.refusals[0].to_string().contains("constrained intra prediction"), "{:?}", opened.refusals);
    compare_with(&mut *opened.codec, options, &flv, 60.0);
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
        let config = &read_flv(&flv, Track::Video)[0];
        let refusals = [Decoder::open(config).err(), rusty_h264::Decoder::open(config).err()];
        for error in refusals {
            let error = error.expect("the decoder refuses");
            assert_eq!(error.kind, CodecErrorKind::Unsupported);
            assert!(error.message.contains(word), "{error}");
        }
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
    let decoders: [Box<dyn VideoDecoder>; 2] = [
        Box::new(Decoder::open(&packets[0]).unwrap()),
        Box::new(rusty_h264::Decoder::open(&packets[0]).unwrap()),
    ];
    for mut decoder in decoders {
        let frames = decode(&mut *decoder, &packets[1..]);
        assert_eq!(frames.len(), 20);
        let looks = |frame: &VideoFrame| (frame.width(), frame.height(), frame.color);
        assert!(frames[..10].iter().all(|frame| looks(frame) == (322, 182, Color::BT709)));
        assert!(frames[10..].iter().all(|frame| looks(frame) == (640, 360, Color::BT601)));
    }
}

#[test]
fn a_stream_that_begins_to_reorder_asks_for_another_decoder() {
    if !ffmpeg_is_here() {
        return;
    }
    let plain = read_flv(&x264("high", "keyint=25:bframes=0", GRAIN), Track::Video);
    let reordered = read_flv(&x264("high", "keyint=25:bframes=2", GRAIN), Track::Video);
    let mut opened = open(&plain[0]);
    let mut frames = Vec::new();
    let error = opened.codec.decode(&reordered[0], &mut frames).expect_err("the decoder asks to be replaced");
    assert_eq!((opened.backend, error.kind), ("openh264", CodecErrorKind::Unsupported));
    assert_eq!(open(&reordered[0]).backend, "rusty-h264");
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
