//! What a session tells the application, as values on a bounded stream.

use crate::code::{PlayerCode, PusherCode, PusherErrorCode};
use crate::output::OutputEvent;
use crate::packet::Track;
use crate::time::Timestamp;
use bytes::Bytes;
use serde::{Serialize, Serializer};
use tokio::sync::broadcast;

/// Events kept for a slow reader; older ones are lost and counted.
const KEPT: usize = 256;

/// Something happened in a pusher.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum PusherEvent {
    /// A state code of the specification fired.
    State {
        /// Which.
        code: PusherCode,
        /// Particulars, for people: an address, a size, a reason.
        detail: String,
    },
    /// An error code of the specification fired.
    Error {
        /// Which.
        code: PusherErrorCode,
        /// Particulars, for people.
        detail: String,
    },
    /// A codec opened.
    BackendSelected(BackendSelected),
    /// Something happened to the background music.
    Music(MusicEvent),
    /// How loud the microphone is (`audiovolumenotify`), as often as was asked for.
    AudioVolume {
        /// 0–100: 0 at −60 dB and below, 100 at full scale.
        volume: u32,
        /// Decibels below full scale, −60.0–0.0; a sine that just does not clip is 0.
        dbfs: f32,
    },
    /// Something happened to a destination whose codes are not the session's: one besides the first, or the first when
    /// it was given up and others go on.
    Output(OutputEvent),
}

/// What background music tells. Each `Started` is followed by one `Ended`, `Stopped` or `Failed`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "music", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum MusicEvent {
    /// Its first sound is in the stream.
    Started {
        /// The file.
        file: String,
        /// How long the piece is, in ms, where the file tells.
        duration_ms: Option<u64>,
    },
    /// Another second of it was heard.
    Progress {
        /// The file.
        file: String,
        /// From the beginning of the file, in ms.
        position_ms: u64,
        /// How long the piece is, in ms, where the file tells.
        duration_ms: Option<u64>,
    },
    /// It was played to its end.
    Ended {
        /// The file.
        file: String,
    },
    /// It was ended before its time: by the application, by other music, or with the session.
    Stopped {
        /// The file.
        file: String,
    },
    /// It cannot be loaded or read on; the error event 10003 says so too.
    Failed {
        /// The file.
        file: String,
        /// What happened and what can be done.
        reason: String,
    },
}

/// Something happened in a player.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum PlayerEvent {
    /// A state code of the specification fired.
    State {
        /// Which.
        code: PlayerCode,
        /// Particulars, for people: an address, a size, a reason.
        detail: String,
    },
    /// A codec opened.
    BackendSelected(BackendSelected),
    /// The publisher sent a message with the picture that is shown now.
    Message {
        /// When that picture is presented, on the stream's timeline; serialised in microseconds.
        #[serde(serialize_with = "micros")]
        pts: Timestamp,
        /// What it says; serialised as text.
        #[serde(serialize_with = "text")]
        data: Bytes,
    },
    /// The session ended before its time (`binderror`): its last event.
    Error {
        /// The state code that was fired for it, where the specification has one.
        code: Option<PlayerCode>,
        /// What was asked, what happened and what can be done.
        message: String,
    },
    /// The window fills the screen now, or does not any more (`bindfullscreenchange`).
    FullScreenChange {
        /// How the picture is turned on the screen; upright after full screen.
        direction: FullScreenDirection,
        /// Whether the window fills the screen.
        full_screen: bool,
    },
    /// A sink or recording failed for good; the player goes on without it.
    SinkFailed {
        /// The sink's name.
        sink: String,
        /// What happened and what can be done.
        reason: String,
    },
}

/// How a picture is turned when it fills the screen: the `direction` of `requestFullScreen`. Serialised in degrees.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum FullScreenDirection {
    /// 0: as in the window.
    #[default]
    Upright,
    /// 90: a quarter clockwise, for a screen that was turned counter-clockwise.
    Clockwise,
    /// −90: a quarter counter-clockwise, for a screen that was turned clockwise.
    CounterClockwise,
}

impl FullScreenDirection {
    /// The direction of the specification's number; `None` for others than 0, 90 and −90.
    #[must_use]
    pub const fn from_degrees(degrees: i32) -> Option<Self> {
        match degrees {
            0 => Some(Self::Upright),
            90 => Some(Self::Clockwise),
            -90 => Some(Self::CounterClockwise),
            _ => None,
        }
    }

