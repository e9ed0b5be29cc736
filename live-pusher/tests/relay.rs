//! A pusher and a relay over real sockets: the network status is measured, not made up.

use live_capture::pattern::{Pattern, PatternSpec};
use live_capture::tone::Tone;
use live_core::AudioSpec;
use live_pusher::LivePusher;
use live_transport::net::relay::{Relay, RelayConfig};
use std::time::Duration;

#[tokio::test]
async fn every_field_of_the_net_status_has_a_value_while_pushing() {
    let relay = Relay::bind(RelayConfig::new("127.0.0.1:0".parse().unwrap())).await.unwrap();
    let url = format!("rtmp://{}/live/status", relay.rtmp_addr());
    let server = tokio::spawn(relay.run());
    let pusher = LivePusher::builder(url)
        .video_size(160, 90)
        .fps(20)
        .video_source(|| Pattern::new(PatternSpec::new(160, 90, 20)))
        .audio_source(|| Tone::new(AudioSpec { sample_rate: 48_000, channels: 1 }))
        .build()
        .unwrap();
    let mut stream = pusher.net_status_stream();
    pusher.start();
    // A GOP lasts two seconds: with the fifth report two key frames lie behind.
    for _ in 0..5 {
        tokio::time::timeout(Duration::from_secs(3), stream.changed()).await.expect("one a second").unwrap();
    }
    let status = pusher.net_status();
    assert!(status.video_bitrate > 0 && (40..90).contains(&status.audio_bitrate), "{status:?}");
    assert!((18.0..22.0).contains(&status.video_fps) && (1.9..2.1).contains(&status.video_gop), "{status:?}");
    assert!(status.net_speed >= status.video_bitrate + status.audio_bitrate - 20, "{status:?}");
    assert!(status.net_jitter > 0.0 && status.net_jitter < 50.0, "{status:?}");
    assert_eq!(status.rtt.is_some(), cfg!(target_os = "linux"), "{status:?}");
    assert_eq!((status.video_width, status.video_height, status.dropped_frames), (160, 90, 0), "{status:?}");
    pusher.stop().await;
    server.abort();
}
