//! One session, from start to end: threads, connection, status.

use crate::accelerated::{Accelerator, Subscribers};
use crate::bell::Bell;
use crate::builder::{Blueprint, Sinks};
use crate::codes::Failure;
use crate::decoded::DecodedQueue;
use crate::gauges::Gauges;
use crate::media_queue::MediaQueue;
use crate::media_queue::lanes::Limits;
use crate::playback::{self, PlaybackCx};
use crate::recording::{PictureRecorder, SoundRecorder};
use crate::shared::{Shared, lock};
use crate::sound::Sound;
use crate::subscription::{Inlet, Link, Subscription};
use crate::workers::{DecoderCx, Worker, audio, video};
use live_core::backoff::{Backoff, RetryPolicy};
use live_core::net_status::{Direction, Meter};
use live_core::queue::{DropRule, PacketQueue, QueueLimits};
use live_core::state::Step;
use live_core::{
    CheckedPlayerConfig, Outcome, OutputCx, Publisher, Registry, Selection, SinkError, StreamUrl, Subscriber,
    VideoFrame, WireEpoch,
};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

/// Decoded pictures that wait: enough to hide that key frames take longer to decode.
const PICTURES: usize = 8;
/// Decoded sound that waits, in access units: about half a second.
const SOUNDS: usize = 24;
/// The specification's interval of net-status events.
const STATUS_INTERVAL: Duration = Duration::from_secs(1);
/// How long taking leave of the server may take.
const LEAVE: Duration = Duration::from_secs(2);
/// How long decoders, sinks and files may take to end.
const WORKERS_LEAVE: Duration = Duration::from_secs(10);

/// Everything a session needs, checked.
pub(crate) struct Plan {
    pub(crate) config: CheckedPlayerConfig,
    pub(crate) subscriber: Arc<dyn Subscriber>,
    pub(crate) subscribers: Arc<Subscribers>,
    pub(crate) accelerator: Option<Accelerator>,
    /// An open connection without media for this long is lost.
    pub(crate) silence: Duration,
    pub(crate) registry: Arc<Registry>,
    pub(crate) video_decoder: Selection,
    pub(crate) audio_decoder: Selection,
    pub(crate) retry: RetryPolicy,
    pub(crate) sinks: Sinks,
    pub(crate) record: Option<PathBuf>,
}

/// Runs a session to its end: the state is Opening when it begins.
pub(crate) async fn run(
    blueprint: Arc<Mutex<Blueprint>>,
    shared: Arc<Shared>,
    stop: watch::Receiver<bool>,
) -> Result<(), Failure> {
    // Devices and files may take their time to open.
    let plan = tokio::task::spawn_blocking(move || lock(&blueprint).plan()).await;
    let plan = plan.map_err(|error| Failure::uncoded(format!("the sinks cannot be made: {error}")))?;
    Session::new(&plan, &shared).run(plan, stop).await
}

struct Session {
    shared: Arc<Shared>,
    link: Arc<Link>,
    gauges: Arc<Gauges>,
    pipes: Pipes,
}

/// The queues of a session. Dropping them ends the threads that work on them.
struct Pipes {
    packets: MediaQueue,
    pictures: DecodedQueue<VideoFrame>,
    sounds: DecodedQueue<Sound>,
    bell: Bell,
    stop: Arc<AtomicBool>,
}

impl Pipes {
    fn new(limits: Limits) -> Self {
        let bell = Bell::default();
        Self {
            packets: MediaQueue::new(limits, bell.clone()),
            pictures: DecodedQueue::new(PICTURES, bell.clone()),
            sounds: DecodedQueue::new(SOUNDS, bell.clone()),
            bell,
            stop: Arc::default(),
        }
    }

    fn close(&self) {
        self.stop.store(true, Relaxed);
        self.packets.abort();
        self.pictures.abort();
        self.sounds.abort();
        self.bell.ring();
    }
}

impl Drop for Pipes {
    fn drop(&mut self) {
        self.close();
    }
}

/// The threads of a session.
struct Workers {
    video: Worker,
    audio: Worker,
    presenter: Worker,
    /// How the presenter ended.
    ending: oneshot::Receiver<Result<(), Failure>>,
}

impl Workers {
    /// Waits until everything has been played, or a thread has failed. Cancel-safe.
    async fn ended(&mut self) -> Result<(), Failure> {
        let (mut video, mut audio) = (false, false);
        loop {
            tokio::select! {
                biased;
                ending = &mut self.ending => return match ending {
                    Ok(ending) => ending,
                    // It was dropped in a panic.
                    Err(_) => self.presenter.finished().await,
                },
                result = self.video.finished(), if !video => { result?; video = true }
                result = self.audio.finished(), if !audio => { result?; audio = true }
            }
        }
    }

    /// Waits until all threads have ended.
    async fn leave(&mut self) -> Result<(), Failure> {
        let ended = async {
            let results =
                [self.video.finished().await, self.audio.finished().await, self.presenter.finished().await];
            results.into_iter().collect()
        };
        tokio::time::timeout(WORKERS_LEAVE, ended).await.unwrap_or_else(|_| {
            tracing::warn!("a decoder or sink did not end within {WORKERS_LEAVE:?}");
            Ok(())
        })
    }
}

impl Session {
    fn new(plan: &Plan, shared: &Arc<Shared>) -> Self {
        let limits = Limits::new(plan.config.min_cache(), plan.config.max_cache());
        Self {
            shared: Arc::clone(shared),
            link: Arc::default(),
            gauges: Arc::default(),
            pipes: Pipes::new(limits),
        }
    }

