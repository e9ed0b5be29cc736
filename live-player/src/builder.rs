//! Describes a player; everything is checked before anything opens.

#[cfg(feature = "embedded")]
mod network;

use crate::accelerated::{Accelerator, Subscribers};
use crate::controls::Controls;
use crate::handle::LivePlayerHandle;
use crate::player::{LivePlayer, Runtimes};
use crate::session::Plan;
use crate::shared::Shared;
use crate::sink::null::{NullAudio, NullVideo};
#[cfg(feature = "window")]
use crate::sink::window::Window;
use crate::transport;
use live_core::backoff::RetryPolicy;
use live_core::config::{ConfigError, Mistake, ObjectFit, Orientation, PlayerConfig, PlayerMode};
use live_core::{AudioSink, CheckedPlayerConfig, Registry, Selection, StreamUrl, Subscriber, VideoSink};
#[cfg(feature = "embedded")]
use live_transport::net::options::NetworkOptions;
use std::fmt;
use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;

/// Why a player could not be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// Attributes are wrong or missing; every one is named.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// No tokio runtime was there and none could be made.
    #[error("cannot make a runtime for the player: {0}")]
    Runtime(#[from] std::io::Error),
}

/// An open connection without media for this long is lost (behaviour §5, 2103).
const SILENCE: Duration = Duration::from_secs(10);

/// Makes a sink, once for each session.
type Factory<T> = Box<dyn FnMut() -> Box<T> + Send>;

/// Collects what a [`LivePlayer`] needs. Made by [`LivePlayer::builder`].
///
/// Setters named like an attribute of the specification set that attribute; [`config`](Self::config) sets all at once.
/// Sinks are given as functions that make them, because every session has sinks of its own: a player that is started
/// again writes a file again and opens a device again.
pub struct Builder {
    src: String,
    config: PlayerConfig,
    sinks: SinkFactories,
    record: Option<PathBuf>,
    video_decoder: Selection,
    audio_decoder: Selection,
    registry: Option<Registry>,
    subscriber: Option<Arc<dyn Subscriber>>,
    runtime: Option<Handle>,
    retry: Option<RetryPolicy>,
    accelerator: Option<Accelerator>,
    #[cfg(feature = "window")]
    window: Option<Window>,
    #[cfg(feature = "embedded")]
    network: NetworkOptions,
}

impl Builder {
    pub(crate) fn new(src: String) -> Self {
        Self {
            src,
            config: PlayerConfig::default(),
            sinks: SinkFactories::default(),
            record: None,
            video_decoder: Selection::Auto,
            audio_decoder: Selection::Auto,
            registry: None,
            subscriber: None,
            runtime: None,
            retry: None,
            accelerator: None,
            #[cfg(feature = "window")]
            window: None,
            #[cfg(feature = "embedded")]
            network: NetworkOptions::default(),
        }
    }

    /// Takes every attribute from `config`, but for its `src`.
    #[must_use]
    pub fn config(mut self, config: PlayerConfig) -> Self {
        self.config = config;
        self
    }

    /// `mode`: watching or conversation; decides the cache where that is not set. Live.
    #[must_use]
    pub fn mode(mut self, mode: PlayerMode) -> Self {
        self.config.mode = mode;
        self
    }

    /// `autoplay`: [`build`](Self::build) starts the session. `false`.
    #[must_use]
    pub fn autoplay(mut self, autoplay: bool) -> Self {
        self.config.autoplay = autoplay;
        self
    }

    /// `muted`: silence is played in place of the sound. `false`.
    #[must_use]
    pub fn muted(mut self, muted: bool) -> Self {
        self.config.muted = muted;
        self
    }

    /// `orientation`: horizontal turns the picture by 90°. For sinks that draw; files and callbacks get the picture as
    /// it was sent. Vertical.
    #[must_use]
    pub fn orientation(mut self, orientation: Orientation) -> Self {
        self.config.orientation = orientation;
        self
    }

    /// `object-fit`: how a picture is fitted into a window of another shape; without a window it has no effect.
    /// Contain.
    #[must_use]
    pub fn object_fit(mut self, fit: ObjectFit) -> Self {
        self.config.object_fit = fit;
        self
    }

    /// `background-mute`: silent while the application is in the background. `false`.
    #[must_use]
    pub fn background_mute(mut self, mute: bool) -> Self {
        self.config.background_mute = mute;
        self
    }

    /// `min-cache`: media ahead of the playhead before motion starts, 0–30 s. 1 s, in RTC mode 0.2 s.
    #[must_use]
    pub fn min_cache(mut self, cache: Duration) -> Self {
        self.config.min_cache = Some(cache);
        self
    }

    /// `max-cache`: media held at most, 0–30 s; a live stream that lies a second further behind is skipped to its newest
    /// key frame. 3 s, in RTC mode 0.8 s.
    #[must_use]
    pub fn max_cache(mut self, cache: Duration) -> Self {
        self.config.max_cache = Some(cache);
        self
    }

