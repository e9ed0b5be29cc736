//! Writes down what a session tells.

use live_core::event::{BackendSelected, Delivery, EventStream, PlayerEvent, PusherEvent};
use live_core::{NetStatus, Severity};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// More events than this are not kept.
const MOST_ENTRIES: usize = 10_000;
/// More readings of the net status than this are not kept.
const MOST_STATUSES: usize = 10_000;

/// The sessions of the demo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// Sends.
    Pusher,
    /// Plays over RTMP.
    Rtmp,
    /// Plays over HTTP-FLV.
    HttpFlv,
}

impl Who {
    /// What people call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pusher => "Pusher",
            Self::Rtmp => "RTMP player",
            Self::HttpFlv => "HTTP-FLV player",
        }
    }

    /// Its class in the report, which gives it its colour.
    pub const fn class(self) -> &'static str {
        match self {
            Self::Pusher => "pusher",
            Self::Rtmp => "rtmp",
            Self::HttpFlv => "http",
        }
    }
}

/// What one session told, from its first code to its last.
#[derive(Debug)]
pub struct SessionLog {
    /// Which session.
    pub who: Who,
    /// What happened, in order.
    pub entries: Vec<Entry>,
    /// Its net status, once a second, with the time since the demo began.
    pub statuses: Vec<(Duration, NetStatus)>,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Since the demo began.
    pub at: Duration,
    /// The specification's number; `None` for what it has no number for.
    pub code: Option<i32>,
    /// What it says.
    pub text: String,
    /// Particulars.
    pub detail: String,
    /// How bad the news is.
    pub severity: Severity,
}

/// An event of either side.
pub trait Event: Clone {
    /// The event as an entry of the log.
    fn entry(self, at: Duration) -> Entry;
}

impl Event for PusherEvent {
    fn entry(self, at: Duration) -> Entry {
        match self {
            Self::State { code, detail } => Entry {
                at,
                code: Some(code.number()),
                text: code.text().to_owned(),
                detail,
                severity: code.severity(),
            },
            Self::Error { code, detail } => Entry {
                at,
                code: Some(code.number()),
                text: code.text().to_owned(),
                detail,
                severity: Severity::Error,
            },
            Self::BackendSelected(selected) => backend(&selected, at),
            other => Entry::uncoded(at, "event", format!("{other:?}"), Severity::Info),
        }
    }
}

impl Event for PlayerEvent {
    fn entry(self, at: Duration) -> Entry {
        match self {
            Self::State { code, detail } => Entry {
                at,
                code: Some(code.number()),
                text: code.text().to_owned(),
                detail,
                severity: code.severity(),
            },
            Self::BackendSelected(selected) => backend(&selected, at),
            Self::SinkFailed { sink, reason } => {
                Entry::uncoded(at, "a sink failed", format!("{sink}: {reason}"), Severity::Error)
            }
            other => Entry::uncoded(at, "event", format!("{other:?}"), Severity::Info),
        }
    }
}

fn backend(selected: &BackendSelected, at: Duration) -> Entry {
    let refused = match selected.refusals.as_slice() {
        [] => String::new(),
        refusals => format!("; refused: {}", refusals.join(", ")),
    };
    let detail = format!("{}{refused}", selected.backend);
    Entry::uncoded(at, format!("{} selected", selected.role), detail, Severity::Info)
}

impl Entry {
    fn uncoded(at: Duration, text: impl Into<String>, detail: String, severity: Severity) -> Self {
        Self { at, code: None, text: text.into(), detail, severity }
    }

    /// A line for the terminal.
    fn line(&self, who: Who) -> String {
        let code = self.code.map_or_else(|| "    ".to_owned(), |code| format!("{code:>4}"));
        let detail = if self.detail.is_empty() { String::new() } else { format!(": {}", self.detail) };
        format!("{:>8.3} s  {:<15}  {code}  {}{detail}", self.at.as_secs_f64(), who.name(), self.text)
    }
}

/// Writes down everything until the session's owner is dropped, and shows what happens on the terminal.
pub async fn watch<E: Event>(
    who: Who,
    began: Instant,
    mut events: EventStream<E>,
    mut status: watch::Receiver<NetStatus>,
) -> SessionLog {
    let mut log = SessionLog { who, entries: Vec::new(), statuses: Vec::new() };
    loop {
        tokio::select! {
            delivery = events.next() => match delivery {
                Some(Delivery::Event(event)) => log.note(event.entry(began.elapsed())),
                Some(Delivery::Lagged(lost)) => {
                    let text = format!("{lost} events were lost");
                    log.note(Entry::uncoded(began.elapsed(), text, String::new(), Severity::Warning));
                }
                None => return log,
            },
            Ok(()) = status.changed() => {
                if log.statuses.len() < MOST_STATUSES {
                    log.statuses.push((began.elapsed(), *status.borrow_and_update()));
                }
            }
        }
    }
}

impl SessionLog {
    fn note(&mut self, entry: Entry) {
        println!("{}", entry.line(self.who));
        if self.entries.len() < MOST_ENTRIES {
            self.entries.push(entry);
        }
    }

    /// The numbers that fired, in order.
    pub fn codes(&self) -> impl Iterator<Item = i32> {
        self.entries.iter().filter_map(|entry| entry.code)
    }
}
