//! The way sound takes: to a device, or, while there is none or it stands still, nowhere, in its time.

use super::convert::Converter;
use super::device::Line;
use crate::sink::null;
use live_core::{AudioPosition, AudioSpec, SinkError};
use std::time::{Duration, Instant};

/// A device that has not asked for sound for this long, and what it holds, stands still: sound servers begin late, and
/// sleep. The player's clock does not wait for it.
const STANDSTILL: Duration = Duration::from_millis(300);

/// Where the sound of a stream goes, with time as an argument.
pub(crate) struct Output {
    spec: AudioSpec,
    /// Sample frames of the stream that were taken so far.
    taken: u64,
    way: Way,
}

enum Way {
    Device(Box<Voice>),
    /// Unheard; `base` frames came before.
    Nowhere {
        clock: null::Device,
        base: u64,
        /// The device that stands still.
        asleep: Option<Box<Voice>>,
    },
}

/// A device with what leads to it.
struct Voice {
    line: Line,
    converter: Converter,
    /// In the device's layout, not in the ring yet.
    converted: Vec<f32>,
    /// Sample frames of the stream that came before, at the device's frame `from`.
    base: u64,
    from: u64,
}

impl Output {
    /// To a device, or nowhere when there is none.
    pub(crate) fn new(line: Option<Line>, spec: AudioSpec, now: Instant) -> Result<Self, SinkError> {
        let way = Way::Nowhere { clock: null::Device::open(spec, now), base: 0, asleep: None };
        let mut output = Self { spec, taken: 0, way };
        if line.is_some() {
            output.replace(line, now)?;
        }
        Ok(output)
    }

    /// To another device from now on, or nowhere.
    pub(crate) fn replace(&mut self, line: Option<Line>, now: Instant) -> Result<(), SinkError> {
        self.way = match line {
            Some(line) => Way::Device(Box::new(Voice::new(line, self.spec, self.taken)?)),
            None => self.nowhere(None, now),
        };
        Ok(())
    }

    fn nowhere(&self, asleep: Option<Box<Voice>>, now: Instant) -> Way {
        Way::Nowhere { clock: null::Device::open(self.spec, now), base: self.taken, asleep }
    }

    /// Whether the device takes sound without playing it in its time.
    pub(crate) fn is_unpaced(&self, now: Instant) -> bool {
        let Way::Device(voice) = &self.way else { return false };
        voice.line.tap.is_unpaced(voice.line.spec.sample_rate, now)
    }

    /// Takes whole sample frames for which there is room, and says how many.
    pub(crate) fn write(&mut self, samples: &[f32], now: Instant) -> usize {
        self.settle(now);
        let channels = usize::from(self.spec.channels.max(1));
        let taken = match &mut self.way {
            Way::Device(voice) => voice.write(samples, channels),
            Way::Nowhere { clock, .. } => clock.write(samples.len(), now),
        };
        self.taken += taken as u64;
        taken
    }

    /// Leaves a device that stands still, and returns to one that goes again and has dropped what is late by now.
    fn settle(&mut self, now: Instant) {
        let way = std::mem::replace(
            &mut self.way,
            Way::Nowhere { clock: null::Device::open(self.spec, now), base: self.taken, asleep: None },
        );
        self.way = match way {
            Way::Device(voice) if voice.stands_still(now) => {
                tracing::debug!("the sound device stands still: the clock goes on without it");
                self.nowhere(Some(voice), now)
            }
            Way::Nowhere { clock, base, asleep: Some(mut voice) } => {
                if !voice.stands_still(now) && voice.is_emptied() {
                    voice.resume(self.taken);
                    Way::Device(voice)
                } else {
                    Way::Nowhere { clock, base, asleep: Some(voice) }
                }
            }
            same => same,
        };
    }

