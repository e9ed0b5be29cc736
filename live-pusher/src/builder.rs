//! Describes a pusher; everything is checked before anything opens.

mod effects;
mod network;
mod sound;

use crate::handle::{LivePusherHandle, Shared};
use crate::output::destinations::{AddOutputError, Destinations, PublisherFor};
use crate::output::fresh_url::{FreshUrl, RetryContext};
use crate::pipeline::Controls;
use crate::pipeline::access::{Access, Permission};
use crate::pipeline::audio::{AudioInput, MakeAudio};
use crate::pipeline::background::WaitingImage;
use crate::pipeline::sound::chain::ChainPlan;
use crate::pipeline::video::VideoSettings;
use crate::pipeline::video::cameras::Cameras;
use crate::pipeline::video::effects::EffectPlan;
use crate::pipeline::video::tap::PreviewPlan;
use crate::preview::Viewfinder;
use crate::pusher::{LivePusher, Runtimes};
use crate::session::{Input, Plan};
use crate::transport;
use live_core::backoff::RetryPolicy;
use live_core::config::{
    Aspect, AudioQuality, CheckedPusherConfig, ConfigError, DevicePosition, Mistake, Mode, Orientation,
    PusherConfig,
};
use live_core::registry::Table;
use live_core::{
    AudioSource, CaptureError, Entropy, PacketSource, Publisher, Registry, Selection, VideoSink, VideoSource,
};
use live_transport::net::options::{Network, NetworkOptions};
use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::runtime::Handle;

/// Why a pusher could not be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// Attributes are wrong or missing; every one is named.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// No tokio runtime was there and none could be made.
    #[error("cannot make a runtime for the pusher: {0}")]
    Runtime(#[from] std::io::Error),
}

type OpenPackets = Arc<dyn Fn() -> Result<Box<dyn PacketSource>, CaptureError> + Send + Sync>;

/// What is pushed.
enum Media {
    Sources(Sources),
    Packets(OpenPackets),
}

#[derive(Default)]
struct Sources {
    video: Cameras,
    audio: Option<MakeAudio>,
}

/// Collects what a [`LivePusher`] needs. Made by [`LivePusher::builder`].
///
/// Setters named like an attribute of the specification set that attribute; [`config`](Self::config) sets all at once.
pub struct Builder {
    url: String,
    config: PusherConfig,
    media: Media,
    looping: bool,
    copy: bool,
    video_encoder: Selection,
    audio_encoder: Selection,
    sound: ChainPlan,
    volume_interval: Option<Duration>,
    entropy: Entropy,
    threads: u32,
    registry: Option<Registry>,
    publisher: Option<Arc<dyn Publisher>>,
    runtime: Option<Handle>,
    retry: Option<RetryPolicy>,
    network: NetworkOptions,
    also: Vec<(String, Option<Arc<dyn Publisher>>)>,
    fresh_url: Option<FreshUrl>,
    effects: EffectPlan,
    adaptive: bool,
    permission: Permission,
    preview: PreviewPlan,
    wall_clock: bool,
}

impl Builder {
    pub(crate) fn new(url: String) -> Self {
        Self {
            url,
            config: PusherConfig::default(),
            media: Media::Sources(Sources::default()),
            looping: false,
            copy: false,
            video_encoder: Selection::Auto,
            audio_encoder: Selection::Auto,
            sound: ChainPlan::default(),
            volume_interval: None,
            entropy: Entropy::Auto,
            threads: 0,
            registry: None,
            publisher: None,
            runtime: None,
            retry: None,
            permission: Permission::default(),
            wall_clock: false,
            preview: PreviewPlan::default(),
            network: NetworkOptions::default(),
            also: Vec::new(),
            fresh_url: None,
            effects: EffectPlan::default(),
            adaptive: true,
        }
    }

    /// Takes every attribute from `config`, but for its `url`.
    #[must_use]
    pub fn config(mut self, config: PusherConfig) -> Self {
        self.config = config;
        self
    }

    /// `mode`: picture sizes, start bitrate and key-frame interval. RTC.
    #[must_use]
    pub fn mode(mut self, mode: Mode) -> Self {
        self.config.mode = mode;
        self
    }

