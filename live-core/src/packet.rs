//! The one currency for encoded media.

use crate::time::Timestamp;
use bytes::Bytes;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Which of a stream's tracks a [`Packet`] belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Track {
    /// Pictures.
    Video,
    /// Sound.
    Audio,
    /// Stream information and application data.
    Data,
}

/// A compression format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Codec {
    /// ITU-T H.264 (AVC). Packets hold length-prefixed NAL units, the config an `AVCDecoderConfigurationRecord`.
    H264,
    /// ITU-T H.265 (HEVC). Packets hold length-prefixed NAL units, the config an `HEVCDecoderConfigurationRecord`.
    Hevc,
    /// MPEG-4 AAC. Packets hold raw access units without ADTS, the config an `AudioSpecificConfig`.
    Aac,
    /// MPEG-1/2 layer III. Packets hold whole frames, there is no config.
    Mp3,
    /// Opus (RFC 6716). The config is an identification header (RFC 7845 section 5.1).
    Opus,
}

impl Codec {
    /// The track that carries this format.
    #[must_use]
    pub const fn track(self) -> Track {
        match self {
            Self::H264 | Self::Hevc => Track::Video,
            Self::Aac | Self::Mp3 | Self::Opus => Track::Audio,
        }
    }
}

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::H264 => "H.264",
            Self::Hevc => "HEVC",
            Self::Aac => "AAC",
            Self::Mp3 => "MP3",
            Self::Opus => "Opus",
        })
    }
}

/// What a [`Packet`] is, as far as queues and drop rules care.
#[derive(Clone, Debug, PartialEq)]
pub enum PacketKind {
    /// The decoder configuration record of the packets that follow on its track.
    Config(Codec),
    /// A video access unit that starts a GOP: everything after it decodes without anything before it.
    Key,
    /// A video access unit that needs earlier ones.
    Delta {
        /// No other access unit refers to it (`nal_ref_idc` 0): dropping it alone harms nothing else.
        disposable: bool,
    },
    /// An audio access unit.
    Audio,
    /// A description of the whole stream.
    Metadata(Arc<Metadata>),
    /// Application data, opaque to the pipeline.
    Data,
    /// The publisher says that this track is over.
    EndOfSequence,
}

/// One access unit, decoder configuration or description, reference-counted from encoder to socket.
#[derive(Clone, PartialEq)]
pub struct Packet {
    /// The track it belongs to.
    pub track: Track,
    /// When it is presented.
    pub pts: Timestamp,
    /// When it is decoded: never later than `pts`, never earlier than the previous packet of its track.
    pub dts: Timestamp,
    /// When it came out of the network; `None` for packets made on this machine.
    pub arrival: Option<Instant>,
    /// What it is.
    pub kind: PacketKind,
    /// The payload as [`Codec`] describes it; empty for [`PacketKind::Metadata`] and [`PacketKind::EndOfSequence`].
    pub data: Bytes,
}

impl Packet {
    /// The decoder configuration `data` of `codec`, in force from `at` on.
    #[must_use]
    pub const fn config(codec: Codec, at: Timestamp, data: Bytes) -> Self {
        Self { track: codec.track(), pts: at, dts: at, arrival: None, kind: PacketKind::Config(codec), data }
    }

    /// A video access unit that starts a GOP.
    #[must_use]
    pub const fn key(pts: Timestamp, dts: Timestamp, data: Bytes) -> Self {
        Self { track: Track::Video, pts, dts, arrival: None, kind: PacketKind::Key, data }
    }

    /// A video access unit that needs earlier ones.
    #[must_use]
    pub const fn delta(pts: Timestamp, dts: Timestamp, disposable: bool, data: Bytes) -> Self {
        Self { track: Track::Video, pts, dts, arrival: None, kind: PacketKind::Delta { disposable }, data }
    }

    /// An audio access unit.
    #[must_use]
    pub const fn audio(pts: Timestamp, data: Bytes) -> Self {
        Self { track: Track::Audio, pts, dts: pts, arrival: None, kind: PacketKind::Audio, data }
    }

    /// A description of the stream, in force from `at` on.
    #[must_use]
    pub fn metadata(at: Timestamp, metadata: Metadata) -> Self {
        Self {
            track: Track::Data,
            pts: at,
            dts: at,
            arrival: None,
            kind: PacketKind::Metadata(Arc::new(metadata)),
            data: Bytes::new(),
        }
    }

    /// The mark that `track` is over.
    #[must_use]
    pub const fn end_of_sequence(track: Track, at: Timestamp) -> Self {
        Self { track, pts: at, dts: at, arrival: None, kind: PacketKind::EndOfSequence, data: Bytes::new() }
    }

    /// Whether this is stream information (configuration or metadata), which queues keep and replay to new readers.
    #[must_use]
    pub const fn is_stream_information(&self) -> bool {
        matches!(self.kind, PacketKind::Config(_) | PacketKind::Metadata(_))
    }

    /// Whether this is a video access unit.
    #[must_use]
    pub const fn is_video_unit(&self) -> bool {
        matches!(self.kind, PacketKind::Key | PacketKind::Delta { .. })
    }
}

/// Prints the size of the payload, never its bytes.
impl fmt::Debug for Packet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Packet")
            .field("kind", &self.kind)
            .field("track", &self.track)
            .field("pts", &self.pts)
            .field("dts", &self.dts)
            .field("bytes", &self.data.len())
            .finish()
    }
}

/// What a publisher says about its stream as a whole. Everything is optional: peers leave out and misreport.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Metadata {
    /// Picture width in pixels.
    pub width: Option<u32>,
    /// Picture height in pixels.
    pub height: Option<u32>,
    /// Nominal pictures per second.
    pub frame_rate: Option<f64>,
    /// Nominal video bitrate in kbit/s.
    pub video_kbps: Option<f64>,
    /// Nominal audio bitrate in kbit/s.
    pub audio_kbps: Option<f64>,
    /// Audio sampling rate in Hz.
    pub sample_rate: Option<u32>,
    /// Number of audio channels.
    pub channels: Option<u16>,
    /// Length of a finite stream.
    pub duration: Option<Duration>,
    /// The program that made the stream.
    pub encoder: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_the_size_and_not_the_payload() {
        let text = format!("{:?}", Packet::audio(Timestamp::ZERO, Bytes::from_static(b"secret")));
        assert!(text.contains("bytes: 6") && !text.contains("115") && !text.contains("secret"), "{text}");
    }
}
