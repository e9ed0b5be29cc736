//! The decoder.
//!
//! Its pictures are those of other decoders bit for bit, but for B pictures with direct prediction, which openh264
//! 2.6.0 itself gets wrong: in skipped macroblocks it never filters the edges between the four quarters, also where
//! direct prediction gives these different motion, and spatial direct prediction differs in rare pictures. Most such
//! pictures stay over 60 dB PSNR; in grainy ones with many references the differences add up to 45 dB.
//! `rusty_h264` decodes these streams exactly.

use super::NAME;
use super::plain_sps;
use super::sys::{self, Decoded, State};
use crate::h264::avcc::{self, DecoderConfig};
use crate::h264::reorder::Reorder;
use crate::h264::sps::SpsInfo;
use crate::h264::{NalKind, SyntaxError, annexb};
use live_core::{
    Codec, CodecError, CodecErrorKind, Color, Packet, PacketKind, PicturePool, Timestamp, VideoDecoder,
    VideoFrame,
};
use std::collections::VecDeque;

/// Access units whose pictures are awaited at most: more than any level lets a decoder hold.
const MAX_PENDING: usize = 64;

/// An H.264 decoder for 8-bit 4:2:0 progressive video of any profile that openh264 knows: Baseline, Main and High.
pub struct Decoder {
    sys: sys::Decoder,
    length_size: usize,
    /// Parameter sets that the next access unit to be decoded begins with.
    parameter_sets: Vec<u8>,
    info: Option<SpsInfo>,
    reorder: Reorder<VideoFrame>,
    /// Presentation times by stamp, of access units whose picture has not come out.
    pending: VecDeque<(u64, Timestamp)>,
    next_stamp: u64,
    /// Pictures refer to something that is not there; they are not shown until the next IDR picture.
    broken: bool,
    stream: Vec<u8>,
    pool: PicturePool,
}

