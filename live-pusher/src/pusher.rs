//! The handle an application holds.

use crate::builder::{Blueprint, Builder};
use crate::codes::Failure;
use crate::pipeline::Controls;
use crate::session;
use live_core::PusherCode;
use live_core::event::{EventSender, EventStream, PusherEvent};
use live_core::net_status::NetStatus;
use live_core::state::{SessionState, Step};
use std::fmt;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::runtime::{Handle, Runtime};
use tokio::sync::watch;

/// How long a dropped pusher's session may take to end.
const REAP: Duration = Duration::from_secs(15);

/// Encodes pictures and sound and publishes them.
///
/// Made by [`LivePusher::builder`]. Methods never block; the ones that wait are `async` and run on any executor. After
/// the session has ended, by [`stop`](Self::stop), by the end of its media or by a failure, [`start`](Self::start)
/// begins a new one. Dropping the pusher ends its session without waiting for what is queued.
pub struct LivePusher {
    shared: Arc<Shared>,
    blueprint: Arc<Mutex<Blueprint>>,
    stop: Mutex<watch::Sender<bool>>,
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

    fn handle(&self) -> &Handle {
        match self {
            Self::Borrowed(handle) => handle,
            Self::Owned(runtime) => runtime.as_ref().expect("the runtime leaves in drop only").handle(),
        }
    }
}

/// What the handle and the running session share.
pub(crate) struct Shared {
    pub(crate) events: EventSender<PusherEvent>,
    pub(crate) controls: Arc<Controls>,
    state: watch::Sender<SessionState>,
    status: watch::Sender<NetStatus>,
    failure: Mutex<Option<Failure>>,
}

impl Shared {
    pub(crate) fn new(controls: Arc<Controls>) -> Self {
        Self {
            events: EventSender::new(),
            controls,
            state: watch::Sender::new(SessionState::Idle),
            status: watch::Sender::new(NetStatus::default()),
            failure: Mutex::new(None),
        }
    }

    /// Takes a step of the session's life; `false` when it means nothing in the present state.
    pub(crate) fn step(&self, step: Step) -> bool {
        self.state.send_if_modified(|state| match state.after(step) {
            Some(next) => {
                *state = next;
                true
            }
            None => false,
        })
    }

    pub(crate) fn set_status(&self, status: NetStatus) {
        self.status.send_replace(status);
    }

    pub(crate) fn state_event(&self, code: PusherCode, detail: &str) {
        self.events.send(PusherEvent::State { code, detail: detail.to_owned() });
    }

    /// Ends the session. A connection that was given up is told last of all, as the specification has it, and before
    /// anybody can see that a new session may start.
    pub(crate) fn finish(&self, result: Result<(), Failure>) {
        let step = if result.is_ok() { Step::Ended } else { Step::Failed };
        let failure = result.err();
        lock(&self.failure).clone_from(&failure);
        self.state.send_if_modified(|state| {
            let Some(next) = state.after(step) else { return false };
            if let Some(Failure { code: Some(code @ PusherCode::RetriesExhausted), message }) = &failure {
                self.state_event(*code, message);
            }
            *state = next;
            true
        });
    }
}

/// Ends a session whose task went away without doing so: its runtime was shut down, or it panicked.
struct Unfinished(Arc<Shared>);

impl Drop for Unfinished {
    fn drop(&mut self) {
        // Means nothing after the session has ended by itself.
        if self.0.state.borrow().is_active() {
            self.0.finish(Err(Failure::internal("the session's task was ended from outside".into())));
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

    pub(crate) fn new(shared: Arc<Shared>, blueprint: Blueprint, runtime: Runtimes) -> Self {
        Self { shared, blueprint: Arc::new(Mutex::new(blueprint)), stop: Mutex::default(), runtime }
    }

    /// Opens the sources and the connection and pushes. Returns at once; what happens comes as events.
    ///
    /// `false`, and nothing happens, when a session is active already.
    pub fn start(&self) -> bool {
        // Held over the step, so that a stop from elsewhere meets either no session or this one.
        let mut current = lock(&self.stop);
        if !self.shared.step(Step::Start) {
            return false;
        }
        let stop = watch::Sender::new(false);
        let session = session::run(Arc::clone(&self.blueprint), Arc::clone(&self.shared), stop.subscribe());
        *current = stop;
        let unfinished = Unfinished(Arc::clone(&self.shared));
        self.runtime.handle().spawn(async move {
            let _unfinished = unfinished;
            session.await;
        });
        true
    }

    /// Ends the session: sources close, what is queued is sent (for at most 5 s), the server is told.
    ///
    /// Returns when no thread, task, device or connection is left. Returns at once when no session is active.
    pub async fn stop(&self) {
        lock(&self.stop).send_replace(true);
        let _ = self.finished().await;
    }

    /// Waits until the session has ended, and says why when it ended before its time.
    ///
    /// Returns at once when no session is active; the reason is that of the last one.
    ///
    /// # Errors
    /// The failure that ended the session.
    pub async fn finished(&self) -> Result<(), Failure> {
        let mut state = self.shared.state.subscribe();
        // The sender lives as long as `self`.
        let _ = state.wait_for(|state| !state.is_active()).await;
        match lock(&self.shared.failure).clone() {
            Some(failure) => Err(failure),
            None => Ok(()),
        }
    }

    /// The events from now on. Subscribe before [`start`](Self::start) to miss none.
    #[must_use]
    pub fn events(&self) -> EventStream<PusherEvent> {
        self.shared.events.subscribe()
    }

    /// How the session is doing; measured once a second.
    #[must_use]
    pub fn net_status(&self) -> NetStatus {
        *self.shared.status.borrow()
    }

    /// The net status as a stream: `changed().await`, once a second while a session is active.
    #[must_use]
    pub fn net_status_stream(&self) -> watch::Receiver<NetStatus> {
        self.shared.status.subscribe()
    }

    /// Where the session is in its life.
    #[must_use]
    pub fn state(&self) -> SessionState {
        *self.shared.state.borrow()
    }

    /// Encodes silence in place of the sound, from the next 20 ms on, or the sound again. The audio track goes on.
    pub fn set_muted(&self, muted: bool) {
        self.shared.controls.muted.store(muted, Relaxed);
    }

    /// Whether silence is encoded in place of the sound.
    #[must_use]
    pub fn is_muted(&self) -> bool {
        self.shared.controls.muted.load(Relaxed)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for LivePusher {
    fn drop(&mut self) {
        // Dropping the sender would do as well; this also reaches a session that is only about to look.
        lock(&self.stop).send_replace(true);
        let Runtimes::Owned(runtime) = &mut self.runtime else { return };
        let (Some(runtime), mut state) = (runtime.take(), self.shared.state.subscribe()) else { return };
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
