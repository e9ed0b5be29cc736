//! Looks at what a receiver recorded: every picture's number, and when flashes and beeps are.

use crate::demo::flash::FlashDetector;
use crate::demo::sound::BeepDetector;
use live_capture::pattern::{Painter, PatternSpec, read_stamp};
use live_core::{
    AudioDecoder, Codec, Packet, PacketKind, PicturePool, Registry, Selection, Timestamp, VideoDecoder,
};
use std::path::Path;

/// A flash and a beep further apart than this do not belong together, in µs.
const FURTHEST: i64 = 500_000;

/// What was found in a recording.
#[derive(Debug, Default)]
pub struct Findings {
    /// Pictures whose strip is readable, and those whose is not.
    pub pictures: u64,
    /// Their strip was not readable.
    pub unreadable: u64,
    /// Numbers that are left out between the first and the last.
    pub missing: u64,
    /// Pictures that came twice or in a wrong order.
    pub repeated: u64,
    /// At each flash, how far the sound is ahead of the picture by the stream's times, in ms.
    pub offsets: Vec<f64>,
    /// Holes and overlaps between access units of sound.
    pub holes: u64,
}

/// Reads a whole recording of the pattern and its tone.
pub fn look_at(path: &Path, spec: PatternSpec) -> Result<Findings, String> {
    let mut file = live_transport::net::file::open(path).map_err(|error| error.to_string())?;
    let mut registry = Registry::default();
    live_codec::register_enabled(&mut registry);
    let mut judge = Judge::new(spec);
    let (mut video, mut audio) = (None, None);
    while let Some(packet) = file.next_packet().map_err(|error| error.to_string())? {
        match packet.kind {
            PacketKind::Config(codec) if codec == Codec::H264 && video.is_none() => {
                let opened = registry.video_decoders.open(codec, &Selection::Auto, &packet);
                video = Some(opened.map_err(|error| error.to_string())?.codec);
            }
            PacketKind::Config(codec) if codec == Codec::Aac && audio.is_none() => {
                let opened = registry.audio_decoders.open(codec, &Selection::Auto, &packet);
                audio = Some(opened.map_err(|error| error.to_string())?.codec);
            }
            PacketKind::Audio => judge.hear(&packet, audio.as_deref_mut())?,
            _ if packet.is_video_unit() => judge.see(&packet, video.as_deref_mut())?,
            _ => {}
        }
    }
    if let Some(decoder) = &mut video {
        let mut frames = Vec::new();
        decoder.flush(&mut frames).map_err(|error| error.to_string())?;
        frames.iter().for_each(|frame| judge.picture(frame));
    }
    Ok(judge.findings())
}

struct Judge {
    flash: FlashDetector,
    pool: PicturePool,
    findings: Findings,
    last_number: Option<u32>,
    was_lit: Option<bool>,
    flashes: Vec<Timestamp>,
    beeps: Vec<Timestamp>,
    ear: Option<(BeepDetector, u32)>,
    /// Where the sound began, how many sample frames there were since, and when the next access unit is due.
    heard: Option<(Timestamp, u64)>,
}

impl Judge {
    fn new(spec: PatternSpec) -> Self {
        Self {
            flash: FlashDetector::new(&Painter::new(spec), spec.fps),
            pool: PicturePool::new(),
            findings: Findings::default(),
            last_number: None,
            was_lit: None,
            flashes: Vec::new(),
            beeps: Vec::new(),
            ear: None,
            heard: None,
        }
    }

    fn see(
        &mut self,
        packet: &Packet,
        decoder: Option<&mut (dyn VideoDecoder + 'static)>,
    ) -> Result<(), String> {
        let decoder = decoder.ok_or("pictures came before their configuration")?;
        let mut frames = Vec::new();
        decoder.decode(packet, &mut frames).map_err(|error| error.to_string())?;
        frames.iter().for_each(|frame| self.picture(frame));
        Ok(())
    }

    fn picture(&mut self, frame: &live_core::VideoFrame) {
        let picture = frame.surface.to_i420(&self.pool);
        let lit = self.flash.is_lit(&picture);
        if lit && self.was_lit == Some(false) {
            self.flashes.push(frame.pts);
        }
        self.was_lit = Some(lit);
        let Some(stamp) = read_stamp(&picture) else {
            self.findings.unreadable += 1;
            return;
        };
        self.findings.pictures += 1;
        match self.last_number {
            Some(last) if stamp.frame <= last => self.findings.repeated += 1,
            Some(last) => self.findings.missing += u64::from(stamp.frame - last - 1),
            None => {}
        }
        self.last_number = self.last_number.max(Some(stamp.frame));
    }

    fn hear(
        &mut self,
        packet: &Packet,
        decoder: Option<&mut (dyn AudioDecoder + 'static)>,
    ) -> Result<(), String> {
        let decoder = decoder.ok_or("sound came before its configuration")?;
        let mut frames = Vec::new();
        decoder.decode(packet, &mut frames).map_err(|error| error.to_string())?;
        let Some(spec) = decoder.spec() else { return Ok(()) };
        for frame in frames {
            let (ear, rate) = self.ear.get_or_insert_with(|| (BeepDetector::new(spec), spec.sample_rate));
            let (start, count) = self.heard.get_or_insert((frame.pts, 0));
            let due = start.offset_micros(Timestamp::from_index(*count, *rate).as_micros());
            // The wire knows whole milliseconds.
            if frame.pts.micros_since(due).abs() > 2000 {
                self.findings.holes += 1;
            }
            let first = *count;
            *count += (frame.samples.len() / usize::from(spec.channels.max(1))) as u64;
            for index in ear.feed(&frame.samples) {
                let into = Timestamp::from_index(index - first, *rate).as_micros();
                self.beeps.push(frame.pts.offset_micros(into));
            }
        }
        Ok(())
    }

    fn findings(mut self) -> Findings {
        let nearest = |flash: &Timestamp| {
            let off = self.beeps.iter().map(|beep| flash.micros_since(*beep)).min_by_key(|off| off.abs())?;
            (off.abs() <= FURTHEST).then_some(off as f64 / 1000.0)
        };
        self.findings.offsets = self.flashes.iter().filter_map(nearest).collect();
        self.findings
    }
}
