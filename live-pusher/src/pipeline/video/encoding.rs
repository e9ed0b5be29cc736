//! The video encoder of a session: opened, fed, and replaced when it fails.

use super::VideoSettings;
use super::fallback::{Choice, Fallback, Verdict};
use crate::codes::{self, Failure};
use crate::pipeline::WorkerCx;
use crate::pipeline::messages::Inserter;
use crate::pipeline::orders::Desk;
use crate::rate::EncodeTarget;
use bytes::Bytes;
use live_core::config::Size;
use live_core::event::{BackendSelected, PusherEvent};
use live_core::registry::{HARDWARE, Opened, Provenance};
use live_core::{
    Codec, CodecError, CodecErrorKind, Color, Packet, PacketKind, PusherCode, Selection, Timestamp, Track,
    VideoEncoder, VideoEncoderConfig, VideoFrame,
};

/// Encodes pictures of one size and writes what comes out into the stream.
pub(super) struct Encoding<'a> {
    settings: VideoSettings,
    encoder: Option<Box<dyn VideoEncoder>>,
    packets: Vec<Packet>,
    fallback: Fallback,
    /// Encoders that were given up, and not yet told about: their successor has to open first.
    departed: Vec<Departed>,
    /// Whether the encoder whose turn it is has been announced.
    announced: bool,
    key_wanted: bool,
    last_key: Option<Timestamp>,
    /// How the open encoder's pictures are to be read.
    color: Option<Color>,
    /// The size has changed, and no encoder has been opened for it yet.
    resized: bool,
    inserter: Inserter,
    cx: &'a WorkerCx,
}

/// An encoder that was given up.
struct Departed {
    hardware: bool,
    name: String,
    error: CodecError,
}

impl<'a> Encoding<'a> {
    /// Opens nothing: the first picture says how its colours are to be read.
    pub(super) fn new(settings: VideoSettings, messages: Desk<Bytes>, cx: &'a WorkerCx) -> Self {
        let candidates = cx.registry.video_encoders.candidates(Codec::H264, &settings.selection);
        let is_hardware = |provenance| provenance == Provenance::Hardware;
        let lacks_hardware = settings.selection == Selection::Hardware
            && !candidates.iter().any(|row| is_hardware(row.provenance));
        let none = || CodecError::new(CodecErrorKind::Open, HARDWARE, "no hardware backend is compiled in");
        let departed =
            lacks_hardware.then(|| Departed { hardware: true, name: HARDWARE.to_owned(), error: none() });
        let inserter = Inserter::new(messages, settings.wall_clock.then_some(cx.clock));
        Self {
            fallback: Fallback::new(candidates, settings.entropy),
            settings,
            encoder: None,
            packets: Vec::new(),
            departed: departed.into_iter().collect(),
            announced: false,
            key_wanted: false,
            last_key: None,
            color: None,
            resized: false,
            inserter,
            cx,
        }
    }

    /// The next picture is to be a key frame.
    pub(super) fn want_key(&mut self) {
        self.key_wanted = true;
    }

    /// Whether a key frame is due by time: encoders count pictures, and fewer come while something stands in.
    fn key_is_due(&self, pts: Timestamp) -> bool {
        let interval = f64::from(self.settings.gop + 1) / self.settings.frame_rate * 1e6;
        self.last_key.is_some_and(|last| pts.micros_since(last) as f64 > interval)
    }

    /// Encodes one picture. When the encoder fails for good the next one encodes the same picture; a picture that fails
    /// by itself is lost and told about. The failure is for good when no encoder is left.
    pub(super) fn encode(&mut self, frame: &VideoFrame) -> Result<(), Failure> {
        if self.color.is_some_and(|color| color != frame.color) {
            // The colours are described at the start of a coded sequence.
            self.close();
        }
        self.color = Some(frame.color);
        let wanted = std::mem::take(&mut self.key_wanted) | self.key_is_due(frame.pts);
        loop {
            let mut encoder = match self.encoder.take() {
                Some(encoder) => encoder,
                None => self.open_encoder(frame.color)?,
            };
            if (self.cx.writer.take_key_request() || wanted)
                && let Err(error) = encoder.request_key()
            {
                // The next one comes with the GOP.
                tracing::debug!(%error, "no key frame on request");
            }
            match encoder.encode(frame, &mut self.packets) {
                Ok(()) => {
                    self.encoder = Some(encoder);
                    self.watch_output(frame);
                    self.pass_on();
                    return Ok(());
                }
                Err(error) => {
                    drop(encoder);
                    self.packets.clear();
                    if self.fallback.failed(error.kind, frame.pts) == Verdict::Reopen {
                        self.cx.state(PusherCode::FrameEncodeFailed, error.to_string());
                        return Ok(());
                    }
                    self.give_up(error);
                }
            }
        }
    }

    /// What the bitrate controller wants; `None` when it wants nothing.
    pub(super) fn target(&self) -> Option<EncodeTarget> {
        self.cx.controls.encode.get()
    }

