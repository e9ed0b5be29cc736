//! H.264 decoding in Rust, with the crate `rusty_h264-decoder`.
//!
//! It is there for streams whose pictures are reordered, which openh264 does not decode
//! exactly: its pictures are those of FFmpeg bit for bit with B-frames of every kind that x264 makes. It takes
//! about twice the time that openh264 takes, so streams without reordering are left to that.
//!
//! The crate is young. What is known to deviate or to be missing is refused when the stream opens and left to
//! openh264 (constrained intra prediction, explicit weights in B pictures, picture order count type 1), lost
//! pictures are noticed here and not left to it, and a panic inside it ends as an error of that access unit.

mod decoder;

pub use decoder::Decoder;

/// The backend's name in the registry.
pub const NAME: &str = "rusty-h264";
