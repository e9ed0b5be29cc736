//! The cameras of a session: which there are, and the thread that opens and closes them.

use super::FRAME_QUEUE;
use crate::handle::ControlError;
use crate::pipeline::access::Permission;
use live_core::config::DevicePosition;
use live_core::queue::{FrameReceiver, frame_queue};
use live_core::{
    CameraControls, CaptureError, CaptureErrorKind, CaptureGuard, SessionClock, SourceInfo, SourceKind,
    VideoFrame, VideoSource,
};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

/// Makes a source, each time it is opened.
type Maker = Arc<Mutex<dyn FnMut() -> Result<Box<dyn VideoSource>, CaptureError> + Send>>;

/// Where pictures can come from: one source for whatever position, or one for each.
#[derive(Clone, Default)]
pub(crate) struct Cameras {
    any: Option<Maker>,
    front: Option<Maker>,
    back: Option<Maker>,
    /// What their autofocus is set to.
    auto_focus: bool,
}

impl Cameras {
    /// Pictures come from what `make` makes; `None`: whatever position is asked for and has no source of its own.
    pub(crate) fn set(
        &mut self,
        position: Option<DevicePosition>,
        make: impl FnMut() -> Result<Box<dyn VideoSource>, CaptureError> + Send + 'static,
    ) {
        let place = match position {
            None => &mut self.any,
            Some(DevicePosition::Front) => &mut self.front,
            Some(DevicePosition::Back) => &mut self.back,
        };
        *place = Some(Arc::new(Mutex::new(make)));
    }

    /// The same, with their autofocus set to `on`.
    pub(crate) fn focused(&self, on: bool) -> Self {
        Self { auto_focus: on, ..self.clone() }
    }

    fn at(&self, position: DevicePosition) -> Option<&Maker> {
        let own = match position {
            DevicePosition::Front => &self.front,
            DevicePosition::Back => &self.back,
        };
        own.as_ref().or(self.any.as_ref())
    }

    /// Whether there is no source at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.any.is_none() && self.front.is_none() && self.back.is_none()
    }

    /// Where a session begins: at `wanted`, or at the other position when nothing is there.
    pub(crate) fn first(&self, wanted: DevicePosition) -> DevicePosition {
        if self.at(wanted).is_some() { wanted } else { other(wanted) }
    }

    /// The position to switch to; `None` when the same source serves both.
    fn beside(&self, position: DevicePosition) -> Option<DevicePosition> {
        let there = other(position);
        match (self.at(position), self.at(there)) {
            (Some(here), Some(beside)) if !Arc::ptr_eq(here, beside) => Some(there),
            _ => None,
        }
    }

    /// Makes the source and starts it. Blocks for as long as that takes.
    fn open(&self, position: DevicePosition, opening: &Opening) -> Result<OpenCamera, Refusal> {
        let nothing =
            || CaptureError::new(CaptureErrorKind::NotFound, position.as_str(), "no source was given");
        let make = self.at(position).ok_or_else(nothing)?;
        let mut source = (*make.lock().unwrap_or_else(PoisonError::into_inner))()?;
        if let Err(error) = source.set_auto_focus(self.auto_focus) {
            tracing::info!(%error, "auto-focus has no effect");
        }
        let info = source.info();
        let controls = source.controls();
        let (sender, frames) = frame_queue(FRAME_QUEUE);
        let started = opening.permission.check(&info).and_then(|()| source.start(opening.clock, sender));
        let guard = started.map_err(|error| Refusal { kind: info.kind, error })?;
        Ok(OpenCamera { position, info, frames, controls, torch: false, _guard: guard })
    }
}

const fn other(position: DevicePosition) -> DevicePosition {
    match position {
        DevicePosition::Front => DevicePosition::Back,
        DevicePosition::Back => DevicePosition::Front,
    }
}

/// What opening a camera needs to know.
#[derive(Clone)]
pub(crate) struct Opening {
    pub(crate) clock: SessionClock,
    pub(crate) permission: Permission,
}

/// Why a source is not open.
pub(crate) struct Refusal {
    pub(crate) kind: SourceKind,
    pub(crate) error: CaptureError,
}

impl From<CaptureError> for Refusal {
    /// Of a source that could not even be made.
    fn from(error: CaptureError) -> Self {
        Self { kind: SourceKind::Camera, error }
    }
}

/// A camera that streams, until it is dropped.
pub(crate) struct OpenCamera {
    pub(crate) position: DevicePosition,
    pub(crate) info: SourceInfo,
    pub(crate) frames: FrameReceiver<VideoFrame>,
    /// What the device can do besides, where it can do anything.
    controls: Option<Arc<dyn CameraControls>>,
    torch: bool,
    _guard: CaptureGuard,
}

/// Something that happened to the camera.
pub(crate) enum Change {
    /// It streams.
    Opened(SourceInfo),
    /// It cannot be opened.
    Refused(Refusal),
}

/// One camera at a time, opened and closed on a thread of its own: neither holds up the stream.
///
/// A camera is free before the next one opens, and before the drop returns.
pub(crate) struct Camera {
    state: State,
    /// The position that is to be open.
    wanted: Option<DevicePosition>,
    /// Lost by cameras that are closed.
    dropped: u64,
    cameras: Cameras,
    thread: DeviceThread,
}

