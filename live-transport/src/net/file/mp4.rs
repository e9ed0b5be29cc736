//! MP4 files with H.264 and AAC.

mod boxes;
mod table;

use super::{damaged, len_of, read_error};
use crate::nal;
use boxes::{Outline, OutlineError};
use bytes::{Bytes, BytesMut};
use live_core::{
    CaptureError, CaptureErrorKind, Codec, Metadata, Packet, PacketSource, SourceInfo, SourceKind, Timestamp,
};
use mp4parse::{
    AudioCodecSpecific, CodecType, MediaContext, SampleEntry, TimeOffsetVersion, TrackType,
    VideoCodecSpecific,
};
use std::io::{Read, Seek, SeekFrom};
use std::time::Duration;
use table::{Edit, Sample, Tables};

/// Audio access units kept before the first one presented: the overlap of the transform, and the priming of HE-AAC.
const AUDIO_LEAD: usize = 3;

/// The tracks of an MP4 file, merged in decoding order.
///
/// Times follow the edit lists: the first presented sample of the file is at zero (or later, where a track starts with
/// a pause), audio priming and pictures that are only needed for decoding come before it with negative times, and what
/// is cut off at the end is left out.
pub(super) struct Mp4Source<R> {
    name: String,
    file: R,
    metadata: Metadata,
    tracks: Vec<Track>,
    /// The metadata has been given out.
    described: bool,
}

/// One track and the place in it.
struct Track {
    codec: Codec,
    config: Bytes,
    edit: Edit,
    samples: Vec<Sample>,
    /// What comes next: the configuration, then the samples.
    next: Next,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Config,
    Sample(usize),
}

impl<R: Read + Seek> Mp4Source<R> {
    /// Reads the index of `file`, which is called `name` in messages.
    pub(super) fn open(name: &str, mut file: R) -> Result<Self, CaptureError> {
        let len = len_of(&mut file).map_err(|error| read_error(name, error))?;
        let outline_error = |error| match error {
            OutlineError::Io(error) => read_error(name, error),
            OutlineError::Damaged(text) => damaged(name, format!("this MP4 file cannot be read: {text}")),
            OutlineError::Unsupported(text) => unsupported(name, text),
        };
        let mut index = boxes::read_index(&mut file, len).map_err(outline_error)?;
        let outline = boxes::check_index(&mut index).map_err(outline_error)?;
        let context = mp4parse::read_mp4(&mut &index[..])
            .map_err(|error| damaged(name, "the index of this MP4 file is damaged").because(error))?;
        if outline.fragmented {
            return Err(unsupported(name, "fragmented MP4 is not supported"));
        }
        let tracks = read_tracks(name, &context, &outline, len)?;
        if tracks.is_empty() {
            let text = "there is neither video nor audio in this MP4 file";
            return Err(CaptureError::new(CaptureErrorKind::UnsupportedFormat, name, text));
        }
        let metadata = describe(&context, &tracks);
        Ok(Self { name: name.to_owned(), file, metadata, tracks, described: false })
    }

    fn read_sample(&mut self, track: usize, index: usize) -> Result<Packet, CaptureError> {
        let Track { codec, edit, config, .. } = &self.tracks[track];
        let sample = self.tracks[track].samples[index];
        let mut data = BytesMut::zeroed(sample.size as usize);
        let read =
            self.file.seek(SeekFrom::Start(sample.offset)).and_then(|_| self.file.read_exact(&mut data));
        read.map_err(|error| read_error(&self.name, error))?;
        let (pts, dts, data) = (edit.instant(sample.present), edit.instant(sample.decode), data.freeze());
        Ok(match codec {
            Codec::H264 if sample.sync => Packet::key(pts, dts, data),
            Codec::H264 => {
                let disposable = nal::is_disposable(&data, nal::length_size(config));
                Packet::delta(pts, dts, disposable, data)
            }
            _ => Packet::audio(pts, data),
        })
    }
}

impl Track {
    /// When what comes next is decoded; `None` at the end.
    fn due(&self) -> Option<Timestamp> {
        let index = match self.next {
            // Before everything else, on whatever track.
            Next::Config => return Some(Timestamp::from_micros(i64::MIN)),
            Next::Sample(index) => index,
        };
        self.samples.get(index).map(|sample| self.edit.instant(sample.decode))
    }

    /// The configuration, in force from the first sample on.
    fn config_packet(&self) -> Packet {
        let at = self.samples.first().map_or(Timestamp::ZERO, |sample| self.edit.instant(sample.decode));
        Packet::config(self.codec, at, self.config.clone())
    }

    fn end(&self) -> Timestamp {
        self.edit.end_of(&self.samples)
    }
}

