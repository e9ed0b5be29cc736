//! What the handles and the running session share.

use crate::codes::Failure;
use crate::controls::Controls;
use crate::notes::{Note, Notes};
use live_core::event::{EventSender, PlayerEvent};
use live_core::net_status::NetStatus;
use live_core::state::{SessionState, Step};
use live_core::{PlayerCode, SinkError, Timestamp, VideoFrame};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::sync::watch;

/// What the handle and the running session share.
pub(crate) struct Shared {
    pub(crate) events: EventSender<PlayerEvent>,
    pub(crate) controls: Controls,
    state: watch::Sender<SessionState>,
    /// Media has flowed in this session. Written under the state's lock.
    flows: AtomicBool,
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
    /// When the session began, and how long its first picture took.
    first_picture: Mutex<(Option<Instant>, FirstPicture)>,
}

/// How long it took from `start()` until something was seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FirstPicture {
    /// Until the first key frame was shown, as a still. `None`: not yet.
    pub still: Option<Duration>,
    /// Until picture or sound moved, with the target of the cache ahead. `None`: not yet.
    pub motion: Option<Duration>,
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub(crate) fn new(controls: Controls) -> Self {
        Self {
            events: EventSender::new(),
            controls,
            state: watch::Sender::new(SessionState::Idle),
            flows: AtomicBool::new(false),
            status: watch::Sender::new(NetStatus::default()),
            failure: Mutex::new(None),
            notes: Mutex::default(),
            latency: Mutex::new(None),
            shown: Mutex::new(None),
            unplayable: Mutex::new(None),
            first_picture: Mutex::default(),
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
            self.controls.set_paused(next == SessionState::Paused);
            // Going on after media has flowed is no new beginning.
            if step == Step::Resume && self.flows.load(Relaxed) {
                next = next.after(Step::MediaFlows).unwrap_or(next);
            }
            *state = next;
            true
        })
    }

    /// Begins a session; `false` when one is active already.
    pub(crate) fn begin(&self) -> bool {
        let begins = self.step(Step::Start);
        if begins {
            *lock(&self.failure) = None;
            *lock(&self.unplayable) = None;
            *lock(&self.first_picture) = (Some(Instant::now()), FirstPicture::default());
            *lock(&self.notes) = Notes::default();
        }
        begins
    }

    /// The first picture is shown, or the stream moves; how long that took, the first time.
    pub(crate) fn note_first(&self, moves: bool) -> Option<Duration> {
        let mut first = lock(&self.first_picture);
        let took = first.0?.elapsed();
        let place = if moves { &mut first.1.motion } else { &mut first.1.still };
        place.is_none().then(|| *place.insert(took))
    }

    pub(crate) fn first_picture(&self) -> FirstPicture {
        lock(&self.first_picture).1
    }

    pub(crate) fn state(&self) -> SessionState {
        *self.state.borrow()
    }

    pub(crate) fn watch_state(&self) -> watch::Receiver<SessionState> {
        self.state.subscribe()
    }

    pub(crate) fn status(&self) -> NetStatus {
        *self.status.borrow()
    }

    pub(crate) fn watch_status(&self) -> watch::Receiver<NetStatus> {
        self.status.subscribe()
    }

    pub(crate) fn failure(&self) -> Option<Failure> {
        lock(&self.failure).clone()
    }

    pub(crate) fn latency_micros(&self) -> Option<i64> {
        *lock(&self.latency)
    }

    pub(crate) fn shown(&self) -> Option<VideoFrame> {
        lock(&self.shown).clone()
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

    /// Ends the session. Why it failed is told last of all, as the specification has it, and before anybody can see that
    /// a new one may start.
    pub(crate) fn finish(&self, result: Result<(), Failure>) {
        let step = if result.is_ok() { Step::Ended } else { Step::Failed };
        let failure = result.err();
        lock(&self.failure).clone_from(&failure);
        self.state.send_if_modified(|state| {
            let Some(next) = state.after(step) else { return false };
            if let Some(Failure { code, message }) = failure {
                if let Some(code) = code {
                    self.tell(code, message.clone());
                }
                self.events.send(PlayerEvent::Error { code, message });
            }
            self.controls.set_paused(false);
            *state = next;
            true
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_that_means_nothing_changes_nothing() {
        let shared = Shared::new(Controls::default());
        assert!(shared.begin() && shared.step(Step::MediaFlows) && shared.step(Step::Pause));
        assert!(!shared.begin(), "it is active");
        assert!(shared.step(Step::Resume));
        assert_eq!(shared.state(), SessionState::Running, "media has flowed all the same");
    }
}
