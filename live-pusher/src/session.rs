//! One run of a pusher: opens everything, watches over it, and takes it down again.

use crate::adaptation::{self, Adaptation};
use crate::builder::Blueprint;
use crate::codes::{self, Failure};
use crate::handle::{self, Shared};
use crate::input::copy::{CopiedStream, CopyInput};
use crate::input::{FileInput, FileTracks, Wanted};
use crate::output::fresh_url::FreshUrl;
use crate::output::running::{Common, Running};
use crate::pipeline::access::Permission;
use crate::pipeline::audio::{self, AudioInput, AudioSettings};
use crate::pipeline::background::WaitingImage;
use crate::pipeline::sound::chain::ChainPlan;
use crate::pipeline::stats::PipelineStats;
use crate::pipeline::video::cameras::Cameras;
use crate::pipeline::video::effects::EffectPlan;
use crate::pipeline::video::tap::PreviewPlan;
use crate::pipeline::video::{self, VideoInput, VideoPlan, VideoSettings};
use crate::pipeline::writer::StreamWriter;
use crate::pipeline::{Controls, Desks, StopFlag, Worker, WorkerCx};
use crate::preview::Handover;
use live_core::backoff::RetryPolicy;
use live_core::config::CheckedPusherConfig;
use live_core::event::{EventSender, PusherEvent};
use live_core::queue::{FrameReceiver, FrameSender, PacketQueue, QueueLimits, frame_queue};
use live_core::state::Step;
use live_core::{
    AudioFrame, AudioSpec, CaptureError, Metadata, Packet, PacketSource, PusherCode, PusherErrorCode,
    Registry, Selection, SessionClock, SourceKind, Timestamp, Track, VideoFrame, WireEpoch,
};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

/// Pictures a decoded file may be ahead of the encoder: a file does not lose any to a stall of the scheduler.
const FILE_PICTURES: usize = 12;

/// How long the workers may take to let go of their devices and codecs.
const WORKERS_LEAVE: Duration = Duration::from_secs(5);

/// The specification's interval of net-status events.
const STATUS_INTERVAL: Duration = Duration::from_secs(1);

/// Where a session's media comes from.
pub(crate) enum Input {
    /// Devices or generators, each for one track.
    Sources { video: Option<Cameras>, audio: Made<AudioInput> },
    /// Encoded input, opened on the thread that decodes it.
    Packets { open: OpenPackets, looping: bool },
    /// Encoded input, passed on as it is.
    Copied { open: OpenPackets, looping: bool },
}

/// A source, or why there is none although one was asked for.
pub(crate) type Made<T> = Option<Result<T, CaptureError>>;
pub(crate) type OpenPackets = Box<dyn FnOnce() -> Result<Box<dyn PacketSource>, CaptureError> + Send>;

/// Everything a run needs, checked.
pub(crate) struct Plan {
    pub(crate) config: CheckedPusherConfig,
    pub(crate) input: Input,
    /// The picture for the background.
    pub(crate) waiting: WaitingImage,
    pub(crate) video: VideoSettings,
    pub(crate) audio_encoder: Selection,
    pub(crate) sound: ChainPlan,
    pub(crate) registry: Arc<Registry>,
    pub(crate) controls: Arc<Controls>,
    pub(crate) permission: Permission,
    pub(crate) retry: RetryPolicy,
    pub(crate) fresh_url: Option<FreshUrl>,
    pub(crate) effects: EffectPlan,
    pub(crate) preview: PreviewPlan,
    /// The camera of the preview.
    pub(crate) handover: Option<Handover>,
    pub(crate) adaptive: bool,
}

/// Runs a session, which is Opening, to its end. It goes on with the camera of a `preview` that was there before.
pub(crate) async fn run(
    blueprint: Arc<Mutex<Blueprint>>,
    shared: Arc<Shared>,
    preview: Option<JoinHandle<Option<Handover>>>,
    desks: Desks,
    stop: watch::Receiver<bool>,
) -> Result<(), Failure> {
    let handover = match preview {
        Some(preview) => preview.await.ok().flatten(),
        None => None,
    };
    // The application's factories may look at files, or panic.
    let planned = move || blueprint.lock().unwrap_or_else(PoisonError::into_inner).plan();
    match tokio::task::spawn_blocking(planned).await {
        Ok(Ok(mut plan)) => {
            plan.handover = handover;
            Session::new(&plan, &shared).run(plan, desks, stop).await
        }
        Ok(Err(problem)) => {
            let code = PusherErrorCode::WaitingImageFailed;
            shared.events.send(PusherEvent::Error { code, detail: problem.clone() });
            Err(Failure::internal(format!("{}: {problem}", code.text())))
        }
        Err(_) => Err(Failure::internal("making a source panicked".into())),
    }
}

