//! A player that is stopped or dropped, in whatever state, leaves no thread. Alone in its program, so that threads can
//! be counted.
#![cfg(all(feature = "embedded", target_os = "linux"))]

mod support;

use live_core::TransportErrorKind;
use live_core::backoff::RetryPolicy;
use live_player::{Builder, LivePlayer};
use std::time::Duration;
use support::{After, Connection, leftovers, player_of, stream};

/// Makes a player in some state.
type Make<'a> = Box<dyn Fn() -> LivePlayer + 'a>;

fn open(packets: Vec<live_core::Packet>) -> Builder {
    player_of([Connection::Brings(packets, After::StaysOpen)])
}

#[test]
fn nothing_is_left_of_a_dropped_player() {
    let packets = stream(50, 0);
    // The first runtime of a process opens descriptors for signals, which stay.
    drop(tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap());
    let before = leftovers::count();
    let wait = |millis| std::thread::sleep(Duration::from_millis(millis));
    let states: [(&str, Make<'_>); 6] = [
        ("idle", Box::new(|| open(packets.clone()).build().unwrap())),
        ("just started", Box::new(|| open(packets.clone()).autoplay(true).build().unwrap())),
        (
            "waiting for media",
            Box::new(|| {
                let player = open(Vec::new()).autoplay(true).build().unwrap();
                wait(50);
                player
            }),
        ),
        (
            "playing",
            Box::new(|| {
                let player = open(packets.clone()).autoplay(true).build().unwrap();
                wait(400);
                player
            }),
        ),
        (
            "waiting for a retry",
            Box::new(|| {
                let builder = player_of([Connection::Fails(TransportErrorKind::Connect)]);
                let player = builder
                    .retry(RetryPolicy::doubling(Duration::from_secs(60)))
                    .autoplay(true)
                    .build()
                    .unwrap();
                wait(50);
                player
            }),
        ),
        (
            "failed",
            Box::new(|| {
                let player =
                    player_of([Connection::Fails(TransportErrorKind::File)]).autoplay(true).build().unwrap();
                wait(200);
                player
            }),
        ),
    ];
    for (state, make) in states {
        drop(make());
        assert!(
            leftovers::settle(before),
            "a player dropped while {state} leaves {:?} of {before:?}",
            leftovers::count()
        );
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let player = open(packets.clone()).autoplay(true).build().unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
        player.stop().await;
    });
    drop(runtime);
    assert!(leftovers::settle(before), "a stopped player leaves something");
}
