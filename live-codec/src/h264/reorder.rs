//! From decoding order to presentation order.

use live_core::Timestamp;
use std::collections::BinaryHeap;

/// Holds pictures back until nothing that is still to come can be shown before them.
///
/// A picture is let go when more are held than the stream reorders, or when decoding has reached its presentation
/// time: what is decoded later is never shown earlier. A stream without reordering therefore passes straight
/// through.
#[derive(Debug)]
pub(crate) struct Reorder<T> {
    held: BinaryHeap<Held<T>>,
    depth: usize,
    /// Decode times are those of the contract, and not later than presentation times.
    dts_counts: bool,
    arrivals: u64,
}

#[derive(Debug)]
struct Held<T> {
    pts: Timestamp,
    arrival: u64,
    item: T,
}

impl<T> Reorder<T> {
    /// Reorders over at most `depth` pictures.
    pub(crate) fn new(depth: usize) -> Self {
        Self { held: BinaryHeap::new(), depth, dts_counts: true, arrivals: 0 }
    }

    /// Reorders over at most `depth` pictures from now on.
    pub(crate) fn set_depth(&mut self, depth: usize) {
        self.depth = depth;
    }

    /// Takes a picture in.
    pub(crate) fn push(&mut self, pts: Timestamp, item: T) {
        self.held.push(Held { pts, arrival: self.arrivals, item });
        self.arrivals += 1;
    }

    /// Takes note that decoding has reached an access unit with these times.
    pub(crate) fn observe(&mut self, dts: Timestamp, pts: Timestamp) {
        // Some publishers send decode times that are later than the presentation; then only counting is left.
        self.dts_counts &= dts <= pts;
    }

    /// The next picture that may be shown when the access unit of `dts` has been decoded.
    pub(crate) fn pop_ready(&mut self, dts: Timestamp) -> Option<T> {
        let next = self.held.peek()?;
        let ready = self.held.len() > self.depth || (self.dts_counts && next.pts <= dts);
        if ready { self.pop() } else { None }
    }

    /// The next picture, ready or not.
    pub(crate) fn pop(&mut self) -> Option<T> {
        self.held.pop().map(|held| held.item)
    }
}

/// The earliest is the greatest: `BinaryHeap` gives out the greatest first.
impl<T> Ord for Held<T> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (other.pts, other.arrival).cmp(&(self.pts, self.arrival))
    }
}

impl<T> PartialOrd for Held<T> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> PartialEq for Held<T> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl<T> Eq for Held<T> {}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    /// Runs `(dts, pts)` through and says after which access unit each picture came out.
    fn run(depth: usize, units: &[(i64, i64)]) -> Vec<(usize, i64)> {
        let mut reorder = Reorder::new(depth);
        let mut out = Vec::new();
        for (index, &(dts, pts)) in units.iter().enumerate() {
            reorder.observe(millis(dts), millis(pts));
            reorder.push(millis(pts), pts);
            while let Some(pts) = reorder.pop_ready(millis(dts)) {
                out.push((index, pts));
            }
        }
        while let Some(pts) = reorder.pop() {
            out.push((units.len(), pts));
        }
        out
    }

    #[test]
    fn without_reordering_nothing_waits_whatever_the_stream_allows() {
        assert_eq!(run(16, &[(0, 0), (40, 40), (80, 80)]), [(0, 0), (1, 40), (2, 80)]);
    }

    #[test]
    fn a_constant_offset_costs_no_more_than_the_declared_depth() {
        assert_eq!(run(0, &[(0, 80), (40, 120)]), [(0, 80), (1, 120)]);
    }

    #[test]
    fn b_frames_come_out_in_order_as_soon_as_decoding_reaches_them() {
        let units = [(0, 80), (40, 240), (80, 160), (120, 120), (160, 200), (200, 280)];
        assert_eq!(run(16, &units), [(2, 80), (3, 120), (4, 160), (5, 200), (6, 240), (6, 280)]);
    }

    #[test]
    fn decode_times_after_the_presentation_do_not_count() {
        let units = [(0, 0), (40, 120), (80, 40), (120, 80), (160, 160)];
        let out = run(2, &units);
        assert!(out.is_sorted_by_key(|&(_, pts)| pts), "{out:?}");
    }
}
