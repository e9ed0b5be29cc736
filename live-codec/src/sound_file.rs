//! Sound files: WAV, MP3, FLAC and AAC (raw or in MP4), read and decoded with symphonia, in Rust.

use live_core::{AudioFrame, AudioSpec, CaptureError, CaptureErrorKind, Timestamp};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;
use symphonia::core::codecs::CodecParameters;
use symphonia::core::codecs::audio::{AudioDecoder, AudioDecoderOptions};
use symphonia::core::errors::Error;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, FormatReader, SeekMode, SeekTo, TrackType};
use symphonia::core::io::MediaSourceStream;
use symphonia::core::meta::MetadataOptions;
use symphonia::core::units::{Time, TimeBase};

/// Broken packets in a row after which the file is given up.
const MOST_FAILURES: u32 = 100;

/// Where a seek begins to decode before its target: MP3 and AAC need what comes before for their first sample.
const RUN_UP: Duration = Duration::from_millis(100);

/// A sound file under the reader's hand: WAV, MP3, FLAC, AAC in ADTS or MP4 (`.m4a`); AAC-LC in one or two channels.
///
/// Encoder delay and padding are left out where the format tells them, so that a loop has no gap (WAV, FLAC, MP3). Reads
/// block for the file, so this belongs on a thread of its own.
///
/// ```no_run
/// use live_codec::sound_file::SoundFile;
/// use std::path::Path;
///
/// let mut file = SoundFile::open(Path::new("music.mp3"))?;
/// file.seek(std::time::Duration::from_secs(30))?;
/// while let Some(frame) = file.next_frame()? {
///     println!("{:?}: {} samples", frame.pts, frame.samples.len());
/// }
/// # Ok::<(), live_core::CaptureError>(())
/// ```
pub struct SoundFile {
    path: PathBuf,
    name: String,
    format: Box<dyn FormatReader>,
    decoder: Box<dyn AudioDecoder>,
    track: u32,
    base: TimeBase,
    spec: AudioSpec,
    duration: Option<Duration>,
    /// Sound before this is left out: the target of a seek.
    from: Timestamp,
    /// Samples given out since the seek.
    given: Option<u64>,
    /// The end was met: some readers do not find back from there.
    ended: bool,
}

impl SoundFile {
    /// Opens a file and finds its sound. What it is shows in the file, whatever it is called.
    ///
    /// # Errors
    /// [`CaptureErrorKind::NotFound`], [`PermissionDenied`](CaptureErrorKind::PermissionDenied) and the like when it
    /// cannot be opened, [`Malformed`](CaptureErrorKind::Malformed) when it is no sound that can be decoded.
    pub fn open(path: &Path) -> Result<Self, CaptureError> {
        let name = path.display().to_string();
        let file = File::open(path).map_err(|error| {
            let kind = match error.kind() {
                std::io::ErrorKind::NotFound => CaptureErrorKind::NotFound,
                std::io::ErrorKind::PermissionDenied => CaptureErrorKind::PermissionDenied,
                _ => CaptureErrorKind::Failed,
            };
            CaptureError::new(kind, name.as_str(), "it cannot be opened").because(error)
        })?;
        let malformed =
            |message: &str| CaptureError::new(CaptureErrorKind::Malformed, name.as_str(), message);
        let unreadable =
            |error: Error| malformed("it is not WAV, MP3, FLAC or AAC-LC, or it is broken").because(error);
        let mut hint = Hint::new();
        if let Some(extension) = path.extension().and_then(|extension| extension.to_str()) {
            hint.with_extension(extension);
        }
        let stream = MediaSourceStream::new(Box::new(file), Default::default());
        let format = symphonia::default::get_probe()
            .probe(&hint, stream, FormatOptions::default(), MetadataOptions::default())
            .map_err(unreadable)?;
        let track =
            format.default_track(TrackType::Audio).ok_or_else(|| malformed("there is no sound in it"))?;
        let Some(CodecParameters::Audio(parameters)) = &track.codec_params else {
            return Err(malformed("its sound is in no known format"));
        };
        let decoder = symphonia::default::get_codecs()
            .make_audio_decoder(parameters, &AudioDecoderOptions::default())
            .map_err(unreadable)?;
        let rate = parameters.sample_rate;
        let base = track.time_base.or_else(|| rate.and_then(TimeBase::try_from_recip));
        let base = base.ok_or_else(|| malformed("it does not say how long a sample is"))?;
        let duration = track.duration.and_then(|length| base.calc_duration(length));
        let duration = duration.and_then(|time| Duration::try_from_secs_f64(time.as_secs_f64()).ok());
        let mut file = Self {
            track: track.id,
            path: path.to_owned(),
            name,
            decoder,
            base,
            spec: AudioSpec { sample_rate: rate.unwrap_or(0), channels: 0 },
            duration,
            from: Timestamp::ZERO,
            given: None,
            ended: false,
            format,
        };
        // Only a decoded packet tells the layout for certain.
        let first = file.decode()?.ok_or_else(|| {
            CaptureError::new(CaptureErrorKind::Malformed, file.name.as_str(), "there is no sound in it")
        })?;
        file.spec = first.1;
        file.seek(Duration::ZERO)?;
        Ok(file)
    }

