//! From the network to the decoders: packets wait here, bounded in media time and bytes.

pub(crate) mod lane;
pub(crate) mod lanes;

use crate::bell::Bell;
use lane::LaneState;
use lanes::{Cut, Lanes, Limits};
use live_core::{Packet, Timestamp, Track};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use tokio::sync::Notify;

/// The packets between one subscription task and two decoder threads. Clones share it.
///
/// A live source never stops being read: over the bound the queue is cut to the newest key frame. A finite source
/// waits in [`room`](Self::room) instead.
#[derive(Clone)]
pub(crate) struct MediaQueue {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    /// A packet came, or the queue was closed: wakes decoders.
    filled: Condvar,
    /// A packet was taken, or the queue was closed: wakes a finite source.
    taken: Notify,
    presenter: Bell,
}

struct State {
    lanes: Lanes,
    phase: Phase,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Open,
    /// Nothing more comes; what waits is decoded.
    Finished,
    /// Nobody wants what waits.
    Aborted,
}

/// What the presenter sees of the queue.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct QueueView {
    pub(crate) video: LaneState,
    pub(crate) audio: LaneState,
    /// Nothing more comes.
    pub(crate) finished: bool,
    /// The source waits for the player.
    pub(crate) finite: bool,
}

impl MediaQueue {
    pub(crate) fn new(limits: Limits, presenter: Bell) -> Self {
        let state = Mutex::new(State { lanes: Lanes::new(limits), phase: Phase::Open });
        let shared = Shared { state, filled: Condvar::new(), taken: Notify::new(), presenter };
        Self { shared: Arc::new(shared) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in a packet that came at `now`. Never waits.
    pub(crate) fn push(&self, packet: Packet, now: Instant) -> Option<Cut> {
        let cut = self.lock().lanes.push(packet, now);
        self.shared.filled.notify_all();
        cut
    }

    /// Waits until a finite source should be read on. Cancel-safe.
    pub(crate) async fn room(&self) {
        loop {
            let taken = self.shared.taken.notified();
            {
                let mut state = self.lock();
                state.lanes.finite = true;
                if state.phase != Phase::Open || !state.lanes.is_full() {
                    return;
                }
            }
            taken.await;
        }
    }

    /// The next packet of `track`; waits for one. `None` when no more will come or is wanted.
    pub(crate) fn take(&self, track: Track) -> Option<Packet> {
        let mut state = self.lock();
        loop {
            let packet = if state.phase == Phase::Aborted { None } else { state.lanes.take(track) };
            if packet.is_some() || state.phase != Phase::Open {
                drop(state);
                self.shared.taken.notify_one();
                return packet;
            }
            // The worker has nothing in hand now, which the presenter may have waited for.
            self.shared.presenter.ring();
            state = self.shared.filled.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Whether the source waits for room instead of being cut.
    pub(crate) fn is_finite(&self) -> bool {
        self.lock().lanes.finite
    }

    /// The connection starts again.
    pub(crate) fn restart(&self) {
        self.lock().lanes.restart();
    }

    /// Arrival times before this moment cannot be compared with those after.
    pub(crate) fn restart_timing(&self) {
        self.lock().lanes.restart_timing();
    }

    /// Drops what lies before the newest key frame that is not after `leave`; tells where that is.
    pub(crate) fn skip(&self, leave: Timestamp) -> Option<(Timestamp, Cut)> {
        let skipped = self.lock().lanes.skip(leave);
        self.shared.taken.notify_one();
        skipped
    }

    /// Drops the pictures before the newest key frame.
    pub(crate) fn catch_up(&self) -> Cut {
        self.lock().lanes.catch_up()
    }

    /// Says that no decoder serves `track`.
    pub(crate) fn set_unplayable(&self, track: Track) {
        self.lock().lanes.set_unplayable(track);
        self.shared.presenter.ring();
    }

    /// Says that nothing more comes: what waits is decoded, then the decoders end.
    pub(crate) fn finish(&self) {
        self.close(Phase::Finished);
    }

    /// Drops everything and ends the decoders.
    pub(crate) fn abort(&self) {
        self.close(Phase::Aborted);
    }

    fn close(&self, phase: Phase) {
        let mut state = self.lock();
        if state.phase != Phase::Aborted {
            state.phase = phase;
        }
        drop(state);
        self.shared.filled.notify_all();
        self.shared.taken.notify_one();
        self.shared.presenter.ring();
    }

    pub(crate) fn view(&self) -> QueueView {
        let state = self.lock();
        QueueView {
            video: state.lanes.state(Track::Video),
            audio: state.lanes.state(Track::Audio),
            finished: state.phase != Phase::Open,
            finite: state.lanes.finite,
        }
    }
}
