//! Encoders.

use super::script::{Faults, Faulty};
use crate::error::{CodecError, CodecErrorKind};
use crate::frame::{AudioFrame, VideoFrame};
use crate::packet::Packet;
use crate::registry::{AudioEncoderRow, Provenance, VideoEncoderRow};
use crate::traits::{AudioEncoder, VideoEncoder};
use bytes::{BufMut, BytesMut};
use std::ops::RangeBounds;

/// What an encoder does wrong, and when.
///
/// Openings and frames are counted from 0 over the life of the row, through every encoder it opens: a fault that has
/// passed does not come again when the encoder is opened again.
#[derive(Clone, Debug, Default)]
pub struct EncoderFaults {
    faults: Faults,
    excess: Option<f64>,
}

impl EncoderFaults {
    /// These openings are refused: `0..` is every one, `1..` every one but the first.
    #[must_use]
    pub fn refusing(mut self, openings: impl RangeBounds<u64>, kind: CodecErrorKind) -> Self {
        self.faults.refuse(openings, kind);
        self
    }

    /// These frames fail to encode: `30..31` is the thirty-first alone, `30..` all from there on.
    #[must_use]
    pub fn failing(mut self, frames: impl RangeBounds<u64>, kind: CodecErrorKind) -> Self {
        self.faults.fail(frames, kind);
        self
    }

    /// Every H.264 picture is filled up (with filler data, NAL unit type 12, which decoders skip) to `factor` times
    /// what its share of the target is. Pictures that are larger anyhow stay as they are; sound is not filled up.
    #[must_use]
    pub const fn exceeding(mut self, factor: f64) -> Self {
        self.excess = Some(factor);
        self
    }

    /// The row `inner` with these faults, under a name and provenance of its own.
    #[must_use]
    pub fn video(
        self,
        name: &'static str,
        provenance: Provenance,
        inner: &VideoEncoderRow,
    ) -> VideoEncoderRow {
        let excess = self.excess;
        self.faults.over(name, provenance, inner, move |faulty, config| {
            Box::new(Excessive { faulty, excess, kbps: config.kbps, frame_rate: config.frame_rate })
        })
    }

    /// As [`video`](Self::video), for sound.
    #[must_use]
    pub fn audio(
        self,
        name: &'static str,
        provenance: Provenance,
        inner: &AudioEncoderRow,
    ) -> AudioEncoderRow {
        self.faults.over(name, provenance, inner, |faulty, _| Box::new(faulty))
    }
}

/// A video encoder with faults laid over it, which writes more than it was told to.
struct Excessive {
    faulty: Faulty<dyn VideoEncoder>,
    excess: Option<f64>,
    kbps: u32,
    frame_rate: f64,
}

impl VideoEncoder for Excessive {
    fn encode(&mut self, frame: &VideoFrame, out: &mut Vec<Packet>) -> Result<(), CodecError> {
        self.faulty.script.unit("frame").map_err(|error| error.at(frame.pts))?;
        let before = out.len();
        self.faulty.inner.encode(frame, out)?;
        if let Some(factor) = self.excess {
            let size = f64::from(self.kbps) * 125.0 * factor / self.frame_rate;
            out[before..]
                .iter_mut()
                .filter(|packet| packet.is_video_unit())
                .for_each(|packet| fill(packet, size));
        }
        Ok(())
    }

    fn flush(&mut self, out: &mut Vec<Packet>) -> Result<(), CodecError> {
        self.faulty.inner.flush(out)
    }

    fn set_bitrate(&mut self, kbps: u32) -> Result<(), CodecError> {
        self.kbps = kbps;
        self.faulty.inner.set_bitrate(kbps)
    }

    fn set_frame_rate(&mut self, frame_rate: f64) -> Result<(), CodecError> {
        self.frame_rate = frame_rate;
        self.faulty.inner.set_frame_rate(frame_rate)
    }

    fn request_key(&mut self) -> Result<(), CodecError> {
        self.faulty.inner.request_key()
    }
}

impl AudioEncoder for Faulty<dyn AudioEncoder> {
    fn encode(&mut self, frame: &AudioFrame, out: &mut Vec<Packet>) -> Result<(), CodecError> {
        self.script.unit("frame").map_err(|error| error.at(frame.pts))?;
        self.inner.encode(frame, out)
    }

