//! The examination every codec and source backend sits (feature `conformance`).
//!
//! A backend's test opens its codec for these functions; they panic with a sentence about the promise that was broken.
//! The promises are those of the traits' documentation. What a backend honestly refuses with
//! [`Unsupported`](crate::CodecErrorKind::Unsupported) is not held against it where the trait allows refusing.
//!
//! ```no_run
//! # use live_core::{CodecError, VideoDecoder, VideoEncoder, VideoEncoderConfig, Packet};
//! # fn open_mine(_: &VideoEncoderConfig) -> Result<Box<dyn VideoEncoder>, CodecError> { unreachable!() }
//! # fn open_my_decoder(_: &Packet) -> Result<Box<dyn VideoDecoder>, CodecError> { unreachable!() }
//! // In a test of your backend:
//! live_core::conformance::video_encoder(&|config| open_mine(config), &|config| open_my_decoder(config));
//! ```
//!
//! [`scripted`] has the counterpart for pipelines: sources and encoders that keep these promises until they are told to
//! break them.

mod audio;
mod material;
pub mod scripted;
mod source;
mod video;

pub use audio::{OpenAudioDecoder, OpenAudioEncoder, audio_decoder, audio_encoder};
pub use source::{OpenAudioSource, OpenVideoSource, audio_source, video_source};
pub use video::{OpenVideoDecoder, OpenVideoEncoder, video_decoder, video_encoder};