struct Session {
    shared: Arc<Shared>,
    clock: SessionClock,
    queue: PacketQueue,
    epoch: WireEpoch,
    stats: Arc<PipelineStats>,
    background_limit: Duration,
    stop_workers: StopFlag,
}

/// The threads of a session, and what they were opened with.
struct Workers {
    file: Option<Worker>,
    video: Option<Worker>,
    audio: Option<Worker>,
    writer: StreamWriter,
}

impl Workers {
    /// Waits until one of the workers fails, or both tracks have ended. Cancel-safe.
    async fn media_ended(&mut self) -> Result<(), Failure> {
        while self.video.is_some() || self.audio.is_some() {
            tokio::select! {
                result = finished(&mut self.file) => result?,
                result = finished(&mut self.video) => result?,
                result = finished(&mut self.audio) => result?,
            }
        }
        Ok(())
    }

    /// Waits until all have let go of their devices and codecs, then closes the stream.
    async fn leave(mut self) {
        let ended = async {
            // What they failed with has been told, or does not matter any more.
            while self.file.is_some() || self.video.is_some() || self.audio.is_some() {
                let _ = tokio::select! {
                    result = finished(&mut self.file) => result,
                    result = finished(&mut self.video) => result,
                    result = finished(&mut self.audio) => result,
                };
            }
        };
        if tokio::time::timeout(WORKERS_LEAVE, ended).await.is_err() {
            tracing::warn!("a source or encoder did not end within {WORKERS_LEAVE:?}");
        }
        self.writer.finish();
    }
}

/// Waits until `worker` has finished and forgets it; for ever when there is none.
async fn finished(worker: &mut Option<Worker>) -> Result<(), Failure> {
    match worker {
        None => std::future::pending().await,
        Some(running) => {
            let result = running.finished().await;
            *worker = None;
            result
        }
    }
}

/// What ended a session.
enum Ending {
    Stopped,
    OutputsEnded(Result<(), Failure>),
    MediaEnded(Result<(), Failure>),
}

impl Session {
    fn new(plan: &Plan, shared: &Arc<Shared>) -> Self {
        let stats = Arc::<PipelineStats>::default();
        if plan.config.enable_camera {
            stats.media.set_size(plan.video.size.width, plan.video.size.height);
        }
        Self {
            shared: Arc::clone(shared),
            // A camera that is open goes on stamping its pictures by the clock it was given.
            clock: plan
                .handover
                .as_ref()
                .map_or_else(|| SessionClock::starting_at(Instant::now()), |handover| handover.clock),
            queue: PacketQueue::new(QueueLimits::default()),
            epoch: WireEpoch::default(),
            stats,
            background_limit: Duration::from_secs(plan.config.background_limit.into()),
            stop_workers: StopFlag::default(),
        }
    }

    async fn run(self, plan: Plan, desks: Desks, mut stop: watch::Receiver<bool>) -> Result<(), Failure> {
        // The outputs connect while the workers open their devices.
        let mut outputs = Running::open(Arc::clone(&self.shared.destinations), self.common(&plan));
        let adaptation = self.adaptation(&plan);
        let started = tokio::select! {
            biased;
            _ = stop.wait_for(|stop| *stop) => None,
            started = self.start_workers(plan, desks) => Some(started),
        };
        let result = match started {
            None => Ok(()),
            Some(Err(failure)) => Err(failure),
            Some(Ok(workers)) => self.supervise(workers, &mut outputs, adaptation, stop).await,
        };
        self.shared.step(Step::Stop);
        self.stop_workers.set();
        self.shared.set_status(outputs.close().await);
        result
    }