    pub(crate) fn position(&self, now: Instant) -> AudioPosition {
        match &self.way {
            Way::Device(voice) => voice.position(self.spec.sample_rate, self.taken, now),
            Way::Nowhere { clock, base, .. } => {
                let position = clock.position(now);
                AudioPosition { frames: base + position.frames, ..position }
            }
        }
    }
}

impl Voice {
    fn new(line: Line, from: AudioSpec, base: u64) -> Result<Self, SinkError> {
        let converter = Converter::new(from, line.spec).map_err(|text| SinkError::new("speaker", text))?;
        Ok(Self { line, converter, converted: Vec::new(), base, from: 0 })
    }

    fn stands_still(&self, now: Instant) -> bool {
        let (last, latency) = match self.line.tap.read() {
            Some(report) => (report.at, report.latency),
            None => (self.line.tap.began(), Duration::ZERO),
        };
        now.saturating_duration_since(last) > STANDSTILL + latency
    }

    /// Has the callback drop what waits; `true` when it has.
    fn is_emptied(&mut self) -> bool {
        self.converted.clear();
        let is_empty = self.is_ring_empty();
        if !is_empty {
            self.line.tap.ask_to_drop();
        }
        is_empty
    }

    /// Whether the device has taken all that was written.
    fn is_ring_empty(&self) -> bool {
        self.line.ring.slots() == self.line.ring.buffer().capacity()
    }

    /// Sound goes on from the stream's frame `base`.
    fn resume(&mut self, base: u64) {
        self.base = base;
        self.from = self.line.tap.read().map_or(0, |report| report.taken);
    }

    /// Takes what there is room for, in whole steps but for the last one; returns sample frames.
    fn write(&mut self, samples: &[f32], channels: usize) -> usize {
        let step = self.converter.step() * channels;
        let mut taken = 0;
        while self.flush() && taken < samples.len() {
            let piece = step.min(samples.len() - taken);
            self.converter.push(&samples[taken..taken + piece], &mut self.converted);
            taken += piece;
        }
        taken / channels
    }

    /// Moves what was converted into the ring. `false` when some is left.
    fn flush(&mut self) -> bool {
        let channels = usize::from(self.line.spec.channels.max(1));
        let room = self.line.ring.slots() / channels * channels;
        let count = room.min(self.converted.len());
        if let Ok(chunk) = self.line.ring.write_chunk_uninit(count) {
            chunk.fill_from_iter(self.converted.drain(..count));
        }
        self.converted.is_empty()
    }

    fn position(&self, rate: u32, taken: u64, now: Instant) -> AudioPosition {
        let Some(report) = self.line.tap.read() else {
            return AudioPosition { frames: self.base, at: now, latency: Duration::ZERO };
        };
        let device = u64::from(self.line.spec.sample_rate.max(1));
        let played =
            u128::from(report.taken.saturating_sub(self.from)) * u128::from(rate) / u128::from(device);
        let played = self.base + u64::try_from(played).unwrap_or(u64::MAX);
        // A resampler keeps the last few samples of a stream to itself. What was written since the device starved is not
        // heard yet.
        let is_over = self.line.tap.is_starved() && self.converted.is_empty() && self.is_ring_empty();
        let frames = if is_over { taken } else { played.min(taken) };
        AudioPosition { frames, at: report.at, latency: report.latency }
    }
}

#[cfg(test)]
mod tests {
    use super::super::feed::Feed;
    use super::super::tap::Tap;
    use super::*;
    use rtrb::RingBuffer;
    use std::sync::Arc;

    const MONO: AudioSpec = AudioSpec { sample_rate: 48_000, channels: 1 };

    /// A device that is called by hand, every 10 ms, with 20 ms from its callback to the ear.
    struct Bench {
        feed: Feed,
        start: Instant,
    }

    impl Bench {
        fn device(start: Instant) -> (Self, Line) {
            let (producer, ring) = RingBuffer::new(4_800);
            let tap = Arc::new(Tap::new(start));
            let line = Line::of(producer, Arc::clone(&tap), MONO);
            let feed = Feed { ring, tap, underruns: Arc::default(), channels: 1, taken: 0, flows: false };
            (Self { feed, start }, line)
        }

