//! From tag bodies to packets.

use super::audio::{self, Audio};
use super::script;
use super::timeline::Unwrapper;
use super::video::{self, Video};
use super::{ErrorKind, Tag, TagKind};
use crate::nal;
use bytes::{Buf, Bytes};
use live_core::{Codec, Packet, PacketKind, Timestamp, Track};

/// Reads tag bodies, which are also the payloads of RTMP's audio, video and data messages.
///
/// Nothing is copied: a packet's data is a slice of the body. Times are continued past the wrap of the wire's clock.
/// A composition time may be negative, and a packet's `pts` is then before its `dts`, as the peer has it.
///
/// A stream with MP3 begins its sound with an empty configuration, so that whoever decodes learns the codec from the
/// packets alone, as with every other codec.
#[derive(Clone, Debug, Default)]
pub struct Depacketizer {
    times: Unwrapper,
    nal_length_size: usize,
    mp3_announced: bool,
}

impl Depacketizer {
    /// For the beginning of a stream.
    #[must_use]
    pub fn new() -> Self {
        Self { nal_length_size: 4, ..Self::default() }
    }

    /// Appends what a tag of `kind`, stamped `timestamp` wire milliseconds, holds to `out`: mostly one packet, none
    /// for an empty tag or one to be passed over.
    ///
    /// # Errors
    /// About this tag alone; the next one may be read. A [`ForeignCodec`](ErrorKind::ForeignCodec) will keep coming.
    pub fn read(
        &mut self,
        kind: TagKind,
        timestamp: u32,
        body: Bytes,
        out: &mut Vec<Packet>,
    ) -> Result<(), ErrorKind> {
        if body.is_empty() {
            return Ok(());
        }
        match kind {
            TagKind::Video => self.video(timestamp, body, out),
            TagKind::Audio => self.audio(timestamp, body, out),
            TagKind::Script => self.script(timestamp, body, out),
            TagKind::Other(_) => Ok(()),
        }
    }

    /// As [`read`](Self::read) for a whole tag; an encrypted one is passed over.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn read_tag(&mut self, tag: Tag, out: &mut Vec<Packet>) -> Result<(), ErrorKind> {
        if tag.encrypted {
            return Ok(());
        }
        self.read(tag.kind, tag.timestamp, tag.body, out)
    }

    fn video(&mut self, timestamp: u32, mut body: Bytes, out: &mut Vec<Packet>) -> Result<(), ErrorKind> {
        let header = video::parse(&body)?;
        body.advance(video::HEAD_LEN.min(body.len()));
        match header {
            Video::Config(codec) if !body.is_empty() => {
                if codec == Codec::H264 {
                    self.nal_length_size = nal::length_size(&body);
                }
                out.push(Packet::config(codec, self.times.information(timestamp), body));
            }
            Video::Unit { codec, key, disposable, composition } if !body.is_empty() => {
                let dts = self.times.media(timestamp);
                let pts = dts.offset_micros(i64::from(composition) * 1000);
                out.push(if key {
                    Packet::key(pts, dts, body)
                } else {
                    Packet::delta(pts, dts, disposable || self.is_disposable(codec, &body), body)
                });
            }
            Video::EndOfSequence => {
                out.push(Packet::end_of_sequence(Track::Video, self.times.information(timestamp)));
            }
            Video::Config(_) | Video::Unit { .. } | Video::Nothing => {}
        }
        Ok(())
    }

    fn is_disposable(&self, codec: Codec, unit: &[u8]) -> bool {
        codec == Codec::H264 && nal::is_disposable(unit, self.nal_length_size)
    }

    fn audio(&mut self, timestamp: u32, mut body: Bytes, out: &mut Vec<Packet>) -> Result<(), ErrorKind> {
        match audio::parse(&body)? {
            Audio::Config(codec) => {
                body.advance(audio::AAC_HEAD_LEN);
                if !body.is_empty() {
                    self.mp3_announced = false;
                    out.push(Packet::config(codec, self.times.information(timestamp), body));
                }
            }
            Audio::Unit { codec, head } => {
                body.advance(head);
                if !body.is_empty() {
                    let pts = self.times.media(timestamp);
                    self.announce_mp3(codec, pts, out);
                    out.push(Packet::audio(pts, body));
                }
            }
            Audio::Nothing => {}
        }
        Ok(())
    }

    fn announce_mp3(&mut self, codec: Codec, at: Timestamp, out: &mut Vec<Packet>) {
        if codec == Codec::Mp3 && !self.mp3_announced {
            self.mp3_announced = true;
            out.push(Packet::config(Codec::Mp3, at, Bytes::new()));
        }
    }

    fn script(&mut self, timestamp: u32, body: Bytes, out: &mut Vec<Packet>) -> Result<(), ErrorKind> {
        let metadata = script::read_metadata(&body).map_err(ErrorKind::Script)?;
        let at = self.times.information(timestamp);
        out.push(match metadata {
            Some(metadata) => Packet::metadata(at, metadata),
            None => Packet {
                track: Track::Data,
                pts: at,
                dts: at,
                arrival: None,
                kind: PacketKind::Data,
                data: body,
            },
        });
        Ok(())
    }
}
