//! What happens to sound between source and encoder.

use crate::frame::{AudioFrame, AudioSpec};

/// Changes the microphone's sound before it is mixed and encoded: a voice changer, an equaliser, a recorder.
///
/// **Where it runs.** On the audio worker's thread, made there or before it and dropped there; one block at a time, in order. It
/// hears the microphone as it goes into the mix: in the stream's rate and channels, without holes, after noise
/// suppression and automatic gain, before reverberation, volume, music and mute. A block is 10 ms, and what the effect takes
/// is taken from those 10 ms; it should not wait for anything.
///
/// **How to write one.** Change [`samples`](AudioFrame::samples) in place and keep their number; what is missing
/// afterwards is replaced with silence, what is too much is cut. Leave `pts` alone. An effect with a delay gives silence first.
/// Samples may leave −1.0 to 1.0: a limiter follows. An effect that cannot do its work leaves the sound as it is.
/// Keep state in `self`; a session has an effect of its own.
///
/// ```
/// use live_core::{AudioEffect, AudioFrame, AudioSpec};
///
/// /// A quarter of a second of echo.
/// struct Echo(std::collections::VecDeque<f32>);
///
/// impl AudioEffect for Echo {
///     fn name(&self) -> &str {
///         "echo"
///     }
///
///     fn apply(&mut self, frame: &mut AudioFrame, spec: AudioSpec) {
///         let delay = spec.sample_rate as usize / 4 * usize::from(spec.channels);
///         self.0.resize(delay, 0.0);
///         for sample in &mut frame.samples {
///             *sample += self.0.pop_front().unwrap_or(0.0) * 0.4;
///             self.0.push_back(*sample);
///         }
///     }
/// }
/// ```
pub trait AudioEffect: Send {
    /// Its name, for events and logs.
    fn name(&self) -> &str;

    /// Changes one block of interleaved samples of this layout, which stays the same.
    fn apply(&mut self, frame: &mut AudioFrame, spec: AudioSpec);
}
