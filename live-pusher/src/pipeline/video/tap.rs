//! Those who look at the pictures on their way to the encoder: snapshots and the preview.

use super::Answer;
use live_core::config::LocalMirror;
use live_core::pixels::rotate::mirror;
use live_core::queue::{FrameReceiver, FrameSender, ReceiveError, frame_queue};
use live_core::{PicturePool, Surface, VideoFrame, VideoSink};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// Which picture a snapshot is of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SnapshotOf {
    /// What receivers get: framed, with effects; the waiting image in the background.
    #[default]
    Stream,
    /// What the source gives, as it gives it. There is none in the background.
    Source,
}

/// Makes the preview's sink, once for each session and each preview.
pub(crate) type MakeSink = Arc<Mutex<dyn FnMut() -> Box<dyn VideoSink> + Send>>;

/// Pictures a preview may be behind; older ones are left out.
const PREVIEW_QUEUE: usize = 2;

/// Snapshots that may wait for their picture.
const MOST_SNAPSHOTS: usize = 16;

/// What a preview is made from.
#[derive(Clone, Default)]
pub(crate) struct PreviewPlan {
    pub(crate) sink: Option<MakeSink>,
    pub(crate) mirror: LocalMirror,
}

impl PreviewPlan {
    /// Whether pictures of this camera are mirrored for the person in front of it.
    fn mirrors(&self, faces_user: bool) -> bool {
        match self.mirror {
            LocalMirror::Auto => faces_user,
            LocalMirror::Enable => true,
            LocalMirror::Disable => false,
        }
    }
}

/// Gives pictures to those who look.
pub(super) struct Tap {
    plan: PreviewPlan,
    snapshots: Vec<(SnapshotOf, Answer<VideoFrame>)>,
    preview: Option<Preview>,
}

impl Tap {
    pub(super) fn new(plan: PreviewPlan) -> Self {
        Self { plan, snapshots: Vec::new(), preview: None }
    }

    /// The next picture of this kind is the answer.
    pub(super) fn want(&mut self, of: SnapshotOf, answer: Answer<VideoFrame>) {
        // Those who gave up waiting make room.
        self.snapshots.retain(|(_, answer)| !answer.is_closed());
        if self.snapshots.len() < MOST_SNAPSHOTS {
            self.snapshots.push((of, answer));
        } else {
            let _ = answer.send(Err(crate::handle::ControlError::Busy));
        }
    }

    /// A picture for snapshots of this kind. Costs nothing when nobody waits.
    pub(super) fn see(&mut self, of: SnapshotOf, frame: &VideoFrame) {
        let asked = |(wanted, _): &mut (SnapshotOf, _)| *wanted == of;
        for (_, answer) in self.snapshots.extract_if(.., asked) {
            let _ = answer.send(Ok(frame.clone()));
        }
    }

    /// A picture of the stream for the preview, `mirrored` or not; nothing is shown while `shown` is false.
    pub(super) fn preview(
        &mut self,
        frame: &VideoFrame,
        mirrored: bool,
        faces_user: bool,
        shown: bool,
        pool: &PicturePool,
    ) {
        let Some(make) = self.plan.sink.as_ref().filter(|_| shown) else {
            self.preview = None;
            return;
        };
        let preview = self.preview.get_or_insert_with(|| Preview::open(make));
        let mut frame = frame.clone();
        if mirrored != self.plan.mirrors(faces_user) {
            frame.surface = Surface::I420(mirror(&frame.surface.to_i420(pool), pool));
        }
        preview.show(frame);
    }
}

/// A thread that shows pictures: a sink that is slow loses some, and never holds up the stream.
struct Preview {
    /// `None` in the drop, and when there is no thread.
    pictures: Option<FrameSender<VideoFrame>>,
    thread: Option<JoinHandle<()>>,
}

impl Preview {
    fn open(make: &MakeSink) -> Self {
        let (pictures, queue) = frame_queue(PREVIEW_QUEUE);
        let make = Arc::clone(make);
        let work = move || {
            let sink = (make.lock().unwrap_or_else(PoisonError::into_inner))();
            present(sink, &queue);
        };
        match std::thread::Builder::new().name("live-preview".into()).spawn(work) {
            Ok(thread) => Self { pictures: Some(pictures), thread: Some(thread) },
            Err(error) => {
                tracing::warn!(%error, "no thread for the preview; nothing is shown");
                Self { pictures: None, thread: None }
            }
        }
    }

    fn show(&self, frame: VideoFrame) {
        if let Some(pictures) = &self.pictures {
            pictures.send(frame);
        }
    }
}

fn present(mut sink: Box<dyn VideoSink>, queue: &FrameReceiver<VideoFrame>) {
    loop {
        match queue.receive(Duration::from_secs(1)) {
            Ok(frame) => {
                if let Err(error) = sink.present(&frame) {
                    tracing::warn!(%error, "the preview's sink failed; the stream goes on without a preview");
                    return;
                }
            }
            Err(ReceiveError::Timeout) => {}
            Err(_) => break,
        }
    }
    if let Err(error) = sink.finish() {
        tracing::warn!(%error, "the preview's sink could not be finished");
    }
}

impl Drop for Preview {
    fn drop(&mut self) {
        self.pictures = None;
        if let Some(thread) = self.thread.take() {
            // A panic of the application's sink concerns nobody else.
            let _ = thread.join();
        }
    }
}
