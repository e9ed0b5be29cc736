//! The video worker: pictures from a source through framing and encoder into the stream.

use super::frame_rate::FrameRateLimit;
use super::{WorkerCx, audio};
use crate::codes::{self, Failure};
use live_core::config::Size;
use live_core::event::{BackendSelected, PusherEvent};
use live_core::pixels::fit::Fitter;
use live_core::queue::{FrameReceiver, ReceiveError, frame_queue};
use live_core::registry::{HARDWARE, Provenance};
use live_core::{
    CaptureGuard, Codec, CodecError, CodecErrorKind, Color, Entropy, Packet, PicturePool, PusherCode,
    Selection, SourceInfo, SourceKind, Track, VideoEncoder, VideoEncoderConfig, VideoFrame, VideoSource,
};
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// Pictures a source may be ahead of the encoder: enough for a stall of the scheduler, short enough to stay live.
pub(crate) const FRAME_QUEUE: usize = 4;

/// How often a worker that gets no frames looks whether it should finish.
pub(crate) const TICK: Duration = Duration::from_millis(50);

/// Failures in a row after which the encoder is taken for broken.
const MOST_FAILURES: u32 = 5;

/// What the encoder is to make.
#[derive(Clone, Debug)]
pub(crate) struct VideoSettings {
    pub(crate) size: Size,
    pub(crate) frame_rate: f64,
    pub(crate) kbps: u32,
    pub(crate) gop: u32,
    pub(crate) mirror: bool,
    pub(crate) entropy: Entropy,
    pub(crate) threads: u32,
    pub(crate) selection: Selection,
}

/// Where the worker's pictures come from.
pub(crate) enum VideoInput {
    /// A device, opened by the worker.
    Source(Box<dyn VideoSource>),
    /// Something that is open already.
    Open(SourceInfo, FrameReceiver<VideoFrame>),
}

/// Runs until the source ends, the session stops or something fails for good.
pub(crate) fn run(input: VideoInput, settings: VideoSettings, cx: &WorkerCx) -> Result<(), Failure> {
    let (info, receiver, guard) = open(input, cx)?;
    let mut worker = VideoWorker {
        fitter: fitter(&settings),
        pool: PicturePool::new(),
        limit: FrameRateLimit::new(settings.frame_rate),
        settings,
        encoder: None,
        packets: Vec::new(),
        failures: 0,
        cx,
    };
    let mut first = true;
    let result = loop {
        if cx.stop.is_set() {
            break Ok(());
        }
        match receiver.receive(TICK) {
            Ok(frame) => {
                if std::mem::take(&mut first) {
                    cx.state(PusherCode::FirstFrame, format!("{}×{}", frame.width(), frame.height()));
                }
                if let Err(failure) = worker.take(&frame) {
                    break Err(failure);
                }
            }
            Err(ReceiveError::Timeout) => {}
            Err(ReceiveError::Ended) => break Ok(()),
            Err(ReceiveError::Failed(error)) => {
                break Err(audio::capture_failure(Track::Video, info.kind, &error, cx));
            }
        }
        cx.stats.capture_dropped.store(receiver.dropped(), Relaxed);
    };
    // The device is free before the encoder's last packets go out.
    drop(guard);
    worker.finish();
    result
}

type OpenInput = (SourceInfo, FrameReceiver<VideoFrame>, Option<CaptureGuard>);

fn open(input: VideoInput, cx: &WorkerCx) -> Result<OpenInput, Failure> {
    let (info, receiver, guard) = match input {
        VideoInput::Open(info, receiver) => (info, receiver, None),
        VideoInput::Source(source) => {
            let info = source.info();
            let (sender, receiver) = frame_queue(FRAME_QUEUE);
            let guard = source
                .start(cx.clock, sender)
                .map_err(|error| audio::capture_failure(Track::Video, info.kind, &error, cx))?;
            (info, receiver, Some(guard))
        }
    };
    let code = match info.kind {
        SourceKind::Screen => PusherCode::ScreenCaptureStarted,
        _ => PusherCode::CameraOpened,
    };
    cx.state(code, format!("{}, {}", info.name, info.format));
    Ok((info, receiver, guard))
}

fn fitter(settings: &VideoSettings) -> Fitter {
    let mut fitter = Fitter::new(settings.size.width, settings.size.height);
    fitter.set_mirrored(settings.mirror);
    fitter
}

