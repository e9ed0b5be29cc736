//! What the video worker is fed with: a camera that comes and goes, or pictures of an input that is open.

use super::cameras::{Camera, Change, OpenCamera, Opening};
use super::{Answer, TICK, VideoInput, VideoOrder};
use crate::codes::Failure;
use crate::handle::ControlError;
use crate::pipeline::orders::Desk;
use crate::pipeline::{WorkerCx, audio};
use live_core::config::DevicePosition;
use live_core::queue::{FrameReceiver, ReceiveError};
use live_core::{CaptureError, PusherCode, SourceInfo, SourceKind, Track, VideoFrame};
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// How often the worker looks whether a camera has opened.
const OPENING_TICK: Duration = Duration::from_millis(10);

/// The source of a session's pictures.
pub(super) struct Feed<'a> {
    input: Input,
    /// Pictures come from what is open now.
    live: bool,
    cx: &'a WorkerCx,
}

enum Input {
    Camera { camera: Camera, position: DevicePosition, switching: Option<Switching>, lost: bool },
    Open { info: SourceInfo, frames: FrameReceiver<VideoFrame> },
}

/// A change to another camera that has begun.
struct Switching {
    from: DevicePosition,
    answer: Answer<DevicePosition>,
}

/// What came.
pub(super) enum Fed {
    Picture(VideoFrame),
    Nothing,
    /// The source has ended by itself.
    Ended,
}

impl<'a> Feed<'a> {
    /// Begins to open a camera; what is open already is told.
    pub(super) fn new(input: VideoInput, cx: &'a WorkerCx) -> Result<Self, Failure> {
        let input = match input {
            VideoInput::Cameras { cameras, first, open } => {
                let position = open.as_ref().map_or(first, |open| open.position);
                if let Some(open) = &open {
                    tell_opened(&open.info, cx);
                }
                let opening = Opening { clock: cx.clock, permission: cx.permission.clone() };
                let camera = Camera::new(cameras, opening, open).map_err(|error| {
                    Failure::internal(format!("cannot start the thread of the camera: {error}"))
                })?;
                Input::Camera { camera, position, switching: None, lost: false }
            }
            VideoInput::Open(info, frames) => {
                tell_opened(&info, cx);
                Input::Open { info, frames }
            }
        };
        Ok(Self { input, live: false, cx })
    }

    /// Whether pictures come: not while a camera is closed or being opened.
    pub(super) const fn is_live(&self) -> bool {
        self.live
    }

    /// The next picture, if one comes within `patience`. While `away` the camera is closed, and the pictures of an
    /// input that is open go by unseen.
    pub(super) fn next(
        &mut self,
        away: bool,
        patience: Duration,
        orders: &Desk<VideoOrder>,
    ) -> Result<Fed, Failure> {
        let patience = patience.min(TICK);
        let (frames, kind) = match &mut self.input {
            Input::Open { info, frames } => (&*frames, info.kind),
            Input::Camera { camera, position, switching, lost } => {
                // What was lost may be there again when the application comes back, or wants another one.
                *lost &= !away && switching.is_none();
                camera.want((!away && !*lost).then_some(*position));
                match camera.poll() {
                    Some(Change::Opened(info)) => {
                        tell_opened(&info, self.cx);
                        if let Some(Switching { answer, .. }) = switching.take() {
                            let _ = answer.send(Ok(*position));
                        }
                    }
                    Some(Change::Refused(refusal)) => match switching.take() {
                        Some(Switching { from, answer }) => {
                            // The one before is still there.
                            *position = from;
                            let _ = answer.send(Err(ControlError::Failed(refusal.error.to_string())));
                        }
                        None => return Err(self.failed(refusal.kind, &refusal.error)),
                    },
                    None => {}
                }
                let Some(open) = camera.open() else {
                    self.live = false;
                    orders.wait(if camera.is_opening() { patience.min(OPENING_TICK) } else { patience });
                    return Ok(Fed::Nothing);
                };
                let OpenCamera { frames, info, .. } = open;
                (frames, info.kind)
            }
        };
        match frames.receive(patience) {
            Ok(_) if away => {
                self.live = false;
                Ok(Fed::Nothing)
            }
            Ok(frame) => {
                self.live = true;
                Ok(Fed::Picture(frame))
            }
            Err(ReceiveError::Timeout) => Ok(Fed::Nothing),
            Err(ReceiveError::Ended) => Ok(Fed::Ended),
            Err(ReceiveError::Failed(error)) => self.lose(kind, &error),
        }
    }

