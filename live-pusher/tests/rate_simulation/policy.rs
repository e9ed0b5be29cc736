//! What is compared, and what each may see.

use live_core::net_status::LinkInfo;
use live_core::queue::{DropRule, QueueState};
use std::time::Duration;

/// The least video bitrate, the first one and the greatest, kbit/s.
pub const LIMITS: (u32, u32, u32) = (200, 1000, 3000);
/// Pictures a second.
pub const FPS: u32 = 25;
/// Bitrate of the sound, kbit/s.
pub const AUDIO_KBPS: u32 = 64;

/// What a policy may see, ten times a second.
pub struct View {
    pub now: Duration,
    pub queue: QueueState,
    /// Bytes that left the queue and that the kernel has not taken.
    pub pending: u64,
    /// Bytes the encoders have made.
    pub video: u64,
    pub audio: u64,
    /// Bytes the kernel has taken.
    pub taken: u64,
    pub info: LinkInfo,
}

/// What the video encoder shall do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Target {
    pub kbps: u32,
    pub fps: f64,
}

/// Decides about the bitrate.
pub trait Policy {
    fn name(&self) -> &'static str;
    /// When it loses packets.
    fn drop_rule(&self) -> DropRule;
    /// Whether a loss makes it ask for a key frame.
    fn asks_for_keys(&self) -> bool;
    fn decide(&mut self, view: &View) -> Target;
    /// How much kernel and network may hold.
    fn allowance(&self) -> Option<u64> {
        None
    }
    /// Whether a key frame shall come at once.
    fn wants_key(&mut self) -> bool {
        false
    }
}
