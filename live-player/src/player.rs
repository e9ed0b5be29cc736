//! The owner of a player's sessions.

use crate::builder::Builder;
use crate::handle::LivePlayerHandle;
use std::fmt;
use std::io;
use std::ops::Deref;
use std::time::Duration;
use tokio::runtime::{Handle, Runtime};

/// How long a dropped player's session may take to end.
const REAP: Duration = Duration::from_secs(15);

/// Receives a stream, decodes it, and gives pictures and sound to sinks, in time.
///
/// Made by [`LivePlayer::builder`]. Everything it can do is a method of its [`LivePlayerHandle`], which it reads as and
/// which [`handle`](Self::handle) clones for other threads. Methods never block; the ones that wait are `async` and run
/// on any executor. After the session has ended, by [`stop`](LivePlayerHandle::stop), by the end of the stream or by a
/// failure, [`start`](LivePlayerHandle::start) begins a new one with new sinks. Dropping the player ends its session
/// without waiting.
pub struct LivePlayer {
    handle: LivePlayerHandle,
    runtime: Runtimes,
}

/// Where the session's task runs.
pub(crate) enum Runtimes {
    /// The application's runtime.
    Borrowed(Handle),
    /// A runtime of one thread, made because there was none.
    Owned(Option<Runtime>),
}

impl Runtimes {
    /// The runtime given, else the current one, else one of its own.
    pub(crate) fn choose(given: Option<Handle>) -> io::Result<Self> {
        if let Some(handle) = given.or_else(|| Handle::try_current().ok()) {
            return Ok(Self::Borrowed(handle));
        }
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let runtime = builder.worker_threads(1).thread_name("live-play-net").enable_all().build()?;
        Ok(Self::Owned(Some(runtime)))
    }

    pub(crate) fn handle(&self) -> &Handle {
        match self {
            Self::Borrowed(handle) => handle,
            Self::Owned(runtime) => runtime.as_ref().expect("the runtime leaves in drop only").handle(),
        }
    }
}

impl LivePlayer {
    /// Begins to describe a player of `src`: `rtmp://host[:port]/app/stream[?token]`, `http://` or
    /// `ws://host/path.flv`, with `tls` also `rtmps://`, `https://` and `wss://`, or an FLV or MP4 file.
    ///
    /// The address is parsed by [`Builder::build`], which reports every mistake at once.
    #[must_use]
    pub fn builder(src: impl Into<String>) -> Builder {
        Builder::new(src.into())
    }

    pub(crate) fn new(handle: LivePlayerHandle, runtime: Runtimes) -> Self {
        Self { handle, runtime }
    }

    /// A handle for other threads and tasks.
    #[must_use]
    pub fn handle(&self) -> LivePlayerHandle {
        self.handle.clone()
    }
}

impl Deref for LivePlayer {
    type Target = LivePlayerHandle;

    fn deref(&self) -> &LivePlayerHandle {
        &self.handle
    }
}

impl Drop for LivePlayer {
    fn drop(&mut self) {
        self.handle.owner_goes();
        let Runtimes::Owned(runtime) = &mut self.runtime else { return };
        let (Some(runtime), mut state) = (runtime.take(), self.handle.watch_state()) else { return };
        if !state.borrow().is_active() {
            runtime.shutdown_background();
            return;
        }
        let reap = move || {
            let ended = async {
                tokio::time::timeout(REAP, state.wait_for(|state| !state.is_active())).await.is_ok()
            };
            if !runtime.block_on(ended) {
                tracing::warn!("a dropped player's session did not end within {REAP:?}");
            }
            runtime.shutdown_background();
        };
        // Without a thread to wait on, the runtime's own drop ends the session abruptly.
        let _ = std::thread::Builder::new().name("live-play-reap".into()).spawn(reap);
    }
}

impl fmt::Debug for LivePlayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LivePlayer").field("state", &self.state()).finish_non_exhaustive()
    }
}
