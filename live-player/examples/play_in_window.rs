//! Plays a stream in a window with sound, until it ends or the window is closed.
//!
//! `cargo run -p live-player --features native --example play_in_window -- rtmp://127.0.0.1/live/demo`

use live_player::LivePlayer;
use live_player::sink::Speaker;
use live_player::sink::window::{self, WindowOptions};

type Problem = Box<dyn std::error::Error + Send + Sync>;

fn main() -> Result<(), Problem> {
    let url = std::env::args().nth(1).ok_or("which stream?")?;
    // The windows' loop wants the main thread; what is given to it runs on another one.
    window::run(move |host| {
        let window = host.open(WindowOptions::new("live-player").picture_size())?;
        let player = LivePlayer::builder(url)
            .window(&window)
            .audio_sink(|| Speaker::new().or_unheard(|error| eprintln!("no sound: {error}")))
            .build()?;
        player.start();
        Ok(tokio::runtime::Runtime::new()?.block_on(player.finished())?)
    })
}
