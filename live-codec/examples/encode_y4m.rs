//! The encoder alone, on raw pictures in real time: the yardstick for whole programs.
//!
//! `cargo run --release -p live-codec --example encode_y4m -- clip.y4m 1500 60` encodes at 1500 kbit/s with a key frame
//! every 60 pictures and throws the packets away.

use live_core::formats::y4m::Reader;
use live_core::{Codec, Entropy, Packet, PicturePool, Registry, Selection, Timestamp};
use live_core::{VideoEncoderConfig, VideoFrame};
use std::time::{Duration, Instant};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let mut next =
        |what: &str| args.next().ok_or(format!("usage: encode_y4m FILE KBPS GOP ({what} is missing)"));
    let file = std::io::BufReader::new(std::fs::File::open(next("FILE")?)?);
    let (kbps, gop) = (next("KBPS")?.parse()?, next("GOP")?.parse()?);
    let mut reader = Reader::new(file)?;
    let (width, height, (pictures, seconds)) =
        (reader.header().width, reader.header().height, reader.header().frame_rate);
    let frame_rate = f64::from(pictures) / f64::from(seconds);
    let color = live_core::Color::assumed_for(width, height);
    let config = VideoEncoderConfig {
        width,
        height,
        frame_rate,
        kbps,
        gop,
        color,
        entropy: Entropy::Auto,
        threads: 1,
        slices: 0,
    };
    let mut registry = Registry::default();
    live_codec::register_enabled(&mut registry);
    let mut encoder = registry.video_encoders.open(Codec::H264, &Selection::Auto, &config)?.codec;
    let (pool, start, mut packets, mut count) =
        (PicturePool::new(), Instant::now(), Vec::<Packet>::new(), 0u64);
    while let Some(picture) = reader.read(&pool)? {
        let pts = Timestamp::from_micros((count as f64 * 1e6 / frame_rate) as i64);
        std::thread::sleep(
            Duration::from_micros(pts.as_micros().unsigned_abs()).saturating_sub(start.elapsed()),
        );
        encoder.encode(&VideoFrame::new(pts, color, picture), &mut packets)?;
        packets.clear();
        count += 1;
    }
    println!("{count} pictures");
    Ok(())
}
