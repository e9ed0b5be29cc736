//! Pictures into PNG files.

use super::png;
use live_core::{SinkError, VideoFrame, VideoSink};
use std::fs;
use std::path::PathBuf;

/// Writes every `n`th picture that is shown into a directory: `000001.png`, `000002.png` and so on.
///
/// Writing takes some tens of milliseconds on the presenter's thread; with every picture of a large stream it may not
/// keep up, and pictures are dropped.
#[derive(Debug)]
pub struct Snapshots {
    directory: PathBuf,
    every: u64,
    shown: u64,
}

impl Snapshots {
    /// A sink that writes every picture into `directory`, which is made when it is not there.
    #[must_use]
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self { directory: directory.into(), every: 1, shown: 0 }
    }

    /// The same sink, writing only every `n`th picture, beginning with the first.
    #[must_use]
    pub fn every(mut self, n: u64) -> Self {
        self.every = n.max(1);
        self
    }
}

impl VideoSink for Snapshots {
    fn present(&mut self, frame: &VideoFrame) -> Result<(), SinkError> {
        let number = self.shown / self.every + 1;
        let is_wanted = self.shown.is_multiple_of(self.every);
        self.shown += 1;
        if !is_wanted {
            return Ok(());
        }
        let path = self.directory.join(format!("{number:06}.png"));
        let write = || {
            fs::create_dir_all(&self.directory)?;
            fs::write(&path, png::encode(frame)?)
        };
        let failed = |error| {
            SinkError::new("snapshots", format!("{} cannot be written", path.display())).because(error)
        };
        write().map_err(failed)
    }

    fn finish(&mut self) -> Result<(), SinkError> {
        Ok(())
    }
}
