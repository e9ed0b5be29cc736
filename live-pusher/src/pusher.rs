//! The owner of a pusher's sessions.

use crate::builder::Builder;
use crate::handle::LivePusherHandle;
use std::fmt;
use std::ops::Deref;
use std::time::Duration;
use tokio::runtime::{Handle, Runtime};

/// How long a dropped pusher's session may take to end.
const REAP: Duration = Duration::from_secs(15);

/// Encodes pictures and sound and publishes them.
///
/// Made by [`LivePusher::builder`]. Everything it can do is a method of its [`LivePusherHandle`], which it reads as and
/// which [`handle`](Self::handle) clones for other threads. Methods never block; the ones that wait are `async` and run
/// on any executor. After the session has ended, by [`stop`](LivePusherHandle::stop), by the end of its media or by a
/// failure, [`start`](LivePusherHandle::start) begins a new one. Dropping the pusher ends its session without waiting
/// for what is queued.
pub struct LivePusher {
    handle: LivePusherHandle,
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
    /// The runtime given, else the current one, else a new one.
    pub(crate) fn choose(given: Option<Handle>) -> std::io::Result<Self> {
        if let Some(handle) = given.or_else(|| Handle::try_current().ok()) {
            return Ok(Self::Borrowed(handle));
        }
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        builder
            .worker_threads(1)
            .thread_name("live-pusher")
            .enable_all()
            .build()
            .map(|runtime| Self::Owned(Some(runtime)))
    }

    pub(crate) fn handle(&self) -> &Handle {
        match self {
            Self::Borrowed(handle) => handle,
            Self::Owned(runtime) => runtime.as_ref().expect("the runtime leaves in drop only").handle(),
        }
    }
}

impl LivePusher {
    /// Begins to describe a pusher to `url`: `rtmp://host[:port]/app/stream[?token]`, or a path ending in `.flv`.
    ///
    /// The address is parsed by [`Builder::build`], which reports every mistake at once.
    #[must_use]
    pub fn builder(url: impl Into<String>) -> Builder {
        Builder::new(url.into())
    }

    pub(crate) fn new(handle: LivePusherHandle, runtime: Runtimes) -> Self {
        Self { handle, runtime }
    }

    /// A handle for other threads and tasks.
    #[must_use]
    pub fn handle(&self) -> LivePusherHandle {
        self.handle.clone()
    }
}

impl Deref for LivePusher {
    type Target = LivePusherHandle;

    fn deref(&self) -> &LivePusherHandle {
        &self.handle
    }
}

impl Drop for LivePusher {
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
                tracing::warn!("a dropped pusher's session did not end within {REAP:?}");
            }
            runtime.shutdown_background();
        };
        // Without a thread to wait on, the runtime's own drop ends the session abruptly.
        let _ = std::thread::Builder::new().name("live-reaper".into()).spawn(reap);
    }
}

impl fmt::Debug for LivePusher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LivePusher").field("state", &self.state()).finish_non_exhaustive()
    }
}