    /// Changes to the camera at the other position; answers when its pictures may come, or at once while the camera is
    /// closed.
    pub(super) fn switch(&mut self, answer: Answer<DevicePosition>) {
        let Input::Camera { camera, position, switching, .. } = &mut self.input else {
            let reason = "the pictures come from an input that has no cameras".to_owned();
            let _ = answer.send(Err(ControlError::Unsupported(reason)));
            return;
        };
        if switching.is_some() {
            let _ = answer.send(Err(ControlError::Busy));
            return;
        }
        let Some(there) = camera.beside(*position) else {
            let reason = "no source was given for another position".to_owned();
            let _ = answer.send(Err(ControlError::Unsupported(reason)));
            return;
        };
        let from = std::mem::replace(position, there);
        if self.cx.controls.background.load(Relaxed) {
            let _ = answer.send(Ok(there));
        } else {
            *switching = Some(Switching { from, answer });
        }
    }

    /// A camera that fails while it runs is closed; the sound goes on, and the last picture stands in. Without sound,
    /// or before the first picture, nothing is left to go on with.
    fn lose(&mut self, kind: SourceKind, error: &CaptureError) -> Result<Fed, Failure> {
        let failure = self.failed(kind, error);
        match &mut self.input {
            Input::Camera { lost, .. } if self.live && self.cx.has_sound => {
                *lost = true;
                self.live = false;
                Ok(Fed::Nothing)
            }
            _ => Err(failure),
        }
    }

    fn failed(&self, kind: SourceKind, error: &CaptureError) -> Failure {
        audio::capture_failure(Track::Video, kind, error, self.cx)
    }

    /// Whether the camera looks at the person who uses it.
    pub(super) fn faces_user(&self) -> bool {
        match &self.input {
            Input::Camera { camera, position, .. } => {
                let is_camera = |open: &OpenCamera| open.info.kind == SourceKind::Camera;
                *position == DevicePosition::Front && camera.open().is_some_and(is_camera)
            }
            Input::Open { .. } => false,
        }
    }

    /// Switches the lamp beside the camera on or off.
    pub(super) fn toggle_torch(&mut self, answer: Answer<bool>) {
        let toggled = match &mut self.input {
            Input::Camera { camera, .. } => camera.toggle_torch(),
            Input::Open { info, .. } => Err(ControlError::Unsupported(format!("{} has no torch", info.name))),
        };
        let _ = answer.send(toggled);
    }

    /// The camera, left open for whoever goes on with it.
    pub(super) fn into_open(self) -> Option<OpenCamera> {
        match self.input {
            Input::Camera { camera, .. } => camera.into_open(),
            Input::Open { .. } => None,
        }
    }

    /// Pictures lost so far because the worker was too slow.
    pub(super) fn dropped(&self) -> u64 {
        match &self.input {
            Input::Open { frames, .. } => frames.dropped(),
            Input::Camera { camera, .. } => camera.dropped(),
        }
    }
}

fn tell_opened(info: &SourceInfo, cx: &WorkerCx) {
    let code = match info.kind {
        SourceKind::Screen => PusherCode::ScreenCaptureStarted,
        _ => PusherCode::CameraOpened,
    };
    cx.state(code, format!("{}, {}", info.name, info.format));
}
