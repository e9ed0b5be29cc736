//! FFmpeg as the independent peer: it publishes to the relay and plays from it, and takes and serves a stream itself.
#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]
#![cfg(feature = "relay")]

mod support;

use live_core::{Outcome, Packet, Subscriber, Track};
use live_transport::net::rtmp::RtmpSubscriber;
use std::time::Duration;
use support::ffmpeg::*;
use support::*;
use tokio::time::{sleep, timeout};

#[tokio::test]
async fn ffmpeg_publishes_to_the_relay_and_plays_from_it_over_rtmp_and_http() {
    let relay = RunningRelay::start().await;
    let (_, expected) = clip().await;
    assert_eq!(expected.len(), PICTURES);
    let (rtmp, http) = (relay.rtmp_url("a"), relay.http_url("a"));
    let plays: Vec<_> = [&rtmp, &http]
        .map(|url| ffmpeg(["-i", url.as_str()].into_iter().chain(HASHES).chain(["pipe:1"])))
        .into_iter()
        .collect();
    // Both wait for a publisher.
    sleep(Duration::from_millis(1000)).await;
    let push = ffmpeg(["-re"].into_iter().chain(PATTERN).chain([rtmp.as_str()]));
    for play in plays {
        assert_eq!(pictures(&output(play).await), expected);
    }
    output(push).await;
}

#[tokio::test]
async fn ffmpeg_as_a_server_takes_what_we_publish() {
    let (packets, expected) = clip().await;
    let url = format!("rtmp://127.0.0.1:{}/live/a", free_port());
    // It calls every end of a stream an error, also after publications of its own.
    let server = ffmpeg(
        ["-v", "fatal", "-listen", "1", "-i", url.as_str()].into_iter().chain(HASHES).chain(["pipe:1"]),
    );
    let outcome = publish_when_up(&url, packets).await;
    assert!(matches!(outcome, Outcome::Ended), "{outcome:?}");
    assert_eq!(pictures(&output(server).await), expected);
}

#[tokio::test]
async fn ffmpeg_plays_what_we_publish_through_the_relay() {
    let relay = RunningRelay::start().await;
    let (packets, expected) = clip().await;
    let url = relay.rtmp_url("a");
    let play = ffmpeg(["-i", url.as_str()].into_iter().chain(HASHES).chain(["pipe:1"]));
    sleep(Duration::from_millis(1000)).await;
    let outcome = publish_when_up(&url, packets).await;
    assert!(matches!(outcome, Outcome::Ended), "{outcome:?}");
    assert_eq!(pictures(&output(play).await), expected);
}

#[tokio::test]
async fn we_play_what_ffmpeg_publishes_to_the_relay() {
    let relay = RunningRelay::start().await;
    let (packets, _) = clip().await;
    let url = relay.rtmp_url("a");
    let push = ffmpeg(["-re"].into_iter().chain(PATTERN).chain([url.as_str()]));
    let (mut sink, mut received) = sink();
    let events = Events::default();
    let subscriber = RtmpSubscriber::default();
    let outcome =
        timeout(PATIENCE, subscriber.play(&url.parse().unwrap(), &mut sink, &subscription_cx(&events))).await;
    assert!(matches!(outcome, Ok(Outcome::Ended)), "{outcome:?}");
    drop(sink);
    let mut got = Vec::new();
    while let Some(packet) = received.recv().await {
        got.push(bare(packet));
    }
    let of = |packets: &[Packet], track| -> Vec<_> {
        let units = packets.iter().filter(|p| p.track == track && is_media(p));
        units.map(|p| (p.pts, p.dts, p.data.clone())).collect()
    };
    for track in [Track::Video, Track::Audio] {
        assert_eq!(of(&got, track).len(), of(&packets, track).len());
        assert!(of(&got, track) == of(&packets, track), "{track:?} differs");
    }
    output(push).await;
}
