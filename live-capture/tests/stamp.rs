//! The strip is read after everything that happens to a picture between a camera and somebody else's screen.

use live_capture::pattern::{Painter, PatternSpec, PatternStyle, Stamp, draw, read_stamp, read_stamp_luma};
use live_core::formats::y4m;
use live_core::pixels::color::yuv_of_rgb;
use live_core::pixels::compare::psnr_y;
use live_core::pixels::convert::{RgbLayout, Rgba, i420_to_rgb};
use live_core::pixels::scale::{Crop, crop, scale};
use live_core::{Color, I420, PicturePool, Plane};
use proptest::prelude::*;
use std::f32::consts::PI;
use std::io::{BufReader, Write};
use std::process::{Command, Stdio};

/// The sizes of all modes, upright and lying.
const SIZES: [(u32, u32); 12] = [
    (360, 640),
    (270, 480),
    (540, 960),
    (720, 1280),
    (180, 320),
    (480, 640),
    (640, 360),
    (480, 270),
    (960, 540),
    (1280, 720),
    (320, 180),
    (640, 480),
];

fn stamp(frame: u32) -> Stamp {
    Stamp { frame, micros: 1_763_712_000_000_000 + u64::from(frame) * 66_667 }
}

proptest! {
    #[test]
    fn what_was_written_is_read(frame in any::<u32>(), micros in 0..=Stamp::MAX_MICROS, size in 0..SIZES.len()) {
        let (width, height) = SIZES[size];
        let stamp = Stamp { frame, micros };
        let picture = draw(PatternSpec::new(width, height, 15), stamp, &PicturePool::new());
        prop_assert_eq!(read_stamp(&picture), Some(stamp));
    }

    #[test]
    fn scaling_and_small_crops_leave_it_readable(
        frame in any::<u32>(), percent in 50_u32..=200, size in 0..SIZES.len(),
        left in 0_u32..=2, top in 0_u32..=2, right in 0_u32..=2, bottom in 0_u32..=2,
    ) {
        let (width, height) = SIZES[size];
        // At half the size of the smallest mode a pixel is a third of a cell.
        prop_assume!(width.min(height) > 180 || percent >= 100);
        let pool = PicturePool::new();
        let picture = draw(PatternSpec::new(width, height, 15), stamp(frame), &pool);
        let even = |pixels: u32| pixels & !1;
        let part = Crop {
            x: even(left),
            y: even(top),
            width: width - even(left) - right,
            height: height - even(top) - bottom,
        };
        let cropped = crop(&picture, part, &pool);
        let scaled = scale(&cropped, (part.width * percent).div_ceil(100), (part.height * percent).div_ceil(100), &pool);
        prop_assert_eq!(read_stamp(&scaled), Some(stamp(frame)));
    }

    #[test]
    fn a_crop_after_scaling_leaves_it_readable(
        frame in any::<u32>(), portrait in any::<bool>(), percent in 50_u32..=200, edges in prop::array::uniform4(0_u32..=2),
    ) {
        let (width, height) = if portrait { (360, 640) } else { (640, 360) };
        let pool = PicturePool::new();
        let picture = draw(PatternSpec::new(width, height, 15), stamp(frame), &pool);
        let scaled = scale(&picture, width * percent / 100, height * percent / 100, &pool);
        let [left, top, right, bottom] = edges.map(|edge| edge as usize);
        let stride = scaled.stride(Plane::Y);
        let (width, height) = scaled.plane_size(Plane::Y);
        let samples = &scaled.plane(Plane::Y)[top * stride + left..];
        let read = read_stamp_luma(width - left - right, height - top - bottom, stride, samples);
        prop_assert_eq!(read, Some(stamp(frame)));
    }

    #[test]
    fn random_pictures_have_no_stamp(seed in any::<u64>(), contrast in 1_u64..=255) {
        let mut state = seed | 1;
        let luma: Vec<u8> = (0..360 * 640)
            .map(|_| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                (state % (contrast + 1)) as u8
            })
            .collect();
        prop_assert_eq!(read_stamp_luma(360, 640, 360, &luma), None);
    }

    #[test]
    fn any_dimensions_are_answered(width in 0_usize..80, height in 0_usize..80, stride in any::<usize>(), len in 0_usize..7000) {
        let _ = read_stamp_luma(width, height, stride, &vec![9; len]);
        let _ = read_stamp_luma(width, height, width, &vec![9; len]);
        let _ = read_stamp_luma(usize::MAX, usize::MAX, usize::MAX, &[]);
    }
}

