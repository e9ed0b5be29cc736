//! How loud the voice is, for the application's meter.

use std::time::Duration;

/// The quietest that is told apart from silence, in dB below full scale.
const FLOOR: f32 = -60.0;

/// A reading of the meter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Level {
    /// 0–100: 0 at −60 dB and below, 100 at full scale.
    pub(crate) volume: u32,
    /// Root mean square in dB below full scale; −60 and less is −60.
    pub(crate) dbfs: f32,
}

/// Measures blocks and gives a reading once per interval.
#[derive(Debug)]
pub(crate) struct VolumeMeter {
    rate: u32,
    channels: u16,
    sum: f64,
    samples: u64,
}

impl VolumeMeter {
    pub(crate) fn new(rate: u32, channels: u16) -> Self {
        Self { rate, channels, sum: 0.0, samples: 0 }
    }

    /// Takes a block; gives the level of the last `interval` when that is full. An interval of zero is off.
    pub(crate) fn take(&mut self, block: &[f32], interval: Duration) -> Option<Level> {
        if interval.is_zero() {
            (self.sum, self.samples) = (0.0, 0);
            return None;
        }
        self.sum += block.iter().map(|sample| f64::from(*sample).powi(2)).sum::<f64>();
        self.samples += block.len() as u64;
        let per_second = u64::from(self.rate) * u64::from(self.channels);
        if u128::from(self.samples) * 1000 < u128::from(per_second) * interval.as_millis() {
            return None;
        }
        let rms = (self.sum / self.samples as f64).sqrt() as f32;
        (self.sum, self.samples) = (0.0, 0);
        // A sine of full scale has an RMS of −3 dB; by convention (AES17) that reads as full scale.
        let dbfs = (20.0 * (rms * std::f32::consts::SQRT_2).log10()).clamp(FLOOR, 0.0);
        Some(Level { volume: ((dbfs - FLOOR) / -FLOOR * 100.0).round() as u32, dbfs })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(level: f32) -> Level {
        let mut meter = VolumeMeter::new(48_000, 1);
        let interval = Duration::from_millis(200);
        let mut readings = Vec::new();
        for block in 0..20_usize {
            let samples: Vec<f32> = (0..480)
                .map(|n| level * ((block * 480 + n) as f32 * 1000.0 * std::f32::consts::TAU / 48_000.0).sin())
                .collect();
            readings.extend(meter.take(&samples, interval));
        }
        assert_eq!(readings.len(), 1, "once in 200 ms");
        readings[0]
    }

    #[test]
    fn a_sine_of_full_scale_is_100_and_silence_is_0() {
        assert_eq!(reading(1.0).volume, 100);
        assert_eq!(reading(0.0), Level { volume: 0, dbfs: -60.0 });
        let half = reading(0.5);
        assert!((half.dbfs + 6.02).abs() < 0.1 && half.volume == 90, "{half:?}");
        assert!((reading(0.01).dbfs + 40.0).abs() < 0.1);
    }

    #[test]
    fn an_interval_of_zero_is_off() {
        let mut meter = VolumeMeter::new(48_000, 1);
        assert!((0..1000).all(|_| meter.take(&[0.5; 480], Duration::ZERO).is_none()));
    }
}
