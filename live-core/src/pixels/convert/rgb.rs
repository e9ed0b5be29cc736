//! R′G′B′ to Y′CbCr and back, in 16-bit fixed-point arithmetic.
//!
//! Runs of 32 pixels go through arrays on the stack: sorting bytes and calculating are then two simple loops each, and
//! the vectoriser takes both. The rest of a row is padded to a run by repeating its last pixel.

use super::{Rows, luma_and_chroma_strides};
use crate::frame::{Color, I420, PicturePool, Plane};
use crate::pixels::color::Coefficients;
use crate::pixels::simd::{self, Kernel};

/// Pixels of a run.
const RUN: usize = 32;
const HALF: usize = RUN / 2;

/// The order of the bytes of a pixel in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RgbLayout {
    /// Red, green, blue, and 255 (opaque).
    Rgba,
    /// Blue, green, red, and 255: little-endian `0xAARRGGBB`, as window systems have it.
    Bgra,
    /// Red, green, blue: what image files hold.
    Rgb,
}

impl RgbLayout {
    /// Bytes to a pixel.
    #[must_use]
    pub const fn bytes(self) -> usize {
        match self {
            Self::Rgba | Self::Bgra => 4,
            Self::Rgb => 3,
        }
    }
}

/// `value * scale` as an integer.
fn fixed(value: f64, scale: f64) -> i16 {
    (value * scale).round() as i16
}

/// The upper half of a product: multiplies by `b / 65536`.
#[inline(always)]
fn scaled(a: i16, b: i16) -> i16 {
    ((i32::from(a) * i32::from(b)) >> 16) as i16
}

pub(super) fn from_rgba(
    (width, height): (u32, u32),
    rows: Rows<'_>,
    layout: RgbLayout,
    color: Color,
    pool: &PicturePool,
) -> I420 {
    let mut picture = pool.take(width, height);
    let (luma_stride, chroma_stride) = luma_and_chroma_strides(&picture);
    let weights = ToYuv::of(color);
    let [y, u, v] = picture.planes_mut();
    let planes = Planes { width: width as usize, luma_stride, chroma_stride, y, u, v };
    match layout {
        RgbLayout::Bgra => simd::run(FromRgba::<2> { rows, weights, planes }),
        RgbLayout::Rgba | RgbLayout::Rgb => simd::run(FromRgba::<0> { rows, weights, planes }),
    }
    picture
}

/// Weights of red, green and blue. Luma: 15 bits, for samples shifted up by 7 it leaves 6 bits of fraction. Chroma: 14
/// bits, for sums of four samples shifted up by 5 it leaves 5 bits of fraction.
#[derive(Clone, Copy)]
struct ToYuv {
    luma: [i16; 3],
    blue: [i16; 3],
    red: [i16; 3],
    /// Black and one half, in luma's fixed point.
    luma_offset: i16,
}

impl ToYuv {
    fn of(color: Color) -> Self {
        let c = Coefficients::of(color);
        let (luma, chroma) = (c.luma_span / 255.0, c.chroma_span / 255.0);
        let kg = 1.0 - c.kr - c.kb;
        let (blue, red) = (chroma / 2.0 / (1.0 - c.kb), chroma / 2.0 / (1.0 - c.kr));
        let weights = |weights: [f64; 3], scale: f64| weights.map(|weight| fixed(weight, scale));
        Self {
            luma: weights([c.kr * luma, kg * luma, c.kb * luma], 32_768.0),
            blue: weights([-c.kr * blue, -kg * blue, (1.0 - c.kb) * blue], 16_384.0),
            red: weights([(1.0 - c.kr) * red, -kg * red, -c.kb * red], 16_384.0),
            luma_offset: fixed(c.black + 0.5, 64.0),
        }
    }
}

/// The planes of a picture being written.
struct Planes<'a> {
    width: usize,
    luma_stride: usize,
    chroma_stride: usize,
    y: &'a mut [u8],
    u: &'a mut [u8],
    v: &'a mut [u8],
}

/// `RED` is the place of red in a pixel; blue is at the other end.
struct FromRgba<'a, const RED: usize> {
    rows: Rows<'a>,
    weights: ToYuv,
    planes: Planes<'a>,
}

