//! The audio worker: sound from a source through conditioning and encoder into the stream.

use super::WorkerCx;
use super::sound::Conditioner;
use super::video::TICK;
use crate::codes::{self, Failure};
use live_core::event::{BackendSelected, PusherEvent};
use live_core::queue::{FrameReceiver, ReceiveError, frame_queue};
use live_core::{
    AudioEncoder, AudioEncoderConfig, AudioFrame, AudioSource, AudioSpec, CaptureError, CaptureGuard, Codec,
    Packet, PusherCode, Selection, SourceInfo, SourceKind, Track,
};
use std::sync::atomic::Ordering::Relaxed;

/// Frames of sound a source may be ahead of the encoder: over a second of 20 ms frames, as sound must not be lost.
pub(crate) const FRAME_QUEUE: usize = 64;

/// What the encoder is to make.
#[derive(Clone, Debug)]
pub(crate) struct AudioSettings {
    pub(crate) spec: AudioSpec,
    pub(crate) kbps: u32,
    pub(crate) selection: Selection,
}

/// Where the worker's sound comes from.
pub(crate) enum AudioInput {
    /// A device, opened by the worker.
    Source(Box<dyn AudioSource>),
    /// Something that is open already.
    Open(SourceInfo, AudioSpec, FrameReceiver<AudioFrame>),
}

/// Runs until the source ends, the session stops or something fails for good.
pub(crate) fn run(input: AudioInput, settings: &AudioSettings, cx: &WorkerCx) -> Result<(), Failure> {
    let (info, spec, receiver, guard) = open(input, cx)?;
    let unsupported = |message: String| {
        cx.state(PusherCode::UnsupportedSampleRate, message.clone());
        Failure::new(PusherCode::UnsupportedSampleRate, message)
    };
    let mut worker = AudioWorker {
        conditioner: Conditioner::new(spec, settings.spec).map_err(unsupported)?,
        encoder: open_encoder(settings, cx)?,
        packets: Vec::new(),
        cx,
    };
    let result = loop {
        if cx.stop.is_set() {
            break Ok(());
        }
        match receiver.receive(TICK) {
            Ok(frame) => {
                if let Err(failure) = worker.take(&frame) {
                    break Err(failure);
                }
            }
            Err(ReceiveError::Timeout) => {}
            Err(ReceiveError::Ended) => break Ok(()),
            Err(ReceiveError::Failed(error)) => {
                break Err(capture_failure(Track::Audio, info.kind, &error, cx));
            }
        }
    };
    drop(guard);
    worker.finish();
    result
}

/// Fires the codes of a source that cannot be opened or has failed.
pub(crate) fn capture_failure(
    track: Track,
    kind: SourceKind,
    error: &CaptureError,
    cx: &WorkerCx,
) -> Failure {
    if let Some(code) = codes::of_denial(track, kind, error) {
        cx.error(code, error.to_string());
    }
    let code = codes::of_capture(track, kind, error);
    cx.state(code, error.to_string());
    Failure::new(code, error.to_string())
}

type OpenInput = (SourceInfo, AudioSpec, FrameReceiver<AudioFrame>, Option<CaptureGuard>);

fn open(input: AudioInput, cx: &WorkerCx) -> Result<OpenInput, Failure> {
    match input {
        AudioInput::Open(info, spec, receiver) => Ok((info, spec, receiver, None)),
        AudioInput::Source(source) => {
            let (info, spec) = (source.info(), source.spec());
            let (sender, receiver) = frame_queue(FRAME_QUEUE);
            let guard = source
                .start(cx.clock, sender)
                .map_err(|error| capture_failure(Track::Audio, info.kind, &error, cx))?;
            Ok((info, spec, receiver, Some(guard)))
        }
    }
}

fn open_encoder(settings: &AudioSettings, cx: &WorkerCx) -> Result<Box<dyn AudioEncoder>, Failure> {
    let config = AudioEncoderConfig { spec: settings.spec, kbps: settings.kbps };
    match cx.registry.audio_encoders.open(Codec::Aac, &settings.selection, &config) {
        Ok(opened) => {
            let selected = BackendSelected::of(Track::Audio, "encoder", &opened);
            cx.events.send(PusherEvent::BackendSelected(selected));
            Ok(opened.codec)
        }
        Err(error) => {
            let code = codes::of_encoder(Track::Audio, &error);
            cx.state(code, error.to_string());
            Err(Failure::new(code, error.to_string()))
        }
    }
}

struct AudioWorker<'a> {
    conditioner: Conditioner,
    encoder: Box<dyn AudioEncoder>,
    packets: Vec<Packet>,
    cx: &'a WorkerCx,
}

impl AudioWorker<'_> {
    fn take(&mut self, frame: &AudioFrame) -> Result<(), Failure> {
        let Some(mut frame) = self.conditioner.push(frame) else { return Ok(()) };
        if self.cx.controls.muted.load(Relaxed) {
            frame.samples.fill(0.0);
        }
        if let Err(error) = self.encoder.encode(&frame, &mut self.packets) {
            self.cx.state(PusherCode::AudioEncoderFailed, error.to_string());
            return Err(Failure::new(PusherCode::AudioEncoderFailed, error.to_string()));
        }
        self.pass_on();
        Ok(())
    }

    fn pass_on(&mut self) {
        self.cx.stats.count(&self.packets);
        self.cx.writer.write(self.packets.drain(..));
    }

    fn finish(mut self) {
        if let Err(error) = self.encoder.flush(&mut self.packets) {
            self.cx.state(PusherCode::AudioEncoderFailed, error.to_string());
        }
        self.pass_on();
    }
}
