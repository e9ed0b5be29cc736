//! The rows this crate adds to a registry.

use live_core::Registry;

/// Adds every backend that is compiled in to `registry`, in the order in which they are tried within a rank.
///
/// | format | rows |
/// |---|---|
/// | H.264 | `openh264` encodes; `rusty-h264` decodes streams with B-frames, `openh264` everything |
/// | AAC | `fdk-aac`, then `syom` encode; `symphonia` decodes AAC-LC in mono and stereo, `fdk-aac` everything |
pub fn register_enabled(registry: &mut Registry) {
    #[cfg(feature = "rusty-h264")]
    rusty_h264(registry);
    #[cfg(feature = "openh264")]
    openh264(registry);
    #[cfg(feature = "symphonia")]
    symphonia(registry);
    #[cfg(feature = "fdk-aac")]
    fdk(registry);
    #[cfg(feature = "syom")]
    syom(registry);
    // Without any backend there is nothing to add.
    let _ = registry;
}

#[cfg(feature = "rusty-h264")]
fn rusty_h264(registry: &mut Registry) {
    use crate::rusty_h264::{Decoder, NAME};
    use live_core::registry::{Provenance, Row};
    use live_core::{Codec, CodecError, CodecErrorKind, Packet};

    registry.video_decoders.add(Row::new(NAME, Provenance::Embedded, Codec::H264, |config: &Packet| {
        let decoder = Decoder::open(config)?;
        // Where openh264 is at hand, it takes what it decodes exactly and faster.
        if cfg!(feature = "openh264") && decoder.is_in_order() {
            let message = "the stream has no B-frames, which is left to openh264";
            return Err(CodecError::new(CodecErrorKind::Unsupported, NAME, message).at(config.pts));
        }
        Ok(Box::new(decoder) as _)
    }));
}

#[cfg(feature = "openh264")]
fn openh264(registry: &mut Registry) {
    use crate::openh264::{Decoder, Encoder, NAME};
    use live_core::Codec;
    use live_core::registry::{Provenance, Row};

    registry.video_encoders.add(Row::new(NAME, Provenance::Embedded, Codec::H264, |config| {
        Encoder::open(config).map(|encoder| Box::new(encoder) as _)
    }));
    registry.video_decoders.add(Row::new(NAME, Provenance::Embedded, Codec::H264, |config| {
        Decoder::open(config).map(|decoder| Box::new(decoder) as _)
    }));
}

#[cfg(feature = "symphonia")]
fn symphonia(registry: &mut Registry) {
    use crate::aac::AudioSpecificConfig;
    use crate::symphonia::{Decoder, NAME};
    use live_core::registry::{Provenance, Row};
    use live_core::{Codec, CodecError, CodecErrorKind, Packet};

    registry.audio_decoders.add(Row::new(NAME, Provenance::Embedded, Codec::Aac, |config: &Packet| {
        // Where a decoder for HE-AAC is at hand, it takes what may be HE-AAC in disguise.
        let may_hide_sbr = AudioSpecificConfig::parse(&config.data).is_ok_and(|config| config.may_hide_sbr());
        if cfg!(feature = "fdk-aac") && may_hide_sbr {
            let message =
                "at this sampling rate the stream may be HE-AAC without saying so, which is left to fdk-aac";
            return Err(CodecError::new(CodecErrorKind::Unsupported, NAME, message).at(config.pts));
        }
        Decoder::open(config).map(|decoder| Box::new(decoder) as _)
    }));
}

#[cfg(feature = "fdk-aac")]
fn fdk(registry: &mut Registry) {
    use crate::fdk::{Decoder, Encoder, NAME};
    use live_core::Codec;
    use live_core::registry::{Provenance, Row};

    registry.audio_encoders.add(Row::new(NAME, Provenance::Embedded, Codec::Aac, |config| {
        Encoder::open(config).map(|encoder| Box::new(encoder) as _)
    }));
    registry.audio_decoders.add(Row::new(NAME, Provenance::Embedded, Codec::Aac, |config| {
        Decoder::open(config).map(|decoder| Box::new(decoder) as _)
    }));
}

#[cfg(feature = "syom")]
fn syom(registry: &mut Registry) {
    use crate::syom::{Encoder, NAME};
    use live_core::Codec;
    use live_core::registry::{Provenance, Row};

    registry.audio_encoders.add(Row::new(NAME, Provenance::Embedded, Codec::Aac, |config| {
        Encoder::open(config).map(|encoder| Box::new(encoder) as _)
    }));
}
