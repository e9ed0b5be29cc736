//! The decoder.

use super::NAME;
use super::sys::{self, MAX_FRAME};
use crate::aac::AudioSpecificConfig;
use live_core::{
    AudioDecoder, AudioFrame, AudioSpec, Codec, CodecError, CodecErrorKind, Packet, PacketKind, Timestamp,
};

/// A decoder for AAC-LC, HE-AAC v1 and v2 with up to 8 channels, which come in the order of WAV files: left, right,
/// centre, low frequencies, surround left and right.
pub struct Decoder {
    sys: sys::Decoder,
    spec: Option<AudioSpec>,
    samples: Box<[i16; MAX_FRAME]>,
    /// Samples per channel that the decoder is behind.
    delay: u32,
    /// When the packet after the last one is expected.
    next: Timestamp,
}

impl Decoder {
    /// Opens a decoder for the stream that `config` configures.
    ///
    /// # Errors
    /// [`CodecErrorKind::Unsupported`] when the packet is no AAC configuration; [`CodecErrorKind::Open`] when it
    /// cannot be read or the library refuses it.
    pub fn open(config: &Packet) -> Result<Self, CodecError> {
        let (sys, spec) = configure(config)?;
        let samples = Box::new([0; MAX_FRAME]);
        Ok(Self { sys, spec: Some(spec), samples, delay: 0, next: config.pts })
    }

    fn decode_unit(&mut self, packet: &Packet, out: &mut Vec<AudioFrame>) -> Result<(), CodecError> {
        let info = self.sys.decode(&packet.data, &mut self.samples).map_err(|code| {
            let message = format!("the access unit cannot be decoded (FDK code {:#x})", code.0);
            CodecError::new(CodecErrorKind::Frame, NAME, message).at(packet.pts)
        })?;
        self.deliver(info, packet.pts, out);
        Ok(())
    }

    fn deliver(&mut self, info: sys::DecoderInfo, at: Timestamp, out: &mut Vec<AudioFrame>) {
        let spec = AudioSpec { sample_rate: info.sample_rate, channels: info.channels };
        if spec.sample_rate == 0 || spec.channels == 0 {
            return;
        }
        self.spec = Some(spec);
        self.delay = info.delay;
        let micros = |samples: u64| (samples * 1_000_000 / u64::from(spec.sample_rate)) as i64;
        self.next = at.offset_micros(micros(info.frame_size as u64));
        let samples = &self.samples[..info.frame_size * usize::from(info.channels)];
        out.push(AudioFrame {
            pts: at.offset_micros(-micros(info.delay.into())),
            samples: samples.iter().map(|&sample| f32::from(sample) / 32_768.0).collect(),
        });
    }
}

impl AudioDecoder for Decoder {
    fn spec(&self) -> Option<AudioSpec> {
        self.spec
    }

    fn decode(&mut self, packet: &Packet, out: &mut Vec<AudioFrame>) -> Result<(), CodecError> {
        match packet.kind {
            PacketKind::Config(_) => {
                let (sys, spec) = configure(packet)?;
                self.flush(out)?;
                (self.sys, self.spec, self.delay) = (sys, Some(spec), 0);
                Ok(())
            }
            // A packet without data says that there is silence; time goes on without it.
            PacketKind::Audio if packet.data.is_empty() => Ok(()),
            PacketKind::Audio => self.decode_unit(packet, out),
            _ => Ok(()),
        }
    }

    fn flush(&mut self, out: &mut Vec<AudioFrame>) -> Result<(), CodecError> {
        let Some(held) = Some(self.delay as usize).filter(|&held| held > 0) else { return Ok(()) };
        let failed = |code: sys::Code| {
            let message = format!("the sound held back could not be taken out (FDK code {:#x})", code.0);
            CodecError::new(CodecErrorKind::Frame, NAME, message)
        };
        let info = self.sys.drain(&mut self.samples).map_err(failed)?;
        let frame_size = info.frame_size.min(held);
        self.deliver(sys::DecoderInfo { frame_size, ..info }, self.next, out);
        self.delay = 0;
        Ok(())
    }
}

fn configure(packet: &Packet) -> Result<(sys::Decoder, AudioSpec), CodecError> {
    if packet.kind != PacketKind::Config(Codec::Aac) {
        let message = format!("a configuration of AAC was expected and {:?} came", packet.kind);
        return Err(CodecError::new(CodecErrorKind::Unsupported, NAME, message).at(packet.pts));
    }
    let config = AudioSpecificConfig::parse(&packet.data).map_err(|cause| {
        CodecError::new(CodecErrorKind::Open, NAME, "the configuration cannot be read")
            .at(packet.pts)
            .because(cause)
    })?;
    let sys = sys::Decoder::open(&packet.data).map_err(|code| {
        let message = format!("the configuration {config:?} was refused (FDK code {:#x})", code.0);
        CodecError::new(CodecErrorKind::Open, NAME, message).at(packet.pts)
    })?;
    Ok((sys, config.output()))
}
