//! Background music: what the application wishes, and the audio worker's end of the music that plays.
//!
//! A thread for each piece decodes ahead into a bounded queue; the worker takes what is there and never waits.

#[cfg(feature = "music")]
mod decode;

use live_core::AudioSpec;
use live_core::event::MusicEvent;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// Chunks the decoder may be ahead: over half a second of any format.
const AHEAD: usize = 32;

/// Music between two progress events.
const PROGRESS: Duration = Duration::from_secs(1);

/// A piece of background music, for [`play_bgm`](crate::LivePusherHandle::play_bgm).
///
/// ```
/// use live_pusher::Bgm;
/// use std::time::Duration;
///
/// // The refrain, over and over.
/// let music = Bgm::new("song.mp3").from(Duration::from_secs(30)).until(Duration::from_secs(60)).looping(true);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "it plays when it is given to play_bgm"]
pub struct Bgm {
    pub(crate) file: PathBuf,
    pub(crate) start: Duration,
    pub(crate) end: Option<Duration>,
    pub(crate) looping: bool,
}

impl Bgm {
    /// The whole of `file`, once: WAV, MP3, FLAC, or AAC-LC as `.aac` or `.m4a`, in any sampling rate, with any number of
    /// channels.
    pub fn new(file: impl Into<PathBuf>) -> Self {
        Self { file: file.into(), start: Duration::ZERO, end: None, looping: false }
    }

    /// Begins here, counted from the beginning of the file. 0.
    pub const fn from(mut self, start: Duration) -> Self {
        self.start = start;
        self
    }

    /// Ends here, counted from the beginning of the file. By default with the file.
    pub const fn until(mut self, end: Duration) -> Self {
        self.end = Some(end);
        self
    }

    /// Whether it begins again, without a gap, when it ends. `false`.
    pub const fn looping(mut self, again: bool) -> Self {
        self.looping = again;
        self
    }
}

/// What the application wishes to hear; the audio worker looks at it for each block.
#[derive(Debug, Default)]
pub(crate) struct Wishes(Mutex<Wish>);

#[derive(Debug, Default)]
struct Wish {
    /// Tells one request from the next.
    number: u64,
    music: Option<Bgm>,
    paused: bool,
}

impl Wishes {
    fn lock(&self) -> MutexGuard<'_, Wish> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn play(&self, music: Bgm) {
        let mut wish = self.lock();
        *wish = Wish { number: wish.number + 1, music: Some(music), paused: false };
    }

    /// `false` when there was none.
    pub(crate) fn stop(&self) -> bool {
        self.take().is_some()
    }

    /// What was wished, which is no wish any more.
    pub(crate) fn take(&self) -> Option<Bgm> {
        self.lock().music.take()
    }

    /// `false` when there is none, or when it is so already.
    pub(crate) fn pause(&self, paused: bool) -> bool {
        let mut wish = self.lock();
        wish.music.is_some() && std::mem::replace(&mut wish.paused, paused) != paused
    }

    /// This request is over.
    fn done(&self, number: u64) {
        let mut wish = self.lock();
        if wish.number == number {
            wish.music = None;
        }
    }
}

/// What the decoder hands over.
#[cfg_attr(not(feature = "music"), expect(dead_code, reason = "a build without decoders only says so"))]
enum Chunk {
    /// The file could be opened; how long the piece is, where that is known.
    Opened(Option<Duration>),
    /// Sound in the mixer's layout, and its place in the file.
    Sound { at: Duration, samples: Vec<f32> },
    /// The piece is over.
    End,
    /// It cannot be loaded or read on.
    Failed(String),
}

/// The audio worker's end.
pub(crate) struct MusicPlayer {
    spec: AudioSpec,
    playing: Option<Playing>,
    /// Decoders that were told to end and will do so at their next chunk.
    leaving: Vec<JoinHandle<()>>,
    block: Vec<f32>,
    /// How long the decoder is waited for: not at all, but in tests.
    patience: Duration,
}

struct Playing {
    number: u64,
    file: PathBuf,
    chunks: Receiver<Chunk>,
    decoder: Option<JoinHandle<()>>,
    duration: Option<Duration>,
    started: bool,
    /// What is left of the chunk under way, and where in the file that is.
    samples: Vec<f32>,
    used: usize,
    at: Duration,
    /// Samples mixed since the last progress event.
    since_told: usize,
}

impl MusicPlayer {
    /// Makes music of this layout.
    pub(crate) fn new(spec: AudioSpec) -> Self {
        Self { spec, playing: None, leaving: Vec::new(), block: Vec::new(), patience: Duration::ZERO }
    }

    /// The music for the next `frames` sample frames; `None` when there is none. What is to be told goes to `tell`.
    pub(crate) fn next(
        &mut self,
        frames: usize,
        wishes: &Wishes,
        mut tell: impl FnMut(MusicEvent),
    ) -> Option<&[f32]> {
        if self.follow(wishes, &mut tell) {
            return None;
        }
        let samples = frames * usize::from(self.spec.channels);
        let playing = self.playing.as_mut()?;
        self.block.clear();
        let ending = playing.fill(&mut self.block, samples, self.spec, self.patience, &mut tell);
        if let Some(ending) = ending {
            wishes.done(playing.number);
            tell(ending);
            self.leave();
        }
        // What is missing is silence: the decoder is late, or the music is over within this block.
        self.block.resize(samples, 0.0);
        Some(&self.block)
    }

