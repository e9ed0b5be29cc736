//! Bring your own effect: a pattern with its lower third darkened, as a ground for captions, into `own_effect.flv`.

use live_capture::pattern::{Pattern, PatternSpec};
use live_core::pixels::color::Coefficients;
use live_core::{EffectError, PicturePool, Plane, VideoEffect, VideoFrame};
use live_pusher::LivePusher;
use std::time::Duration;

struct Caption;

impl VideoEffect for Caption {
    fn name(&self) -> &str {
        "caption"
    }

    fn apply(&mut self, frame: &mut VideoFrame, pool: &PicturePool) -> Result<(), EffectError> {
        let black = Coefficients::of(frame.color).black as u8;
        let picture = frame.make_i420(pool);
        let first = picture.height() as usize * 2 / 3 * picture.stride(Plane::Y);
        let [luma, ..] = picture.planes_mut();
        for sample in &mut luma[first..] {
            *sample = black + sample.saturating_sub(black) / 2;
        }
        Ok(())
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let pusher = LivePusher::builder("own_effect.flv")
        .video_source(|| Pattern::new(PatternSpec::new(360, 640, 15)))
        .video_effect(|| Caption)
        .build()?;
    pusher.start();
    tokio::time::sleep(Duration::from_secs(5)).await;
    pusher.stop().await;
    Ok(())
}
