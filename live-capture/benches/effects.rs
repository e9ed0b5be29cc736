//! What effects cost at 720p, against FFmpeg's `bilateral` in the same run.
//!
//! Ours is the median time of one picture on one thread. FFmpeg's is processor time (`-benchmark`) with `-filter_threads 1`,
//! less that of the same command with the filter `null`, by picture; the least of five runs each, which favours FFmpeg.
//! The portrait is `astronaut.png`, its face scaled up; the worst case is skin all over.

use live_capture::effect::{PlainStage, SkinStage};
use live_core::pixels::convert::{RgbLayout, Rgba};
use live_core::pixels::scale::{Crop, Scaler};
use live_core::{BeautyLevels, BeautyStage, Color, I420, PicturePool, Plane, Timestamp, VideoFrame};
use std::fs::File;
use std::io::{BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

const WIDTH: u32 = 1280;
const HEIGHT: u32 = 720;
/// Pictures in a run of FFmpeg.
const PICTURES: u32 = 120;

type MakeStage = fn() -> Box<dyn BeautyStage>;

fn main() {
    let pool = PicturePool::new();
    let cases = [("portrait", portrait(&pool)), ("all skin", Some(all_skin(&pool)))];
    let rows: [(&str, MakeStage, (u8, u8)); 5] = [
        ("skin, beauty 9", || Box::new(SkinStage::new()), (9, 0)),
        ("skin, whiteness 9", || Box::new(SkinStage::new()), (0, 9)),
        ("skin, both", || Box::new(SkinStage::new()), (9, 9)),
        ("plain, beauty 9", || Box::new(PlainStage::new()), (9, 0)),
        ("plain, whiteness 9", || Box::new(PlainStage::new()), (0, 9)),
    ];
    for (name, picture) in cases {
        let Some(picture) = picture else {
            println!("astronaut.png is not in ../shared/media or LIVE_MEDIA: no portrait");
            continue;
        };
        let ours = rows.map(|(row, make, levels)| (row, measure(&mut *make(), &picture, levels)));
        let bilateral = bilateral(&picture);
        println!("\n| 720p, {name} | ms | of FFmpeg's bilateral |\n|---|---:|---:|");
        for (row, time) in ours {
            let share = bilateral.map_or_else(
                || "no ffmpeg".into(),
                |peer| format!("1/{:.1}", peer.as_secs_f64() / time.as_secs_f64()),
            );
            println!("| {row} | {:.3} | {share} |", time.as_secs_f64() * 1e3);
        }
        if let Some(peer) = bilateral {
            println!("| FFmpeg `bilateral` | {:.2} | 1 |", peer.as_secs_f64() * 1e3);
        }
    }
}

/// The median of what one picture takes. The copy that each is made from is not measured, as a pusher's pictures are its own.
fn measure(stage: &mut dyn BeautyStage, picture: &I420, levels: (u8, u8)) -> Duration {
    let pool = PicturePool::new();
    stage.set_levels(BeautyLevels::new(levels.0, levels.1));
    let mut times: Vec<Duration> = (0..300)
        .map(|_| {
            let mut frame = VideoFrame::new(Timestamp::ZERO, Color::BT709, picture.clone());
            frame.make_i420(&pool).planes_mut();
            let start = Instant::now();
            stage.apply(&mut frame, &pool).expect("it works in memory");
            start.elapsed()
        })
        .collect();
    times.sort_unstable();
    times[times.len() / 2]
}

/// FFmpeg's time for one picture; `None` without it.
fn bilateral(picture: &I420) -> Option<Duration> {
    let folder = std::env::temp_dir().join(format!("live-effects-{}", std::process::id()));
    std::fs::create_dir_all(&folder).ok()?;
    let input = folder.join("pictures.yuv");
    write(picture, &input)?;
    let least = |filter: &str| (0..5).filter_map(|_| ffmpeg(&input, filter)).min();
    let result =
        least("bilateral").zip(least("null")).map(|(with, without)| with.saturating_sub(without) / PICTURES);
    // What cannot be removed is left to the system.
    let _ = std::fs::remove_dir_all(&folder);
    result
}

fn write(picture: &I420, path: &Path) -> Option<()> {
    let mut file = std::io::BufWriter::new(File::create(path).ok()?);
    for _ in 0..10 {
        for plane in Plane::ALL {
            for row in 0..picture.plane_size(plane).1 {
                file.write_all(picture.row(plane, row)).ok()?;
            }
        }
    }
    file.flush().ok()
}

/// Processor time of one run.
fn ffmpeg(input: &Path, filter: &str) -> Option<Duration> {
    let output = Command::new("ffmpeg")
        .args([
            "-nostdin",
            "-hide_banner",
            "-benchmark",
            "-stream_loop",
            "-1",
            "-f",
            "rawvideo",
            "-pix_fmt",
            "yuv420p",
        ])
        .args(["-s", &format!("{WIDTH}x{HEIGHT}"), "-i"])
        .arg(input)
        .args(["-filter_threads", "1", "-vf", filter, "-frames:v", &PICTURES.to_string()])
        .args(["-f", "rawvideo", "-y", "/dev/null"])
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&output.stderr);
    let line = text.lines().find(|line| line.contains("bench: utime="))?;
    let seconds = |name: &str| -> Option<f64> { line.split(name).nth(1)?.split('s').next()?.parse().ok() };
    Some(Duration::from_secs_f64(seconds("utime=")? + seconds("stime=")?))
}

fn portrait(pool: &PicturePool) -> Option<I420> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/media");
    let folder = std::env::var_os("LIVE_MEDIA").map_or(beside, PathBuf::from);
    let file = File::open(folder.join("astronaut.png")).ok()?;
    let mut decoder = png::Decoder::new(BufReader::new(file));
    decoder.set_transformations(png::Transformations::ALPHA);
    let mut reader = decoder.read_info().ok()?;
    let mut bytes = vec![0; reader.output_buffer_size()?];
    let info = reader.next_frame(&mut bytes).ok()?;
    let rgb = Rgba::new(RgbLayout::Rgba, info.width, info.height, info.line_size, &bytes).ok()?;
    let whole = rgb.to_i420(Color::BT709, pool);
    let face = Crop { x: 66, y: 20, width: 320, height: 180 };
    Some(Scaler::new((info.width, info.height), face, (WIDTH, HEIGHT)).scale(&whole, pool))
}

/// Skin with noise, which nothing can pass over.
fn all_skin(pool: &PicturePool) -> I420 {
    let mut state = 1_u32;
    let pixels: Vec<u8> = (0..WIDTH * HEIGHT)
        .flat_map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let noise = (state >> 29) as u8;
            [200 + noise, 146 + noise, 121 + noise, 255]
        })
        .collect();
    let rgba =
        Rgba::new(RgbLayout::Rgba, WIDTH, HEIGHT, WIDTH as usize * 4, &pixels).expect("it has its size");
    rgba.to_i420(Color::BT709, pool)
}
