//! Which colours are skin.
//!
//! Human skin of every shade has nearly one hue: melanin and blood absorb in the same places, and how much of them there
//! is changes brightness and saturation. In the plane of the colour differences, with `u` = 128 − Cb and `v` = Cr − 128
//! (BT.601, limited range), it is a wedge around the line `u` = `v`. [`SkinTone`] is that wedge with soft borders:
//!
//! | border | skin from … | to none at … | what lies beyond |
//! |---|---|---|---|
//! | too grey | `u` + `v` ≥ 20 | 12 | walls, teeth, the white of the eye |
//! | too yellow | `v` − 0.6 `u` ≥ 5 | 0 | blond hair, wood, gold |
//! | too red | `u` − 0.35 `v` ≥ 5 | 1 | lips |
//! | too strong | `v` ≤ 38 | 46 | clothes, paint |
//! | too strong | `u` ≤ 40 | 50 | the same |

use live_core::pixels::color::Coefficients;
use live_core::{Color, Matrix, Range};

/// Colour differences at BT.601, limited range: what the wedge is described in.
const REFERENCE: Color = Color { matrix: Matrix::Bt601, range: Range::Limited };

/// Each border: weights of `u` and `v`, where skin ends, where it is certain.
const BORDERS: [(f64, f64, f64, f64); 5] = [
    (1.0, 1.0, 12.0, 20.0),
    (-0.6, 1.0, 0.0, 5.0),
    (1.0, -0.35, 1.0, 5.0),
    (0.0, -1.0, -46.0, -38.0),
    (-1.0, 0.0, -50.0, -40.0),
];

/// One border as a ramp `a·(Cb − 128) + b·(Cr − 128) + c` that is cut off at 0 and 255.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Ramp {
    a: i16,
    b: i16,
    c: i16,
}

/// How much a colour is skin, for pictures of one [`Color`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SkinTone {
    ramps: [Ramp; BORDERS.len()],
}

impl SkinTone {
    /// The wedge, seen through `color`'s matrix and range.
    #[must_use]
    pub fn of(color: Color) -> Self {
        // `u` and `v` of the reference for one code value of this picture's Cb and of its Cr.
        let (of_cb, of_cr) = (reference_uv(color, 1.0, 0.0), reference_uv(color, 0.0, 1.0));
        let ramps = BORDERS.map(|(along_u, along_v, end, certain)| {
            let slope = 255.0 / (certain - end);
            let per = |(u, v): (f64, f64)| ((along_u * u + along_v * v) * slope).round() as i16;
            Ramp { a: per(of_cb), b: per(of_cr), c: (-end * slope).round() as i16 }
        });
        Self { ramps }
    }

    /// From 0, no skin, to 255, skin.
    #[must_use]
    #[inline(always)]
    pub fn membership(&self, cb: u8, cr: u8) -> u8 {
        let (cb, cr) = (i16::from(cb) - 128, i16::from(cr) - 128);
        let mut least = 255;
        for ramp in &self.ramps {
            // Slopes are under 80 per code value and the constant is under 2000: no sum leaves the type.
            least = least.min(ramp.a * cb + ramp.b * cr + ramp.c);
        }
        least.max(0) as u8
    }
}

/// `u` and `v` of the reference for a colour whose differences are `cb` and `cr` code values of `color` off grey.
///
/// Grey has no colour difference in any matrix, so luma does not come into it.
fn reference_uv(color: Color, cb: f64, cr: f64) -> (f64, f64) {
    let (from, to) = (Coefficients::of(color), Coefficients::of(REFERENCE));
    let r = 2.0 * (1.0 - from.kr) * cr / from.chroma_span;
    let b = 2.0 * (1.0 - from.kb) * cb / from.chroma_span;
    let g = -(from.kr * r + from.kb * b) / (1.0 - from.kr - from.kb);
    let luma = to.kr * r + (1.0 - to.kr - to.kb) * g + to.kb * b;
    let u = -(b - luma) / (2.0 * (1.0 - to.kb)) * to.chroma_span;
    let v = (r - luma) / (2.0 * (1.0 - to.kr)) * to.chroma_span;
    (u, v)
}

#[cfg(test)]
mod tests {
    use super::*;
    use live_core::pixels::color::yuv_of_rgb;

    const COLORS: [Color; 4] = [
        Color::BT601,
        Color::BT709,
        Color { matrix: Matrix::Bt601, range: Range::Full },
        Color { matrix: Matrix::Bt709, range: Range::Full },
    ];

    fn membership(rgb: [u8; 3], color: Color) -> u8 {
        let [_, cb, cr] = yuv_of_rgb(rgb, color);
        SkinTone::of(color).membership(cb, cr)
    }

    #[test]
    fn skin_of_every_shade_is_inside_in_every_matrix_and_range() {
        let shades =
            [[243, 214, 201], [224, 172, 145], [198, 134, 102], [141, 85, 60], [92, 58, 42], [226, 186, 152]];
        for rgb in shades {
            for color in COLORS {
                let found = membership(rgb, color);
                assert!(found >= 160, "{rgb:?} in {color:?}: {found}");
            }
        }
    }

    #[test]
    fn what_is_not_skin_is_outside() {
        let others = [
            ("white", [250, 250, 250]),
            ("grey wall", [200, 195, 190]),
            ("blond hair", [200, 170, 110]),
            ("leaf", [80, 140, 60]),
            ("sky", [110, 160, 220]),
            ("red cloth", [200, 30, 40]),
            ("orange suit", [230, 90, 20]),
            ("lipstick", [200, 70, 100]),
            ("black", [10, 10, 10]),
        ];
        for (name, rgb) in others {
            for color in COLORS {
                let found = membership(rgb, color);
                assert!(found <= 25, "{name} in {color:?}: {found}");
            }
        }
    }

    #[test]
    fn the_border_is_soft() {
        let tone = SkinTone::of(Color::BT601);
        let steps: Vec<u8> = (0..16).map(|step| tone.membership(128 - step, 128 + step)).collect();
        assert!(steps.is_sorted(), "{steps:?}");
        assert!(steps.windows(2).all(|pair| pair[1] - pair[0] <= 64), "{steps:?}");
        assert_eq!((steps[0], steps[15]), (0, 255));
    }
}
