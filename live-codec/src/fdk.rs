//! AAC on the Fraunhofer FDK AAC library, built from source.
//!
//! It is the better voice at the bitrates of live streams, and the only decoder here for HE-AAC and for more than two
//! channels. Its licence (SPDX `FDK-AAC`) allows use and redistribution and grants no patent licence.

mod decoder;
mod encoder;
mod sys;

pub use decoder::Decoder;
pub use encoder::Encoder;

/// The backend's name in the registry.
pub const NAME: &str = "fdk-aac";
