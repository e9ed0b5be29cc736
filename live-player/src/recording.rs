//! Everything that is decoded, in order, to sinks that miss nothing.
//!
//! Recorders run on the decoder's thread: a slow one slows decoding down, and the queues in front of it tell.

use crate::shared::Shared;
use live_core::{AudioFrame, AudioSink, AudioSpec, SinkError, VideoFrame, VideoSink};

/// Takes every decoded picture.
pub(crate) struct PictureRecorder(Option<Box<dyn VideoSink>>);

impl PictureRecorder {
    pub(crate) const fn new(sink: Box<dyn VideoSink>) -> Self {
        Self(Some(sink))
    }

    pub(crate) fn write(&mut self, picture: &VideoFrame, shared: &Shared) {
        if let Some(sink) = &mut self.0
            && let Err(error) = sink.present(picture)
        {
            shared.sink_failed(&error);
            self.0 = None;
        }
    }

    pub(crate) fn finish(self, shared: &Shared) {
        report(self.0.map_or(Ok(()), |mut sink| sink.finish()), shared);
    }
}

/// Takes all decoded sound.
pub(crate) struct SoundRecorder {
    sink: Option<Box<dyn AudioSink>>,
    spec: Option<AudioSpec>,
}

impl SoundRecorder {
    pub(crate) const fn new(sink: Box<dyn AudioSink>) -> Self {
        Self { sink: Some(sink), spec: None }
    }

    pub(crate) fn write(&mut self, frame: &AudioFrame, spec: AudioSpec, shared: &Shared) {
        if let Err(error) = self.try_write(frame, spec) {
            shared.sink_failed(&error);
            self.sink = None;
        }
    }

    fn try_write(&mut self, frame: &AudioFrame, spec: AudioSpec) -> Result<(), SinkError> {
        let Some(sink) = &mut self.sink else { return Ok(()) };
        if self.spec != Some(spec) {
            sink.open(spec)?;
            self.spec = Some(spec);
        }
        let frames = frame.samples.len() / usize::from(spec.channels.max(1));
        match sink.write(&frame.samples)? {
            written if written < frames => {
                Err(SinkError::new("recording", "the sink has no room: not one to record with"))
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn finish(self, shared: &Shared) {
        report(self.sink.map_or(Ok(()), |mut sink| sink.finish()), shared);
    }
}

fn report(result: Result<(), SinkError>, shared: &Shared) {
    if let Err(error) = result {
        shared.sink_failed(&error);
    }
}
