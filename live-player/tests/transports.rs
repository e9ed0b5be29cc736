//! The ways to a server, and the codes that come out when they do not lead there.
#![cfg(all(feature = "embedded", feature = "tls"))]

mod support;
#[path = "../../live-transport/tests/support/tls.rs"]
mod tls;

use live_core::backoff::RetryPolicy;
use live_core::event::{Delivery, PlayerEvent};
use live_core::queue::{DropRule, PacketQueue, QueueLimits};
use live_core::{OutputCx, Packet, PlayerCode, Publisher, WireEpoch};
use live_player::{BuildError, Builder, LivePlayer};
use live_transport::net::relay::{Relay, RelayConfig};
use live_transport::net::rtmp::RtmpPublisher;
use std::sync::Arc;
use std::time::Duration;
use support::{codes, stream};
use tls::{Authority, Front};

fn player_of(src: String) -> Builder {
    LivePlayer::builder(src)
        .retry(RetryPolicy::doubling(Duration::from_millis(20)))
        .min_cache(Duration::from_millis(100))
}

/// Pushes a stream to a relay, in real time and without an end.
fn publish(relay: std::net::SocketAddr) {
    let queue = PacketQueue::new(QueueLimits::default());
    let mut reader = queue.reader(DropRule::default());
    let cx = OutputCx { events: Arc::new(|_| {}), counters: Arc::default(), epoch: WireEpoch::default() };
    let url = format!("rtmp://{relay}/live/x").parse().unwrap();
    tokio::spawn(async move { RtmpPublisher::default().publish(&url, &mut reader, &cx).await });
    tokio::spawn(async move {
        let packets: Vec<Packet> = stream(250, 0);
        let start = tokio::time::Instant::now();
        for packet in packets {
            let due = Duration::from_micros(packet.dts.as_micros().max(0).unsigned_abs());
            tokio::time::sleep_until(start + due).await;
            queue.push(packet);
        }
    });
}

#[tokio::test]
async fn rtmps_https_and_wss_play_from_a_server_whose_authority_is_trusted() {
    let any = "127.0.0.1:0".parse().unwrap();
    let relay = Relay::bind(RelayConfig::new(any).with_http(any)).await.unwrap();
    let (rtmp, http) = (relay.rtmp_addr(), relay.http_addr().unwrap());
    tokio::spawn(relay.run());
    publish(rtmp);
    let authority = Authority::new("ours");
    let rtmps = Front::start(authority.issue(&["127.0.0.1"], false), rtmp).await;
    let https = Front::start(authority.issue(&["127.0.0.1"], false), http).await;
    for src in [
        format!("rtmps://{}/live/x", rtmps.address),
        format!("https://{}/live/x.flv", https.address),
        format!("wss://{}/live/x.flv", https.address),
    ] {
        let player = player_of(src).tls_roots_pem(authority.pem.as_bytes()).build().unwrap();
        let mut events = player.events();
        player.start();
        let mut seen = Vec::new();
        let shown = async {
            while seen.last() != Some(&2004) {
                if let Some(Delivery::Event(PlayerEvent::State { code, .. })) = events.next().await {
                    seen.push(code.number());
                }
            }
        };
        let shown = tokio::time::timeout(Duration::from_secs(10), shown).await;
        assert!(shown.is_ok(), "{seen:?}");
        assert_eq!(seen[..2], [2001, 2002], "{seen:?}");
        player.stop().await;
    }
}

#[tokio::test]
async fn a_certificate_that_does_not_hold_is_3002_with_the_reason_and_final() {
    let any = "127.0.0.1:0".parse().unwrap();
    let relay = Relay::bind(RelayConfig::new(any)).await.unwrap();
    let rtmp = relay.rtmp_addr();
    tokio::spawn(relay.run());
    let authority = Authority::new("ours");
    let expired = Front::start(authority.issue(&["127.0.0.1"], true), rtmp).await;
    for scheme in ["rtmps", "https", "wss"] {
        let src = format!("{scheme}://{}/live/SECRETkey.flv", expired.address);
        let player = player_of(src).tls_roots_pem(authority.pem.as_bytes()).build().unwrap();
        let mut events = player.events();
        assert_eq!(codes(&player).await, [3002, -2301]);
        let told = std::iter::from_fn(|| events.try_next()).find_map(|delivery| match delivery {
            Delivery::Event(PlayerEvent::State { code: PlayerCode::ConnectFailed, detail }) => Some(detail),
            _ => None,
        });
        let told = told.unwrap();
        assert!(told.contains("expired") && !told.contains("SECRET"), "{told}");
    }
}

#[tokio::test]
async fn what_is_wrong_with_the_way_is_told_before_anything_opens() {
    let built = player_of("https://host/a.flv".into())
        .proxy("ftp://me:SECRET@proxy")
        .tls_roots_pem("SECRET")
        .header("Content-Length", "SECRET")
        .build();
    let Err(BuildError::Config(error)) = built else { panic!("it was built") };
    let names: Vec<_> = error.mistakes.iter().map(|mistake| mistake.attribute.as_str()).collect();
    assert_eq!(names, ["proxy", "tls-ca", "header"]);
    assert!(!format!("{error} {error:?}").contains("SECRET"), "{error}");
}
