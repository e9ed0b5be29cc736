//! Encoded input that is passed on as it is: paced in real time, pass after pass, neither decoded nor encoded.

use super::Wanted;
use super::reading::{Pacing, Reading};
use crate::codes::Failure;
use crate::pipeline::WorkerCx;
use live_codec::aac::AudioSpecificConfig;
use live_codec::h264::{avcc::DecoderConfig, sps::SpsInfo};
use live_core::{
    CaptureError, CaptureErrorKind, Codec, Metadata, Packet, PacketKind, PacketSource, PusherCode,
    SourceInfo, Timestamp, Track,
};
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// An input whose tracks are known and can be carried.
pub(crate) struct CopyInput {
    reading: Reading,
    wanted: Wanted,
    looping: bool,
}

/// What the session needs to know of an input before it runs.
pub(crate) struct CopiedStream {
    pub(crate) info: SourceInfo,
    /// The tracks that will come.
    pub(crate) tracks: Vec<Track>,
    pub(crate) metadata: Metadata,
}

impl CopyInput {
    /// Reads as far as it takes to know the tracks.
    pub(crate) fn open(
        source: Box<dyn PacketSource>,
        wanted: Wanted,
        looping: bool,
    ) -> Result<(Self, CopiedStream), CaptureError> {
        let input = Self { reading: Reading::begin(source)?, wanted, looping };
        let info = input.reading.info();
        let mut tracks = Vec::new();
        for (track, is_wanted) in [(Track::Video, wanted.video), (Track::Audio, wanted.audio)] {
            let is_unit = |packet: &Packet| packet.is_video_unit() || packet.kind == PacketKind::Audio;
            let is_there =
                input.reading.ahead().iter().any(|packet| packet.track == track && is_unit(packet));
            let Some((codec, _)) = input.reading.config(track).filter(|_| is_wanted && is_there) else {
                continue;
            };
            if !can_carry(codec) {
                let message = format!(
                    "its {codec} cannot be copied: FLV and RTMP carry H.264, AAC and MP3; \
                     convert it: ffmpeg -i INPUT -c:v libx264 -c:a aac OUTPUT.mp4"
                );
                return Err(CaptureError::new(CaptureErrorKind::UnsupportedFormat, info.name, message));
            }
            tracks.push(track);
        }
        if tracks.is_empty() {
            let message = "it has no picture and no sound that could be pushed";
            return Err(CaptureError::new(CaptureErrorKind::Malformed, info.name, message));
        }
        let metadata = input.metadata(&tracks);
        Ok((input, CopiedStream { info, tracks, metadata }))
    }

    /// Passes on until the input ends, or for ever when it loops, or until the session stops.
    ///
    /// While muted, packets of the sound are left out: there is no encoder that could make silence.
    pub(crate) fn run(mut self, info: &SourceInfo, cx: &WorkerCx) -> Result<(), Failure> {
        cx.state(PusherCode::CameraOpened, format!("{}, {}, copied", info.name, info.format));
        let mut pacing = Pacing::new(cx.clock, &cx.stop);
        let mut lines = [Line::default(), Line::default()];
        loop {
            lines.iter_mut().for_each(Line::begin_pass);
            while let Some(packet) = self.reading.next().map_err(|error| super::failed(&error))? {
                let Some(line) = self.line(&packet, &mut lines) else { continue };
                line.saw(&packet);
                if !pacing.wait_until(pacing.session_time(packet.dts)) {
                    return Ok(());
                }
                if packet.kind == PacketKind::Audio && cx.controls.muted.load(Relaxed) {
                    continue;
                }
                if let Some(packet) = line.place(packet, &pacing) {
                    pass_on(packet, &lines, cx);
                }
            }
            let seen = lines.iter().map(Line::length).max().unwrap_or_default();
            let length = self.reading.pass_length(seen);
            if !self.looping || length.is_zero() {
                // What comes last is shown for its time.
                pacing.wait_until(pacing.session_time(Timestamp::ZERO.saturating_add(length)));
                return Ok(());
            }
            pacing.next_pass(length);
            self.reading.rewind().map_err(|error| super::failed(&error))?;
        }
    }