struct VideoWorker<'a> {
    settings: VideoSettings,
    fitter: Fitter,
    pool: PicturePool,
    limit: FrameRateLimit,
    encoder: Option<Box<dyn VideoEncoder>>,
    packets: Vec<Packet>,
    failures: u32,
    cx: &'a WorkerCx,
}

impl VideoWorker<'_> {
    /// Encodes one picture, unless the frame rate is met without it.
    fn take(&mut self, frame: &VideoFrame) -> Result<(), Failure> {
        if !self.limit.admits(frame.pts) {
            return Ok(());
        }
        let frame = self.fitter.fit(frame, &self.pool);
        let mut encoder = match self.encoder.take() {
            Some(encoder) => encoder,
            None => self.open_encoder(frame.color)?,
        };
        if self.cx.writer.take_key_request()
            && let Err(error) = encoder.request_key()
        {
            // The next one comes with the GOP.
            tracing::debug!(%error, "no key frame on request");
        }
        match encoder.encode(&frame, &mut self.packets) {
            Ok(()) => {
                self.failures = 0;
                self.encoder = Some(encoder);
                self.pass_on();
                Ok(())
            }
            Err(error) => self.recover(&error),
        }
    }

    /// One picture is lost; the encoder is opened again for the next one, unless it keeps failing.
    fn recover(&mut self, error: &CodecError) -> Result<(), Failure> {
        self.packets.clear();
        self.failures += 1;
        self.cx.state(PusherCode::FrameEncodeFailed, error.to_string());
        if self.failures < MOST_FAILURES {
            return Ok(());
        }
        self.cx.state(PusherCode::VideoEncoderFailed, error.to_string());
        Err(Failure::new(PusherCode::VideoEncoderFailed, error.to_string()))
    }

    fn open_encoder(&self, color: Color) -> Result<Box<dyn VideoEncoder>, Failure> {
        let VideoSettings { size, frame_rate, kbps, gop, entropy, threads, ref selection, .. } =
            self.settings;
        let config = VideoEncoderConfig {
            width: size.width,
            height: size.height,
            frame_rate,
            kbps,
            gop,
            color,
            entropy,
            threads,
            slices: 0,
        };
        let opened =
            self.cx.registry.video_encoders.open(Codec::H264, selection, &config).map_err(|error| {
                let code = codes::of_encoder(Track::Video, &error);
                self.cx.state(code, error.to_string());
                Failure::new(code, error.to_string())
            })?;
        let hardware = opened.provenance == Provenance::Hardware;
        self.tell_refusals(&opened.refusals, hardware);
        self.cx.events.send(PusherEvent::BackendSelected(BackendSelected::of(
            Track::Video,
            "encoder",
            &opened,
        )));
        if self.failures == 0 {
            let how = if hardware { "hardware" } else { "software" };
            self.cx.state(PusherCode::EncoderStarted, format!("{}, {how}, {size}", opened.backend));
        }
        Ok(opened.codec)
    }

    /// A hardware backend that refused is code 1103; a software one that was preferred is 1106.
    fn tell_refusals(&self, refusals: &[CodecError], hardware: bool) {
        let rows: Vec<_> = self.cx.registry.video_encoders.rows().collect();
        for refusal in refusals.iter().filter(|_| !hardware) {
            let row = rows.iter().find(|row| row.name == refusal.backend);
            let code = match row.map(|row| row.provenance) {
                Some(Provenance::Hardware) => PusherCode::HardwareEncoderFallback,
                None if refusal.backend == HARDWARE => PusherCode::HardwareEncoderFallback,
                _ => PusherCode::SoftwareEncoderFallback,
            };
            self.cx.state(code, refusal.to_string());
        }
    }

    fn pass_on(&mut self) {
        self.cx.stats.count(&self.packets);
        self.cx.writer.write(self.packets.drain(..));
    }

    fn finish(mut self) {
        if let Some(mut encoder) = self.encoder.take() {
            // At the end there is nothing to do about an encoder that cannot give its last pictures.
            if let Err(error) = encoder.flush(&mut self.packets)
                && error.kind != CodecErrorKind::Unsupported
            {
                self.cx.state(PusherCode::FrameEncodeFailed, error.to_string());
            }
            self.pass_on();
        }
    }
}