    fn flush(&mut self, out: &mut Vec<Packet>) -> Result<(), CodecError> {
        self.inner.flush(out)
    }

    fn set_bitrate(&mut self, kbps: u32) -> Result<(), CodecError> {
        self.inner.set_bitrate(kbps)
    }
}

/// Appends filler data to an access unit of four-byte length prefixes, until it has `size` bytes.
fn fill(packet: &mut Packet, size: f64) {
    const FILLER: u8 = 12;
    const TRAILING: u8 = 0x80;
    let missing = (size as usize).saturating_sub(packet.data.len());
    if missing < 6 {
        return;
    }
    let mut data = BytesMut::with_capacity(packet.data.len() + missing);
    data.put_slice(&packet.data);
    data.put_u32((missing - 4) as u32);
    data.put_u8(FILLER);
    data.put_bytes(0xff, missing - 6);
    data.put_u8(TRAILING);
    packet.data = data.freeze();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::{Color, PicturePool};
    use crate::packet::Codec;
    use crate::time::Timestamp;
    use crate::traits::{Entropy, VideoEncoderConfig};
    use bytes::Bytes;

    /// Makes packets of two bytes.
    struct Tiny;

    impl VideoEncoder for Tiny {
        fn encode(&mut self, frame: &VideoFrame, out: &mut Vec<Packet>) -> Result<(), CodecError> {
            out.push(Packet::key(frame.pts, frame.pts, Bytes::from_static(b"ok")));
            Ok(())
        }
        fn flush(&mut self, _: &mut Vec<Packet>) -> Result<(), CodecError> {
            Ok(())
        }
        fn set_bitrate(&mut self, _: u32) -> Result<(), CodecError> {
            Ok(())
        }
        fn set_frame_rate(&mut self, _: f64) -> Result<(), CodecError> {
            Ok(())
        }
        fn request_key(&mut self) -> Result<(), CodecError> {
            Ok(())
        }
    }

    fn row(faults: EncoderFaults) -> VideoEncoderRow {
        let inner =
            VideoEncoderRow::new("tiny", Provenance::Embedded, Codec::H264, |_| Ok(Box::new(Tiny) as _));
        faults.video("scripted", Provenance::Hardware, &inner)
    }

    fn open(row: &VideoEncoderRow) -> Result<Box<dyn VideoEncoder>, CodecError> {
        row.open(&VideoEncoderConfig {
            width: 16,
            height: 16,
            frame_rate: 25.0,
            kbps: 400,
            gop: 25,
            color: Color::BT601,
            entropy: Entropy::Auto,
            threads: 0,
            slices: 0,
        })
    }

    fn encode(encoder: &mut dyn VideoEncoder) -> Result<usize, CodecErrorKind> {
        let frame = VideoFrame::new(Timestamp::ZERO, Color::BT601, PicturePool::new().black(16, 16));
        let mut out = Vec::new();
        encoder.encode(&frame, &mut out).map(|()| out[0].data.len()).map_err(|error| error.kind)
    }

    #[test]
    fn frames_are_counted_through_every_encoder_of_the_row() {
        let row = row(EncoderFaults::default().failing(1..2, CodecErrorKind::Frame));
        let mut encoder = open(&row).unwrap();
        assert_eq!(encode(&mut *encoder), Ok(2));
        assert_eq!(encode(&mut *encoder), Err(CodecErrorKind::Frame));
        assert_eq!(encode(&mut *open(&row).unwrap()), Ok(2), "it has passed");
    }

    #[test]
    fn a_row_can_refuse_to_open_again() {
        let row = row(EncoderFaults::default().refusing(1.., CodecErrorKind::Open));
        assert!(open(&row).is_ok());
        for _ in 0..3 {
            assert_eq!(
                open(&row).err().map(|error| (error.kind, error.backend)),
                Some((CodecErrorKind::Open, "scripted"))
            );
        }
    }

    #[test]
    fn pictures_are_filled_up_to_a_multiple_of_the_target() {
        let row = row(EncoderFaults::default().exceeding(2.0));
        let mut encoder = open(&row).unwrap();
        assert_eq!(encode(&mut *encoder), Ok(4000), "twice 400 kbit/s at 25 pictures a second");
        encoder.set_bitrate(100).unwrap();
        assert_eq!(encode(&mut *encoder), Ok(1000));
    }
}
