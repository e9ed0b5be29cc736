//! What happens to sound between its sources and the encoder. Pure: time is an argument everywhere.
//!
//! ```text
//! source ─► Line: channels, rate, drift, holes ─► Mixer: blocks of 10 ms on the session's clock ─► VoiceChain ─┐
//! music file ─► decoder's thread ─► MusicPlayer ───────────────────────────────► Mixer: gains, sum, limiter ◄──┘
//! ```

pub(crate) mod chain;
pub(crate) mod controls;
mod drift;
mod level;
mod limiter;
mod line;
pub(crate) mod mix;
pub(crate) mod music;
mod resample;
pub(crate) mod reverb;
pub(crate) mod silence;
#[cfg(feature = "voice")]
mod voice;
