//! The camera before anything is pushed.

use crate::codes::Failure;
use crate::handle::{Ending, Shared};
use crate::pipeline::access::Permission;
use crate::pipeline::background::WaitingImage;
use crate::pipeline::orders::Desk;
use crate::pipeline::video::cameras::{Cameras, OpenCamera};
use crate::pipeline::video::effects::EffectPlan;
use crate::pipeline::video::tap::PreviewPlan;
use crate::pipeline::video::{self, VideoInput, VideoOrder, VideoPlan, VideoSettings};
use crate::pipeline::writer::StreamWriter;
use crate::pipeline::{StopFlag, Worker, WorkerCx};
use live_core::config::DevicePosition;
use live_core::queue::{PacketQueue, QueueLimits};
use live_core::state::SessionState;
use live_core::{Metadata, Packet, Registry, SessionClock, Timestamp, WireEpoch};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use tokio::sync::watch;

/// What a preview is made from.
#[derive(Clone)]
pub(crate) struct Viewfinder {
    pub(crate) cameras: Cameras,
    pub(crate) first: DevicePosition,
    pub(crate) settings: VideoSettings,
    pub(crate) effects: EffectPlan,
    pub(crate) preview: PreviewPlan,
    pub(crate) registry: Arc<Registry>,
    pub(crate) permission: Permission,
}

/// A camera that stays open from the preview to the session.
pub(crate) struct Handover {
    pub(crate) camera: OpenCamera,
    /// The clock its pictures are stamped by.
    pub(crate) clock: SessionClock,
}

/// Runs a preview until `stop` says so, until its sender goes away, or until the camera fails. In the second case, the
/// state is somebody else's already, and what is open goes to them.
pub(crate) async fn run(
    viewfinder: Viewfinder,
    shared: Arc<Shared>,
    orders: Desk<VideoOrder>,
    mut stop: watch::Receiver<bool>,
) -> Option<Handover> {
    let clock = SessionClock::starting_at(Instant::now());
    let flag = StopFlag::default();
    let opened = Arc::<Mutex<Option<OpenCamera>>>::default();
    let ending = Ending::new(&shared, Shared::finish_preview);
    let result = match spawn(viewfinder, &shared, orders, clock, &flag, &opened) {
        Ok(mut worker) => tokio::select! {
            biased;
            () = told(&mut stop) => {
                flag.set();
                worker.finished().await
            }
            result = worker.finished() => result,
        },
        Err(failure) => Err(failure),
    };
    let camera = opened.lock().unwrap_or_else(PoisonError::into_inner).take();
    let camera = if shared.state() == SessionState::Opening {
        camera
    } else {
        // Closing may take its time, and nobody may think that it is over before.
        let _ = tokio::task::spawn_blocking(move || drop(camera)).await;
        None
    };
    ending.finish(result);
    camera.map(|camera| Handover { camera, clock })
}

/// Waits for the end, or for the loss of whoever could tell it.
async fn told(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

/// The video worker, without an encoder.
fn spawn(
    viewfinder: Viewfinder,
    shared: &Arc<Shared>,
    orders: Desk<VideoOrder>,
    clock: SessionClock,
    flag: &StopFlag,
    opened: &Arc<Mutex<Option<OpenCamera>>>,
) -> Result<Worker, Failure> {
    let Viewfinder { cameras, first, settings, effects, preview, registry, permission } = viewfinder;
    // Nothing is written: the queue has no readers.
    let nothing = Packet::metadata(Timestamp::ZERO, Metadata::default());
    let queue = PacketQueue::new(QueueLimits::default());
    let cx = WorkerCx {
        clock,
        events: shared.events.clone(),
        registry,
        writer: StreamWriter::new(nothing, Vec::new(), queue, WireEpoch::default()),
        stats: Arc::default(),
        controls: Arc::clone(&shared.controls),
        permission,
        has_sound: false,
        stop: flag.clone(),
    };
    let waiting = WaitingImage::default();
    let plan = VideoPlan { settings, waiting, effects, preview, orders, messages: None };
    let input = VideoInput::Cameras { cameras, first, open: None };
    let opened = Arc::clone(opened);
    let work = move || {
        let camera = video::run(input, plan, &cx)?;
        *opened.lock().unwrap_or_else(PoisonError::into_inner) = camera;
        Ok(())
    };
    Worker::spawn("live-video", flag.clone(), work)
}
