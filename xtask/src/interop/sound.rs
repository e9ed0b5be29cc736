//! Judges of decoded sound: pure.

use crate::process::Problem;

/// Samples that a search compares: 20 ms at 48 kHz decide when sound is not periodic.
const WINDOW: usize = 960;

/// Samples from 32-bit little-endian floats.
pub fn from_f32le(bytes: &[u8]) -> Vec<f32> {
    bytes.as_chunks::<4>().0.iter().map(|word| f32::from_le_bytes(*word)).collect()
}

/// Where in `whole`, at most `radius` from `expected`, `part` fits best: the place and the correlation there (−1 to 1).
pub fn locate(part: &[f32], whole: &[f32], expected: usize, radius: usize) -> Option<(usize, f64)> {
    let last = whole.len().checked_sub(part.len())?.min(expected + radius);
    let places = expected.saturating_sub(radius)..=last;
    let scored = places.map(|place| (place, correlation(part, &whole[place..place + part.len()])));
    scored.max_by(|a, b| a.1.total_cmp(&b.1))
}

fn correlation(a: &[f32], b: &[f32]) -> f64 {
    let (mut ab, mut aa, mut bb) = (0.0, 0.0, 0.0);
    for (&a, &b) in a.iter().zip(b) {
        ab += a * b;
        aa += a * a;
        bb += b * b;
    }
    let norm = f64::from(aa).sqrt() * f64::from(bb).sqrt();
    if norm > 0.0 { f64::from(ab) / norm } else { 0.0 }
}

/// Signal-to-noise ratio in dB of `played` against `reference`, of which it may be a part, and the sample at which it
/// begins there.
///
/// `skip` samples at its beginning are left out: a decoder that begins in the middle lacks what came before.
pub fn snr(played: &[f32], reference: &[f32], skip: usize) -> Result<(f64, usize), Problem> {
    let too_short = || {
        Problem::Failed(format!("{} samples of sound are too few ({} sent)", played.len(), reference.len()))
    };
    let played = played.get(skip..).filter(|rest| rest.len() >= 4 * WINDOW).ok_or_else(too_short)?;
    let (begin, _) = locate(&played[..WINDOW], reference, 0, reference.len()).ok_or_else(too_short)?;
    let (mut signal, mut noise) = (0.0, 0.0);
    for (&a, &b) in played.iter().zip(&reference[begin..]) {
        signal += f64::from(b).powi(2);
        noise += f64::from(a - b).powi(2);
    }
    Ok((10.0 * (signal / noise).log10(), begin))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Noise, always the same.
    fn noise(count: usize) -> Vec<f32> {
        let mut state = 1_u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / 8_388_608.0 - 1.0
        };
        (0..count).map(|_| next()).collect()
    }

    #[test]
    fn a_part_is_found_and_rounding_is_measured() {
        let reference = noise(20_000);
        let played: Vec<f32> =
            reference[3000..15_000].iter().map(|x| (x * 32_768.0).round() / 32_768.0).collect();
        let (snr, begin) = snr(&played, &reference, 100).unwrap();
        assert_eq!(begin, 3100);
        assert!((90.0..110.0).contains(&snr), "{snr}");
    }

    #[test]
    fn one_lost_sample_ruins_the_ratio() {
        let reference = noise(20_000);
        let mut played = reference[3000..15_000].to_vec();
        played.remove(6000);
        assert!(snr(&played, &reference, 0).unwrap().0 < 10.0);
        assert!(snr(&[0.0; 50], &reference, 0).is_err());
    }

    #[test]
    fn the_search_keeps_to_its_radius() {
        let whole = noise(5000);
        assert_eq!(locate(&whole[2000..2500], &whole, 2100, 200).unwrap().0, 2000);
        assert!(locate(&whole[2000..2500], &whole, 3000, 200).unwrap().1 < 0.5);
    }
}
