//! What the rest of a session sees of a destination.

use live_core::net_status::LinkCounters;
use live_core::output::OutputStep;
use live_core::queue::{QueueState, QueueWatch};
use live_core::{NetStatus, OutputState, OutputStatus};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use tokio::sync::Notify;

/// A destination of one session, as seen from outside of its task.
#[derive(Default)]
pub(crate) struct Link {
    pub(crate) counters: Arc<LinkCounters>,
    /// Notified at each acceptance.
    pub(crate) on_accepted: Notify,
    now: Mutex<Now>,
}

#[derive(Default)]
struct Now {
    state: OutputState,
    accepted_at: Option<Instant>,
    acceptances: u32,
    last_error: Option<String>,
    net: NetStatus,
    queue: Option<QueueWatch>,
}

impl Link {
    fn now(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether media may go over the connection now.
    pub(crate) fn is_accepted(&self) -> bool {
        self.state() == OutputState::Publishing
    }

    pub(crate) fn state(&self) -> OutputState {
        self.now().state
    }

    /// Takes a step of the destination's life, and gives the state after it.
    pub(crate) fn step(&self, step: OutputStep) -> OutputState {
        let mut now = self.now();
        now.state = now.state.after(step).unwrap_or(now.state);
        if step == OutputStep::Accepted {
            now.accepted_at = Some(Instant::now());
            now.acceptances += 1;
            self.on_accepted.notify_one();
        }
        now.state
    }

    /// Notes why the connection failed or was lost; since when it had been good.
    pub(crate) fn lost(&self, error: String) -> Option<Instant> {
        let mut now = self.now();
        now.last_error = Some(error);
        now.accepted_at.take()
    }

    /// What waits for the destination; nothing when it is over.
    pub(crate) fn queue(&self) -> QueueState {
        let watch = self.now().queue.clone();
        watch.map_or_else(QueueState::default, |watch| watch.state())
    }

    /// The reader that feeds it now, for who ends it or hands it over.
    pub(crate) fn reader(&self) -> Option<QueueWatch> {
        self.now().queue.clone()
    }

    pub(crate) fn set_reader(&self, reader: QueueWatch) {
        self.now().queue = Some(reader);
    }

    pub(crate) fn set_net(&self, net: NetStatus) {
        self.now().net = net;
    }

    /// Fills in what is known.
    pub(crate) fn describe(&self, status: &mut OutputStatus) {
        let now = self.now();
        status.state = now.state;
        status.net = now.net;
        status.sent_bytes = self.counters.sent();
        status.reconnects = now.acceptances.saturating_sub(1);
        status.last_error.clone_from(&now.last_error);
    }
}