    /// The layout of the sound.
    #[must_use]
    pub const fn spec(&self) -> AudioSpec {
        self.spec
    }

    /// How long it is, as it says itself.
    #[must_use]
    pub const fn duration(&self) -> Option<Duration> {
        self.duration
    }

    /// Goes to `to`, exactly to the sample. A target behind the end is the end.
    ///
    /// # Errors
    /// A file that cannot be read on, or whose format cannot be searched.
    pub fn seek(&mut self, to: Duration) -> Result<(), CaptureError> {
        if self.ended {
            *self = Self::open(&self.path)?;
        }
        let early = to.saturating_sub(RUN_UP);
        let time = Time::try_from_secs_f64(early.as_secs_f64()).unwrap_or(Time::ZERO);
        let target = SeekTo::Time { time, track_id: Some(self.track) };
        self.from = Timestamp::ZERO.saturating_add(to);
        self.given = None;
        self.decoder.reset();
        match self.format.seek(SeekMode::Accurate, target) {
            Ok(_) => Ok(()),
            // Behind the end nothing comes: the next read says so.
            Err(Error::SeekError(_)) if self.duration.is_some_and(|end| early >= end) => Ok(()),
            Err(error) => Err(self.failed("it cannot be searched", error)),
        }
    }

    /// The next run of sound, with its time from the beginning of the file; `None` at the end.
    ///
    /// # Errors
    /// A file that cannot be read on. Single broken packets are passed over.
    pub fn next_frame(&mut self) -> Result<Option<AudioFrame>, CaptureError> {
        loop {
            let Some((mut frame, spec)) = self.decode()? else {
                self.ended = true;
                return Ok(None);
            };
            if spec != self.spec {
                let message = "its sampling rate or channels change on the way";
                return Err(CaptureError::new(CaptureErrorKind::Malformed, self.name.as_str(), message));
            }
            let channels = usize::from(spec.channels);
            if self.given.is_none() {
                let early = self.from.saturating_since(frame.pts).as_micros() as u64;
                let skip = (early * u64::from(spec.sample_rate)).div_ceil(1_000_000) as usize;
                let skip = skip.min(frame.samples.len() / channels);
                frame.samples.drain(..skip * channels);
                if frame.samples.is_empty() {
                    continue;
                }
            }
            let given = self.given.get_or_insert(0);
            frame.pts = self.from.offset_micros(Timestamp::from_index(*given, spec.sample_rate).as_micros());
            *given += (frame.samples.len() / channels) as u64;
            return Ok(Some(frame));
        }
    }

    /// Decodes the next packet that decodes; its time is the container's.
    fn decode(&mut self) -> Result<Option<(AudioFrame, AudioSpec)>, CaptureError> {
        let mut failures = 0;
        loop {
            let packet = match self.format.next_packet() {
                Ok(Some(packet)) if packet.track_id == self.track => packet,
                Ok(Some(_)) => continue,
                Ok(None) => return Ok(None),
                // A file that was cut off ends where it was cut off.
                Err(Error::IoError(error)) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
                    return Ok(None);
                }
                // The MP4 reader tells the end of its last atom like this.
                Err(Error::DecodeError(_)) => return Ok(None),
                Err(error) => return Err(self.failed("it cannot be read on", error)),
            };
            let decoded = match self.decoder.decode(&packet) {
                Ok(decoded) => decoded,
                Err(Error::DecodeError(_)) if failures < MOST_FAILURES => {
                    failures += 1;
                    continue;
                }
                Err(error) => return Err(self.failed("it cannot be decoded", error)),
            };
            let spec = AudioSpec {
                sample_rate: decoded.spec().rate(),
                channels: u16::try_from(decoded.num_planes()).unwrap_or(0),
            };
            if decoded.frames() == 0 || spec.channels == 0 || spec.sample_rate == 0 {
                continue;
            }
            let mut samples = vec![0.0_f32; decoded.samples_interleaved()];
            decoded.copy_to_slice_interleaved(&mut samples);
            let trimmed = packet.pts.checked_add(packet.trim_start).unwrap_or(packet.pts);
            let micros = self.base.calc_time_saturating(trimmed).as_micros();
            let pts = Timestamp::from_micros(i64::try_from(micros).unwrap_or(i64::MAX));
            return Ok(Some((AudioFrame { pts, samples }, spec)));
        }
    }

    fn failed(&self, message: &str, error: Error) -> CaptureError {
        CaptureError::new(CaptureErrorKind::Malformed, self.name.as_str(), message).because(error)
    }
}

impl std::fmt::Debug for SoundFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { name, spec, duration, .. } = self;
        f.debug_struct("SoundFile")
            .field("name", name)
            .field("spec", spec)
            .field("duration", duration)
            .finish_non_exhaustive()
    }
}
