//! Already encoded input: decoded and paced in real time, pass after pass.

pub(crate) mod copy;
mod reading;
mod sample_line;

use crate::codes::{self, Failure};
use crate::pipeline::StopFlag;
use live_core::queue::FrameSender;
use live_core::{
    AudioDecoder, AudioFrame, AudioSpec, CaptureError, CaptureErrorKind, Codec, CodecError, Packet,
    PacketKind, PacketSource, Registry, Selection, SessionClock, SourceInfo, SourceKind, Timestamp, Track,
    VideoDecoder, VideoFrame,
};
use reading::{MOST_SILENCE, Pacing, Reading};
use sample_line::SampleLine;
use std::time::Duration;

/// Sound that comes this much later than the pictures of its time, in µs, is taken for missing: silence takes its place.
const LATE_SOUND: i64 = 1_000_000;

/// Access units that may fail before the first one succeeds.
const MOST_FAILURES: u32 = 100;

/// An input whose tracks are known and can be decoded.
pub(crate) struct FileInput {
    reading: Reading,
    video: Option<Box<dyn VideoDecoder>>,
    audio: Option<Sound>,
    looping: bool,
}

struct Sound {
    decoder: Box<dyn AudioDecoder>,
    spec: AudioSpec,
    line: SampleLine,
}

/// What the session needs to know of an input before it runs.
#[derive(Clone, Debug)]
pub(crate) struct FileTracks {
    pub(crate) info: SourceInfo,
    pub(crate) video: bool,
    pub(crate) audio: Option<AudioSpec>,
}

/// Which of an input's tracks are wanted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    pub(crate) video: bool,
    pub(crate) audio: bool,
}

impl FileInput {
    /// Reads as far as it takes to know the tracks, and opens their decoders. Must run on the thread that will
    /// [`run`](Self::run) it, as decoders stay on their thread.
    pub(crate) fn open(
        source: Box<dyn PacketSource>,
        registry: &Registry,
        wanted: Wanted,
        looping: bool,
    ) -> Result<Self, CaptureError> {
        let mut input = Self { reading: Reading::begin(source)?, video: None, audio: None, looping };
        if let Some((codec, config)) = input.reading.config(Track::Video).filter(|_| wanted.video) {
            let opened = registry.video_decoders.open(codec, &Selection::Auto, &config);
            input.video = Some(opened.map_err(|error| input.cannot_decode(error))?.codec);
        }
        if let Some((codec, config)) = input.reading.config(Track::Audio).filter(|_| wanted.audio) {
            input.audio = input.open_sound(registry, codec, &config)?;
        }
        if input.video.is_none() && input.audio.is_none() {
            let message = "it has no picture and no sound that could be pushed";
            return Err(CaptureError::new(CaptureErrorKind::Malformed, input.reading.info().name, message));
        }
        Ok(input)
    }

    pub(crate) fn tracks(&self) -> FileTracks {
        FileTracks {
            info: self.reading.info(),
            video: self.video.is_some(),
            audio: self.audio.as_ref().map(|sound| sound.spec),
        }
    }

    /// Decodes and paces until the input ends, or for ever when it loops, or until `stop` or nobody listens.
    pub(crate) fn run(
        mut self,
        clock: SessionClock,
        stop: &StopFlag,
        video: Option<FrameSender<VideoFrame>>,
        audio: Option<FrameSender<AudioFrame>>,
    ) -> Result<(), Failure> {
        let pacing = Pacing::new(clock, stop);
        let mut outlet = Outlet { pacing, video, audio, failures: 0, frames: 0 };
        loop {
            let mut end = PassEnd::default();
            while let Some(packet) = self.reading.next().map_err(|error| failed(&error))? {
                if !outlet.pacing.wait_until(outlet.pacing.session_time(packet.dts)) {
                    return Ok(());
                }
                self.fill_sound(&mut outlet, packet.dts.offset_micros(-LATE_SOUND));
                end.saw(&packet);
                self.decode(&packet, &mut outlet)?;
            }
            self.flush(&mut outlet)?;
            let length = self.pass_length(&outlet, end.at());
            self.fill_sound(&mut outlet, Timestamp::ZERO.saturating_add(length));
            if !self.looping || length.is_zero() {
                return Ok(());
            }
            outlet.pacing.next_pass(length);
            self.reading.rewind().map_err(|error| failed(&error))?;
        }
    }

    /// The sound's decoder and layout; `None` when there is a configuration but no sound.
    fn open_sound(
        &self,
        registry: &Registry,
        codec: Codec,
        config: &Packet,
    ) -> Result<Option<Sound>, CaptureError> {
        let Some(first) = self.reading.ahead().iter().find(|packet| packet.kind == PacketKind::Audio) else {
            return Ok(None);
        };
        let open = || registry.audio_decoders.open(codec, &Selection::Auto, config);
        // The layout may show only in the first access unit: a decoder of its own looks, so that the one that runs
        // begins at the beginning.
        let mut probe = open().map_err(|error| self.cannot_decode(error))?.codec;
        probe.decode(first, &mut Vec::new()).map_err(|error| self.cannot_decode(error))?;
        let Some(spec) = probe.spec() else { return Ok(None) };
        let decoder = open().map_err(|error| self.cannot_decode(error))?.codec;
        Ok(Some(Sound { decoder, spec, line: SampleLine::new(spec.sample_rate) }))
    }

    fn cannot_decode(&self, error: CodecError) -> CaptureError {
        CaptureError::new(CaptureErrorKind::Malformed, self.reading.info().name, "it cannot be decoded")
            .because(error)
    }

