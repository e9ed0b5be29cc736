//! The examination every codec and source backend sits (feature `conformance`).
//!
//! A backend's test opens its codec for these functions; they panic with a sentence about the promise that was broken.
//! The promises are those of the traits' documentation. What a backend honestly refuses with
//! [`Unsupported`](crate::CodecErrorKind::Unsupported) is not held against it where the trait allows refusing.
//!
//! ```ignore
//! #[test]
//! fn keeps_the_promises_of_a_video_encoder() {
//!     live_core::conformance::video_encoder(
//!         &|config| Ok(Box::new(MyEncoder::open(config)?)),
//!         &|config| Ok(Box::new(MyDecoder::open(config)?)),
//!     );
//! }
//! ```

mod audio;
mod material;
mod source;
mod video;

pub use audio::{OpenAudioDecoder, OpenAudioEncoder, audio_decoder, audio_encoder};
pub use source::{OpenAudioSource, OpenVideoSource, audio_source, video_source};
pub use video::{OpenVideoDecoder, OpenVideoEncoder, video_decoder, video_encoder};
