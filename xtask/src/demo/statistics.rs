//! Figures out of many measurements.

/// The order statistics of a set of measurements.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Summary {
    /// The smallest.
    pub min: f64,
    /// Half are not larger.
    pub median: f64,
    /// 95 % are not larger.
    pub p95: f64,
    /// The largest.
    pub max: f64,
}

impl Summary {
    /// Of `values`; `None` when there are none.
    pub fn of(values: &[f64]) -> Option<Self> {
        let mut sorted = values.to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        // The nearest rank: a value that was measured, not one between two.
        let rank = |share: f64| {
            let place = (share * sorted.len() as f64).ceil() as usize;
            sorted[place.clamp(1, sorted.len()) - 1]
        };
        let (min, max) = (*sorted.first()?, *sorted.last()?);
        Some(Self { min, median: rank(0.5), p95: rank(0.95), max })
    }
}

/// How many measurements lie in each of a row of equal intervals.
#[derive(Clone, Debug, PartialEq)]
pub struct Histogram {
    /// Where the first interval begins.
    pub start: f64,
    /// The width of each.
    pub width: f64,
    /// How many lie in each; a value between two intervals lies in the upper one.
    pub counts: Vec<usize>,
}

impl Histogram {
    /// Counts `values` in intervals from `start` on; what lies outside goes into the first or last one.
    pub fn of(values: &[f64], start: f64, width: f64, intervals: usize) -> Self {
        let mut counts = vec![0; intervals.max(1)];
        let last = counts.len() - 1;
        for value in values {
            counts[(((value - start) / width).floor().max(0.0) as usize).min(last)] += 1;
        }
        Self { start, width, counts }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_statistics_are_values_that_were_measured() {
        let values: Vec<f64> = (1..=100).rev().map(f64::from).collect();
        assert_eq!(Summary::of(&values), Some(Summary { min: 1.0, median: 50.0, p95: 95.0, max: 100.0 }));
        assert_eq!(Summary::of(&[7.0]), Some(Summary { min: 7.0, median: 7.0, p95: 7.0, max: 7.0 }));
        assert_eq!(Summary::of(&[]), None);
    }

    #[test]
    fn every_value_lies_in_one_interval() {
        let histogram = Histogram::of(&[-5.0, 0.0, 9.9, 10.0, 25.0, 99.0], 0.0, 10.0, 3);
        assert_eq!(histogram.counts, [3, 1, 2]);
    }
}
