//! Raw video files (YUV4MPEG2) as a source: what other tools write, and what tests compare with.

use crate::pump::{self, Flow, Pace};
use live_core::formats::y4m::{Error, Header, Reader};
use live_core::queue::FrameSender;
use live_core::{
    CaptureError, CaptureErrorKind, CaptureGuard, Color, I420, PicturePool, SessionClock, SourceInfo,
    SourceKind, VideoFrame, VideoSource,
};
use std::fs::File;
use std::io::{BufReader, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Room for a few rows: files are read from the disk in pieces of this size.
const BUFFER: usize = 256 * 1024;
/// Files with a higher rate are played at this one.
const HIGHEST_RATE: u32 = 240;

/// A raw video file, played at its own rate on a thread of its own.
///
/// Rates such as 30000/1001 are rounded to whole pictures per second. A file without a code range is read as limited
/// range, its matrix is what players assume of its size.
#[derive(Debug)]
pub struct Y4mFile {
    path: PathBuf,
    reader: Reader<BufReader<File>>,
    looping: bool,
}

impl Y4mFile {
    /// Opens a file and reads its header.
    ///
    /// # Errors
    /// [`NotFound`](CaptureErrorKind::NotFound) and [`PermissionDenied`](CaptureErrorKind::PermissionDenied) from the
    /// system, [`Malformed`](CaptureErrorKind::Malformed) for what is not raw video, and
    /// [`UnsupportedFormat`](CaptureErrorKind::UnsupportedFormat) for raw video that is not 8-bit 4:2:0.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, CaptureError> {
        let path = path.into();
        let reader = File::open(&path)
            .map_err(Error::Io)
            .and_then(|file| Reader::new(BufReader::with_capacity(BUFFER, file)))
            .map_err(|error| describe(&path, error))?;
        Ok(Self { path, reader, looping: false })
    }

    /// Begins again at the end instead of ending.
    #[must_use]
    pub fn looping(mut self, looping: bool) -> Self {
        self.looping = looping;
        self
    }

    /// What the file says about its pictures.
    #[must_use]
    pub const fn header(&self) -> &Header {
        self.reader.header()
    }

    /// Whole pictures per second.
    fn rate(&self) -> u32 {
        let (over, under) = self.header().frame_rate;
        ((u64::from(over) + u64::from(under) / 2) / u64::from(under.max(1))).clamp(1, u64::from(HIGHEST_RATE))
            as u32
    }

    fn color(&self) -> Color {
        let &Header { width, height, range, .. } = self.header();
        Color { range: range.unwrap_or_default(), ..Color::assumed_for(width, height) }
    }

    /// The next picture; `None` at the end of a file that does not loop, or that holds no picture.
    fn next_picture(&mut self, pool: &PicturePool) -> Result<Option<I420>, CaptureError> {
        let mut next = || match self.reader.read(pool)? {
            None if self.looping => {
                self.reader.rewind()?;
                self.reader.read(pool)
            }
            picture => Ok(picture),
        };
        next().map_err(|error| describe(&self.path, error))
    }
}

impl VideoSource for Y4mFile {
    fn info(&self) -> SourceInfo {
        let &Header { width, height, .. } = self.header();
        SourceInfo {
            kind: SourceKind::File,
            name: self.path.display().to_string(),
            format: format!("{width}×{height} I420, {} fps", self.rate()),
        }
    }

    fn start(
        mut self: Box<Self>,
        clock: SessionClock,
        out: FrameSender<VideoFrame>,
    ) -> Result<CaptureGuard, CaptureError> {
        let (color, pool) = (self.color(), PicturePool::new());
        let pace = Pace::starting_at(clock.at(Instant::now()), self.rate());
        // Given away when reading fails: `fail` takes the sender.
        let mut out = Some(out);
        pump::spawn("raw video file", clock, pace, move |_, pts| match self.next_picture(&pool) {
            Ok(Some(picture)) => {
                let frame = VideoFrame::new(pts, color, picture);
                Flow::go_on_if(out.as_ref().is_some_and(|out| out.send(frame)))
            }
            Ok(None) => Flow::End,
            Err(error) => {
                if let Some(out) = out.take() {
                    out.fail(error);
                }
                Flow::End
            }
        })
    }
}