        /// The device asks for 10 ms, `after` ms from the start; what it gets.
        fn call(&mut self, after: u64) -> Vec<f32> {
            let mut data = vec![9.0_f32; 480];
            self.feed.fill(&mut data, self.start + Duration::from_millis(after), Duration::from_millis(20));
            data
        }
    }

    #[test]
    fn a_device_that_stands_still_is_left_and_taken_again_without_what_is_late() {
        let start = Instant::now();
        let after = |ms| start + Duration::from_millis(ms);
        let (mut device, line) = Bench::device(start);
        let mut output = Output::new(Some(line), MONO, start).unwrap();
        assert_eq!(output.write(&[0.5; 9_600], after(0)), 5_280, "the ring is full, and 10 ms wait for it");
        assert_eq!(device.call(10), vec![0.5; 480]);
        assert_eq!(output.write(&[0.5; 480], after(20)), 480);
        assert_eq!(output.position(after(20)).frames, 0, "its first sound was asked for at 10 ms");
        // It does not ask again. The clock stands for a moment, and then goes on.
        assert_eq!(output.write(&[0.5; 480], after(300)), 0);
        assert_eq!(output.write(&[0.1; 9_600], after(340)), 4_800);
        assert_eq!(output.position(after(340)).frames, 5_760);
        assert_eq!(output.position(after(390)).frames, 5_760 + 5 * 480);
        // It asks again: what waited is dropped, and it is taken up where the clock is.
        device.call(400);
        output.write(&[0.2; 480], after(401));
        assert!(device.call(410).iter().all(|sample| *sample == 0.0), "what is late is not heard");
        let taken = output.taken;
        assert_eq!(output.write(&[0.3; 480], after(411)), 480);
        assert_eq!(device.call(420), vec![0.3; 480]);
        assert_eq!(output.position(after(420)).frames, taken);
        device.call(430);
        assert_eq!(output.position(after(430)).frames, taken + 480);
    }

    #[test]
    fn what_waits_for_a_device_that_had_nothing_to_play_is_not_heard_yet() {
        let start = Instant::now();
        let after = |ms| start + Duration::from_millis(ms);
        let (mut device, line) = Bench::device(start);
        let mut output = Output::new(Some(line), MONO, start).unwrap();
        assert_eq!(device.call(0), vec![0.0; 480]);
        assert_eq!(output.write(&[0.5; 4_800], after(5)), 4_800);
        assert_eq!(output.position(after(5)).frames, 0);
        assert_eq!(device.call(10), vec![0.5; 480]);
        assert_eq!(output.position(after(10)).frames, 0);
        device.call(20);
        assert_eq!(output.position(after(20)).frames, 480);
    }

    #[test]
    fn frames_are_counted_on_from_device_to_device() {
        let start = Instant::now();
        let after = |ms| start + Duration::from_millis(ms);
        let mut output = Output::new(None, MONO, start).unwrap();
        assert_eq!(output.write(&[0.5; 960], start), 960);
        assert_eq!(output.position(after(50)).frames, 960, "unheard sound takes its time as well");
        let (mut device, line) = Bench::device(after(50));
        output.replace(Some(line), after(50)).unwrap();
        assert_eq!(output.position(after(50)).frames, 960);
        output.write(&[0.5; 960], after(50));
        device.call(10);
        assert_eq!(output.position(after(60)).frames, 960);
        device.call(20);
        let position = output.position(after(70));
        assert_eq!(
            (position.frames, position.at, position.latency),
            (1_440, after(70), Duration::from_millis(20))
        );
        output.replace(None, after(80)).unwrap();
        assert_eq!(output.position(after(80)).frames, 1_920, "what a lost device held is lost");
    }
}
