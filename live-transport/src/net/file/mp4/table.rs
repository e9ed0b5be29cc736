//! The samples of one track, in decoding order: where their bytes lie and when they are due.
//!
//! Pure arithmetic on the tables of ISO/IEC 14496-12 section 8.6 and 8.7, with every sum checked.

use live_core::Timestamp;

/// One access unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sample {
    /// Where its bytes start in the file.
    pub(super) offset: u64,
    /// How many there are.
    pub(super) size: u32,
    /// When it is decoded, in ticks of the media.
    pub(super) decode: i64,
    /// When it is presented, in ticks of the media.
    pub(super) present: i64,
    /// How long until the next one is decoded, in ticks.
    pub(super) duration: u32,
    /// Decoding can start here.
    pub(super) sync: bool,
}

/// The tables as they are in the file, run-length coding and all.
#[derive(Clone, Debug, Default)]
pub(super) struct Tables {
    /// Number of samples and their duration.
    pub(super) durations: Vec<(u32, u32)>,
    /// Number of samples and their composition offset.
    pub(super) compositions: Vec<(u32, i64)>,
    /// First chunk (from 1) and samples in it and the following ones.
    pub(super) chunk_runs: Vec<(u32, u32)>,
    /// Where each chunk starts.
    pub(super) chunks: Vec<u64>,
    /// The size of every sample; 0 when they differ.
    pub(super) common_size: u32,
    /// The sizes of the samples when they differ.
    pub(super) sizes: Vec<u32>,
    /// The samples (from 1) that decoding can start at; `None` when it can at all of them.
    pub(super) syncs: Option<Vec<u32>>,
}

impl Tables {
    /// All samples. `None` when the tables contradict each other or point outside a file of `file_len` bytes, so that
    /// there are never more samples than the file has bytes.
    pub(super) fn samples(&self, file_len: u64) -> Option<Vec<Sample>> {
        let mut samples: Vec<Sample> = Vec::with_capacity(self.sizes.len());
        let mut durations = runs(&self.durations);
        let mut compositions = runs(&self.compositions);
        let (mut decode, mut bytes) = (0_i64, 0_u64);
        for (chunk, &start) in self.chunks.iter().enumerate() {
            let mut offset = start;
            for _ in 0..self.samples_in(chunk)? {
                let Some(size) = self.size_of(samples.len()) else { break };
                bytes = bytes.checked_add(u64::from(size))?;
                let end = offset.checked_add(u64::from(size))?;
                if end > file_len || bytes > file_len {
                    return None;
                }
                let duration = durations.next().unwrap_or_default();
                let present = decode.checked_add(compositions.next().unwrap_or_default())?;
                samples.push(Sample { offset, size, decode, present, duration, sync: self.syncs.is_none() });
                decode = decode.checked_add(i64::from(duration))?;
                offset = end;
            }
        }
        for &number in self.syncs.iter().flatten() {
            samples.get_mut((number as usize).checked_sub(1)?)?.sync = true;
        }
        (samples.len() >= self.sizes.len()).then_some(samples)
    }

    fn size_of(&self, sample: usize) -> Option<u32> {
        if self.common_size > 0 { Some(self.common_size) } else { self.sizes.get(sample).copied() }
    }

    /// How many samples chunk number `chunk` (from 0) has.
    fn samples_in(&self, chunk: usize) -> Option<u32> {
        let after = self.chunk_runs.partition_point(|&(first, _)| first as usize <= chunk + 1);
        self.chunk_runs.get(after.checked_sub(1)?).map(|&(_, samples)| samples)
    }
}

/// The values of a run-length coded table one by one.
fn runs<T: Copy>(table: &[(u32, T)]) -> impl Iterator<Item = T> {
    table.iter().flat_map(|&(count, value)| std::iter::repeat_n(value, count as usize))
}

/// Which part of a track is presented, and when (section 8.6.6): one edit, after an optional pause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Edit {
    /// Ticks per second of the media.
    pub(super) timescale: u32,
    /// The media time that is presented first, in ticks.
    pub(super) start: i64,
    /// The media time that presentation ends before, in ticks; `None` at the end of the media.
    pub(super) end: Option<i64>,
    /// How much later than the file it is presented, in microseconds.
    pub(super) delay: i64,
}

impl Edit {
    /// The instant of the file that media time `ticks` is presented at. Before the edit it is negative: priming of a
    /// codec, or pictures that others need.
    pub(super) fn instant(&self, ticks: i64) -> Timestamp {
        let micros = (i128::from(ticks) - i128::from(self.start)) * 1_000_000;
        let micros = micros.div_euclid(i128::from(self.timescale)) + i128::from(self.delay);
        Timestamp::from_micros(i64::try_from(micros).unwrap_or(i64::MAX))
    }

