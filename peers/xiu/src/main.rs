//! Pushes the pattern with its tone to the server of the crate `rtmp`, in this process, and plays it back.
//!
//! Exits 0 when every picture that came out carries a readable stamp, the numbers are without a gap, and sound came.

use live_capture::pattern::{self, Pattern, PatternSpec, Stamp};
use live_capture::tone::Tone;
use live_core::{AudioSpec, PicturePool, VideoFrame};
use live_player::LivePlayer;
use live_player::sink::{Callback, WavFile};
use live_pusher::LivePusher;
use live_transport::net::connect::Deadlines;
use rtmp::rtmp::RtmpServer;
use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use streamhub::StreamsHub;
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

/// Pictures per second.
const RATE: u32 = 25;
/// How long is pushed before the viewer comes, so that it comes late.
const LATE: Duration = Duration::from_millis(1500);
/// How long both run.
const LENGTH: Duration = Duration::from_secs(5);
/// The longest a clean stop may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// Groups of pictures the server keeps for new viewers.
const CACHED_GROUPS: usize = 1;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let address = serve().await?;
    let url = format!("rtmp://{address}/live/pattern");

    let pusher = LivePusher::builder(url.clone())
        .video_size(640, 360)
        .fps(RATE)
        .video_source(|| Pattern::new(PatternSpec::new(640, 360, RATE)))
        .audio_source(|| Tone::new(AudioSpec { sample_rate: 48_000, channels: 1 }))
        // This server takes a publisher's ping for an error and hangs up.
        .deadlines(Deadlines { pings: false, ..Deadlines::default() })
        .build()?;
    pusher.start();
    sleep(LATE).await;

    let stamps = Arc::new(Mutex::new(Vec::new()));
    let sound = std::env::temp_dir().join(format!("xiu-peer-{}.wav", std::process::id()));
    let player = LivePlayer::builder(url)
        .record_pictures({
            let stamps = Arc::clone(&stamps);
            move || reader(&stamps)
        })
        .record_sound({
            let sound = sound.clone();
            move || WavFile::new(&sound)
        })
        .build()?;
    player.start();
    sleep(LENGTH).await;
    timeout(PATIENCE, player.stop()).await?;
    timeout(PATIENCE, pusher.stop()).await?;
    player.finished().await?;
    pusher.finished().await?;

    let bytes_of_sound = std::fs::metadata(&sound).map(|file| file.len()).unwrap_or(0);
    let _ = std::fs::remove_file(&sound);
    let stamps = std::mem::take(&mut *stamps.lock().unwrap_or_else(PoisonError::into_inner));
    println!("{}", judge(&stamps, bytes_of_sound)?);
    Ok(())
}

/// Runs the server until this process ends.
async fn serve() -> Result<SocketAddr, Box<dyn Error>> {
    let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
    let (events, consumer) = mpsc::unbounded_channel();
    let mut hub = StreamsHub::new(None, events.clone(), consumer);
    let mut server = RtmpServer::new(address.to_string(), events, CACHED_GROUPS, None, None);
    tokio::spawn(async move { hub.run().await });
    tokio::spawn(async move { server.run().await });
    while tokio::net::TcpStream::connect(address).await.is_err() {
        sleep(Duration::from_millis(10)).await;
    }
    Ok(address)
}

/// A sink that reads the stamps of pictures.
fn reader(stamps: &Arc<Mutex<Vec<Option<Stamp>>>>) -> Callback<impl FnMut(&VideoFrame) + Send + use<>> {
    let (stamps, pool) = (Arc::clone(stamps), PicturePool::new());
    Callback::new(move |frame: &VideoFrame| {
        let stamp = pattern::read_stamp(&frame.surface.to_i420(&pool));
        stamps.lock().unwrap_or_else(PoisonError::into_inner).push(stamp);
    })
}

fn judge(stamps: &[Option<Stamp>], bytes_of_sound: u64) -> Result<String, String> {
    let numbers: Vec<u32> = stamps.iter().flatten().map(|stamp| stamp.frame).collect();
    let gaps = numbers.windows(2).filter(|pair| pair[1] != pair[0].wrapping_add(1)).count();
    let seconds = bytes_of_sound as f64 / (48_000.0 * 2.0);
    let figures = format!(
        "{} pictures, {} with a readable stamp, {gaps} gaps, {seconds:.1} s of sound",
        stamps.len(),
        numbers.len()
    );
    let enough = LENGTH.as_secs() as usize / 2 * RATE as usize;
    let is_good = numbers.len() == stamps.len()
        && numbers.len() >= enough
        && gaps == 0
        && seconds >= LENGTH.as_secs_f64() / 2.0;
    if is_good { Ok(figures) } else { Err(figures) }
}
