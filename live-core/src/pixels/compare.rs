//! How much two pictures differ.

use crate::frame::{I420, Plane};

/// Peak signal-to-noise ratio of one plane in dB; infinite for equal planes, `None` for pictures of different sizes.
#[must_use]
pub fn psnr(a: &I420, b: &I420, plane: Plane) -> Option<f64> {
    mean_squared_error(a, b, plane).map(decibels)
}

/// [`psnr`] of luma: the usual figure of a codec's quality.
#[must_use]
pub fn psnr_y(a: &I420, b: &I420) -> Option<f64> {
    psnr(a, b, Plane::Y)
}

/// Peak signal-to-noise ratio over all samples of all planes.
#[must_use]
pub fn psnr_yuv(a: &I420, b: &I420) -> Option<f64> {
    let mut error = 0.0;
    let mut samples = 0.0;
    for plane in Plane::ALL {
        let (width, height) = a.plane_size(plane);
        let count = (width * height) as f64;
        error += mean_squared_error(a, b, plane)? * count;
        samples += count;
    }
    Some(decibels(error / samples))
}

/// The mean of the squared differences of a plane's samples; `None` for pictures of different sizes.
#[must_use]
pub fn mean_squared_error(a: &I420, b: &I420, plane: Plane) -> Option<f64> {
    let (width, height) = a.plane_size(plane);
    if (width, height) != b.plane_size(plane) {
        return None;
    }
    // A row of 65 536 pixels fits: 255² times that is under 2^32.
    let of_row = |row: usize| -> u64 {
        let pairs = a.row(plane, row).chunks(65_536).zip(b.row(plane, row).chunks(65_536));
        pairs.map(|(a, b)| u64::from(squared_difference(a, b))).sum()
    };
    let sum: u64 = (0..height).map(of_row).sum();
    Some(sum as f64 / (width * height) as f64)
}

fn squared_difference(a: &[u8], b: &[u8]) -> u32 {
    a.iter().zip(b).map(|(&a, &b)| u32::from(a.abs_diff(b)).pow(2)).sum()
}

fn decibels(mean_squared_error: f64) -> f64 {
    10.0 * (255.0 * 255.0 / mean_squared_error).log10()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::PicturePool;

    #[test]
    fn a_difference_of_one_everywhere_is_48_decibels() {
        let pool = PicturePool::new();
        let (a, mut b) = (pool.black(5, 3), pool.black(5, 3));
        b.planes_mut()[0].fill(17);
        assert!((psnr_y(&a, &b).unwrap() - 48.1308).abs() < 1e-4);
        assert_eq!(psnr(&a, &b, Plane::U), Some(f64::INFINITY));
        // 15 of 27 samples differ.
        assert!((psnr_yuv(&a, &b).unwrap() - 50.6835).abs() < 1e-4);
        assert_eq!(psnr_y(&a, &pool.black(5, 4)), None);
    }
}
