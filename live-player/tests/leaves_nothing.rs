//! A player that is stopped or dropped, in whatever state, leaves no thread. Alone in its program, so that threads can
//! be counted.
#![cfg(all(feature = "embedded", target_os = "linux"))]

mod support;

use live_core::backoff::RetryPolicy;
use live_core::event::{Delivery, PlayerEvent};
use live_core::{PlayerCode, TransportErrorKind};
use live_player::{Builder, LivePlayer};
use std::time::{Duration, Instant};
use support::{After, Connection, leftovers, player_of, stream, until};

/// Makes a player in some state.
type Make<'a> = Box<dyn Fn() -> LivePlayer + 'a>;

fn open(packets: Vec<live_core::Packet>) -> Builder {
    player_of([Connection::Brings(packets, After::StaysOpen)])
}

/// A player that was started and has told this.
fn told(builder: Builder, code: PlayerCode) -> LivePlayer {
    let player = builder.build().unwrap();
    let mut events = player.events();
    player.start();
    let deadline = Instant::now() + Duration::from_secs(10);
    while Instant::now() < deadline {
        match events.try_next() {
            Some(Delivery::Event(PlayerEvent::State { code: told, .. })) if told == code => return player,
            Some(_) => {}
            // A player with a runtime of its own tells without one here.
            None => std::thread::sleep(Duration::from_millis(2)),
        }
    }
    panic!("{code} is not told within 10 s");
}

#[test]
fn nothing_is_left_of_a_dropped_player() {
    let packets = stream(50, 0);
    // The first runtime of a process opens descriptors for signals, which stay.
    drop(tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap());
    let before = leftovers::count();
    let states: [(&str, Make<'_>); 6] = [
        ("idle", Box::new(|| open(packets.clone()).build().unwrap())),
        ("just started", Box::new(|| open(packets.clone()).autoplay(true).build().unwrap())),
        ("waiting for media", Box::new(|| told(open(Vec::new()), PlayerCode::Loading))),
        ("playing", Box::new(|| told(open(packets.clone()), PlayerCode::Progress))),
        (
            "waiting for a retry",
            Box::new(|| {
                let builder = player_of([Connection::Fails(TransportErrorKind::Connect)]);
                let policy = RetryPolicy::doubling(Duration::from_secs(60));
                told(builder.retry(policy), PlayerCode::Reconnecting)
            }),
        ),
        (
            "failed",
            Box::new(|| {
                let builder = player_of([Connection::Fails(TransportErrorKind::File)]);
                told(builder, PlayerCode::RetriesExhausted)
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
        until("it plays", || player.snapshot().is_some()).await;
        player.stop().await;
    });
    drop(runtime);
    assert!(leftovers::settle(before), "a stopped player leaves something");
}