enum State {
    Closed,
    Opening(DevicePosition),
    Open(OpenCamera),
}

enum Job {
    Open(DevicePosition),
    Close(OpenCamera),
}

struct DeviceThread {
    /// `None` in the drop.
    jobs: Option<SyncSender<Job>>,
    results: Receiver<Result<OpenCamera, Refusal>>,
    thread: Option<JoinHandle<()>>,
}

impl Camera {
    /// Opens nothing yet, or goes on with one that is `open`.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(crate) fn new(cameras: Cameras, opening: Opening, open: Option<OpenCamera>) -> std::io::Result<Self> {
        let wanted = open.as_ref().map(|open| open.position);
        let state = open.map_or(State::Closed, State::Open);
        let thread = DeviceThread::spawn(cameras.clone(), opening)?;
        Ok(Self { state, wanted, dropped: 0, cameras, thread })
    }

    /// The position to switch to; `None` when there is no other camera.
    pub(crate) fn beside(&self, position: DevicePosition) -> Option<DevicePosition> {
        self.cameras.beside(position)
    }

    /// Which position is to be open; `None`: closed. Takes effect with the next [`poll`](Self::poll).
    pub(crate) fn want(&mut self, position: Option<DevicePosition>) {
        self.wanted = position;
    }

    /// Moves towards what is wanted. Never waits for the device.
    pub(crate) fn poll(&mut self) -> Option<Change> {
        let mut change = None;
        if let State::Opening(position) = self.state
            && let Some(result) = self.thread.result()
        {
            match result {
                Ok(open) if self.wanted == Some(position) => {
                    change = Some(Change::Opened(open.info.clone()));
                    self.state = State::Open(open);
                }
                Ok(open) => self.close(open),
                Err(refusal) => {
                    self.state = State::Closed;
                    if self.wanted == Some(position) {
                        self.wanted = None;
                        change = Some(Change::Refused(refusal));
                    }
                }
            }
        }
        if let State::Open(open) = &self.state
            && self.wanted != Some(open.position)
            && let State::Open(open) = std::mem::replace(&mut self.state, State::Closed)
        {
            self.close(open);
        }
        if let (State::Closed, Some(position)) = (&self.state, self.wanted) {
            self.job(Job::Open(position));
            self.state = State::Opening(position);
        }
        change
    }

    /// The camera, when it streams.
    pub(crate) fn open(&self) -> Option<&OpenCamera> {
        match &self.state {
            State::Open(open) => Some(open),
            _ => None,
        }
    }

    /// The camera, left open.
    pub(crate) fn into_open(self) -> Option<OpenCamera> {
        match self.state {
            State::Open(open) => Some(open),
            _ => None,
        }
    }

    /// Switches the lamp beside the camera on or off, and says which.
    pub(crate) fn toggle_torch(&mut self) -> Result<bool, ControlError> {
        let State::Open(open) = &mut self.state else {
            return Err(ControlError::Failed("the camera is closed now".to_owned()));
        };
        let Some(controls) = &open.controls else {
            return Err(ControlError::Unsupported(format!("{} has no torch", open.info.name)));
        };
        controls.set_torch(!open.torch).map_err(|error| match error.kind {
            CaptureErrorKind::Unsupported => ControlError::Unsupported(error.to_string()),
            _ => ControlError::Failed(error.to_string()),
        })?;
        open.torch = !open.torch;
        Ok(open.torch)
    }

    /// Whether a result is waited for.
    pub(crate) fn is_opening(&self) -> bool {
        matches!(self.state, State::Opening(_))
    }

    /// Pictures lost so far because they were not taken in time.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped + self.open().map_or(0, |open| open.frames.dropped())
    }

    fn close(&mut self, open: OpenCamera) {
        self.state = State::Closed;
        self.dropped += open.frames.dropped();
        self.job(Job::Close(open));
    }

    fn job(&self, job: Job) {
        // At most a close and an open wait; a thread that is gone has dropped what it had.
        if let Some(jobs) = &self.thread.jobs {
            let _ = jobs.send(job);
        }
    }
}

impl DeviceThread {
    fn spawn(cameras: Cameras, opening: Opening) -> std::io::Result<Self> {
        let (jobs, orders) = sync_channel(4);
        let (report, results) = sync_channel(4);
        let work = move || {
            for job in orders {
                match job {
                    Job::Open(position) => {
                        if report.send(cameras.open(position, &opening)).is_err() {
                            return;
                        }
                    }
                    Job::Close(open) => drop(open),
                }
            }
        };
        let thread = std::thread::Builder::new().name("live-camera".into()).spawn(work)?;
        Ok(Self { jobs: Some(jobs), results, thread: Some(thread) })
    }

    fn result(&self) -> Option<Result<OpenCamera, Refusal>> {
        match self.results.try_recv() {
            Ok(result) => Some(result),
            Err(TryRecvError::Empty) => None,
            // The application's factory or source panicked.
            Err(TryRecvError::Disconnected) => {
                let message = "opening it panicked";
                Some(Err(CaptureError::new(CaptureErrorKind::Failed, "camera", message).into()))
            }
        }
    }
}

impl Drop for DeviceThread {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            // A panic has been told as a failure to open.
            let _ = thread.join();
        }
    }
}
