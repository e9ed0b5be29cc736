//! Sinks that need no device.

use live_core::{AudioPosition, AudioSink, AudioSpec, SinkError, VideoFrame, VideoSink};
use std::time::{Duration, Instant};

/// Shows nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NullVideo;

impl VideoSink for NullVideo {
    fn present(&mut self, _: &VideoFrame) -> Result<(), SinkError> {
        Ok(())
    }

    fn finish(&mut self) -> Result<(), SinkError> {
        Ok(())
    }
}

/// A real device moves by periods.
const PERIOD: Duration = Duration::from_millis(10);
/// What the device holds.
const BUFFER_PERIODS: u64 = 10;

/// Plays nothing, in the time a sound device takes for it.
///
/// It behaves like a device: every 10 ms it takes 10 ms of sound from a buffer of 100 ms, its position moves by these
/// periods, and stands still when there is not enough.
#[derive(Debug, Default)]
pub struct NullAudio(Option<Device>);

/// The device, with time as an argument.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Device {
    channels: usize,
    /// Frames to a period.
    period: u64,
    /// Frames taken and not played.
    buffered: u64,
    played: u64,
    /// When the last period ended.
    at: Instant,
}

impl NullAudio {
    /// A device that is not open.
    #[must_use]
    pub const fn new() -> Self {
        Self(None)
    }
}

impl Device {
    pub(crate) fn open(spec: AudioSpec, now: Instant) -> Self {
        let period = u64::from(spec.sample_rate / 100).max(1);
        Self { channels: usize::from(spec.channels.max(1)), period, buffered: 0, played: 0, at: now }
    }

    /// Plays the periods that have passed until `now`.
    fn advance(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.at).as_micros() / PERIOD.as_micros();
        let passed = u32::try_from(passed).unwrap_or(u32::MAX);
        // The last sound of a stream need not fill a period.
        let played = (u64::from(passed) * self.period).min(self.buffered);
        self.buffered -= played;
        self.played += played;
        self.at += PERIOD * passed;
    }

    pub(crate) fn write(&mut self, samples: usize, now: Instant) -> usize {
        self.advance(now);
        let room = self.period * BUFFER_PERIODS - self.buffered;
        let taken = (samples / self.channels).min(usize::try_from(room).unwrap_or(usize::MAX));
        self.buffered += taken as u64;
        taken
    }

    pub(crate) fn position(mut self, now: Instant) -> AudioPosition {
        self.advance(now);
        // What is in the buffer has been taken, but nobody has heard it.
        AudioPosition { frames: self.played, at: self.at, latency: Duration::ZERO }
    }
}

impl AudioSink for NullAudio {
    fn open(&mut self, spec: AudioSpec) -> Result<usize, SinkError> {
        let device = self.0.insert(Device::open(spec, Instant::now()));
        Ok(usize::try_from(device.period * BUFFER_PERIODS).unwrap_or(usize::MAX))
    }

    fn write(&mut self, samples: &[f32]) -> Result<usize, SinkError> {
        let device = self.0.as_mut().ok_or_else(|| SinkError::new("null", "it was not opened"))?;
        Ok(device.write(samples.len(), Instant::now()))
    }

    fn position(&self) -> Option<AudioPosition> {
        self.0.map(|device| device.position(Instant::now()))
    }

    fn finish(&mut self) -> Result<(), SinkError> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_position_moves_by_periods_and_stalls_when_starved() {
        let start = Instant::now();
        let after = |ms| start + Duration::from_millis(ms);
        let mut device = Device::open(AudioSpec { sample_rate: 48_000, channels: 2 }, start);
        assert_eq!(device.write(2 * 9_600, after(0)), 4_800, "no more than the buffer holds");
        assert_eq!(device.write(2, after(5)), 0);
        for (ms, frames) in [(0, 0), (9, 0), (10, 480), (25, 960), (99, 4_320), (100, 4_800), (500, 4_800)] {
            assert_eq!(device.position(after(ms)).frames, frames, "after {ms} ms");
        }
        assert_eq!(device.position(after(25)).at, after(20));
        assert_eq!(device.write(2 * 480, after(500)), 480);
        assert_eq!(device.position(after(509)).frames, 4_800, "a period begins with its sound");
        assert_eq!(device.position(after(510)).frames, 5_280);
    }
}
