//! What the attributes do, seen from outside.
#![cfg(feature = "embedded")]

mod support;

use live_core::config::PlayerMode;
use live_core::event::{Delivery, PlayerEvent};
use live_core::{AudioPosition, AudioSink, AudioSpec, PlayerCode, SinkError};
use live_player::sink::{Callback, NullAudio};
use live_player::{BuildError, LivePlayer};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::time::Duration;
use support::{After, Connection, Script, player_of, stream, until};

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
            // One write may have been on its way, and the fade takes another.
            until(what, || heard.writes.load(SeqCst) > before + 3).await;
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

#[tokio::test]
async fn a_player_starts_by_itself_only_with_autoplay() {
    for autoplay in [false, true] {
        let player = player_of([Connection::Brings(stream(10, 0), After::StaysOpen)])
            .autoplay(autoplay)
            .build()
            .unwrap();
        if autoplay {
            until("it plays", || player.snapshot().is_some()).await;
        }
        assert_eq!(player.state().is_active(), autoplay);
        player.stop().await;
    }
}

/// Media that lies ahead before motion starts, and the most that is held, decide when a stream moves.
#[tokio::test]
async fn motion_starts_when_min_cache_is_there_which_the_mode_decides_where_it_is_not_set() {
    // 600 ms of a stream that goes on and brings nothing more.
    for (mode, set, moves) in [
        (PlayerMode::Rtc, None, true),
        (PlayerMode::Live, None, false),
        (PlayerMode::Live, Some(300), true),
        (PlayerMode::Rtc, Some(800), false),
    ] {
        let shown = Arc::<AtomicUsize>::default();
        let counter = Arc::clone(&shown);
        let mut builder = LivePlayer::builder("rtmp://server/live/stream")
            .subscriber(Script::new([Connection::Brings(stream(15, 0), After::StaysOpen)]))
            .mode(mode)
            .video_sink(move || {
                let counter = Arc::clone(&counter);
                Callback::new(move |_| {
                    counter.fetch_add(1, SeqCst);
                })
            });
        if let Some(millis) = set {
            builder = builder.min_cache(Duration::from_millis(millis));
        }
        let player = builder.build().unwrap();
        player.start();
        until("the still is shown", || shown.load(SeqCst) > 0).await;
        if moves {
            until("it moves", || shown.load(SeqCst) > 5).await;
        } else {
            // That nothing happens has nothing to wait for, and the presenter has real time. After a second the track would
            // be taken to bring nothing more.
            tokio::time::sleep(Duration::from_millis(400)).await;
            assert_eq!(shown.load(SeqCst), 1, "{mode:?} {set:?}");
        }
        player.stop().await;
    }
}

#[test]
fn a_cache_that_makes_no_sense_is_named() {
    let built = LivePlayer::builder("x.flv")
        .min_cache(Duration::from_secs(5))
        .max_cache(Duration::from_secs(1))
        .build();
    let Err(BuildError::Config(error)) = built else { panic!("it is built") };
    assert!(error.to_string().contains("min-cache") || error.to_string().contains("max-cache"), "{error}");
}

#[tokio::test]
async fn a_live_stream_too_far_behind_is_skipped_to_its_newest_key_frame() {
    // After an outage nine seconds come at once, to a player that holds half of one and one more.
    let stall = Duration::from_millis(1_500);
    let player = player_of([Connection::Stalls(stream(250, 0), 1_000, stall)])
        .max_cache(Duration::from_millis(500))
        .build()
        .unwrap();
    let mut events = player.events();
    player.start();
    let cut = async {
        loop {
            let Some(Delivery::Event(PlayerEvent::State { code, detail })) = events.next().await else {
                continue;
            };
            if code == PlayerCode::Discontinuity {
                return detail;
            }
        }
    };
    let detail = tokio::time::timeout(Duration::from_secs(5), cut).await.unwrap();
    assert!(detail.contains("too far behind"), "{detail}");
    until("what was cut is counted", || player.net_status().dropped_frames > 0).await;
    player.stop().await;
}
