//! Messages and wall-clock stamps, from the pusher through a server to the player.

#[path = "support/cameras.rs"]
mod cameras;

use cameras::until;
use live_capture::pattern::{Pattern, PatternSpec};
use live_core::event::{Delivery, PlayerEvent};
use live_core::state::SessionState;
use live_player::LivePlayer;
use live_pusher::{Builder, LivePusher, MessageError};
use live_transport::net::relay::{Relay, RelayConfig};
use std::process::Command;
use std::time::Duration;

fn pattern_to(url: &str) -> Builder {
    LivePusher::builder(url)
        .video_size(320, 180)
        .fps(25)
        .video_source(|| Pattern::new(PatternSpec::new(320, 180, 25)))
}

#[tokio::test]
async fn a_message_arrives_at_the_player_with_its_picture_and_the_stamp_gives_the_latency() {
    let relay = Relay::bind(RelayConfig::new("127.0.0.1:0".parse().unwrap())).await.unwrap();
    let url = format!("rtmp://{}/live/messages", relay.rtmp_addr());
    let server = tokio::spawn(relay.run());
    let pusher = pattern_to(&url).wall_clock(true).build().unwrap();
    pusher.start();
    until("running", || pusher.state() == SessionState::Running).await;
    let player = LivePlayer::builder(&url).build().unwrap();
    let mut events = player.events();
    player.start();
    until("playing", || player.state() == SessionState::Running).await;
    // Zeros are what a start code is made of.
    let sent = [b"hello".to_vec(), vec![0; 2048], "第三条".as_bytes().to_vec()];
    for message in &sent {
        pusher.send_message(message.clone()).unwrap();
    }
    let received = async {
        let mut received = Vec::new();
        while received.len() < sent.len() {
            if let Some(Delivery::Event(PlayerEvent::Message { data, .. })) = events.next().await {
                received.push(data.to_vec());
            }
        }
        received
    };
    let received = tokio::time::timeout(Duration::from_secs(10), received).await.expect("they arrive");
    assert_eq!(received, sent);
    let latency = player.latency_micros().expect("the stream is stamped");
    assert!((0..5_000_000).contains(&latency), "{latency} µs on one machine");
    player.stop().await;
    pusher.stop().await;
    server.abort();
}

#[tokio::test]
async fn what_cannot_be_sent_is_refused_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("limits.flv");
    let pusher = pattern_to(&path.to_string_lossy()).build().unwrap();
    assert_eq!(pusher.send_message("early"), Err(MessageError::NotRunning));
    pusher.start();
    until("running", || pusher.state() == SessionState::Running).await;
    assert_eq!(pusher.send_message(""), Err(MessageError::Empty));
    assert_eq!(pusher.send_message(vec![1; 2049]), Err(MessageError::TooLong(2049)));
    // The connection may stand before the video worker has begun.
    until("the first one is taken", || pusher.send_message("first").is_ok()).await;
    // Far more at once than pictures can take away.
    let results: Vec<_> = (0..200).map(|number| pusher.send_message(format!("{number}"))).collect();
    assert!(results[..31].iter().all(Result::is_ok));
    assert!(results.contains(&Err(MessageError::Full)));
    pusher.stop().await;
    assert_eq!(pusher.send_message("late"), Err(MessageError::NotRunning));
}

#[tokio::test]
async fn other_decoders_do_not_mind() {
    if Command::new("ffmpeg").arg("-version").output().is_err() {
        eprintln!("ffmpeg is not installed: its judgement is left out");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("judged.flv");
    let pusher = pattern_to(&path.to_string_lossy()).wall_clock(true).build().unwrap();
    pusher.start();
    until("running", || pusher.state() == SessionState::Running).await;
    for number in 0..10u8 {
        let _ = pusher.send_message(vec![number % 4; 700]);
        tokio::time::sleep(Duration::from_millis(80)).await;
    }
    pusher.stop().await;
    let output = Command::new("ffmpeg")
        .args(["-v", "warning", "-xerror", "-i"])
        .arg(&path)
        .args(["-f", "null", "-"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.is_empty(), "{said}");
    assert!(cameras::pictures(&cameras::packets(&path)).len() >= 15);
}
