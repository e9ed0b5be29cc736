//! The handle an application holds.

use crate::builder::{Blueprint, Builder};
use crate::codes::Failure;
use crate::notes::{Note, Notes};
use crate::session;
use live_core::event::{EventSender, EventStream, PlayerEvent};
use live_core::net_status::NetStatus;
use live_core::state::{SessionState, Step};
use live_core::{PlayerCode, SinkError, Timestamp, VideoFrame};
use std::fmt;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::runtime::{Handle, Runtime};
use tokio::sync::watch;

/// How long a dropped player's session may take to end.
const REAP: Duration = Duration::from_secs(15);

/// Receives a stream, decodes it, and gives pictures and sound to sinks, in time.
///
/// Made by [`LivePlayer::builder`]. Methods never block; the ones that wait are `async` and run on any executor. After
/// the session has ended, by [`stop`](Self::stop), by the end of the stream or by a failure, [`start`](Self::start)
/// begins a new one with new sinks. Dropping the player ends its session without waiting.
pub struct LivePlayer {
    shared: Arc<Shared>,
    blueprint: Mutex<Blueprint>,
    /// Ends the session that runs now.
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
    /// The runtime given, else the current one, else one of its own.
    pub(crate) fn choose(given: Option<Handle>) -> io::Result<Self> {
        if let Some(handle) = given.or_else(|| Handle::try_current().ok()) {
            return Ok(Self::Borrowed(handle));
        }
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let runtime = builder.worker_threads(1).thread_name("live-play-net").enable_all().build()?;
        Ok(Self::Owned(Some(runtime)))
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
    pub(crate) events: EventSender<PlayerEvent>,
    pub(crate) muted: AtomicBool,
    state: watch::Sender<SessionState>,
    status: watch::Sender<NetStatus>,
    failure: Mutex<Option<Failure>>,
    /// What waits for its picture to be shown.
    notes: Mutex<Notes>,
    /// From capture to presentation, in µs, by the last stamp.
    latency: Mutex<Option<i64>>,
    /// The picture on the screen.
    shown: Mutex<Option<VideoFrame>>,
    /// Why a track cannot be decoded.
    unplayable: Mutex<Option<String>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub(crate) fn new(muted: bool) -> Self {
        Self {
            events: EventSender::new(),
            muted: AtomicBool::new(muted),
            state: watch::Sender::new(SessionState::Idle),
            status: watch::Sender::new(NetStatus::default()),
            failure: Mutex::new(None),
            notes: Mutex::default(),
            latency: Mutex::new(None),
            shown: Mutex::new(None),
            unplayable: Mutex::new(None),
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

    /// Fires a state code.
    pub(crate) fn tell(&self, code: PlayerCode, detail: impl Into<String>) {
        let detail = detail.into();
        tracing::debug!(code = code.number(), detail, "{}", code.text());
        self.events.send(PlayerEvent::State { code, detail });
    }

    pub(crate) fn sink_failed(&self, error: &SinkError) {
        let reason = error
            .source
            .as_ref()
            .map_or_else(|| error.message.clone(), |source| format!("{}: {source}", error.message));
        tracing::warn!(sink = error.sink, reason, "a sink failed");
        self.events.send(PlayerEvent::SinkFailed { sink: error.sink.to_owned(), reason });
    }

    pub(crate) fn note_unplayable(&self, reason: String) {
        lock(&self.unplayable).get_or_insert(reason);
    }

    pub(crate) fn unplayable(&self) -> Option<String> {
        lock(&self.unplayable).clone()
    }

    /// Keeps what the publisher wrote beside the picture of `pts`.
    pub(crate) fn note(&self, pts: Timestamp, note: Note) {
        lock(&self.notes).add(pts, note);
    }

    /// A picture is shown: what belongs to it is told.
    pub(crate) fn set_shown(&self, picture: VideoFrame) {
        let due = lock(&self.notes).take(picture.pts);
        for (pts, note) in due {
            match note {
                Note::Message(data) => self.events.send(PlayerEvent::Message { pts, data }),
                Note::WallClock(captured) => {
                    let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_micros();
                    // The stamp may belong to a picture a moment before this one.
                    let shown =
                        i64::try_from(unix).unwrap_or(i64::MAX).saturating_sub(picture.pts.micros_since(pts));
                    let latency = shown.saturating_sub(i64::try_from(captured).unwrap_or(i64::MAX));
                    *lock(&self.latency) = Some(latency);
                }
            }
        }
        *lock(&self.shown) = Some(picture);
    }

    pub(crate) fn finish(&self, result: Result<(), Failure>) {
        let step = if result.is_ok() { Step::Ended } else { Step::Failed };
        *lock(&self.failure) = result.err();
        self.step(step);
    }
}

impl LivePlayer {
    /// Begins to describe a player of `src`: `rtmp://host[:port]/app/stream[?token]`, `http://host/path.flv`, or an FLV
    /// or MP4 file.
    ///
    /// The address is parsed by [`Builder::build`], which reports every mistake at once.
    #[must_use]
    pub fn builder(src: impl Into<String>) -> Builder {
        Builder::new(src.into())
    }

    pub(crate) fn new(shared: Arc<Shared>, blueprint: Blueprint, runtime: Runtimes) -> Self {
        let stop = Mutex::new(watch::Sender::new(false));
        Self { shared, blueprint: Mutex::new(blueprint), stop, runtime }
    }

    /// Makes the sinks, connects and plays. Returns at once; what happens comes as events.
    ///
    /// `false`, and nothing happens, when a session is active already.
    pub fn start(&self) -> bool {
        let mut stop = lock(&self.stop);
        if self.state().is_active() {
            return false;
        }
        let plan = lock(&self.blueprint).plan();
        self.shared.step(Step::Start);
        *lock(&self.shared.failure) = None;
        *lock(&self.shared.unplayable) = None;
        *stop = watch::Sender::new(false);
        self.runtime.handle().spawn(session::run(plan, Arc::clone(&self.shared), stop.subscribe()));
        true
    }

    /// Ends the session: the server is told, sinks and recordings are finished.
    ///
    /// Returns when no thread, task, file or connection is left. Returns at once when no session is active.
    pub async fn stop(&self) {
        lock(&self.stop).send_replace(true);
        let _ = self.finished().await;
    }

    /// Waits until the session has ended, and says why when it ended before its time.
    ///
    /// Returns at once when no session is active; the reason is that of the last one. Cancel-safe.
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
    pub fn events(&self) -> EventStream<PlayerEvent> {
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

    /// How long the picture on the screen took from capture to presentation, in microseconds, when the publisher stamps
    /// its pictures with the wall clock (`Builder::wall_clock` of live-pusher). As exact as the two clocks agree: negative
    /// when they do not.
    #[must_use]
    pub fn latency_micros(&self) -> Option<i64> {
        *lock(&self.shared.latency)
    }

    /// Where the session is in its life.
    #[must_use]
    pub fn state(&self) -> SessionState {
        *self.shared.state.borrow()
    }

    /// Plays silence in place of the sound, or the sound again, as soon as the sink has played what it holds. Pictures
    /// and recordings go on.
    pub fn set_muted(&self, muted: bool) {
        self.shared.muted.store(muted, Relaxed);
    }

    /// Whether silence is played in place of the sound.
    #[must_use]
    pub fn is_muted(&self) -> bool {
        self.shared.muted.load(Relaxed)
    }

    /// The picture that is shown now, or was shown last; `None` before the first. A copy of a reference, no copy of
    /// pixels. [`sink::png::encode`](crate::sink::png::encode) makes a file of it.
    #[must_use]
    pub fn snapshot(&self) -> Option<VideoFrame> {
        lock(&self.shared.shown).clone()
    }
}

impl Drop for LivePlayer {
    fn drop(&mut self) {
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
