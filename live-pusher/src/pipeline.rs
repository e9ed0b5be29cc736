//! From sources to the packet queue: one worker thread per codec.

pub(crate) mod access;
pub(crate) mod audio;
pub(crate) mod background;
mod frame_rate;
pub(crate) mod messages;
pub(crate) mod orders;
mod preroll;
pub(crate) mod retarget;
#[cfg(test)]
mod simulation;
pub(crate) mod sound;
pub(crate) mod stats;
pub(crate) mod video;
pub(crate) mod writer;

use crate::codes::Failure;
use live_core::event::{EventSender, PusherEvent};
use live_core::{PusherCode, PusherErrorCode, Registry, SessionClock};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::JoinHandle;

/// What every worker of a session shares.
#[derive(Clone)]
pub(crate) struct WorkerCx {
    pub(crate) clock: SessionClock,
    pub(crate) events: EventSender<PusherEvent>,
    pub(crate) registry: Arc<Registry>,
    pub(crate) writer: writer::StreamWriter,
    pub(crate) stats: Arc<stats::PipelineStats>,
    pub(crate) controls: Arc<Controls>,
    pub(crate) permission: access::Permission,
    /// Whether the session has sound, which may go on when the picture does not.
    pub(crate) has_sound: bool,
    pub(crate) stop: StopFlag,
}

impl WorkerCx {
    pub(crate) fn state(&self, code: PusherCode, detail: impl Into<String>) {
        self.events.send(PusherEvent::State { code, detail: detail.into() });
    }

    pub(crate) fn error(&self, code: PusherErrorCode, detail: impl Into<String>) {
        self.events.send(PusherEvent::Error { code, detail: detail.into() });
    }
}

/// What the application changes while the workers run.
#[derive(Debug, Default)]
pub(crate) struct Controls {
    /// What the bitrate controller wants of the video encoder.
    pub(crate) encode: retarget::Retarget,
    pub(crate) muted: AtomicBool,
    /// Encoded input is passed on as it is: nothing can stand in for it.
    pub(crate) copies: AtomicBool,
    /// The application is in the background: the camera is closed and the waiting image is sent.
    pub(crate) background: AtomicBool,
    pub(crate) video: orders::Orders<video::VideoOrder>,
    /// Whether the preview's sink gets pictures.
    pub(crate) preview: AtomicBool,
    /// Application messages for the next pictures.
    pub(crate) messages: orders::Orders<bytes::Bytes>,
    pub(crate) picture: video::picture::PictureControls,
    /// Whether the microphone is closed in the background.
    pub(crate) background_mute: AtomicBool,
    /// The microphone is closed, and silence is encoded, until it is cleared.
    pub(crate) mic_closed: AtomicBool,
    pub(crate) sound: sound::controls::SoundControls,
}

impl Controls {
    /// From now on what is asked of a session's pictures is taken.
    pub(crate) fn attend(&self) -> Desks {
        Desks { orders: self.video.attend(), messages: self.messages.attend() }
    }

    /// Into the background, or back.
    pub(crate) fn set_background(&self, background: bool) {
        self.background.store(background, Relaxed);
        self.mic_closed.store(background && self.background_mute.load(Relaxed), Relaxed);
    }
}

/// Where the commands to a session with a picture come in.
pub(crate) struct Desks {
    pub(crate) orders: orders::Desk<video::VideoOrder>,
    pub(crate) messages: orders::Desk<bytes::Bytes>,
}

/// Tells the workers of a session to finish. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct StopFlag(Arc<AtomicBool>);

impl StopFlag {
    pub(crate) fn set(&self) {
        self.0.store(true, Relaxed);
    }

    pub(crate) fn is_set(&self) -> bool {
        self.0.load(Relaxed)
    }
}

/// A worker thread. Dropping it tells the thread to finish, without waiting.
pub(crate) struct Worker {
    thread: Option<JoinHandle<()>>,
    stop: StopFlag,
    exit: tokio::sync::oneshot::Receiver<Result<(), Failure>>,
}

impl Worker {
    /// Runs `work` on a thread of its own. A panic of `work` is reported as a failure.
    pub(crate) fn spawn(
        name: &str,
        stop: StopFlag,
        work: impl FnOnce() -> Result<(), Failure> + Send + 'static,
    ) -> Result<Self, Failure> {
        let (report, exit) = tokio::sync::oneshot::channel();
        let thread = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || {
                // A receiver that is gone has stopped caring.
                let _ = report.send(work());
            })
            .map_err(|error| Failure::internal(format!("cannot start the thread {name}: {error}")))?;
        Ok(Self { thread: Some(thread), stop, exit })
    }

    /// Waits until the worker has finished. Cancel-safe.
    pub(crate) async fn finished(&mut self) -> Result<(), Failure> {
        let result = (&mut self.exit).await;
        if let Some(thread) = self.thread.take() {
            // The thread has sent its report, or dropped it in a panic: it ends now.
            let _ = thread.join();
        }
        result.unwrap_or_else(|_| {
            Err(Failure::internal("a worker thread panicked; please report this as a bug".into()))
        })
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.stop.set();
    }
}
