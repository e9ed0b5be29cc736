//! What is seen and heard.

use super::LivePlayerHandle;
use crate::shared::FirstPicture;
use live_core::VideoFrame;
use live_core::state::{SessionState, Step};

impl LivePlayerHandle {
    /// Plays silence in place of the sound, or the sound again, as soon as the sink has played what it holds. Pictures
    /// and recordings go on.
    pub fn set_muted(&self, muted: bool) {
        self.inner.shared.controls.set_muted(muted);
    }

    /// Whether silence is played in place of the sound, in the background or not.
    #[must_use]
    pub fn is_muted(&self) -> bool {
        self.inner.shared.controls.is_muted()
    }

    /// How loud the player is: a factor from 0.0 to 1.0, into which `volume` is clamped; what is not a number changes
    /// nothing. 1.0. It moves within 8 ms, when the sink has played what it holds. Recordings are not changed.
    pub fn set_volume(&self, volume: f32) {
        self.inner.shared.controls.volume.set(volume);
    }

    /// How loud the player is when it is not muted.
    #[must_use]
    pub fn volume(&self) -> f32 {
        self.inner.shared.controls.volume.get()
    }

    /// Says whether the application is in the background: with `background-mute` it is silent there. Pictures and
    /// recordings go on.
    pub fn set_background(&self, background: bool) {
        self.inner.shared.controls.set_background(background);
    }

    /// Whether the application is in the background.
    #[must_use]
    pub fn is_in_background(&self) -> bool {
        self.inner.shared.controls.is_in_background()
    }

    /// Freezes the picture and falls silent. A live stream is received and recorded meanwhile, unseen; a file waits.
    ///
    /// `false`, and nothing happens, when no session is opening or running.
    pub fn pause(&self) -> bool {
        self.inner.shared.step(Step::Pause)
    }

    /// Goes on: a live stream from its newest picture, and not from the old one.
    ///
    /// `false`, and nothing happens, when the session is not [`Paused`](SessionState::Paused).
    pub fn resume(&self) -> bool {
        self.inner.shared.step(Step::Resume)
    }

    /// Whether picture and sound stand still: the session is [`Paused`](SessionState::Paused).
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.state() == SessionState::Paused
    }

    /// How long the first picture, and the first motion, of this session took since [`start`](Self::start).
    #[must_use]
    pub fn first_picture(&self) -> FirstPicture {
        self.inner.shared.first_picture()
    }

    /// The picture that is shown now, or was shown last; `None` before the first. A copy of a reference, no copy of
    /// pixels. [`sink::png::encode`](crate::sink::png::encode) makes a file of it, and so does `sink::jpeg::encode`.
    #[must_use]
    pub fn snapshot(&self) -> Option<VideoFrame> {
        self.inner.shared.shown()
    }
}
