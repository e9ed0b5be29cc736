//! The audio worker: sound from a source through the mixer and the encoder into the stream.

mod feed;

pub(crate) use feed::{AudioInput, MakeAudio};

use super::WorkerCx;
use super::sound::chain::{ChainPlan, VoiceChain};
use super::sound::mix::{Gains, Mixer};
use super::sound::music::MusicPlayer;
use super::sound::silence::{SilenceWatch, Silent};
use crate::codes::{self, Failure};
use feed::{Feed, Incoming};
use live_core::event::{BackendSelected, MusicEvent, PusherEvent};
use live_core::{
    AudioEncoder, AudioEncoderConfig, AudioFrame, AudioSpec, CaptureError, Codec, Packet, PusherCode,
    PusherErrorCode, Selection, SourceInfo, SourceKind, Timestamp, Track,
};
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

/// Frames of sound a source may be ahead of the encoder: over a second of 20 ms frames, as sound must not be lost.
pub(crate) const FRAME_QUEUE: usize = 64;

/// The longest wait for a source: one block, so that silence flows at the same pace.
const WAIT: Duration = Duration::from_millis(10);

/// What the encoder is to make.
#[derive(Clone, Debug)]
pub(crate) struct AudioSettings {
    pub(crate) spec: AudioSpec,
    pub(crate) kbps: u32,
    pub(crate) selection: Selection,
}

/// Runs until the source ends, the session stops or something fails for good.
pub(crate) fn run(
    input: AudioInput,
    settings: &AudioSettings,
    chain: &ChainPlan,
    cx: &WorkerCx,
) -> Result<(), Failure> {
    let (mut feed, spec) = Feed::open(input, cx)?;
    let unsupported = |message: String| {
        cx.state(PusherCode::UnsupportedSampleRate, message.clone());
        Failure::new(PusherCode::UnsupportedSampleRate, message)
    };
    let mixer = Mixer::new(spec, settings.spec, feed.timing(), gains(cx)).map_err(unsupported)?;
    let mut worker = AudioWorker {
        mixer,
        chain: VoiceChain::new(chain, settings.spec),
        music: MusicPlayer::new(settings.spec),
        watch: None,
        frame: AudioFrame { pts: Timestamp::ZERO, samples: Vec::new() },
        encoder: open_encoder(settings, cx)?,
        packets: Vec::new(),
        cx,
    };
    let result = loop {
        if cx.stop.is_set() {
            break Ok(());
        }
        match worker.turn(&mut feed) {
            Ok(true) => {}
            Ok(false) => break Ok(()),
            Err(failure) => break Err(failure),
        }
    };
    drop(feed);
    worker.finish();
    result
}

/// Fires the codes of a source that cannot be opened or has failed.
pub(crate) fn capture_failure(
    track: Track,
    kind: SourceKind,
    error: &CaptureError,
    cx: &WorkerCx,
) -> Failure {
    if let Some(code) = codes::of_denial(track, kind, error) {
        cx.error(code, error.to_string());
    }
    let code = codes::of_capture(track, kind, error);
    cx.state(code, error.to_string());
    Failure::new(code, error.to_string())
}

/// How loud everything is to be now.
fn gains(cx: &WorkerCx) -> Gains {
    let controls = &cx.controls;
    let silent = controls.muted.load(Relaxed) || controls.mic_closed.load(Relaxed);
    let sound = &controls.sound;
    Gains {
        mic: sound.mic_volume.get(),
        music: sound.bgm_volume.get(),
        master: if silent { 0.0 } else { 1.0 },
    }
}

fn open_encoder(settings: &AudioSettings, cx: &WorkerCx) -> Result<Box<dyn AudioEncoder>, Failure> {
    let config = AudioEncoderConfig { spec: settings.spec, kbps: settings.kbps };
    match cx.registry.audio_encoders.open(Codec::Aac, &settings.selection, &config) {
        Ok(opened) => {
            let selected = BackendSelected::of(Track::Audio, "encoder", &opened);
            cx.events.send(PusherEvent::BackendSelected(selected));
            Ok(opened.codec)
        }
        Err(error) => {
            let code = codes::of_encoder(Track::Audio, &error);
            cx.state(code, error.to_string());
            Err(Failure::new(code, error.to_string()))
        }
    }
}

