//! Into the background and back, judged by what a receiver gets.

#[path = "support/cameras.rs"]
mod cameras;

use cameras::{Device, GreyCamera, packets, pictures, runs, unbroken, until};
use live_capture::tone::Tone;
use live_core::event::{Delivery, EventStream, PusherEvent};
use live_core::state::SessionState;
use live_core::{AudioSpec, PacketKind, PusherConfig};
use live_pusher::{Builder, LivePusher};
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

const CAMERA: u8 = 180;
const IMAGE: u8 = 90;

fn config(change: impl FnOnce(&mut PusherConfig)) -> PusherConfig {
    let mut config = PusherConfig::default();
    (config.video_width, config.video_height) = (Some(320), Some(180));
    config.fps = 25;
    change(&mut config);
    config
}

fn camera_to(path: &Path, config: PusherConfig, device: &Arc<Device>) -> Builder {
    let device = Arc::clone(device);
    LivePusher::builder(path.to_string_lossy())
        .config(config)
        .video_source(move || GreyCamera { device: Arc::clone(&device), luma: CAMERA })
        .audio_source(|| Tone::new(AudioSpec { sample_rate: 48_000, channels: 1 }))
}

/// A grey PNG of the stream's shape, in limited-range terms of luma `IMAGE`.
fn waiting_image(folder: &Path) -> PathBuf {
    let grey = ((f64::from(IMAGE) - 16.0) * 255.0 / 219.0).round() as u8;
    let mut file = Cursor::new(Vec::new());
    image::RgbImage::from_pixel(160, 90, image::Rgb([grey; 3]))
        .write_to(&mut file, image::ImageFormat::Png)
        .unwrap();
    let path = folder.join("waiting.png");
    std::fs::write(&path, file.into_inner()).unwrap();
    path
}

fn near(found: &[u8], expected: &[u8]) -> bool {
    found.len() == expected.len() && found.iter().zip(expected).all(|(a, b)| a.abs_diff(*b) <= 6)
}

fn errors(events: &mut EventStream<PusherEvent>) -> Vec<i32> {
    std::iter::from_fn(|| events.try_next())
        .filter_map(|delivery| match delivery {
            Delivery::Event(PusherEvent::Error { code, .. }) => Some(i32::from(code)),
            _ => None,
        })
        .collect()
}

#[tokio::test]
async fn a_receiver_sees_the_waiting_image_and_then_the_camera_in_one_unbroken_stream() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("background.flv");
    let device = Arc::<Device>::default();
    let config = config(|config| config.waiting_image = Some(waiting_image(folder.path())));
    let pusher = camera_to(&path, config, &device).build().unwrap();
    assert!(!pusher.pause(), "there is nothing to pause");
    pusher.start();
    until("running", || pusher.state() == SessionState::Running && device.is_open()).await;
    tokio::time::sleep(Duration::from_millis(600)).await;

    assert!(pusher.set_background(true));
    assert!(!pusher.pause(), "once is enough");
    assert_eq!(pusher.state(), SessionState::Paused);
    until("the camera is closed", || !device.is_open()).await;
    tokio::time::sleep(Duration::from_millis(2600)).await;
    assert_eq!(device.opened.load(SeqCst), 1, "and stays closed");

    // A camera that takes its time: the image stays until its first picture.
    device.slow.store(500, SeqCst);
    assert!(pusher.resume());
    assert!(!pusher.resume());
    assert_eq!(pusher.state(), SessionState::Running);
    until("the camera is open again", || device.is_open()).await;
    tokio::time::sleep(Duration::from_millis(600)).await;
    pusher.stop().await;
    assert_eq!(pusher.finished().await, Ok(()));
    assert!(!device.is_open());

    let packets = packets(&path);
    let pictures = pictures(&packets);
    assert!(near(&runs(&pictures), &[CAMERA, IMAGE, CAMERA]), "{:?}", runs(&pictures));
    let times: Vec<_> = pictures.iter().map(|(at, _)| *at).collect();
    unbroken(&times, 300);
    let image: Vec<_> = pictures.iter().filter(|(_, luma)| luma.abs_diff(IMAGE) <= 6).collect();
    let span = image[image.len() - 1].0.micros_since(image[0].0) as f64 / 1e6;
    let rate = (image.len() - 1) as f64 / span;
    assert!((4.0..=5.5).contains(&rate), "{rate} images per second");
    let keys: Vec<_> =
        packets.iter().filter(|packet| packet.kind == PacketKind::Key).map(|key| key.pts).collect();
    let longest = keys.windows(2).map(|pair| pair[1].as_millis() - pair[0].as_millis()).max();
    assert!(
        longest.is_some_and(|gap| gap <= 2500),
        "a viewer who joins waits no longer than before: {keys:?}"
    );
    let sound: Vec<_> =
        packets.iter().filter(|packet| packet.kind == PacketKind::Audio).map(|packet| packet.pts).collect();
    unbroken(&sound, 60);
}

