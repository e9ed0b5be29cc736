//! The encoder.
//!
//! # Why it is set up as it is
//!
//! Measured at 1280×720, 30 fps, 1500 kbit/s, GOP 60, one thread, on three clips: an animated film, the same with
//! heavy noise, and a talking face scaled up. Time is user time for one picture relative to the first row; quality is
//! the luma PSNR against it, in dB. Mostly single runs of the stock build of `openh264-sys2` on a loaded machine, tuned
//! and judged on the same clips: differences in time under about 10 % are noise.
//!
//! | | film | film with noise | face |
//! |---|---|---|---|
//! | **as set up here**: CAVLC, low complexity, loop filter on | 1.00, 37.2 dB | 1.00, 28.6 dB | 1.00, 43.6 dB |
//! | CABAC | 1.18, +0.6 | 1.18, +0.2 | 1.15, +0.8 |
//! | medium complexity | 1.3, +0.1 | 1.3, 0.0 | 1.36, +0.1 |
//! | background detection | 1.01, −0.3 | 1.1, 0.0 | 1.05, −0.1 |
//! | scene change detection | 1.1, 0.0 | 1.03, −0.1, bitrate exceeded by 10 % | 1.02, 0.0 |
//! | two temporal layers | 0.96, −0.8 | | 1.0, −0.4 |
//! | loop filter off | 0.9, −0.7 | 1.0, −0.3 | 0.87, −1.5 |
//! | x264 ultrafast, zerolatency, for comparison | 0.7, −2.6 | 0.8, −0.9 | 0.7, −2.8 |
//!
//! So [`Entropy::Auto`] is CAVLC: CABAC buys its quality with a fifth more time, for who has it. What costs time and
//! gives nothing at this setting (background and scene change detection, adaptive quantisation, denoising, more than
//! one reference picture) is off. The loop filter stays for the looks, a judgement that
//! no measurement here backs.
//!
//! The build matters as much: `openh264-sys2` leaves openh264's AVX2 code out and adds stack protectors to every
//! function. With `NASMENV=-DHAVE_AVX2` and `CXXFLAGS="-DHAVE_AVX2 -fno-stack-protector"` in the environment of the
//! build the same pictures take 0.80 of the time (0.86 with AVX2 alone). The choice of code is still made at run
//! time.
//!
//! Pictures are never left out to hold the bitrate: at the coarsest quantiser a picture with too much detail for its
//! bitrate exceeds it (720p noise at 200 kbit/s takes 500), and the remedy is a smaller picture.

use super::NAME;
use super::sys::{self, Code, EncoderParams};
use crate::h264::avcc::DecoderConfig;
use crate::h264::{NalKind, annexb, is_reference};
use bytes::{BufMut, Bytes, BytesMut};
use live_core::{
    Codec, CodecError, CodecErrorKind, Color, Entropy, Matrix, Packet, PicturePool, Range, Timestamp,
    VideoEncoder, VideoEncoderConfig, VideoFrame,
};
use openh264_sys2 as ffi;

/// Memory taken at once for packets; those of about a second share it.
const CHUNK: usize = 256 * 1024;

/// An H.264 encoder for live streams: no B-frames, no lookahead, every picture comes out of the call that put it in.
pub struct Encoder {
    sys: sys::Encoder,
    config: VideoEncoderConfig,
    /// The sets that the last configuration packet announced.
    parameter_sets: Vec<Bytes>,
    memory: BytesMut,
    pool: PicturePool,
    start: Option<Timestamp>,
    last: Option<Timestamp>,
}

impl Encoder {
    /// Opens an encoder.
    ///
    /// # Errors
    /// [`CodecErrorKind::Unsupported`] for odd sizes, those under 16×16 or over 4096×2304 pixels, and frame rates
    /// outside 1 to 60; [`CodecErrorKind::Open`] when openh264 refuses.
    pub fn open(config: &VideoEncoderConfig) -> Result<Self, CodecError> {
        check(config)?;
        let sys = sys::Encoder::open(|params| describe(config, params)).map_err(|code| {
            let VideoEncoderConfig { width, height, frame_rate, kbps, .. } = *config;
            let asked = format!("{width}×{height} at {frame_rate} fps and {kbps} kbit/s");
            error(CodecErrorKind::Open, format!("{asked} was refused ({})", name(code)))
        })?;
        Ok(Self {
            sys,
            config: config.clone(),
            parameter_sets: Vec::new(),
            memory: BytesMut::new(),
            pool: PicturePool::new(),
            start: None,
            last: None,
        })
    }

