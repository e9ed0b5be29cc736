//! Changing cameras while pushing, judged by what a receiver gets.

#[path = "support/cameras.rs"]
mod cameras;

use cameras::{Device, GreyCamera, packets, pictures, runs, unbroken, until};
use live_core::config::DevicePosition;
use live_core::state::SessionState;
use live_pusher::{Builder, ControlError, LivePusher};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

const FRONT: u8 = 180;
const BACK: u8 = 60;

fn two_cameras(path: &Path, front: &Arc<Device>, back: &Arc<Device>) -> Builder {
    let (front, back) = (Arc::clone(front), Arc::clone(back));
    LivePusher::builder(path.to_string_lossy())
        .video_size(320, 180)
        .fps(25)
        .video_source_for(DevicePosition::Front, move || {
            Ok(GreyCamera { device: Arc::clone(&front), luma: FRONT })
        })
        .video_source_for(DevicePosition::Back, move || {
            Ok(GreyCamera { device: Arc::clone(&back), luma: BACK })
        })
}

#[tokio::test]
async fn a_switch_of_cameras_leaves_no_gap() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("switch.flv");
    let (front, back) = (Arc::<Device>::default(), Arc::<Device>::default());
    let pusher = two_cameras(&path, &front, &back).build().unwrap();
    assert_eq!(pusher.switch_camera().await, Err(ControlError::NotRunning));
    pusher.start();
    until("running", || pusher.state() == SessionState::Running && front.is_open()).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    back.slow.store(600, SeqCst);
    let handle = pusher.handle();
    let switch = tokio::spawn(async move { handle.switch_camera().await });
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(pusher.switch_camera().await, Err(ControlError::Busy));
    assert_eq!(switch.await.unwrap(), Ok(DevicePosition::Back));
    assert!(back.is_open() && !front.is_open());
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(pusher.switch_camera().await, Ok(DevicePosition::Front));
    tokio::time::sleep(Duration::from_millis(300)).await;
    pusher.stop().await;
    let pictures = pictures(&packets(&path));
    let runs = runs(&pictures);
    assert!(runs.len() == 3 && runs[0].abs_diff(FRONT) <= 6 && runs[1].abs_diff(BACK) <= 6, "{runs:?}");
    unbroken(&pictures.iter().map(|(at, _)| *at).collect::<Vec<_>>(), 300);
}

#[tokio::test]
async fn a_camera_that_refuses_leaves_the_other_one_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("refused.flv");
    let (front, back) = (Arc::<Device>::default(), Arc::<Device>::default());
    back.refuses.store(true, SeqCst);
    let pusher = two_cameras(&path, &front, &back).build().unwrap();
    pusher.start();
    until("running", || pusher.state() == SessionState::Running && front.is_open()).await;
    let error = pusher.switch_camera().await.unwrap_err();
    assert!(matches!(&error, ControlError::Failed(reason) if reason.contains("another program")), "{error}");
    until("the first one is back", || front.is_open()).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(pusher.state(), SessionState::Running);
    pusher.stop().await;
}

#[tokio::test]
async fn one_camera_has_nothing_to_switch_to() {
    let folder = tempfile::tempdir().unwrap();
    let device = Arc::<Device>::default();
    let camera = Arc::clone(&device);
    let pusher = LivePusher::builder(folder.path().join("one.flv").to_string_lossy())
        .video_size(320, 180)
        .video_source(move || GreyCamera { device: Arc::clone(&camera), luma: FRONT })
        .build()
        .unwrap();
    pusher.start();
    until("open", || device.is_open()).await;
    assert!(matches!(pusher.switch_camera().await, Err(ControlError::Unsupported(_))));
    pusher.stop().await;
}