    async fn run(self, plan: Plan, mut stop: watch::Receiver<bool>) -> Result<(), Failure> {
        let (leave, leaving) = watch::channel(false);
        let recording = plan.record.clone().map(|path| Recording::start(path, Arc::clone(&self.shared)));
        let mut subscription = std::pin::pin!(self.subscription(&plan, leaving, recording.as_ref()).run());
        let mut workers = self.start_workers(plan)?;
        let mut meter = Meter::new(Direction::Received, Instant::now());
        let mut ticks = tokio::time::interval(STATUS_INTERVAL);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut receiving = true;
        let mut result = loop {
            tokio::select! {
                biased;
                _ = stop.wait_for(|stop| *stop) => break Ok(()),
                received = &mut subscription, if receiving => {
                    receiving = false;
                    match received {
                        Ok(()) => self.pipes.packets.finish(),
                        Err(failure) => break Err(failure),
                    }
                }
                ended = workers.ended() => break ended,
                _ = ticks.tick() => self.measure(&mut meter),
            }
        };
        self.shared.step(Step::Stop);
        leave.send_replace(true);
        self.pipes.close();
        if receiving && self.link.is_accepted() {
            // What it ends with does not matter any more.
            let _ = tokio::time::timeout(LEAVE, &mut subscription).await;
        }
        result = result.and(workers.leave().await);
        if let Some(recording) = recording {
            recording.finish().await;
        }
        self.measure(&mut meter);
        result
    }

    fn measure(&self, meter: &mut Meter) {
        let status = self.gauges.read(meter, Instant::now(), &self.link.counters, &self.pipes.packets.view());
        self.shared.set_status(status);
    }

    fn subscription(
        &self,
        plan: &Plan,
        leave: watch::Receiver<bool>,
        recording: Option<&Recording>,
    ) -> Subscription {
        let (shared, queue) = (Arc::clone(&self.shared), self.pipes.packets.clone());
        let (link, gauges) = (Arc::clone(&self.link), Arc::clone(&self.gauges));
        let mut inlet = Inlet::new(shared, queue, Arc::clone(&link), gauges, leave, plan.config.max_cache());
        inlet.recording = recording.map(|recording| recording.queue.clone());
        // The address of an allocation is random enough to keep a crowd of players apart.
        let seed = Arc::as_ptr(&link).addr() as u64 ^ u64::from(std::process::id()) << 32;
        Subscription {
            place: (plan.config.stream_url().clone(), Arc::clone(&plan.subscriber)),
            plain: None,
            accelerator: plan.accelerator.clone(),
            subscribers: Arc::clone(&plan.subscribers),
            silence: plan.silence,
            backoff: Backoff::new(plan.retry, seed),
            link,
            inlet,
        }
    }

    fn start_workers(&self, plan: Plan) -> Result<Workers, Failure> {
        let Plan { config, registry, sinks, .. } = plan;
        let Sinks { video: screen, audio: speaker, pictures, sound } = sinks;
        let (pictures, sound) = (pictures.map(PictureRecorder::new), sound.map(SoundRecorder::new));
        let cx = DecoderCx {
            shared: Arc::clone(&self.shared),
            registry: Arc::clone(&registry),
            selection: plan.video_decoder,
            packets: self.pipes.packets.clone(),
            decoded: self.pipes.pictures.clone(),
        };
        let video = Worker::spawn("live-play-video", move || video::run(cx, pictures))?;
        let cx = DecoderCx {
            shared: Arc::clone(&self.shared),
            registry,
            selection: plan.audio_decoder,
            packets: self.pipes.packets.clone(),
            decoded: self.pipes.sounds.clone(),
        };
        let audio = Worker::spawn("live-play-audio", move || audio::run(cx, sound))?;
        let cx = PlaybackCx {
            shared: Arc::clone(&self.shared),
            gauges: Arc::clone(&self.gauges),
            packets: self.pipes.packets.clone(),
            pictures: self.pipes.pictures.clone(),
            sounds: self.pipes.sounds.clone(),
            bell: self.pipes.bell.clone(),
            stop: Arc::clone(&self.pipes.stop),
        };
        let (tell, ending) = oneshot::channel();
        let presenter = Worker::spawn("live-play-show", move || {
            // A session that is gone does not need to know.
            let _ = tell.send(playback::run(cx, screen, speaker, [config.min_cache(), config.max_cache()]));
        })?;
        Ok(Workers { video, audio, presenter, ending })
    }
}

/// The stream on its way into a file.
struct Recording {
    queue: PacketQueue,
    task: JoinHandle<()>,
}

impl Recording {
    fn start(path: PathBuf, shared: Arc<Shared>) -> Self {
        let queue = PacketQueue::new(QueueLimits::default());
        let mut reader = queue.reader(DropRule::NEVER);
        let task = tokio::spawn(async move {
            let cx =
                OutputCx { events: Arc::new(|_| {}), counters: Arc::default(), epoch: WireEpoch::default() };
            let url = StreamUrl::from_path(&path);
            let outcome = live_transport::net::file::Recorder.publish(&url, &mut reader, &cx).await;
            if let Outcome::Lost(error) = outcome {
                shared.sink_failed(&SinkError::new("record", error.to_string()));
            }
        });
        Self { queue, task }
    }

    /// Waits until everything is in the file.
    async fn finish(self) {
        self.queue.close();
        if tokio::time::timeout(WORKERS_LEAVE, self.task).await.is_err() {
            tracing::warn!("the recording was not finished within {WORKERS_LEAVE:?}");
        }
    }
}
