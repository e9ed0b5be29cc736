//! The decoder: one access unit in, its picture out, put into presentation order here.

use super::NAME;
use crate::h264::avcc::{self, DecoderConfig};
use crate::h264::references::{Fault, References};
use crate::h264::reorder::Reorder;
use crate::h264::sps::SpsInfo;
use crate::h264::{NalKind, annexb};
use live_core::{
    Codec, CodecError, CodecErrorKind, Color, I420, Packet, PacketKind, PicturePool, Plane, VideoDecoder,
    VideoFrame,
};
use rusty_h264_common::YuvFrame;
use rusty_h264_decoder::DecodeError;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Pictures of level 5.2, 4096×2304 pixels, are the largest that are decoded.
const MAX_MACROBLOCKS: u32 = 36_864;

/// An H.264 decoder for 8-bit 4:2:0 progressive video of the Baseline, Main and High profiles.
pub struct Decoder {
    inner: rusty_h264_decoder::Decoder,
    length_size: usize,
    /// The parameter sets of the last configuration record, as a byte stream.
    parameter_sets: Vec<u8>,
    /// The next access unit to be decoded begins with them.
    parameter_sets_due: bool,
    info: Option<SpsInfo>,
    references: References,
    reorder: Reorder<VideoFrame>,
    /// Pictures refer to something that is not there; they are not shown until the next IDR picture.
    broken: bool,
    stream: Vec<u8>,
    pool: PicturePool,
}

impl Decoder {
    /// Opens a decoder for the stream that `config` configures.
    ///
    /// # Errors
    /// [`CodecErrorKind::Unsupported`] when the stream is interlaced, not 4:2:0, not 8 bits deep, larger than
    /// 4096×2304 pixels or uses a coding tool that the [module](super) names; [`CodecErrorKind::Open`] when the record
    /// cannot be read.
    pub fn open(config: &Packet) -> Result<Self, CodecError> {
        let mut decoder = Self {
            inner: rusty_h264_decoder::Decoder::new(),
            length_size: 4,
            parameter_sets: Vec::new(),
            parameter_sets_due: false,
            info: None,
            references: References::new(),
            reorder: Reorder::new(0),
            broken: true,
            stream: Vec::new(),
            pool: PicturePool::new(),
        };
        decoder.configure(config).map_err(|mut error| {
            if error.kind == CodecErrorKind::Frame {
                error.kind = CodecErrorKind::Open;
            }
            error
        })?;
        Ok(decoder)
    }

    /// Whether the stream says that its pictures come in the order in which they are shown.
    pub(crate) fn is_in_order(&self) -> bool {
        self.info.is_some_and(|info| info.reorder_depth == Some(0))
    }

    fn configure(&mut self, packet: &Packet) -> Result<(), CodecError> {
        if packet.kind != PacketKind::Config(Codec::H264) {
            let message = format!("a configuration record of H.264 was expected and {:?} came", packet.kind);
            return Err(CodecError::new(CodecErrorKind::Unsupported, NAME, message).at(packet.pts));
        }
        let record = DecoderConfig::parse(&packet.data).map_err(|cause| {
            CodecError::new(CodecErrorKind::Frame, NAME, "the configuration record cannot be read")
                .at(packet.pts)
                .because(cause)
        })?;
        // Sets of an earlier configuration are no longer referred to.
        self.references = References::new();
        self.parameter_sets.clear();
        for set in record.sps.iter().chain(&record.pps) {
            self.learn(set, packet)?;
            annexb::write_unit(set, &mut self.parameter_sets);
        }
        self.length_size = record.length_size;
        self.parameter_sets_due = true;
        Ok(())
    }

    /// Takes note of a parameter set.
    fn learn(&mut self, set: &[u8], packet: &Packet) -> Result<(), CodecError> {
        let refuse = |message| CodecError::new(CodecErrorKind::Unsupported, NAME, message).at(packet.pts);
        if NalKind::of(set) == Some(NalKind::Sps) {
            // One whose size is not known to be bounded is not passed on.
            let info = SpsInfo::parse(set).map_err(|cause| damaged(packet).because(cause))?;
            if let Some(reason) = info.exotic() {
                let message = format!("{reason} cannot be decoded, only progressive 4:2:0 video of 8 bits");
                return Err(refuse(message));
            }
            if info.macroblocks > MAX_MACROBLOCKS {
                let (width, height) = (info.width, info.height);
                return Err(refuse(format!("{width}×{height} is larger than 4096×2304 pixels")));
            }
            self.reorder.set_depth(info.reorder_depth.unwrap_or(info.max_reorder_depth).into());
            self.info = Some(info);
        }
        self.references.learn(set);
        match self.references.tool() {
            Some(tool) => Err(refuse(format!("the stream uses {tool}, which is not decoded exactly"))),
            None => Ok(()),
        }
    }