    /// Begins and ends what is wished; whether it is paused.
    fn follow(&mut self, wishes: &Wishes, tell: &mut impl FnMut(MusicEvent)) -> bool {
        let wish = wishes.lock();
        let wished = wish.music.as_ref().map(|_| wish.number);
        if self.playing.as_ref().map(|playing| playing.number) != wished {
            self.stop(tell);
            if let Some(music) = wish.music.clone() {
                self.playing = Some(Playing::begin(wish.number, music, self.spec));
            }
        }
        wish.paused
    }

    /// Ends what plays before its time.
    fn stop(&mut self, tell: &mut impl FnMut(MusicEvent)) {
        if let Some(playing) = self.playing.as_ref().filter(|playing| playing.started) {
            tell(MusicEvent::Stopped { file: playing.name() });
        }
        self.leave();
    }

    fn leave(&mut self) {
        // Dropping its receiver ends the decoder.
        let decoder = self.playing.take().and_then(|mut playing| playing.decoder.take());
        self.leaving.retain(|thread| !thread.is_finished());
        self.leaving.extend(decoder);
    }

    /// Ends everything, and returns when the threads have ended.
    pub(crate) fn finish(&mut self, wishes: &Wishes, mut tell: impl FnMut(MusicEvent)) {
        if let Some(playing) = &self.playing {
            wishes.done(playing.number);
        }
        self.stop(&mut tell);
        for thread in self.leaving.drain(..) {
            // A decoder that panicked has been told about when its chunks ended.
            let _ = thread.join();
        }
    }
}

impl Playing {
    fn begin(number: u64, music: Bgm, spec: AudioSpec) -> Self {
        let (sender, chunks) = sync_channel(AHEAD);
        let file = music.file.clone();
        let failed = sender.clone();
        let decoder = std::thread::Builder::new()
            .name("live-music".into())
            .spawn(move || decode(&music, spec, &sender));
        if let Err(error) = &decoder {
            // There is room: nothing has been sent.
            let _ =
                failed.try_send(Chunk::Failed(format!("the system gave no thread to decode it on: {error}")));
        }
        Self {
            number,
            file,
            chunks,
            decoder: decoder.ok(),
            duration: None,
            started: false,
            samples: Vec::new(),
            used: 0,
            at: Duration::ZERO,
            since_told: 0,
        }
    }

    fn name(&self) -> String {
        self.file.display().to_string()
    }

    /// Fills `block` up to `wanted` samples as far as there is something; gives how it ended, if it did.
    fn fill(
        &mut self,
        block: &mut Vec<f32>,
        wanted: usize,
        spec: AudioSpec,
        patience: Duration,
        tell: &mut impl FnMut(MusicEvent),
    ) -> Option<MusicEvent> {
        while block.len() < wanted {
            if self.used < self.samples.len() {
                let take = (wanted - block.len()).min(self.samples.len() - self.used);
                block.extend_from_slice(&self.samples[self.used..self.used + take]);
                self.used += take;
                self.progress(take, spec, tell);
                continue;
            }
            match self.chunks.recv_timeout(patience) {
                Ok(Chunk::Opened(duration)) => self.duration = duration,
                Ok(Chunk::Sound { at, samples }) => {
                    (self.at, self.samples, self.used) = (at, samples, 0);
                    if !std::mem::replace(&mut self.started, true) {
                        tell(MusicEvent::Started {
                            file: self.name(),
                            duration_ms: self.duration.map(millis),
                        });
                    }
                }
                Ok(Chunk::End) => return Some(MusicEvent::Ended { file: self.name() }),
                Ok(Chunk::Failed(reason)) => return Some(MusicEvent::Failed { file: self.name(), reason }),
                Err(RecvTimeoutError::Timeout) => return None,
                Err(RecvTimeoutError::Disconnected) => {
                    let reason = "its decoder ended early; please report this as a bug".into();
                    return Some(MusicEvent::Failed { file: self.name(), reason });
                }
            }
        }
        None
    }

    fn progress(&mut self, samples: usize, spec: AudioSpec, tell: &mut impl FnMut(MusicEvent)) {
        let per_second = spec.sample_rate as usize * usize::from(spec.channels);
        self.since_told += samples;
        if self.since_told >= per_second * PROGRESS.as_secs() as usize {
            self.since_told = 0;
            let within = Duration::from_micros(self.used as u64 * 1_000_000 / per_second.max(1) as u64);
            let position_ms = millis(self.at + within);
            tell(MusicEvent::Progress {
                file: self.name(),
                position_ms,
                duration_ms: self.duration.map(millis),
            });
        }
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

/// Runs on the decoder's thread; ends when nobody listens.
#[cfg(feature = "music")]
fn decode(music: &Bgm, spec: AudioSpec, chunks: &SyncSender<Chunk>) {
    if let Err(reason) = decode::run(music, spec, chunks) {
        // One who does not listen does not need to know.
        let _ = chunks.send(Chunk::Failed(reason));
    }
}

#[cfg(not(feature = "music"))]
fn decode(_: &Bgm, _: AudioSpec, chunks: &SyncSender<Chunk>) {
    let reason = "this build decodes no sound files; build live-pusher with its feature \"music\"";
    let _ = chunks.send(Chunk::Failed(reason.into()));
}

#[cfg(all(test, feature = "music"))]
mod tests;
