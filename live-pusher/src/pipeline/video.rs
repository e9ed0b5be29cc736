//! The video worker: pictures from a source through framing and encoder into the stream.

pub(crate) mod cameras;
pub(crate) mod effects;
mod encoding;
mod fallback;
mod feed;
mod following;
pub(crate) mod picture;
mod standin;
pub(crate) mod tap;

use super::WorkerCx;
use super::background::WaitingImage;
use super::frame_rate::FrameRateLimit;
use super::orders::Desk;
use crate::codes::Failure;
use crate::handle::ControlError;
use bytes::Bytes;
use cameras::{Cameras, OpenCamera};
use effects::{EffectPlan, Effects};
use encoding::Encoding;
use feed::{Fed, Feed};
use following::Following;
use live_core::config::{DevicePosition, Size};
use live_core::pixels::fit::Fitter;
use live_core::pixels::scale::scale;
use live_core::queue::FrameReceiver;
use live_core::{Color, Entropy, PicturePool, PusherCode, Selection, SourceInfo, VideoFrame};
use standin::Standin;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};
use tap::{PreviewPlan, SnapshotOf, Tap};
use tokio::sync::oneshot;

/// Pictures a source may be ahead of the encoder: enough for a stall of the scheduler, short enough to stay live.
pub(crate) const FRAME_QUEUE: usize = 4;

/// How often a worker that gets no frames looks whether it should finish.
pub(crate) const TICK: Duration = Duration::from_millis(50);

/// What the encoder is to make.
#[derive(Clone, Debug)]
pub(crate) struct VideoSettings {
    pub(crate) size: Size,
    /// Sizes to go down to, the first one included.
    pub(crate) ladder: Vec<Size>,
    pub(crate) frame_rate: f64,
    pub(crate) kbps: u32,
    pub(crate) gop: u32,
    pub(crate) entropy: Entropy,
    pub(crate) threads: u32,
    pub(crate) selection: Selection,
    /// Pictures carry the wall clock.
    pub(crate) wall_clock: bool,
    /// From one waiting image to the next.
    pub(crate) waiting_interval: Duration,
}

/// Where the worker's pictures come from.
pub(crate) enum VideoInput {
    /// Devices, opened for the worker.
    Cameras { cameras: Cameras, first: DevicePosition, open: Option<OpenCamera> },
    /// Something that is open already.
    Open(SourceInfo, FrameReceiver<VideoFrame>),
}

/// What the application asks of the worker while it runs.
#[derive(Debug)]
pub(crate) enum VideoOrder {
    /// Use the camera at the other position.
    SwitchCamera(Answer<DevicePosition>),
    /// Give the next picture.
    Snapshot(SnapshotOf, Answer<VideoFrame>),
    /// Change the lamp beside the camera; the answer says whether it is on now.
    ToggleTorch(Answer<bool>),
}

/// Where the result of a command goes. Who asked may have gone away.
pub(crate) type Answer<T> = oneshot::Sender<Result<T, ControlError>>;

/// What the worker makes of the pictures.
pub(crate) struct VideoPlan {
    pub(crate) settings: VideoSettings,
    pub(crate) waiting: WaitingImage,
    pub(crate) effects: EffectPlan,
    pub(crate) preview: PreviewPlan,
    pub(crate) orders: Desk<VideoOrder>,
    /// What goes with the encoded pictures; `None`: pictures are only looked at.
    pub(crate) messages: Option<Desk<Bytes>>,
}

/// Runs until the source ends, the session stops or something fails for good. A camera that was only looked at stays
/// open, for a session that goes on with it.
pub(crate) fn run(input: VideoInput, plan: VideoPlan, cx: &WorkerCx) -> Result<Option<OpenCamera>, Failure> {
    let VideoPlan { settings, waiting, effects, preview, orders, messages } = plan;
    let mut feed = Feed::new(input, cx)?;
    let mut worker = VideoWorker {
        fitter: Fitter::new(settings.size.width, settings.size.height),
        pool: PicturePool::new(),
        limit: FrameRateLimit::new(settings.frame_rate),
        standin: Standin::new(waiting, &settings),
        last: None,
        first: true,
        effects: Effects::new(&effects, settings.frame_rate, cx),
        tap: Tap::new(preview),
        following: Following::new(&settings),
        encoding: messages.map(|messages| Encoding::new(settings, messages, cx)),
        cx,
    };
    let result = loop {
        if cx.stop.is_set() {
            break Ok(());
        }
        while let Some(order) = orders.take() {
            match order {
                VideoOrder::SwitchCamera(answer) => feed.switch(answer),
                VideoOrder::Snapshot(of, answer) => worker.tap.want(of, answer),
                VideoOrder::ToggleTorch(answer) => feed.toggle_torch(answer),
            }
        }
        let away = cx.controls.background.load(Relaxed);
        if let Err(failure) = worker.stand_in(away, feed.is_live()) {
            break Err(failure);
        }
        match feed.next(away, worker.patience(away, feed.is_live()), &orders) {
            Ok(Fed::Picture(frame)) => {
                if let Err(failure) = worker.take(&frame, feed.faces_user()) {
                    break Err(failure);
                }
            }
            Ok(Fed::Nothing) => {}
            Ok(Fed::Ended) => break Ok(()),
            Err(failure) => break Err(failure),
        }
        cx.stats.capture_dropped.store(feed.dropped(), Relaxed);
    };
    let Some(encoding) = worker.encoding else {
        return result.map(|()| feed.into_open());
    };
    // The device is free before the encoder's last packets go out.
    drop(feed);
    encoding.finish();
    result.map(|()| None)
}