    /// The line that a packet belongs to; `None` for what is not passed on.
    fn line<'a>(&self, packet: &Packet, lines: &'a mut [Line; 2]) -> Option<&'a mut Line> {
        let [video, audio] = lines;
        let is_media = matches!(
            packet.kind,
            PacketKind::Config(_) | PacketKind::Key | PacketKind::Delta { .. } | PacketKind::Audio
        );
        match packet.track {
            Track::Video if is_media && self.wanted.video => Some(video),
            Track::Audio if is_media && self.wanted.audio => Some(audio),
            _ => None,
        }
    }

    /// What the input says of itself, completed by what its configurations say.
    fn metadata(&self, tracks: &[Track]) -> Metadata {
        let said = self.reading.ahead().iter().find_map(|packet| match &packet.kind {
            PacketKind::Metadata(metadata) => Some(Metadata::clone(metadata)),
            _ => None,
        });
        let mut metadata = Metadata {
            duration: None,
            encoder: Some(concat!("live-pusher/", env!("CARGO_PKG_VERSION"), " (copy)").to_owned()),
            ..said.unwrap_or_default()
        };
        match self.reading.config(Track::Video).filter(|_| tracks.contains(&Track::Video)) {
            Some((_, config)) => {
                if let Some((width, height)) = size(&config) {
                    (metadata.width, metadata.height) = (Some(width), Some(height));
                }
            }
            None => {
                (metadata.width, metadata.height) = (None, None);
                (metadata.frame_rate, metadata.video_kbps) = (None, None);
            }
        }
        match self.reading.config(Track::Audio).filter(|_| tracks.contains(&Track::Audio)) {
            Some((Codec::Aac, config)) => {
                if let Ok(config) = AudioSpecificConfig::parse(&config.data) {
                    let spec = config.output();
                    (metadata.sample_rate, metadata.channels) = (Some(spec.sample_rate), Some(spec.channels));
                }
            }
            Some(_) => {}
            None => {
                (metadata.sample_rate, metadata.channels, metadata.audio_kbps) = (None, None, None);
            }
        }
        metadata
    }
}

/// Whether the wire has a place for this format.
const fn can_carry(codec: Codec) -> bool {
    matches!(codec, Codec::H264 | Codec::Aac | Codec::Mp3)
}

/// The picture size that an H.264 configuration speaks of.
fn size(config: &Packet) -> Option<(u32, u32)> {
    let record = DecoderConfig::parse(&config.data).ok()?;
    let info = SpsInfo::parse(record.sps.first()?).ok()?;
    Some((info.width, info.height))
}

fn pass_on(packet: Packet, lines: &[Line; 2], cx: &WorkerCx) {
    if packet.track == Track::Video {
        match packet.kind {
            PacketKind::Config(_) => {
                if let Some((width, height)) = size(&packet) {
                    cx.stats.media.set_size(width, height);
                }
            }
            PacketKind::Key if lines[0].units == 1 => {
                let status =
                    lines[0].size.map_or_else(String::new, |(width, height)| format!("{width}×{height}"));
                cx.state(PusherCode::FirstFrame, status);
            }
            _ => {}
        }
    }
    cx.stats.count(std::slice::from_ref(&packet));
    cx.writer.write([packet]);
}

/// One track, from pass to pass.
#[derive(Default)]
struct Line {
    /// The configuration in force.
    config: Option<Packet>,
    /// What it says of the pictures.
    size: Option<(u32, u32)>,
    /// Access units passed on.
    units: u64,
    /// Decoding times in the pass: the first, the last, and the last step between two.
    first: Option<Timestamp>,
    last: Option<Timestamp>,
    step: Duration,
    /// The last decoding time on the session's timeline.
    sent: Option<Timestamp>,
}

impl Line {
    fn begin_pass(&mut self) {
        (self.first, self.last) = (None, None);
    }

    fn saw(&mut self, packet: &Packet) {
        if packet.is_stream_information() {
            return;
        }
        if let Some(last) = self.last.filter(|last| packet.dts > *last) {
            self.step = packet.dts.saturating_since(last);
        }
        self.first = self.first.or(Some(packet.dts));
        self.last = self.last.max(Some(packet.dts));
    }

    /// From zero, or where the track begins if that is earlier, to the end of its last access unit: the next pass must
    /// not begin before.
    fn length(&self) -> Duration {
        let (Some(first), Some(last)) = (self.first, self.last) else { return Duration::ZERO };
        last.saturating_since(first.min(Timestamp::ZERO)) + self.step
    }

    /// The packet at its place on the session's timeline; `None` for a configuration that is in force already, as it
    /// comes again with each pass.
    fn place(&mut self, mut packet: Packet, pacing: &Pacing<'_>) -> Option<Packet> {
        if packet.is_stream_information() {
            if self.config.as_ref().is_some_and(|config| config.data == packet.data) {
                return None;
            }
            self.size = size(&packet);
            self.config = Some(packet.clone());
        } else {
            self.units += 1;
        }
        // Sources stamp carelessly; receivers take no decoding time that goes back.
        packet.dts = pacing.session_time(packet.dts).max(self.sent.unwrap_or(pacing.start()));
        packet.pts = pacing.session_time(packet.pts).max(packet.dts);
        if !packet.is_stream_information() {
            self.sent = Some(packet.dts);
        }
        Some(packet)
    }
}