    /// Aims at `target`: another bitrate or frame rate goes without a key frame, another size takes a new encoder for
    /// the next picture. Returns the size from now on.
    pub(super) fn retarget(&mut self, target: EncodeTarget) -> Size {
        let EncodeTarget { kbps, fps, step } = target;
        let settings = &mut self.settings;
        let size = settings.ladder.get(step).copied().unwrap_or(settings.size);
        let (resized, other_kbps) = (size != settings.size, kbps != settings.kbps);
        // The time from one key frame to the next stays, when the encoder is opened again.
        settings.gop = (f64::from(settings.gop) * fps / settings.frame_rate).round().max(1.0) as u32;
        (settings.size, settings.kbps, settings.frame_rate) = (size, kbps, fps);
        let adjusted = self.encoder.as_mut().map(|encoder| {
            encoder.set_bitrate(kbps)?;
            encoder.set_frame_rate(fps)
        });
        if resized || matches!(adjusted, Some(Err(_))) {
            self.close();
        }
        self.resized |= resized;
        if other_kbps {
            self.cx.state(PusherCode::BitrateChanged, format!("{kbps} kbit/s"));
        }
        size
    }

    /// Gives out what the encoder holds back, and closes it.
    pub(super) fn finish(mut self) {
        self.close();
    }

    fn close(&mut self) {
        if let Some(mut encoder) = self.encoder.take() {
            // There is nothing to do about an encoder that cannot give its last pictures.
            if let Err(error) = encoder.flush(&mut self.packets)
                && error.kind != CodecErrorKind::Unsupported
            {
                self.cx.state(PusherCode::FrameEncodeFailed, error.to_string());
            }
            self.pass_on();
        }
    }

    /// An encoder that goes on writing too much gives way to the next one.
    fn watch_output(&mut self, frame: &VideoFrame) {
        let bytes = self.packets.iter().map(|packet| packet.data.len()).sum();
        let kbps = self.settings.kbps;
        let Some(written) = self.fallback.wrote(bytes, frame.pts, kbps) else { return };
        let name = self.fallback.current().map_or("encoder", |choice| choice.row.name);
        let message = format!("{written} kbit/s were written for seconds, with a target of {kbps}");
        self.close();
        self.give_up(CodecError::new(CodecErrorKind::Fatal, name, message).at(frame.pts));
    }

    /// The next encoder's turn has come, because of `error`.
    fn give_up(&mut self, error: CodecError) {
        if let Some(choice) = self.fallback.current() {
            let (hardware, name) = (choice.is_hardware(), choice.to_string());
            self.departed.push(Departed { hardware, name, error });
        }
        self.fallback.give_up();
        self.announced = false;
    }

    /// Opens the first encoder that does not refuse, from the one on whose turn it is.
    fn open_encoder(&mut self, color: Color) -> Result<Box<dyn VideoEncoder>, Failure> {
        while let Some(choice) = self.fallback.current().cloned() {
            match choice.row.open(&self.config(color, &choice)) {
                Ok(encoder) => return Ok(self.opened(encoder, &choice)),
                Err(refusal) => self.give_up(refusal),
            }
        }
        let error = self.departed.pop().map_or_else(
            || CodecError::new(CodecErrorKind::Open, "registry", "no backend for H.264 is compiled in"),
            |last| last.error,
        );
        let code = codes::of_encoder(Track::Video, &error);
        self.cx.state(code, error.to_string());
        Err(Failure::new(code, error.to_string()))
    }

    fn config(&self, color: Color, choice: &Choice) -> VideoEncoderConfig {
        let VideoSettings { size, frame_rate, kbps, gop, threads, .. } = self.settings;
        VideoEncoderConfig {
            width: size.width,
            height: size.height,
            frame_rate,
            kbps,
            gop,
            color,
            entropy: choice.entropy,
            threads,
            slices: 0,
        }
    }

    /// Tells what led to this encoder, and that it is there.
    fn opened(&mut self, codec: Box<dyn VideoEncoder>, choice: &Choice) -> Box<dyn VideoEncoder> {
        let departed = std::mem::take(&mut self.departed);
        for Departed { hardware, name, error } in departed.iter().filter(|_| !choice.is_hardware()) {
            if *hardware {
                self.cx.state(PusherCode::HardwareEncoderFallback, format!("{error}; {choice} took over"));
            } else {
                let detail = format!("from {name} to {choice}: {error}");
                self.cx.state(PusherCode::SoftwareEncoderFallback, detail);
            }
        }
        let (backend, provenance) = (choice.row.name, choice.row.provenance);
        let refusals = departed.into_iter().map(|departed| departed.error).collect();
        let opened = Opened { codec, backend, provenance, refusals };
        let selected = BackendSelected::of(Track::Video, "encoder", &opened);
        self.cx.events.send(PusherEvent::BackendSelected(selected));
        if !std::mem::replace(&mut self.announced, true) {
            let how = if choice.is_hardware() { "hardware" } else { "software" };
            self.cx.state(PusherCode::EncoderStarted, format!("{choice}, {how}, {}", self.settings.size));
        }
        let Size { width, height } = self.settings.size;
        if std::mem::take(&mut self.resized) {
            self.cx.stats.media.set_size(width, height);
            self.cx.state(PusherCode::ResolutionChanged, format!("{width}×{height}"));
        }
        opened.codec
    }

    fn pass_on(&mut self) {
        let key = self.packets.iter().rfind(|packet| packet.kind == PacketKind::Key);
        self.last_key = key.map(|key| key.pts).or(self.last_key);
        self.inserter.insert(&mut self.packets);
        self.cx.stats.count(&self.packets);
        self.cx.writer.write(self.packets.drain(..));
    }
}
