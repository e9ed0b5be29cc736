//! RIFF WAVE: raw sound as 16-bit integers or 32-bit floats.

use crate::frame::AudioSpec;
use std::io::{self, Seek, SeekFrom, Write};

/// How samples are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SampleFormat {
    /// 16-bit integers: what every program reads. Samples are rounded and clipped.
    #[default]
    Int16,
    /// 32-bit floats: nothing is lost.
    Float32,
}

impl SampleFormat {
    const fn bytes(self) -> u16 {
        match self {
            Self::Int16 => 2,
            Self::Float32 => 4,
        }
    }

    /// The `wFormatTag` of the format chunk.
    const fn tag(self) -> u16 {
        match self {
            Self::Int16 => 1,
            Self::Float32 => 3,
        }
    }
}

/// Bytes before the samples: the RIFF header, the format chunk, the fact chunk and the data chunk's header.
const HEADER_LEN: usize = 56;

/// Writes sound into a file.
///
/// The header says how much follows, which is known only at the end: [`finish`](Self::finish) goes back and writes it.
/// A file that was not finished says it is as long as a file can be, which players and FFmpeg read up to its true end.
/// Samples are written in runs: give it a [`BufWriter`](io::BufWriter).
#[derive(Debug)]
pub struct Writer<W> {
    output: W,
    spec: AudioSpec,
    format: SampleFormat,
    /// Bytes of samples written.
    written: u64,
}

impl<W: Write + Seek> Writer<W> {
    /// Writes a header with an open end, at the output's beginning.
    pub fn new(mut output: W, spec: AudioSpec, format: SampleFormat) -> io::Result<Self> {
        output.write_all(&header(spec, format, u64::MAX))?;
        Ok(Self { output, spec, format, written: 0 })
    }

    /// The layout of the sound.
    #[must_use]
    pub const fn spec(&self) -> AudioSpec {
        self.spec
    }

    /// Writes interleaved samples.
    pub fn write(&mut self, samples: &[f32]) -> io::Result<()> {
        for &sample in samples {
            match self.format {
                SampleFormat::Int16 => self.output.write_all(&to_int16(sample).to_le_bytes())?,
                SampleFormat::Float32 => self.output.write_all(&sample.to_le_bytes())?,
            }
        }
        self.written += samples.len() as u64 * u64::from(self.format.bytes());
        Ok(())
    }

    /// Completes the header, writes everything through and gives the output back.
    ///
    /// More than 4 GiB of sound is kept, and its header stays open-ended.
    pub fn finish(mut self) -> io::Result<W> {
        self.output.seek(SeekFrom::Start(0))?;
        self.output.write_all(&header(self.spec, self.format, self.written))?;
        self.output.seek(SeekFrom::End(0))?;
        self.output.flush()?;
        Ok(self.output)
    }
}

/// The nearest 16-bit value.
fn to_int16(sample: f32) -> i16 {
    // A cast from float saturates, so clipping is part of it; what is not a number becomes silence.
    (sample * 32_768.0).round() as i16
}

fn header(spec: AudioSpec, format: SampleFormat, written: u64) -> [u8; HEADER_LEN] {
    let frame = u32::from(spec.channels) * u32::from(format.bytes());
    // The RIFF length counts everything behind itself.
    let riff_len = u32::try_from(written.saturating_add(HEADER_LEN as u64 - 8)).unwrap_or(u32::MAX);
    let data_len = u32::try_from(written).unwrap_or(u32::MAX);
    let frames = u32::try_from(written / u64::from(frame.max(1))).unwrap_or(u32::MAX);
    let mut bytes = [0; HEADER_LEN];
    let mut rest = &mut bytes[..];
    let mut put = |field: &[u8]| {
        let (to, behind) = std::mem::take(&mut rest).split_at_mut(field.len());
        to.copy_from_slice(field);
        rest = behind;
    };
    put(b"RIFF");
    put(&riff_len.to_le_bytes());
    put(b"WAVEfmt ");
    put(&16_u32.to_le_bytes());
    put(&format.tag().to_le_bytes());
    put(&spec.channels.to_le_bytes());
    put(&spec.sample_rate.to_le_bytes());
    put(&spec.sample_rate.saturating_mul(frame).to_le_bytes());
    put(&(frame as u16).to_le_bytes());
    put(&(format.bytes() * 8).to_le_bytes());
    // Formats other than integers have to say their number of sample frames.
    put(b"fact");
    put(&4_u32.to_le_bytes());
    put(&frames.to_le_bytes());
    put(b"data");
    put(&data_len.to_le_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    const STEREO: AudioSpec = AudioSpec { sample_rate: 48_000, channels: 2 };

    fn written(format: SampleFormat, samples: &[f32]) -> Vec<u8> {
        let mut writer = Writer::new(Cursor::new(Vec::new()), STEREO, format).unwrap();
        samples.chunks(3).for_each(|run| writer.write(run).unwrap());
        writer.finish().unwrap().into_inner()
    }

    fn u32_at(bytes: &[u8], place: usize) -> u32 {
        u32::from_le_bytes(bytes[place..place + 4].try_into().unwrap())
    }

    #[test]
    fn the_header_says_what_follows() {
        let bytes = written(SampleFormat::Float32, &[0.0; 8]);
        assert_eq!(u32_at(&bytes, 4) as usize, bytes.len() - 8);
        assert_eq!(bytes[20..24], [3, 0, 2, 0], "floats in two channels");
        assert_eq!((u32_at(&bytes, 24), u32_at(&bytes, 28)), (48_000, 384_000));
        assert_eq!(bytes[32..36], [8, 0, 32, 0]);
        assert_eq!(u32_at(&bytes, 44), 4, "sample frames");
        assert_eq!(u32_at(&bytes, 52), 32, "bytes of samples");
    }

    #[test]
    fn integers_are_rounded_and_clipped() {
        let bytes = written(SampleFormat::Int16, &[0.0, 1.0, -1.0, 7.0, 0.5, f32::NAN]);
        let samples: Vec<_> =
            bytes[HEADER_LEN..].chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect();
        assert_eq!(samples, [0, 32_767, -32_768, 32_767, 16_384, 0]);
    }

    #[test]
    fn a_file_that_was_not_finished_has_an_open_end() {
        let mut writer = Writer::new(Cursor::new(Vec::new()), STEREO, SampleFormat::Int16).unwrap();
        writer.write(&[0.25; 4]).unwrap();
        let bytes = writer.output.into_inner();
        assert_eq!((u32_at(&bytes, 52), bytes.len()), (u32::MAX, HEADER_LEN + 8));
    }
}
