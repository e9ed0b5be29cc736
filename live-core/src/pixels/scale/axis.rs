//! Which source samples make a result's sample along one axis, and with what weights. Pure.

/// Weights of a sample add up to this.
pub(super) const ONE: u16 = u16::MAX;

/// Ratios with loops of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ratio {
    /// Sample by sample.
    Copy,
    /// Two samples become one.
    TwoToOne,
    /// Three samples become two.
    ThreeToTwo,
    /// Four samples become three.
    FourToThree,
    /// Anything else.
    Any,
}

/// The scaling along one axis.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Axis {
    ratio: Ratio,
    /// The first source sample that is used, and the one behind the last.
    first: usize,
    end: usize,
    /// Source samples to a result's sample; fewer are padded with weights of zero.
    taps: usize,
    /// The first source sample of each result's sample, counted from `first`.
    offsets: Vec<u32>,
    /// `taps` weights for each result's sample.
    weights: Vec<u16>,
    /// The same weights, those of all results' first tap before those of their second.
    weights_by_tap: Vec<u16>,
}

impl Axis {
    /// Scales `from` luma samples beginning at `start` to `to` luma samples, in a plane whose samples are `subsampling` luma
    /// samples apart.
    pub(super) fn new(start: u32, from: u32, to: u32, subsampling: u32) -> Self {
        let scale = f64::from(from) / f64::from(to);
        let first = (start / subsampling) as usize;
        let end = (start + from).div_ceil(subsampling) as usize;
        let len = to.div_ceil(subsampling) as usize;
        let spans: Vec<_> = (0..len).map(|index| weigh(first, end, scale, index)).collect();
        let taps = spans.iter().map(|(_, weights)| weights.len()).max().unwrap_or(1);
        let mut axis = Self {
            ratio: Ratio::Any,
            first,
            end,
            taps,
            offsets: Vec::with_capacity(len),
            weights: Vec::with_capacity(len * taps),
            weights_by_tap: Vec::with_capacity(len * taps),
        };
        for (begin, weights) in spans {
            // All taps must lie inside: a sample close to the end begins earlier, with weights of zero.
            let start = begin.min(end - taps);
            axis.offsets.push((start - first) as u32);
            let before = axis.weights.len() + (begin - start);
            axis.weights.resize(before, 0);
            axis.weights.extend(weights);
            axis.weights.resize(axis.len() * taps, 0);
        }
        let by_tap = (0..taps).flat_map(|tap| axis.weights.iter().skip(tap).step_by(taps));
        axis.weights_by_tap.extend(by_tap);
        axis.ratio = axis.recognise(from, to);
        axis
    }

    /// The ratio, where all its groups are whole.
    fn recognise(&self, from: u32, to: u32) -> Ratio {
        let is = |over: u32, under: u32| {
            u64::from(from) * u64::from(under) == u64::from(to) * u64::from(over)
                && self.len().is_multiple_of(under as usize)
                && self.len() / under as usize * over as usize == self.end - self.first
        };
        if is(1, 1) {
            Ratio::Copy
        } else if is(2, 1) {
            Ratio::TwoToOne
        } else if is(3, 2) {
            Ratio::ThreeToTwo
        } else if is(4, 3) {
            Ratio::FourToThree
        } else {
            Ratio::Any
        }
    }

    pub(super) const fn ratio(&self) -> Ratio {
        self.ratio
    }

    pub(super) fn is_copy(&self) -> bool {
        self.ratio == Ratio::Copy
    }

    pub(super) fn is_half(&self) -> bool {
        self.ratio == Ratio::TwoToOne
    }

    /// Samples of the result.
    pub(super) fn len(&self) -> usize {
        self.offsets.len()
    }

    /// The source samples that are used.
    pub(super) fn source_range(&self) -> std::ops::Range<usize> {
        self.first..self.end
    }

    pub(super) const fn taps(&self) -> usize {
        self.taps
    }

    /// The first source sample of the result's sample `index`.
    pub(super) fn start(&self, index: usize) -> usize {
        self.first + self.offsets[index] as usize
    }

    /// The first source samples of all results, counted from the first one that is used.
    pub(super) fn offsets(&self) -> &[u32] {
        &self.offsets
    }

    /// The weights of the result's sample `index`.
    pub(super) fn weights(&self, index: usize) -> &[u16] {
        &self.weights[index * self.taps..][..self.taps]
    }

    /// The weights that all results give to their source sample number `tap`.
    pub(super) fn weights_of_tap(&self, tap: usize) -> &[u16] {
        &self.weights_by_tap[tap * self.len()..][..self.len()]
    }
}

/// The first source sample of the result's sample `index`, and the weights from there on.
fn weigh(first: usize, end: usize, scale: f64, index: usize) -> (usize, Vec<u16>) {
    let inside = |place: f64| (place.max(0.0) as usize).min(end - first - 1);
    let (from, to) = (index as f64 * scale, (index + 1) as f64 * scale);
    if scale < 1.0 {
        // Bilinear, between the centres of samples.
        let place = ((from + to) / 2.0 - 0.5).max(0.0);
        let (left, right) = (inside(place), inside(place + 1.0));
        return match right == left {
            true => (first + left, vec![ONE]),
            false => (first + left, quantise(&[1.0 - place.fract(), place.fract()])),
        };
    }
    // Ends that are whole numbers but for rounding would take in a sample of no weight.
    let (left, right) = (inside(from + 1e-9), inside((to - 1e-9).ceil() - 1.0));
    let covered: Vec<f64> = (left..=right)
        .map(|sample| {
            let sample = sample as f64;
            (to.min(sample + 1.0) - from.max(sample)).max(0.0)
        })
        .collect();
    (first + left, quantise(&covered))
}

/// Weights in proportion to `shares` that add up to [`ONE`] exactly.
fn quantise(shares: &[f64]) -> Vec<u16> {
    let total: f64 = shares.iter().sum();
    let mut sum = 0.0;
    let mut given = 0;
    shares
        .iter()
        .map(|share| {
            sum += share;
            let reached = (sum / total * f64::from(ONE)).round() as u16;
            let weight = reached - given;
            given = reached;
            weight
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn customary_ratios_are_recognised_only_where_groups_are_whole() {
        let ratio = |from, to, subsampling| Axis::new(0, from, to, subsampling).ratio();
        assert_eq!(ratio(1280, 640, 1), Ratio::TwoToOne);
        assert_eq!(ratio(1280, 640, 2), Ratio::TwoToOne);
        assert_eq!(ratio(720, 480, 1), Ratio::ThreeToTwo);
        assert_eq!(ratio(720, 540, 2), Ratio::FourToThree);
        assert_eq!(ratio(7, 7, 2), Ratio::Copy);
        assert_eq!(ratio(6, 3, 2), Ratio::Any, "3 chroma samples become 2");
        assert_eq!(ratio(405, 360, 1), Ratio::Any);
    }

    proptest! {
        #[test]
        fn weights_add_up_and_stay_inside(
            start in 0_u32..20, from in 1_u32..300, to in 1_u32..300, subsampling in 1_u32..3,
        ) {
            let start = start * 2;
            let axis = Axis::new(start, from, to, subsampling);
            prop_assert_eq!(axis.len(), to.div_ceil(subsampling) as usize);
            for index in 0..axis.len() {
                prop_assert!(axis.start(index) >= (start / subsampling) as usize);
                prop_assert!(axis.start(index) + axis.taps() <= (start + from).div_ceil(subsampling) as usize);
                prop_assert_eq!(axis.weights(index).iter().map(|&weight| u32::from(weight)).sum::<u32>(), u32::from(ONE));
            }
        }
    }
}