/// What a coarse JPEG does to luma: each 8×8 block's cosine coefficients rounded to multiples of `step`.
fn quantised(picture: &I420, step: f32) -> Vec<u8> {
    let (width, height) = picture.plane_size(Plane::Y);
    let basis = |frequency: usize, place: usize| {
        let scale = if frequency == 0 { (0.125_f32).sqrt() } else { 0.5 };
        scale * (PI * frequency as f32 * (2 * place + 1) as f32 / 16.0).cos()
    };
    let basis: [[f32; 8]; 8] =
        std::array::from_fn(|frequency| std::array::from_fn(|place| basis(frequency, place)));
    let mut out = vec![0; width * height];
    for top in (0..height).step_by(8) {
        for left in (0..width).step_by(8) {
            let sample = |x: usize, y: usize| {
                f32::from(picture.row(Plane::Y, (top + y).min(height - 1))[(left + x).min(width - 1)])
            };
            let mut coefficients = [[0.0; 8]; 8];
            for (v, row) in coefficients.iter_mut().enumerate() {
                for (u, coefficient) in row.iter_mut().enumerate() {
                    let sum: f32 =
                        (0..64).map(|i| basis[u][i % 8] * basis[v][i / 8] * sample(i % 8, i / 8)).sum();
                    *coefficient = (sum / step).round() * step;
                }
            }
            for y in 0..8.min(height - top) {
                for x in 0..8.min(width - left) {
                    let sum: f32 =
                        (0..64).map(|i| basis[i % 8][x] * basis[i / 8][y] * coefficients[i / 8][i % 8]).sum();
                    out[(top + y) * width + left + x] = sum.round() as u8;
                }
            }
        }
    }
    out
}

#[test]
fn coarse_quantisation_leaves_it_readable() {
    for (width, height) in [(360, 640), (640, 360), (180, 320)] {
        for frame in [0, 1, 12_345, u32::MAX] {
            let picture = draw(PatternSpec::new(width, height, 15), stamp(frame), &PicturePool::new());
            // Ten times as coarse as an ordinary photograph.
            let luma = quantised(&picture, 160.0);
            let read = read_stamp_luma(width as usize, height as usize, width as usize, &luma);
            assert_eq!(read, Some(stamp(frame)), "{width}×{height}");
        }
    }
}

#[test]
fn a_screenshot_is_read_through_its_green_bytes() {
    let pool = PicturePool::new();
    let (width, height) = (360, 640);
    let picture = draw(PatternSpec::new(width, height, 15), stamp(9), &pool);
    let mut pixels = vec![0; (width * height * 4) as usize];
    i420_to_rgb(&picture, Color::BT601, RgbLayout::Bgra, &mut pixels, width as usize * 4);
    let green: Vec<u8> = pixels.chunks_exact(4).map(|pixel| pixel[1]).collect();
    assert_eq!(read_stamp_luma(width as usize, height as usize, width as usize, &green), Some(stamp(9)));
    // And back through a conversion with the wrong matrix.
    let rgba = Rgba::new(RgbLayout::Bgra, width, height, width as usize * 4, &pixels).unwrap();
    assert_eq!(read_stamp(&rgba.to_i420(Color::BT709, &pool)), Some(stamp(9)));
}

#[test]
fn pictures_without_a_strip_have_no_stamp() {
    let pool = PicturePool::new();
    assert_eq!(read_stamp(&pool.black(360, 640)), None);
    assert_eq!(read_stamp(&pool.black(8, 8)), None);
    // The pattern with its strip painted over, and upside down.
    let mut picture = draw(PatternSpec::new(360, 640, 15), stamp(3), &pool);
    let upside_down = live_core::pixels::rotate::rotate(&picture, live_core::Rotation::Half, &pool);
    assert_eq!(read_stamp(&upside_down), None);
    let stride = picture.stride(Plane::Y);
    picture.planes_mut()[0][..stride * 80].fill(yuv_of_rgb([90, 90, 90], Color::BT601)[0]);
    assert_eq!(read_stamp(&picture), None);
}

