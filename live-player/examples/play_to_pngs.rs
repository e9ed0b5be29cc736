//! Plays a stream and writes a picture a second: `play_to_pngs SRC DIRECTORY`.

use live_player::LivePlayer;
use live_player::core::event::PlayerEvent;
use live_player::sink::Snapshots;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(src), Some(directory)) = (args.next(), args.next()) else {
        return Err("usage: play_to_pngs SRC DIRECTORY".into());
    };
    let player = LivePlayer::builder(src).video_sink(move || Snapshots::new(&directory).every(25)).build()?;
    let mut events = player.events();
    player.start();
    let end = player.finished();
    tokio::pin!(end);
    loop {
        tokio::select! {
            result = &mut end => return Ok(result?),
            Some(delivery) = events.next() => match delivery.event() {
                Some(PlayerEvent::State { code, detail }) => println!("{code} {detail}"),
                other => println!("{other:?}"),
            },
        }
    }
}
