//! Commands from the application to a worker, in order.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Commands that may wait for a worker: it looks after every picture, so more mean that something hangs.
pub(crate) const MOST: usize = 32;

/// A bounded queue of commands that outlives the workers: one takes commands while it runs, none are kept between two.
pub(crate) struct Orders<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
}

struct State<T> {
    waiting: VecDeque<T>,
    taken: bool,
    nudged: bool,
}

/// Why a command was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// No worker runs that could do it.
    Nobody,
    /// Too many wait already.
    Full,
}

impl<T> Default for Orders<T> {
    fn default() -> Self {
        let state = State { waiting: VecDeque::new(), taken: false, nudged: false };
        Self { state: Mutex::new(state), changed: Condvar::new() }
    }
}

impl<T> Orders<T> {
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands over a command. Never waits.
    pub(crate) fn post(&self, order: T) -> Result<(), Refused> {
        let mut state = self.lock();
        if !state.taken {
            return Err(Refused::Nobody);
        }
        if state.waiting.len() >= MOST {
            return Err(Refused::Full);
        }
        state.waiting.push_back(order);
        drop(state);
        self.changed.notify_all();
        Ok(())
    }

    /// Wakes the worker: something that it looks at has changed.
    pub(crate) fn nudge(&self) {
        self.lock().nudged = true;
        self.changed.notify_all();
    }

    /// From now on commands are taken, until the desk is dropped.
    pub(crate) fn attend(&self) -> Desk<'_, T> {
        self.lock().taken = true;
        Desk(self)
    }
}

impl<T> fmt::Debug for Orders<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Orders").field("waiting", &self.lock().waiting.len()).finish()
    }
}

/// The worker's end. Commands that wait when it is dropped are dropped too, and with them the promise of an answer.
pub(crate) struct Desk<'a, T>(&'a Orders<T>);

impl<T> Desk<'_, T> {
    /// The oldest command.
    pub(crate) fn take(&self) -> Option<T> {
        self.0.lock().waiting.pop_front()
    }

    /// Whether no command waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.lock().waiting.is_empty()
    }

    /// Waits for a command or a nudge, for at most `timeout`.
    pub(crate) fn wait(&self, timeout: Duration) {
        let idle = |state: &mut State<T>| state.waiting.is_empty() && !state.nudged;
        let waited = self.0.changed.wait_timeout_while(self.0.lock(), timeout, idle);
        waited.unwrap_or_else(PoisonError::into_inner).0.nudged = false;
    }
}

impl<T> Drop for Desk<'_, T> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.taken = false;
        let left = std::mem::take(&mut state.waiting);
        drop(state);
        drop(left);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_taken_in_order_while_somebody_attends() {
        let orders = Orders::default();
        assert_eq!(orders.post(1), Err(Refused::Nobody));
        let desk = orders.attend();
        for order in 0..MOST {
            assert_eq!(orders.post(order), Ok(()));
        }
        assert_eq!(orders.post(99), Err(Refused::Full));
        assert_eq!((desk.take(), desk.take()), (Some(0), Some(1)));
        drop(desk);
        assert_eq!(orders.attend().take(), None, "what nobody did is not done by the next one");
    }

    #[test]
    fn a_nudge_ends_the_wait() {
        let orders = Orders::<()>::default();
        let desk = orders.attend();
        orders.nudge();
        desk.wait(Duration::from_secs(600));
        desk.wait(Duration::ZERO);
    }
}