    /// `autopush`: [`build`](Self::build) starts the session. `false`.
    #[must_use]
    pub fn autopush(mut self, autopush: bool) -> Self {
        self.config.autopush = autopush;
        self
    }

    /// `muted`: silence is encoded in place of the sound. `false`.
    #[must_use]
    pub fn muted(mut self, muted: bool) -> Self {
        self.config.muted = muted;
        self
    }

    /// `enable-camera`: whether there is a picture. `true`.
    #[must_use]
    pub fn enable_camera(mut self, enable: bool) -> Self {
        self.config.enable_camera = enable;
        self
    }

    /// `enable-mic`: whether there is sound. `true`.
    #[must_use]
    pub fn enable_mic(mut self, enable: bool) -> Self {
        self.config.enable_mic = enable;
        self
    }

    /// `orientation`: portrait or landscape. Vertical.
    #[must_use]
    pub fn orientation(mut self, orientation: Orientation) -> Self {
        self.config.orientation = orientation;
        self
    }

    /// `aspect`: 9:16 or 3:4. 9:16.
    #[must_use]
    pub fn aspect(mut self, aspect: Aspect) -> Self {
        self.config.aspect = aspect;
        self
    }

    /// `min-bitrate` and `max-bitrate`: floor and ceiling of the [adaptive](Self::adaptive_bitrate) video bitrate, in
    /// kbit/s. 200 and 1000. The mode's start bitrate is clamped between them.
    #[must_use]
    pub fn bitrate(mut self, min: u32, max: u32) -> Self {
        self.config.min_bitrate = min;
        self.config.max_bitrate = max;
        self
    }

    /// `fps`: at most this many pictures per second, 1–30; a faster source is thinned evenly. 15.
    #[must_use]
    pub fn fps(mut self, fps: u32) -> Self {
        self.config.fps = fps;
        self
    }

    /// `video-width` and `video-height`: the picture size in place of the mode's, in pixels, even.
    #[must_use]
    pub fn video_size(mut self, width: u32, height: u32) -> Self {
        self.config.video_width = Some(width);
        self.config.video_height = Some(height);
        self
    }

    /// `waiting-image`: PNG or JPEG of at most 1920×1920 pixels, sent while the application is in the background; read
    /// at the start of each session. None: black.
    ///
    /// With `waiting-image-md5` (see [`config`](Self::config)) the file is compared first. A file that cannot be read,
    /// decoded or does not compare is error 10004, and the session fails before anything is sent.
    #[must_use]
    pub fn waiting_image(mut self, path: impl Into<PathBuf>) -> Self {
        self.config.waiting_image = Some(path.into());
        self
    }

    /// `background-mute`: the microphone is closed and silence sent while in the background. `false`.
    #[must_use]
    pub fn background_mute(mut self, mute: bool) -> Self {
        self.config.background_mute = mute;
        self
    }

    /// `mirror`: receivers get a mirrored picture. `false`.
    #[must_use]
    pub fn mirror(mut self, mirror: bool) -> Self {
        self.config.mirror = mirror;
        self
    }

    /// `audio-quality`: 48 kHz, or 16 kHz mono. High.
    #[must_use]
    pub fn audio_quality(mut self, quality: AudioQuality) -> Self {
        self.config.audio_quality = quality;
        self
    }

    /// Whether the video bitrate, the frame rate and the picture size follow what the uplink takes, between
    /// `min-bitrate` and `max-bitrate`; else they stay as they are at the start. `true`.
    #[must_use]
    pub fn adaptive_bitrate(mut self, adaptive: bool) -> Self {
        self.adaptive = adaptive;
        self
    }

