//! What the levels mean, in numbers that loops calculate with.

use live_core::pixels::color::Coefficients;
use live_core::{BeautyLevels, Color};

/// Detail up to this much off the mean of the skin around it is taken away, in code values …
const DETAIL: u16 = 14;
/// … and over this many more less and less of it: where it is a lash or a letter and no pore, all of it stays.
const FADE: u16 = 16;

/// The most detail that is taken away, in 64ths: a face without any pores looks like wax.
const MOST_SMOOTHING: u32 = 59;

/// The detail that goes where skin is brightened, in 64ths: rises are whole code values, and where they change from picture
/// to picture there would be more noise than before.
const CALMING: u16 = 24;

/// Places that are skin with less than this certainty, in 255ths, are smoothed a little but not brightened: a shift of tone
/// is seen where a lost detail is not.
const CERTAIN: u8 = 64;

/// The most that luma is raised, in code values.
const MOST_LIFT: u32 = 30;

/// The most colour that is taken away, in 1024ths.
const MOST_PALING: u32 = 224;

/// What the levels mean for pictures of one [`Color`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::effect) struct Strength {
    /// In 64ths.
    smoothing: u16,
    calming: u16,
    /// What contrasts are multiplied by, in sixteenths.
    gain: u16,
    /// What makes 65 535 of the largest certainty over [`CERTAIN`], at the highest level.
    lift: u16,
    /// What makes [`MOST_PALING`] of it, in 256ths.
    paling: u16,
    /// Turns a product of two distances, black to luma and luma to white, into sixteenths of a code value.
    curve: u16,
    pub(in crate::effect) black: u8,
    pub(in crate::effect) white: u8,
}

impl Strength {
    pub(in crate::effect) fn of(levels: BeautyLevels, color: Color) -> Self {
        let Coefficients { black, luma_span, .. } = Coefficients::of(color);
        let share = |level: u8, most: u32| ((u32::from(level) * most + 4) / 9) as u16;
        let certain = u32::from(u8::MAX - CERTAIN);
        Self {
            smoothing: share(levels.beauty(), MOST_SMOOTHING),
            calming: if levels.whiteness() > 0 { CALMING } else { 0 },
            gain: 16,
            lift: share(levels.whiteness(), u32::from(u16::MAX) / certain),
            paling: share(levels.whiteness(), MOST_PALING * 256 / certain),
            curve: (65_536.0 * 16.0 / (4.0 * luma_span)) as u16,
            black: black as u8,
            white: (black + luma_span) as u8,
        }
    }

    /// For skin whose contrasts are fainter than usual by this factor, in sixteenths: 16 to 48.
    pub(in crate::effect) const fn for_contrast(self, gain: u16) -> Self {
        Self { gain, ..self }
    }

    /// Whether detail is what differs from the skin around it, and not just from the nearest pixels.
    pub(in crate::effect) const fn smooths(self) -> bool {
        self.smoothing > 0
    }

    pub(in crate::effect) const fn lifts(self) -> bool {
        self.lift > 0
    }

    /// How much of its detail a place loses, in 255ths.
    #[inline(always)]
    pub(super) fn smoothing(self, skin: u8) -> u8 {
        let certain = u16::from(skin.saturating_sub(CERTAIN));
        ((u16::from(skin) * self.smoothing).max(certain * self.calming) >> 6) as u8
    }

    /// How much colour a place loses, in 1024ths.
    #[inline(always)]
    pub(super) fn paling(self, skin: u8) -> u8 {
        ((u16::from(skin.saturating_sub(CERTAIN)) * self.paling) >> 8) as u8
    }

    /// What a `detail` loses, that is how far a pixel is off the mean.
    #[inline(always)]
    pub(super) fn taken(self, detail: u8, share: u8) -> u8 {
        let detail = u16::from(detail);
        let kept = (DETAIL + FADE).saturating_sub((detail * self.gain) >> 4).min(FADE);
        // At most 15 × 15 × 235: detail × kept is largest half way.
        ((detail * kept * u16::from(share) + 128 * FADE) / (256 * FADE)) as u8
    }

    /// How much skin rises, in eighths of a code value, along a curve that leaves black and white where they are and no two
    /// tones equal.
    ///
    /// With `p` = (luma − black) (white − luma) / (white − black), the parabola that is the most a curve can rise without making
    /// tones equal, luma rises by `p` − `p`² / 4 m up to the limit m, and by m where `p` is over 2 m: middle tones
    /// all by the same, and highlights by what is left to white. `ceiling` stands for white.
    #[inline(always)]
    pub(super) fn rise(self, luma: u8, skin: u8, ceiling: u8) -> u8 {
        const MOST: u16 = 16 * MOST_LIFT as u16;
        let over_black = u16::from(luma.saturating_sub(self.black));
        let under_white = u16::from(ceiling.saturating_sub(luma));
        // At most (255 / 2)² × 4, then 64 × 16.
        let parabola = high((over_black * under_white) << 2, self.curve).min(2 * MOST);
        // 16ths all of them: p² / 16, and the same over 4 m / 16.
        let square = high(parabola << 6, parabola << 6);
        let rise = parabola - high(square, (65_536 / (4 * MOST_LIFT)) as u16);
        let share = u16::from(skin.saturating_sub(CERTAIN)) * self.lift;
        ((high(rise << 7, share) + 128) >> 8) as u8
    }

    /// The rise of one pixel, in code values: that of its place, and at most half of what is left to black and to white.
    #[inline(always)]
    pub(super) fn limited(self, luma: u8, rise: u8) -> u8 {
        let left = luma.saturating_sub(self.black).min(self.white.saturating_sub(luma));
        ((rise + 4) >> 3).min(left >> 1)
    }
}

/// The high half of a product.
#[inline(always)]
fn high(a: u16, b: u16) -> u16 {
    ((u32::from(a) * u32::from(b)) >> 16) as u16
}
