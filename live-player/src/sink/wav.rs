//! Sound into WAV files.

use live_core::formats::wav::{SampleFormat, Writer};
use live_core::{AudioPosition, AudioSink, AudioSpec, SinkError};
use std::fs::File;
use std::io::{self, BufWriter};
use std::path::PathBuf;

/// Writes all sound into a WAV file. For [`record_sound`](crate::Builder::record_sound): it has no clock.
#[derive(Debug)]
pub struct WavFile {
    path: PathBuf,
    format: SampleFormat,
    writer: Option<Writer<BufWriter<File>>>,
}

impl WavFile {
    /// A sink that writes 16-bit samples into `path`; an existing file is replaced when the first sound comes.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), format: SampleFormat::Int16, writer: None }
    }

    /// The same sink, writing 32-bit floating-point samples: nothing is lost.
    #[must_use]
    pub fn float(mut self) -> Self {
        self.format = SampleFormat::Float32;
        self
    }

    fn failed(&self, error: io::Error) -> SinkError {
        SinkError::new("WAV file", format!("{} cannot be written", self.path.display())).because(error)
    }
}

impl AudioSink for WavFile {
    fn open(&mut self, spec: AudioSpec) -> Result<usize, SinkError> {
        match &self.writer {
            None => {
                let file = File::create(&self.path).map_err(|error| self.failed(error))?;
                let writer = Writer::new(BufWriter::new(file), spec, self.format);
                self.writer = Some(writer.map_err(|error| self.failed(error))?);
            }
            Some(writer) if writer.spec() == spec => {}
            Some(writer) => {
                let (is, was) = (spec, writer.spec());
                let text = format!(
                    "the sound changed from {} Hz with {} channels to {} Hz with {}, which a WAV file cannot do; what \
                     came before is kept",
                    was.sample_rate, was.channels, is.sample_rate, is.channels
                );
                self.finish()?;
                return Err(SinkError::new("WAV file", text));
            }
        }
        Ok(usize::MAX)
    }

    fn write(&mut self, samples: &[f32]) -> Result<usize, SinkError> {
        let writer = self.writer.as_mut().ok_or_else(|| SinkError::new("WAV file", "it was not opened"))?;
        let frames = samples.len() / usize::from(writer.spec().channels.max(1));
        let result = writer.write(samples);
        result.map_err(|error| self.failed(error)).map(|()| frames)
    }

    fn position(&self) -> Option<AudioPosition> {
        None
    }

    fn finish(&mut self) -> Result<(), SinkError> {
        let Some(writer) = self.writer.take() else { return Ok(()) };
        writer
            .finish()
            .and_then(|file| file.into_inner().map_err(io::IntoInnerError::into_error))
            .map(drop)
            .map_err(|error| self.failed(error))
    }
}
