//! Decodes pictures.

use super::DecoderCx;
use crate::notes::NoteReader;
use crate::recording::PictureRecorder;
use live_core::event::{BackendSelected, PlayerEvent};
use live_core::registry::{HARDWARE, Provenance};
use live_core::{
    Codec, CodecError, CodecErrorKind, Packet, PacketKind, PlayerCode, Selection, Track, VideoDecoder,
    VideoFrame,
};

/// Decodes until no packet comes any more.
pub(crate) fn run(cx: DecoderCx<VideoFrame>, recorder: Option<PictureRecorder>) {
    let mut worker = Worker {
        cx,
        recorder,
        notes: NoteReader::default(),
        config: None,
        is_refused: false,
        software: false,
        told_fallback: false,
        awaits_key: true,
        pictures: Vec::new(),
        decoder: None,
    };
    while let Some(packet) = worker.cx.packets.take(Track::Video) {
        if !worker.take(&packet) {
            break;
        }
    }
    worker.flush();
    if let Some(recorder) = worker.recorder {
        recorder.finish(&worker.cx.shared);
    }
}

struct Worker {
    cx: DecoderCx<VideoFrame>,
    recorder: Option<PictureRecorder>,
    notes: NoteReader,
    /// The configuration in force.
    config: Option<(Codec, Packet)>,
    /// No decoder opens for it, which has been told; the next configuration is tried again.
    is_refused: bool,
    decoder: Option<Running>,
    /// Hardware has failed on a first key frame: it is not asked again.
    software: bool,
    told_fallback: bool,
    /// What refers to earlier pictures cannot be shown as it was sent.
    awaits_key: bool,
    pictures: Vec<VideoFrame>,
}

/// A decoder that is open.
struct Running {
    codec: Box<dyn VideoDecoder>,
    is_hardware: bool,
    /// It has decoded something.
    is_proven: bool,
}

impl Worker {
    /// Deals with one packet. `false` when nobody wants pictures any more.
    fn take(&mut self, packet: &Packet) -> bool {
        for note in self.notes.read(packet) {
            self.cx.shared.note(packet.pts, note);
        }
        match packet.kind {
            PacketKind::Config(codec) => self.configure(codec, packet),
            PacketKind::EndOfSequence => return self.flush(),
            PacketKind::Key if self.decoder.is_none() && !self.is_refused => self.open(),
            _ => {}
        }
        if !packet.is_video_unit() || (self.awaits_key && packet.kind != PacketKind::Key) {
            return true;
        }
        let result = self.decode(packet);
        let goes_on = self.give_out();
        if let Err(error) = result {
            self.failed(&error);
        }
        goes_on
    }

    /// Decodes an access unit. Hardware that fails on its first one gives way to software, which decodes that one too.
    fn decode(&mut self, unit: &Packet) -> Result<(), CodecError> {
        let Some(running) = &mut self.decoder else { return Ok(()) };
        let result = running.codec.decode(unit, &mut self.pictures);
        let Err(error) = result else {
            running.is_proven = true;
            self.awaits_key = false;
            return Ok(());
        };
        // What a decoder makes of a damaged picture is not what was sent.
        self.pictures.retain(|picture| picture.pts != unit.pts);
        if !running.is_hardware || running.is_proven {
            return Err(error);
        }
        (self.software, self.decoder) = (true, None);
        self.open();
        let Some(running) = &mut self.decoder else { return Err(error) };
        self.cx.shared.tell(PlayerCode::FirstKeyFrameFallback, error.to_string());
        running.codec.decode(unit, &mut self.pictures)?;
        running.is_proven = true;
        self.awaits_key = false;
        Ok(())
    }

    /// Takes a new configuration; the decoder that needs it first opens with the next key frame.
    fn configure(&mut self, codec: Codec, packet: &Packet) {
        if self.config.as_ref().is_some_and(|(_, config)| config.data == packet.data) {
            return;
        }
        let same_codec = self.config.as_ref().is_some_and(|(last, _)| *last == codec);
        self.config = Some((codec, packet.clone()));
        self.is_refused = false;
        let Some(decoder) = self.decoder.as_mut().filter(|_| same_codec) else {
            self.flush();
            self.decoder = None;
            return;
        };
        let result = decoder.codec.decode(packet, &mut self.pictures);
        self.give_out();
        if let Err(error) = result {
            // What cannot be changed while running may be possible with a decoder that is opened anew.
            tracing::debug!(%error, "the decoder does not take the new configuration");
            self.decoder = None;
        }
    }

    fn open(&mut self) {
        let Some((codec, config)) = &self.config else {
            self.refuse("no decoder configuration came before the pictures".to_owned());
            return;
        };
        let selection = if self.software { &Selection::Software } else { &self.cx.selection };
        match self.cx.registry.video_decoders.open(*codec, selection, config) {
            Ok(opened) => {
                let is_hardware = opened.provenance == Provenance::Hardware;
                let refusal = opened.refusals.iter().find(|refusal| self.is_hardware(refusal.backend));
                if let Some(refusal) = refusal.filter(|_| !is_hardware && !self.told_fallback) {
                    let detail = format!("{refusal}; {} took over", opened.backend);
                    self.cx.shared.tell(PlayerCode::HardwareDecoderFallback, detail);
                    self.told_fallback = true;
                }
                let selected = BackendSelected::of(Track::Video, "decoder", &opened);
                let kind = if is_hardware { "hardware" } else { "software" };
                let detail = format!("{codec}, {}, {kind}", opened.backend);
                self.cx.shared.events.send(PlayerEvent::BackendSelected(selected));
                self.cx.shared.tell(PlayerCode::DecoderStarted, detail);
                self.decoder = Some(Running { codec: opened.codec, is_hardware, is_proven: false });
                self.awaits_key = true;
            }
            Err(error) => {
                let detail = format!("no decoder for {codec} opens: {error}");
                self.refuse(detail);
            }
        }
    }

    /// Whether the backend of this name is hardware, or stands for hardware that is not there.
    fn is_hardware(&self, name: &str) -> bool {
        let mut rows = self.cx.registry.video_decoders.rows();
        name == HARDWARE || rows.any(|row| row.name == name && row.provenance == Provenance::Hardware)
    }

    /// Gives the track up until another configuration comes.
    fn refuse(&mut self, detail: String) {
        self.is_refused = true;
        self.cx.shared.tell(PlayerCode::VideoDecodeFailed, detail.clone());
        self.cx.shared.note_unplayable(detail);
        self.cx.packets.set_unplayable(Track::Video);
    }

    fn failed(&mut self, error: &CodecError) {
        let code = match error.kind {
            CodecErrorKind::MissingReference => PlayerCode::Discontinuity,
            _ => PlayerCode::VideoDecodeFailed,
        };
        self.cx.shared.tell(code, error.to_string());
        self.awaits_key = true;
        if error.kind == CodecErrorKind::Fatal {
            self.decoder = None;
        }
    }

    /// Gets out what the decoder holds back.
    fn flush(&mut self) -> bool {
        self.awaits_key = true;
        if let Some(decoder) = &mut self.decoder
            && let Err(error) = decoder.codec.flush(&mut self.pictures)
        {
            self.failed(&error);
        }
        self.give_out()
    }

    fn give_out(&mut self) -> bool {
        for picture in self.pictures.drain(..) {
            if let Some(recorder) = &mut self.recorder {
                recorder.write(&picture, &self.cx.shared);
            }
            if !self.cx.decoded.push(picture) {
                return false;
            }
        }
        true
    }
}