impl<const RED: usize> Kernel for FromRgba<'_, RED> {
    #[inline(always)]
    fn run(self) {
        let Planes { width, luma_stride, chroma_stride, y, u, v } = self.planes;
        let chroma = u.chunks_mut(chroma_stride).zip(v.chunks_mut(chroma_stride));
        let pairs = y.chunks_mut(2 * luma_stride).zip(chroma).take(self.rows.count.div_ceil(2));
        for (pair, (y, (u, v))) in pairs.enumerate() {
            // The lower row of the last pair is missing in a picture of odd height: the upper one is taken twice.
            let (upper, lower) = (self.rows.row(2 * pair), self.rows.row(2 * pair + 1));
            let mut unused = [0; RUN];
            let (upper_y, lower_y) = y.split_at_mut(luma_stride);
            for at in (0..width).step_by(RUN) {
                let count = RUN.min(width - at);
                let half = count.div_ceil(2);
                let upper = split::<RED>(&upper[4 * at..][..4 * count]);
                let lower = split::<RED>(&lower[4 * at..][..4 * count]);
                write_run(&mut upper_y[at..][..count], &luma(&upper, &self.weights));
                let lower_y = lower_y.get_mut(at..at + count).unwrap_or(&mut unused[..count]);
                write_run(lower_y, &luma(&lower, &self.weights));
                let sums = sums_of_four(&upper, &lower);
                write_run(&mut u[at / 2..][..half], &chroma_run(&sums, self.weights.blue));
                write_run(&mut v[at / 2..][..half], &chroma_run(&sums, self.weights.red));
            }
        }
    }
}

/// Copies as much of a run as there is room for.
#[inline(always)]
fn write_run<const N: usize>(to: &mut [u8], run: &[u8; N]) {
    match to.first_chunk_mut() {
        Some(whole) => *whole = *run,
        None => to.copy_from_slice(&run[..to.len()]),
    }
}

/// The red, green and blue samples of a run of pixels; a short one is filled up with its last pixel.
#[inline(always)]
fn split<const RED: usize>(pixels: &[u8]) -> [[i16; RUN]; 3] {
    let mut filled = [0; 4 * RUN];
    let run = match pixels.first_chunk::<{ 4 * RUN }>() {
        Some(run) => run,
        None => {
            filled[..pixels.len()].copy_from_slice(pixels);
            if let Some(&last) = pixels.last_chunk::<4>() {
                filled[pixels.len()..].as_chunks_mut::<4>().0.fill(last);
            }
            &filled
        }
    };
    // Halves of words first, then their bytes: the vectoriser handles this far better than four bytes at once.
    let (mut lower, mut upper) = ([0; RUN], [0; RUN]);
    for (place, &[first, second, third, fourth]) in run.as_chunks::<4>().0.iter().enumerate() {
        lower[place] = u16::from_le_bytes([first, second]);
        upper[place] = u16::from_le_bytes([third, fourth]);
    }
    let mut channels = [[0; RUN]; 3];
    for (sample, &half) in channels[RED].iter_mut().zip(&lower) {
        *sample = (half & 0xff) as i16;
    }
    for (sample, &half) in channels[1].iter_mut().zip(&lower) {
        *sample = (half >> 8) as i16;
    }
    for (sample, &half) in channels[2 - RED].iter_mut().zip(&upper) {
        *sample = (half & 0xff) as i16;
    }
    channels
}

#[inline(always)]
fn luma(rgb: &[[i16; RUN]; 3], weights: &ToYuv) -> [u8; RUN] {
    let mut run = [0; RUN];
    for (place, sample) in run.iter_mut().enumerate() {
        let mut sum = weights.luma_offset;
        for (channel, &weight) in rgb.iter().zip(&weights.luma) {
            sum += scaled(channel[place] << 7, weight);
        }
        // The three products are rounded down: by one of 64 parts each, one and a half on average.
        *sample = ((sum + 1) >> 6).clamp(0, 255) as u8;
    }
    run
}

/// Sums over two by two pixels.
#[inline(always)]
fn sums_of_four(upper: &[[i16; RUN]; 3], lower: &[[i16; RUN]; 3]) -> [[i16; HALF]; 3] {
    let mut sums = [[0; HALF]; 3];
    for (sums, (upper, lower)) in sums.iter_mut().zip(upper.iter().zip(lower)) {
        let mut columns = [0; RUN];
        for (sum, (a, b)) in columns.iter_mut().zip(upper.iter().zip(lower)) {
            *sum = a + b;
        }
        for (sum, pair) in sums.iter_mut().zip(columns.as_chunks::<2>().0) {
            *sum = pair[0] + pair[1];
        }
    }
    sums
}

#[inline(always)]
fn chroma_run(sums: &[[i16; HALF]; 3], weights: [i16; 3]) -> [u8; HALF] {
    // 128 and a half in 5 bits of fraction, and what rounding down takes on average.
    const OFFSET: i16 = (128 << 5) + 16 + 1;
    let mut run = [0; HALF];
    for (place, sample) in run.iter_mut().enumerate() {
        let mut sum = OFFSET;
        for (channel, &weight) in sums.iter().zip(&weights) {
            sum += scaled(channel[place] << 5, weight);
        }
        *sample = (sum >> 5).clamp(0, 255) as u8;
    }
    run
}