    fn adaptation(&self, plan: &Plan) -> Adaptation {
        let events = self.shared.events.clone();
        // What is passed on as it is has the bitrate it has.
        let adaptive = plan.adaptive && !matches!(plan.input, Input::Copied { .. });
        Adaptation::new(&plan.config, adaptive, Arc::clone(&self.stats), Arc::clone(&plan.controls), events)
    }

    /// What every output of the session is given.
    fn common(&self, plan: &Plan) -> Common {
        Common {
            queue: self.queue.clone(),
            epoch: self.epoch.clone(),
            events: self.shared.events.clone(),
            stats: Arc::clone(&self.stats),
            retry: plan.retry,
            fresh_url: plan.fresh_url.clone(),
            live_rule: crate::rate::drop_rule(plan.config.mode.into()),
        }
    }

    /// Watches over a session that is open, and ends it in order: workers first, then what is queued.
    async fn supervise(
        &self,
        mut workers: Workers,
        outputs: &mut Running,
        mut adaptation: Adaptation,
        mut stop: watch::Receiver<bool>,
    ) -> Result<(), Failure> {
        let mut ticks = tokio::time::interval(STATUS_INTERVAL);
        let mut samples = adaptation::interval();
        let forgotten = self.shared.in_background_for(self.background_limit);
        tokio::pin!(forgotten);
        let ending = loop {
            let accepted = outputs.on_accepted();
            tokio::select! {
                biased;
                _ = stop.wait_for(|stop| *stop) => break Ending::Stopped,
                () = &mut forgotten => break Ending::Stopped,
                result = outputs.ended() => break Ending::OutputsEnded(result),
                result = workers.media_ended() => break Ending::MediaEnded(result),
                () = accepted => { self.shared.step(Step::MediaFlows); }
                _ = ticks.tick() => self.shared.set_status(outputs.measure(Instant::now())),
                _ = samples.tick() => adaptation.step(Instant::now(), outputs.uplink()),
            }
        };
        self.shared.step(Step::Stop);
        self.stop_workers.set();
        workers.leave().await;
        match ending {
            Ending::OutputsEnded(result) => result,
            Ending::Stopped => {
                // A connection that is lost now has been told by its code; the application wanted the end.
                let _ = outputs.drain(true).await;
                Ok(())
            }
            Ending::MediaEnded(result) => {
                let unsent = || {
                    let reason = "the media ended before the network had taken it";
                    Err(Failure::new(PusherCode::RetriesExhausted, reason))
                };
                let drained = outputs.drain(false).await.unwrap_or_else(unsent);
                result.and(drained)
            }
        }
    }

    async fn start_workers(&self, plan: Plan, desks: Desks) -> Result<Workers, Failure> {
        let config = &plan.config;
        let mut file_worker = None;
        let (video, audio) = match plan.input {
            Input::Sources { video, audio } => {
                let refused = |track| move |error| self.refused(track, &error);
                let first = config.device_position;
                let video = video.filter(|_| config.enable_camera);
                let audio = audio.filter(|_| config.enable_mic).transpose().map_err(refused(Track::Audio))?;
                (
                    video.map(|cameras| VideoInput::Cameras {
                        first: cameras.first(first),
                        cameras,
                        open: plan.handover.map(|handover| handover.camera),
                    }),
                    audio.map(|input| (input.spec(), input)),
                )
            }
            Input::Packets { open, looping } => {
                let wanted = Wanted { video: config.enable_camera, audio: config.enable_mic };
                let file = self.start_file(open, wanted, looping, &plan.registry).await?;
                file_worker = Some(file.worker);
                let info = file.tracks.info;
                (
                    file.video.map(|receiver| VideoInput::Open(info.clone(), receiver)),
                    file.audio.map(|(spec, receiver)| (spec, AudioInput::Open(info.clone(), spec, receiver))),
                )
            }
            Input::Copied { open, looping } => {
                let wanted = Wanted { video: config.enable_camera, audio: config.enable_mic };
                let (input, stream) = self.open_copied(open, wanted, looping).await?;
                self.allow_music(&plan.controls, false);
                return self.start_copying(input, stream, plan.registry, plan.controls);
            }
        };
        let sound = audio.as_ref().map(|(spec, _)| sound_settings(config, *spec, plan.audio_encoder));
        self.allow_music(&plan.controls, sound.is_some());
        let awaited = [(video.is_some(), Track::Video), (sound.is_some(), Track::Audio)];
        let awaited = awaited.into_iter().filter_map(|(is_there, track)| is_there.then_some(track)).collect();
        let metadata = metadata(video.is_some().then_some(&plan.video), sound.as_ref());
        let first = Packet::metadata(Timestamp::ZERO, metadata);
        let writer = StreamWriter::new(first, awaited, self.queue.clone(), self.epoch.clone());
        let shared = self.worker_cx(plan.registry, plan.controls, plan.permission, &writer);
        let cx = WorkerCx { has_sound: sound.is_some(), ..shared };
        let mut workers = Workers { file: file_worker, video: None, audio: None, writer };
        if let Some(input) = video {
            let video = VideoPlan {
                settings: plan.video,
                waiting: plan.waiting,
                effects: plan.effects,
                preview: plan.preview,
                orders: desks.orders,
                messages: Some(desks.messages),
            };
            let cx = cx.clone();
            let work = move || video::run(input, video, &cx).map(drop);
            workers.video = Some(Worker::spawn("live-video", self.stop_workers.clone(), work)?);
        }
        if let (Some((_, input)), Some(settings)) = (audio, sound) {
            let chain = plan.sound;
            let work = move || audio::run(input, &settings, &chain, &cx);
            workers.audio = Some(Worker::spawn("live-audio", self.stop_workers.clone(), work)?);
        }
        Ok(workers)
    }

