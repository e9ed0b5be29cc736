//! Background music in a stream, and the events that go with it.

#[path = "support/sound.rs"]
mod recording;
mod support;

use live_core::conformance::scripted::{Microphone, SoundFault};
use live_core::event::{EventStream, MusicEvent, PusherEvent};
use live_core::formats::wav::{SampleFormat, Writer};
use live_core::{AudioEffect, AudioFrame, AudioSpec};
use live_pusher::{Bgm, Builder, LivePusher};
use recording::{peak, sound};
use std::path::{Path, PathBuf};
use std::time::Duration;

const MONO: AudioSpec = AudioSpec { sample_rate: 48_000, channels: 1 };

async fn wait(millis: u64) {
    tokio::time::sleep(Duration::from_millis(millis)).await;
}

/// A stream of a microphone that hears nothing, into a file.
fn quiet(path: &Path) -> Builder {
    LivePusher::builder(path.to_string_lossy())
        .enable_camera(false)
        .audio_source(|| Microphone::new(MONO).after(0, SoundFault::Zeros))
}

/// `seconds` of 600 Hz at 0.4.
fn music(folder: &Path, seconds: u32) -> PathBuf {
    let path = folder.join("music.wav");
    let file = std::io::BufWriter::new(std::fs::File::create(&path).unwrap());
    let mut writer = Writer::new(file, MONO, SampleFormat::Int16).unwrap();
    let tone = |n: u32| 0.4 * (n as f32 * 600.0 * std::f32::consts::TAU / 48_000.0).sin();
    writer.write(&(0..seconds * 48_000).map(tone).collect::<Vec<_>>()).unwrap();
    writer.finish().unwrap();
    path
}

/// What was told of the music, by name, and the error codes.
fn told(events: &mut EventStream<PusherEvent>) -> (Vec<&'static str>, Vec<i32>) {
    let (mut music, mut errors) = (Vec::new(), Vec::new());
    while let Some(delivery) = events.try_next() {
        match delivery.event() {
            Some(PusherEvent::Music(event)) => music.push(match event {
                MusicEvent::Started { .. } => "started",
                MusicEvent::Progress { .. } => "progress",
                MusicEvent::Ended { .. } => "ended",
                MusicEvent::Stopped { .. } => "stopped",
                MusicEvent::Failed { .. } => "failed",
                _ => "other",
            }),
            Some(PusherEvent::Error { code, .. }) => errors.push(code.into()),
            _ => {}
        }
    }
    (music, errors)
}

#[tokio::test]
async fn music_is_in_the_stream_at_its_volume_and_can_be_halted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.flv");
    let pusher = quiet(&path).build().unwrap();
    let mut events = pusher.events();
    assert!(pusher.play_bgm(Bgm::new(music(folder.path(), 30))), "it waits for the session");
    pusher.start();
    wait(1500).await;
    pusher.set_bgm_volume(0.5);
    wait(1000).await;
    assert!(pusher.pause_bgm() && !pusher.pause_bgm());
    wait(1000).await;
    assert!(pusher.resume_bgm());
    wait(1000).await;
    assert!(pusher.stop_bgm() && !pusher.stop_bgm());
    wait(800).await;
    pusher.stop().await;
    assert_eq!(pusher.finished().await, Ok(()));
    let (_, sound) = sound(&path);
    let loud = [(0.6, 1.0, 0.4), (1.9, 2.2, 0.2), (2.9, 3.2, 0.0), (3.9, 4.2, 0.2), (4.9, 5.1, 0.0)];
    for (from, to, expected) in loud {
        let peak = peak(&sound, from, to);
        assert!((peak - expected).abs() < 0.04, "{peak} from {from} to {to} s");
    }
    assert_eq!(told(&mut events), (vec!["started", "progress", "progress", "progress", "stopped"], vec![]));
}

#[tokio::test]
async fn music_that_ends_says_so_and_the_stream_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.flv");
    let pusher = quiet(&path).build().unwrap();
    let mut events = pusher.events();
    pusher.start();
    wait(300).await;
    pusher.play_bgm(Bgm::new(music(folder.path(), 30)).until(Duration::from_millis(500)));
    wait(1500).await;
    assert_eq!(told(&mut events), (vec!["started", "ended"], vec![]));
    assert!(!pusher.stop_bgm(), "it is over");
    pusher.stop().await;
    assert_eq!(pusher.finished().await, Ok(()));
}

