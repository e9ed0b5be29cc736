//! Commands from the application to a worker, in order.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Commands that may wait for a worker: it looks after every picture, so more mean that something hangs.
pub(crate) const MOST: usize = 32;

/// A bounded queue of commands that outlives the workers: they are taken while somebody attends, none are kept between
/// two. Clones share it.
pub(crate) struct Orders<T>(Arc<Shared<T>>);

struct Shared<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
}

struct State<T> {
    waiting: VecDeque<T>,
    /// Desks opened so far; the last one is served.
    desks: u64,
    attended: bool,
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

impl<T> Clone for Orders<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Default for Orders<T> {
    fn default() -> Self {
        let state = State { waiting: VecDeque::new(), desks: 0, attended: false, nudged: false };
        Self(Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new() }))
    }
}

impl<T> Shared<T> {
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Orders<T> {
    /// Hands over a command. Never waits.
    pub(crate) fn post(&self, order: T) -> Result<(), Refused> {
        let mut state = self.0.lock();
        if !state.attended {
            return Err(Refused::Nobody);
        }
        if state.waiting.len() >= MOST {
            return Err(Refused::Full);
        }
        state.waiting.push_back(order);
        drop(state);
        self.0.changed.notify_all();
        Ok(())
    }

    /// Wakes the worker: something that it looks at has changed.
    pub(crate) fn nudge(&self) {
        self.0.lock().nudged = true;
        self.0.changed.notify_all();
    }

    /// From now on commands are taken, until the desk is dropped. They wait for the worker that the desk is given to; a
    /// desk from before gets no more, and what waits there is this one's.
    pub(crate) fn attend(&self) -> Desk<T> {
        let mut state = self.0.lock();
        state.attended = true;
        state.desks += 1;
        Desk { orders: Arc::clone(&self.0), number: state.desks }
    }
}

impl<T> fmt::Debug for Orders<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Orders").field("waiting", &self.0.lock().waiting.len()).finish()
    }
}

/// The worker's end. Commands that wait when it is dropped are dropped too, and with them the promise of an answer.
pub(crate) struct Desk<T> {
    orders: Arc<Shared<T>>,
    number: u64,
}

impl<T> Desk<T> {
    /// The oldest command.
    pub(crate) fn take(&self) -> Option<T> {
        let mut state = self.orders.lock();
        if state.desks == self.number { state.waiting.pop_front() } else { None }
    }

    /// Whether no command waits.
    pub(crate) fn is_empty(&self) -> bool {
        let state = self.orders.lock();
        state.desks != self.number || state.waiting.is_empty()
    }

    /// Waits for a command or a nudge, for at most `timeout`.
    pub(crate) fn wait(&self, timeout: Duration) {
        let idle =
            |state: &mut State<T>| (state.waiting.is_empty() || state.desks != self.number) && !state.nudged;
        let waited = self.orders.changed.wait_timeout_while(self.orders.lock(), timeout, idle);
        waited.unwrap_or_else(PoisonError::into_inner).0.nudged = false;
    }
}

impl<T> Drop for Desk<T> {
    fn drop(&mut self) {
        let mut state = self.orders.lock();
        if state.desks != self.number {
            return;
        }
        state.attended = false;
        let left = std::mem::take(&mut state.waiting);
        drop(state);
        drop(left);
    }
}

impl<T> fmt::Debug for Desk<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Desk").field("number", &self.number).finish_non_exhaustive()
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
    fn who_takes_over_gets_what_waits_and_loses_nothing_when_the_one_before_goes() {
        let orders = Orders::default();
        let before = orders.attend();
        assert_eq!(orders.post(1), Ok(()));
        let after = orders.attend();
        assert_eq!(orders.post(2), Ok(()));
        assert_eq!((before.take(), before.is_empty()), (None, true));
        drop(before);
        assert_eq!(orders.post(3), Ok(()));
        assert_eq!((after.take(), after.take(), after.take()), (Some(1), Some(2), Some(3)));
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