    fn check_frame(&self, frame: &VideoFrame) -> Result<(), CodecError> {
        let (width, height) = (frame.width(), frame.height());
        if (width, height) != (self.config.width, self.config.height) {
            let (open_width, open_height) = (self.config.width, self.config.height);
            let message = format!(
                "a picture of {width}×{height} came and the encoder is open for {open_width}×{open_height}"
            );
            return Err(error(CodecErrorKind::Unsupported, message).at(frame.pts));
        }
        match self.last {
            Some(last) if frame.pts < last => {
                let message = format!("the picture is older than the one before it, which was of {last:?}");
                Err(error(CodecErrorKind::Frame, message).at(frame.pts))
            }
            _ => Ok(()),
        }
    }

    /// Announces parameter sets that differ from those announced before.
    fn announce(&mut self, sets: Vec<Bytes>, at: Timestamp, out: &mut Vec<Packet>) -> Result<(), CodecError> {
        if sets.is_empty() || sets == self.parameter_sets {
            return Ok(());
        }
        let (sps, pps) = sets.iter().cloned().partition(|set| NalKind::of(set) == Some(NalKind::Sps));
        let record = DecoderConfig::new(sps, pps).and_then(|record| record.build()).map_err(|cause| {
            error(CodecErrorKind::Fatal, "openh264 made parameter sets that cannot be written".into())
                .at(at)
                .because(cause)
        })?;
        out.push(Packet::config(Codec::H264, at, record));
        self.parameter_sets = sets;
        Ok(())
    }
}

impl VideoEncoder for Encoder {
    fn encode(&mut self, frame: &VideoFrame, out: &mut Vec<Packet>) -> Result<(), CodecError> {
        self.check_frame(frame)?;
        let pts = frame.pts;
        let start = *self.start.get_or_insert(pts);
        let picture = frame.surface.to_i420(&self.pool);
        let encoded = self.sys.encode(&picture, pts.micros_since(start) / 1000).map_err(|code| {
            error(CodecErrorKind::Frame, format!("the picture could not be encoded ({})", name(code))).at(pts)
        })?;
        self.last = Some(pts);
        // A start code of four bytes becomes a length of four bytes, so this is enough.
        if self.memory.capacity() < encoded.len() {
            self.memory.reserve(encoded.len().max(CHUNK));
        }
        let mut sets = Vec::new();
        let (mut key, mut disposable) = (false, true);
        for unit in encoded.units().flat_map(annexb::nal_units) {
            match NalKind::of(unit) {
                Some(NalKind::Sps | NalKind::Pps) => sets.push(Bytes::copy_from_slice(unit)),
                kind => {
                    key |= kind == Some(NalKind::IdrSlice);
                    disposable &= !is_reference(unit);
                    self.memory.put_u32(unit.len() as u32);
                    self.memory.put_slice(unit);
                }
            }
        }
        let data = self.memory.split().freeze();
        self.announce(sets, pts, out)?;
        if data.is_empty() {
            // The rate control left the picture out.
            return Ok(());
        }
        // No pictures are reordered, so each is decoded when it is shown.
        out.push(if key { Packet::key(pts, pts, data) } else { Packet::delta(pts, pts, disposable, data) });
        Ok(())
    }

    fn flush(&mut self, _out: &mut Vec<Packet>) -> Result<(), CodecError> {
        self.request_key()
    }

    fn set_bitrate(&mut self, kbps: u32) -> Result<(), CodecError> {
        self.sys.set_bitrate(bits_per_second(kbps)).map_err(|code| {
            error(
                CodecErrorKind::Unsupported,
                format!("a bitrate of {kbps} kbit/s was refused ({})", name(code)),
            )
        })
    }

    fn set_frame_rate(&mut self, frame_rate: f64) -> Result<(), CodecError> {
        check_frame_rate(frame_rate)?;
        self.sys.set_frame_rate(frame_rate as f32).map_err(|code| {
            error(CodecErrorKind::Unsupported, format!("{frame_rate} fps was refused ({})", name(code)))
        })
    }

    fn request_key(&mut self) -> Result<(), CodecError> {
        self.sys.force_key().map_err(|code| {
            error(CodecErrorKind::Fatal, format!("a key frame could not be requested ({})", name(code)))
        })
    }
}

