//! Pictures and sound that are the same in every run.

use crate::frame::{AudioFrame, Color, I420, PicturePool, Plane, VideoFrame};
use crate::time::Timestamp;

/// Narrower than its rows are long in memory, so a backend that takes the one for the other is found out.
pub(super) const WIDTH: u32 = 208;
pub(super) const HEIGHT: u32 = 144;

/// A small generator of numbers (Knuth's MMIX constants), high bits used.
pub(super) struct Noise(u64);

impl Noise {
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn next(&mut self) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 32) as u32
    }
}

/// Picture `index`: a gradient that moves, with noise of `grain` luma steps on it. No two are alike.
pub(super) fn picture(index: u64, grain: u8) -> I420 {
    let mut picture = PicturePool::new().take(WIDTH, HEIGHT);
    let strides = Plane::ALL.map(|plane| picture.stride(plane));
    let sizes = Plane::ALL.map(|plane| picture.plane_size(plane));
    let mut noise = Noise::new(index);
    for (which, plane) in picture.planes_mut().into_iter().enumerate() {
        // What is in the padding does not matter; make it wrong.
        plane.fill(0xee);
        let (width, height) = sizes[which];
        for (row, line) in plane.chunks_mut(strides[which]).take(height).enumerate() {
            for (column, sample) in line[..width].iter_mut().enumerate() {
                let slope = (column + 2 * row) as u64 + 3 * index * (which as u64 + 1);
                let grain = if which == 0 && grain > 0 { noise.next() % u32::from(grain) } else { 0 };
                // A triangle wave between 40 and 200.
                let phase = (slope % 320) as u32;
                *sample = (40 + phase.min(320 - phase) + grain).min(235) as u8;
            }
        }
    }
    picture
}

/// Frame `index` of 30 a second.
pub(super) fn frame(index: u64, grain: u8, color: Color) -> VideoFrame {
    VideoFrame::new(Timestamp::from_index(index, 30), color, picture(index, grain))
}

/// Luma peak signal-to-noise ratio in dB.
pub(super) fn psnr(a: &I420, b: &I420) -> f64 {
    let mut error = 0.0;
    for row in 0..a.plane_size(Plane::Y).1 {
        for (&a, &b) in a.row(Plane::Y, row).iter().zip(b.row(Plane::Y, row)) {
            error += (f64::from(a) - f64::from(b)).powi(2);
        }
    }
    let mean = error / (f64::from(a.width()) * f64::from(a.height()));
    10.0 * (255.0 * 255.0 / mean.max(1e-9)).log10()
}

/// `frames` sample frames of low-pass noise: sound that resembles itself at no other offset.
pub(super) fn sound(frames: usize, channels: usize) -> Vec<f32> {
    let mut noise = Noise::new(7);
    let mut last = vec![0.0f32; channels];
    let mut samples = Vec::with_capacity(frames * channels);
    for _ in 0..frames {
        for last in &mut last {
            let white = noise.next() as f32 / u32::MAX as f32 - 0.5;
            *last += (white - *last) * 0.2;
            samples.push(*last * 1.5);
        }
    }
    samples
}

/// `samples` as frames of `length` sample frames each, counted from `start`.
pub(super) fn audio_frames(
    samples: &[f32],
    channels: usize,
    rate: u32,
    length: usize,
    start: Timestamp,
) -> Vec<AudioFrame> {
    let frame = |(index, samples): (usize, &[f32])| {
        let offset = Timestamp::from_index((index * length) as u64, rate);
        AudioFrame { pts: start.offset_micros(offset.as_micros()), samples: samples.to_vec() }
    };
    samples.chunks(length * channels).enumerate().map(frame).collect()
}