/// Whether the system has FFmpeg with x264.
fn has_x264() -> bool {
    let output = Command::new("ffmpeg").args(["-hide_banner", "-encoders"]).output();
    output.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains("libx264"))
}

/// Pictures of the pattern after x264 at its fastest.
fn through_x264(spec: PatternSpec, count: u32, kbps: u32) -> Vec<I420> {
    let ffmpeg = |arguments: &[&str]| {
        let mut command = Command::new("ffmpeg");
        command
            .args(["-v", "error", "-f", "yuv4mpegpipe", "-i", "-"].iter().filter(|_| arguments[0] == "-c:v"));
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
        command.spawn().unwrap()
    };
    let rate = format!("{kbps}k");
    let encode =
        ["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", "30", "-b:v", &rate];
    let encode = [&encode[..], &["-maxrate", &rate, "-bufsize", &rate, "-f", "h264", "-"]].concat();
    let mut encoder = ffmpeg(&encode);
    let mut decoder = ffmpeg(&["-v", "error", "-f", "h264", "-i", "-", "-f", "yuv4mpegpipe", "-"]);
    let mut feed = encoder.stdin.take().unwrap();
    let writing = std::thread::spawn(move || {
        let (painter, pool) = (Painter::new(spec), PicturePool::new());
        let mut writer =
            y4m::Writer::new(Vec::new(), y4m::Header::new(spec.width, spec.height, (spec.fps, 1))).unwrap();
        for frame in 0..count {
            writer.write(&painter.draw(stamp(frame), &pool)).unwrap();
        }
        feed.write_all(&writer.finish().unwrap()).unwrap();
    });
    let (mut compressed, mut to_decode) = (encoder.stdout.take().unwrap(), decoder.stdin.take().unwrap());
    let piping = std::thread::spawn(move || std::io::copy(&mut compressed, &mut to_decode).unwrap());
    let pool = PicturePool::new();
    let mut reader = y4m::Reader::new(BufReader::new(decoder.stdout.take().unwrap())).unwrap();
    let pictures = std::iter::from_fn(|| reader.read(&pool).unwrap()).collect();
    writing.join().unwrap();
    let bytes = piping.join().unwrap();
    let allowed = u64::from(kbps) * 125 * u64::from(count) / u64::from(spec.fps) * 3 / 2;
    assert!(bytes <= allowed, "{bytes} bytes are not {kbps} kbit/s");
    assert!(encoder.wait().unwrap().success() && decoder.wait().unwrap().success());
    pictures
}

#[test]
fn real_compression_leaves_strip_and_picture_readable() {
    if !has_x264() {
        eprintln!("skipped: there is no ffmpeg with libx264");
        return;
    }
    for (width, height, fps, kbps, least) in [
        (360, 640, 15, 500, 38.0),
        (360, 640, 15, 300, 34.0),
        (360, 640, 15, 200, 30.0),
        (1280, 720, 30, 1500, 36.0),
    ] {
        let spec = PatternSpec::new(width, height, fps);
        let (painter, pool) = (Painter::new(spec), PicturePool::new());
        let pictures = through_x264(spec, fps * 4, kbps);
        assert_eq!(pictures.len(), fps as usize * 4);
        for (frame, picture) in (0..).zip(&pictures) {
            assert_eq!(read_stamp(picture), Some(stamp(frame)), "{width}×{height} at {kbps} kbit/s");
            let psnr = psnr_y(picture, &painter.draw(stamp(frame), &pool)).unwrap();
            assert!(psnr >= least, "picture {frame} at {kbps} kbit/s: {psnr:.1} dB");
        }
    }
    let noise = PatternSpec { style: PatternStyle::Noise, ..PatternSpec::new(360, 640, 15) };
    for (frame, picture) in (0..).zip(&through_x264(noise, 30, 500)) {
        assert_eq!(read_stamp(picture), Some(stamp(frame)), "noise");
    }
}
