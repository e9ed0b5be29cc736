//! RTMP.

pub mod chunk;
pub mod handshake;
mod outgoing;

pub use outgoing::Outgoing;