    fn decode(&mut self, packet: &Packet, outlet: &mut Outlet<'_>) -> Result<(), Failure> {
        match (packet.track, &mut self.video, &mut self.audio) {
            (Track::Video, Some(decoder), _) => {
                let mut frames = Vec::new();
                let result = decoder.decode(packet, &mut frames);
                outlet.pictures(frames);
                outlet.tolerate(result)
            }
            (Track::Audio, _, Some(sound)) => {
                let mut frames = Vec::new();
                let result = sound.decoder.decode(packet, &mut frames);
                outlet.sound(sound, frames);
                outlet.tolerate(result)
            }
            _ => Ok(()),
        }
    }

    /// Gives out what the decoders hold back at the end of a pass.
    fn flush(&mut self, outlet: &mut Outlet<'_>) -> Result<(), Failure> {
        if let Some(decoder) = &mut self.video {
            let mut frames = Vec::new();
            let result = decoder.flush(&mut frames);
            outlet.pictures(frames);
            outlet.tolerate(result)?;
        }
        if let Some(sound) = &mut self.audio {
            let mut frames = Vec::new();
            let result = sound.decoder.flush(&mut frames);
            outlet.sound(sound, frames);
            outlet.tolerate(result)?;
        }
        Ok(())
    }

    /// How long the pass was: to the end of its last picture and sound, or as long as the source says where that is
    /// plausible.
    fn pass_length(&self, outlet: &Outlet<'_>, pictures: Duration) -> Duration {
        let sound = self.audio.as_ref().map_or(Duration::ZERO, |sound| {
            sound.line.next().offset_micros(-outlet.pacing.pass()).saturating_since(Timestamp::ZERO)
        });
        self.reading.pass_length(pictures.max(sound))
    }

    /// Gives out silence where the sound of the pass has not come to `until`, a time of the pass.
    fn fill_sound(&mut self, outlet: &mut Outlet<'_>, until: Timestamp) {
        if let Some(sound) = &mut self.audio {
            let missing = sound.line.pad_to(until.offset_micros(outlet.pacing.pass()));
            let most = sound.spec.sample_rate as usize * usize::try_from(MOST_SILENCE.as_secs()).unwrap_or(1);
            outlet.send_sound(sound, vec![0.0; missing.min(most) * usize::from(sound.spec.channels)]);
        }
    }
}

/// Where the pictures of a pass end.
#[derive(Default)]
struct PassEnd {
    last: Option<Timestamp>,
    step: Duration,
}

impl PassEnd {
    fn saw(&mut self, packet: &Packet) {
        if !packet.is_video_unit() {
            return;
        }
        // Decoding times are evenly spaced where presentation times are reordered.
        if let Some(last) = self.last.filter(|last| packet.dts > *last) {
            self.step = packet.dts.saturating_since(last);
        }
        self.last = self.last.max(Some(packet.dts));
    }

    /// The end of the last picture, from the beginning of the pass.
    fn at(&self) -> Duration {
        self.last.map_or(Duration::ZERO, |last| last.saturating_since(Timestamp::ZERO) + self.step)
    }
}

/// A source that cannot be read on.
fn failed(error: &CaptureError) -> Failure {
    let code = codes::of_capture(Track::Video, SourceKind::File, error);
    Failure::new(code, format!("the input cannot be read on: {error}"))
}

/// Where decoded frames go, and when.
struct Outlet<'a> {
    pacing: Pacing<'a>,
    video: Option<FrameSender<VideoFrame>>,
    audio: Option<FrameSender<AudioFrame>>,
    failures: u32,
    frames: u64,
}

impl Outlet<'_> {
    fn pictures(&mut self, frames: Vec<VideoFrame>) {
        self.frames += frames.len() as u64;
        let Some(sender) = &self.video else { return };
        // Pictures before zero are there to be decoded, not shown.
        for mut frame in frames.into_iter().filter(|frame| frame.pts >= Timestamp::ZERO) {
            frame.pts = self.pacing.session_time(frame.pts);
            sender.send(frame);
        }
    }

    fn sound(&mut self, sound: &mut Sound, frames: Vec<AudioFrame>) {
        self.frames += frames.len() as u64;
        for mut frame in frames {
            let channels = usize::from(sound.spec.channels);
            let at = frame.pts.offset_micros(self.pacing.pass());
            let fit = sound.line.fit(at, frame.samples.len() / channels);
            if fit.silence > 0 {
                // A longer hole is filled by the frames that follow, and while pictures come, by `fill_sound`.
                let silence = fit.silence.min(sound.spec.sample_rate as usize);
                frame.samples.splice(0..0, std::iter::repeat_n(0.0, silence * channels));
            }
            frame.samples.drain(..fit.skip * channels);
            self.send_sound(sound, frame.samples);
        }
    }

    /// Sends samples that follow the ones sent before.
    fn send_sound(&self, sound: &mut Sound, samples: Vec<f32>) {
        let Some(sender) = self.audio.as_ref().filter(|_| !samples.is_empty()) else { return };
        let pts = sound.line.next().offset_micros(self.pacing.start().as_micros());
        sound.line.advance(samples.len() / usize::from(sound.spec.channels));
        sender.send(AudioFrame { pts, samples });
    }

    /// A broken access unit is passed over, unless nothing has been decoded and nothing will be.
    fn tolerate(&mut self, result: Result<(), CodecError>) -> Result<(), Failure> {
        let Err(error) = result else { return Ok(()) };
        tracing::warn!(%error, "an access unit of the input cannot be decoded");
        self.failures += 1;
        if self.frames == 0 && self.failures >= MOST_FAILURES {
            return Err(Failure::internal(format!("the input cannot be decoded: {error}")));
        }
        Ok(())
    }
}
