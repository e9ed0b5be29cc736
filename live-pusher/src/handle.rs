//! The handle that any thread may hold and use.

mod background;
mod camera;
mod messages;
mod outputs;
mod picture;
mod preview;
mod snapshot;
pub(crate) mod sound;

pub use camera::ControlError;
pub use messages::MessageError;
pub use snapshot::Snapshot;

use crate::builder::Blueprint;
use crate::codes::Failure;
use crate::output::destinations::Destinations;
use crate::pipeline::Controls;
use crate::preview::{Handover, Viewfinder};
use crate::session;
use live_core::PusherCode;
use live_core::event::{EventSender, EventStream, PusherEvent};
use live_core::net_status::NetStatus;
use live_core::state::{SessionState, Step};
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Controls a [`LivePusher`](crate::LivePusher) from anywhere: cheap to clone, legal from any thread, never blocking.
///
/// # What each command does in each state
/// | command | Idle, Stopped, Failed | Previewing | Opening, Running | Paused | Stopping |
/// |---|---|---|---|---|---|
/// | [`start`](Self::start) | → Opening | → Opening, with the open camera | `false` | `false` | `false` |
/// | [`stop`](Self::stop) | returns at once | → Stopping → Stopped | → Stopping → Stopped | → Stopping → Stopped | waits |
/// | [`pause`](Self::pause) | `false` | `false` | → Paused | `false` | `false` |
/// | [`resume`](Self::resume) | `false` | `false` | `false` | → Running; → Opening before there was a connection | `false` |
/// | [`start_preview`](Self::start_preview) | → Previewing | `false` | shows pictures; `false` when they are shown | as Running | `false` |
/// | [`stop_preview`](Self::stop_preview) | `false` | → Stopping → Stopped | hides pictures; `false` when they are hidden | as Running | `false` |
/// | [`snapshot`](Self::snapshot), [`switch_camera`](Self::switch_camera), [`toggle_torch`](Self::toggle_torch) | `NotRunning` | yes | yes | yes; a source that is closed has no picture and no torch | `NotRunning` |
/// | [`send_message`](Self::send_message) | `NotRunning` | `NotRunning` | yes | yes | `NotRunning` |
/// | setters (`set_…`) | kept for the next session | at once | at once | at once | no effect |
///
/// Handles do not keep a session alive: when the [`LivePusher`](crate::LivePusher) is dropped its session ends, and
/// the methods of its handles do nothing from then on.
#[derive(Clone)]
pub struct LivePusherHandle {
    inner: Arc<Inner>,
}

struct Inner {
    shared: Arc<Shared>,
    blueprint: Arc<Mutex<Blueprint>>,
    /// What a preview needs, when there are cameras.
    viewfinder: Option<Viewfinder>,
    stop: Mutex<Current>,
    runtime: Handle,
}

/// How the session of the moment is ended.
#[derive(Default)]
struct Current {
    stop: watch::Sender<bool>,
    owner_is_gone: bool,
    /// A preview whose camera the next session may go on with.
    preview: Option<JoinHandle<Option<Handover>>>,
}

impl Current {
    /// Ends a preview that is no session yet. Under the lock, so that no session can begin in between.
    fn stop_preview(&self, shared: &Shared) -> bool {
        let ends = shared.state() == SessionState::Previewing && shared.step(Step::Stop);
        if ends {
            self.stop.send_replace(true);
        }
        ends
    }
}

/// What the handle and the running session share.
pub(crate) struct Shared {
    pub(crate) events: EventSender<PusherEvent>,
    pub(crate) controls: Arc<Controls>,
    pub(crate) destinations: Arc<Destinations>,
    state: watch::Sender<SessionState>,
    /// Media has gone through in this session. Written under the state's lock.
    flows: AtomicBool,
    status: watch::Sender<NetStatus>,
    failure: Mutex<Option<Failure>>,
}

impl Shared {
    pub(crate) fn new(controls: Arc<Controls>, destinations: Destinations) -> Self {
        Self {
            events: EventSender::new(),
            controls,
            destinations: Arc::new(destinations),
            state: watch::Sender::new(SessionState::Idle),
            flows: AtomicBool::new(false),
            status: watch::Sender::new(NetStatus::default()),
            failure: Mutex::new(None),
        }
    }

    /// Takes a step of the session's life; `false` when it means nothing in the present state.
    pub(crate) fn step(&self, step: Step) -> bool {
        self.state.send_if_modified(|state| {
            if step == Step::MediaFlows {
                // Also while it is paused, where that is no step.
                self.flows.store(true, Relaxed);
            }
            let Some(mut next) = state.after(step) else { return false };
            if step == Step::Start {
                self.flows.store(false, Relaxed);
            }
            match step {
                Step::Preview | Step::Start | Step::Resume => self.controls.set_background(false),
                Step::Pause => self.controls.set_background(true),
                _ => {}
            }
            // Coming back while the connection stands is no new beginning.
            if step == Step::Resume && self.flows.load(Relaxed) {
                next = next.after(Step::MediaFlows).unwrap_or(next);
            }
            *state = next;
            true
        })
    }

    pub(crate) fn state(&self) -> SessionState {
        *self.state.borrow()
    }

