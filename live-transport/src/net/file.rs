//! Media files: FLV and MP4 in, FLV out.
//!
//! [`open`] gives a file's packets to whoever pulls them ([`PacketSource`]); [`Player`] plays a file like a stream and
//! [`Recorder`] writes a stream into one. Files are read and written on threads of their own where an async task is
//! waiting, so that a slow disk never holds up a runtime.

mod flv;
mod mp4;
mod play;
mod record;
mod writer;

pub use play::Player;
pub use record::Recorder;
pub use writer::FlvWriter;

use live_core::{CaptureError, CaptureErrorKind, PacketSource};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

/// Opens a media file for reading; what it is, its content says and not its name.
///
/// # Errors
/// [`NotFound`](CaptureErrorKind::NotFound) and [`PermissionDenied`](CaptureErrorKind::PermissionDenied) from the
/// file system, [`UnsupportedFormat`](CaptureErrorKind::UnsupportedFormat) when this is no FLV or MP4, or holds a codec
/// other than H.264, AAC and (FLV) MP3, [`Malformed`](CaptureErrorKind::Malformed) when it is damaged.
pub fn open(path: &Path) -> Result<Box<dyn PacketSource>, CaptureError> {
    let name = path.display().to_string();
    let file = File::open(path).map_err(|error| read_error(&name, error))?;
    if file.metadata().is_ok_and(|metadata| metadata.is_dir()) {
        let text = "this is a directory: name a media file in it";
        return Err(CaptureError::new(CaptureErrorKind::UnsupportedFormat, name, text));
    }
    from_reader(&name, file)
}

/// As [`open`], for a file that is open already, or bytes in memory. `name` is for messages.
///
/// # Errors
/// As [`open`].
pub fn from_reader<R: Read + Seek + Send + 'static>(
    name: &str,
    mut file: R,
) -> Result<Box<dyn PacketSource>, CaptureError> {
    let mut first = [0; 12];
    let found = read_up_to(&mut file, &mut first).and_then(|len| file.rewind().map(|()| len));
    let found = found.map_err(|error| read_error(name, error))?;
    match Format::of(&first[..found]) {
        Ok(Format::Flv) => Ok(Box::new(flv::FlvSource::open(name, file)?)),
        Ok(Format::Mp4) => Ok(Box::new(mp4::Mp4Source::open(name, file)?)),
        Err(looks_like) => {
            let text = format!(
                "this is {looks_like}, not an FLV or MP4 file; ffmpeg may be able to convert it: \
                 ffmpeg -i INPUT -c:v libx264 -c:a aac OUTPUT.mp4"
            );
            Err(CaptureError::new(CaptureErrorKind::UnsupportedFormat, name, text))
        }
    }
}

/// The formats that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Flv,
    Mp4,
}

impl Format {
    /// What a file that begins with `first` is, or, for other formats, what it looks like.
    fn of(first: &[u8]) -> Result<Self, &'static str> {
        if first.starts_with(b"FLV") {
            return Ok(Self::Flv);
        }
        if matches!(first.get(4..8), Some(b"ftyp" | b"moov" | b"mdat" | b"free" | b"skip" | b"wide")) {
            return Ok(Self::Mp4);
        }
        Err(match first {
            [] => "an empty file",
            [0x1A, 0x45, 0xDF, 0xA3, ..] => "a Matroska or WebM file",
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'A', b'V', b'E', ..] => "a WAV file",
            [b'R', b'I', b'F', b'F', ..] => "an AVI file",
            [b'O', b'g', b'g', b'S', ..] => "an Ogg file",
            [0x47, ..] => "an MPEG transport stream",
            [0x89, b'P', b'N', b'G', ..] => "a PNG picture",
            [0xFF, 0xD8, 0xFF, ..] => "a JPEG picture",
            [b'#', b'E', b'X', b'T', b'M', b'3', b'U', ..] => "a playlist",
            [b'I', b'D', b'3', ..] => "an MP3 file",
            [b'<', ..] => "a web page or XML",
            _ => "no media file that is known here",
        })
    }
}

/// Reads until `buffer` is full or the file ends; how many bytes there were.
fn read_up_to(file: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(len) => filled += len,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// The length of a file, without moving its position.
fn len_of(file: &mut impl Seek) -> io::Result<u64> {
    let at = file.stream_position()?;
    let len = file.seek(SeekFrom::End(0))?;
    file.seek(SeekFrom::Start(at))?;
    Ok(len)
}

/// What the file system says, with what can be done about it.
fn read_error(name: &str, error: io::Error) -> CaptureError {
    let (kind, text) = match error.kind() {
        io::ErrorKind::NotFound => (CaptureErrorKind::NotFound, "there is no such file: check the path"),
        io::ErrorKind::PermissionDenied => (CaptureErrorKind::PermissionDenied, "this file may not be read"),
        io::ErrorKind::UnexpectedEof => (CaptureErrorKind::Malformed, "the file is truncated"),
        _ => (CaptureErrorKind::Failed, "the file cannot be read"),
    };
    CaptureError::new(kind, name, text).because(error)
}

/// An error about the content of a file.
fn damaged(name: &str, text: impl Into<String>) -> CaptureError {
    CaptureError::new(CaptureErrorKind::Malformed, name, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_decides_and_foreign_formats_are_named() {
        assert_eq!(Format::of(b"FLV\x01\x05\0\0\0\x09"), Ok(Format::Flv));
        assert_eq!(Format::of(b"\0\0\0\x20ftypisom"), Ok(Format::Mp4));
        assert_eq!(Format::of(b"\x1A\x45\xDF\xA3"), Err("a Matroska or WebM file"));
        assert_eq!(Format::of(b"<!DOCTYPE ht"), Err("a web page or XML"));
        assert_eq!(Format::of(b""), Err("an empty file"));
        assert_eq!(Format::of(b"\0"), Err("no media file that is known here"));
    }
}
