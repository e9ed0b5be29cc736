//! What a connection that is shut or broken off does to the codes and the network status.

mod support;

use live_capture::pattern::{Pattern, PatternSpec, PatternStyle};
use live_core::backoff::RetryPolicy;
use live_core::conformance::scripted::Microphone;
use live_core::{AudioSpec, NetStatus, PusherCode};
use live_pusher::{Builder, LivePusher};
use live_transport::net::relay::{Relay, RelayConfig};
use std::time::Duration;
use support::valve::Valve;
use support::{PATIENCE, Told, wait_for};

const MONO: AudioSpec = AudioSpec { sample_rate: 48_000, channels: 1 };

/// A relay behind a valve, and a pusher to it that has much to send.
async fn behind_a_valve() -> (tokio::task::JoinHandle<()>, Valve, Builder) {
    let relay = Relay::bind(RelayConfig::new("127.0.0.1:0".parse().unwrap())).await.unwrap();
    let valve = Valve::before(relay.rtmp_addr());
    let server = tokio::spawn(async move {
        let _ = relay.run().await;
    });
    let spec = PatternSpec { style: PatternStyle::Noise, ..PatternSpec::new(320, 180, 25) };
    let builder = LivePusher::builder(format!("rtmp://{}/live/valve", valve.addr()))
        .video_size(320, 180)
        .fps(25)
        .bitrate(2000, 3000)
        .retry(RetryPolicy::doubling(Duration::from_millis(50)))
        .video_source(move || Pattern::new(spec))
        .audio_source(|| Microphone::new(MONO));
    (server, valve, builder)
}

/// The first status for which `is_so`.
async fn status(pusher: &LivePusher, is_so: impl Fn(&NetStatus) -> bool) -> NetStatus {
    let mut stream = pusher.net_status_stream();
    let found = tokio::time::timeout(PATIENCE, stream.wait_for(|status| is_so(status))).await;
    *found.unwrap_or_else(|_| panic!("{:?}", pusher.net_status())).unwrap()
}

#[tokio::test]
async fn a_server_that_takes_nothing_shows_in_caches_quality_and_drops() {
    let (server, valve, builder) = behind_a_valve().await;
    let pusher = builder.build().unwrap();
    let mut events = pusher.events();
    pusher.start();
    wait_for(&mut events, PusherCode::Publishing).await;
    status(&pusher, |status| status.net_quality_level == Some(1) && status.video_cache < 3).await;
    valve.shut();
    status(&pusher, |status| status.video_cache > 10 && status.audio_cache > 10).await;
    status(&pusher, |status| status.net_quality_level >= Some(4)).await;
    status(&pusher, |status| status.dropped_frames > 0).await;
    valve.open();
    let status =
        status(&pusher, |status| status.video_cache < 3 && status.net_quality_level == Some(1)).await;
    assert!(status.dropped_frames > 0, "what was dropped stays counted: {status:?}");
    pusher.stop().await;
    server.abort();
}

#[tokio::test]
async fn a_connection_that_is_reset_is_a_failed_write_and_is_made_again() {
    let (server, valve, builder) = behind_a_valve().await;
    let pusher = builder.build().unwrap();
    let mut events = pusher.events();
    let mut seen = pusher.events();
    pusher.start();
    wait_for(&mut events, PusherCode::Publishing).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    valve.slam();
    wait_for(&mut events, PusherCode::Reconnecting).await;
    valve.open();
    wait_for(&mut events, PusherCode::Publishing).await;
    pusher.stop().await;
    let mut told = Told::default();
    told.take(&mut seen);
    support::assert_order(&told.codes, &[1001, 1002, 3005, 1102, 1001, 1002]);
    server.abort();
}