impl<R: Read + Seek + Send> PacketSource for Mp4Source<R> {
    fn info(&self) -> SourceInfo {
        let codecs: Vec<_> = self.tracks.iter().map(|track| track.codec.to_string()).collect();
        let size = self.metadata.width.zip(self.metadata.height);
        let size = size.map_or(String::new(), |(width, height)| format!(", {width}×{height}"));
        SourceInfo {
            kind: SourceKind::File,
            name: self.name.clone(),
            format: format!("MP4, {}{size}", codecs.join(" + ")),
        }
    }

    fn next_packet(&mut self) -> Result<Option<Packet>, CaptureError> {
        if !self.described {
            self.described = true;
            return Ok(Some(Packet::metadata(Timestamp::ZERO, self.metadata.clone())));
        }
        let due = self.tracks.iter().enumerate().filter_map(|(index, track)| Some((track.due()?, index)));
        let Some((_, index)) = due.min() else { return Ok(None) };
        match self.tracks[index].next {
            Next::Config => {
                self.tracks[index].next = Next::Sample(0);
                Ok(Some(self.tracks[index].config_packet()))
            }
            Next::Sample(sample) => {
                self.tracks[index].next = Next::Sample(sample + 1);
                self.read_sample(index, sample).map(Some)
            }
        }
    }

    fn rewind(&mut self) -> Result<(), CaptureError> {
        self.described = false;
        self.tracks.iter_mut().for_each(|track| track.next = Next::Config);
        Ok(())
    }

    fn duration(&self) -> Option<Duration> {
        self.metadata.duration
    }
}

fn unsupported(name: &str, what: &str) -> CaptureError {
    let text = format!("{what}; ffmpeg can convert it: ffmpeg -i INPUT -c:v libx264 -c:a aac OUTPUT.mp4");
    CaptureError::new(CaptureErrorKind::UnsupportedFormat, name, text)
}

/// The first video and the first audio track; others (subtitles, time codes, chapter pictures) are passed over.
fn read_tracks(
    name: &str,
    context: &MediaContext,
    outline: &Outline,
    len: u64,
) -> Result<Vec<Track>, CaptureError> {
    let mut tracks = Vec::new();
    for wanted in [TrackType::Video, TrackType::Audio] {
        let first = context.tracks.iter().enumerate().find(|(_, track)| track.track_type == wanted);
        let Some((index, track)) = first else { continue };
        let format = outline.formats.get(index).copied().unwrap_or(*b"none");
        let (codec, config) = codec_of(track).ok_or_else(|| {
            let format = format_name(format);
            unsupported(name, &format!("the codec of this file, {format}, is not supported"))
        })?;
        let broken =
            || damaged(name, "this MP4 file is truncated or damaged: its index does not fit its content");
        let mut samples = tables(track).and_then(|tables| tables.samples(len)).ok_or_else(broken)?;
        let edit = edit(context, track).ok_or_else(broken)?;
        edit.apply(&mut samples, if wanted == TrackType::Audio { AUDIO_LEAD } else { 0 });
        tracks.push(Track { codec, config, edit, samples, next: Next::Config });
    }
    Ok(tracks)
}

/// What the sample description code `format` stands for.
fn format_name(format: [u8; 4]) -> String {
    let known = match &format {
        b"hvc1" | b"hev1" => "HEVC",
        b"av01" => "AV1",
        b"vp08" => "VP8",
        b"vp09" => "VP9",
        b"mp4v" => "MPEG-4 part 2 video",
        b"jpeg" | b"mjpa" | b"mjpb" => "Motion JPEG",
        b"apch" | b"apcn" | b"apcs" | b"apco" | b"ap4h" => "ProRes",
        b"encv" | b"enca" => "encrypted media",
        b"mp4a" => "MPEG audio other than AAC",
        b"ac-3" | b"ec-3" => "Dolby Digital",
        b"alac" => "Apple Lossless",
        b"Opus" => "Opus",
        b"fLaC" => "FLAC",
        _ => return format!("\"{}\"", format.escape_ascii()),
    };
    known.to_owned()
}

/// The codec and configuration of a track that has one sample description, and that one supported.
fn codec_of(track: &mp4parse::Track) -> Option<(Codec, Bytes)> {
    let descriptions = &track.stsd.as_ref()?.descriptions;
    let one = track.stsc.as_ref()?.samples.iter().all(|run| run.sample_description_index == 1);
    match descriptions.first()? {
        SampleEntry::Video(video) if one && video.codec_type == CodecType::H264 => {
            match &video.codec_specific {
                VideoCodecSpecific::AVCConfig(config) => Some((Codec::H264, Bytes::copy_from_slice(config))),
                _ => None,
            }
        }
        SampleEntry::Audio(audio) if one => match &audio.codec_specific {
            AudioCodecSpecific::ES_Descriptor(es) if es.audio_codec == CodecType::AAC => {
                Some((Codec::Aac, Bytes::copy_from_slice(&es.decoder_specific_data)))
            }
            _ => None,
        },
        _ => None,
    }
}