/// Adds the file's name and the kind to what went wrong in it.
fn describe(path: &Path, error: Error) -> CaptureError {
    let (kind, message) = match &error {
        Error::Io(cause) if cause.kind() == ErrorKind::NotFound => {
            (CaptureErrorKind::NotFound, "there is no such file")
        }
        Error::Io(cause) if cause.kind() == ErrorKind::PermissionDenied => {
            (CaptureErrorKind::PermissionDenied, "the system does not let it be read")
        }
        Error::Io(_) => (CaptureErrorKind::Failed, "cannot be read"),
        Error::Unsupported { .. } => (CaptureErrorKind::UnsupportedFormat, "cannot be played"),
        _ => (CaptureErrorKind::Malformed, "cannot be read as raw video"),
    };
    CaptureError::new(kind, path.display().to_string(), message).because(error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use live_core::formats::y4m::Writer;
    use live_core::{Plane, Timestamp};

    /// A file of its own for each test, removed at the end.
    struct Temporary(PathBuf);

    impl Temporary {
        fn with(name: &str, bytes: &[u8]) -> Self {
            let path = std::env::temp_dir().join(format!("live-capture-{}-{name}.y4m", std::process::id()));
            std::fs::write(&path, bytes).unwrap();
            Self(path)
        }
    }

    impl Drop for Temporary {
        fn drop(&mut self) {
            let _ = std::fs::remove_file(&self.0);
        }
    }

    fn three_pictures() -> Vec<u8> {
        let pool = PicturePool::new();
        let mut writer = Writer::new(Vec::new(), Header::new(6, 4, (30_000, 1001))).unwrap();
        for value in 1..=3 {
            let mut picture = pool.black(6, 4);
            picture.planes_mut()[0].fill(value);
            writer.write(&picture).unwrap();
        }
        writer.finish().unwrap()
    }

    fn brightness(file: &mut Y4mFile) -> Option<u8> {
        let picture = file.next_picture(&PicturePool::new()).unwrap()?;
        Some(picture.row(Plane::Y, 3)[5])
    }

    #[test]
    fn a_looping_file_begins_again_and_another_ends() {
        let file = Temporary::with("loop", &three_pictures());
        let mut once = Y4mFile::open(&file.0).unwrap();
        assert_eq!(once.info().format, "6×4 I420, 30 fps");
        let played: Vec<_> = std::iter::from_fn(|| brightness(&mut once)).collect();
        assert_eq!(played, [1, 2, 3]);
        let mut again = Y4mFile::open(&file.0).unwrap().looping(true);
        let played: Vec<_> = std::iter::from_fn(|| brightness(&mut again)).take(7).collect();
        assert_eq!(played, [1, 2, 3, 1, 2, 3, 1]);
    }

    #[test]
    fn a_file_without_pictures_ends_even_when_it_loops() {
        let file = Temporary::with("empty", b"YUV4MPEG2 W2 H2 F25:1\n");
        assert_eq!(brightness(&mut Y4mFile::open(&file.0).unwrap().looping(true)), None);
    }

    #[test]
    fn errors_name_the_file_and_what_is_wrong_with_it() {
        let missing = Y4mFile::open("/nonexistent/video.y4m").unwrap_err();
        assert_eq!(missing.kind, CaptureErrorKind::NotFound);
        assert!(
            missing.to_string().starts_with("/nonexistent/video.y4m: there is no such file"),
            "{missing}"
        );
        for (name, bytes, kind) in [
            ("riff", &b"RIFF....WAVE\n"[..], CaptureErrorKind::Malformed),
            ("422", b"YUV4MPEG2 W2 H2 C422\n", CaptureErrorKind::UnsupportedFormat),
        ] {
            let file = Temporary::with(name, bytes);
            let error = Y4mFile::open(&file.0).unwrap_err();
            assert_eq!(error.kind, kind, "{error}");
        }
    }

    #[test]
    fn a_truncated_file_fails_after_its_last_whole_picture() {
        let mut bytes = three_pictures();
        bytes.truncate(bytes.len() - 1);
        let file = Temporary::with("truncated", &bytes);
        let mut source = Y4mFile::open(&file.0).unwrap();
        assert_eq!((brightness(&mut source), brightness(&mut source)), (Some(1), Some(2)));
        let error = source.next_picture(&PicturePool::new()).unwrap_err();
        assert!(error.to_string().contains("middle of picture 2"), "{error}");
    }

    #[test]
    fn frames_lie_on_the_grid_of_the_session() {
        let file = Temporary::with("grid", &three_pictures());
        let (sender, receiver) = live_core::queue::frame_queue(8);
        let clock = SessionClock::starting_at(Instant::now());
        let _guard = Box::new(Y4mFile::open(&file.0).unwrap()).start(clock, sender).unwrap();
        let first = receiver.receive(std::time::Duration::from_secs(30)).unwrap();
        let second = receiver.receive(std::time::Duration::from_secs(30)).unwrap();
        let index = (first.pts.as_micros() * 30 + 999_999) / 1_000_000;
        assert_eq!(first.pts, Timestamp::from_index(index.unsigned_abs(), 30));
        assert_eq!(second.pts, Timestamp::from_index(index.unsigned_abs() + 1, 30));
    }
}
