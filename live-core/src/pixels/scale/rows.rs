//! The first step: mixing rows of the source into one, in 8.8 fixed point.

use super::axis::Axis;

/// Up to so many rows are mixed with 16-bit products, each of which loses up to 1/256 of a code value.
const FEW: usize = 6;

/// Mixes the source rows of the result's row `index` into `mixed`.
#[inline(always)]
pub(super) fn mix<'a>(source: impl Fn(usize) -> &'a [u8], down: &Axis, index: usize, mixed: &mut [u16]) {
    let (start, weights) = (down.start(index), down.weights(index));
    match *weights {
        [_] => single(source(start), mixed),
        [a, b] => few([source(start), source(start + 1)], [a, b], mixed),
        [a, b, c] => few([source(start), source(start + 1), source(start + 2)], [a, b, c], mixed),
        _ if weights.len() <= FEW => {
            mixed.fill(0);
            for (tap, &weight) in weights.iter().enumerate() {
                for (sum, &sample) in mixed.iter_mut().zip(source(start + tap)) {
                    *sum += product(sample, weight);
                }
            }
        }
        _ => many(source, start, weights, mixed),
    }
}

/// A sample in 8.8 fixed point times a weight.
#[inline(always)]
fn product(sample: u8, weight: u16) -> u16 {
    ((u32::from(u16::from(sample) << 8) * u32::from(weight)) >> 16) as u16
}

#[inline(always)]
fn single(row: &[u8], mixed: &mut [u16]) {
    for (sum, &sample) in mixed.iter_mut().zip(row) {
        *sum = u16::from(sample) << 8;
    }
}

#[inline(always)]
fn few<const N: usize>(rows: [&[u8]; N], weights: [u16; N], mixed: &mut [u16]) {
    let rows = rows.map(|row| &row[..mixed.len()]);
    for (place, sum) in mixed.iter_mut().enumerate() {
        let mut value = 0;
        for (row, &weight) in rows.iter().zip(&weights) {
            value += product(row[place], weight);
        }
        *sum = value;
    }
}

/// Any number of rows, in exact 32-bit sums over pieces of a row.
#[inline(always)]
fn many<'a>(source: impl Fn(usize) -> &'a [u8], start: usize, weights: &[u16], mixed: &mut [u16]) {
    const PIECE: usize = 256;
    for (piece, mixed) in mixed.chunks_mut(PIECE).enumerate() {
        let mut sums = [0_u32; PIECE];
        let sums = &mut sums[..mixed.len()];
        for (tap, &weight) in weights.iter().enumerate() {
            let row = &source(start + tap)[piece * PIECE..];
            for (sum, &sample) in sums.iter_mut().zip(row) {
                *sum += u32::from(sample) * u32::from(weight);
            }
        }
        for (mixed, &sum) in mixed.iter_mut().zip(&*sums) {
            *mixed = (sum >> 8) as u16;
        }
    }
}
