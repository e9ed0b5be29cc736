//! What a client session needs to know.

use crate::amf0::Value;
use crate::rtmp::chunk::Limits;
use crate::rtmp::error::Step;
use live_core::StreamUrl;
use std::fmt;
use std::time::Duration;

/// What a client connects for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// To send a stream.
    Publish,
    /// To receive one.
    Play,
}

/// What a [`ClientSession`](super::ClientSession) is to do, and how patiently.
///
/// `Debug` hides the stream name, as the address does, and the login.
#[derive(Clone)]
pub struct ClientConfig {
    /// Where to: application, stream name and tokens come from here.
    pub url: StreamUrl,
    /// What for.
    pub purpose: Purpose,
    /// What a login adds behind the application's name: see [`auth`](crate::rtmp::auth). Default nothing.
    pub login: String,
    /// How long each answer of the opening dialogue may take. Default 10 s.
    pub answer: Duration,
    /// How long a stream that is played may be without media. While publishing, a server that answers pings may give no
    /// sign of life for four fifths of it. Default 10 s.
    pub silence: Duration,
    /// Whether the server is pinged while publishing, and given up when it has answered before and does so no more.
    /// Default `true`.
    pub pings: bool,
    /// Bytes of the chunks that are sent. Default 65 536, the most that servers of the first hour accept: a frame is
    /// one or two chunks, and so one or two references in a system call.
    pub chunk_size: u32,
    /// Offer the server a handshake with digest. Default true: those that do not know of it do not notice.
    pub offer_digest: bool,
    /// What the server may make this side hold.
    pub limits: Limits,
}

impl fmt::Debug for ClientConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientConfig")
            .field("url", &self.url)
            .field("purpose", &self.purpose)
            .field("answer", &self.answer)
            .field("silence", &self.silence)
            .field("chunk_size", &self.chunk_size)
            .finish_non_exhaustive()
    }
}

impl ClientConfig {
    /// The defaults for `url`.
    #[must_use]
    pub fn new(purpose: Purpose, url: StreamUrl) -> Self {
        Self {
            url,
            purpose,
            login: String::new(),
            answer: Duration::from_secs(10),
            silence: Duration::from_secs(10),
            pings: true,
            chunk_size: 65_536,
            offer_digest: true,
            limits: Limits::default(),
        }
    }

    /// How long the peer may take for its part of `step`.
    pub(super) const fn patience(&self, step: Step) -> Duration {
        match step {
            Step::Media => self.silence,
            _ => self.answer,
        }
    }

    /// The command object of `connect` (RTMP section 7.2.1.1).
    pub(super) fn connect_object(&self) -> Value {
        const AUDIO_MP3_AND_AAC: f64 = 1028.0; // 0x0004 | 0x0400
        const VIDEO_H264: f64 = 128.0; // 0x0080
        let app = Value::from(format!("{}{}", self.url.app(), self.login));
        let tc_url = Value::from(format!("{}{}", self.url.tc_url(), self.login));
        match self.purpose {
            Purpose::Publish => Value::object([
                ("app", app),
                ("type", "nonprivate".into()),
                (
                    "flashVer",
                    concat!("FMLE/3.0 (compatible; live-transport ", env!("CARGO_PKG_VERSION"), ")").into(),
                ),
                ("tcUrl", tc_url),
            ]),
            Purpose::Play => Value::object([
                ("app", app),
                ("flashVer", "LNX 9,0,124,2".into()),
                ("tcUrl", tc_url),
                ("fpad", false.into()),
                ("capabilities", 15.0.into()),
                ("audioCodecs", AUDIO_MP3_AND_AAC.into()),
                ("videoCodecs", VIDEO_H264.into()),
                ("videoFunction", 1.0.into()),
            ]),
        }
    }
}
