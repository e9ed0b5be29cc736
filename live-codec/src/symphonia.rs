//! AAC-LC decoding for mono and stereo on symphonia, in Rust.

use crate::aac::AudioSpecificConfig;
use live_core::{AudioDecoder, AudioFrame, AudioSpec, Codec, CodecError, CodecErrorKind, Packet, PacketKind};
use symphonia_codec_aac::AacDecoder;
use symphonia_core::codecs::audio::well_known::CODEC_ID_AAC;
use symphonia_core::codecs::audio::{AudioCodecParameters, AudioDecoder as _, AudioDecoderOptions};
use symphonia_core::packet::PacketRef;
use symphonia_core::units;

/// The backend's name in the registry.
pub const NAME: &str = "symphonia";

/// A decoder for AAC-LC with one or two channels. It has no delay.
///
/// Of HE-AAC it would decode the lower half of the spectrum, so it refuses what says that it is HE-AAC. A stream
/// that is HE-AAC and does not say so cannot be told from its configuration; see
/// [`AudioSpecificConfig::may_hide_sbr`].
pub struct Decoder {
    inner: AacDecoder,
    spec: AudioSpec,
}

impl Decoder {
    /// Opens a decoder for the stream that `config` configures.
    ///
    /// # Errors
    /// [`CodecErrorKind::Unsupported`] for anything but AAC-LC with one or two channels and 1024 samples per access
    /// unit; [`CodecErrorKind::Open`] when the configuration cannot be read.
    pub fn open(config: &Packet) -> Result<Self, CodecError> {
        if config.kind != PacketKind::Config(Codec::Aac) {
            let message = format!("a configuration of AAC was expected and {:?} came", config.kind);
            return Err(CodecError::new(CodecErrorKind::Unsupported, NAME, message).at(config.pts));
        }
        let unreadable = |cause: Box<dyn std::error::Error + Send + Sync>| {
            CodecError::new(CodecErrorKind::Open, NAME, "the configuration cannot be read")
                .at(config.pts)
                .because(cause)
        };
        let asc = AudioSpecificConfig::parse(&config.data).map_err(|cause| unreadable(cause.into()))?;
        if !asc.is_plain_low_complexity() || asc.channels > 2 || asc.frame_length != 1024 {
            let message = format!("only AAC-LC with one or two channels can be decoded, not {asc:?}");
            return Err(CodecError::new(CodecErrorKind::Unsupported, NAME, message).at(config.pts));
        }
        let mut params = AudioCodecParameters::new();
        params.for_codec(CODEC_ID_AAC).with_extra_data(config.data.to_vec().into_boxed_slice());
        let inner = AacDecoder::try_new(&params, &AudioDecoderOptions::default())
            .map_err(|cause| unreadable(cause.into()))?;
        Ok(Self { inner, spec: asc.output() })
    }
}

impl AudioDecoder for Decoder {
    fn spec(&self) -> Option<AudioSpec> {
        Some(self.spec)
    }

    fn decode(&mut self, packet: &Packet, out: &mut Vec<AudioFrame>) -> Result<(), CodecError> {
        match packet.kind {
            PacketKind::Config(_) => {
                *self = Self::open(packet)?;
                return Ok(());
            }
            // A packet without data says that there is silence; time goes on without it.
            PacketKind::Audio if !packet.data.is_empty() => {}
            _ => return Ok(()),
        }
        let unit = PacketRef::new(0, units::Timestamp::ZERO, units::Duration::ZERO, &packet.data);
        let decoded = self.inner.decode_ref(&unit).map_err(|cause| {
            CodecError::new(CodecErrorKind::Frame, NAME, "the access unit cannot be decoded")
                .at(packet.pts)
                .because(cause)
        })?;
        let mut samples = Vec::new();
        decoded.copy_to_vec_interleaved(&mut samples);
        out.push(AudioFrame { pts: packet.pts, samples });
        Ok(())
    }

    fn flush(&mut self, _out: &mut Vec<AudioFrame>) -> Result<(), CodecError> {
        Ok(())
    }
}
