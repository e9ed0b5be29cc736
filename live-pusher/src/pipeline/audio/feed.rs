//! Where the audio worker's sound comes from: a device that may be closed, lost and opened again, or decoded input.

use super::{FRAME_QUEUE, capture_failure};
use crate::codes::Failure;
use crate::pipeline::WorkerCx;
use crate::pipeline::access::Permission;
use crate::pipeline::sound::mix;
use live_core::queue::{FrameReceiver, ReceiveError, frame_queue};
use live_core::{
    AudioFrame, AudioSource, AudioSpec, CaptureError, CaptureErrorKind, CaptureGuard, SourceInfo, Track,
};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long after a device was lost it is tried again, and again.
const NEXT_TRY: Duration = Duration::from_secs(5);

/// Makes the device's source, each time it is opened.
pub(crate) type MakeAudio = Arc<Mutex<dyn FnMut() -> Result<Box<dyn AudioSource>, CaptureError> + Send>>;

/// Where the worker's sound comes from.
pub(crate) enum AudioInput {
    /// A device, opened by the worker; `again` makes it anew when it is opened again.
    Device { first: Box<dyn AudioSource>, again: MakeAudio },
    /// Something that is open already.
    Open(SourceInfo, AudioSpec, FrameReceiver<AudioFrame>),
}

impl AudioInput {
    /// The layout of its sound.
    pub(crate) fn spec(&self) -> AudioSpec {
        match self {
            Self::Device { first, .. } => first.spec(),
            Self::Open(_, spec, _) => *spec,
        }
    }
}

/// The worker's end of it.
pub(super) enum Feed {
    Device(Device),
    Open(SourceInfo, FrameReceiver<AudioFrame>, bool),
}

/// What a feed has.
pub(super) enum Incoming {
    Frame(AudioFrame),
    /// The source is open from now on.
    Opened,
    /// There is no source from now on.
    Gone,
    Nothing,
    /// The source has come to its end.
    Ended,
}

impl Feed {
    /// Opens the device, unless it is to stay closed for now.
    pub(super) fn open(input: AudioInput, cx: &WorkerCx) -> Result<(Self, AudioSpec), Failure> {
        match input {
            AudioInput::Open(info, spec, frames) => Ok((Self::Open(info, frames, false), spec)),
            AudioInput::Device { first, again } => {
                let (info, spec) = (first.info(), first.spec());
                let mut device = Device { info, spec, again, state: State::Closed };
                if !cx.controls.mic_closed.load(Relaxed) {
                    let opened = open(first, cx.clock, &cx.permission);
                    let opened = opened
                        .map_err(|error| capture_failure(Track::Audio, device.info.kind, &error, cx))?;
                    device.state = State::Fresh(opened);
                }
                Ok((Self::Device(device), spec))
            }
        }
    }

    pub(super) fn info(&self) -> &SourceInfo {
        match self {
            Self::Device(device) => &device.info,
            Self::Open(info, ..) => info,
        }
    }

    /// Whether times are measured or counted.
    pub(super) fn timing(&self) -> mix::Feed {
        match self {
            Self::Device(_) => mix::Feed::Device,
            Self::Open(..) => mix::Feed::Counted,
        }
    }

    /// What happens next; waits for it for at most `wait`.
    pub(super) fn receive(&mut self, wait: Duration, cx: &WorkerCx) -> Result<Incoming, Failure> {
        match self {
            Self::Device(device) => Ok(device.receive(wait, cx)),
            Self::Open(_, _, told @ false) => {
                *told = true;
                Ok(Incoming::Opened)
            }
            Self::Open(info, frames, true) => match frames.receive(wait) {
                Ok(frame) => Ok(Incoming::Frame(frame)),
                Err(ReceiveError::Timeout) => Ok(Incoming::Nothing),
                Err(ReceiveError::Ended) => Ok(Incoming::Ended),
                Err(ReceiveError::Failed(error)) => Err(capture_failure(Track::Audio, info.kind, &error, cx)),
            },
        }
    }
}

/// A source that runs.
pub(super) struct Opened {
    spec: AudioSpec,
    frames: FrameReceiver<AudioFrame>,
    /// Closes the device when dropped.
    _guard: CaptureGuard,
}

fn open(
    source: Box<dyn AudioSource>,
    clock: live_core::SessionClock,
    permission: &Permission,
) -> Result<Opened, CaptureError> {
    permission.check(&source.info())?;
    let spec = source.spec();
    let (sender, frames) = frame_queue(FRAME_QUEUE);
    Ok(Opened { spec, frames, _guard: source.start(clock, sender)? })
}