/// Tells what happened to the music; what cannot be loaded is an error of the specification as well.
fn tell_music(event: MusicEvent, cx: &WorkerCx) {
    if let MusicEvent::Failed { file, reason } = &event {
        cx.error(PusherErrorCode::BgmFailed, format!("{file}: {reason}"));
    }
    cx.events.send(PusherEvent::Music(event));
}

struct AudioWorker<'a> {
    mixer: Mixer,
    chain: VoiceChain,
    music: MusicPlayer,
    /// Listens to a microphone that is open.
    watch: Option<SilenceWatch>,
    /// The block under way; its memory is used again.
    frame: AudioFrame,
    encoder: Box<dyn AudioEncoder>,
    packets: Vec<Packet>,
    cx: &'a WorkerCx,
}

impl AudioWorker<'_> {
    /// Takes what the source has and encodes what is due; `false` when the source has ended.
    fn turn(&mut self, feed: &mut Feed) -> Result<bool, Failure> {
        let incoming = feed.receive(WAIT, self.cx)?;
        let has_ended = matches!(incoming, Incoming::Ended);
        let now = self.cx.clock.at(Instant::now());
        match incoming {
            Incoming::Frame(frame) => {
                if let Some(watch) = &mut self.watch {
                    watch.hear(&frame.samples, now);
                }
                self.mixer.push(&frame, now);
            }
            Incoming::Opened => {
                self.mixer.source_opened(now);
                let is_microphone = feed.info().kind == SourceKind::Microphone;
                self.watch = is_microphone.then(|| SilenceWatch::opened(now));
            }
            Incoming::Gone => {
                self.mixer.source_gone();
                self.watch = None;
            }
            Incoming::Nothing => {}
            Incoming::Ended => self.mixer.source_ended(),
        }
        self.look(feed.info(), now);
        while let Some(pts) = self.mixer.pull(now, &mut self.frame.samples) {
            self.frame.pts = pts;
            self.encode_block()?;
        }
        Ok(!has_ended)
    }

    /// Finishes the block under way: the microphone's stages, music, gains; and encodes it.
    fn encode_block(&mut self) -> Result<(), Failure> {
        let cx = self.cx;
        let controls = &cx.controls.sound;
        if let Some(event) = self.chain.apply(&mut self.frame, controls) {
            cx.events.send(event);
        }
        let frames = self.mixer.block_frames();
        let music = self.music.next(frames, &controls.music, |event| tell_music(event, cx));
        self.mixer.mix(&mut self.frame.samples, music, gains(cx));
        self.encode()
    }

    /// Tells of a microphone that is open and gives nothing.
    fn look(&mut self, info: &SourceInfo, now: Timestamp) {
        let muted = self.cx.controls.muted.load(Relaxed);
        let Some(silent) = self.watch.as_mut().and_then(|watch| watch.look(now, muted)) else { return };
        let what = match silent {
            Silent::NoSamples => "has given no samples",
            Silent::Zeros => "has given nothing but exact zeros",
        };
        let detail = format!("{}: it is open and {what} for 2 s; silence is sent", info.name);
        self.cx.state(PusherCode::MicrophoneSilent, detail);
    }

    fn encode(&mut self) -> Result<(), Failure> {
        if let Err(error) = self.encoder.encode(&self.frame, &mut self.packets) {
            self.cx.state(PusherCode::AudioEncoderFailed, error.to_string());
            return Err(Failure::new(PusherCode::AudioEncoderFailed, error.to_string()));
        }
        self.pass_on();
        Ok(())
    }

    fn pass_on(&mut self) {
        self.cx.stats.count(&self.packets);
        self.cx.writer.write(self.packets.drain(..));
    }

    fn finish(mut self) {
        let cx = self.cx;
        self.music.finish(&cx.controls.sound.music, |event| tell_music(event, cx));
        if let Err(error) = self.encoder.flush(&mut self.packets) {
            self.cx.state(PusherCode::AudioEncoderFailed, error.to_string());
        }
        self.pass_on();
    }
}
