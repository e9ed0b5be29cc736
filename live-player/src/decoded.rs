//! From a decoder to the presenter: few places, and the decoder waits.

use crate::bell::Bell;
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// A bounded queue of decoded media. Clones share it.
///
/// A decoder that finds no place waits: the backlog then shows in the packet queue, where dropping is cheap.
pub(crate) struct DecodedQueue<T> {
    shared: Arc<Shared<T>>,
}

struct Shared<T> {
    state: Mutex<State<T>>,
    room: Condvar,
    capacity: usize,
    presenter: Bell,
}

struct State<T> {
    frames: VecDeque<T>,
    aborted: bool,
}

impl<T> DecodedQueue<T> {
    pub(crate) fn new(capacity: usize, presenter: Bell) -> Self {
        let state = State { frames: VecDeque::with_capacity(capacity), aborted: false };
        let shared = Shared { state: Mutex::new(state), room: Condvar::new(), capacity, presenter };
        Self { shared: Arc::new(shared) }
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a frame; waits for a place. `false` when nobody will take frames any more.
    pub(crate) fn push(&self, frame: T) -> bool {
        let mut state = self.lock();
        while state.frames.len() >= self.shared.capacity && !state.aborted {
            state = self.shared.room.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.aborted {
            return false;
        }
        state.frames.push_back(frame);
        drop(state);
        self.shared.presenter.ring();
        true
    }

    /// The oldest frame.
    pub(crate) fn pop(&self) -> Option<T> {
        let frame = self.lock().frames.pop_front();
        if frame.is_some() {
            self.shared.room.notify_one();
        }
        frame
    }

    /// What `look` says of the two oldest frames.
    pub(crate) fn peek<R>(&self, look: impl Fn(&T) -> R) -> [Option<R>; 2] {
        let state = self.lock();
        [state.frames.front().map(&look), state.frames.get(1).map(&look)]
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.lock().frames.len()
    }

    /// Drops everything and lets the decoder go.
    pub(crate) fn abort(&self) {
        let mut state = self.lock();
        state.aborted = true;
        let frames = std::mem::take(&mut state.frames);
        drop(state);
        self.shared.room.notify_all();
        drop(frames);
    }
}

impl<T> Clone for DecodedQueue<T> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}