    /// Pictures come from the source that `make` makes, each time it is opened: at the start of a session, and when the
    /// application comes back from the background.
    #[must_use]
    pub fn video_source<S: VideoSource + 'static>(
        self,
        mut make: impl FnMut() -> S + Send + 'static,
    ) -> Self {
        self.try_video_source(move || Ok(make()))
    }

    /// As [`video_source`](Self::video_source), for a source that may refuse: the session then fails with -1301.
    #[must_use]
    pub fn try_video_source<S: VideoSource + 'static>(
        mut self,
        mut make: impl FnMut() -> Result<S, CaptureError> + Send + 'static,
    ) -> Self {
        self.sources().video.set(None, move || Ok(Box::new(make()?)));
        self
    }

    /// As [`try_video_source`](Self::try_video_source), for one `position`: the session begins with the one that
    /// `device-position` says, and [`switch_camera`](LivePusherHandle::switch_camera) changes to the other.
    #[must_use]
    pub fn video_source_for<S: VideoSource + 'static>(
        mut self,
        position: DevicePosition,
        mut make: impl FnMut() -> Result<S, CaptureError> + Send + 'static,
    ) -> Self {
        self.sources().video.set(Some(position), move || Ok(Box::new(make()?)));
        self
    }

    /// Sound comes from the source that `make` makes, once for each session, and again when a microphone that was closed
    /// or lost is opened again.
    #[must_use]
    pub fn audio_source<S: AudioSource + 'static>(
        self,
        mut make: impl FnMut() -> S + Send + 'static,
    ) -> Self {
        self.try_audio_source(move || Ok(make()))
    }

    /// As [`audio_source`](Self::audio_source), for a source that may refuse: the session then fails with -1302.
    #[must_use]
    pub fn try_audio_source<S: AudioSource + 'static>(
        mut self,
        mut make: impl FnMut() -> Result<S, CaptureError> + Send + 'static,
    ) -> Self {
        let make = move || -> Result<Box<dyn AudioSource>, CaptureError> { Ok(Box::new(make()?)) };
        self.sources().audio.replace(Arc::new(Mutex::new(make)));
        self
    }

    /// Pictures and sound come from a media file: FLV, or MP4 with H.264 and AAC. It is decoded and paced in real
    /// time; its end ends the session, unless it [loops](Self::looping).
    #[must_use]
    pub fn input_file(self, path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        self.packet_source(move || live_transport::net::file::open(&path))
    }

    /// Pictures and sound come from the encoded input that `open` opens, once for each session, on a thread of its own.
    #[must_use]
    pub fn packet_source(
        mut self,
        open: impl Fn() -> Result<Box<dyn PacketSource>, CaptureError> + Send + Sync + 'static,
    ) -> Self {
        self.media = Media::Packets(Arc::new(open));
        self
    }

    /// Whether a file or other encoded input begins again when it ends, without a jump of the timestamps. `false`.
    #[must_use]
    pub fn looping(mut self, again: bool) -> Self {
        self.looping = again;
        self
    }

    /// Whether encoded input is passed on as it is, neither decoded nor encoded: no loss, next to no work. `false`.
    ///
    /// Needs [`input_file`](Self::input_file) or [`packet_source`](Self::packet_source) with H.264, AAC or MP3; the
    /// session fails with -1301 for what FLV and RTMP do not carry. Size, rate, bitrate and effects are the input's own;
    /// while muted the sound is left out. A receiver that joins waits for the input's next key frame.
    #[must_use]
    pub fn copy(mut self, copy: bool) -> Self {
        self.copy = copy;
        self
    }

    /// Which video encoder may serve. Auto.
    #[must_use]
    pub fn video_encoder(mut self, selection: Selection) -> Self {
        self.video_encoder = selection;
        self
    }

    /// Which audio encoder may serve. Auto.
    #[must_use]
    pub fn audio_encoder(mut self, selection: Selection) -> Self {
        self.audio_encoder = selection;
        self
    }

    /// Entropy coding of the video. Auto: what the encoder finds best.
    #[must_use]
    pub fn entropy(mut self, entropy: Entropy) -> Self {
        self.entropy = entropy;
        self
    }

    /// Threads of the video encoder. 0: the encoder chooses.
    #[must_use]
    pub fn encoder_threads(mut self, threads: u32) -> Self {
        self.threads = threads;
        self
    }

    /// The codecs to choose from, in place of those compiled in.
    #[must_use]
    pub fn registry(mut self, registry: Registry) -> Self {
        self.registry = Some(registry);
        self
    }

    /// Publishes through `publisher`, in place of the one for the address's scheme.
    #[must_use]
    pub fn publisher(mut self, publisher: Arc<dyn Publisher>) -> Self {
        self.publisher = Some(publisher);
        self
    }

    /// Sends the same stream to `url` as well: another server, or a path ending in `.flv`, which records while pushing.
    /// May be called again; 16 destinations at most. See [`LivePusherHandle::outputs`] for how they go together.
    #[must_use]
    pub fn also(mut self, url: impl Into<String>) -> Self {
        self.also.push((url.into(), None));
        self
    }

    /// As [`also`](Self::also), through `publisher` in place of the one for the address's scheme.
    #[must_use]
    pub fn also_through(mut self, url: impl Into<String>, publisher: Arc<dyn Publisher>) -> Self {
        self.also.push((url.into(), Some(publisher)));
        self
    }

    /// Runs the session's task on this runtime, in place of the current one.
    #[must_use]
    pub fn runtime(mut self, handle: Handle) -> Self {
        self.runtime = Some(handle);
        self
    }

    /// Asks for a fresh address before each retry, for servers whose tokens expire: `Some` is used from then on, until
    /// the session ends; `None` keeps the old one.
    ///
    /// The callback runs on the session's runtime while the wait for the retry passes. One that takes longer than 3 s,
    /// panics or gives what is no address is passed over with a line in the log, and the old address is tried.
    #[must_use]
    pub fn on_retry_url<F>(mut self, callback: impl Fn(RetryContext) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Option<String>> + Send + 'static,
    {
        self.fresh_url = Some(Arc::new(move |context| Box::pin(callback(context))));
        self
    }

    /// How often and when a lost connection is tried again, for every destination. By default three times: after 3, 6
    /// and 12 s, in RTC mode after 1, 2 and 4 s. [`RetryPolicy::endless`] tries until the session is stopped.
    #[must_use]
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = Some(policy);
        self
    }

    /// Shows the stream's pictures, framed and with effects, in the sink that `make` makes, on a thread of its own, once
    /// for each session and each preview: what it cannot show in time it does not get. Mirrored as `local-mirror` says.
    ///
    /// [`start_preview`](LivePusherHandle::start_preview) and [`stop_preview`](LivePusherHandle::stop_preview) switch it.
    #[must_use]
    pub fn preview<S: VideoSink + 'static>(mut self, mut make: impl FnMut() -> S + Send + 'static) -> Self {
        self.preview.sink = Some(Arc::new(Mutex::new(move || Box::new(make()) as Box<dyn VideoSink>)));
        self
    }

    /// Pictures carry the wall clock of their capture, twice a second, as H.264 SEI: a player with a synchronised clock
    /// tells its latency from it. `false`.
    #[must_use]
    pub fn wall_clock(mut self, stamp: bool) -> Self {
        self.wall_clock = stamp;
        self
    }

    /// Asks `allow` each time before a camera or microphone opens. A "no" is error 1001 or 1002, with -1301 or -1302, and
    /// the session fails. By default everything is allowed.
    ///
    /// Called on a thread of its own for a camera and on the worker's for a microphone: it may wait for a person, which
    /// holds up the stop of the session for at most 5 s.
    #[must_use]
    pub fn authorise(mut self, allow: impl Fn(Access) -> bool + Send + Sync + 'static) -> Self {
        self.permission = Permission::new(allow);
        self
    }

    /// Checks everything and makes the pusher; nothing is opened yet, unless `autopush` is set.
    ///
    /// The session's task runs on the runtime given, else on the current tokio runtime, else on a runtime of one thread
    /// that the pusher owns. Codecs and sources get threads of their own in any case.
    ///
    /// # Errors
    /// Every mistake in the attributes at once, or a runtime that cannot be made.
    pub fn build(mut self) -> Result<LivePusher, BuildError> {
        let mut mistakes = Vec::new();
        match self.url.parse() {
            Ok(url) => self.config.url = Some(url),
            Err(error) => mistakes.push(Mistake::new("url", error.to_string())),
        }
        mistakes.extend(self.missing_media());
        if self.copy && !matches!(self.media, Media::Packets(_)) {
            let problem = "only encoded input can be copied: give input_file or packet_source";
            mistakes.push(Mistake::new("copy", problem));
        }
        mistakes.extend(self.missing_voice());
        let registry = self.registry.take().unwrap_or_else(transport::registry);
        mistakes.extend(unknown("video-encoder", &self.video_encoder, &registry.video_encoders));
        mistakes.extend(unknown("audio-encoder", &self.audio_encoder, &registry.audio_encoders));
        if let Err(error) = self.config.validate() {
            // An address that does not parse has been reported above.
            let known = |mistake: &Mistake| self.config.url.is_some() || mistake.attribute != "url";
            mistakes.extend(error.mistakes.into_iter().filter(known));
        }
        let network = std::mem::take(&mut self.network).check().map_err(|wrong| mistakes.extend(wrong)).ok();
        let publisher = self
            .publisher
            .take()
            .map_or_else(|| self.publisher_for_scheme(network.as_ref()), |given| Ok(Some(given)));
        mistakes.extend(publisher.as_ref().err().cloned());
        let first = self.config.url.clone().zip(publisher.ok().flatten()).zip(network);
        let destinations = first.map(|((url, publisher), network)| {
            let publisher_for: PublisherFor = Arc::new(move |url| transport::publisher(url, &network));
            Destinations::new(url, publisher, publisher_for)
        });
        mistakes.extend(destinations.iter().flat_map(|destinations| self.add_others(destinations)));
        ConfigError::unless_empty(mistakes)?;
        let config = self.config.check()?;
        let destinations = destinations.expect("an address that passed the check has a publisher");
        let controls = Arc::new(Controls::default());
        controls.muted.store(config.muted, Relaxed);
        controls.copies.store(self.copy, Relaxed);
        controls.background_mute.store(config.background_mute, Relaxed);
        controls.picture.begin(&config);
        controls.preview.store(self.preview.sink.is_some(), Relaxed);
        let blueprint = Blueprint {
            video: VideoSettings {
                wall_clock: self.wall_clock,
                ..video_settings(&config, self.video_encoder, self.entropy, self.threads)
            },
            retry: self.retry.unwrap_or_else(|| RetryPolicy::of_mode(config.mode)),
            media: self.media,
            looping: self.looping,
            copy: self.copy,
            audio_encoder: self.audio_encoder,
            sound: ChainPlan { gain: config.enable_agc, noise: config.enable_ans, ..self.sound },
            fresh_url: self.fresh_url,
            registry: Arc::new(registry),
            controls: Arc::clone(&controls),
            effects: self.effects,
            adaptive: self.adaptive,
            permission: self.permission,
            preview: PreviewPlan { mirror: config.local_mirror, ..self.preview },
            config,
        };
        let autopush = blueprint.config.autopush;
        let reverb = blueprint.config.audio_reverb_type;
        let runtime = Runtimes::choose(self.runtime)?;
        let shared = Arc::new(Shared::new(controls, destinations));
        let handle = LivePusherHandle::new(shared, blueprint, runtime.handle().clone());
        handle.set_audio_volume_interval(self.volume_interval);
        handle.set_reverb(reverb);
        let pusher = LivePusher::new(handle, runtime);
        if autopush {
            pusher.start();
        }
        Ok(pusher)
    }

    /// The sources; a file that was set before gives way.
    fn sources(&mut self) -> &mut Sources {
        if let Media::Packets(_) = self.media {
            self.media = Media::Sources(Sources::default());
        }
        match &mut self.media {
            Media::Sources(sources) => sources,
            Media::Packets(_) => unreachable!("replaced above"),
        }
    }

    /// Adds the destinations beside the first one; what is wrong with them.
    fn add_others(&self, destinations: &Destinations) -> Vec<Mistake> {
        let add = |(url, publisher): &(String, Option<Arc<dyn Publisher>>)| {
            destinations.add(url, publisher.clone()).err().map(|error| match error {
                AddOutputError::Address(mistake) => mistake,
                error => Mistake::new("also", error.to_string()),
            })
        };
        self.also.iter().filter_map(add).collect()
    }

    fn missing_media(&self) -> Option<Mistake> {
        let Media::Sources(Sources { video, audio }) = &self.media else { return None };
        let (config, missing) =
            (&self.config, "a source is missing: give video_source, audio_source or input_file");
        let has_any = (!video.is_empty() && config.enable_camera) || (audio.is_some() && config.enable_mic);
        (!has_any).then(|| Mistake::new("input", missing))
    }

    /// `None` where the address or the network's options are wrong, which is reported as it is.
    fn publisher_for_scheme(&self, network: Option<&Network>) -> Result<Option<Arc<dyn Publisher>>, Mistake> {
        let (Some(url), Some(network)) = (&self.config.url, network) else { return Ok(None) };
        transport::publisher(url, network).map(Some)
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The address is text that was not parsed yet: its secrets cannot be told from the rest.
        f.debug_struct("Builder").field("config", &self.config).finish_non_exhaustive()
    }
}

