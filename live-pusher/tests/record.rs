//! A pusher into a file: no network, the whole pipeline.

use live_capture::pattern::{Pattern, PatternSpec};
use live_capture::tone::Tone;
use live_core::event::{Delivery, EventStream, PusherEvent};
use live_core::net_status::NetStatus;
use live_core::state::SessionState;
use live_core::{AudioSpec, PacketKind, Timestamp};
use live_pusher::{BuildError, Builder, LivePusher};
use std::path::Path;
use std::time::Duration;

const MONO: AudioSpec = AudioSpec { sample_rate: 48_000, channels: 1 };

fn pattern_to(path: &Path) -> Builder {
    LivePusher::builder(path.to_string_lossy())
        .video_size(320, 180)
        .fps(25)
        .video_source(|| Pattern::new(PatternSpec::new(320, 180, 25)))
        .audio_source(|| Tone::new(MONO))
}

fn codes(events: &mut EventStream<PusherEvent>) -> Vec<i32> {
    std::iter::from_fn(|| events.try_next())
        .filter_map(|delivery| match delivery {
            Delivery::Event(PusherEvent::State { code, .. }) => Some(i32::from(code)),
            _ => None,
        })
        .collect()
}

#[tokio::test]
async fn a_recording_has_both_tracks_together_and_its_codes_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pattern.flv");
    let pusher = pattern_to(&path).build().unwrap();
    let mut events = pusher.events();
    assert!(pusher.start());
    assert!(!pusher.start(), "a second start is harmless");
    tokio::time::sleep(Duration::from_millis(2200)).await;
    assert_eq!(pusher.state(), SessionState::Running);
    let NetStatus { video_width, video_height, video_bitrate, .. } = pusher.net_status();
    assert_eq!((video_width, video_height), (320, 180));
    assert!(video_bitrate > 0);
    pusher.stop().await;
    assert_eq!(pusher.state(), SessionState::Stopped);

    let codes = codes(&mut events);
    let place =
        |code| codes.iter().position(|other| *other == code).unwrap_or_else(|| panic!("{code} in {codes:?}"));
    assert!(place(1001) < place(1002) && place(1003) < place(1007) && place(1007) < place(1008), "{codes:?}");

    let mut file = live_transport::net::file::open(&path).unwrap();
    let packets: Vec<_> = std::iter::from_fn(|| file.next_packet().unwrap()).collect();
    let first = |kind: fn(&PacketKind) -> bool| packets.iter().find(|packet| kind(&packet.kind)).unwrap().pts;
    let video = first(|kind| matches!(kind, PacketKind::Key));
    let audio = first(|kind| matches!(kind, PacketKind::Audio));
    assert!(video.micros_since(audio).abs() <= 150_000, "video at {video:?}, audio at {audio:?}");
    let pictures: Vec<Timestamp> =
        packets.iter().filter(|p| p.is_video_unit()).map(|packet| packet.pts).collect();
    assert!((45..=60).contains(&pictures.len()), "{} pictures in 2.2 s", pictures.len());
    assert!(pictures.windows(2).all(|pair| (39_000..=41_000).contains(&pair[1].micros_since(pair[0]))));
}

#[tokio::test]
async fn a_stopped_pusher_starts_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("again.flv");
    let pusher = pattern_to(&path).build().unwrap();
    for _ in 0..2 {
        assert!(pusher.start());
        tokio::time::sleep(Duration::from_millis(300)).await;
        pusher.stop().await;
        assert_eq!(pusher.finished().await, Ok(()));
        let mut file = live_transport::net::file::open(&path).unwrap();
        assert!(
            std::iter::from_fn(|| file.next_packet().unwrap()).any(|packet| packet.kind == PacketKind::Key)
        );
    }
}

#[tokio::test]
async fn every_mistake_is_reported_before_anything_opens() {
    let result = LivePusher::builder("gopher://host/x").bitrate(900, 300).fps(90).build();
    let Err(BuildError::Config(error)) = result else { panic!("{result:?}") };
    let text = error.to_string();
    for name in ["url", "input", "fps", "min-bitrate"] {
        assert!(text.contains(name), "{name} in {text}");
    }
}

/// Records the pattern for `millis` and gives the file.
async fn recording(folder: &Path, millis: u64) -> std::path::PathBuf {
    let path = folder.join("input.flv");
    let pusher = pattern_to(&path).build().unwrap();
    pusher.start();
    tokio::time::sleep(Duration::from_millis(millis)).await;
    pusher.stop().await;
    path
}

#[tokio::test]
async fn a_recording_loops_without_a_jump_or_a_lost_picture() {
    let folder = tempfile::tempdir().unwrap();
    let input = recording(folder.path(), 900).await;
    let output = folder.path().join("looped.flv");
    let pusher = LivePusher::builder(output.to_string_lossy())
        .video_size(320, 180)
        .fps(25)
        .input_file(&input)
        .looping(true)
        .build()
        .unwrap();
    pusher.start();
    tokio::time::sleep(Duration::from_millis(2600)).await;
    pusher.stop().await;
    assert_eq!(pusher.finished().await, Ok(()));

    let mut file = live_transport::net::file::open(&output).unwrap();
    let packets: Vec<_> = std::iter::from_fn(|| file.next_packet().unwrap()).collect();
    let times = |wanted: fn(&PacketKind) -> bool| -> Vec<i64> {
        packets.iter().filter(|packet| wanted(&packet.kind)).map(|packet| packet.pts.as_millis()).collect()
    };
    let steps = |times: Vec<i64>| times.windows(2).map(|pair| pair[1] - pair[0]).collect::<Vec<_>>();
    let pictures = steps(times(|kind| matches!(kind, PacketKind::Key | PacketKind::Delta { .. })));
    // Where a pass ends the last picture is held until its sound has ended.
    assert!(pictures.len() > 50 && pictures.iter().all(|step| (39..=110).contains(step)), "{pictures:?}");
    assert!(pictures.iter().filter(|step| **step > 41).count() <= 3, "{pictures:?}");
    let sound = steps(times(|kind| matches!(kind, PacketKind::Audio)));
    assert!(sound.iter().all(|step| (20..=23).contains(step)), "the sound goes on: {sound:?}");
}
