//! YUV4MPEG2: raw 4:2:0 pictures, each after a line that says `FRAME`.
//!
//! The format is described by the `yuv4mpeg` manual page of mjpegtools; `XCOLORRANGE` is FFmpeg's addition.

use crate::frame::{I420, PicturePool, Plane, Range};
use std::io::{self, BufRead, Read, Seek, Write};

const MAGIC: &str = "YUV4MPEG2";
/// Header lines of real files have less than 200 bytes.
const LONGEST_LINE: usize = 1024;
/// Width and height are at most this: more than any camera gives, and a picture then fits into 400 MB.
const LARGEST_SIDE: u32 = 16_384;

/// What the first line of a file says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Pictures per second: numerator and denominator, neither is zero.
    pub frame_rate: (u32, u32),
    /// Code range, where the file says.
    pub range: Option<Range>,
}

impl Header {
    /// A header for progressive pictures with square pixels.
    #[must_use]
    pub const fn new(width: u32, height: u32, frame_rate: (u32, u32)) -> Self {
        Self { width, height, frame_rate, range: None }
    }

    /// Reads the first line, without its line feed.
    ///
    /// # Errors
    /// [`Error::Header`] when it is not YUV4MPEG2, and [`Error::Unsupported`] when it is but its pictures are not
    /// progressive 8-bit 4:2:0.
    pub fn parse(line: &str) -> Result<Self, Error> {
        let mut words = line.split(' ');
        if words.next() != Some(MAGIC) {
            return Err(Error::Header("it does not start with YUV4MPEG2"));
        }
        let (mut width, mut height, mut frame_rate, mut range) = (None, None, (25, 1), None);
        for word in words.filter(|word| !word.is_empty()) {
            let mut characters = word.chars();
            let key = characters.next();
            let value = characters.as_str();
            match key {
                Some('W') => width = parse_side(value),
                Some('H') => height = parse_side(value),
                Some('F') => frame_rate = parse_rate(value)?,
                Some('I') if !matches!(value, "p" | "?") => return Err(unsupported("interlacing", value)),
                Some('C') if !is_planar_420(value) => return Err(unsupported("sample layout", value)),
                Some('X') if value == "COLORRANGE=FULL" => range = Some(Range::Full),
                Some('X') if value == "COLORRANGE=LIMITED" => range = Some(Range::Limited),
                // The aspect of pixels and comments.
                _ => {}
            }
        }
        let width = width.ok_or(Error::Header("it gives no width between 1 and 16384"))?;
        let height = height.ok_or(Error::Header("it gives no height between 1 and 16384"))?;
        Ok(Self { width, height, frame_rate, range })
    }
}

fn unsupported(what: &'static str, value: &str) -> Error {
    Error::Unsupported { what, value: value.chars().take(32).collect() }
}

fn parse_side(value: &str) -> Option<u32> {
    value.parse().ok().filter(|side| (1..=LARGEST_SIDE).contains(side))
}

/// `30000:1001`; unknown rates are written `0:0` and read as 25.
fn parse_rate(value: &str) -> Result<(u32, u32), Error> {
    let rate =
        value.split_once(':').and_then(|(over, under)| Some((over.parse().ok()?, under.parse().ok()?)));
    match rate {
        Some((0, 0)) => Ok((25, 1)),
        Some((over, under)) if over > 0 && under > 0 => Ok((over, under)),
        _ => Err(Error::Header("its frame rate is not a ratio such as 25:1")),
    }
}

/// Whether a `C` tag names 8-bit 4:2:0; its variants differ in where chroma is sited, by less than a pixel.
fn is_planar_420(value: &str) -> bool {
    matches!(value, "420" | "420jpeg" | "420mpeg2" | "420paldv")
}

/// Why a file could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The first line is not what it should be.
    #[error("not a YUV4MPEG2 file: {0}")]
    Header(&'static str),
    /// The file is YUV4MPEG2 of a kind that is not read here.
    #[error(
        "{what} \"{value}\" is not supported: convert the file to progressive 8-bit 4:2:0 (\"C420jpeg\")"
    )]
    Unsupported {
        /// What the value describes.
        what: &'static str,
        /// The value in the file, shortened to 32 characters.
        value: String,
    },
    /// A picture does not begin with `FRAME`.
    #[error(
        "picture {index} does not begin with FRAME: the file is damaged or of another size than its header says"
    )]
    Frame {
        /// The picture's number, from 0.
        index: u64,
    },
    /// The file ends in the middle of a picture.
    #[error("the file ends in the middle of picture {index}")]
    Truncated {
        /// The picture's number, from 0.
        index: u64,
    },
    /// Reading failed.
    #[error("reading failed: {0}")]
    Io(#[from] io::Error),
}

