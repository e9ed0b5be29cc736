//! Push a media file, again and again: `cargo run --example push_file -- clip.mp4 rtmp://127.0.0.1/live/demo`

use live_core::config::Mode;
use live_pusher::LivePusher;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(file), Some(url)) = (args.next(), args.next()) else {
        return Err("usage: push_file FILE URL".into());
    };
    let pusher = LivePusher::builder(url)
        .mode(Mode::Fhd)
        .video_size(1280, 720)
        .fps(30)
        .bitrate(500, 2500)
        .input_file(file)
        .looping(true)
        .build()?;
    let mut status = pusher.net_status_stream();
    pusher.start();
    loop {
        tokio::select! {
            result = pusher.finished() => return Ok(result?),
            _ = status.changed() => println!("{:?}", *status.borrow_and_update()),
            _ = tokio::signal::ctrl_c() => pusher.stop().await,
        }
    }
}