    /// Takes away samples that no presented sample needs: before the last point at which decoding can start in time,
    /// and after the last one that is presented. `lead` samples are kept before a sample without predecessors, because
    /// audio decoders need them to settle.
    pub(super) fn apply(&self, samples: &mut Vec<Sample>, lead: usize) {
        let presented = |sample: &Sample| self.end.is_none_or(|end| sample.present < end);
        let kept = samples.iter().rposition(presented).map_or(0, |last| last + 1);
        samples.truncate(kept);
        let start = samples.iter().rposition(|sample| sample.sync && sample.present <= self.start);
        samples.drain(..start.unwrap_or(0).saturating_sub(lead));
    }

    /// The end of the last presented sample.
    pub(super) fn end_of(&self, samples: &[Sample]) -> Timestamp {
        let ends = samples.iter().map(|sample| sample.present.saturating_add(i64::from(sample.duration)));
        let last = ends.max().unwrap_or(self.start);
        self.instant(self.end.map_or(last, |end| last.min(end)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tables() -> Tables {
        Tables {
            durations: vec![(3, 10), (2, 20)],
            compositions: vec![(1, 20), (1, 40), (3, 0)],
            chunk_runs: vec![(1, 2), (3, 1)],
            chunks: vec![100, 500, 900],
            common_size: 0,
            sizes: vec![1, 2, 3, 4, 5],
            syncs: Some(vec![1, 4]),
        }
    }

    #[test]
    fn run_lengths_become_samples() {
        let samples = tables().samples(1000).unwrap();
        let column = |f: fn(&Sample) -> i64| samples.iter().map(f).collect::<Vec<_>>();
        assert_eq!(column(|sample| sample.offset as i64), [100, 101, 500, 503, 900]);
        assert_eq!(column(|sample| sample.decode), [0, 10, 20, 30, 50]);
        assert_eq!(column(|sample| sample.present), [20, 50, 20, 30, 50]);
        assert_eq!(column(|sample| i64::from(sample.sync)), [1, 0, 0, 1, 0]);
    }

    #[test]
    fn contradictions_are_found() {
        assert_eq!(tables().samples(904), None, "the last sample lies behind the end");
        assert_eq!(Tables { syncs: Some(vec![6]), ..tables() }.samples(1000), None);
        assert_eq!(Tables { syncs: Some(vec![0]), ..tables() }.samples(1000), None);
        assert_eq!(Tables { chunks: vec![100], ..tables() }.samples(1000), None);
        assert_eq!(Tables { chunk_runs: vec![(2, 2)], ..tables() }.samples(1000), None);
    }

    #[test]
    fn overlapping_chunks_cannot_multiply_a_file() {
        let bomb = Tables {
            common_size: 1,
            sizes: vec![],
            chunk_runs: vec![(1, u32::MAX)],
            chunks: vec![0; 1000],
            syncs: None,
            ..tables()
        };
        assert_eq!(bomb.samples(10), None);
        let empty = Tables { sizes: vec![0; 3], chunk_runs: vec![(1, u32::MAX)], syncs: None, ..tables() };
        assert_eq!(empty.samples(1000).unwrap().len(), 3);
    }

    #[test]
    fn an_edit_moves_and_cuts() {
        let sample =
            |decode, present, sync| Sample { offset: 0, size: 1, decode, present, duration: 10, sync };
        let all = [
            sample(0, 0, true),
            sample(10, 10, false),
            sample(20, 20, true),
            sample(30, 50, false),
            sample(40, 40, false),
            sample(50, 60, false),
        ];
        let edit = Edit { timescale: 1000, start: 25, end: Some(45), delay: 1_000_000 };
        let mut kept = all.to_vec();
        edit.apply(&mut kept, 0);
        // From the key frame before the start; the picture at 50 stays, because the one at 40 comes after it.
        assert_eq!(kept, all[2..5]);
        assert_eq!(edit.instant(25), Timestamp::from_millis(1000));
        assert_eq!(edit.instant(20), Timestamp::from_millis(995));
        assert_eq!(edit.end_of(&kept), Timestamp::from_millis(1020));

        let mut with_lead = all.to_vec();
        Edit { end: None, ..edit }.apply(&mut with_lead, 1);
        assert_eq!(with_lead, all[1..]);
    }
}