/// Reads pictures from a file or pipe.
#[derive(Debug)]
pub struct Reader<R> {
    input: R,
    header: Header,
    index: u64,
}

impl<R: BufRead> Reader<R> {
    /// Reads the header.
    ///
    /// # Errors
    /// As [`Header::parse`], and [`Error::Io`].
    pub fn new(mut input: R) -> Result<Self, Error> {
        let line = read_line(&mut input)?.ok_or(Error::Header("its first line is missing or too long"))?;
        let header = Header::parse(&line)?;
        Ok(Self { input, header, index: 0 })
    }

    /// What the first line says.
    #[must_use]
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// The next picture; `None` at the end. Blocks for reading.
    ///
    /// # Errors
    /// [`Error::Frame`], [`Error::Truncated`] and [`Error::Io`]; nothing more can be read afterwards.
    pub fn read(&mut self, pool: &PicturePool) -> Result<Option<I420>, Error> {
        let index = self.index;
        if self.input.fill_buf()?.is_empty() {
            return Ok(None);
        }
        let line = read_line(&mut self.input)?.ok_or(Error::Frame { index })?;
        if line.split(' ').next() != Some("FRAME") {
            return Err(Error::Frame { index });
        }
        let mut picture = pool.take(self.header.width, self.header.height);
        self.read_planes(&mut picture).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => Error::Truncated { index },
            _ => Error::Io(error),
        })?;
        self.index += 1;
        Ok(Some(picture))
    }

    fn read_planes(&mut self, picture: &mut I420) -> io::Result<()> {
        let layout = Plane::ALL.map(|plane| (picture.plane_size(plane), picture.stride(plane)));
        for (samples, ((width, height), stride)) in picture.planes_mut().into_iter().zip(layout) {
            for row in samples.chunks_mut(stride).take(height) {
                self.input.read_exact(&mut row[..width])?;
            }
        }
        Ok(())
    }
}

impl<R: BufRead + Seek> Reader<R> {
    /// Goes back to the first picture.
    ///
    /// # Errors
    /// [`Error::Io`], and [`Error::Header`] when the file has been replaced by something else meanwhile.
    pub fn rewind(&mut self) -> Result<(), Error> {
        self.input.rewind()?;
        let line = read_line(&mut self.input)?;
        if line.and_then(|line| Header::parse(&line).ok()) != Some(self.header) {
            return Err(Error::Header("its first line has changed since it was opened"));
        }
        self.index = 0;
        Ok(())
    }
}

/// A line without its line feed; `None` when there is none within the limit, or when it is not text.
fn read_line(input: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut line = Vec::new();
    input.by_ref().take(LONGEST_LINE as u64).read_until(b'\n', &mut line)?;
    Ok(line.pop_if(|last| *last == b'\n').and_then(|_| String::from_utf8(line).ok()))
}

/// Writes pictures into a file or pipe.
///
/// Rows are written one by one: give it a [`BufWriter`](io::BufWriter).
#[derive(Debug)]
pub struct Writer<W> {
    output: W,
    header: Header,
}

impl<W: Write> Writer<W> {
    /// Writes the header.
    pub fn new(mut output: W, header: Header) -> io::Result<Self> {
        let Header { width, height, frame_rate: (over, under), range } = header;
        write!(output, "{MAGIC} W{width} H{height} F{over}:{under} Ip A1:1 C420mpeg2")?;
        match range {
            Some(Range::Full) => write!(output, " XCOLORRANGE=FULL")?,
            Some(Range::Limited) => write!(output, " XCOLORRANGE=LIMITED")?,
            None => {}
        }
        output.write_all(b"\n")?;
        Ok(Self { output, header })
    }

