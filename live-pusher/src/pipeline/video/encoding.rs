//! The video encoder of a session: opened, fed, opened again when it fails.

use super::VideoSettings;
use crate::codes::{self, Failure};
use crate::pipeline::WorkerCx;
use live_core::event::{BackendSelected, PusherEvent};
use live_core::registry::{HARDWARE, Provenance};
use live_core::{
    Codec, CodecError, CodecErrorKind, Color, Packet, PacketKind, PusherCode, Timestamp, Track, VideoEncoder,
    VideoEncoderConfig, VideoFrame,
};

/// Failures in a row after which the encoder is taken for broken.
const MOST_FAILURES: u32 = 5;

/// Encodes pictures of one size and writes what comes out into the stream.
pub(super) struct Encoding<'a> {
    settings: VideoSettings,
    encoder: Option<Box<dyn VideoEncoder>>,
    packets: Vec<Packet>,
    failures: u32,
    key_wanted: bool,
    last_key: Option<Timestamp>,
    /// How the open encoder's pictures are to be read.
    color: Option<Color>,
    cx: &'a WorkerCx,
}

impl<'a> Encoding<'a> {
    /// Opens nothing: the first picture says how its colours are to be read.
    pub(super) fn new(settings: VideoSettings, cx: &'a WorkerCx) -> Self {
        Self {
            settings,
            encoder: None,
            packets: Vec::new(),
            failures: 0,
            key_wanted: false,
            last_key: None,
            color: None,
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

    /// Encodes one picture. A picture that fails is lost and told about; the failure is for good after several in a
    /// row, or when no encoder can be opened.
    pub(super) fn encode(&mut self, frame: &VideoFrame) -> Result<(), Failure> {
        if self.color.is_some_and(|color| color != frame.color) {
            // The colours are described at the start of a coded sequence.
            self.close();
        }
        let mut encoder = match self.encoder.take() {
            Some(encoder) => encoder,
            None => self.open_encoder(frame.color)?,
        };
        self.color = Some(frame.color);
        let wanted = std::mem::take(&mut self.key_wanted) | self.key_is_due(frame.pts);
        if (self.cx.writer.take_key_request() || wanted)
            && let Err(error) = encoder.request_key()
        {
            // The next one comes with the GOP.
            tracing::debug!(%error, "no key frame on request");
        }
        match encoder.encode(frame, &mut self.packets) {
            Ok(()) => {
                self.failures = 0;
                self.encoder = Some(encoder);
                self.pass_on();
                Ok(())
            }
            Err(error) => self.recover(&error),
        }
    }

    /// Gives out what the encoder holds back, and closes it.
    pub(super) fn finish(mut self) {
        self.close();
    }

    fn close(&mut self) {
        if let Some(mut encoder) = self.encoder.take() {
            // At the end there is nothing to do about an encoder that cannot give its last pictures.
            if let Err(error) = encoder.flush(&mut self.packets)
                && error.kind != CodecErrorKind::Unsupported
            {
                self.cx.state(PusherCode::FrameEncodeFailed, error.to_string());
            }
            self.pass_on();
        }
    }

    /// One picture is lost; the encoder is opened again for the next one, unless it keeps failing.
    fn recover(&mut self, error: &CodecError) -> Result<(), Failure> {
        self.packets.clear();
        self.failures += 1;
        self.cx.state(PusherCode::FrameEncodeFailed, error.to_string());
        if self.failures < MOST_FAILURES {
            return Ok(());
        }
        self.cx.state(PusherCode::VideoEncoderFailed, error.to_string());
        Err(Failure::new(PusherCode::VideoEncoderFailed, error.to_string()))
    }

    fn open_encoder(&self, color: Color) -> Result<Box<dyn VideoEncoder>, Failure> {
        let VideoSettings { size, frame_rate, kbps, gop, entropy, threads, ref selection, .. } =
            self.settings;
        let config = VideoEncoderConfig {
            width: size.width,
            height: size.height,
            frame_rate,
            kbps,
            gop,
            color,
            entropy,
            threads,
            slices: 0,
        };
        let opened =
            self.cx.registry.video_encoders.open(Codec::H264, selection, &config).map_err(|error| {
                let code = codes::of_encoder(Track::Video, &error);
                self.cx.state(code, error.to_string());
                Failure::new(code, error.to_string())
            })?;
        let hardware = opened.provenance == Provenance::Hardware;
        self.tell_refusals(&opened.refusals, hardware);
        self.cx.events.send(PusherEvent::BackendSelected(BackendSelected::of(
            Track::Video,
            "encoder",
            &opened,
        )));
        if self.failures == 0 {
            let how = if hardware { "hardware" } else { "software" };
            self.cx.state(PusherCode::EncoderStarted, format!("{}, {how}, {size}", opened.backend));
        }
        Ok(opened.codec)
    }

    /// A hardware backend that refused is code 1103; a software one that was preferred is 1106.
    fn tell_refusals(&self, refusals: &[CodecError], hardware: bool) {
        let rows: Vec<_> = self.cx.registry.video_encoders.rows().collect();
        for refusal in refusals.iter().filter(|_| !hardware) {
            let row = rows.iter().find(|row| row.name == refusal.backend);
            let code = match row.map(|row| row.provenance) {
                Some(Provenance::Hardware) => PusherCode::HardwareEncoderFallback,
                None if refusal.backend == HARDWARE => PusherCode::HardwareEncoderFallback,
                _ => PusherCode::SoftwareEncoderFallback,
            };
            self.cx.state(code, refusal.to_string());
        }
    }

    fn pass_on(&mut self) {
        let key = self.packets.iter().rfind(|packet| packet.kind == PacketKind::Key);
        self.last_key = key.map(|key| key.pts).or(self.last_key);
        self.cx.stats.count(&self.packets);
        self.cx.writer.write(self.packets.drain(..));
    }
}
