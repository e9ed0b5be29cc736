//! The application's word before a device opens.

mod support;

use live_core::AudioSpec;
use live_core::conformance::scripted::{Microphone, VideoDevice};
use live_pusher::{Access, Builder, LivePusher};
use std::sync::{Arc, Mutex};
use std::time::Duration;

fn camera_and_microphone(folder: &tempfile::TempDir) -> Builder {
    LivePusher::builder(folder.path().join("out.flv").to_string_lossy())
        .video_size(160, 90)
        .video_source(|| VideoDevice::camera(160, 90, 25))
        .audio_source(|| Microphone::new(AudioSpec { sample_rate: 48_000, channels: 1 }))
}

#[tokio::test]
async fn a_no_of_the_application_is_the_error_of_the_device() {
    let folder = tempfile::tempdir().unwrap();
    for (denied, error, code) in [(Access::Camera, 1001, -1301), (Access::Microphone, 1002, -1302)] {
        let pusher =
            camera_and_microphone(&folder).authorise(move |access| access != denied).build().unwrap();
        let told = support::failure(&pusher).await;
        assert_eq!(told.errors, [error]);
        assert!(told.codes.contains(&code) && told.detail(code).contains("does not allow"), "{told:?}");
    }
}

#[tokio::test]
async fn every_opening_is_asked_about() {
    let folder = tempfile::tempdir().unwrap();
    let asked = Arc::<Mutex<Vec<Access>>>::default();
    let log = Arc::clone(&asked);
    let ask = move |access| {
        log.lock().unwrap().push(access);
        true
    };
    let pusher = camera_and_microphone(&folder).authorise(ask).build().unwrap();
    support::run_for(&pusher, Duration::from_millis(500)).await;
    let mut asked = asked.lock().unwrap().clone();
    asked.sort_by_key(|access| *access as usize);
    assert_eq!(asked, [Access::Camera, Access::Microphone]);
}