fn tables(track: &mp4parse::Track) -> Option<Tables> {
    let sizes = track.stsz.as_ref()?;
    let offset = |offset: TimeOffsetVersion| match offset {
        // Signed in practice, whatever the version says.
        TimeOffsetVersion::Version0(ticks) => i64::from(ticks.cast_signed()),
        TimeOffsetVersion::Version1(ticks) => i64::from(ticks),
    };
    let compositions = track.ctts.iter().flat_map(|table| table.samples.iter());
    Some(Tables {
        durations: track
            .stts
            .as_ref()?
            .samples
            .iter()
            .map(|run| (run.sample_count, run.sample_delta))
            .collect(),
        compositions: compositions.map(|run| (run.sample_count, offset(run.time_offset))).collect(),
        chunk_runs: track
            .stsc
            .as_ref()?
            .samples
            .iter()
            .map(|run| (run.first_chunk, run.samples_per_chunk))
            .collect(),
        chunks: track.stco.as_ref()?.offsets.to_vec(),
        common_size: sizes.sample_size,
        sizes: sizes.sample_sizes.to_vec(),
        syncs: track.stss.as_ref().map(|table| table.samples.to_vec()),
    })
}

/// The edit of a track; the whole media where it has none.
fn edit(context: &MediaContext, track: &mp4parse::Track) -> Option<Edit> {
    let timescale = u32::try_from(track.timescale?.0).ok().filter(|scale| *scale > 0)?;
    let movie = context.timescale?.0;
    let start = track.media_time.map_or(Some(0), |time| i64::try_from(time.0).ok())?;
    let pause = track.empty_duration.map_or(0, |pause| pause.0);
    let delay = i64::try_from(u128::from(pause) * 1_000_000 / u128::from(movie.max(1))).ok()?;
    // The length is in ticks of the movie, mostly milliseconds: rounded up by one of them, so that the last sample is
    // not lost to rounding.
    let length = track.edited_duration.filter(|length| length.0 > 0);
    let length =
        length.map(|length| (u128::from(length.0) + 1) * u128::from(timescale) / u128::from(movie.max(1)));
    let end = length.and_then(|length| start.checked_add(i64::try_from(length).ok()?));
    Some(Edit { timescale, start, end, delay })
}

fn describe(context: &MediaContext, tracks: &[Track]) -> Metadata {
    let mut metadata = Metadata::default();
    for track in tracks {
        let seconds = track.end().saturating_since(Timestamp::ZERO);
        metadata.duration = metadata.duration.max(Some(seconds));
        let bytes: u64 = track.samples.iter().map(|sample| u64::from(sample.size)).sum();
        let kbps = (!seconds.is_zero()).then(|| bytes as f64 * 0.008 / seconds.as_secs_f64());
        match track.codec {
            Codec::H264 => {
                metadata.video_kbps = kbps;
                metadata.frame_rate = frame_rate(track);
            }
            _ => metadata.audio_kbps = kbps,
        }
    }
    for entry in context.tracks.iter().filter_map(|track| track.stsd.as_ref()?.descriptions.first()) {
        match entry {
            SampleEntry::Video(video) if metadata.width.is_none() => {
                metadata.width = Some(u32::from(video.width));
                metadata.height = Some(u32::from(video.height));
            }
            SampleEntry::Audio(audio) if metadata.sample_rate.is_none() => {
                metadata.sample_rate = Some(audio.samplerate as u32).filter(|rate| *rate > 0);
                metadata.channels = channels(audio).filter(|channels| *channels > 0);
            }
            _ => {}
        }
    }
    metadata
}

/// The number of channels: the decoder's configuration knows better than the file.
fn channels(audio: &mp4parse::AudioSampleEntry) -> Option<u16> {
    match &audio.codec_specific {
        AudioCodecSpecific::ES_Descriptor(es) => es.audio_channel_count,
        _ => None,
    }
    .or_else(|| u16::try_from(audio.channelcount).ok())
}

/// Pictures per second on average.
fn frame_rate(track: &Track) -> Option<f64> {
    let ticks: u64 = track.samples.iter().map(|sample| u64::from(sample.duration)).sum();
    (ticks > 0).then(|| track.samples.len() as f64 * f64::from(track.edit.timescale) / ticks as f64)
}
