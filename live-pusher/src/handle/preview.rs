//! The camera before anything is pushed, and on the screen of who pushes.

use super::{LivePusherHandle, lock};
use crate::preview;
use live_core::state::{SessionState, Step};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use tokio::sync::watch;

impl LivePusherHandle {
    /// Opens the camera and shows its pictures in the [preview](crate::Builder::preview)'s sink, framed and with effects;
    /// nothing is pushed. [`start`](Self::start) then goes on with the open camera. While a session is active, its
    /// pictures are shown again.
    ///
    /// `false`, and nothing happens, when a preview runs already, when the pictures come from a file or there are none,
    /// or while a session is stopping. Returns at once; a camera that cannot be opened is told as in a session.
    pub fn start_preview(&self) -> bool {
        let mut current = lock(&self.inner.stop);
        let Some(viewfinder) = self.inner.viewfinder.clone() else { return false };
        let shared = &self.inner.shared;
        if matches!(shared.state(), SessionState::Opening | SessionState::Running | SessionState::Paused) {
            return !shared.controls.preview.swap(true, Relaxed);
        }
        if current.owner_is_gone || !shared.step(Step::Preview) {
            return false;
        }
        shared.controls.preview.store(true, Relaxed);
        let stop = watch::Sender::new(false);
        let run =
            preview::run(viewfinder, Arc::clone(shared), shared.controls.video.attend(), stop.subscribe());
        current.stop = stop;
        current.preview = Some(self.inner.runtime.spawn(run));
        true
    }

    /// Ends the preview: before a session the camera closes, within a session its pictures are only pushed.
    ///
    /// `false`, and nothing happens, when there is none. Returns at once; [`finished`](Self::finished) waits for the
    /// camera to be closed.
    pub fn stop_preview(&self) -> bool {
        let current = lock(&self.inner.stop);
        let shared = &self.inner.shared;
        if current.stop_preview(shared) {
            return true;
        }
        let pushes =
            matches!(shared.state(), SessionState::Opening | SessionState::Running | SessionState::Paused);
        pushes && shared.controls.preview.swap(false, Relaxed)
    }
}