impl Decoder {
    /// Opens a decoder for the stream that `config` configures.
    ///
    /// # Errors
    /// [`CodecErrorKind::Unsupported`] when the stream is interlaced, not 4:2:0 or not 8 bits deep;
    /// [`CodecErrorKind::Open`] when the record cannot be read or openh264 refuses.
    pub fn open(config: &Packet) -> Result<Self, CodecError> {
        let sys = sys::Decoder::open().map_err(|code| {
            CodecError::new(CodecErrorKind::Open, NAME, format!("openh264 does not start (code {})", code.0))
        })?;
        let mut decoder = Self {
            sys,
            length_size: 4,
            parameter_sets: Vec::new(),
            info: None,
            reorder: Reorder::new(0),
            pending: VecDeque::new(),
            next_stamp: 0,
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

    fn configure(&mut self, packet: &Packet) -> Result<(), CodecError> {
        if packet.kind != PacketKind::Config(Codec::H264) {
            let message = format!("a configuration record of H.264 was expected and {:?} came", packet.kind);
            return Err(CodecError::new(CodecErrorKind::Unsupported, NAME, message).at(packet.pts));
        }
        let damaged = |cause: SyntaxError| {
            CodecError::new(CodecErrorKind::Frame, NAME, "the configuration record cannot be read")
                .at(packet.pts)
                .because(cause)
        };
        let record = DecoderConfig::parse(&packet.data).map_err(damaged)?;
        let was_in_order = self.is_in_order();
        for sps in &record.sps {
            self.learn(sps, packet.pts)?;
        }
        if cfg!(feature = "rusty-h264") && was_in_order == Some(true) && self.is_in_order() == Some(false) {
            let message = "the stream begins to reorder pictures, which a decoder opened anew may do better";
            return Err(CodecError::new(CodecErrorKind::Unsupported, NAME, message).at(packet.pts));
        }
        self.length_size = record.length_size;
        self.parameter_sets.clear();
        for set in record.sps.iter().chain(&record.pps) {
            write_unit(set, &mut self.parameter_sets);
        }
        Ok(())
    }

    fn is_in_order(&self) -> Option<bool> {
        self.info.map(|info| info.reorder_depth == Some(0))
    }

    /// Takes note of what a sequence parameter set says. One that we cannot read is left to openh264.
    fn learn(&mut self, sps: &[u8], at: Timestamp) -> Result<(), CodecError> {
        let Ok(info) = SpsInfo::parse(sps) else { return Ok(()) };
        if let Some(reason) = info.exotic() {
            let message = format!("{reason} cannot be decoded, only progressive 4:2:0 video of 8 bits");
            return Err(CodecError::new(CodecErrorKind::Unsupported, NAME, message).at(at));
        }
        self.reorder.set_depth(info.reorder_depth.unwrap_or(info.max_reorder_depth).into());
        self.info = Some(info);
        Ok(())
    }

    /// Writes the access unit as a byte stream into `self.stream` and says whether it is an IDR picture.
    fn unpack(&mut self, packet: &Packet) -> Result<bool, CodecError> {
        let mut idr = false;
        self.stream.clear();
        self.stream.extend_from_slice(&self.parameter_sets);
        for unit in avcc::nal_units(&packet.data, self.length_size) {
            let unit = unit.map_err(|cause| {
                CodecError::new(CodecErrorKind::Frame, NAME, "the access unit is damaged")
                    .at(packet.pts)
                    .because(cause)
            })?;
            match NalKind::of(unit) {
                Some(NalKind::IdrSlice) => idr = true,
                Some(NalKind::Sps) => self.learn(unit, packet.pts)?,
                _ => {}
            }
            write_unit(unit, &mut self.stream);
        }
        Ok(idr)
    }

    fn decode_unit(&mut self, packet: &Packet, out: &mut Vec<VideoFrame>) -> Result<(), CodecError> {
        let idr = self.unpack(packet).inspect_err(|_| self.broken = true)?;
        if idr {
            // Everything before an IDR picture is shown before it.
            self.release_all(out);
            self.broken = false;
        }
        if self.broken {
            let message =
                "the picture refers to one that is missing; pictures appear again at the next key frame";
            return Err(CodecError::new(CodecErrorKind::MissingReference, NAME, message).at(packet.pts));
        }
        let stamp = self.expect(packet.pts);
        let state = self.drive(stamp);
        self.reorder.observe(packet.dts, packet.pts);
        while let Some(frame) = self.reorder.pop_ready(packet.dts) {
            out.push(frame);
        }
        if state.is_good() {
            return Ok(());
        }
        self.broken = true;
        Err(refusal(state).at(packet.pts))
    }

    /// Has `self.stream` decoded at once, and passes on what comes out.
    fn drive(&mut self, stamp: u64) -> State {
        let stream = std::mem::take(&mut self.stream);
        let (fed, early) = self.sys.feed(&stream, stamp);
        self.stream = stream;
        self.parameter_sets.clear();
        let early = early.map(|decoded| keep(&decoded, &self.pool));
        let (finished, late) = self.sys.finish_unit(stamp);
        let late = late.map(|decoded| keep(&decoded, &self.pool));
        let state = State(fed.0 | finished.0);
        for (stamp, picture) in early.into_iter().chain(late) {
            self.deliver(stamp, picture, state);
        }
        state
    }

    fn expect(&mut self, pts: Timestamp) -> u64 {
        self.next_stamp += 1;
        if self.pending.len() == MAX_PENDING {
            self.pending.pop_front();
        }
        self.pending.push_back((self.next_stamp, pts));
        self.next_stamp
    }

    /// Passes a picture on for reordering, unless what it shows is not what was encoded.
    fn deliver(&mut self, stamp: u64, picture: live_core::I420, state: State) {
        let Some(index) = self.pending.iter().position(|&(pending, _)| pending == stamp) else { return };
        let Some((_, pts)) = self.pending.remove(index) else { return };
        if state.is_good() {
            let color = self.info.and_then(|info| info.color);
            let color = color.unwrap_or_else(|| Color::assumed_for(picture.width(), picture.height()));
            self.reorder.push(pts, VideoFrame::new(pts, color, picture));
        }
    }

    fn release_all(&mut self, out: &mut Vec<VideoFrame>) {
        while let Some(decoded) = self.sys.take_held() {
            let (stamp, picture) = keep(&decoded, &self.pool);
            self.deliver(stamp, picture, State::default());
        }
        while let Some(frame) = self.reorder.pop() {
            out.push(frame);
        }
        self.pending.clear();
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
        self.broken = true;
        Ok(())
    }
}

/// Appends a NAL unit as openh264 is to see it.
fn write_unit(unit: &[u8], stream: &mut Vec<u8>) {
    let plain = if NalKind::of(unit) == Some(NalKind::Sps) { plain_sps::plain(unit) } else { None };
    annexb::write_unit(plain.as_deref().unwrap_or(unit), stream);
}

/// The picture with the stamp of its access unit, in memory of its own.
fn keep(decoded: &Decoded<'_>, pool: &PicturePool) -> (u64, live_core::I420) {
    (decoded.stamp, decoded.to_picture(pool))
}

fn refusal(state: State) -> CodecError {
    let (kind, what) = if state.reference_lost() {
        (CodecErrorKind::MissingReference, "the picture refers to one that is missing")
    } else if state.no_parameter_sets() {
        (CodecErrorKind::MissingReference, "the parameter sets of the picture are missing")
    } else {
        (CodecErrorKind::Frame, "the access unit cannot be decoded")
    };
    CodecError::new(kind, NAME, format!("{what} (openh264 state {:#x})", state.0))
}
