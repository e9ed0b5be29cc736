//! What keys do.

use crate::args::Args;
use crate::keys::Key;
use crate::screen;
use live_core::event::PlayerEvent;
use live_player::LivePlayerHandle;
use live_player::sink::png;
use std::time::{SystemTime, UNIX_EPOCH};

/// Does what keys ask for.
pub(crate) struct Remote {
    player: LivePlayerHandle,
    is_full_screen: bool,
}

impl Remote {
    pub(crate) fn new(player: LivePlayerHandle) -> Self {
        Self { player, is_full_screen: false }
    }

    /// Follows what happens to the player.
    pub(crate) fn hear(&mut self, event: &PlayerEvent) {
        if let PlayerEvent::FullScreenChange { full_screen, .. } = event {
            self.is_full_screen = *full_screen;
        }
    }

    /// Does what a key other than `Quit` asks for, and says what came of it.
    pub(crate) async fn press(&mut self, key: Key, args: &Args) -> String {
        match key {
            Key::FullScreen | Key::LeaveFullScreen => {
                let wanted = key == Key::FullScreen && !self.is_full_screen;
                if screen::set_full_screen(&self.player, wanted, args) {
                    return String::new();
                }
                "there is no window".to_owned()
            }
            Key::Mute => {
                let muted = !self.player.is_muted();
                self.player.set_muted(muted);
                (if muted { "muted" } else { "sound" }).to_owned()
            }
            Key::Pause if self.player.resume() => "goes on".to_owned(),
            Key::Pause if self.player.pause() => "paused".to_owned(),
            Key::Pause => "nothing is played".to_owned(),
            Key::Snapshot => self.snapshot().await.unwrap_or_else(|problem| format!("snapshot: {problem}")),
            Key::Quit => String::new(),
        }
    }

    /// Writes the picture on the screen into the current folder, not on a thread that others need.
    async fn snapshot(&self) -> Result<String, String> {
        let picture = self.player.snapshot().ok_or("no picture was shown yet")?;
        let millis = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
        let name = format!("snapshot-{millis}.png");
        let write = {
            let name = name.clone();
            move || png::encode(&picture).and_then(|file| std::fs::write(name, file))
        };
        let written = tokio::task::spawn_blocking(write).await.map_err(|error| error.to_string())?;
        written.map(|()| format!("snapshot: {name}")).map_err(|error| format!("{name}: {error}"))
    }
}
