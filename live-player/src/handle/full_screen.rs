//! The player's window.

use super::LivePlayerHandle;
use crate::shared::lock;
use crate::sink::window::{Window, WindowEvent};
use live_core::config::{ObjectFit, Orientation};
use live_core::event::{FullScreenDirection, PlayerEvent};
use std::sync::Arc;

impl LivePlayerHandle {
    /// Binds the player to its window: what happens to it is the player's event, and closing it ends the session.
    pub(crate) fn follow(&self, window: Window, fit: ObjectFit, orientation: Orientation) {
        window.set_view(fit, orientation);
        let player = Arc::downgrade(&self.inner);
        window.slot().listen(move |event| {
            let Some(player) = player.upgrade() else { return false };
            match *event {
                WindowEvent::Closed => {
                    lock(&player.current).stop.send_replace(true);
                }
                WindowEvent::FullScreenChange { direction, full_screen } => {
                    player.shared.events.send(PlayerEvent::FullScreenChange { direction, full_screen });
                }
                WindowEvent::Key(_) | WindowEvent::Resized { .. } => {}
            }
            true
        });
        // A handle that was made just now has none.
        let _ = self.inner.window.set(window);
    }

    /// Asks for the player's window to fill its screen, with the picture turned by 0, 90 (clockwise) or −90 degrees.
    /// [`PlayerEvent::FullScreenChange`] tells when it does; in full screen another direction turns the picture.
    ///
    /// `false`, and nothing happens, when the player has no [window](crate::Builder::window), or it was closed. Feature
    /// `window`.
    pub fn request_full_screen(&self, direction: FullScreenDirection) -> bool {
        self.with_window(|window| window.request_full_screen(direction))
    }

    /// Asks for the window's frame and size again. [`PlayerEvent::FullScreenChange`] tells when it has them.
    ///
    /// `false`, and nothing happens, when the player has no window, or it was closed. Feature `window`.
    pub fn exit_full_screen(&self) -> bool {
        self.with_window(Window::exit_full_screen)
    }

    fn with_window(&self, act: impl FnOnce(&Window)) -> bool {
        let window = self.inner.window.get().filter(|window| window.is_open());
        window.map(act).is_some()
    }
}
