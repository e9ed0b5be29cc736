//! Devices that refuse, vanish and fall silent: the codes they fire, and what becomes of the session.

mod support;

use live_core::conformance::scripted::{Microphone, VideoDevice, VideoFault};
use live_core::state::SessionState;
use live_core::{AudioSpec, CaptureErrorKind, PusherCode, PusherConfig};
use live_pusher::{Builder, LivePusher};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;
use support::{Told, assert_order};

use CaptureErrorKind::{
    Busy, Disconnected, NotFound, PermissionDenied, Reconfiguration, Unsupported, UnsupportedFormat,
};

const MONO: AudioSpec = AudioSpec { sample_rate: 48_000, channels: 1 };

fn camera() -> VideoDevice {
    VideoDevice::camera(160, 90, 25)
}

fn screen() -> VideoDevice {
    VideoDevice::screen(160, 90, 25)
}

/// A recording of `camera`, 160×90 at 25 pictures a second.
fn recording(folder: &tempfile::TempDir) -> Builder {
    LivePusher::builder(folder.path().join("out.flv").to_string_lossy()).video_size(160, 90).fps(25)
}

/// What a session tells whose video device is this one, until it fails.
async fn failure_of(device: VideoDevice) -> Told {
    let folder = tempfile::tempdir().unwrap();
    let pusher = recording(&folder).video_source(move || device.clone()).build().unwrap();
    support::failure(&pusher).await
}

/// What a session tells whose microphone is this one, until it fails.
async fn failure_of_microphone(microphone: Microphone) -> Told {
    let folder = tempfile::tempdir().unwrap();
    let pusher =
        recording(&folder).video_source(camera).audio_source(move || microphone.clone()).build().unwrap();
    support::failure(&pusher).await
}

#[tokio::test]
async fn a_camera_opens_and_gives_its_first_picture_before_the_encoder_starts() {
    let folder = tempfile::tempdir().unwrap();
    let pusher =
        recording(&folder).video_source(camera).audio_source(|| Microphone::new(MONO)).build().unwrap();
    let told = support::run_for(&pusher, Duration::from_millis(500)).await;
    assert_order(&told.codes, &[1003, 1007, 1008]);
    assert_order(&told.codes, &[1001, 1002]);
    assert!(told.detail(1003).contains("scripted camera, 160×90"), "{told:?}");
    assert!(!told.codes.contains(&1004) && told.errors.is_empty(), "{told:?}");
}

#[tokio::test]
async fn a_screen_announces_its_capture_in_place_of_a_camera() {
    let folder = tempfile::tempdir().unwrap();
    let pusher = recording(&folder).video_source(screen).build().unwrap();
    let told = support::run_for(&pusher, Duration::from_millis(500)).await;
    assert_order(&told.codes, &[1004, 1007, 1008]);
    assert!(told.detail(1004).contains("160×90"), "{told:?}");
    assert!(!told.codes.contains(&1003), "{told:?}");
}

#[tokio::test]
async fn a_camera_that_cannot_be_opened_fails_the_session_and_says_why() {
    for (kind, why) in [(Busy, "another program"), (NotFound, "no such device"), (Disconnected, "went away")]
    {
        let told = failure_of(camera().refusing(kind)).await;
        assert_eq!(told.device_codes(), [-1301], "{kind:?}");
        assert!(told.detail(-1301).contains(why), "{told:?}");
        assert!(told.errors.is_empty(), "{told:?}");
    }
}

#[tokio::test]
async fn a_camera_that_the_system_denies_is_an_error_of_its_own() {
    let told = failure_of(camera().refusing(PermissionDenied)).await;
    assert_eq!((told.device_codes(), told.errors), (vec![-1301], vec![1001]));
}

#[tokio::test]
async fn a_microphone_that_the_system_denies_is_an_error_of_its_own() {
    let told = failure_of_microphone(Microphone::new(MONO).refusing(PermissionDenied)).await;
    assert!(told.codes.contains(&-1302) && told.errors == [1002], "{told:?}");
}

#[tokio::test]
async fn a_microphone_that_cannot_be_opened_fails_the_session_and_says_why() {
    for (kind, why) in [(Busy, "another program"), (NotFound, "no such device"), (Disconnected, "went away")]
    {
        let told = failure_of_microphone(Microphone::new(MONO).refusing(kind)).await;
        assert!(told.detail(-1302).contains(why), "{told:?}");
        assert!(told.errors.is_empty(), "{told:?}");
    }
}

#[tokio::test]
async fn a_size_that_the_camera_does_not_do_is_named_with_what_it_does() {
    let told = failure_of(camera().refusing(UnsupportedFormat)).await;
    assert_eq!(told.device_codes(), [-1305]);
    assert!(told.detail(-1305).contains("160×90"), "{told:?}");
}

#[tokio::test]
async fn a_sampling_rate_that_the_microphone_does_not_do_is_named_with_what_it_does() {
    let told = failure_of_microphone(Microphone::new(MONO).refusing(UnsupportedFormat)).await;
    assert!(told.detail(-1306).contains("48000 Hz"), "{told:?}");
}