/// A microphone or the like.
pub(super) struct Device {
    info: SourceInfo,
    spec: AudioSpec,
    again: MakeAudio,
    state: State,
}

enum State {
    /// Closed by the application.
    Closed,
    /// Being opened on a thread of its own, as that may take long and silence has to flow meanwhile.
    Opening(JoinHandle<Result<Opened, CaptureError>>, Told),
    /// Open, which nobody knows yet.
    Fresh(Opened),
    Open(Opened),
    /// It went away, or could not be opened again.
    Lost {
        since: Instant,
    },
}

/// Whether the loss of the device has been told already.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Told {
    Yes,
    No,
}

impl Device {
    fn receive(&mut self, wait: Duration, cx: &WorkerCx) -> Incoming {
        let is_wanted = !cx.controls.mic_closed.load(Relaxed);
        match std::mem::replace(&mut self.state, State::Closed) {
            State::Open(_) | State::Fresh(_) if !is_wanted => Incoming::Gone,
            State::Fresh(opened) => {
                self.state = State::Open(opened);
                Incoming::Opened
            }
            State::Open(opened) => self.hear(opened, wait, cx),
            State::Opening(thread, told) if thread.is_finished() => {
                let result = thread.join().unwrap_or_else(|_| Err(self.error("opening it panicked")));
                self.opened(result, told, cx);
                Incoming::Nothing
            }
            State::Closed if is_wanted => {
                self.state = self.begin_to_open(Told::No, cx);
                Incoming::Nothing
            }
            State::Lost { since } if is_wanted && since.elapsed() >= NEXT_TRY => {
                self.state = self.begin_to_open(Told::Yes, cx);
                Incoming::Nothing
            }
            State::Lost { .. } if !is_wanted => Incoming::Nothing,
            other => {
                self.state = other;
                std::thread::sleep(wait);
                Incoming::Nothing
            }
        }
    }

    fn hear(&mut self, opened: Opened, wait: Duration, cx: &WorkerCx) -> Incoming {
        match opened.frames.receive(wait) {
            Ok(frame) => {
                self.state = State::Open(opened);
                Incoming::Frame(frame)
            }
            Err(ReceiveError::Timeout) => {
                self.state = State::Open(opened);
                Incoming::Nothing
            }
            Err(ReceiveError::Ended) => {
                self.state = State::Open(opened);
                Incoming::Ended
            }
            Err(ReceiveError::Failed(error)) => {
                self.lost(&error, Told::No, cx);
                Incoming::Gone
            }
        }
    }

    fn begin_to_open(&self, told: Told, cx: &WorkerCx) -> State {
        let (again, clock, permission) = (Arc::clone(&self.again), cx.clock, cx.permission.clone());
        let work = move || {
            let source = (again.lock().unwrap_or_else(PoisonError::into_inner))()?;
            open(source, clock, &permission)
        };
        match std::thread::Builder::new().name("live-mic-open".into()).spawn(work) {
            Ok(thread) => State::Opening(thread, told),
            Err(error) => {
                tracing::warn!(%error, "no thread to open the microphone on; it is tried again");
                State::Lost { since: Instant::now() }
            }
        }
    }

    fn opened(&mut self, result: Result<Opened, CaptureError>, told: Told, cx: &WorkerCx) {
        match result {
            Ok(opened) if opened.spec == self.spec => {
                tracing::info!(device = self.info.name, "the microphone is open again");
                self.state = State::Fresh(opened);
            }
            Ok(opened) => {
                let (now, before) = (opened.spec, self.spec);
                let message = format!(
                    "it was opened with {} Hz and {} channels and now gives {} Hz and {} channels",
                    before.sample_rate, before.channels, now.sample_rate, now.channels
                );
                self.lost(&self.error(&message), told, cx);
            }
            Err(error) => self.lost(&error, told, cx),
        }
    }

    /// The stream goes on with silence.
    fn lost(&mut self, error: &CaptureError, told: Told, cx: &WorkerCx) {
        if told == Told::No {
            capture_failure(Track::Audio, self.info.kind, error, cx);
        }
        self.state = State::Lost { since: Instant::now() };
    }

    fn error(&self, message: &str) -> CaptureError {
        CaptureError::new(CaptureErrorKind::Failed, self.info.name.as_str(), message)
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        if let State::Opening(thread, _) = std::mem::replace(&mut self.state, State::Closed) {
            // The device must not stay open behind the session's back: what was opened is closed here.
            let _ = thread.join();
        }
    }
}
