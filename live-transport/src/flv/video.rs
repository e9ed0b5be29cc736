//! The header of a video tag's body (E.4.3).

use super::packetize::BodyHead;
use super::{ErrorKind, ForeignCodec};
use live_core::{Codec, PacketKind};

/// The four bits above the codec, extended header excluded.
mod frame_type {
    pub(super) const KEY: u8 = 1;
    pub(super) const INTER: u8 = 2;
    pub(super) const DISPOSABLE: u8 = 3;
    /// A key frame that a server made.
    pub(super) const GENERATED_KEY: u8 = 4;
    pub(super) const COMMAND: u8 = 5;
}

const AVC: u8 = 7;
/// Not in any specification; the layout is that of AVC.
const HEVC: u8 = 12;
/// The bit that announces an Enhanced RTMP header.
const EXTENDED: u8 = 0x80;

/// `AVCPacketType`.
mod packet_type {
    pub(super) const SEQUENCE_HEADER: u8 = 0;
    pub(super) const NAL_UNITS: u8 = 1;
    pub(super) const END_OF_SEQUENCE: u8 = 2;
}

/// Bytes before the payload.
pub(super) const HEAD_LEN: usize = 5;

/// What a video body holds behind its header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Video {
    Config(Codec),
    Unit {
        codec: Codec,
        key: bool,
        disposable: bool,
        composition: i32,
    },
    EndOfSequence,
    /// Nothing that is decoded: commands of a server to a player, packet types that do not exist.
    Nothing,
}

/// Reads the header of a video body that is not empty.
pub(super) fn parse(body: &[u8]) -> Result<Video, ErrorKind> {
    let first = *body.first().ok_or(ErrorKind::ShortTag)?;
    if first & EXTENDED != 0 {
        let four_cc = body.get(1..5).and_then(|bytes| bytes.try_into().ok()).ok_or(ErrorKind::ShortTag)?;
        return Err(ErrorKind::ForeignCodec(ForeignCodec::ExtendedVideo(four_cc)));
    }
    let frame_type = first >> 4;
    if frame_type == frame_type::COMMAND {
        return Ok(Video::Nothing);
    }
    let codec = match first & 0x0F {
        AVC => Codec::H264,
        HEVC => Codec::Hevc,
        other => return Err(ErrorKind::ForeignCodec(ForeignCodec::Video(other))),
    };
    if body.get(1) == Some(&packet_type::END_OF_SEQUENCE) {
        // Some senders leave out the composition time, which means nothing here.
        return Ok(Video::EndOfSequence);
    }
    let Some(&[packet_type, c0, c1, c2]) = body.get(1..HEAD_LEN) else { return Err(ErrorKind::ShortTag) };
    Ok(match packet_type {
        packet_type::SEQUENCE_HEADER => Video::Config(codec),
        packet_type::NAL_UNITS => Video::Unit {
            codec,
            key: matches!(frame_type, frame_type::KEY | frame_type::GENERATED_KEY),
            disposable: frame_type == frame_type::DISPOSABLE,
            // 24 bits with a sign: the shift puts the sign where it belongs and fetches it back.
            composition: i32::from_be_bytes([c0, c1, c2, 0]) >> 8,
        },
        _ => Video::Nothing,
    })
}

/// The header of an H.264 body; `None` for what video tags do not carry. Disposable pictures are written as inter
/// frames, because some servers refuse frame type 3 with H.264.
pub(super) fn head(kind: &PacketKind, composition: i32) -> Option<BodyHead> {
    let (frame_type, packet_type) = match kind {
        PacketKind::Config(_) => (frame_type::KEY, packet_type::SEQUENCE_HEADER),
        PacketKind::Key => (frame_type::KEY, packet_type::NAL_UNITS),
        PacketKind::Delta { .. } => (frame_type::INTER, packet_type::NAL_UNITS),
        PacketKind::EndOfSequence => (frame_type::KEY, packet_type::END_OF_SEQUENCE),
        _ => return None,
    };
    let [_, c0, c1, c2] = composition.to_be_bytes();
    Some(BodyHead::new(&[frame_type << 4 | AVC, packet_type, c0, c1, c2]))
}
