//! The network status of a stream that comes in real time over a real socket, and what is told of an uneven one.
#![cfg(feature = "embedded")]

#[path = "support/served.rs"]
mod served;
mod support;

use live_core::event::PlayerEvent;
use live_core::{PacketKind, PlayerCode};
use live_player::LivePlayer;
use served::Served;
use std::time::Duration;
use support::{After, Connection, codes, count, player_of, stream, tone, until};

#[test]
fn every_field_of_the_network_status_is_measured() {
    let server = Served::start();
    let src = served::src("rtmp", server.address("rtmp"));
    let player = LivePlayer::builder(src).min_cache(Duration::from_millis(200)).build().unwrap();
    let waiting = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let changes = player.net_status_stream();
    player.start();
    // 64×48 at 25 pictures a second with a key frame every ten, and a tone at 64 kbit/s.
    waiting.block_on(until("a whole second is measured", || {
        let status = player.net_status();
        status.video_fps > 20.0 && status.audio_bitrate > 40
    }));
    let status = player.net_status();
    let told = format!("{status:?}");
    assert!(status.video_bitrate > 5 && status.audio_bitrate < 110, "{told}");
    assert!((20.0..30.0).contains(&status.video_fps), "{told}");
    assert!((status.video_gop - 0.4).abs() < 0.05, "{told}");
    let media = status.video_bitrate + status.audio_bitrate;
    assert!(status.net_speed >= media && status.net_speed < 3 * media + 50, "{told}");
    assert!(status.net_jitter < 500.0, "{told}");
    assert_eq!((status.video_width, status.video_height), (64, 48));
    assert!(changes.has_changed().unwrap(), "the stream of it tells too");
    let json = serde_json::to_value(status).unwrap();
    for name in [
        "videoBitrate",
        "audioBitrate",
        "videoFPS",
        "videoGOP",
        "netSpeed",
        "netJitter",
        "videoWidth",
        "videoHeight",
    ] {
        assert!(json.get(name).is_some(), "{name} is written as the specification does: {json}");
    }
    server.end();
    waiting.block_on(player.finished()).unwrap();
}

#[tokio::test]
async fn a_connection_that_brings_nothing_for_a_second_is_uneven_once() {
    let player = player_of([Connection::Brings(stream(10, 0), After::StaysOpen)]).build().unwrap();
    let mut events = player.events();
    player.start();
    let uneven = async {
        loop {
            let Some(delivery) = events.next().await else { continue };
            if let Some(PlayerEvent::State { code, detail }) = delivery.event()
                && code.number() == 2104
            {
                return detail;
            }
        }
    };
    let detail = tokio::time::timeout(Duration::from_secs(5), uneven).await.unwrap();
    assert!(detail.contains("no media for 1."), "{detail}");
    player.stop().await;
}

#[tokio::test]
async fn more_than_800_ms_between_two_pictures_are_a_stutter() {
    let is_picture = |packet: &live_core::Packet| packet.track == live_core::Track::Video;
    let is_config = |packet: &live_core::Packet| matches!(packet.kind, PacketKind::Config(_));
    let mut packets: Vec<_> = stream(10, 0).into_iter().filter(is_picture).collect();
    packets.extend(stream(10, 1500).into_iter().filter(|packet| is_picture(packet) && !is_config(packet)));
    packets.extend(tone(1900, 0));
    packets.sort_by_key(|packet| packet.dts);
    let player = player_of([Connection::Brings(packets, After::Ends)]).build().unwrap();
    let told = codes(&player).await;
    assert_eq!((count(&told, 2105), count(&told, 2007)), (1, 1), "{told:?}");
}

#[test]
fn fields_of_later_versions_are_measured_too() {
    let server = Served::start();
    let src = served::src("rtmp", server.address("rtmp"));
    let player = LivePlayer::builder(src).min_cache(Duration::from_millis(400)).build().unwrap();
    let waiting = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    player.start();
    waiting.block_on(until("sound and picture have been shown for a while", || {
        player.net_status().video_fps > 20.0 && player.net_status().av_offset.is_some()
    }));
    let status = player.net_status();
    let told = format!("{status:?}");
    assert!((100..3000).contains(&status.video_cache) && (100..3000).contains(&status.audio_cache), "{told}");
    assert!(status.net_quality_level.is_some_and(|level| (1..=6).contains(&level)), "{told}");
    assert!(status.av_offset.is_some_and(|millis| millis.abs() < 60.0), "{told}");
    // The kernel tells it here.
    assert_eq!(status.rtt.is_some(), cfg!(target_os = "linux"), "{told}");
    assert!(status.dropped_frames < 25, "{told}");
    server.end();
    waiting.block_on(player.finished()).unwrap();
}

#[tokio::test]
async fn the_position_is_told_once_a_second() {
    let player = player_of([Connection::Brings(stream(90, 0), After::Ends)]).build().unwrap();
    let mut events = player.events();
    player.start();
    player.finished().await.unwrap();
    let told = std::iter::from_fn(|| events.try_next()).filter_map(live_core::event::Delivery::event);
    let position = |event| match event {
        PlayerEvent::State { code: PlayerCode::Progress, detail } => Some(detail),
        _ => None,
    };
    let positions: Vec<f64> =
        told.filter_map(position).map(|detail| detail.split(' ').next().unwrap().parse().unwrap()).collect();
    assert_eq!(positions.len(), 3, "{positions:?}");
    let steps = positions.iter().zip([1.0, 2.0, 3.0]);
    assert!(steps.into_iter().all(|(told, expected)| (told - expected).abs() < 0.3), "2005 of {positions:?}");
}
