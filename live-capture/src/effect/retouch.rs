//! The last step: luma at full size, changed by maps at half size.

use super::half::Map;
use live_core::pixels::color::Coefficients;
use live_core::pixels::simd::{self, Kernel};
use live_core::{BeautyLevels, Color};
use std::ops::Range;

/// Detail up to this much off the mean of the skin around it is taken away, in code values …
const DETAIL: i16 = 14;
/// … and from here on, where it is a lash or a letter and no pore, all of it stays.
const FEATURE: i16 = DETAIL + FADE;
const FADE: i16 = 16;

/// The most detail that is taken away, in 64ths: a face without any pores looks like wax.
const MOST_SMOOTHING: u16 = 59;

/// Places that are skin with less than this certainty, in 255ths, are smoothed a little but not brightened: a shift of tone
/// is seen where a lost detail is not.
pub(super) const CERTAIN: u8 = 56;

/// The most that luma is raised, in code values.
const MOST_LIFT: u32 = 30;

/// The most colour that is taken away, in 256ths.
const MOST_PALING: u16 = 56;

/// What the levels mean for pictures of one [`Color`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Strength {
    smoothing: u16,
    /// What contrasts are multiplied by, in sixteenths.
    gain: i16,
    /// What makes 65 535 of the largest certainty over [`CERTAIN`], at the highest level.
    lift: u16,
    /// What makes [`MOST_PALING`] of it, in 256ths.
    paling: u16,
    /// Turns a product of two distances, black to luma and luma to white, into sixteenths of a code value.
    curve: u16,
    pub(super) black: u8,
    pub(super) white: u8,
}

impl Strength {
    pub(super) fn of(levels: BeautyLevels, color: Color) -> Self {
        let Coefficients { black, luma_span, .. } = Coefficients::of(color);
        let share = |level: u8, most: u16| (u16::from(level) * most + 4) / 9;
        let certain = u16::from(u8::MAX - CERTAIN);
        Self {
            smoothing: share(levels.beauty(), MOST_SMOOTHING),
            gain: 16,
            lift: share(levels.whiteness(), u16::MAX / certain),
            paling: share(levels.whiteness(), MOST_PALING * 256 / certain),
            curve: (65_536.0 * 16.0 / (4.0 * luma_span)) as u16,
            black: black as u8,
            white: (black + luma_span) as u8,
        }
    }

    /// For skin whose contrasts are fainter than usual by this factor, in sixteenths.
    pub(super) const fn for_contrast(self, gain: u16) -> Self {
        Self { gain: gain as i16, ..self }
    }

    pub(super) const fn smooths(self) -> bool {
        self.smoothing > 0
    }

    pub(super) const fn lifts(self) -> bool {
        self.lift > 0
    }
}

/// Maps at half size.
#[derive(Clone, Copy)]
pub(super) struct Maps<'a> {
    /// Luma without its details; not looked at when nothing is smoothed.
    pub(super) smooth: &'a Map,
    /// How much of the change each place gets.
    pub(super) skin: &'a Map,
    /// The luma that is as good as white, for each place of a row: brighter skin would lose its colour.
    pub(super) ceiling: &'a [u8],
}

/// Rows between the maps and the picture.
#[derive(Clone, Debug, Default)]
pub(super) struct Rows {
    mixed: Vec<u16>,
    smooth: Vec<u8>,
    skin: Vec<u8>,
    ceiling: Vec<u8>,
}

/// Places of a row at half size that are looked at together: where none is skin, nothing is done.
const SEGMENT: usize = 64;

impl Rows {
    /// Changes one row of luma. `near` and `far` are the rows of the maps that it lies between.
    pub(super) fn retouch(
        &mut self,
        luma: &mut [u8],
        maps: Maps<'_>,
        near: usize,
        far: usize,
        strength: Strength,
    ) {
        let width = maps.skin.width;
        self.mixed.resize(SEGMENT + 2, 0);
        for buffer in [&mut self.smooth, &mut self.skin, &mut self.ceiling] {
            buffer.resize(2 * SEGMENT, 0);
        }
        for start in (0..width).step_by(SEGMENT) {
            let places = start..(start + SEGMENT).min(width);
            let is_blank =
                |row: usize| maps.skin.row(row)[places.clone()].iter().fold(0, |all, one| all | one) == 0;
            if is_blank(near) && is_blank(far) {
                continue;
            }
            let end = (2 * places.end).min(luma.len());
            let luma = &mut luma[2 * start..end];
            simd::run(Segment { rows: self, luma, maps, near, far, places, strength });
        }
    }
}

struct Segment<'a> {
    rows: &'a mut Rows,
    luma: &'a mut [u8],
    maps: Maps<'a>,
    near: usize,
    far: usize,
    places: Range<usize>,
    strength: Strength,
}