    /// What the first line says.
    #[must_use]
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// Writes one picture.
    ///
    /// # Errors
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) for a picture of another size than the header's: the format
    /// cannot change its size.
    pub fn write(&mut self, picture: &I420) -> io::Result<()> {
        let Header { width, height, .. } = self.header;
        if (picture.width(), picture.height()) != (width, height) {
            let (w, h) = (picture.width(), picture.height());
            let message = format!("a {w}×{h} picture cannot go into a raw video of {width}×{height}");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        self.output.write_all(b"FRAME\n")?;
        for plane in Plane::ALL {
            for row in 0..picture.plane_size(plane).1 {
                self.output.write_all(picture.row(plane, row))?;
            }
        }
        Ok(())
    }

    /// Writes everything through to the output and gives it back.
    pub fn finish(mut self) -> io::Result<W> {
        self.output.flush()?;
        Ok(self.output)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Reads everything and tells the number of pictures.
    fn read_all(bytes: &[u8]) -> Result<u64, Error> {
        let pool = PicturePool::new();
        let mut reader = Reader::new(bytes)?;
        while reader.read(&pool)?.is_some() {}
        Ok(reader.index)
    }

    fn picture(pool: &PicturePool, width: u32, height: u32, seed: u8) -> I420 {
        let mut picture = pool.take(width, height);
        for plane in picture.planes_mut() {
            for (place, sample) in plane.iter_mut().enumerate() {
                *sample = (place as u8).wrapping_mul(31).wrapping_add(seed);
            }
        }
        picture
    }

    #[test]
    fn headers_of_other_programs_are_understood() {
        let ffmpeg =
            "YUV4MPEG2 W352 H288 F30000:1001 Ip A128:117 C420mpeg2 XYSCSS=420MPEG2 XCOLORRANGE=LIMITED";
        let header = Header::parse(ffmpeg).unwrap();
        assert_eq!((header.width, header.height, header.frame_rate), (352, 288, (30_000, 1001)));
        assert_eq!(header.range, Some(Range::Limited));
        assert_eq!(Header::parse("YUV4MPEG2 W2 H2").unwrap().frame_rate, (25, 1));
        assert_eq!(Header::parse("YUV4MPEG2 H2  W3 F0:0 I? Xanything").unwrap(), Header::new(3, 2, (25, 1)));
    }

    #[test]
    fn errors_say_what_is_wrong_with_the_file() {
        for (bytes, expected) in [
            (&b""[..], "first line is missing"),
            (b"RIFF\n", "does not start with YUV4MPEG2"),
            (b"YUV4MPEG2 W2 H0\n", "no height"),
            (b"YUV4MPEG2 W99999 H2\n", "no width"),
            (b"YUV4MPEG2 W2 H2 F25\n", "frame rate"),
            (b"YUV4MPEG2 W2 H2 F1:0\n", "frame rate"),
            (b"YUV4MPEG2 W2 H2 C422\n", "sample layout \"422\""),
            (b"YUV4MPEG2 W2 H2 C420p10\n", "420p10"),
            (b"YUV4MPEG2 W2 H2 It\n", "interlacing \"t\""),
            (b"YUV4MPEG2 W2 H2\nFRAME\nabcdefFRAME\nabc", "in the middle of picture 1"),
            (b"YUV4MPEG2 W2 H2\nFRAME\nabcdefgFRAME\n", "picture 1 does not begin with FRAME"),
        ] {
            let error = read_all(bytes).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn frame_parameters_are_passed_over() {
        assert_eq!(read_all(b"YUV4MPEG2 W2 H2\nFRAME Ip\nabcdef").unwrap(), 1);
    }

    #[test]
    fn a_picture_of_another_size_is_refused() {
        let mut writer = Writer::new(Vec::new(), Header::new(4, 4, (25, 1))).unwrap();
        let error = writer.write(&PicturePool::new().black(4, 2)).unwrap_err();
        assert!(error.to_string().contains("4×2"), "{error}");
    }

    proptest! {
        #[test]
        fn pictures_come_back(width in 1_u32..70, height in 1_u32..9, count in 0_u8..4, full in any::<bool>()) {
            let pool = PicturePool::new();
            let range = if full { Range::Full } else { Range::Limited };
            let header = Header { range: Some(range), ..Header::new(width, height, (30_000, 1001)) };
            let mut writer = Writer::new(Vec::new(), header).unwrap();
            for seed in 0..count {
                writer.write(&picture(&pool, width, height, seed)).unwrap();
            }
            let bytes = writer.finish().unwrap();
            let mut reader = Reader::new(&*bytes).unwrap();
            prop_assert_eq!(*reader.header(), header);
            for seed in 0..count {
                let (back, original) = (reader.read(&pool).unwrap().unwrap(), picture(&pool, width, height, seed));
                for plane in Plane::ALL {
                    for row in 0..original.plane_size(plane).1 {
                        prop_assert_eq!(back.row(plane, row), original.row(plane, row));
                    }
                }
            }
            prop_assert!(reader.read(&pool).unwrap().is_none());
        }

        #[test]
        fn arbitrary_bytes_never_panic(tail in prop::collection::vec(any::<u8>(), 0..80), words in "[WHFICAX 0-9:]{0,30}") {
            let _ = read_all(&tail);
            let mut bytes = format!("YUV4MPEG2 {words}\nFRAME\n").into_bytes();
            bytes.extend(tail);
            let _ = read_all(&bytes);
        }
    }
}