/// Writes `picture`, read as `color` says, into rows of pixels that are `stride` bytes apart.
///
/// # Panics
/// When a row is longer than `stride` or `out` is too short for the picture's height (its last row needs no padding).
pub fn i420_to_rgb(picture: &I420, color: Color, layout: RgbLayout, out: &mut [u8], stride: usize) {
    let (width, height) = picture.plane_size(Plane::Y);
    let len = width * layout.bytes();
    assert!(len <= stride, "rows of {len} bytes cannot be {stride} bytes apart");
    let needed = (height - 1) * stride + len;
    assert!(needed <= out.len(), "{width}×{height} pixels need {needed} bytes, not {}", out.len());
    let weights = ToRgb::of(color);
    match layout {
        RgbLayout::Rgba => simd::run(FromYuv::<4, 0> { picture, weights, out, stride }),
        RgbLayout::Bgra => simd::run(FromYuv::<4, 2> { picture, weights, out, stride }),
        RgbLayout::Rgb => simd::run(FromYuv::<3, 0> { picture, weights, out, stride }),
    }
}

/// What luma and colour differences add to red, green and blue. Luma: 13 bits, for samples shifted up by 7; differences:
/// 12 bits, for samples shifted up by 8. Both leave 4 bits of fraction.
#[derive(Clone, Copy)]
struct ToRgb {
    luma: i16,
    red_of_cr: i16,
    green_of_cb: i16,
    green_of_cr: i16,
    blue_of_cb: i16,
    black: i16,
}

impl ToRgb {
    fn of(color: Color) -> Self {
        let c = Coefficients::of(color);
        let chroma = 255.0 / c.chroma_span;
        let (red, blue) = (2.0 * (1.0 - c.kr) * chroma, 2.0 * (1.0 - c.kb) * chroma);
        let kg = 1.0 - c.kr - c.kb;
        Self {
            luma: fixed(255.0 / c.luma_span, 8192.0),
            red_of_cr: fixed(red, 4096.0),
            green_of_cb: fixed(-c.kb / kg * blue, 4096.0),
            green_of_cr: fixed(-c.kr / kg * red, 4096.0),
            blue_of_cb: fixed(blue, 4096.0),
            black: c.black as i16,
        }
    }
}

/// `BYTES` to a pixel, `RED` is the place of red in it; blue is at the other end of the first three.
struct FromYuv<'a, const BYTES: usize, const RED: usize> {
    picture: &'a I420,
    weights: ToRgb,
    out: &'a mut [u8],
    stride: usize,
}

impl<const BYTES: usize, const RED: usize> Kernel for FromYuv<'_, BYTES, RED> {
    #[inline(always)]
    fn run(self) {
        let (width, height) = self.picture.plane_size(Plane::Y);
        for (row, out) in self.out.chunks_mut(self.stride).take(height).enumerate() {
            let y = self.picture.row(Plane::Y, row);
            let (u, v) = (self.picture.row(Plane::U, row / 2), self.picture.row(Plane::V, row / 2));
            for at in (0..width).step_by(RUN) {
                let count = RUN.min(width - at);
                let (y, u, v) = (read_run(&y[at..]), read_run(&u[at / 2..]), read_run(&v[at / 2..]));
                let rgb = rgb_run(&y, &u, &v, &self.weights);
                let out = &mut out[BYTES * at..][..BYTES * count];
                store::<BYTES, RED>(&rgb, out);
            }
        }
    }
}

/// The first samples of a row's rest; a short one is filled up with anything.
#[inline(always)]
fn read_run<const N: usize>(rest: &[u8]) -> [u8; N] {
    rest.first_chunk().copied().unwrap_or_else(|| {
        let mut run = [0; N];
        run[..rest.len()].copy_from_slice(rest);
        run
    })
}

/// Red, green and blue of a run.
#[inline(always)]
fn rgb_run(y: &[u8; RUN], u: &[u8; HALF], v: &[u8; HALF], weights: &ToRgb) -> [[u8; RUN]; 3] {
    // One half in 4 bits of fraction, and what rounding down takes on average.
    const HALF_CODE: i16 = 8 + 1;
    let mut luma = [0; RUN];
    for (luma, &y) in luma.iter_mut().zip(y) {
        *luma = scaled((i16::from(y) - weights.black) << 7, weights.luma) + HALF_CODE;
    }
    let (mut red, mut green, mut blue) = ([0; HALF], [0; HALF], [0; HALF]);
    for place in 0..HALF {
        let (cb, cr) = ((i16::from(u[place]) - 128) << 8, (i16::from(v[place]) - 128) << 8);
        red[place] = scaled(cr, weights.red_of_cr);
        green[place] = scaled(cb, weights.green_of_cb) + scaled(cr, weights.green_of_cr);
        blue[place] = scaled(cb, weights.blue_of_cb);
    }
    [channel(&luma, &red), channel(&luma, &green), channel(&luma, &blue)]
}

