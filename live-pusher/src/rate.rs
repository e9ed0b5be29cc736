//! How much the video encoder shall make, by what the uplink takes.
//!
//! [`Control`] is pure: it takes the time and a [`Sample`] of the primary output, some ten times a second, and answers
//! with a [`Decision`]. It has no clock, no socket and no encoder, so that it can be tried on simulated links
//! (`live_core::simnet`, `cargo run --example rate_table`).
//!
//! # How it decides
//! **A wait tells that the link is full; what leaves meanwhile tells what it can carry.** The wait is that of all that
//! was encoded and has not arrived: in the packet queue, in the kernel, and in the network's buffers, by how much the
//! round trip is longer than its shortest. While there is one, the bytes that arrive per second are the link's
//! capacity, whatever it was before. A bitrate over it falls at once to a little under it, and lower still for as long
//! as the backlog needs to drain; when it turns out to be more, the bitrate rises to it as well.
//!
//! Key frames make waits, too, while the link is fast enough. They are told from congestion by the same measure: what
//! arrives during the wait is not less than what is made.
//!
//! **Without a wait nothing is known but a lower bound**, and the bitrate climbs by small steps: quickly far below the
//! capacity that was seen last, slowly around it, quickly again beyond it. It does not climb while the encoder makes
//! less than it may, as that would prove nothing.
//!
//! A picture that is too large for its bitrate looks worse than a smaller one: from some bits per pixel on the
//! [`EncodeTarget`] names a lower step of the mode's ladder of sizes, or fewer pictures per second.

mod capacity;
mod congestion;
mod control;
mod ladder;

pub use congestion::Congestion;
pub use control::{Control, Decision};

use live_core::config::{Mode, Size};
use live_core::net_status::LinkInfo;
use live_core::queue::DropRule;
use std::time::Duration;

/// What the video encoder shall make.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EncodeTarget {
    /// Bitrate in kbit/s.
    pub kbps: u32,
    /// Pictures per second.
    pub fps: f64,
    /// Step of the ladder of sizes, from 0, the largest.
    pub step: usize,
}

/// How a controller behaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Temper {
    /// For conversation: notices a wait of a tenth of a second, reacts to it within half a second, climbs quickly.
    Quick,
    /// For broadcasting: lets short waits pass, changes seldom.
    #[default]
    Calm,
}

impl From<Mode> for Temper {
    fn from(mode: Mode) -> Self {
        if mode == Mode::Rtc { Self::Quick } else { Self::Calm }
    }
}

/// What a [`Control`] may choose from.
#[derive(Clone, Debug, PartialEq)]
pub struct RateConfig {
    /// The least video bitrate, kbit/s.
    pub min_kbps: u32,
    /// The greatest video bitrate, kbit/s; not less than the least.
    pub max_kbps: u32,
    /// The video bitrate at the start, kbit/s.
    pub start_kbps: u32,
    /// Pictures per second, as configured.
    pub fps: f64,
    /// Picture sizes, the largest first. Not empty.
    pub ladder: Vec<Size>,
    /// How it behaves.
    pub temper: Temper,
    /// Whether the target ever changes. Congestion is told in any case.
    pub adaptive: bool,
}

/// How the primary output is doing at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sample {
    /// Media time that waits in the packet queue.
    pub queue: Duration,
    /// Bytes that wait in the packet queue, and behind it for the kernel.
    pub queued: u64,
    /// Bytes that the video encoder has made since the session began.
    pub video: u64,
    /// Bytes that the audio encoder has made since the session began.
    pub audio: u64,
    /// Bytes that the kernel has taken since the session began.
    pub sent: u64,
    /// Bytes that the peer has acknowledged in the stream's own protocol. Matters only without [`info`](Self::info).
    pub acknowledged: u64,
    /// What the platform tells about the connection.
    pub info: Option<LinkInfo>,
}

/// When an output of a stream that is made with this temper loses packets: pictures of a conversation are of no use
/// after a second.
#[must_use]
pub fn drop_rule(temper: Temper) -> DropRule {
    match temper {
        Temper::Quick => DropRule { video_after: Duration::from_secs(1), ..DropRule::default() },
        Temper::Calm => DropRule::default(),
    }
}