fn check(config: &VideoEncoderConfig) -> Result<(), CodecError> {
    let VideoEncoderConfig { width, height, frame_rate, .. } = *config;
    let sized = (16..=4096).contains(&width.max(height)) && (16..=2304).contains(&width.min(height));
    if !sized || width % 2 != 0 || height % 2 != 0 {
        let message = format!("{width}×{height} is not an even size between 16×16 and 4096×2304 pixels");
        return Err(error(CodecErrorKind::Unsupported, message));
    }
    check_frame_rate(frame_rate)
}

fn check_frame_rate(frame_rate: f64) -> Result<(), CodecError> {
    if (1.0..=60.0).contains(&frame_rate) {
        return Ok(());
    }
    Err(error(CodecErrorKind::Unsupported, format!("{frame_rate} fps is not between 1 and 60")))
}

/// openh264's parameters for `config`.
fn describe(config: &VideoEncoderConfig, params: &mut EncoderParams) {
    let cabac = config.entropy == Entropy::Cabac;
    let threads = config.threads.clamp(1, 16);
    let slices = if config.slices == 0 { threads } else { config.slices.clamp(1, 35) };
    params.iUsageType = ffi::CAMERA_VIDEO_REAL_TIME;
    params.iPicWidth = config.width as i32;
    params.iPicHeight = config.height as i32;
    params.iTargetBitrate = bits_per_second(config.kbps);
    params.iRCMode = ffi::RC_BITRATE_MODE;
    params.fMaxFrameRate = config.frame_rate as f32;
    params.iComplexityMode = ffi::LOW_COMPLEXITY;
    params.uiIntraPeriod = config.gop;
    params.iNumRefFrame = 1;
    // The same identifiers at every key frame: one configuration record serves the whole stream.
    params.eSpsPpsIdStrategy = ffi::CONSTANT_ID;
    params.iEntropyCodingModeFlag = i32::from(cabac);
    params.bEnableFrameSkip = false;
    params.iMultipleThreadIdc = threads as u16;
    params.bEnableDenoise = false;
    params.bEnableBackgroundDetection = false;
    params.bEnableAdaptiveQuant = false;
    params.bEnableSceneChangeDetect = false;

    let layer = &mut params.sSpatialLayers[0];
    layer.iVideoWidth = config.width as i32;
    layer.iVideoHeight = config.height as i32;
    layer.fFrameRate = config.frame_rate as f32;
    layer.iSpatialBitrate = bits_per_second(config.kbps);
    layer.uiProfileIdc = if cabac { ffi::PRO_HIGH } else { ffi::PRO_BASELINE };
    layer.sSliceArgument.uiSliceMode =
        if slices > 1 { ffi::SM_FIXEDSLCNUM_SLICE } else { ffi::SM_SINGLE_SLICE };
    layer.sSliceArgument.uiSliceNum = slices;
    describe_color(config.color, layer);
}

/// The video signal type of the VUI (annex E.2.1).
fn describe_color(color: Color, layer: &mut ffi::SSpatialLayerConfig) {
    layer.bVideoSignalTypePresent = true;
    layer.uiVideoFormat = ffi::VF_UNDEF as u8;
    layer.bFullRange = color.range == Range::Full;
    layer.bColorDescriptionPresent = true;
    (layer.uiColorPrimaries, layer.uiTransferCharacteristics, layer.uiColorMatrix) = match color.matrix {
        Matrix::Bt601 => (ffi::CP_SMPTE170M as u8, ffi::TRC_SMPTE170M as u8, ffi::CM_SMPTE170M as u8),
        Matrix::Bt709 => (ffi::CP_BT709 as u8, ffi::TRC_BT709 as u8, ffi::CM_BT709 as u8),
    };
}

fn bits_per_second(kbps: u32) -> i32 {
    i32::try_from(u64::from(kbps) * 1000).unwrap_or(i32::MAX)
}

fn error(kind: CodecErrorKind, message: String) -> CodecError {
    CodecError::new(kind, NAME, message)
}

/// openh264's name of a return code.
fn name(code: Code) -> String {
    let name = match i32::try_from(code.0) {
        Ok(ffi::cmInitParaError) => "cmInitParaError",
        Ok(ffi::cmMallocMemeError) => "cmMallocMemeError",
        Ok(ffi::cmInitExpected) => "cmInitExpected",
        Ok(ffi::cmUnsupportedData) => "cmUnsupportedData",
        _ => return format!("openh264 code {}", code.0),
    };
    format!("openh264 says {name}")
}
