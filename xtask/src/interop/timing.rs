//! Judges of timestamps: pure, in seconds.

use crate::process::Problem;

/// Wire timestamps are whole milliseconds: rounding twice, once at each end, costs up to this.
const ROUNDING: f64 = 0.0015;
/// Sound and picture may be this far apart before a viewer notices: the project's own limit.
pub const LIP_SYNC: f64 = 0.040;

/// Times that a file has, once through.
#[derive(Clone, Debug, PartialEq)]
pub struct Cycle {
    /// Presentation times of its pictures, the first being 0.
    pub pictures: Vec<f64>,
    /// How long one time through takes: that of the longest track.
    pub length: f64,
}

impl Cycle {
    /// When picture `n` of the looping file has to be shown.
    fn time(&self, n: usize) -> f64 {
        (n / self.pictures.len()) as f64 * self.length + self.pictures[n % self.pictures.len()]
    }

    /// Indices in `0..count` at which the file begins.
    pub fn beginnings(&self, count: usize) -> impl Iterator<Item = usize> + use<> {
        (0..count).step_by(self.pictures.len())
    }
}

/// Every time is later than the one before.
pub fn strictly_increasing(what: &str, times: &[f64]) -> Result<(), Problem> {
    match times.windows(2).position(|pair| pair[1] <= pair[0]) {
        None => Ok(()),
        Some(at) => Err(Problem::Failed(format!(
            "{what}: timestamp {} s of packet {} does not come after {} s",
            times[at + 1],
            at + 1,
            times[at]
        ))),
    }
}

/// The largest distance of `times` from where they have to be, in seconds.
///
/// The first of them is the zero of the model. Anything beyond rounding is a failure: a missing or doubled unit moves
/// all that follow, and so does drift.
pub fn follows(what: &str, times: &[f64], model: impl Fn(usize) -> f64) -> Result<f64, Problem> {
    let mut worst = 0.0_f64;
    for (n, time) in times.iter().enumerate() {
        let off = time - times[0] - model(n);
        if off.abs() > ROUNDING {
            return Err(Problem::Failed(format!(
                "{what}: unit {n} of {} is {:+.1} ms from where it has to be ({time:.3} s)",
                times.len(),
                off * 1000.0
            )));
        }
        worst = worst.max(off.abs());
    }
    Ok(worst)
}

/// Pictures of a looping file, none missing.
pub fn loops(pictures: &[f64], cycle: &Cycle) -> Result<f64, Problem> {
    follows("video", pictures, |n| cycle.time(n))
}

/// Sound without a gap: each packet of AAC begins 1024 samples after the one before.
pub fn continuous_sound(packets: &[f64], sample_rate: u32) -> Result<f64, Problem> {
    follows("audio", packets, |n| (n * 1024) as f64 / f64::from(sample_rate))
}

/// Distance of the two tracks' first times, in seconds, sound minus picture.
pub fn start_offset(video: &[f64], audio: &[f64]) -> Result<f64, Problem> {
    let offset = audio[0] - video[0];
    if offset.abs() > LIP_SYNC {
        return Err(Problem::Failed(format!("sound begins {:+.0} ms from the picture", offset * 1000.0)));
    }
    Ok(offset)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cycle() -> Cycle {
        Cycle { pictures: vec![0.0, 0.04, 0.08], length: 0.152 }
    }

    #[test]
    fn the_last_picture_is_held_until_the_longest_track_ends() {
        let times = [7.0, 7.04, 7.08, 7.152, 7.192, 7.232, 7.304];
        assert!(loops(&times, &cycle()).unwrap() < 1e-9);
        assert_eq!(cycle().beginnings(7).collect::<Vec<_>>(), [0, 3, 6]);
    }

    #[test]
    fn a_missing_picture_and_drift_are_seen() {
        let missing = loops(&[0.0, 0.04, 0.152], &cycle()).unwrap_err().to_string();
        assert!(missing.contains("unit 2 of 3 is +72.0 ms"), "{missing}");
        let drifting: Vec<f64> = (0..200).map(|n| f64::from(n) * (1024.0 / 48_000.0) * 1.001).collect();
        assert!(continuous_sound(&drifting, 48_000).unwrap_err().to_string().contains("audio"));
    }

    #[test]
    fn order_and_start_are_checked() {
        assert!(
            strictly_increasing("video", &[0.0, 0.04, 0.04]).unwrap_err().to_string().contains("packet 2")
        );
        assert!(start_offset(&[1.0], &[1.021]).is_ok());
        assert!(start_offset(&[1.0], &[1.041]).unwrap_err().to_string().contains("+41 ms"));
    }
}
