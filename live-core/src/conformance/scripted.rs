//! Devices, encoders and decoders that misbehave on cue: to see what a pipeline makes of a camera that is unplugged, a silent
//! microphone or an encoder that breaks, without pulling a cable.
//!
//! Cues are counts (the thirtieth picture, the second opening), never times, so that every run is the same. Sources
//! are paced in real time and stamp their frames as real devices do; an encoder's row is laid over that of a real
//! encoder, so that what comes out decodes.
//!
//! ```
//! use live_core::conformance::scripted::{EncoderFaults, Microphone, SoundFault, VideoDevice, VideoFault};
//! use live_core::registry::{Provenance, VideoEncoderRow};
//! use live_core::{AudioSpec, CaptureErrorKind, CodecErrorKind};
//!
//! // Unplugged after two seconds of pictures.
//! let camera = VideoDevice::camera(640, 360, 15)
//!     .after(30, VideoFault::Fails(CaptureErrorKind::Disconnected));
//! // In use by another program.
//! let busy = VideoDevice::screen(1280, 720, 15).refusing(CaptureErrorKind::Busy);
//! // Exact zeros from the first sample on.
//! let deaf = Microphone::new(AudioSpec { sample_rate: 48_000, channels: 1 }).after(0, SoundFault::Zeros);
//! # let openh264 = VideoEncoderRow::new("real", Provenance::Embedded, live_core::Codec::H264, |_| unreachable!());
//! // "Hardware" that breaks at its hundredth picture, and whenever it is opened again.
//! let row = EncoderFaults::default()
//!     .failing(99.., CodecErrorKind::Fatal)
//!     .video("silicon", Provenance::Hardware, &openh264);
//! # let _ = (camera, busy, deaf, row);
//! ```

mod decoder;
mod device;
mod encoder;
mod microphone;
mod script;

pub use decoder::DecoderFaults;
pub use device::{VideoDevice, VideoFault};
pub use encoder::EncoderFaults;
pub use microphone::{Microphone, SoundFault};

use crate::error::{CaptureError, CaptureErrorKind};
use crate::time::{SessionClock, Timestamp};
use crate::traits::CaptureGuard;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Instant;

/// What a real device of this name would say.
fn trouble(kind: CaptureErrorKind, device: &str, format: &str) -> CaptureError {
    use CaptureErrorKind::{
        Busy, Disconnected, Malformed, NotFound, PermissionDenied, Reconfiguration, Silent, Unsupported,
        UnsupportedFormat,
    };
    let message = match kind {
        NotFound => "there is no such device; list the devices and choose one".to_owned(),
        Busy => "another program is using it; close that one first".to_owned(),
        PermissionDenied => "the operating system denies its use; grant the permission".to_owned(),
        UnsupportedFormat => format!("what was asked for is not offered; it does {format}"),
        Disconnected => "it went away while running".to_owned(),
        Silent => "it is open and delivers nothing".to_owned(),
        Malformed => "what it delivers cannot be read".to_owned(),
        Unsupported => "this system has none".to_owned(),
        Reconfiguration => "its size or rotation changed, and capture could not follow".to_owned(),
        CaptureErrorKind::Failed => "it failed".to_owned(),
    };
    CaptureError::new(kind, device, message)
}

/// Calls `produce` for unit after unit, `rate` of them a second, until it answers `false` or the guard is dropped.
fn pump(
    name: &'static str,
    clock: SessionClock,
    rate: u32,
    produce: impl FnMut(u64, Timestamp) -> bool + Send + 'static,
) -> Result<CaptureGuard, CaptureError> {
    let (stop, stopped) = channel();
    let work = move || run(clock, rate, &stopped, produce);
    let thread = std::thread::Builder::new().name(name.to_owned()).spawn(work).map_err(|error| {
        CaptureError::new(CaptureErrorKind::Failed, name, "the system gave no thread to run it on")
            .because(error)
    })?;
    Ok(CaptureGuard::over_thread(thread, move || drop::<Sender<()>>(stop)))
}

fn run(
    clock: SessionClock,
    rate: u32,
    stopped: &Receiver<()>,
    mut produce: impl FnMut(u64, Timestamp) -> bool,
) {
    let start = clock.at(Instant::now());
    for index in 0.. {
        let due = start.offset_micros(Timestamp::from_index(index, rate).as_micros());
        let wait = clock.instant_of(due).saturating_duration_since(Instant::now());
        if stopped.recv_timeout(wait) != Err(RecvTimeoutError::Timeout) || !produce(index, due) {
            return;
        }
    }
}