#[tokio::test]
async fn without_an_image_it_is_black_and_after_the_limit_the_stream_ends_cleanly() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("forgotten.flv");
    let device = Arc::<Device>::default();
    let config = config(|config| config.background_limit = 1);
    let pusher = camera_to(&path, config, &device).build().unwrap();
    pusher.start();
    until("running", || pusher.state() == SessionState::Running && device.is_open()).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    pusher.pause();
    let ended = tokio::time::timeout(Duration::from_secs(5), pusher.finished()).await;
    assert_eq!(ended.expect("the limit holds"), Ok(()));
    assert_eq!(pusher.state(), SessionState::Stopped);
    let pictures = pictures(&packets(&path));
    assert!(near(&runs(&pictures), &[CAMERA, 16]), "{:?}", runs(&pictures));
    assert!(pusher.start(), "and it may start again, in the foreground");
    assert!(!pusher.is_paused());
    until("the camera is open", || device.is_open()).await;
    pusher.stop().await;
}

#[tokio::test]
async fn a_session_that_goes_away_before_its_camera_opens_shows_the_image_until_it_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("early.flv");
    let device = Arc::<Device>::default();
    let config = config(|config| config.waiting_image = Some(waiting_image(folder.path())));
    let pusher = camera_to(&path, config, &device).build().unwrap();
    pusher.start();
    assert!(pusher.pause(), "also while opening");
    tokio::time::sleep(Duration::from_millis(700)).await;
    assert!(!device.is_open());
    assert_eq!(pusher.state(), SessionState::Paused);
    pusher.resume();
    until("the camera is open", || device.is_open()).await;
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert_eq!(pusher.state(), SessionState::Running);
    pusher.stop().await;
    let pictures = pictures(&packets(&path));
    assert!(near(&runs(&pictures), &[IMAGE, CAMERA]), "{:?}", runs(&pictures));
}

#[tokio::test]
async fn a_camera_that_does_not_come_back_is_told_and_ends_the_session() {
    let folder = tempfile::tempdir().unwrap();
    let device = Arc::<Device>::default();
    let pusher = camera_to(&folder.path().join("gone.flv"), config(|_| {}), &device).build().unwrap();
    pusher.start();
    until("running", || pusher.state() == SessionState::Running && device.is_open()).await;
    pusher.pause();
    until("the camera is closed", || !device.is_open()).await;
    device.refuses.store(true, SeqCst);
    pusher.resume();
    let failure = tokio::time::timeout(Duration::from_secs(5), pusher.finished()).await.unwrap().unwrap_err();
    assert_eq!(failure.code.map(i32::from), Some(-1301));
}

#[tokio::test]
async fn a_waiting_image_that_cannot_be_used_is_an_error_before_anything_is_sent() {
    let folder = tempfile::tempdir().unwrap();
    let image = waiting_image(folder.path());
    for (image, md5) in [(image, Some("0".repeat(32))), (folder.path().join("missing.png"), None)] {
        let path = folder.path().join("never.flv");
        let device = Arc::<Device>::default();
        let config = config(|config| {
            (config.waiting_image, config.waiting_image_md5) = (Some(image), md5);
        });
        let pusher = camera_to(&path, config, &device).build().unwrap();
        let mut events = pusher.events();
        pusher.start();
        assert!(pusher.finished().await.is_err());
        assert_eq!(errors(&mut events), [10004]);
        assert_eq!((pusher.state(), device.opened.load(SeqCst)), (SessionState::Failed, 0));
        assert!(!path.exists(), "nothing was written");
    }
}

#[tokio::test]
async fn a_file_runs_on_unseen_while_in_the_background() {
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("input.flv");
    let device = Arc::<Device>::default();
    let recorder = camera_to(&input, config(|_| {}), &device).build().unwrap();
    recorder.start();
    until("running", || device.is_open()).await;
    tokio::time::sleep(Duration::from_millis(800)).await;
    recorder.stop().await;

    let output = folder.path().join("output.flv");
    let config = config(|config| config.waiting_image = Some(waiting_image(folder.path())));
    let builder = LivePusher::builder(output.to_string_lossy()).config(config);
    let pusher = builder.input_file(&input).looping(true).build().unwrap();
    pusher.start();
    until("running", || pusher.state() == SessionState::Running).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    pusher.pause();
    tokio::time::sleep(Duration::from_millis(700)).await;
    pusher.resume();
    tokio::time::sleep(Duration::from_millis(500)).await;
    pusher.stop().await;
    let pictures = pictures(&packets(&output));
    assert!(near(&runs(&pictures), &[CAMERA, IMAGE, CAMERA]), "{:?}", runs(&pictures));
    unbroken(&pictures.iter().map(|(at, _)| *at).collect::<Vec<_>>(), 300);
}
