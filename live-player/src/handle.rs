//! The handle that any thread may hold and use.

#[cfg(feature = "window")]
mod full_screen;
mod playing;

use crate::builder::Blueprint;
use crate::codes::Failure;
use crate::session;
use crate::shared::{Shared, lock};
use live_core::event::{EventStream, PlayerEvent};
use live_core::net_status::NetStatus;
use live_core::state::SessionState;
use std::fmt;
use std::sync::{Arc, Mutex};
use tokio::runtime::Handle;
use tokio::sync::watch;

/// Controls a [`LivePlayer`](crate::LivePlayer) from anywhere: cheap to clone, legal from any thread, never blocking.
///
/// # What each command does in each state
/// | command | Idle, Stopped, Failed | Opening, Running | Paused | Stopping |
/// |---|---|---|---|---|
/// | [`start`](Self::start), [`play`](Self::play) | → Opening | `false` | `false` | `false` |
/// | [`stop`](Self::stop) | returns at once | → Stopping → Stopped | → Stopping → Stopped | waits |
/// | [`pause`](Self::pause) | `false` | → Paused | `false` | `false` |
/// | [`resume`](Self::resume) | `false` | `false` | → Running; → Opening before there was a picture | `false` |
/// | [`snapshot`](Self::snapshot) | the last picture, if there was one | the picture on the screen | as Running | as Running |
/// | setters (`set_…`) | kept for the next session | at once | at once | no effect |
///
/// Handles do not keep a session alive: when the [`LivePlayer`](crate::LivePlayer) is dropped its session ends, and
/// the methods of its handles do nothing from then on.
#[derive(Clone)]
pub struct LivePlayerHandle {
    inner: Arc<Inner>,
}

struct Inner {
    shared: Arc<Shared>,
    blueprint: Arc<Mutex<Blueprint>>,
    current: Mutex<Current>,
    runtime: Handle,
    #[cfg(feature = "window")]
    window: std::sync::OnceLock<crate::sink::window::Window>,
}

/// How the session of the moment is ended.
#[derive(Default)]
struct Current {
    stop: watch::Sender<bool>,
    owner_is_gone: bool,
}

/// Ends a session once: with its result, or as failed when its task goes away without one, because its runtime was
/// shut down or it panicked.
struct Ending(Option<Arc<Shared>>);

impl Ending {
    /// From here on another session may begin, which this one's end must not touch.
    fn finish(mut self, result: Result<(), Failure>) {
        if let Some(shared) = self.0.take() {
            shared.finish(result);
        }
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        if let Some(shared) = self.0.take() {
            shared.finish(Err(Failure::uncoded("the session's task was ended from outside")));
        }
    }
}

impl LivePlayerHandle {
    pub(crate) fn new(shared: Arc<Shared>, blueprint: Blueprint, runtime: Handle) -> Self {
        let blueprint = Arc::new(Mutex::new(blueprint));
        Self {
            inner: Arc::new(Inner {
                shared,
                blueprint,
                current: Mutex::default(),
                runtime,
                #[cfg(feature = "window")]
                window: std::sync::OnceLock::new(),
            }),
        }
    }

    /// Ends the session without waiting; no other one begins.
    pub(crate) fn owner_goes(&self) {
        let mut current = lock(&self.inner.current);
        current.owner_is_gone = true;
        current.stop.send_replace(true);
    }

    pub(crate) fn watch_state(&self) -> watch::Receiver<SessionState> {
        self.inner.shared.watch_state()
    }

    /// Makes the sinks, connects and plays. Returns at once; what happens comes as events.
    ///
    /// `false`, and nothing happens, when a session is active already, or when the [`LivePlayer`](crate::LivePlayer) was
    /// dropped.
    pub fn start(&self) -> bool {
        // Held over the step, so that a stop from elsewhere meets either no session or this one.
        let mut current = lock(&self.inner.current);
        if current.owner_is_gone || !self.inner.shared.begin() {
            return false;
        }
        current.stop = watch::Sender::new(false);
        let session = session::run(
            Arc::clone(&self.inner.blueprint),
            Arc::clone(&self.inner.shared),
            current.stop.subscribe(),
        );
        let ending = Ending(Some(Arc::clone(&self.inner.shared)));
        self.inner.runtime.spawn(async move { ending.finish(session.await) });
        true
    }

    /// The specification's name of [`start`](Self::start).
    pub fn play(&self) -> bool {
        self.start()
    }

    /// Ends the session: the server is told, sinks and recordings are finished.
    ///
    /// Returns when no thread, task, file or connection is left. Returns at once when no session is active.
    pub async fn stop(&self) {
        lock(&self.inner.current).stop.send_replace(true);
        let _ = self.finished().await;
    }

    /// Waits until the session has ended, and says why when it ended before its time.
    ///
    /// Returns at once when no session is active; the reason is that of the last one. Cancel-safe.
    ///
    /// # Errors
    /// The failure that ended the session.
    pub async fn finished(&self) -> Result<(), Failure> {
        let mut state = self.watch_state();
        // The sender lives as long as `self`.
        let _ = state.wait_for(|state| !state.is_active()).await;
        self.inner.shared.failure().map_or(Ok(()), Err)
    }

    /// The events from now on. Subscribe before [`start`](Self::start) to miss none.
    #[must_use]
    pub fn events(&self) -> EventStream<PlayerEvent> {
        self.inner.shared.events.subscribe()
    }

    /// How the session is doing; measured once a second.
    #[must_use]
    pub fn net_status(&self) -> NetStatus {
        self.inner.shared.status()
    }

    /// The net status as a stream: `changed().await`, once a second while a session is active.
    #[must_use]
    pub fn net_status_stream(&self) -> watch::Receiver<NetStatus> {
        self.inner.shared.watch_status()
    }

    /// Where the session is in its life.
    #[must_use]
    pub fn state(&self) -> SessionState {
        self.inner.shared.state()
    }

    /// How long the picture on the screen took from capture to presentation, in microseconds, when the publisher stamps
    /// its pictures with the wall clock (`Builder::wall_clock` of live-pusher). As exact as the two clocks agree: negative
    /// when they do not.
    #[must_use]
    pub fn latency_micros(&self) -> Option<i64> {
        self.inner.shared.latency_micros()
    }
}

impl fmt::Debug for LivePlayerHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LivePlayerHandle").field("state", &self.state()).finish_non_exhaustive()
    }
}