    /// The specification's number: 0, 90 or −90.
    #[must_use]
    pub const fn degrees(self) -> i32 {
        match self {
            Self::Upright => 0,
            Self::Clockwise => 90,
            Self::CounterClockwise => -90,
        }
    }
}

impl Serialize for FullScreenDirection {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i32(self.degrees())
    }
}

fn micros<S: Serializer>(pts: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_i64(pts.as_micros())
}

fn text<S: Serializer>(data: &Bytes, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&String::from_utf8_lossy(data))
}

/// Which backend serves a track, and which refused before it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct BackendSelected {
    /// `video encoder`, `audio decoder` and so on.
    pub role: String,
    /// The backend's name in the registry.
    pub backend: String,
    /// Whether it is hardware.
    pub hardware: bool,
    /// Backends that were tried first, each with its reason for refusing.
    pub refusals: Vec<String>,
}

impl BackendSelected {
    /// Describes the codec that `opened` for `track`; `work` is `encoder` or `decoder`.
    #[must_use]
    pub fn of<T: ?Sized>(track: Track, work: &str, opened: &crate::registry::Opened<T>) -> Self {
        let track = match track {
            Track::Video => "video",
            Track::Audio => "audio",
            Track::Data => "data",
        };
        Self {
            role: format!("{track} {work}"),
            backend: opened.backend.to_owned(),
            hardware: opened.provenance == crate::registry::Provenance::Hardware,
            refusals: opened.refusals.iter().map(ToString::to_string).collect(),
        }
    }
}

/// The session's end of an event stream. Clones share it.
#[derive(Clone, Debug)]
pub struct EventSender<E>(broadcast::Sender<E>);

impl<E: Clone> EventSender<E> {
    /// A stream without readers.
    #[must_use]
    pub fn new() -> Self {
        Self(broadcast::Sender::new(KEPT))
    }

    /// Tells every reader. Never waits; without readers nothing happens.
    pub fn send(&self, event: E) {
        // An error means that nobody listens, which is fine.
        let _ = self.0.send(event);
    }

    /// A reader that gets everything from now on.
    #[must_use]
    pub fn subscribe(&self) -> EventStream<E> {
        EventStream(self.0.subscribe())
    }
}

impl<E: Clone> Default for EventSender<E> {
    fn default() -> Self {
        Self::new()
    }
}

/// One delivery of an [`EventStream`].
#[derive(Clone, Debug, PartialEq)]
pub enum Delivery<E> {
    /// An event.
    Event(E),
    /// The reader was too slow: this many events are lost. The next one follows.
    Lagged(u64),
}

impl<E> Delivery<E> {
    /// The event, unless some were lost.
    pub fn event(self) -> Option<E> {
        match self {
            Self::Event(event) => Some(event),
            Self::Lagged(_) => None,
        }
    }
}

/// The application's end of an event stream: holds at most 256 events that were not read yet.
#[derive(Debug)]
pub struct EventStream<E>(broadcast::Receiver<E>);

impl<E: Clone> EventStream<E> {
    /// The next event; waits for one. `None` when the session's owner was dropped. Cancel-safe.
    pub async fn next(&mut self) -> Option<Delivery<E>> {
        match self.0.recv().await {
            Ok(event) => Some(Delivery::Event(event)),
            Err(broadcast::error::RecvError::Lagged(missed)) => Some(Delivery::Lagged(missed)),
            Err(broadcast::error::RecvError::Closed) => None,
        }
    }

    /// The next event if there is one. Never waits.
    pub fn try_next(&mut self) -> Option<Delivery<E>> {
        match self.0.try_recv() {
            Ok(event) => Some(Delivery::Event(event)),
            Err(broadcast::error::TryRecvError::Lagged(missed)) => Some(Delivery::Lagged(missed)),
            Err(broadcast::error::TryRecvError::Empty | broadcast::error::TryRecvError::Closed) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_reader_learns_how_many_it_missed() {
        let sender = EventSender::new();
        let mut stream = sender.subscribe();
        for number in 0..KEPT + 10 {
            sender.send(number);
        }
        assert_eq!(stream.try_next(), Some(Delivery::Lagged(10)));
        assert_eq!(stream.try_next(), Some(Delivery::Event(10)));
    }
}
