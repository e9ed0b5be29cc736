//! The device's callback: takes what is there, without waiting, locking or allocating.

use super::tap::{Report, Tap};
use cpal::{FromSample, Sample};
use rtrb::Consumer;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// The device's end of the ring.
pub(crate) struct Feed {
    pub(crate) ring: Consumer<f32>,
    pub(crate) tap: Arc<Tap>,
    pub(crate) underruns: Arc<AtomicU64>,
    pub(crate) channels: usize,
    /// Sample frames of sound taken so far.
    pub(crate) taken: u64,
    /// The last call got all it asked for.
    pub(crate) flows: bool,
}

impl Feed {
    /// Fills what the device asks for at `now`, which is heard after `latency`.
    pub(crate) fn fill<T: Sample + FromSample<f32>>(
        &mut self,
        data: &mut [T],
        now: Instant,
        latency: Duration,
    ) {
        self.tap.write(Report { taken: self.taken, at: now, latency });
        if self.tap.is_to_drop()
            && let Ok(late) = self.ring.read_chunk(self.ring.slots())
        {
            late.commit_all();
        }
        let wanted = data.len() / self.channels;
        // The other end writes whole sample frames, in one step.
        let count = wanted.min(self.ring.slots() / self.channels);
        let (sound, silence) = data.split_at_mut(count * self.channels);
        if let Ok(chunk) = self.ring.read_chunk(sound.len()) {
            for (to, from) in sound.iter_mut().zip(chunk) {
                *to = T::from_sample(from);
            }
        }
        silence.fill(T::EQUILIBRIUM);
        self.taken += count as u64;
        let starved = count < wanted;
        if starved && self.flows {
            self.underruns.fetch_add(1, Relaxed);
        }
        self.flows = !starved;
        self.tap.note(wanted as u64, starved);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rtrb::RingBuffer;

    #[test]
    fn what_is_missing_is_silence_and_counted_once() {
        let (mut sound, ring) = RingBuffer::new(64);
        let now = Instant::now();
        let tap = Arc::new(Tap::new(now));
        let underruns = Arc::new(AtomicU64::new(0));
        let mut feed = Feed {
            ring,
            tap: Arc::clone(&tap),
            underruns: Arc::clone(&underruns),
            channels: 2,
            taken: 0,
            flows: false,
        };
        let mut data = [1_i16; 8];
        let mut fill = |after, data: &mut [i16]| {
            feed.fill(data, now + Duration::from_millis(after), Duration::from_millis(20));
        };
        fill(0, &mut data);
        assert_eq!(
            (data, underruns.load(Relaxed)),
            ([0; 8], 0),
            "silence before the first sound is no fault"
        );
        for value in [0.5, -0.5, 0.5, -0.5, 0.5, -0.5, 0.5, -0.5, 1.0, 1.0] {
            sound.push(value).unwrap();
        }
        fill(10, &mut data);
        assert_eq!(data, [16_384, -16_384, 16_384, -16_384, 16_384, -16_384, 16_384, -16_384]);
        assert!(!tap.is_starved());
        fill(20, &mut data);
        assert_eq!(data, [32_767, 32_767, 0, 0, 0, 0, 0, 0]);
        fill(30, &mut data);
        assert_eq!(underruns.load(Relaxed), 1);
        assert!(tap.is_starved());
        let report = tap.read().unwrap();
        assert_eq!((report.taken, report.at), (5, now + Duration::from_millis(30)));
    }
}