#[tokio::test]
async fn music_that_cannot_be_loaded_is_error_10003_and_the_stream_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let pusher = quiet(&folder.path().join("out.flv")).build().unwrap();
    let mut events = pusher.events();
    pusher.start();
    pusher.play_bgm(Bgm::new(folder.path().join("missing.mp3")));
    wait(600).await;
    assert_eq!(told(&mut events), (vec!["failed"], vec![10003]));
    pusher.stop().await;
    assert_eq!(pusher.finished().await, Ok(()));
}

#[tokio::test]
async fn a_stream_of_pictures_has_no_music_and_says_so() {
    use live_capture::pattern::{Pattern, PatternSpec};
    let folder = tempfile::tempdir().unwrap();
    let pusher = LivePusher::builder(folder.path().join("out.flv").to_string_lossy())
        .video_size(160, 90)
        .video_source(|| Pattern::new(PatternSpec::new(160, 90, 15)))
        .build()
        .unwrap();
    let mut events = pusher.events();
    pusher.start();
    wait(500).await;
    assert!(!pusher.play_bgm(Bgm::new(music(folder.path(), 1))));
    assert_eq!(told(&mut events), (vec!["failed"], vec![10003]));
    pusher.stop().await;
}

#[tokio::test]
async fn voice_and_music_together_never_leave_full_scale() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.flv");
    let pusher = LivePusher::builder(path.to_string_lossy())
        .enable_camera(false)
        .audio_source(|| Microphone::new(MONO))
        .build()
        .unwrap();
    pusher.set_mic_volume(9.0);
    pusher.set_bgm_volume(2.0);
    pusher.play_bgm(Bgm::new(music(folder.path(), 30)).looping(true));
    pusher.start();
    wait(1500).await;
    pusher.stop().await;
    // 0.25 and 0.4, doubled, are 1.3; the codec may overshoot by a little.
    let peak = peak(&sound(&path).1, 0.5, 1.2);
    assert!((0.9..1.08).contains(&peak), "{peak}");
}

/// Doubles the sound.
struct Louder;

impl AudioEffect for Louder {
    fn name(&self) -> &str {
        "louder"
    }

    fn apply(&mut self, frame: &mut AudioFrame, spec: AudioSpec) {
        assert_eq!(frame.samples.len(), 480 * usize::from(spec.channels));
        frame.samples.iter_mut().for_each(|sample| *sample *= 2.0);
    }
}

#[tokio::test]
async fn an_effect_of_the_application_is_heard_and_the_volume_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.flv");
    let pusher = LivePusher::builder(path.to_string_lossy())
        .enable_camera(false)
        .audio_source(|| Microphone::new(MONO))
        .audio_effect(|| Louder)
        .audio_volume_interval(Some(Duration::from_millis(200)))
        .build()
        .unwrap();
    let mut events = pusher.events();
    pusher.start();
    wait(1500).await;
    pusher.set_audio_volume_interval(None);
    wait(100).await;
    let volumes: Vec<_> = std::iter::from_fn(|| events.try_next())
        .filter_map(|delivery| match delivery.event() {
            Some(PusherEvent::AudioVolume { volume, .. }) => Some(volume),
            _ => None,
        })
        .collect();
    assert!((5..=8).contains(&volumes.len()), "{volumes:?}");
    assert!(volumes.iter().all(|volume| (88..=91).contains(volume)), "a sine of −6 dB: {volumes:?}");
    wait(600).await;
    while let Some(delivery) = events.try_next() {
        assert!(!matches!(delivery.event(), Some(PusherEvent::AudioVolume { .. })), "it is off");
    }
    pusher.stop().await;
    let peak = peak(&sound(&path).1, 0.5, 1.2);
    assert!((peak - 0.5).abs() < 0.05, "{peak}");
}

#[tokio::test]
async fn a_room_is_heard_after_the_voice_and_can_be_changed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.flv");
    let pusher = LivePusher::builder(path.to_string_lossy())
        .enable_camera(false)
        .audio_reverb_type(3)
        .audio_source(|| Microphone::new(MONO).after(100, SoundFault::Zeros))
        .build()
        .unwrap();
    pusher.start();
    wait(1600).await;
    assert!(pusher.set_reverb(0) && !pusher.set_reverb(8));
    wait(800).await;
    pusher.stop().await;
    let (_, sound) = sound(&path);
    let (tail, after) = (peak(&sound, 1.25, 1.4), peak(&sound, 1.9, 2.2));
    assert!(tail > 0.01, "the great hall rings on: {tail}");
    assert!(after < 1e-3, "and is left: {after}");
}
