//! Push the test pattern and its tone: `cargo run --example push_pattern -- rtmp://127.0.0.1/live/demo`

use live_capture::pattern::{Pattern, PatternSpec};
use live_capture::tone::Tone;
use live_core::AudioSpec;
use live_pusher::LivePusher;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = std::env::args().nth(1).unwrap_or_else(|| "pattern.flv".into());
    let pusher = LivePusher::builder(url)
        .video_size(640, 360)
        .fps(25)
        .video_source(|| Pattern::new(PatternSpec::new(640, 360, 25)))
        .audio_source(|| Tone::new(AudioSpec { sample_rate: 48_000, channels: 1 }))
        .build()?;
    let mut events = pusher.events();
    pusher.start();
    tokio::spawn(async move {
        while let Some(event) = events.next().await {
            println!("{event:?}");
        }
    });
    tokio::select! {
        result = pusher.finished() => result?,
        _ = tokio::signal::ctrl_c() => pusher.stop().await,
    }
    Ok(())
}
