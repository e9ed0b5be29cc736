//! Decodes sound.

use super::DecoderCx;
use crate::recording::SoundRecorder;
use crate::sound::Sound;
use live_core::event::{BackendSelected, PlayerEvent};
use live_core::{
    AudioDecoder, AudioFrame, AudioSpec, Codec, CodecErrorKind, Packet, PacketKind, PlayerCode, Timestamp,
    Track,
};

/// Decodes until no packet comes any more.
pub(crate) fn run(cx: DecoderCx<Sound>, recorder: Option<SoundRecorder>) {
    let mut worker = Worker {
        cx,
        recorder,
        config: None,
        is_refused: false,
        decoder: None,
        first: None,
        frames: Vec::new(),
    };
    while let Some(packet) = worker.cx.packets.take(Track::Audio) {
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
    cx: DecoderCx<Sound>,
    recorder: Option<SoundRecorder>,
    /// The configuration in force.
    config: Option<(Codec, Packet)>,
    /// No decoder opens for it, which has been told; the next configuration is tried again.
    is_refused: bool,
    decoder: Option<Box<dyn AudioDecoder>>,
    /// The stream's first presentation time: what a decoder gives out before it is its own delay.
    first: Option<Timestamp>,
    frames: Vec<AudioFrame>,
}

impl Worker {
    /// Deals with one packet. `false` when nobody wants sound any more.
    fn take(&mut self, packet: &Packet) -> bool {
        match packet.kind {
            PacketKind::Config(codec) => {
                self.configure(codec, packet);
                return true;
            }
            PacketKind::EndOfSequence => return self.flush(),
            PacketKind::Audio => {}
            _ => return true,
        }
        if self.decoder.is_none() && !self.is_refused {
            self.open(packet);
        }
        let Some(decoder) = &mut self.decoder else { return true };
        self.first.get_or_insert(packet.pts);
        let result = decoder.decode(packet, &mut self.frames);
        let goes_on = self.give_out();
        if let Err(error) = result {
            self.cx.shared.tell(PlayerCode::AudioDecodeFailed, error.to_string());
            if error.kind == CodecErrorKind::Fatal {
                self.decoder = None;
            }
        }
        goes_on
    }

    fn configure(&mut self, codec: Codec, packet: &Packet) {
        if self.config.as_ref().is_some_and(|(_, config)| config.data == packet.data) {
            return;
        }
        self.config = Some((codec, packet.clone()));
        self.is_refused = false;
        // A decoder of another layout begins anew; what the old one holds back is heard first.
        self.flush();
        self.decoder = None;
        self.first = None;
    }

    fn open(&mut self, unit: &Packet) {
        let Some((codec, config)) = &self.config else {
            self.refuse("no decoder configuration came before the sound".to_owned());
            return;
        };
        match self.cx.registry.audio_decoders.open(*codec, &self.cx.selection, config) {
            Ok(opened) => {
                let selected = BackendSelected::of(Track::Audio, "decoder", &opened);
                self.cx.shared.events.send(PlayerEvent::BackendSelected(selected));
                self.decoder = Some(opened.codec);
            }
            Err(error) => {
                let detail = format!("no decoder for {codec} opens: {}", error.at(unit.pts));
                self.refuse(detail);
            }
        }
    }

    /// Gives the track up until another configuration comes.
    fn refuse(&mut self, detail: String) {
        self.is_refused = true;
        self.cx.shared.tell(PlayerCode::AudioDecodeFailed, detail.clone());
        self.cx.shared.note_unplayable(detail);
        self.cx.packets.set_unplayable(Track::Audio);
    }

    fn flush(&mut self) -> bool {
        if let Some(decoder) = &mut self.decoder
            && let Err(error) = decoder.flush(&mut self.frames)
        {
            self.cx.shared.tell(PlayerCode::AudioDecodeFailed, error.to_string());
        }
        self.give_out()
    }

    fn give_out(&mut self) -> bool {
        let Some(spec) = self.decoder.as_ref().and_then(|decoder| decoder.spec()) else {
            self.frames.clear();
            return true;
        };
        for frame in self.frames.drain(..) {
            let Some(frame) = trim(frame, spec, self.first) else { continue };
            if let Some(recorder) = &mut self.recorder {
                recorder.write(&frame, spec, &self.cx.shared);
            }
            if !self.cx.decoded.push(Sound { spec, frame }) {
                return false;
            }
        }
        true
    }
}

/// `frame` without what lies before `first`.
fn trim(mut frame: AudioFrame, spec: AudioSpec, first: Option<Timestamp>) -> Option<AudioFrame> {
    let early = first.map_or(0, |first| first.micros_since(frame.pts));
    if early <= 0 {
        return Some(frame);
    }
    // Timestamps are rounded to the microsecond: half a sample decides.
    let frames = (early.unsigned_abs() * u64::from(spec.sample_rate) + 500_000) / 1_000_000;
    let samples = usize::try_from(frames).ok()?.checked_mul(usize::from(spec.channels))?;
    if samples >= frame.samples.len() {
        return None;
    }
    frame.samples.drain(..samples);
    frame.pts = frame.pts.offset_micros(Timestamp::from_index(frames, spec.sample_rate).as_micros());
    Some(frame)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_decoder_gives_out_before_the_stream_begins_is_trimmed_to_the_sample() {
        let spec = AudioSpec { sample_rate: 48_000, channels: 2 };
        let frame = |micros| AudioFrame { pts: Timestamp::from_micros(micros), samples: vec![0.5; 2048] };
        let trimmed =
            |micros| trim(frame(micros), spec, Some(Timestamp::ZERO)).map(|frame| frame.samples.len() / 2);
        assert_eq!(trimmed(0), Some(1024));
        assert_eq!(trimmed(-21_333), None);
        assert_eq!(trimmed(-15_000), Some(304));
        assert_eq!(trimmed(-10), Some(1024), "rounding is no sample");
        assert_eq!(trimmed(5_000), Some(1024));
    }
}