    /// Waits until the session has been in the background for `limit` without a break.
    pub(crate) async fn in_background_for(&self, limit: Duration) {
        let mut state = self.state.subscribe();
        // The sender lives as long as `self`.
        while state.wait_for(|state| *state == SessionState::Paused).await.is_ok() {
            let back = state.wait_for(|state| *state != SessionState::Paused);
            if tokio::time::timeout(limit, back).await.is_err() {
                tracing::info!("in the background for {limit:?}: the stream ends");
                return;
            }
        }
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

impl Shared {
    /// Ends a preview, unless a session has taken it over. One that was not told to end has failed.
    pub(crate) fn finish_preview(&self, result: Result<(), Failure>) {
        self.state.send_if_modified(|state| {
            let ended = || Err(Failure::internal("the camera of the preview has ended".into()));
            let result = match *state {
                SessionState::Previewing => result.and_then(|()| ended()),
                SessionState::Stopping => Ok(()),
                _ => return false,
            };
            let step = if result.is_ok() { Step::Ended } else { Step::Failed };
            lock(&self.failure).clone_from(&result.err());
            *state = state.after(step).unwrap_or(*state);
            true
        });
    }
}

/// Ends a session or a preview once: with its result, or as failed when its task goes away without one, because its
/// runtime was shut down or it panicked.
pub(crate) struct Ending {
    shared: Option<Arc<Shared>>,
    finish: fn(&Shared, Result<(), Failure>),
}

impl Ending {
    /// `finish` takes the result.
    pub(crate) fn new(shared: &Arc<Shared>, finish: fn(&Shared, Result<(), Failure>)) -> Self {
        Self { shared: Some(Arc::clone(shared)), finish }
    }

    /// From here on another session may begin, which this one's end must not touch.
    pub(crate) fn finish(mut self, result: Result<(), Failure>) {
        if let Some(shared) = self.shared.take() {
            (self.finish)(&shared, result);
        }
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        if let Some(shared) = self.shared.take() {
            (self.finish)(&shared, Err(Failure::internal("its task was ended from outside".into())));
        }
    }
}

impl LivePusherHandle {
    pub(crate) fn new(shared: Arc<Shared>, blueprint: Blueprint, runtime: Handle) -> Self {
        let viewfinder = blueprint.viewfinder();
        let blueprint = Arc::new(Mutex::new(blueprint));
        Self { inner: Arc::new(Inner { shared, blueprint, viewfinder, stop: Mutex::default(), runtime }) }
    }

    /// Ends the session without waiting; no other one begins.
    pub(crate) fn owner_goes(&self) {
        let mut current = lock(&self.inner.stop);
        current.owner_is_gone = true;
        current.stop_preview(&self.inner.shared);
        // Dropping the sender would do as well; this also reaches a session that is only about to look.
        current.stop.send_replace(true);
    }

    pub(crate) fn watch_state(&self) -> watch::Receiver<SessionState> {
        self.inner.shared.state.subscribe()
    }

    /// Opens the sources and the connection and pushes. Returns at once; what happens comes as events. A camera that is
    /// open for the [preview](Self::start_preview) stays open.
    ///
    /// `false`, and nothing happens, when a session is active already, or when the [`LivePusher`](crate::LivePusher) was
    /// dropped.
    pub fn start(&self) -> bool {
        // Held over the step, so that a stop from elsewhere meets either no session or this one.
        let mut current = lock(&self.inner.stop);
        if current.owner_is_gone || !self.inner.shared.step(Step::Start) {
            return false;
        }
        let stop = watch::Sender::new(false);
        let session = session::run(
            Arc::clone(&self.inner.blueprint),
            Arc::clone(&self.inner.shared),
            current.preview.take(),
            self.inner.shared.controls.attend(),
            stop.subscribe(),
        );
        // A preview that loses its sender hands its camera over.
        current.stop = stop;
        let ending = Ending::new(&self.inner.shared, Shared::finish);
        self.inner.runtime.spawn(async move { ending.finish(session.await) });
        true
    }

    fn signal_stop(&self) {
        let current = lock(&self.inner.stop);
        current.stop_preview(&self.inner.shared);
        current.stop.send_replace(true);
    }

    /// Ends the session, or the preview: sources close, what is queued is sent (for at most 5 s), the server is told.
    ///
    /// Returns when no thread, task, device or connection is left. Returns at once when no session is active.
    pub async fn stop(&self) {
        self.signal_stop();
        let _ = self.finished().await;
    }

    /// Waits until the session has ended, and says why when it ended before its time.
    ///
    /// Returns at once when no session is active; the reason is that of the last one.
    ///
    /// # Errors
    /// The failure that ended the session.
    pub async fn finished(&self) -> Result<(), Failure> {
        let mut state = self.inner.shared.state.subscribe();
        // The sender lives as long as `self`.
        let _ = state.wait_for(|state| !state.is_active()).await;
        match lock(&self.inner.shared.failure).clone() {
            Some(failure) => Err(failure),
            None => Ok(()),
        }
    }

    /// The events from now on. Subscribe before [`start`](Self::start) to miss none.
    #[must_use]
    pub fn events(&self) -> EventStream<PusherEvent> {
        self.inner.shared.events.subscribe()
    }

    /// How the session is doing; measured once a second.
    #[must_use]
    pub fn net_status(&self) -> NetStatus {
        *self.inner.shared.status.borrow()
    }

    /// The net status as a stream: `changed().await`, once a second while a session is active.
    #[must_use]
    pub fn net_status_stream(&self) -> watch::Receiver<NetStatus> {
        self.inner.shared.status.subscribe()
    }

    /// Where the session is in its life.
    #[must_use]
    pub fn state(&self) -> SessionState {
        *self.inner.shared.state.borrow()
    }

    /// Encodes silence in place of the sound, from the next 20 ms on, or the sound again. The audio track goes on.
    pub fn set_muted(&self, muted: bool) {
        self.inner.shared.controls.muted.store(muted, Relaxed);
    }

    /// Whether silence is encoded in place of the sound.
    #[must_use]
    pub fn is_muted(&self) -> bool {
        self.inner.shared.controls.muted.load(Relaxed)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for LivePusherHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LivePusherHandle").field("state", &self.state()).finish_non_exhaustive()
    }
}
