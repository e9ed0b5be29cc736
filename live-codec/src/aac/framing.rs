//! What all AAC encoders share: sound of any length is cut into frames, and packets get their times.

use bytes::{Bytes, BytesMut};
use live_core::{AudioEncoder, AudioFrame, AudioSpec, Codec, CodecError, CodecErrorKind, Packet, Timestamp};
use std::collections::VecDeque;

/// Samples per channel in an access unit.
pub(crate) const FRAME: usize = 1024;

/// Memory taken at once for packets; those of about half a second share it.
const CHUNK: usize = 8 * 1024;

/// Deviations of an input's time from its sample count that are rounding and not a gap, in µs.
const TOLERANCE: i64 = 1000;

/// An encoder of whole frames.
pub(crate) trait FrameCoder {
    /// The backend's name in the registry.
    const NAME: &'static str;

    /// Samples from the first one that goes in to the place where it comes out of a decoder without delay.
    fn delay(&self) -> u32;

    /// The `AudioSpecificConfig`.
    fn config(&self) -> Bytes;

    /// Encodes [`FRAME`] interleaved sample frames of finite values and appends one access unit to `out`. An error is
    /// what openly went wrong, in words.
    fn encode(&mut self, samples: &[f32], out: &mut BytesMut) -> Result<(), String>;

    /// Aims at another bitrate. An error says why that cannot be.
    fn set_bitrate(&mut self, kbps: u32) -> Result<(), String>;
}

/// An [`AudioEncoder`] around a [`FrameCoder`].
pub(crate) struct Framed<C> {
    coder: C,
    channels: usize,
    timeline: Timeline,
    /// Samples of an incomplete frame.
    pending: Vec<f32>,
    memory: BytesMut,
    announced: bool,
}

impl<C: FrameCoder> Framed<C> {
    pub(crate) fn new(coder: C, spec: AudioSpec) -> Self {
        let channels = usize::from(spec.channels);
        let timeline = Timeline::new(spec.sample_rate, coder.delay());
        let pending = Vec::with_capacity(FRAME * channels);
        Self { coder, channels, timeline, pending, memory: BytesMut::new(), announced: false }
    }

    fn encode_pending(&mut self, out: &mut Vec<Packet>) -> Result<(), CodecError> {
        let pts = self.timeline.next_output();
        if !self.announced {
            out.push(Packet::config(Codec::Aac, pts, self.coder.config()));
            self.announced = true;
        }
        self.memory.reserve(CHUNK);
        let result = self.coder.encode(&self.pending, &mut self.memory);
        self.pending.clear();
        let data = self.memory.split().freeze();
        result.map_err(|message| CodecError::new(CodecErrorKind::Frame, C::NAME, message).at(pts))?;
        if !data.is_empty() {
            out.push(Packet::audio(pts, data));
        }
        Ok(())
    }

    /// Appends samples to the incomplete frame and encodes it whenever it is whole.
    fn take(&mut self, mut samples: &[f32], out: &mut Vec<Packet>) -> Result<(), CodecError> {
        while !samples.is_empty() {
            let missing = FRAME * self.channels - self.pending.len();
            let (now, later) = samples.split_at(missing.min(samples.len()));
            // A sample that is not a number would spoil the frames around it, one over full scale is refused by some.
            self.pending.extend(
                now.iter().map(|&sample| if sample.is_nan() { 0.0 } else { sample.clamp(-1.0, 1.0) }),
            );
            samples = later;
            if self.pending.len() == FRAME * self.channels {
                self.encode_pending(out)?;
            }
        }
        Ok(())
    }

    fn take_silence(&mut self, frames: usize, out: &mut Vec<Packet>) -> Result<(), CodecError> {
        self.timeline.feed(frames as u64);
        self.take(&vec![0.0; frames * self.channels], out)
    }
}

impl<C: FrameCoder> AudioEncoder for Framed<C> {
    fn encode(&mut self, frame: &AudioFrame, out: &mut Vec<Packet>) -> Result<(), CodecError> {
        if !frame.samples.len().is_multiple_of(self.channels) {
            let (samples, channels) = (frame.samples.len(), self.channels);
            let message =
                format!("{samples} samples are not a whole number of sample frames of {channels} channels");
            return Err(CodecError::new(CodecErrorKind::Frame, C::NAME, message).at(frame.pts));
        }
        self.timeline.anchor(frame.pts);
        self.timeline.feed((frame.samples.len() / self.channels) as u64);
        self.take(&frame.samples, out)
    }