#[tokio::test]
async fn a_screen_that_is_refused_or_not_supported_has_codes_of_its_own() {
    for kind in [PermissionDenied, Busy] {
        let told = failure_of(screen().refusing(kind)).await;
        assert_eq!((told.device_codes(), told.errors), (vec![-1308], vec![]), "{kind:?}");
    }
    assert_eq!(failure_of(screen().refusing(Unsupported)).await.device_codes(), [-1309]);
}

#[tokio::test]
async fn a_lone_camera_that_is_unplugged_ends_the_session_and_another_start_opens_it_again() {
    let folder = tempfile::tempdir().unwrap();
    let device = camera().after(12, VideoFault::Fails(Disconnected));
    let pusher = recording(&folder).video_source(move || device.clone()).build().unwrap();
    for _ in 0..2 {
        let told = support::failure(&pusher).await;
        assert_order(&told.codes, &[1003, 1007, 1008, -1301]);
        assert_eq!(pusher.state(), SessionState::Failed);
    }
}

#[tokio::test]
async fn a_screen_that_is_taken_away_or_cannot_turn_has_codes_of_its_own() {
    for (kind, code) in [(Disconnected, -1310), (Reconfiguration, -1312)] {
        let told = failure_of(screen().after(12, VideoFault::Fails(kind))).await;
        assert_order(&told.codes, &[1004, 1007, 1008, code]);
    }
}

#[tokio::test]
async fn a_screen_that_turns_goes_on_in_the_same_frame() {
    let folder = tempfile::tempdir().unwrap();
    let device = screen().after(10, VideoFault::Resizes(90, 160));
    let pusher = recording(&folder).video_source(move || device.clone()).build().unwrap();
    let told = support::run_for(&pusher, Duration::from_millis(1200)).await;
    assert!(told.codes.iter().all(|code| *code > 0), "{told:?}");
    let pictures = support::pictures(&folder.path().join("out.flv"));
    assert!(pictures.len() > 20 && pictures.iter().all(|size| *size == (160, 90)), "{pictures:?}");
}

#[tokio::test]
async fn the_sound_goes_on_under_the_last_picture_when_the_camera_is_unplugged() {
    let folder = tempfile::tempdir().unwrap();
    for (device, code) in [(camera(), -1301), (screen(), -1310)] {
        let device = device.after(25, VideoFault::Fails(Disconnected));
        let pusher = recording(&folder)
            .video_source(move || device.clone())
            .audio_source(|| Microphone::new(MONO))
            .build()
            .unwrap();
        let told = support::run_for(&pusher, Duration::from_millis(3000)).await;
        assert_eq!(told.count(code), 1, "{told:?}");
        let times: Vec<_> =
            support::decode(&folder.path().join("out.flv")).iter().map(|frame| frame.pts).collect();
        let last = times.last().unwrap().micros_since(times[0]);
        assert!(last > 2_000_000, "the picture stands for as long as the sound goes on: {times:?}");
        let longest = times.windows(2).map(|pair| pair[1].micros_since(pair[0])).max();
        assert!(longest < Some(500_000), "viewers do not wait for pictures: {times:?}");
    }
}

#[tokio::test]
async fn a_camera_that_was_unplugged_opens_again_after_a_pause() {
    let folder = tempfile::tempdir().unwrap();
    let mut plugged_in = 0;
    let plug_in = move || {
        plugged_in += 1;
        if plugged_in == 1 { camera().after(10, VideoFault::Fails(Disconnected)) } else { camera() }
    };
    let pusher =
        recording(&folder).video_source(plug_in).audio_source(|| Microphone::new(MONO)).build().unwrap();
    let mut events = pusher.events();
    pusher.start();
    support::wait_for(&mut events, PusherCode::CameraOpenFailed).await;
    assert!(pusher.pause());
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(pusher.resume());
    support::wait_for(&mut events, PusherCode::CameraOpened).await;
    assert_eq!(pusher.state(), SessionState::Running);
    pusher.stop().await;
    assert_eq!(pusher.finished().await, Ok(()));
}

#[tokio::test]
async fn auto_focus_is_set_at_the_device_and_does_not_matter_where_there_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let focus = Arc::new(AtomicBool::new(false));
    for wanted in [true, false] {
        focus.store(!wanted, Relaxed);
        let device = camera().with_auto_focus(Arc::clone(&focus));
        let mut config = PusherConfig::default();
        config.set("auto-focus", &wanted.to_string()).unwrap();
        let path = folder.path().join("out.flv");
        let pusher = LivePusher::builder(path.to_string_lossy())
            .config(config)
            .video_size(160, 90)
            .video_source(move || device.clone())
            .build()
            .unwrap();
        support::run_for(&pusher, Duration::from_millis(400)).await;
        assert_eq!(focus.load(Relaxed), wanted);
    }
    let pusher = recording(&folder).video_source(camera).build().unwrap();
    let told = support::run_for(&pusher, Duration::from_millis(400)).await;
    assert!(told.errors.is_empty() && told.codes.iter().all(|code| *code > 0), "{told:?}");
}
