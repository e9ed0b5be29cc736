//! What the user sees: a line per event, and one live status line on a terminal.

use live_core::event::{BackendSelected, PlayerEvent};
use live_core::net_status::NetStatus;
use live_core::state::SessionState;
use serde_json::json;
use std::io::{IsTerminal as _, Write as _};
use std::time::Instant;

/// Writes events and status for people on standard error, or for programs on standard output.
pub(crate) struct Console {
    json: bool,
    terminal: bool,
    started: Instant,
    /// Whether the cursor stands behind a status line.
    status_shown: bool,
}

impl Console {
    pub(crate) fn new(json: bool) -> Self {
        let terminal = std::io::stderr().is_terminal();
        Self { json, terminal, started: Instant::now(), status_shown: false }
    }

    pub(crate) fn event(&mut self, event: &PlayerEvent) {
        if self.json {
            self.json_event(event);
            return;
        }
        self.clear_status();
        match event {
            PlayerEvent::State { code, detail } => {
                let separator = if detail.is_empty() { "" } else { ": " };
                say(format_args!("{:>5} {}{separator}{detail}\n", code.number(), code.text()));
            }
            PlayerEvent::BackendSelected(BackendSelected { role, backend, refusals, .. }) => {
                say(format_args!("      {role}: {backend}\n"));
                refusals.iter().for_each(|refusal| say(format_args!("      refused: {refusal}\n")));
            }
            PlayerEvent::SinkFailed { sink, reason } => say(format_args!("      {sink}: {reason}\n")),
            PlayerEvent::FullScreenChange { direction, full_screen: true } => {
                say(format_args!("      full screen, turned by {}°\n", direction.degrees()));
            }
            PlayerEvent::FullScreenChange { .. } => say(format_args!("      no full screen\n")),
            _ => {}
        }
    }

    pub(crate) fn status(&mut self, state: SessionState, status: &NetStatus) {
        if self.json {
            self.print(json!({"type": "status", "state": state, "info": status}));
        } else if self.terminal {
            self.clear_status();
            say(format_args!("{}", status_line(state, status)));
            let _ = std::io::stderr().flush();
            self.status_shown = true;
        }
    }

    /// Something to know.
    pub(crate) fn note(&mut self, text: &str) {
        if self.json {
            self.print(json!({"type": "note", "detail": text}));
        } else if !text.is_empty() {
            self.clear_status();
            say(format_args!("      {text}\n"));
        }
    }

    /// The last words.
    pub(crate) fn end(&mut self, state: SessionState, status: &NetStatus) {
        if self.json {
            self.print(json!({"type": "end", "state": state, "info": status}));
        } else {
            self.clear_status();
            say(format_args!("{}\n", status_line(state, status)));
        }
    }

    fn json_event(&self, event: &PlayerEvent) {
        self.print(match event {
            PlayerEvent::State { code, detail } => {
                json!({"type": "state", "code": code.number(), "message": code.text(), "detail": detail})
            }
            PlayerEvent::BackendSelected(selected) => json!({"type": "backend", "backend": selected}),
            PlayerEvent::SinkFailed { sink, reason } => {
                json!({"type": "sink", "sink": sink, "detail": reason})
            }
            PlayerEvent::Error { code, message } => {
                json!({"type": "error", "code": code.map(live_core::PlayerCode::number), "message": message})
            }
            PlayerEvent::FullScreenChange { direction, full_screen } => {
                json!({"type": "full-screen", "direction": direction, "fullScreen": full_screen})
            }
            _ => return,
        });
    }

    fn print(&self, mut value: serde_json::Value) {
        value["t"] = json!(u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX));
        // A reader that has gone away is no reason to stop playing.
        let _ = writeln!(std::io::stdout(), "{value}");
    }

    fn clear_status(&mut self) {
        if std::mem::take(&mut self.status_shown) {
            say(format_args!("\r\x1b[K"));
        }
    }
}

fn status_line(state: SessionState, status: &NetStatus) -> String {
    let NetStatus { video_bitrate, audio_bitrate, net_speed, video_fps, dropped_frames, .. } = status;
    let cache = status.video_cache.max(status.audio_cache);
    format!(
        "{state:?}  {video_bitrate}+{audio_bitrate} kbps  {video_fps:.1} fps  net {net_speed} kbps  cache {cache} ms  \
         dropped {dropped_frames}"
    )
}

/// Writes for people. A terminal or pipe that has gone away is no reason to stop.
fn say(text: std::fmt::Arguments<'_>) {
    let _ = std::io::stderr().write_fmt(text);
}
