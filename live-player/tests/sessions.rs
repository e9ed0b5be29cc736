//! The facade, from start to end, over a scripted connection.
#![cfg(feature = "embedded")]

mod support;

use bytes::Bytes;
use live_core::state::SessionState;
use live_core::{Codec, Packet, Timestamp, TransportErrorKind};
use live_player::{BuildError, LivePlayer};
use std::time::Duration;
use support::{After, Connection, codes, count, noting, pictures, player_of, stream, tone};

/// Where `code` came first.
fn place(codes: &[i32], code: i32) -> usize {
    codes.iter().position(|found| *found == code).unwrap_or_else(|| panic!("no {code} in {codes:?}"))
}

#[tokio::test]
async fn a_stream_is_played_in_order_and_its_codes_come_in_theirs() {
    let (builder, shown) = noting(player_of([Connection::Brings(stream(25, 0), After::Ends)]));
    let player = builder.build().unwrap();
    let codes = codes(&player).await;
    let order: Vec<usize> = [2001, 2002, 2003, 2008, 2009, 2004, 2006].map(|code| place(&codes, code)).into();
    assert!(order.is_sorted(), "{codes:?}");
    assert!(place(&codes, 2007) > place(&codes, 2002));
    assert_eq!(codes.len(), 8, "each once, and nothing else: {codes:?}");
    assert_eq!(player.state(), SessionState::Stopped);
    let shown = shown.lock().unwrap();
    assert_eq!(shown[0], 0);
    assert!(shown.is_sorted() && shown.len() >= 20, "{shown:?}");
    let picture = player.snapshot().unwrap();
    assert_eq!((picture.width(), picture.height()), (64, 48));
}

#[tokio::test]
async fn a_server_that_is_not_there_is_tried_three_times_more() {
    let player = player_of([Connection::Fails(TransportErrorKind::Connect)]).build().unwrap();
    assert_eq!(codes(&player).await, [3002, 2103, 3002, 2103, 3002, 2103, 3002, -2301]);
    assert_eq!(player.state(), SessionState::Failed);
    assert_eq!(player.finished().await.unwrap_err().code.map(i32::from), Some(-2301));
}

#[tokio::test]
async fn a_refused_token_is_final() {
    let player = player_of([Connection::Fails(TransportErrorKind::HttpStatus(403))]).build().unwrap();
    assert_eq!(codes(&player).await, [3003, -2301]);
}

#[tokio::test]
async fn a_lost_stream_goes_on_after_a_retry_with_other_timestamps() {
    let connections = [
        Connection::Brings(stream(20, 50_000), After::IsLost),
        Connection::Brings(stream(20, 0), After::Ends),
    ];
    let (builder, shown) = noting(player_of(connections));
    let codes = codes(&builder.build().unwrap()).await;
    for (code, times) in [(2001, 2), (2002, 2), (3005, 1), (2103, 1), (2003, 1), (2107, 1), (2006, 1)] {
        assert_eq!(count(&codes, code), times, "{code} in {codes:?}");
    }
    let shown = shown.lock().unwrap();
    assert!(shown.is_sorted() && shown.len() >= 32, "one timeline: {shown:?}");
    assert!(*shown.last().unwrap() < 52_000, "{shown:?}");
}

#[tokio::test]
async fn one_track_is_enough() {
    let player = player_of([Connection::Brings(tone(1_500, 0), After::Ends)]).build().unwrap();
    assert_eq!(codes(&player).await, [2001, 2002, 2007, 2004, 2006]);
    let player = player_of([Connection::Brings(pictures(25, 0), After::Ends)]).build().unwrap();
    assert_eq!(count(&codes(&player).await, 2004), 1);
}