    /// Pictures are shown by the sink that `make` makes, once for each session, each at the moment it is due.
    #[must_use]
    pub fn video_sink<S: VideoSink + 'static>(
        mut self,
        mut make: impl FnMut() -> S + Send + 'static,
    ) -> Self {
        self.sinks.video = Some(Box::new(move || Box::new(make())));
        self
    }

    /// Pictures are shown in `window`, fitted and turned as `object-fit` and `orientation` say. When the user closes it,
    /// the session ends; what becomes of full screen comes as [`PlayerEvent::FullScreenChange`].
    ///
    /// [`PlayerEvent::FullScreenChange`]: live_core::event::PlayerEvent::FullScreenChange
    #[cfg(feature = "window")]
    #[must_use]
    pub fn window(mut self, window: &Window) -> Self {
        self.window = Some(window.clone());
        let window = window.clone();
        self.video_sink(move || window.sink())
    }

    /// Sound is played by the sink that `make` makes, once for each session. Its position is the player's clock.
    ///
    /// Without one the sound goes to [`NullAudio`], so that it remains the clock.
    #[must_use]
    pub fn audio_sink<S: AudioSink + 'static>(
        mut self,
        mut make: impl FnMut() -> S + Send + 'static,
    ) -> Self {
        self.sinks.audio = Some(Box::new(move || Box::new(make())));
        self
    }

    /// Every decoded picture goes, in order and as soon as it is decoded, also to the sink that `make` makes; none is
    /// dropped for being late. The sink is called on the decoder's thread, and a slow one slows decoding down: what a live
    /// stream brings beyond that is left out up to a key frame, and not decoded (2107).
    #[must_use]
    pub fn record_pictures<S: VideoSink + 'static>(
        mut self,
        mut make: impl FnMut() -> S + Send + 'static,
    ) -> Self {
        self.sinks.pictures = Some(Box::new(move || Box::new(make())));
        self
    }

    /// All decoded sound goes, as soon as it is decoded, also to the sink that `make` makes, muted or not. The sink is
    /// called on the decoder's thread; it has to take everything at once, as [`WavFile`](crate::sink::WavFile) does.
    #[must_use]
    pub fn record_sound<S: AudioSink + 'static>(
        mut self,
        mut make: impl FnMut() -> S + Send + 'static,
    ) -> Self {
        self.sinks.sound = Some(Box::new(move || Box::new(make())));
        self
    }

    /// Writes the stream as it was received, not encoded again, into the FLV file `path`; an existing file is replaced.
    /// Breaks of the timeline are closed.
    #[must_use]
    pub fn record(mut self, path: impl Into<PathBuf>) -> Self {
        self.record = Some(path.into());
        self
    }

    /// Which video decoder may serve. Auto.
    #[must_use]
    pub fn video_decoder(mut self, selection: Selection) -> Self {
        self.video_decoder = selection;
        self
    }

    /// Which audio decoder may serve. Auto.
    #[must_use]
    pub fn audio_decoder(mut self, selection: Selection) -> Self {
        self.audio_decoder = selection;
        self
    }

    /// The decoders to choose from, in place of those compiled in.
    #[must_use]
    pub fn registry(mut self, registry: Registry) -> Self {
        self.registry = Some(registry);
        self
    }

    /// Receives through `subscriber`, in place of the one for the address's scheme.
    #[must_use]
    pub fn subscriber(mut self, subscriber: Arc<dyn Subscriber>) -> Self {
        self.subscriber = Some(subscriber);
        self
    }

    /// Runs the session's task on this runtime, in place of the current one. It needs its I/O and time drivers.
    #[must_use]
    pub fn runtime(mut self, handle: Handle) -> Self {
        self.runtime = Some(handle);
        self
    }

    /// Asks for a faster address (that of a node near the viewer, say) when a session starts, and plays that one in place
    /// of `src`.
    ///
    /// The callback runs on the session's runtime. When it fails, panics, takes longer than 3 s or gives what is no
    /// address this build plays, and when its address is refused or not reached, that is code -2302 and `src` itself is
    /// played from then on.
    #[must_use]
    pub fn accelerated_src<F, E>(mut self, callback: impl Fn(StreamUrl) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<String, E>> + Send + 'static,
        E: fmt::Display,
    {
        self.accelerator = Some(Accelerator::new(callback));
        self
    }

    /// How often and when a lost connection is tried again. By default three times: after 1, 2 and 4 s, in RTC mode
    /// after 0.5, 1 and 2 s.
    #[must_use]
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = Some(policy);
        self
    }

    /// Checks everything and makes the player; nothing is opened yet, unless `autoplay` is set.
    ///
    /// The session's task runs on the runtime given, else on the current tokio runtime, else on a runtime of one thread
    /// that the player owns. Decoders and the presenter get threads of their own in any case.
    ///
    /// # Errors
    /// Every mistake in the attributes at once, or a runtime that cannot be made.
    pub fn build(mut self) -> Result<LivePlayer, BuildError> {
        let mut mistakes = Vec::new();
        match self.src.parse() {
            Ok(url) => self.config.src = Some(url),
            Err(error) => {
                self.config.src = None;
                mistakes.push(Mistake::new("src", format!("{error}")));
            }
        }
        if let Err(error) = self.config.validate() {
            // An address that does not parse has been reported above.
            let known = |mistake: &Mistake| self.config.src.is_some() || mistake.attribute != "src";
            mistakes.extend(error.mistakes.into_iter().filter(known));
        }
        #[cfg(feature = "embedded")]
        let network = std::mem::take(&mut self.network).check().map_err(|wrong| mistakes.extend(wrong)).ok();
        #[cfg(not(feature = "embedded"))]
        let network = Some(transport::Network);
        let silence = network.as_ref().map_or(SILENCE, silence_of);
        let has_way = network.is_some() || self.subscriber.is_some();
        let subscribers: Arc<Subscribers> = match (self.subscriber.take(), network) {
            (Some(given), _) => Arc::new(move |_| Ok(Arc::clone(&given))),
            (None, Some(network)) => Arc::new(move |url| transport::subscriber(url, &network)),
            (None, None) => Arc::new(|_| Err(Mistake::new("src", "the way to it is not described rightly"))),
        };
        let found = self.config.src.as_ref().filter(|_| has_way).map(|url| subscribers(url));
        let subscriber = found.and_then(|found| found.map_err(|mistake| mistakes.push(mistake)).ok());
        ConfigError::unless_empty(mistakes)?;
        let config = self.config.check()?;
        let blueprint = Blueprint {
            subscriber: subscriber.expect("an address that passed the checks has a subscriber"),
            registry: Arc::new(self.registry.unwrap_or_else(transport::registry)),
            video_decoder: self.video_decoder,
            audio_decoder: self.audio_decoder,
            subscribers,
            accelerator: self.accelerator,
            silence,
            retry: self.retry.unwrap_or_else(|| retry_policy(config.mode)),
            sinks: self.sinks,
            record: self.record,
            config,
        };
        let config = &blueprint.config;
        let shared = Arc::new(Shared::new(Controls::new(config.muted, config.background_mute)));
        let (autoplay, runtime) = (config.autoplay, Runtimes::choose(self.runtime)?);
        #[cfg(feature = "window")]
        let (fit, orientation) = (config.object_fit, config.orientation);
        let handle = LivePlayerHandle::new(shared, blueprint, runtime.handle().clone());
        #[cfg(feature = "window")]
        if let Some(window) = self.window {
            handle.follow(window, fit, orientation);
        }
        let player = LivePlayer::new(handle, runtime);
        if autoplay {
            player.start();
        }
        Ok(player)
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The address is text that was not parsed yet: its secrets cannot be told from the rest.
        f.debug_struct("Builder").field("config", &self.config).finish_non_exhaustive()
    }
}

