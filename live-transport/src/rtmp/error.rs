//! How a session fails.

use super::chunk;
use super::handshake::VersionError;
use crate::amf0;
use std::fmt;
use std::time::Duration;

/// A step of a session that the peer has to do its part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Step {
    /// The byte handshake.
    Handshake,
    /// The `connect` command.
    Connect,
    /// The `createStream` command.
    CreateStream,
    /// The `publish` command.
    Publish,
    /// The `play` command.
    Play,
    /// The stream itself.
    Media,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Handshake => "the handshake",
            Self::Connect => "connect",
            Self::CreateStream => "createStream",
            Self::Publish => "publish",
            Self::Play => "play",
            Self::Media => "the stream",
        })
    }
}

/// What the peer said when it refused a step, in its own words. A peer may repeat the stream name in it: see
/// [`StreamUrl::redact`](live_core::StreamUrl::redact).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// A dotted code such as `NetStream.Publish.BadName`; empty when the peer gave none.
    pub code: String,
    /// A sentence; empty when the peer gave none.
    pub description: String,
}

impl Refusal {
    /// Whether the stream name is in use by another publisher.
    #[must_use]
    pub fn is_name_in_use(&self) -> bool {
        self.code == "NetStream.Publish.BadName"
    }

    /// Whether the token has expired, as far as the peer's words tell: no code is agreed on for it.
    #[must_use]
    pub fn is_expired(&self) -> bool {
        self.says(&["expire"])
    }

    /// Whether it is about the user, password or token, as far as the peer's words tell.
    #[must_use]
    pub fn is_unauthorized(&self) -> bool {
        // "Denied" is not among them: it is said of anything, also of a server that is full.
        const WORDS: [&str; 8] =
            ["auth", "forbidden", "password", "permission", "credential", "token", "signature", "secret"];
        self.is_expired() || self.says(&WORDS)
    }

    fn says(&self, words: &[&str]) -> bool {
        let text = format!("{} {}", self.code, self.description).to_ascii_lowercase();
        words.iter().any(|word| text.contains(word))
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.code.as_str(), self.description.as_str()) {
            ("", "") => f.write_str("no reason given"),
            (code, "") => f.write_str(code),
            ("", description) => f.write_str(description),
            (code, description) => write!(f, "{code}: {description}"),
        }
    }
}

/// A session is over because something went wrong.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The peer does not speak this protocol.
    #[error(transparent)]
    Version(#[from] VersionError),
    /// The chunk stream broke the format or a limit.
    #[error("malformed chunk stream: {0}")]
    Chunk(#[from] chunk::Error),
    /// A command could not be read.
    #[error("malformed command: {0}")]
    Command(#[from] amf0::Error),
    /// The peer did not do its part in time.
    #[error("no answer in {step} for {} s", after.as_secs_f32())]
    Silent {
        /// What was waited for.
        step: Step,
        /// For how long.
        after: Duration,
    },
    /// The peer said no.
    #[error("{step} was refused: {refusal}")]
    Refused {
        /// What it said no to.
        step: Step,
        /// Its words.
        refusal: Refusal,
    },
    /// The media is in a form that cannot be received or sent.
    #[error("the media cannot be used: {0}")]
    Unusable(crate::flv::ErrorKind),
    /// The peer uses more of something than it may.
    #[error("the peer opens more than {0} message streams")]
    TooManyStreams(usize),
}
