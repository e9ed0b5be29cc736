//! Pictures into YUV4MPEG2 files.

use live_core::formats::y4m::{Header, Writer};
use live_core::{PicturePool, SinkError, VideoFrame, VideoSink};
use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::PathBuf;

/// Writes pictures, uncompressed, into a y4m file, which FFmpeg, mpv and every encoder read.
///
/// A file has one picture size and one rate: a picture of another size ends it with an error. Timestamps are not kept.
pub struct Y4mFile {
    path: PathBuf,
    frame_rate: (u32, u32),
    pool: PicturePool,
    writer: Option<Writer<BufWriter<File>>>,
}

impl Y4mFile {
    /// A sink that writes into `path`; an existing file is replaced when the first picture comes. The header says 25
    /// pictures per second.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), frame_rate: (25, 1), pool: PicturePool::new(), writer: None }
    }

    /// The same sink with another rate in its header, as a fraction.
    #[must_use]
    pub const fn frame_rate(mut self, numerator: u32, denominator: u32) -> Self {
        self.frame_rate = (numerator, denominator);
        self
    }

    fn failed(&self, error: io::Error) -> SinkError {
        SinkError::new("y4m file", format!("{} cannot be written", self.path.display())).because(error)
    }

    fn write(&mut self, frame: &VideoFrame) -> io::Result<()> {
        let picture = frame.surface.to_i420(&self.pool);
        let writer = match &mut self.writer {
            Some(writer) => writer,
            none => {
                let mut header = Header::new(picture.width(), picture.height(), self.frame_rate);
                header.range = Some(frame.color.range);
                none.insert(Writer::new(BufWriter::new(File::create(&self.path)?), header)?)
            }
        };
        writer.write(&picture)
    }
}

impl VideoSink for Y4mFile {
    fn present(&mut self, frame: &VideoFrame) -> Result<(), SinkError> {
        self.write(frame).map_err(|error| self.failed(error))
    }

    fn finish(&mut self) -> Result<(), SinkError> {
        let Some(writer) = self.writer.take() else { return Ok(()) };
        writer.finish().and_then(|mut file| file.flush()).map_err(|error| self.failed(error))
    }
}

impl std::fmt::Debug for Y4mFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Y4mFile").field("path", &self.path).finish_non_exhaustive()
    }
}