struct VideoWorker<'a> {
    fitter: Fitter,
    pool: PicturePool,
    limit: FrameRateLimit,
    standin: Standin,
    /// The picture that was encoded last.
    last: Option<VideoFrame>,
    /// No picture has come yet.
    first: bool,
    effects: Effects<'a>,
    following: Following,
    tap: Tap,
    /// `None` in a preview.
    encoding: Option<Encoding<'a>>,
    cx: &'a WorkerCx,
}

impl VideoWorker<'_> {
    /// Encodes one picture of the source, unless the frame rate is met without it.
    fn take(&mut self, frame: &VideoFrame, faces_user: bool) -> Result<(), Failure> {
        if std::mem::take(&mut self.first) {
            self.cx.state(PusherCode::FirstFrame, format!("{}×{}", frame.width(), frame.height()));
        }
        self.tap.see(SnapshotOf::Source, frame);
        // A camera that comes back may stamp its first pictures earlier than what stood in for them.
        let is_late = self.last.as_ref().is_some_and(|last| frame.pts <= last.pts);
        if is_late || !self.limit.admits(frame.pts) {
            return Ok(());
        }
        self.follow();
        let start = Instant::now();
        let picture = &self.cx.controls.picture;
        let mirrored = picture.mirror.load(Relaxed);
        self.fitter.set_mirrored(mirrored);
        self.fitter.set_zoom(picture.zoom_factor());
        let mut frame = self.fitter.fit(frame, &self.pool);
        self.effects.apply(&mut frame, &self.pool);
        let shown = self.cx.controls.preview.load(Relaxed);
        self.tap.preview(&frame, mirrored, faces_user, shown, &self.pool);
        if self.standin.goes() {
            self.want_key();
        }
        let result = self.encode(frame);
        self.effects.picture_done(start.elapsed());
        result
    }

    /// Encodes the waiting image while the application is away, or the last picture while there is no camera, when it
    /// is time.
    fn stand_in(&mut self, away: bool, live: bool) -> Result<(), Failure> {
        let now = self.cx.clock.at(Instant::now());
        if !self.standin.is_due(away, live, self.last.as_ref().map(|last| last.pts), now) {
            return Ok(());
        }
        self.follow();
        let (width, height) = self.fitter.target();
        let last = self.last.as_ref();
        let frame = match last {
            Some(last) if !away => {
                // The controller may want another size since.
                let picture = scale(&last.surface.to_i420(&self.pool), width, height, &self.pool);
                VideoFrame::new(now, last.color, picture)
            }
            _ => {
                let color = last.map_or_else(|| Color::assumed_for(width, height), |last| last.color);
                let picture = self.standin.image.picture(Size::new(width, height), color, &self.pool);
                VideoFrame::new(now, color, picture)
            }
        };
        if self.standin.comes(away) {
            self.want_key();
        }
        // The limit learns when the next picture of the source may come.
        self.limit.admits(now);
        self.encode(frame)
    }

    fn want_key(&mut self) {
        if let Some(encoding) = &mut self.encoding {
            encoding.want_key();
        }
    }

    fn encode(&mut self, frame: VideoFrame) -> Result<(), Failure> {
        self.tap.see(SnapshotOf::Stream, &frame);
        let result = self.encoding.as_mut().map_or(Ok(()), |encoding| encoding.encode(&frame));
        self.last = Some(frame);
        result
    }

    /// How long the worker may wait for a picture.
    fn patience(&self, away: bool, live: bool) -> Duration {
        let now = self.cx.clock.at(Instant::now());
        self.standin
            .due(away, live, self.last.as_ref().map(|last| last.pts))
            .map_or(TICK, |due| due.saturating_since(now))
    }
}
