//! From a device to the worker that takes its frames: a few places, and the newest frame wins.

use crate::error::CaptureError;
use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A queue of `capacity` ≥ 1 frames between a source and a worker thread.
///
/// A live frame that cannot be taken now is worthless later: when the queue is full the oldest one goes, and is
/// counted.
#[must_use]
pub fn frame_queue<T>(capacity: usize) -> (FrameSender<T>, FrameReceiver<T>) {
    let shared = Arc::new(Shared {
        state: Mutex::new(State {
            frames: VecDeque::with_capacity(capacity.max(1)),
            capacity: capacity.max(1),
            dropped: 0,
            senders: 1,
            failure: None,
            receiver_gone: false,
        }),
        changed: Condvar::new(),
    });
    (FrameSender { shared: Arc::clone(&shared) }, FrameReceiver { shared })
}

struct Shared<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
}

struct State<T> {
    frames: VecDeque<T>,
    capacity: usize,
    dropped: u64,
    senders: usize,
    failure: Option<CaptureError>,
    receiver_gone: bool,
}

impl<T> Shared<T> {
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The source's end of a frame queue. Dropping the last clone ends the stream.
pub struct FrameSender<T> {
    shared: Arc<Shared<T>>,
}

impl<T> FrameSender<T> {
    /// Puts a frame into the queue, never waiting; the oldest one is dropped when there is no place.
    ///
    /// Returns `false` when nobody will take frames any more: the source should end.
    pub fn send(&self, frame: T) -> bool {
        let mut state = self.shared.lock();
        if state.receiver_gone {
            return false;
        }
        // The dropped frame is released outside the lock: it may give memory back to a pool.
        let oldest = if state.frames.len() == state.capacity { state.frames.pop_front() } else { None };
        state.dropped += u64::from(oldest.is_some());
        state.frames.push_back(frame);
        drop(state);
        self.shared.changed.notify_one();
        true
    }

    /// Reports that the source has failed and will send nothing more. The receiver sees it after the frames that are
    /// queued.
    pub fn fail(self, error: CaptureError) {
        self.shared.lock().failure = Some(error);
    }
}

impl<T> Clone for FrameSender<T> {
    fn clone(&self) -> Self {
        self.shared.lock().senders += 1;
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<T> Drop for FrameSender<T> {
    fn drop(&mut self) {
        self.shared.lock().senders -= 1;
        self.shared.changed.notify_one();
    }
}

impl<T> fmt::Debug for FrameSender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FrameSender").field("queued", &self.shared.lock().frames.len()).finish()
    }
}

/// Why a [`FrameReceiver`] gave no frame.
#[derive(Debug)]
pub enum ReceiveError {
    /// None came in time.
    Timeout,
    /// The source has ended by itself.
    Ended,
    /// The source has failed.
    Failed(CaptureError),
}

/// The worker's end of a frame queue.
pub struct FrameReceiver<T> {
    shared: Arc<Shared<T>>,
}

impl<T> FrameReceiver<T> {
    /// The oldest frame in the queue; waits for one for at most `timeout`.
    ///
    /// # Errors
    /// [`ReceiveError::Failed`] is given once, after the last frame; then it is [`ReceiveError::Ended`].
    pub fn receive(&self, timeout: Duration) -> Result<T, ReceiveError> {
        let deadline = Instant::now() + timeout;
        let mut state = self.shared.lock();
        loop {
            if let Some(frame) = state.frames.pop_front() {
                return Ok(frame);
            }
            if let Some(error) = state.failure.take() {
                return Err(ReceiveError::Failed(error));
            }
            if state.senders == 0 {
                return Err(ReceiveError::Ended);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(ReceiveError::Timeout);
            }
            let waited = self.shared.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Frames dropped so far because the worker was too slow.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.shared.lock().dropped
    }
}

impl<T> Drop for FrameReceiver<T> {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.receiver_gone = true;
        let frames = std::mem::take(&mut state.frames);
        drop(state);
        drop(frames);
    }
}

impl<T> fmt::Debug for FrameReceiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.shared.lock();
        f.debug_struct("FrameReceiver")
            .field("queued", &state.frames.len())
            .field("dropped", &state.dropped)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::CaptureErrorKind;

    const NOW: Duration = Duration::ZERO;

    #[test]
    fn the_newest_frames_win_and_losses_are_counted() {
        let (sender, receiver) = frame_queue(2);
        for frame in 0..5 {
            assert!(sender.send(frame));
        }
        assert_eq!(receiver.dropped(), 3);
        assert_eq!(receiver.receive(NOW).unwrap(), 3);
        assert_eq!(receiver.receive(NOW).unwrap(), 4);
        assert!(matches!(receiver.receive(NOW), Err(ReceiveError::Timeout)));
    }

    #[test]
    fn a_failure_comes_after_the_frames_before_it() {
        let (sender, receiver) = frame_queue(2);
        sender.send(1);
        sender.fail(CaptureError::new(CaptureErrorKind::Disconnected, "camera", "unplugged"));
        assert_eq!(receiver.receive(NOW).unwrap(), 1);
        assert!(matches!(receiver.receive(NOW), Err(ReceiveError::Failed(_))));
        assert!(matches!(receiver.receive(NOW), Err(ReceiveError::Ended)));
    }

    #[test]
    fn a_source_learns_that_nobody_listens() {
        let (sender, receiver) = frame_queue(2);
        drop(receiver);
        assert!(!sender.send(1));
    }
}
