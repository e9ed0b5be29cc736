//! AAC-LC encoding on syom, in Rust: for builds that want neither C++ nor the FDK-AAC licence.

use crate::aac::framing::{FRAME, FrameCoder, Framed};
use bytes::{BufMut, Bytes, BytesMut};
use live_core::{
    AudioEncoder, AudioEncoderConfig, AudioFrame, AudioSpec, CodecError, CodecErrorKind, Packet,
};
use syom::EncodeOptions;

/// The backend's name in the registry.
pub const NAME: &str = "syom";

/// An AAC-LC encoder for mono and stereo. Its bitrate is fixed when it is opened.
pub struct Encoder(Framed<Coder>);

impl Encoder {
    /// Opens an encoder.
    ///
    /// # Errors
    /// [`CodecErrorKind::Unsupported`] for more than two channels; [`CodecErrorKind::Open`] when syom refuses the
    /// sampling rate or bitrate.
    pub fn open(config: &AudioEncoderConfig) -> Result<Self, CodecError> {
        let AudioSpec { sample_rate, channels } = config.spec;
        if !(1..=2).contains(&channels) {
            let message = format!("{channels} channels cannot be encoded; mix them down to one or two");
            return Err(CodecError::new(CodecErrorKind::Unsupported, NAME, message));
        }
        let options = EncodeOptions::raw().with_bitrate_bps(config.kbps.saturating_mul(1000));
        let channels = usize::from(channels);
        let inner = syom::Encoder::new(sample_rate, channels, &options).map_err(|cause| {
            let asked = format!("{channels} channels at {sample_rate} Hz and {} kbit/s", config.kbps);
            CodecError::new(CodecErrorKind::Open, NAME, format!("{asked} were refused")).because(cause)
        })?;
        let coder = Coder { inner, kbps: config.kbps, planes: vec![Vec::with_capacity(FRAME); channels] };
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
    inner: syom::Encoder,
    kbps: u32,
    planes: Vec<Vec<f32>>,
}

impl FrameCoder for Coder {
    const NAME: &'static str = NAME;

    fn delay(&self) -> u32 {
        FRAME as u32
    }

    fn config(&self) -> Bytes {
        Bytes::copy_from_slice(self.inner.asc())
    }

    fn encode(&mut self, samples: &[f32], out: &mut BytesMut) -> Result<(), String> {
        let channels = self.planes.len();
        for (channel, plane) in self.planes.iter_mut().enumerate() {
            plane.clear();
            plane.extend(samples.iter().skip(channel).step_by(channels));
        }
        let deliver = |unit: syom::EncodedFrame<'_>| {
            out.put_slice(unit.au);
            Ok(())
        };
        let fed = match self.planes.as_slice() {
            [mono] => self.inner.feed(&[mono], deliver),
            [left, right] => self.inner.feed(&[left, right], deliver),
            _ => return Err("an encoder has one or two channels".into()),
        };
        fed.map(drop).map_err(|cause| format!("a frame could not be encoded ({cause})"))
    }

    fn set_bitrate(&mut self, kbps: u32) -> Result<(), String> {
        if kbps == self.kbps {
            return Ok(());
        }
        Err(format!("the bitrate is fixed at {} kbit/s; {kbps} kbit/s need another encoder", self.kbps))
    }
}
