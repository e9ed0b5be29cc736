//! What sample values mean: Y′CbCr and R′G′B′ (ITU-T H.273 section 8.3, ITU-R BT.601 and BT.709).

use crate::frame::{Color, Matrix, Range};

/// How R′G′B′ becomes Y′CbCr and back, in real numbers: the yardstick that the fast integer loops are tested against.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Coefficients {
    /// Weight of red in luma.
    pub kr: f64,
    /// Weight of blue in luma.
    pub kb: f64,
    /// Code value of black.
    pub black: f64,
    /// Code values from black to white.
    pub luma_span: f64,
    /// Code values from the lowest to the highest colour difference.
    pub chroma_span: f64,
}

impl Coefficients {
    /// The numbers behind `color`.
    #[must_use]
    pub const fn of(color: Color) -> Self {
        let (kr, kb) = match color.matrix {
            Matrix::Bt601 => (0.299, 0.114),
            Matrix::Bt709 => (0.2126, 0.0722),
        };
        let (black, luma_span, chroma_span) = match color.range {
            Range::Limited => (16.0, 219.0, 224.0),
            Range::Full => (0.0, 255.0, 255.0),
        };
        Self { kr, kb, black, luma_span, chroma_span }
    }
}

/// The Y′CbCr code values of an 8-bit R′G′B′ colour, rounded.
#[must_use]
pub fn yuv_of_rgb(rgb: [u8; 3], color: Color) -> [u8; 3] {
    let c = Coefficients::of(color);
    let [r, g, b] = rgb.map(|value| f64::from(value) / 255.0);
    let luma = c.kr * r + (1.0 - c.kr - c.kb) * g + c.kb * b;
    let cb = (b - luma) / (2.0 * (1.0 - c.kb));
    let cr = (r - luma) / (2.0 * (1.0 - c.kr));
    [c.black + c.luma_span * luma, 128.0 + c.chroma_span * cb, 128.0 + c.chroma_span * cr].map(to_code)
}

/// The 8-bit R′G′B′ colour of Y′CbCr code values, rounded and clipped.
#[must_use]
pub fn rgb_of_yuv(yuv: [u8; 3], color: Color) -> [u8; 3] {
    let c = Coefficients::of(color);
    let luma = (f64::from(yuv[0]) - c.black) / c.luma_span;
    let [cb, cr] = [yuv[1], yuv[2]].map(|value| (f64::from(value) - 128.0) / c.chroma_span);
    let r = luma + 2.0 * (1.0 - c.kr) * cr;
    let b = luma + 2.0 * (1.0 - c.kb) * cb;
    let g = (luma - c.kr * r - c.kb * b) / (1.0 - c.kr - c.kb);
    [r, g, b].map(|value| to_code(255.0 * value))
}

/// The nearest code value.
fn to_code(value: f64) -> u8 {
    // A cast from float saturates, so clipping is part of it.
    value.round() as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    const FULL: Color = Color { matrix: Matrix::Bt601, range: Range::Full };

    #[test]
    fn primaries_have_the_values_the_recommendations_give() {
        assert_eq!(yuv_of_rgb([255, 255, 255], Color::BT601), [235, 128, 128]);
        assert_eq!(yuv_of_rgb([0, 0, 0], Color::BT709), [16, 128, 128]);
        assert_eq!(yuv_of_rgb([255, 0, 0], Color::BT601), [81, 90, 240]);
        assert_eq!(yuv_of_rgb([0, 0, 255], Color::BT601), [41, 240, 110]);
        assert_eq!(yuv_of_rgb([0, 255, 0], Color::BT709), [173, 42, 26]);
        assert_eq!(yuv_of_rgb([255, 255, 255], FULL), [255, 128, 128]);
    }

    #[test]
    fn colours_come_back_within_rounding() {
        for color in [Color::BT601, Color::BT709, FULL] {
            for rgb in [[12, 200, 99], [255, 0, 1], [128, 128, 128], [3, 250, 250]] {
                let back = rgb_of_yuv(yuv_of_rgb(rgb, color), color);
                for (a, b) in rgb.into_iter().zip(back) {
                    assert!(a.abs_diff(b) <= 2, "{rgb:?} became {back:?}");
                }
            }
        }
    }
}