impl Kernel for Segment<'_> {
    #[inline(always)]
    fn run(self) {
        let Self { rows, luma, maps, near, far, places, strength } = self;
        double(maps.skin, near, far, &places, &mut rows.mixed, &mut rows.skin);
        if strength.smooths() {
            double(maps.smooth, near, far, &places, &mut rows.mixed, &mut rows.smooth);
            smooth(luma, &rows.smooth, &rows.skin, strength);
        }
        if strength.lifts() {
            let (pairs, _) = rows.ceiling.as_chunks_mut::<2>();
            for (pair, ceiling) in pairs.iter_mut().zip(&maps.ceiling[places]) {
                *pair = [*ceiling; 2];
            }
            lift(luma, &rows.skin, &rows.ceiling, strength);
        }
    }
}

/// Doubles a part of a map in both directions, bilinearly, into one row of the full size.
#[inline(always)]
fn double(map: &Map, near: usize, far: usize, places: &Range<usize>, mixed: &mut [u16], doubled: &mut [u8]) {
    let (near, far) = (map.row(near), map.row(far));
    let count = places.len();
    let mix = |near: u8, far: u8| 3 * u16::from(near) + u16::from(far);
    for ((mixed, near), far) in mixed[1..].iter_mut().zip(&near[places.clone()]).zip(&far[places.clone()]) {
        *mixed = mix(*near, *far);
    }
    let (left, right) = (places.start.saturating_sub(1), places.end.min(near.len() - 1));
    mixed[0] = mix(near[left], far[left]);
    mixed[count + 1] = mix(near[right], far[right]);
    let (pairs, _) = doubled.as_chunks_mut::<2>();
    let neighbours = mixed[..count].iter().zip(&mixed[1..=count]).zip(&mixed[2..count + 2]);
    for (pair, ((left, here), right)) in pairs.iter_mut().zip(neighbours) {
        *pair = [((3 * here + left + 8) >> 4) as u8, ((3 * here + right + 8) >> 4) as u8];
    }
}

/// Takes away detail, where there is skin.
#[inline(always)]
fn smooth(luma: &mut [u8], smooth: &[u8], skin: &[u8], strength: Strength) {
    for ((luma, smooth), skin) in luma.iter_mut().zip(smooth).zip(skin) {
        let detail = i16::from(*luma) - i16::from(*smooth);
        let kept = (FEATURE - ((detail.abs() * strength.gain) >> 4)).clamp(0, FADE);
        let share = ((u16::from(*skin) * strength.smoothing) >> 8) as i16;
        // 30 × 16 × 59 fits.
        let taken = (detail * kept * share + 512) >> 10;
        *luma = (i16::from(*luma) - taken) as u8;
    }
}

/// The high half of a product.
#[inline(always)]
fn high(a: u16, b: u16) -> u16 {
    ((u32::from(a) * u32::from(b)) >> 16) as u16
}

/// Brightens skin along a curve that leaves black and white where they are and no two tones equal.
///
/// With `p` = (luma − black) (white − luma) / (white − black), the parabola that is the most a curve can rise without making
/// tones equal, luma rises by `p` − `p`² / 4 m up to the limit m, and by m where `p` is over 2 m: middle tones
/// all by the same, and highlights by what is left to white.
#[inline(always)]
fn lift(luma: &mut [u8], skin: &[u8], ceiling: &[u8], strength: Strength) {
    const MOST: u16 = 16 * MOST_LIFT as u16;
    for ((luma, skin), ceiling) in luma.iter_mut().zip(skin).zip(ceiling) {
        let over_black = u16::from(luma.saturating_sub(strength.black));
        let under_white = u16::from(ceiling.saturating_sub(*luma));
        // At most (255 / 2)² × 4, then 64 × 16.
        let parabola = high((over_black * under_white) << 2, strength.curve).min(2 * MOST);
        // 16ths all of them: p² / 16, and the same over 4 m / 16.
        let square = high(parabola << 6, parabola << 6);
        let rise = parabola - high(square, (65_536 / (4 * MOST_LIFT)) as u16);
        let share = u16::from(skin.saturating_sub(CERTAIN)) * strength.lift;
        *luma = (u16::from(*luma) + ((high(rise << 7, share) + 1024) >> 11)) as u8;
    }
}

/// Takes a little colour away from a row of a colour difference.
#[inline(always)]
pub(super) fn pale(chroma: &mut [u8], skin: &[u8], strength: Strength) {
    for (chroma, skin) in chroma.iter_mut().zip(skin) {
        let share = (u16::from(skin.saturating_sub(CERTAIN)) * strength.paling) >> 8;
        let difference = i16::from(*chroma) - 128;
        *chroma = (128 + difference - ((difference * share as i16 + 128) >> 8)) as u8;
    }
}