    /// Whether there is a sound track that is encoded here, into which music can be mixed.
    fn allow_music(&self, controls: &Controls, allowed: bool) {
        controls.sound.no_track.store(!allowed, Relaxed);
        if !allowed && let Some(music) = controls.sound.music.take() {
            handle::sound::refuse(&music, &self.shared.events);
        }
    }

    /// Tells that a source could not even be made.
    fn refused(&self, track: Track, error: &CaptureError) -> Failure {
        let kind = if track == Track::Audio { SourceKind::Microphone } else { SourceKind::Camera };
        if let Some(code) = codes::of_denial(track, kind, error) {
            self.shared.events.send(PusherEvent::Error { code, detail: error.to_string() });
        }
        let code = codes::of_capture(track, kind, error);
        self.shared.state_event(code, &error.to_string());
        Failure::new(code, error.to_string())
    }

    /// Opens encoded input that is to be passed on, where opening may block.
    async fn open_copied(
        &self,
        open: OpenPackets,
        wanted: Wanted,
        looping: bool,
    ) -> Result<(CopyInput, CopiedStream), Failure> {
        let opening = move || open().and_then(|source| CopyInput::open(source, wanted, looping));
        let opened = tokio::task::spawn_blocking(opening).await;
        let opened = opened.map_err(|_| Failure::internal("opening the input panicked".into()))?;
        opened.map_err(|error| {
            let code = codes::of_capture(Track::Video, SourceKind::File, &error);
            self.shared.state_event(code, &error.to_string());
            Failure::new(code, error.to_string())
        })
    }

    fn start_copying(
        &self,
        input: CopyInput,
        stream: CopiedStream,
        registry: Arc<Registry>,
        controls: Arc<Controls>,
    ) -> Result<Workers, Failure> {
        let first = Packet::metadata(Timestamp::ZERO, stream.metadata);
        let writer = StreamWriter::new(first, stream.tracks, self.queue.clone(), self.epoch.clone());
        let cx = self.worker_cx(registry, controls, Permission::default(), &writer);
        let work = move || input.run(&stream.info, &cx);
        // It does both tracks' work; the session lasts as long as it does.
        let worker = Worker::spawn("live-copy", self.stop_workers.clone(), work)?;
        Ok(Workers { file: None, video: Some(worker), audio: None, writer })
    }

    fn worker_cx(
        &self,
        registry: Arc<Registry>,
        controls: Arc<Controls>,
        permission: Permission,
        writer: &StreamWriter,
    ) -> WorkerCx {
        WorkerCx {
            clock: self.clock,
            events: self.shared.events.clone(),
            registry,
            writer: writer.clone(),
            stats: Arc::clone(&self.stats),
            controls,
            permission,
            has_sound: false,
            stop: self.stop_workers.clone(),
        }
    }

