//! What the person in front of the camera sees of themselves.

#[path = "support/cameras.rs"]
mod cameras;

use live_core::config::{DevicePosition, LocalMirror};
use live_core::queue::FrameSender;
use live_core::{
    CaptureError, CaptureGuard, Color, PicturePool, Plane, PusherConfig, SessionClock, SinkError, SourceInfo,
    SourceKind, VideoFrame, VideoSink, VideoSource,
};
use live_pusher::{LivePusher, SnapshotOf};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// A camera that shows dark on the left and bright on the right.
struct TwoSided;

impl VideoSource for TwoSided {
    fn info(&self) -> SourceInfo {
        SourceInfo {
            kind: SourceKind::Camera,
            name: "two sides".into(),
            format: "320×180 I420, 25 fps".into(),
        }
    }

    fn start(
        self: Box<Self>,
        clock: SessionClock,
        out: FrameSender<VideoFrame>,
    ) -> Result<CaptureGuard, CaptureError> {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let mut picture = PicturePool::new().black(320, 180);
            picture.planes_mut()[0].chunks_exact_mut(320).for_each(|row| row[160..].fill(200));
            while !stopped.load(SeqCst)
                && out.send(VideoFrame::new(clock.at(Instant::now()), Color::BT601, picture.clone()))
            {
                std::thread::sleep(Duration::from_millis(40));
            }
        });
        Ok(CaptureGuard::over_thread(thread, move || stop.store(true, SeqCst)))
    }
}

/// Whether the bright side of a picture is the left one.
fn is_turned(frame: &VideoFrame) -> bool {
    let picture = frame.surface.to_i420(&PicturePool::new());
    let (width, luma) = (picture.width() as usize, picture.plane(Plane::Y));
    luma[width / 4] > luma[width * 3 / 4]
}

/// Keeps what it saw last.
struct Mirror(Arc<Mutex<Option<bool>>>);

impl VideoSink for Mirror {
    fn present(&mut self, frame: &VideoFrame) -> Result<(), SinkError> {
        *self.0.lock().unwrap() = Some(is_turned(frame));
        Ok(())
    }

    fn finish(&mut self) -> Result<(), SinkError> {
        Ok(())
    }
}

#[tokio::test]
async fn the_preview_is_mirrored_as_asked_and_the_stream_is_not() {
    use DevicePosition::{Back, Front};
    for (local_mirror, device_position, mirror, turned) in [
        (LocalMirror::Auto, Front, false, true),
        (LocalMirror::Auto, Back, false, false),
        (LocalMirror::Enable, Back, false, true),
        (LocalMirror::Disable, Front, false, false),
        (LocalMirror::Disable, Front, true, false),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let shown = Arc::<Mutex<Option<bool>>>::default();
        let seen = Arc::clone(&shown);
        let mut config = PusherConfig::default();
        (config.local_mirror, config.device_position, config.mirror) =
            (local_mirror, device_position, mirror);
        let pusher = LivePusher::builder(folder.path().join("mirror.flv").to_string_lossy())
            .config(config)
            .video_size(320, 180)
            .enable_mic(false)
            .video_source_for(device_position, || Ok(TwoSided))
            .preview(move || Mirror(Arc::clone(&seen)))
            .build()
            .unwrap();
        pusher.start();
        cameras::until("a picture is shown", || shown.lock().unwrap().is_some()).await;
        assert_eq!(shown.lock().unwrap().unwrap(), turned, "{local_mirror:?}, {device_position:?}, {mirror}");
        let stream = pusher.snapshot(SnapshotOf::Stream).await.unwrap();
        assert_eq!(is_turned(stream.frame()), mirror);
        pusher.stop().await;
    }
}
