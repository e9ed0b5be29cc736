//! The threads of a session.

pub(crate) mod audio;
pub(crate) mod video;

use crate::codes::Failure;
use crate::decoded::DecodedQueue;
use crate::media_queue::MediaQueue;
use crate::shared::Shared;
use live_core::{Registry, Selection};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long a thread that was told to end may take before it is given up.
const REAP: Duration = Duration::from_secs(10);

/// What a decoder's thread works with.
pub(crate) struct DecoderCx<T> {
    pub(crate) shared: Arc<Shared>,
    pub(crate) registry: Arc<Registry>,
    pub(crate) selection: Selection,
    pub(crate) packets: MediaQueue,
    pub(crate) decoded: DecodedQueue<T>,
}

/// A thread of a session. It is told to end by closing the queues it works on.
pub(crate) struct Worker {
    thread: Option<JoinHandle<()>>,
    exit: tokio::sync::oneshot::Receiver<()>,
}

impl Worker {
    /// Runs `work` on a thread of its own.
    pub(crate) fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<Self, Failure> {
        let (report, exit) = tokio::sync::oneshot::channel();
        let spawned = std::thread::Builder::new().name(name.to_owned()).spawn(move || {
            work();
            // A receiver that is gone has stopped caring.
            let _ = report.send(());
        });
        let failed = |error| Failure::uncoded(format!("cannot start the thread {name}: {error}"));
        Ok(Self { thread: Some(spawned.map_err(failed)?), exit })
    }

    /// Waits until the thread has ended; an error when it panicked. Cancel-safe.
    pub(crate) async fn finished(&mut self) -> Result<(), Failure> {
        let Some(thread) = &self.thread else { return Ok(()) };
        let name = thread.thread().name().unwrap_or_default().to_owned();
        let result = (&mut self.exit).await;
        if let Some(thread) = self.thread.take() {
            // The thread has sent its report, or dropped it in a panic: it ends now.
            let _ = thread.join();
        }
        result
            .map_err(|_| Failure::uncoded(format!("the thread {name} panicked; please report this as a bug")))
    }
}

impl Drop for Worker {
    /// Hands a thread that still runs to a reaper, so that whoever drops never waits.
    fn drop(&mut self) {
        let Some(thread) = self.thread.take() else { return };
        let reap = move || {
            let deadline = Instant::now() + REAP;
            while !thread.is_finished() && Instant::now() < deadline {
                std::thread::sleep(Duration::from_millis(5));
            }
            if !thread.is_finished() {
                let name = thread.thread().name().unwrap_or_default();
                tracing::warn!(thread = name, "did not end within {REAP:?} and is left alone");
            }
        };
        // Without a reaper the thread ends unobserved.
        let _ = std::thread::Builder::new().name("live-play-reap".into()).spawn(reap);
    }
}