    fn flush(&mut self, out: &mut Vec<Packet>) -> Result<(), CodecError> {
        if !self.timeline.has_input() {
            return Ok(());
        }
        let padding = (FRAME - self.pending.len() / self.channels) % FRAME;
        self.take_silence(padding, out)?;
        // The last sample is out when as much as the delay has followed it.
        for _ in 0..(self.coder.delay() as usize).div_ceil(FRAME) {
            self.take_silence(FRAME, out)?;
        }
        Ok(())
    }

    fn set_bitrate(&mut self, kbps: u32) -> Result<(), CodecError> {
        self.coder
            .set_bitrate(kbps)
            .map_err(|message| CodecError::new(CodecErrorKind::Unsupported, C::NAME, message))
    }
}

/// Maps access units to time, by counting samples from the last place where the input's own time said otherwise.
#[derive(Debug)]
struct Timeline {
    rate: i64,
    delay: i64,
    /// Samples that went in.
    fed: i64,
    /// Access units that came out.
    outputs: i64,
    /// Input samples whose time is known, oldest first.
    anchors: VecDeque<(i64, Timestamp)>,
    last: Timestamp,
}

impl Timeline {
    fn new(rate: u32, delay: u32) -> Self {
        let (rate, delay) = (i64::from(rate.max(1)), i64::from(delay));
        let last = Timestamp::from_micros(i64::MIN);
        Self { rate, delay, fed: 0, outputs: 0, anchors: VecDeque::new(), last }
    }

    fn has_input(&self) -> bool {
        !self.anchors.is_empty()
    }

    /// The sample that goes in next is of `pts`.
    fn anchor(&mut self, pts: Timestamp) {
        let expected = self.anchors.back().map(|&anchor| self.at(anchor, self.fed));
        if expected.is_none_or(|expected| pts.micros_since(expected).abs() >= TOLERANCE) {
            self.anchors.push_back((self.fed, pts));
        }
    }

    fn feed(&mut self, samples: u64) {
        self.fed += samples as i64;
    }

    /// The time of the next access unit: that of the input sample its decoding begins with, never before the last
    /// one.
    fn next_output(&mut self) -> Timestamp {
        let first = self.outputs * FRAME as i64 - self.delay;
        self.outputs += 1;
        while self.anchors.get(1).is_some_and(|&(sample, _)| sample <= first) {
            self.anchors.pop_front();
        }
        let Some(&anchor) = self.anchors.front() else { return Timestamp::ZERO };
        self.last = self.last.max(self.at(anchor, first));
        self.last
    }

    fn at(&self, (anchor, pts): (i64, Timestamp), sample: i64) -> Timestamp {
        let micros = i128::from(sample - anchor) * 1_000_000;
        pts.offset_micros(micros.div_euclid(self.rate.into()) as i64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn micros(micros: i64) -> Timestamp {
        Timestamp::from_micros(micros)
    }

    #[test]
    fn priming_comes_before_the_first_sample() {
        let mut timeline = Timeline::new(48_000, 2048);
        timeline.anchor(micros(1_000_000));
        timeline.feed(4096);
        let times: Vec<_> = (0..4).map(|_| timeline.next_output().as_micros()).collect();
        assert_eq!(times, [957_333, 978_666, 1_000_000, 1_021_333]);
    }

    #[test]
    fn a_delay_that_is_no_whole_frame_moves_all_packets_alike() {
        let mut timeline = Timeline::new(48_000, 1600);
        timeline.anchor(micros(0));
        timeline.feed(4096);
        assert_eq!(timeline.next_output(), micros(-33_334));
        assert_eq!(timeline.next_output(), micros(-12_000));
    }

    #[test]
    fn a_gap_moves_the_packets_that_begin_after_it_and_an_overlap_never_goes_back() {
        let mut timeline = Timeline::new(48_000, 0);
        timeline.anchor(micros(0));
        timeline.feed(1024);
        timeline.anchor(micros(1_000_000));
        timeline.feed(1024);
        timeline.anchor(micros(500_000));
        timeline.feed(1024);
        let times: Vec<_> = (0..3).map(|_| timeline.next_output().as_micros()).collect();
        assert_eq!(times, [0, 1_000_000, 1_000_000]);
    }

    #[test]
    fn rounding_is_no_gap_and_does_not_add_up_in_a_day() {
        let mut timeline = Timeline::new(44_100, 0);
        let mut last = Timestamp::ZERO;
        for index in 0..4_000_000_u64 {
            timeline.anchor(Timestamp::from_index(index * 1024, 44_100));
            timeline.feed(1024);
            last = timeline.next_output();
        }
        assert_eq!(timeline.anchors.len(), 1);
        assert_eq!(last, Timestamp::from_index(3_999_999 * 1024, 44_100));
    }
}
