//! The second step: mixing neighbours of a row in 8.8 fixed point into samples.

use super::axis::{Axis, Ratio};

/// Mixes the samples of one row.
#[inline(always)]
pub(super) fn mix(mixed: &[u16], across: &Axis, to: &mut [u8]) {
    match across.ratio() {
        Ratio::Copy => copy(mixed, to),
        Ratio::TwoToOne => groups::<2, 1>(mixed, to),
        Ratio::ThreeToTwo => groups::<3, 2>(mixed, to),
        Ratio::FourToThree => groups::<4, 3>(mixed, to),
        Ratio::Any => match across.taps() {
            2 => taps::<2>(mixed, across, to),
            3 => taps::<3>(mixed, across, to),
            4 => taps::<4>(mixed, across, to),
            _ => many_taps(mixed, across, to),
        },
    }
}

/// Means of two by two samples.
#[inline(always)]
pub(super) fn halve(upper: &[u8], lower: &[u8], to: &mut [u8]) {
    let pairs = upper.as_chunks::<2>().0.iter().zip(lower.as_chunks::<2>().0);
    for (to, (a, b)) in to.iter_mut().zip(pairs) {
        let sum = u16::from(a[0]) + u16::from(a[1]) + u16::from(b[0]) + u16::from(b[1]);
        *to = ((sum + 2) >> 2) as u8;
    }
}

/// From 8.8 fixed point to the nearest code value.
#[inline(always)]
fn rounded(value: u16) -> u8 {
    (value.saturating_add(128) >> 8) as u8
}

#[inline(always)]
fn copy(mixed: &[u16], to: &mut [u8]) {
    for (to, &value) in to.iter_mut().zip(mixed) {
        *to = rounded(value);
    }
}

/// What of source sample `FROM` falls into result sample `TO` when `P` samples become `Q`, in parts of 65 536.
const fn share<const P: usize, const Q: usize>(from: usize, to: usize) -> u16 {
    // In parts of a `Q`-th of a source sample: the result's sample covers `P` of them.
    let (from_start, to_start) = (from * Q, to * P);
    let start = if from_start > to_start { from_start } else { to_start };
    let (from_end, to_end) = (from_start + Q, to_start + P);
    let end = if from_end < to_end { from_end } else { to_end };
    if end > start { ((end - start) * 65_535 / P) as u16 } else { 0 }
}

/// Groups of `P` samples become groups of `Q`.
#[inline(always)]
fn groups<const P: usize, const Q: usize>(mixed: &[u16], to: &mut [u8]) {
    for (group, to) in mixed.as_chunks::<P>().0.iter().zip(to.as_chunks_mut::<Q>().0) {
        for (index, to) in to.iter_mut().enumerate() {
            let mut sum = 0;
            for (tap, &value) in group.iter().enumerate() {
                sum += ((u32::from(value) * u32::from(share::<P, Q>(tap, index))) >> 16) as u16;
            }
            *to = rounded(sum);
        }
    }
}

/// Any ratio whose samples depend on `TAPS` neighbours: these are fetched one by one, then multiplied side by side.
#[inline(always)]
fn taps<const TAPS: usize>(mixed: &[u16], across: &Axis, to: &mut [u8]) {
    const PIECE: usize = 64;
    for (piece, (to, offsets)) in to.chunks_mut(PIECE).zip(across.offsets().chunks(PIECE)).enumerate() {
        let mut fetched = [[0_u16; PIECE]; TAPS];
        for (place, &offset) in offsets.iter().enumerate() {
            let neighbours = &mixed[offset as usize..][..TAPS];
            for (fetched, &neighbour) in fetched.iter_mut().zip(neighbours) {
                fetched[place] = neighbour;
            }
        }
        let mut sums = [0_u16; PIECE];
        for (tap, fetched) in fetched.iter().enumerate() {
            let weights = &across.weights_of_tap(tap)[piece * PIECE..];
            for ((sum, &value), &weight) in sums.iter_mut().zip(fetched).zip(weights) {
                *sum += ((u32::from(value) * u32::from(weight)) >> 16) as u16;
            }
        }
        for (to, &sum) in to.iter_mut().zip(&sums) {
            *to = rounded(sum);
        }
    }
}

/// Any number of neighbours, in exact 32-bit sums.
#[inline(always)]
fn many_taps(mixed: &[u16], across: &Axis, to: &mut [u8]) {
    for (index, (to, &offset)) in to.iter_mut().zip(across.offsets()).enumerate() {
        let neighbours = &mixed[offset as usize..][..across.taps()];
        let weighted = neighbours.iter().zip(across.weights(index));
        let sum: u32 = weighted.map(|(&value, &weight)| u32::from(value) * u32::from(weight)).sum();
        *to = ((sum + (1 << 23)) >> 24) as u8;
    }
}
