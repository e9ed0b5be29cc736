//! The video worker: pictures from a source through framing and encoder into the stream.

mod encoding;
mod fallback;

use super::frame_rate::FrameRateLimit;
use super::{WorkerCx, audio};
use crate::codes::Failure;
use encoding::Encoding;
use live_core::config::Size;
use live_core::pixels::fit::Fitter;
use live_core::queue::{FrameReceiver, ReceiveError, frame_queue};
use live_core::{
    CaptureGuard, Entropy, PicturePool, PusherCode, Selection, SourceInfo, SourceKind, Track, VideoFrame,
    VideoSource,
};
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// Pictures a source may be ahead of the encoder: enough for a stall of the scheduler, short enough to stay live.
pub(crate) const FRAME_QUEUE: usize = 4;

/// How often a worker that gets no frames looks whether it should finish.
pub(crate) const TICK: Duration = Duration::from_millis(50);

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
        encoding: Encoding::new(settings, cx),
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
    worker.encoding.finish();
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
    fitter: Fitter,
    pool: PicturePool,
    limit: FrameRateLimit,
    encoding: Encoding<'a>,
}

impl VideoWorker<'_> {
    /// Encodes one picture, unless the frame rate is met without it.
    fn take(&mut self, frame: &VideoFrame) -> Result<(), Failure> {
        if !self.limit.admits(frame.pts) {
            return Ok(());
        }
        let frame = self.fitter.fit(frame, &self.pool);
        self.encoding.encode(&frame)
    }
}
