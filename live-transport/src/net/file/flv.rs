//! FLV files.

use super::{damaged, read_error, read_up_to};
use crate::flv::{Demuxer, Depacketizer, ErrorKind};
use bytes::BytesMut;
use live_core::{
    CaptureError, CaptureErrorKind, Metadata, Packet, PacketKind, PacketSource, SourceInfo, SourceKind,
    Timestamp,
};
use std::collections::VecDeque;
use std::io::{Read, Seek, SeekFrom};
use std::time::Duration;

/// Bytes read at a time.
const READ: usize = 64 * 1024;
/// Packets looked at on opening, to learn the codecs and where time starts.
const LOOK_AHEAD: usize = 64;

/// The packets of an FLV file, moved so that the smallest decoding time of its beginning is zero.
pub(super) struct FlvSource<R> {
    name: String,
    file: R,
    reading: Reading,
    /// The wire time that is zero.
    base: Timestamp,
    metadata: Metadata,
    codecs: Vec<String>,
    duration: Option<Duration>,
}

/// What starts over with the file.
struct Reading {
    input: BytesMut,
    demuxer: Demuxer,
    depacketizer: Depacketizer,
    ready: VecDeque<Packet>,
    at_end: bool,
}

impl Reading {
    fn new() -> Self {
        Self {
            input: BytesMut::with_capacity(READ),
            demuxer: Demuxer::new(),
            depacketizer: Depacketizer::new(),
            ready: VecDeque::new(),
            at_end: false,
        }
    }
}

impl<R: Read + Seek> FlvSource<R> {
    /// Reads the beginning of `file`, which is called `name` in messages.
    pub(super) fn open(name: &str, file: R) -> Result<Self, CaptureError> {
        let mut source = Self {
            name: name.to_owned(),
            file,
            reading: Reading::new(),
            base: Timestamp::ZERO,
            metadata: Metadata::default(),
            codecs: Vec::new(),
            duration: None,
        };
        source.look_ahead()?;
        source.duration = match source.metadata.duration {
            Some(duration) => Some(duration),
            None => source.last_time().map(|last| last.saturating_since(source.base)),
        };
        source.restart()?;
        Ok(source)
    }

    /// Learns what the file holds from its first packets.
    fn look_ahead(&mut self) -> Result<(), CaptureError> {
        let mut first: Option<Timestamp> = None;
        for _ in 0..LOOK_AHEAD {
            let packet = match self.read_packet() {
                Ok(Some(packet)) => packet,
                Ok(None) => break,
                // What comes before the damage is worth having; reading meets it again.
                Err(error) if error.kind == CaptureErrorKind::Malformed && first.is_some() => break,
                Err(error) => return Err(error),
            };
            match &packet.kind {
                PacketKind::Metadata(metadata) => self.metadata = Metadata::clone(metadata),
                PacketKind::Config(codec) if self.codecs.len() < 2 => self.codecs.push(codec.to_string()),
                PacketKind::Config(_) | PacketKind::Data | PacketKind::EndOfSequence => {}
                _ => first = Some(first.map_or(packet.dts, |first| first.min(packet.dts))),
            }
        }
        let Some(first) = first else {
            return Err(damaged(&self.name, "there is neither video nor audio in this FLV file"));
        };
        self.base = first;
        Ok(())
    }

    /// The time of the last tag, by the back pointer at the end of the file. `None` when that leads nowhere.
    fn last_time(&mut self) -> Option<Timestamp> {
        let mut pointer = [0; 4];
        self.file.seek(SeekFrom::End(-4)).ok()?;
        self.file.read_exact(&mut pointer).ok()?;
        let back = i64::from(u32::from_be_bytes(pointer)) + 4;
        let mut header = [0; 8];
        self.file.seek(SeekFrom::End(-back)).ok()?;
        self.file.read_exact(&mut header).ok()?;
        let [kind, s0, s1, s2, t0, t1, t2, t_high] = header;
        let is_tag =
            matches!(kind, 8 | 9 | 18) && i64::from(u32::from_be_bytes([0, s0, s1, s2])) + 15 == back;
        is_tag.then(|| Timestamp::from_millis(i64::from(u32::from_be_bytes([t_high, t0, t1, t2]))))
    }

    fn restart(&mut self) -> Result<(), CaptureError> {
        self.reading = Reading::new();
        self.file.rewind().map_err(|error| read_error(&self.name, error))
    }

    fn read_packet(&mut self) -> Result<Option<Packet>, CaptureError> {
        loop {
            if let Some(packet) = self.reading.ready.pop_front() {
                return Ok(Some(packet));
            }
            if !self.read_tag()? {
                return Ok(None);
            }
        }
    }

    /// Reads one tag's packets; `false` at the end of the file.
    fn read_tag(&mut self) -> Result<bool, CaptureError> {
        let Reading { input, demuxer, depacketizer, ready, at_end } = &mut self.reading;
        let broken = |error| damaged(&self.name, "this FLV file is truncated or damaged").because(error);
        loop {
            if let Some(tag) = demuxer.read(input).map_err(broken)? {
                let mut packets = Vec::new();
                match depacketizer.read_tag(tag, &mut packets) {
                    Ok(()) => {}
                    Err(ErrorKind::ForeignCodec(codec)) => {
                        let text = format!(
                            "the codec of this file, {codec}, is not supported; ffmpeg can convert it: \
                             ffmpeg -i INPUT -c:v libx264 -c:a aac OUTPUT.mp4"
                        );
                        let kind = CaptureErrorKind::UnsupportedFormat;
                        return Err(CaptureError::new(kind, &self.name, text));
                    }
                    Err(error) => tracing::debug!(file = %self.name, %error, "a tag is passed over"),
                }
                ready.extend(packets);
                return Ok(true);
            }
            if *at_end {
                return demuxer.finish(input).map(|()| false).map_err(broken);
            }
            let old = input.len();
            input.resize(old + READ, 0);
            let read = read_up_to(&mut self.file, &mut input[old..]);
            let read = read.map_err(|error| read_error(&self.name, error))?;
            input.truncate(old + read);
            *at_end = read == 0;
        }
    }
}

impl<R: Read + Seek + Send> PacketSource for FlvSource<R> {
    fn info(&self) -> SourceInfo {
        SourceInfo {
            kind: SourceKind::File,
            name: self.name.clone(),
            format: format!("FLV, {}", self.codecs.join(" + ")),
        }
    }

    fn next_packet(&mut self) -> Result<Option<Packet>, CaptureError> {
        let base = self.base.micros_since(Timestamp::ZERO);
        Ok(self.read_packet()?.map(|mut packet| {
            packet.pts = packet.pts.offset_micros(-base);
            packet.dts = packet.dts.offset_micros(-base);
            packet
        }))
    }

    fn rewind(&mut self) -> Result<(), CaptureError> {
        self.restart()
    }

    fn duration(&self) -> Option<Duration> {
        self.duration
    }
}
