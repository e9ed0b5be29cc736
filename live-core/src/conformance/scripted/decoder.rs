//! Decoders.

use super::script::{Faults, Faulty};
use crate::error::{CodecError, CodecErrorKind};
use crate::frame::{AudioFrame, AudioSpec, VideoFrame};
use crate::packet::{Packet, PacketKind};
use crate::registry::{AudioDecoderRow, Provenance, VideoDecoderRow};
use crate::traits::{AudioDecoder, VideoDecoder};
use std::ops::RangeBounds;

/// What a decoder does wrong, and when.
///
/// Openings and access units are counted from 0 over the life of the row, through every decoder it opens. A picture
/// that fails comes out all the same, as decoders that conceal give it out; whoever shows it shows a torn picture.
#[derive(Clone, Debug, Default)]
pub struct DecoderFaults(Faults);

impl DecoderFaults {
    /// These openings are refused: `0..` is every one, `1..` every one but the first.
    #[must_use]
    pub fn refusing(mut self, openings: impl RangeBounds<u64>, kind: CodecErrorKind) -> Self {
        self.0.refuse(openings, kind);
        self
    }

    /// These access units fail to decode: `30..31` is the thirty-first alone, `30..` all from there on.
    #[must_use]
    pub fn failing(mut self, units: impl RangeBounds<u64>, kind: CodecErrorKind) -> Self {
        self.0.fail(units, kind);
        self
    }

    /// The row `inner` with these faults, under a name and provenance of its own.
    #[must_use]
    pub fn video(
        self,
        name: &'static str,
        provenance: Provenance,
        inner: &VideoDecoderRow,
    ) -> VideoDecoderRow {
        self.0.over(name, provenance, inner, |faulty, _| Box::new(faulty))
    }

    /// As [`video`](Self::video), for sound.
    #[must_use]
    pub fn audio(
        self,
        name: &'static str,
        provenance: Provenance,
        inner: &AudioDecoderRow,
    ) -> AudioDecoderRow {
        self.0.over(name, provenance, inner, |faulty, _| Box::new(faulty))
    }
}

impl VideoDecoder for Faulty<dyn VideoDecoder> {
    fn decode(&mut self, packet: &Packet, out: &mut Vec<VideoFrame>) -> Result<(), CodecError> {
        let result = self.inner.decode(packet, out);
        let failed = if packet.is_video_unit() { self.script.unit("access unit") } else { Ok(()) };
        failed.map_err(|error| error.at(packet.pts)).and(result)
    }

    fn flush(&mut self, out: &mut Vec<VideoFrame>) -> Result<(), CodecError> {
        self.inner.flush(out)
    }
}

impl AudioDecoder for Faulty<dyn AudioDecoder> {
    fn spec(&self) -> Option<AudioSpec> {
        self.inner.spec()
    }

    fn decode(&mut self, packet: &Packet, out: &mut Vec<AudioFrame>) -> Result<(), CodecError> {
        if packet.kind == PacketKind::Audio {
            self.script.unit("access unit").map_err(|error| error.at(packet.pts))?;
        }
        self.inner.decode(packet, out)
    }

    fn flush(&mut self, out: &mut Vec<AudioFrame>) -> Result<(), CodecError> {
        self.inner.flush(out)
    }
}
