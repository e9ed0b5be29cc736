//! Painting on a 4:2:0 picture: rectangles, anything with a distance function, and text.

use super::font::Font;
use live_core::pixels::color::yuv_of_rgb;
use live_core::{Color, I420, Plane};

/// A picture being painted. Shapes reaching over its edges are cut off.
pub(super) struct Canvas<'a> {
    picture: &'a mut I420,
    color: Color,
}

/// A rectangle in pixels; right and bottom are exclusive.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Rect {
    pub(super) left: f32,
    pub(super) top: f32,
    pub(super) right: f32,
    pub(super) bottom: f32,
}

impl Rect {
    pub(super) const fn new(left: f32, top: f32, right: f32, bottom: f32) -> Self {
        Self { left, top, right, bottom }
    }

    /// The square around a circle, with a pixel to spare for its soft edge.
    pub(super) fn around(x: f32, y: f32, radius: f32) -> Self {
        let reach = radius + 1.0;
        Self::new(x - reach, y - reach, x + reach, y + reach)
    }

    pub(super) fn width(&self) -> f32 {
        self.right - self.left
    }

    pub(super) fn height(&self) -> f32 {
        self.bottom - self.top
    }

    /// Columns and rows of a plane whose samples are `step` pixels apart, cut to the plane.
    fn samples(&self, step: f32, (width, height): (usize, usize)) -> [std::ops::Range<usize>; 2] {
        // Casts from float saturate at zero, and `min` keeps the other side.
        let span = |from: f32, to: f32, end: usize| {
            let from = ((from / step).round() as usize).min(end);
            from..((to / step).round() as usize).clamp(from, end)
        };
        [span(self.left, self.right, width), span(self.top, self.bottom, height)]
    }
}

impl<'a> Canvas<'a> {
    pub(super) fn new(picture: &'a mut I420, color: Color) -> Self {
        Self { picture, color }
    }

    /// Calls `paint(plane, step, row, columns, samples)` for each row of each plane inside `rect`.
    fn for_rows(&mut self, rect: Rect, mut paint: impl FnMut(usize, f32, usize, usize, &mut [u8])) {
        for (index, plane) in Plane::ALL.into_iter().enumerate() {
            let step = if index == 0 { 1.0 } else { 2.0 };
            let [columns, rows] = rect.samples(step, self.picture.plane_size(plane));
            let stride = self.picture.stride(plane);
            let samples = &mut *self.picture.planes_mut()[index];
            for row in rows {
                let line = &mut samples[row * stride..][columns.clone()];
                paint(index, step, row, columns.start, line);
            }
        }
    }

    /// A rectangle of one colour.
    pub(super) fn rect(&mut self, rect: Rect, rgb: [u8; 3]) {
        let yuv = yuv_of_rgb(rgb, self.color);
        self.for_rows(rect, |plane, _, _, _, line| line.fill(yuv[plane]));
    }

    /// A rectangle whose colour goes from `upper` to `lower`.
    pub(super) fn gradient(&mut self, rect: Rect, upper: [u8; 3], lower: [u8; 3]) {
        let (upper, lower) = (yuv_of_rgb(upper, self.color), yuv_of_rgb(lower, self.color));
        self.for_rows(rect, |plane, step, row, _, line| {
            let down = ((row as f32 * step - rect.top) / rect.height()).clamp(0.0, 1.0);
            line.fill(mix(upper[plane], lower[plane], down));
        });
    }

    /// A shape inside `bounds`: `distance(x, y)` is negative inside it, positive outside, in pixels. Edges are soft.
    pub(super) fn shape(&mut self, bounds: Rect, rgb: [u8; 3], distance: impl Fn(f32, f32) -> f32) {
        let yuv = yuv_of_rgb(rgb, self.color);
        self.for_rows(bounds, |plane, step, row, first, line| {
            let y = (row as f32 + 0.5) * step;
            for (column, sample) in (first..).zip(line) {
                let coverage = 0.5 - distance((column as f32 + 0.5) * step, y) / step;
                if coverage > 0.0 {
                    *sample = mix(*sample, yuv[plane], coverage.min(1.0));
                }
            }
        });
    }

    /// A filled circle.
    pub(super) fn disc(&mut self, x: f32, y: f32, radius: f32, rgb: [u8; 3]) {
        self.shape(Rect::around(x, y, radius), rgb, |px, py| (px - x).hypot(py - y) - radius);
    }

    /// A circle line of the given width, its outer edge at `radius`.
    pub(super) fn ring(&mut self, x: f32, y: f32, radius: f32, width: f32, rgb: [u8; 3]) {
        let middle = radius - width / 2.0;
        self.shape(Rect::around(x, y, radius), rgb, |px, py| {
            ((px - x).hypot(py - y) - middle).abs() - width / 2.0
        });
    }

    /// Text in grey of brightness `luma`; it takes on the colour of what is underneath.
    pub(super) fn text(&mut self, font: &Font, text: &str, x: f32, y: f32, luma: u8) {
        let (width, height) = self.picture.plane_size(Plane::Y);
        let stride = self.picture.stride(Plane::Y);
        let samples = &mut *self.picture.planes_mut()[0];
        font.draw(text, x, y, |x, y, coverage| {
            let Some(row) = usize::try_from(y).ok().filter(|&row| row < height) else { return };
            let left = x.clamp(0, width as isize) as usize;
            let hidden = (left as isize - x) as usize;
            let line = &mut samples[row * stride..][left..width];
            for (sample, &alpha) in line.iter_mut().zip(coverage.iter().skip(hidden)) {
                let (below, above) = (u32::from(*sample), u32::from(luma));
                let alpha = u32::from(alpha);
                *sample = ((below * (255 - alpha) + above * alpha + 127) / 255) as u8;
            }
        });
    }

    /// Adds grain to the luma inside `rect`: two by two pixels of up to ± `amplitude`, different for every `seed`.
    pub(super) fn grain(&mut self, rect: Rect, seed: u64, amplitude: i16) {
        self.for_rows(rect, |plane, _, row, _, line| {
            if plane != 0 {
                return;
            }
            // Both rows of a grain start from the same state.
            let mut state = scramble(seed ^ ((row as u64 / 2) << 40));
            for eight in line.chunks_mut(16) {
                state = scramble(state);
                for (pair, noise) in eight.chunks_mut(2).zip(state.to_le_bytes()) {
                    let offset = (i16::from(noise) - 128) * amplitude / 128;
                    for sample in pair {
                        *sample = (i16::from(*sample) + offset).clamp(16, 235) as u8;
                    }
                }
            }
        });
    }
}

/// From `from` to `to` by `share` (0–1).
fn mix(from: u8, to: u8, share: f32) -> u8 {
    let (from, to) = (f32::from(from), f32::from(to));
    (from + (to - from) * share).round() as u8
}

/// Spreads the bits of a counter (the finaliser of a 64-bit multiplicative hash).
fn scramble(value: u64) -> u64 {
    let value = (value ^ (value >> 31)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (value ^ (value >> 29)).wrapping_mul(0xd6e8_feb8_6659_fd93) ^ (value >> 32)
}
