//! The encoder.

use super::NAME;
use super::sys::{self, Code};
use crate::aac::framing::{FrameCoder, Framed};
use bytes::{BufMut, Bytes, BytesMut};
use live_core::{
    AudioEncoder, AudioEncoderConfig, AudioFrame, AudioSpec, CodecError, CodecErrorKind, Packet,
};

/// An AAC-LC encoder for mono and stereo at a constant bitrate, which may change between access units.
pub struct Encoder(Framed<Coder>);

impl Encoder {
    /// Opens an encoder.
    ///
    /// # Errors
    /// [`CodecErrorKind::Unsupported`] for more than two channels; [`CodecErrorKind::Open`] when the library refuses
    /// the sampling rate or bitrate.
    pub fn open(config: &AudioEncoderConfig) -> Result<Self, CodecError> {
        let AudioSpec { sample_rate, channels } = config.spec;
        if !(1..=2).contains(&channels) {
            let message = format!("{channels} channels cannot be encoded; mix them down to one or two");
            return Err(CodecError::new(CodecErrorKind::Unsupported, NAME, message));
        }
        let bits_per_second = config.kbps.saturating_mul(1000);
        let (sys, info) = sys::Encoder::open(sample_rate, channels, bits_per_second).map_err(|code| {
            let asked = format!("{channels} channels at {sample_rate} Hz and {} kbit/s", config.kbps);
            CodecError::new(CodecErrorKind::Open, NAME, format!("{asked} were refused ({})", name(code)))
        })?;
        let coder = Coder {
            sys,
            delay: info.delay,
            config: info.config.into(),
            samples: Vec::new(),
            unit: Vec::new(),
        };
        Ok(Self(Framed::new(coder, config.spec)))
    }
}

impl AudioEncoder for Encoder {
    fn encode(&mut self, frame: &AudioFrame, out: &mut Vec<Packet>) -> Result<(), CodecError> {
        self.0.encode(frame, out)
    }

    fn flush(&mut self, out: &mut Vec<Packet>) -> Result<(), CodecError> {
        self.0.flush(out)
    }

    fn set_bitrate(&mut self, kbps: u32) -> Result<(), CodecError> {
        self.0.set_bitrate(kbps)
    }
}

struct Coder {
    sys: sys::Encoder,
    delay: u32,
    config: Bytes,
    samples: Vec<i16>,
    unit: Vec<u8>,
}

impl FrameCoder for Coder {
    const NAME: &'static str = NAME;

    fn delay(&self) -> u32 {
        self.delay
    }

    fn config(&self) -> Bytes {
        self.config.clone()
    }

    fn encode(&mut self, samples: &[f32], out: &mut BytesMut) -> Result<(), String> {
        self.samples.clear();
        self.samples.extend(samples.iter().map(|sample| (sample * 32_767.0).round_ties_even() as i16));
        let taken = self
            .sys
            .encode(&mut self.samples, &mut self.unit)
            .map_err(|code| format!("a frame could not be encoded ({})", name(code)))?;
        if taken != samples.len() {
            return Err(format!("the encoder took {taken} of {} samples", samples.len()));
        }
        out.put_slice(&self.unit);
        Ok(())
    }

    fn set_bitrate(&mut self, kbps: u32) -> Result<(), String> {
        self.sys
            .set_bitrate(kbps.saturating_mul(1000))
            .map_err(|code| format!("a bitrate of {kbps} kbit/s was refused ({})", name(code)))
    }
}

fn name(code: Code) -> String {
    format!("FDK code {:#x}", code.0)
}
