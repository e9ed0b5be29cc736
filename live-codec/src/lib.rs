//! live-codec

pub mod h264;
#[cfg(feature = "openh264")]
pub mod openh264;

#[cfg(feature = "openh264")]
use live_core::registry::{Provenance, Row};
use live_core::{Codec, Registry};

/// Adds every backend that is compiled in.
pub fn register_enabled(registry: &mut Registry) {
    #[cfg(feature = "openh264")]
    {
        use openh264::{Decoder, Encoder, NAME};
        registry.video_encoders.add(Row::new(NAME, Provenance::Embedded, Codec::H264, |config| {
            Encoder::open(config).map(|encoder| Box::new(encoder) as _)
        }));
        registry.video_decoders.add(Row::new(NAME, Provenance::Embedded, Codec::H264, |config| {
            Decoder::open(config).map(|decoder| Box::new(decoder) as _)
        }));
    }
}
