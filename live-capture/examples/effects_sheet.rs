//! A contact sheet of the beauty levels: `effects_sheet PORTRAIT.png SHEET.png [X Y WIDTH HEIGHT]`, a part of the portrait.
//!
//! Columns: levels 0, 3, 6 and 9. Rows: beauty, whiteness, both.

use live_capture::effect::SkinStage;
use live_core::pixels::convert::{RgbLayout, Rgba, i420_to_rgb};
use live_core::pixels::scale::{Crop, Scaler};
use live_core::{BeautyLevels, BeautyStage, Color, PicturePool, Timestamp, VideoEffect, VideoFrame};
use std::error::Error;
use std::fs::File;
use std::io::{BufReader, BufWriter};

const LEVELS: [u8; 4] = [0, 3, 6, 9];
const TILE: (u32, u32) = (240, 270);

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [input, output, part @ ..] = &args[..] else {
        return Err("usage: effects_sheet PORTRAIT.png SHEET.png [X Y WIDTH HEIGHT]".into());
    };
    let pool = PicturePool::new();
    let mut decoder = png::Decoder::new(BufReader::new(File::open(input)?));
    decoder.set_transformations(png::Transformations::ALPHA);
    let mut reader = decoder.read_info()?;
    let mut bytes = vec![0; reader.output_buffer_size().ok_or("the portrait is too large")?];
    let info = reader.next_frame(&mut bytes)?;
    let rgb = Rgba::new(RgbLayout::Rgba, info.width, info.height, info.line_size, &bytes)?;
    let portrait = rgb.to_i420(Color::BT601, &pool);
    let part: Vec<u32> = part.iter().map(|number| number.parse()).collect::<Result<_, _>>()?;
    let crop = match part[..] {
        [x, y, width, height] => Crop { x, y, width, height },
        _ => Crop::whole(info.width, info.height),
    };
    let mut scaler = Scaler::new((info.width, info.height), crop, TILE);

    let (width, height) = (TILE.0 * LEVELS.len() as u32, TILE.1 * 3);
    let stride = width as usize * 3;
    let mut sheet = vec![0; stride * height as usize];
    for (column, level) in LEVELS.into_iter().enumerate() {
        let rows = [(level, 0), (0, level), (level, level)];
        for (row, (beauty, whiteness)) in rows.into_iter().enumerate() {
            let mut stage = SkinStage::new();
            stage.set_levels(BeautyLevels::new(beauty, whiteness));
            let mut frame = VideoFrame::new(Timestamp::ZERO, Color::BT601, portrait.clone());
            stage.apply(&mut frame, &pool)?;
            let tile = scaler.scale(frame.make_i420(&pool), &pool);
            let place = row * TILE.1 as usize * stride + column * TILE.0 as usize * 3;
            i420_to_rgb(&tile, frame.color, RgbLayout::Rgb, &mut sheet[place..], stride);
        }
    }
    let mut encoder = png::Encoder::new(BufWriter::new(File::create(output)?), width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_compression(png::Compression::High);
    encoder.write_header()?.write_image_data(&sheet)?;
    Ok(())
}
