//! What the attributes do, seen from outside.
#![cfg(feature = "embedded")]

mod support;

use live_core::{AudioPosition, AudioSink, AudioSpec, SinkError};
use live_player::sink::NullAudio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use support::{After, Connection, player_of, stream, until};

/// A device without a loudspeaker that listens to what it is given.
struct Ear {
    device: NullAudio,
    heard: Arc<Heard>,
}

#[derive(Default)]
struct Heard {
    writes: AtomicUsize,
    last_is_silence: AtomicBool,
}

impl AudioSink for Ear {
    fn open(&mut self, spec: AudioSpec) -> Result<usize, SinkError> {
        self.device.open(spec)
    }

    fn write(&mut self, samples: &[f32]) -> Result<usize, SinkError> {
        let written = self.device.write(samples)?;
        if written > 0 {
            self.heard.last_is_silence.store(samples.iter().all(|sample| *sample == 0.0), SeqCst);
            self.heard.writes.fetch_add(1, SeqCst);
        }
        Ok(written)
    }

    fn position(&self) -> Option<AudioPosition> {
        self.device.position()
    }

    fn finish(&mut self) -> Result<(), SinkError> {
        self.device.finish()
    }
}

#[tokio::test]
async fn sound_is_silenced_at_once_by_muted_and_in_the_background_only_by_background_mute() {
    for background_mute in [false, true] {
        let heard = Arc::<Heard>::default();
        let ear = Arc::clone(&heard);
        let player = player_of([Connection::Brings(stream(200, 0), After::StaysOpen)])
            .background_mute(background_mute)
            .muted(true)
            .audio_sink(move || Ear { device: NullAudio::new(), heard: Arc::clone(&ear) })
            .build()
            .unwrap();
        let next_is_silence = async |expected: bool, what: &str| {
            let before = heard.writes.load(SeqCst);
            // One write may have been on its way.
            until(what, || heard.writes.load(SeqCst) > before + 1).await;
            assert_eq!(heard.last_is_silence.load(SeqCst), expected, "{what}, {background_mute}");
        };
        player.start();
        next_is_silence(true, "muted from the beginning").await;
        player.set_muted(false);
        next_is_silence(false, "not muted any more").await;
        player.set_background(true);
        next_is_silence(background_mute, "in the background").await;
        player.set_background(false);
        next_is_silence(false, "back").await;
        player.set_muted(true);
        next_is_silence(true, "muted again").await;
        player.stop().await;
    }
}
