//! Somebody to look at: a photograph where there is one, else a drawn face.

use crate::project::Project;
use live_core::pixels::convert::{RgbLayout, Rgba};
use live_core::pixels::scale::scale;
use live_core::{Color, I420, PicturePool};
use std::path::PathBuf;

/// The picture's width and height, in pixels.
pub const SIDE: u32 = 240;

/// The portrait of the tour, and what it is.
pub fn portrait(project: &Project, color: Color) -> (I420, &'static str) {
    let folder =
        std::env::var_os("LIVE_MEDIA").map_or_else(|| project.root.join("../shared/media"), PathBuf::from);
    let pool = PicturePool::new();
    match photograph(&folder.join("astronaut.png"), color, &pool) {
        Some(photograph) => (photograph, "a photograph"),
        None => (drawn(color, &pool), "a drawn face"),
    }
}

/// The middle of the upper half of a photograph, where the face is.
fn photograph(path: &std::path::Path, color: Color, pool: &PicturePool) -> Option<I420> {
    let mut decoder = png::Decoder::new(std::io::BufReader::new(std::fs::File::open(path).ok()?));
    decoder.set_transformations(png::Transformations::normalize_to_color8() | png::Transformations::ALPHA);
    let mut reader = decoder.read_info().ok()?;
    let mut pixels = vec![0; reader.output_buffer_size()?];
    let info = reader.next_frame(&mut pixels).ok()?;
    if info.color_type != png::ColorType::Rgba || info.width.min(info.height) < SIDE {
        return None;
    }
    let picture = Rgba::new(RgbLayout::Rgba, info.width, info.height, info.line_size, &pixels).ok()?;
    let picture = picture.to_i420(color, pool);
    let side = (info.width.min(info.height) * 5 / 8) & !1;
    let x = ((info.width - side) * 2 / 5) & !1;
    let part = live_core::pixels::scale::Crop { x, y: 0, width: side, height: side };
    Some(scale(&live_core::pixels::scale::crop(&picture, part, pool), SIDE, SIDE, pool))
}

/// A face with blotches and pores on its skin, and sharp eyes, brows and lips.
fn drawn(color: Color, pool: &PicturePool) -> I420 {
    let side = SIDE as usize;
    let mut pixels = vec![0_u8; side * side * 4];
    let mut noise = 1_u32;
    for (index, pixel) in pixels.chunks_exact_mut(4).enumerate() {
        let (x, y) = ((index % side) as f32 / side as f32, (index / side) as f32 / side as f32);
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let grain = ((noise >> 24) as f32 / 255.0 - 0.5) * 9.0;
        let [red, green, blue] = face(x, y, grain);
        pixel.copy_from_slice(&[red, green, blue, 255]);
    }
    Rgba::new(RgbLayout::Rgba, SIDE, SIDE, side * 4, &pixels)
        .map_or_else(|_| pool.black(SIDE, SIDE), |picture| picture.to_i420(color, pool))
}

/// The colour at a place of the drawn face, both coordinates from 0 to 1.
fn face(x: f32, y: f32, grain: f32) -> [u8; 3] {
    let inside = |cx: f32, cy: f32, rx: f32, ry: f32| ((x - cx) / rx).powi(2) + ((y - cy) / ry).powi(2) < 1.0;
    let eye = |cx: f32| inside(cx, 0.44, 0.06, 0.025);
    let brow = |cx: f32| inside(cx, 0.35, 0.085, 0.014);
    if inside(0.37, 0.44, 0.022, 0.022) || inside(0.63, 0.44, 0.022, 0.022) {
        return [30, 24, 22];
    }
    if eye(0.37) || eye(0.63) {
        return [236, 234, 230];
    }
    if brow(0.37) || brow(0.63) {
        return [52, 36, 30];
    }
    if inside(0.5, 0.74, 0.11, 0.03) {
        return [168, 62, 66];
    }
    if inside(0.5, 0.52, 0.3, 0.4) {
        let blotch = ((x * 61.0).sin() * (y * 53.0).cos()) * 7.0;
        let shade = (x - 0.5) * -38.0;
        return [206.0, 152.0, 126.0].map(|base| (base + grain + blotch + shade).clamp(0.0, 255.0) as u8);
    }
    if inside(0.5, 0.42, 0.37, 0.44) {
        return [58, 40, 34];
    }
    [46, 66, 92]
}