    /// Writes the access unit as a byte stream into `self.stream` and says whether it is an IDR picture.
    fn unpack(&mut self, packet: &Packet) -> Result<bool, CodecError> {
        let (mut idr, mut is_first) = (false, true);
        self.stream.clear();
        if self.parameter_sets_due {
            self.stream.extend_from_slice(&self.parameter_sets);
        }
        for unit in avcc::nal_units(&packet.data, self.length_size) {
            let unit = unit.map_err(|cause| damaged(packet).because(cause))?;
            match NalKind::of(unit) {
                Some(NalKind::Sps | NalKind::Pps) => self.learn(unit, packet)?,
                Some(kind @ (NalKind::IdrSlice | NalKind::Slice)) => {
                    idr |= kind == NalKind::IdrSlice;
                    // What follows a loss is told by `broken`; an IDR picture ends it.
                    if std::mem::take(&mut is_first) && (idr || !self.broken) {
                        self.references.follow(unit).map_err(|fault| refusal(fault, packet))?;
                    }
                }
                _ => {}
            }
            annexb::write_unit(unit, &mut self.stream);
        }
        Ok(idr)
    }

    fn decode_unit(&mut self, packet: &Packet, out: &mut Vec<VideoFrame>) -> Result<(), CodecError> {
        let decoded = self.unpack(packet).and_then(|idr| {
            if idr {
                // Everything before an IDR picture is shown before it.
                self.release_all(out);
                self.broken = false;
            }
            if self.broken { Err(refusal(Fault::Missing, packet)) } else { self.drive(packet) }
        });
        match &decoded {
            Ok(frame) => {
                let color = self.info.and_then(|info| info.color);
                let picture = self.keep(frame);
                let color = color.unwrap_or_else(|| Color::assumed_for(picture.width(), picture.height()));
                self.reorder.push(packet.pts, VideoFrame::new(packet.pts, color, picture));
            }
            Err(_) if !self.broken => self.start_afresh(),
            Err(_) => {}
        }
        self.reorder.observe(packet.dts, packet.pts);
        while let Some(frame) = self.reorder.pop_ready(packet.dts) {
            out.push(frame);
        }
        decoded.map(drop)
    }

    /// Has `self.stream` decoded.
    fn drive(&mut self, packet: &Packet) -> Result<YuvFrame, CodecError> {
        // The object is replaced after every failure, so it does not matter in which state a panic leaves it.
        self.parameter_sets_due = false;
        let result = catch_unwind(AssertUnwindSafe(|| self.inner.decode(&self.stream)));
        match result {
            Ok(Ok(Some(frame))) => Ok(frame),
            Ok(Ok(None)) => Err(damaged(packet)),
            Ok(Err(DecodeError::MissingParameterSet)) => Err(refusal(Fault::NoParameterSets, packet)),
            Ok(Err(cause)) => Err(damaged(packet).because(cause)),
            Err(_) => {
                let message = "the decoder panicked at this access unit";
                Err(CodecError::new(CodecErrorKind::Frame, NAME, message).at(packet.pts))
            }
        }
    }

    /// Waits for the next IDR picture, with a decoder that remembers nothing.
    fn start_afresh(&mut self) {
        self.inner = rusty_h264_decoder::Decoder::new();
        self.parameter_sets_due = true;
        self.broken = true;
    }

    /// The picture in memory that is used again.
    fn keep(&self, frame: &YuvFrame) -> I420 {
        let mut picture = self.pool.take(frame.width as u32, frame.height as u32);
        let (strides, sizes) = (Plane::ALL.map(|plane| picture.stride(plane)), Plane::ALL);
        let widths = sizes.map(|plane| picture.plane_size(plane).0);
        let sources = [(&frame.y, frame.width), (&frame.u, frame.width / 2), (&frame.v, frame.width / 2)];
        let targets = picture.planes_mut().into_iter().zip(strides).zip(widths);
        for ((source, source_width), ((target, stride), width)) in sources.into_iter().zip(targets) {
            let width = width.min(source_width);
            let rows = target.chunks_exact_mut(stride).zip(source.chunks_exact(source_width.max(1)));
            for (target, source) in rows {
                target[..width].copy_from_slice(&source[..width]);
            }
        }
        picture
    }

    fn release_all(&mut self, out: &mut Vec<VideoFrame>) {
        while let Some(frame) = self.reorder.pop() {
            out.push(frame);
        }
    }
}

impl VideoDecoder for Decoder {
    fn decode(&mut self, packet: &Packet, out: &mut Vec<VideoFrame>) -> Result<(), CodecError> {
        match packet.kind {
            PacketKind::Config(_) => self.configure(packet),
            PacketKind::Key | PacketKind::Delta { .. } => self.decode_unit(packet, out),
            PacketKind::EndOfSequence => {
                self.release_all(out);
                Ok(())
            }
            PacketKind::Audio | PacketKind::Metadata(_) | PacketKind::Data => Ok(()),
        }
    }

    fn flush(&mut self, out: &mut Vec<VideoFrame>) -> Result<(), CodecError> {
        self.release_all(out);
        self.start_afresh();
        Ok(())
    }
}

fn damaged(packet: &Packet) -> CodecError {
    refusal(Fault::Damaged, packet)
}

fn refusal(fault: Fault, packet: &Packet) -> CodecError {
    let (kind, what) = match fault {
        Fault::Missing => (
            CodecErrorKind::MissingReference,
            "the picture refers to one that is missing; pictures appear again at the next key frame",
        ),
        Fault::NoParameterSets => {
            (CodecErrorKind::MissingReference, "the parameter sets of the picture are missing")
        }
        Fault::Damaged => (CodecErrorKind::Frame, "the access unit cannot be decoded"),
    };
    CodecError::new(kind, NAME, what).at(packet.pts)
}