/// What every session of a pusher is made from.
pub(crate) struct Blueprint {
    config: CheckedPusherConfig,
    media: Media,
    looping: bool,
    copy: bool,
    video: VideoSettings,
    audio_encoder: Selection,
    sound: ChainPlan,
    fresh_url: Option<FreshUrl>,
    registry: Arc<Registry>,
    controls: Arc<Controls>,
    permission: Permission,
    preview: PreviewPlan,
    retry: RetryPolicy,
    effects: EffectPlan,
    adaptive: bool,
}

impl Blueprint {
    /// What a preview needs; `None` when the pictures come from elsewhere than a camera, or there are none.
    pub(crate) fn viewfinder(&self) -> Option<Viewfinder> {
        let Media::Sources(Sources { video, .. }) = &self.media else { return None };
        (self.config.enable_camera && !video.is_empty()).then(|| Viewfinder {
            cameras: video.clone(),
            first: video.first(self.config.device_position),
            settings: self.video.clone(),
            effects: self.effects.clone(),
            preview: self.preview.clone(),
            registry: Arc::clone(&self.registry),
            permission: self.permission.clone(),
        })
    }

    /// The plan of a new session; what is wrong with the waiting image, when it cannot be loaded. Blocks for as long as
    /// the application's factories and reading a file take.
    pub(crate) fn plan(&mut self) -> Result<Plan, String> {
        let waiting = WaitingImage::of(&self.config)?;
        let input = match &mut self.media {
            Media::Sources(Sources { video, audio }) => Input::Sources {
                video: (!video.is_empty()).then(|| video.focused(self.config.auto_focus)),
                audio: audio.as_ref().map(|make| {
                    let made = (make.lock().unwrap_or_else(PoisonError::into_inner))();
                    made.map(|first| AudioInput::Device { first, again: Arc::clone(make) })
                }),
            },
            Media::Packets(open) => {
                let open = Arc::clone(open);
                let (open, looping) = (Box::new(move || open()), self.looping);
                if self.copy { Input::Copied { open, looping } } else { Input::Packets { open, looping } }
            }
        };
        Ok(Plan {
            waiting,
            config: self.config.clone(),
            input,
            video: self.video.clone(),
            audio_encoder: self.audio_encoder.clone(),
            sound: self.sound.clone(),
            fresh_url: self.fresh_url.clone(),
            registry: Arc::clone(&self.registry),
            controls: Arc::clone(&self.controls),
            permission: self.permission.clone(),
            preview: self.preview.clone(),
            handover: None,
            retry: self.retry,
            effects: self.effects.clone(),
            adaptive: self.adaptive,
        })
    }
}

/// A backend that was named and is not there.
fn unknown<C: ?Sized, T: ?Sized>(what: &str, selection: &Selection, table: &Table<C, T>) -> Option<Mistake> {
    let Selection::Named(name) = selection else { return None };
    let names: Vec<_> = table.rows().map(|row| row.name).collect();
    let problem = || format!("expected auto, hardware, software, {}", names.join(", "));
    (!names.contains(&name.as_str())).then(|| Mistake::new(what, problem()).with_value(format!("\"{name}\"")))
}

fn video_settings(
    config: &CheckedPusherConfig,
    selection: Selection,
    entropy: Entropy,
    threads: u32,
) -> VideoSettings {
    VideoSettings {
        size: config.ladder()[0],
        ladder: config.ladder(),
        frame_rate: f64::from(config.fps),
        kbps: config.start_kbps(),
        gop: config.gop(),
        entropy,
        threads,
        selection,
        wall_clock: false,
        waiting_interval: Duration::from_secs(1) / config.background_fps,
    }
}
