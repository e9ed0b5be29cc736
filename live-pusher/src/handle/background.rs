//! Into the background and back.

use super::LivePusherHandle;
use live_core::state::{SessionState, Step};
use std::sync::atomic::Ordering::Relaxed;

impl LivePusherHandle {
    /// Goes into the background: the camera closes, and the waiting image is sent in its place, `background-fps` times a
    /// second; with `background-mute` the microphone closes too. The stream and its timestamps go on without a break.
    /// After `background-limit` (300 s) the session ends cleanly.
    ///
    /// A file or other encoded input runs on meanwhile, unseen, as a camera's subject would; its sound is sent.
    ///
    /// `false`, and nothing happens, when no session is opening or running, or when it passes its input on as it is
    /// ([`copy`](crate::Builder::copy)). Returns at once; the camera closes within a
    /// picture's duration or 50 ms.
    pub fn pause(&self) -> bool {
        self.turn(Step::Pause)
    }

    /// Comes back from the background: the camera opens again, and the stream shows the waiting image until its first
    /// picture is there. A camera that cannot be opened again ends the session with -1301.
    ///
    /// `false`, and nothing happens, when the session is not [`Paused`](SessionState::Paused).
    pub fn resume(&self) -> bool {
        self.turn(Step::Resume)
    }

    /// [`pause`](Self::pause) or [`resume`](Self::resume), for applications that are told whether they can be seen.
    pub fn set_background(&self, background: bool) -> bool {
        if background { self.pause() } else { self.resume() }
    }

    /// Whether the application is in the background: the session is [`Paused`](SessionState::Paused).
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.state() == SessionState::Paused
    }

    fn turn(&self, step: Step) -> bool {
        let shared = &self.inner.shared;
        if shared.controls.copies.load(Relaxed) {
            return false;
        }
        let turned = shared.step(step);
        if turned {
            shared.controls.video.nudge();
        }
        turned
    }
}
