//! Bring your own source: a picture that slowly changes its brightness, into `own_source.flv`.

use live_core::{CaptureError, CaptureGuard, Color, PicturePool, SessionClock, SourceInfo, SourceKind};
use live_core::{VideoFrame, VideoSource};
use live_pusher::LivePusher;
use std::sync::mpsc;
use std::time::{Duration, Instant};

type Frames = live_core::queue::FrameSender<VideoFrame>;

struct Dusk;

impl VideoSource for Dusk {
    fn info(&self) -> SourceInfo {
        SourceInfo { kind: SourceKind::Generated, name: "dusk".into(), format: "640×360".into() }
    }

    fn start(self: Box<Self>, clock: SessionClock, out: Frames) -> Result<CaptureGuard, CaptureError> {
        let (stop, stopped) = mpsc::channel::<()>();
        let pool = PicturePool::new();
        let thread = std::thread::spawn(move || {
            // Dropping `stop` ends the wait with another error than a timeout.
            while stopped.recv_timeout(Duration::from_millis(40)) == Err(mpsc::RecvTimeoutError::Timeout) {
                let (pts, mut picture) = (clock.at(Instant::now()), pool.black(640, 360));
                picture.planes_mut()[0].fill((pts.as_millis() / 20 % 220) as u8 + 16);
                out.send(VideoFrame::new(pts, Color::BT601, picture));
            }
        });
        Ok(CaptureGuard::over_thread(thread, move || drop(stop)))
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let pusher = LivePusher::builder("own_source.flv").video_source(|| Dusk).build()?;
    pusher.start();
    tokio::time::sleep(Duration::from_secs(5)).await;
    pusher.stop().await;
    Ok(())
}
