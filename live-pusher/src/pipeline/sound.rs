//! What happens to sound between its sources and the encoder. Pure: time is an argument everywhere.
//!
//! ```text
//! source ─► Line: channels, rate, drift, holes ─► Mixer ─► blocks of 10 ms on the session's clock
//! music ─────────────────────────────────────────► with gains and limiter
//! ```

pub(crate) mod controls;
mod drift;
mod limiter;
mod line;
pub(crate) mod mix;
mod resample;
pub(crate) mod silence;
