//! H.264 on Cisco's openh264, built from source.
//!
//! The wrapper is our own, over the raw interface: the bitrate and frame rate change while running, threads and
//! slices are used, CABAC can be chosen, and the decoder tells a concealed picture from a good one.
//!
//! openh264 leaves H.264 royalties, where they apply, to whoever ships the binary.

mod decoder;
mod encoder;
mod plain_sps;
mod sys;

pub use decoder::Decoder;
pub use encoder::Encoder;

/// The backend's name in the registry.
pub const NAME: &str = "openh264";