/// Adds to each pair of pixels what their chroma is worth.
#[inline(always)]
fn channel(luma: &[i16; RUN], added: &[i16; HALF]) -> [u8; RUN] {
    let mut twice = [0; RUN];
    for (pair, &value) in twice.as_chunks_mut::<2>().0.iter_mut().zip(added) {
        *pair = [value; 2];
    }
    let mut run = [0; RUN];
    for (sample, (&luma, &added)) in run.iter_mut().zip(luma.iter().zip(&twice)) {
        *sample = ((luma + added) >> 4).clamp(0, 255) as u8;
    }
    run
}

/// Sorts a run into pixels; a short `out` takes its beginning.
#[inline(always)]
fn store<const BYTES: usize, const RED: usize>(rgb: &[[u8; RUN]; 3], out: &mut [u8]) {
    let [first, green, third] = [&rgb[RED], &rgb[1], &rgb[2 - RED]];
    let mut run = [[0; BYTES]; RUN];
    if BYTES == 4 {
        // Bytes into halves of words, halves into words: the two steps that vector units have.
        let (mut lower, mut upper) = ([0; RUN], [0; RUN]);
        for place in 0..RUN {
            lower[place] = u16::from_le_bytes([first[place], green[place]]);
            upper[place] = u16::from_le_bytes([third[place], 255]);
        }
        for (pixel, (&lower, &upper)) in run.iter_mut().zip(lower.iter().zip(&upper)) {
            let word = u32::from(lower) | (u32::from(upper) << 16);
            pixel.copy_from_slice(&word.to_le_bytes());
        }
    } else {
        for (place, pixel) in run.iter_mut().enumerate() {
            pixel.copy_from_slice(&[first[place], green[place], third[place]]);
        }
    }
    let pixels = out.as_chunks_mut::<BYTES>().0;
    match pixels.first_chunk_mut() {
        Some(whole) => *whole = run,
        None => pixels.copy_from_slice(&run[..pixels.len()]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::{Matrix, Range};
    use crate::pixels::color::{rgb_of_yuv, yuv_of_rgb};
    use crate::pixels::convert::Rgba;
    use proptest::prelude::*;

    const COLORS: [Color; 4] = [
        Color::BT601,
        Color::BT709,
        Color { matrix: Matrix::Bt601, range: Range::Full },
        Color { matrix: Matrix::Bt709, range: Range::Full },
    ];

    /// A picture of two by two pixels of one colour.
    fn patch(yuv: [u8; 3], pool: &PicturePool) -> I420 {
        let mut picture = pool.take(2, 2);
        for (plane, value) in picture.planes_mut().into_iter().zip(yuv) {
            plane.fill(value);
        }
        picture
    }

    fn yuv_at(picture: &I420) -> [u8; 3] {
        Plane::ALL.map(|plane| picture.row(plane, 0)[0])
    }

    #[test]
    fn every_colour_of_a_dense_grid_is_within_one_of_the_exact_result() {
        let pool = PicturePool::new();
        let values = (0..=255_u8).step_by(15);
        let grid: Vec<[u8; 3]> = values
            .clone()
            .flat_map(|a| values.clone().map(move |b| (a, b)))
            .flat_map(|(a, b)| values.clone().map(move |c| [a, b, c]))
            .collect();
        for color in COLORS {
            for &colour in &grid {
                let [r, g, b] = colour;
                let pixels = [r, g, b, 9].repeat(4);
                let made = Rgba::new(RgbLayout::Rgba, 2, 2, 8, &pixels).unwrap().to_i420(color, &pool);
                let exact = yuv_of_rgb(colour, color);
                for (made, exact) in yuv_at(&made).into_iter().zip(exact) {
                    assert!(made.abs_diff(exact) <= 1, "{colour:?} as {color:?}: {:?}, not {exact}", made);
                }
                let mut made = [0; 12];
                i420_to_rgb(&patch(colour, &pool), color, RgbLayout::Rgb, &mut made, 6);
                let exact = rgb_of_yuv(colour, color);
                for (&made, exact) in made.iter().zip(exact) {
                    assert!(made.abs_diff(exact) <= 1, "{colour:?} from {color:?}: {made}, not {exact}");
                }
            }
        }
    }

    /// What conversion means, in real numbers: the mean colour difference of the pixels a chroma sample stands for.
    fn reference(width: usize, height: usize, stride: usize, data: &[u8], color: Color) -> [Vec<f64>; 3] {
        let c = Coefficients::of(color);
        let pixel = |x: usize, y: usize| {
            let at = y.min(height - 1) * stride + 4 * x.min(width - 1);
            [data[at], data[at + 1], data[at + 2]].map(|value| f64::from(value) / 255.0)
        };
        let luma = |[r, g, b]: [f64; 3]| c.kr * r + (1.0 - c.kr - c.kb) * g + c.kb * b;
        let mut planes = [vec![], vec![], vec![]];
        for y in 0..height {
            planes[0].extend((0..width).map(|x| c.black + c.luma_span * luma(pixel(x, y))));
        }
        for y in (0..height).step_by(2) {
            for x in (0..width).step_by(2) {
                let four = [pixel(x, y), pixel(x + 1, y), pixel(x, y + 1), pixel(x + 1, y + 1)];
                let mean = [0, 1, 2].map(|channel| four.iter().map(|rgb| rgb[channel]).sum::<f64>() / 4.0);
                let difference = |value: f64, weight: f64| {
                    128.0 + c.chroma_span * (value - luma(mean)) / (2.0 * (1.0 - weight))
                };
                planes[1].push(difference(mean[2], c.kb));
                planes[2].push(difference(mean[0], c.kr));
            }
        }
        planes
    }

    proptest! {
        #[test]
        fn pictures_of_any_size_and_stride_are_within_one_of_the_exact_result(
            width in 1_u32..80, height in 1_u32..6, padding in 0_usize..9, seed in any::<u32>(), which in 0_usize..4,
        ) {
            let (pool, color) = (PicturePool::new(), COLORS[which]);
            let stride = width as usize * 4 + padding;
            let mut state = seed;
            let data: Vec<u8> = (0..stride * height as usize - padding)
                .map(|_| {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    (state >> 24) as u8
                })
                .collect();
            let source = Rgba::new(RgbLayout::Rgba, width, height, stride, &data).unwrap();
            let picture = source.to_i420(color, &pool);
            let portable = simd::portably(|| source.to_i420(color, &pool));
            let exact = reference(width as usize, height as usize, stride, &data, color);
            for (plane, exact) in Plane::ALL.into_iter().zip(&exact) {
                let (plane_width, rows) = picture.plane_size(plane);
                for row in 0..rows {
                    prop_assert_eq!(picture.row(plane, row), portable.row(plane, row));
                    let exact = &exact[row * plane_width..];
                    for (&made, &exact) in picture.row(plane, row).iter().zip(exact) {
                        prop_assert!((f64::from(made) - exact).abs() <= 1.0, "{} for {}", made, exact);
                    }
                }
            }
            // Red and blue exchanged on both sides is the same picture.
            let swapped: Vec<u8> = (0..height as usize)
                .flat_map(|row| &data[row * stride..][..width as usize * 4])
                .copied()
                .collect::<Vec<_>>()
                .chunks_exact(4)
                .flat_map(|pixel| [pixel[2], pixel[1], pixel[0], 0])
                .collect();
            let bgra = Rgba::new(RgbLayout::Bgra, width, height, width as usize * 4, &swapped).unwrap();
            let bgra = bgra.to_i420(color, &pool);
            prop_assert_eq!(bgra.row(Plane::V, 0), picture.row(Plane::V, 0));

            let mut outs = [RgbLayout::Rgba, RgbLayout::Bgra, RgbLayout::Rgb].map(|layout| {
                let row = width as usize * layout.bytes() + padding;
                let mut out = vec![7; row * height as usize];
                i420_to_rgb(&picture, color, layout, &mut out, row);
                let mut portable = vec![7; row * height as usize];
                simd::portably(|| i420_to_rgb(&picture, color, layout, &mut portable, row));
                assert_eq!(out, portable, "padding stays as it is, and both ways agree");
                (row, layout.bytes(), out)
            });
            for y in 0..height as usize {
                for x in 0..width as usize {
                    let at = |out: &(usize, usize, Vec<u8>)| out.2[y * out.0 + x * out.1..][..3].to_vec();
                    let [rgba, mut bgra, rgb] = outs.each_mut().map(|out| at(out));
                    bgra.reverse();
                    prop_assert_eq!(&rgba, &bgra);
                    prop_assert_eq!(&rgba, &rgb);
                }
            }
        }
    }
}