#[derive(Default)]
struct SinkFactories {
    video: Option<Factory<dyn VideoSink>>,
    audio: Option<Factory<dyn AudioSink>>,
    pictures: Option<Factory<dyn VideoSink>>,
    sound: Option<Factory<dyn AudioSink>>,
}

/// The sinks of one session.
pub(crate) struct Sinks {
    pub(crate) video: Box<dyn VideoSink>,
    pub(crate) audio: Box<dyn AudioSink>,
    pub(crate) pictures: Option<Box<dyn VideoSink>>,
    pub(crate) sound: Option<Box<dyn AudioSink>>,
}

impl SinkFactories {
    fn make(&mut self) -> Sinks {
        Sinks {
            video: self.video.as_mut().map_or_else(|| Box::new(NullVideo) as _, |make| make()),
            audio: self.audio.as_mut().map_or_else(|| Box::new(NullAudio::new()) as _, |make| make()),
            pictures: self.pictures.as_mut().map(|make| make()),
            sound: self.sound.as_mut().map(|make| make()),
        }
    }
}

/// What every session of a player is made from.
pub(crate) struct Blueprint {
    config: CheckedPlayerConfig,
    subscriber: Arc<dyn Subscriber>,
    subscribers: Arc<Subscribers>,
    accelerator: Option<Accelerator>,
    silence: Duration,
    registry: Arc<Registry>,
    video_decoder: Selection,
    audio_decoder: Selection,
    retry: RetryPolicy,
    sinks: SinkFactories,
    record: Option<PathBuf>,
}

impl Blueprint {
    /// The plan of a new session.
    pub(crate) fn plan(&mut self) -> Plan {
        Plan {
            config: self.config.clone(),
            subscriber: Arc::clone(&self.subscriber),
            subscribers: Arc::clone(&self.subscribers),
            accelerator: self.accelerator.clone(),
            silence: self.silence,
            registry: Arc::clone(&self.registry),
            video_decoder: self.video_decoder.clone(),
            audio_decoder: self.audio_decoder.clone(),
            retry: self.retry,
            sinks: self.sinks.make(),
            record: self.record.clone(),
        }
    }
}

#[cfg(feature = "embedded")]
fn silence_of(network: &transport::Network) -> Duration {
    network.connector.deadlines.silence
}

#[cfg(not(feature = "embedded"))]
fn silence_of(_: &transport::Network) -> Duration {
    SILENCE
}

fn retry_policy(mode: PlayerMode) -> RetryPolicy {
    RetryPolicy::doubling(Duration::from_millis(if mode == PlayerMode::Rtc { 500 } else { 1000 }))
}