#[tokio::test]
async fn garbage_is_told_and_survived() {
    let at = Timestamp::ZERO;
    let mut packets = vec![Packet::config(Codec::H264, at, Bytes::from_static(b"no configuration"))];
    packets.extend((0..10).map(|_| Packet::key(at, at, Bytes::from_static(b"no picture"))));
    packets.push(Packet::audio(at, Bytes::from_static(b"no configuration came before")));
    let player = player_of([Connection::Brings(packets, After::Ends)]).build().unwrap();
    let codes = codes(&player).await;
    assert!(count(&codes, 2101) >= 1, "{codes:?}");
    let failure = player.finished().await.unwrap_err();
    assert!(failure.message.contains("no decoder"), "{failure}");

    let mut packets = stream(25, 0);
    for packet in packets.iter_mut().filter(|packet| packet.is_video_unit()).skip(5).take(3) {
        packet.data = Bytes::from_static(&[0, 0, 0, 4, 0x41, 0xff, 0x00, 0xff]);
    }
    let player = player_of([Connection::Brings(packets, After::Ends)]).build().unwrap();
    let codes = support::codes(&player).await;
    assert!(count(&codes, 2101) + count(&codes, 2107) >= 1, "{codes:?}");
    assert_eq!(codes.last(), Some(&2006));
}

#[tokio::test]
async fn a_session_stops_when_asked_and_another_starts() {
    let (builder, shown) = noting(player_of([Connection::Brings(stream(50, 0), After::StaysOpen)]));
    let player = builder.build().unwrap();
    for _ in 0..2 {
        shown.lock().unwrap().clear();
        assert!(player.start());
        assert!(!player.start(), "a second start is harmless");
        support::until("it moves", || shown.lock().unwrap().len() >= 3).await;
        assert_eq!(player.state(), SessionState::Running);
        player.stop().await;
        assert_eq!((player.state(), player.finished().await), (SessionState::Stopped, Ok(())));
    }
    player.stop().await;
}

#[test]
fn every_mistake_is_reported_before_anything_opens() {
    let build = |src: &str| LivePlayer::builder(src).max_cache(Duration::from_secs(31)).build();
    for (src, expected) in [("gopher://host/x", "src"), ("ftp://host/x.flv", "src"), ("rtmp://", "src")] {
        let Err(BuildError::Config(error)) = build(src) else { panic!("{src} is accepted") };
        let text = error.to_string();
        assert!(text.contains(expected) && text.contains("max-cache"), "{text}");
        assert_eq!(error.mistakes.len(), 2, "{text}");
    }
}

#[tokio::test]
async fn the_times_to_the_still_and_to_the_first_motion_are_told() {
    let player = player_of([Connection::Brings(stream(100, 0), After::StaysOpen)])
        .min_cache(Duration::from_millis(600))
        .build()
        .unwrap();
    let mut events = player.events();
    player.start();
    support::until("it moves", || player.first_picture().motion.is_some()).await;
    let times = player.first_picture();
    let (still, motion) = (times.still.unwrap(), times.motion.unwrap());
    // The burst is 200 ms, the rest comes as it is captured.
    assert!(still < motion && motion >= Duration::from_millis(350), "{times:?}");
    let told = std::iter::from_fn(|| events.try_next()).map(|event| format!("{event:?}")).collect::<String>();
    assert!(told.contains(&format!("as a still, {} ms after the start", still.as_millis())), "{told}");
    player.stop().await;
}

#[tokio::test]
async fn a_resumed_live_stream_goes_on_with_its_newest_picture() {
    let (builder, shown) = noting(player_of([Connection::Brings(stream(150, 0), After::StaysOpen)]));
    let player = builder.build().unwrap();
    player.start();
    support::until("it moves", || shown.lock().unwrap().len() > 10).await;
    assert!(player.pause());
    // The stream comes, and the presenter lets it pass, in real time.
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    let before = shown.lock().unwrap().clone();
    let (frozen, last) = (before.len(), *before.last().unwrap());
    assert!(player.resume());
    support::until("it moves again", || shown.lock().unwrap().len() > frozen + 2).await;
    let next = shown.lock().unwrap()[frozen];
    assert!((1_200..1_900).contains(&(next - last)), "{next} after {last}");
    player.stop().await;
}