    /// Opens encoded input on a thread of its own and waits until its tracks are known.
    async fn start_file(
        &self,
        open: OpenPackets,
        wanted: Wanted,
        looping: bool,
        registry: &Arc<Registry>,
    ) -> Result<OpenFile, Failure> {
        let (video_sender, video) = frame_queue(FILE_PICTURES);
        let (audio_sender, audio) = frame_queue(audio::FRAME_QUEUE);
        let (tell, told) = oneshot::channel();
        let stop = self.stop_workers.clone();
        let thread = FileThread {
            open,
            registry: Arc::clone(registry),
            wanted,
            looping,
            clock: self.clock,
            stop,
            events: self.shared.events.clone(),
        };
        let work = move || thread.run(tell, video_sender, audio_sender);
        let mut worker = Worker::spawn("live-file", self.stop_workers.clone(), work)?;
        let early = |_| Err(Failure::internal("the input's thread ended early".into()));
        let tracks: FileTracks = match told.await.unwrap_or_else(early) {
            Ok(tracks) => tracks,
            Err(failure) => {
                // It has nothing more to do; its result is the failure that is known.
                let _ = worker.finished().await;
                if let Some(code) = failure.code {
                    self.shared.state_event(code, &failure.message);
                }
                return Err(failure);
            }
        };
        Ok(OpenFile {
            worker,
            video: tracks.video.then_some(video),
            audio: tracks.audio.map(|spec| (spec, audio)),
            tracks,
        })
    }
}

/// An input whose tracks are known.
struct OpenFile {
    worker: Worker,
    tracks: FileTracks,
    video: Option<FrameReceiver<VideoFrame>>,
    audio: Option<(AudioSpec, FrameReceiver<AudioFrame>)>,
}

/// What the thread of an encoded input does.
struct FileThread {
    open: OpenPackets,
    registry: Arc<Registry>,
    wanted: Wanted,
    looping: bool,
    clock: SessionClock,
    stop: StopFlag,
    events: EventSender<PusherEvent>,
}

impl FileThread {
    fn run(
        self,
        tell: oneshot::Sender<Result<FileTracks, Failure>>,
        video: FrameSender<VideoFrame>,
        audio: FrameSender<AudioFrame>,
    ) -> Result<(), Failure> {
        let opened = (self.open)()
            .and_then(|source| FileInput::open(source, &self.registry, self.wanted, self.looping));
        let input = match opened {
            Ok(input) => input,
            Err(error) => {
                let code = codes::of_capture(Track::Video, SourceKind::File, &error);
                // A session that is gone does not need to know.
                let _ = tell.send(Err(Failure::new(code, error.to_string())));
                return Ok(());
            }
        };
        let tracks = input.tracks();
        let (has_video, has_audio) = (tracks.video, tracks.audio.is_some());
        let _ = tell.send(Ok(tracks));
        input.run(self.clock, &self.stop, has_video.then_some(video), has_audio.then_some(audio)).inspect_err(
            |failure| {
                if let Some(code) = failure.code {
                    self.events.send(PusherEvent::State { code, detail: failure.message.clone() });
                }
            },
        )
    }
}

fn sound_settings(config: &CheckedPusherConfig, source: AudioSpec, selection: Selection) -> AudioSettings {
    let quality = config.audio_quality;
    let channels = quality.channels(source.channels);
    let spec = AudioSpec { sample_rate: quality.sample_rate(), channels };
    AudioSettings { spec, kbps: quality.kbps(channels), selection }
}

fn metadata(video: Option<&VideoSettings>, audio: Option<&AudioSettings>) -> Metadata {
    Metadata {
        width: video.map(|video| video.size.width),
        height: video.map(|video| video.size.height),
        frame_rate: video.map(|video| video.frame_rate),
        video_kbps: video.map(|video| f64::from(video.kbps)),
        audio_kbps: audio.map(|audio| f64::from(audio.kbps)),
        sample_rate: audio.map(|audio| audio.spec.sample_rate),
        channels: audio.map(|audio| audio.spec.channels),
        duration: None,
        encoder: Some(concat!("live-pusher/", env!("CARGO_PKG_VERSION")).to_owned()),
    }
}
