//! What the user sees: a line per event, and one live status line on a terminal.

use live_core::event::{MusicEvent, PusherEvent};
use live_core::net_status::NetStatus;
use live_core::state::SessionState;
use live_core::{OutputEvent, PusherCode};
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

    pub(crate) fn event(&mut self, event: &PusherEvent) {
        if self.json {
            self.json_event(event);
            return;
        }
        self.clear_status();
        match event {
            PusherEvent::State { code, detail } => line(i32::from(*code), code.text(), detail),
            PusherEvent::Error { code, detail } => line(i32::from(*code), code.text(), detail),
            PusherEvent::Music(event) => say(format_args!("      music {}\n", music(event))),
            PusherEvent::AudioVolume { volume, .. } => say(format_args!("      volume {volume}\n")),
            PusherEvent::BackendSelected(selected) => {
                say(format_args!("      {}: {}\n", selected.role, selected.backend));
                for refusal in &selected.refusals {
                    say(format_args!("      refused: {refusal}\n"));
                }
            }
            PusherEvent::Output(event) => {
                let code = event.code.map_or_else(String::new, |code| i32::from(code).to_string());
                let text = event.code.map_or("", |code| code.text());
                let separator = if text.is_empty() { "" } else { ": " };
                let OutputEvent { output, url, detail, .. } = event;
                say(format_args!("{code:>5} output {output} ({url}): {text}{separator}{detail}\n"));
            }
            _ => {}
        }
    }

    pub(crate) fn status(&mut self, state: SessionState, status: &NetStatus) {
        if self.json {
            self.print(&json!({"type": "status", "state": state, "info": status}));
        } else if self.terminal {
            self.clear_status();
            say(format_args!("{}", status_line(state, status)));
            let _ = std::io::stderr().flush();
            self.status_shown = true;
        }
    }

    /// A word about a key.
    pub(crate) fn note(&mut self, text: &str) {
        if !self.json {
            self.clear_status();
            say(format_args!("      {text}\n"));
        }
    }

    /// The last words.
    pub(crate) fn end(&mut self, state: SessionState, status: &NetStatus) {
        if self.json {
            self.print(&json!({"type": "end", "state": state, "info": status}));
        } else {
            self.clear_status();
            say(format_args!("{}\n", status_line(state, status)));
        }
    }

    fn json_event(&self, event: &PusherEvent) {
        self.print(&match event {
            PusherEvent::State { code, detail } => {
                json!({"type": "state", "code": i32::from(*code), "message": code.text(), "detail": detail})
            }
            PusherEvent::Error { code, detail } => {
                json!({"type": "error", "code": i32::from(*code), "message": code.text(), "detail": detail})
            }
            PusherEvent::BackendSelected(selected) => json!({"type": "backend", "backend": selected}),
            PusherEvent::Music(event) => json!({"type": "music", "event": event}),
            PusherEvent::AudioVolume { volume, dbfs } => {
                json!({"type": "volume", "volume": volume, "dbfs": dbfs})
            }
            PusherEvent::Output(event) => json!({
                "type": "output", "output": event.output, "url": event.url, "state": event.state,
                "code": event.code.map(i32::from), "message": event.code.map(PusherCode::text),
                "detail": event.detail,
            }),
            _ => return,
        });
    }

    fn print(&self, value: &serde_json::Value) {
        let mut value = value.clone();
        value["t"] = json!(self.started.elapsed().as_millis() as u64);
        // A reader that has gone away is no reason to stop pushing.
        let _ = writeln!(std::io::stdout(), "{value}");
    }

    fn clear_status(&mut self) {
        if std::mem::take(&mut self.status_shown) {
            say(format_args!("\r\x1b[K"));
        }
    }
}

/// What happened to the music, for people.
fn music(event: &MusicEvent) -> String {
    match event {
        MusicEvent::Started { file, .. } => format!("begins: {file}"),
        MusicEvent::Progress { position_ms, .. } => format!("at {} s", position_ms / 1000),
        MusicEvent::Ended { file } => format!("is over: {file}"),
        MusicEvent::Stopped { file } => format!("is stopped: {file}"),
        MusicEvent::Failed { file, reason } => format!("failed: {file}: {reason}"),
        _ => String::new(),
    }
}

fn line(code: i32, text: &str, detail: &str) {
    let separator = if detail.is_empty() { "" } else { ": " };
    say(format_args!("{code:>5} {text}{separator}{detail}\n"));
}

fn status_line(state: SessionState, status: &NetStatus) -> String {
    let NetStatus { video_bitrate, audio_bitrate, net_speed, video_fps, video_cache, dropped_frames, .. } =
        status;
    format!(
        "{state:?}  {video_bitrate}+{audio_bitrate} kbps  {video_fps:.1} fps  net {net_speed} kbps  queue {video_cache} \
         frames  dropped {dropped_frames}"
    )
}

/// Writes for people. A terminal or pipe that has gone away is no reason to stop.
fn say(text: std::fmt::Arguments<'_>) {
    let _ = std::io::stderr().write_fmt(text);
}
