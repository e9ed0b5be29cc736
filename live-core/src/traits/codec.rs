//! Encoders and decoders.

use crate::error::CodecError;
use crate::frame::{AudioFrame, AudioSpec, Color, VideoFrame};
use crate::packet::Packet;

/// Entropy coding of H.264: what it costs against what it saves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Entropy {
    /// Whatever gives the better quality for its processor time on this backend; its documentation says which.
    #[default]
    Auto,
    /// Context-adaptive variable-length coding: cheap, Baseline profile.
    Cavlc,
    /// Context-adaptive binary arithmetic coding: better, dearer, Main or High profile.
    Cabac,
}

/// What a video encoder is asked to make. All numbers have been checked.
#[derive(Clone, Debug, PartialEq)]
pub struct VideoEncoderConfig {
    /// Picture width in pixels, even.
    pub width: u32,
    /// Picture height in pixels, even.
    pub height: u32,
    /// Nominal pictures per second.
    pub frame_rate: f64,
    /// Target bitrate in kbit/s.
    pub kbps: u32,
    /// Pictures from one key frame to the next.
    pub gop: u32,
    /// How the samples are to be read; written into the stream (VUI).
    pub color: Color,
    /// Entropy coding.
    pub entropy: Entropy,
    /// Worker threads; 0 lets the backend choose.
    pub threads: u32,
    /// Slices per picture; 0 means one per thread.
    pub slices: u32,
}

/// What an audio encoder is asked to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AudioEncoderConfig {
    /// Layout of the sound that will come in.
    pub spec: AudioSpec,
    /// Target bitrate in kbit/s.
    pub kbps: u32,
}

/// Turns pictures into access units.
///
/// Lives on one worker thread from open to drop; every call may block for the time of one picture's encoding.
///
/// # For implementors
/// A [`Config`](crate::PacketKind::Config) packet precedes the first key frame and every change of parameters.
/// `dts` never decreases and is never later than `pts`. Pictures may be held back (B-frames, lookahead) but
/// [`flush`](Self::flush) gives out every one. The input's size is the configured one; a native surface the backend
/// does not know is read through [`Surface::to_i420`](crate::Surface::to_i420).
pub trait VideoEncoder {
    /// Encodes one picture and appends what is ready to `out`: nothing when the rate control skipped the picture or
    /// holds it back. After an error of kind [`Frame`](crate::CodecErrorKind::Frame) the next picture may be tried.
    fn encode(&mut self, frame: &VideoFrame, out: &mut Vec<Packet>) -> Result<(), CodecError>;

    /// Appends everything held back. The encoder may be used again afterwards; its next picture is a key frame.
    fn flush(&mut self, out: &mut Vec<Packet>) -> Result<(), CodecError>;

    /// Aims at another bitrate from the next picture on, without a key frame.
    fn set_bitrate(&mut self, kbps: u32) -> Result<(), CodecError>;

    /// Expects another number of pictures per second from the next picture on, without a key frame.
    fn set_frame_rate(&mut self, frame_rate: f64) -> Result<(), CodecError>;

    /// Makes the next picture a key frame.
    fn request_key(&mut self) -> Result<(), CodecError>;
}

/// Turns access units into pictures.
///
/// Lives on one worker thread from open to drop; every call may block for the time of one picture's decoding.
///
/// # For implementors
/// [`Config`](crate::PacketKind::Config) packets come through [`decode`](Self::decode) in their place in the stream
/// and may change size, profile and reordering. Pictures come out in presentation order with the `pts` of their
/// packet; a stream without reordering has no delay. Packets of other tracks are never passed in.
pub trait VideoDecoder {
    /// Decodes one packet and appends the pictures that became ready to `out`.
    ///
    /// After [`Frame`](crate::CodecErrorKind::Frame) or
    /// [`MissingReference`](crate::CodecErrorKind::MissingReference) the next packet may be passed in.
    fn decode(&mut self, packet: &Packet, out: &mut Vec<VideoFrame>) -> Result<(), CodecError>;

    /// Appends every picture held back for reordering. The next packet has to be a key frame.
    fn flush(&mut self, out: &mut Vec<VideoFrame>) -> Result<(), CodecError>;
}

/// Turns sound into access units.
///
/// Lives on one worker thread from open to drop.
///
/// # For implementors
/// Frames of any length come in and are cut to the codec's own. The encoder's delay is taken off the timestamps: the
/// packet whose decoding gives the first input sample carries that sample's `pts` (the priming before it has earlier
/// ones). A gap or overlap in the input's `pts` moves the output's. A `Config` packet comes first.
pub trait AudioEncoder {
    /// Encodes sound and appends the access units that became full to `out`.
    fn encode(&mut self, frame: &AudioFrame, out: &mut Vec<Packet>) -> Result<(), CodecError>;

    /// Pads and appends what is held back, so that the last input sample can be decoded.
    fn flush(&mut self, out: &mut Vec<Packet>) -> Result<(), CodecError>;

    /// Aims at another bitrate from the next access unit on.
    fn set_bitrate(&mut self, kbps: u32) -> Result<(), CodecError>;
}

/// Turns access units into sound.
///
/// Lives on one worker thread from open to drop.
pub trait AudioDecoder {
    /// The layout of the sound that comes out; `None` until a configuration has been decoded. It changes only with a
    /// [`Config`](crate::PacketKind::Config) packet (or, for implicitly signalled HE-AAC, with the first access unit).
    fn spec(&self) -> Option<AudioSpec>;

    /// Decodes one packet and appends sound to `out`. The decoder's own delay is taken off the timestamps.
    fn decode(&mut self, packet: &Packet, out: &mut Vec<AudioFrame>) -> Result<(), CodecError>;

    /// Appends the sound held back by the decoder's delay.
    fn flush(&mut self, out: &mut Vec<AudioFrame>) -> Result<(), CodecError>;
}
