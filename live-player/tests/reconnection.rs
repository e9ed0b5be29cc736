//! Which address is played, when it is tried again, and how a stream ends.
#![cfg(feature = "embedded")]

#[path = "support/served.rs"]
mod served;
mod support;

use async_trait::async_trait;
use live_core::config::PlayerMode;
use live_core::event::{Delivery, EventStream, PlayerEvent};
use live_core::state::SessionState::Stopped;
use live_core::{
    LinkEvent, MediaSender, Outcome, StreamUrl, Subscriber, SubscriptionCx, TransportError,
    TransportErrorKind,
};
use live_player::{Builder, LivePlayer};
use live_transport::net::relay::{Relay, RelayConfig};
use served::{Served, publish};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use support::{codes, count, noting, stream};

const SRC: &str = "rtmp://plain/live/x?token=SECRET";

/// Notes who is asked, and has a stream only where the host is not `refuses`.
#[derive(Clone, Default)]
struct Hosts(Arc<Mutex<Vec<String>>>);

#[async_trait]
impl Subscriber for Hosts {
    async fn play(&self, url: &StreamUrl, media: &mut dyn MediaSender, cx: &SubscriptionCx) -> Outcome {
        self.0.lock().unwrap().push(url.host().to_owned());
        if url.host() == "refuses" {
            return Outcome::Lost(TransportError::new(TransportErrorKind::Refused, url.peer(), "not here"));
        }
        (cx.events)(LinkEvent::Connected { peer: url.peer() });
        (cx.events)(LinkEvent::Accepted);
        stream(10, 0).into_iter().for_each(|packet| media.send(packet));
        Outcome::Ended
    }
}

fn builder(hosts: &Hosts) -> Builder {
    LivePlayer::builder(SRC).subscriber(Arc::new(hosts.clone())).min_cache(Duration::from_millis(100))
}

#[tokio::test]
async fn the_accelerated_address_is_played_and_the_plain_one_where_there_is_none() {
    for (answer, asked, refused) in [
        (Ok("rtmp://fast/live/x"), vec!["fast"], false),
        (Err("no node nearby"), vec!["plain"], true),
        (Ok("gopher://x"), vec!["plain"], true),
        (Ok("rtmp://refuses/live/x"), vec!["refuses", "plain"], true),
    ] {
        let hosts = Hosts::default();
        let answer = answer.map(str::to_owned).map_err(str::to_owned);
        let given = answer.clone();
        let player = builder(&hosts)
            .accelerated_src(move |src| {
                assert_eq!(src.reveal(), SRC);
                std::future::ready(given.clone())
            })
            .build()
            .unwrap();
        let told = codes(&player).await;
        assert_eq!(*hosts.0.lock().unwrap(), asked, "{answer:?}");
        assert_eq!(count(&told, -2302), usize::from(refused), "{answer:?}: {told:?}");
        assert_eq!((count(&told, 2103), told.last()), (0, Some(&2006)), "{answer:?}: {told:?}");
    }
}

#[tokio::test]
async fn an_application_that_does_not_answer_keeps_nobody_waiting_for_ever() {
    let hosts = Hosts::default();
    let player = builder(&hosts)
        .accelerated_src(|_| std::future::pending::<Result<String, String>>())
        .build()
        .unwrap();
    let start = Instant::now();
    let told = codes(&player).await;
    assert_eq!((told[0], told.last()), (-2302, Some(&2006)), "{told:?}");
    assert!((3..6).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
    player.start();
    let asked = Instant::now();
    player.stop().await;
    assert!(asked.elapsed() < Duration::from_secs(2), "stopping does not wait for the answer");
}

/// The detail of the next 2103.
async fn next_retry(events: &mut EventStream<PlayerEvent>) -> String {
    loop {
        let Some(Delivery::Event(PlayerEvent::State { code, detail })) = events.next().await else {
            continue;
        };
        if code.number() == 2103 {
            return detail;
        }
    }
}

#[tokio::test]
async fn a_lost_stream_is_tried_again_after_a_second_in_conversation_after_half_and_a_stop_does_not_wait() {
    let refusing = "rtmp://refuses/live/x";
    for (mode, seconds) in [(PlayerMode::Live, 1.0), (PlayerMode::Rtc, 0.5)] {
        let hosts = Hosts::default();
        let player =
            LivePlayer::builder(refusing).subscriber(Arc::new(hosts.clone())).mode(mode).build().unwrap();
        let mut events = player.events();
        player.start();
        for (retry, wait) in [("1 of 3", seconds), ("2 of 3", 2.0 * seconds)] {
            let detail = next_retry(&mut events).await;
            let said = detail.split_once(" in ").and_then(|(_, rest)| rest.split_once(" s")).unwrap().0;
            let said: f64 = said.parse().unwrap();
            assert!(detail.contains(retry) && (said / wait - 1.0).abs() < 0.3, "{detail}");
        }
        let asked = Instant::now();
        player.stop().await;
        assert!(asked.elapsed() < Duration::from_millis(400), "{:?}", asked.elapsed());
        assert_eq!(player.state(), Stopped);
        assert_eq!(hosts.0.lock().unwrap().len(), 2);
    }
}

#[test]
fn the_end_of_a_stream_is_2006_and_no_error_over_every_transport() {
    for scheme in ["rtmp", "http", "ws"] {
        let server = Served::start();
        let src = served::src(scheme, server.address(scheme));
        let player = LivePlayer::builder(src).min_cache(Duration::from_millis(100)).build().unwrap();
        let mut events = player.events();
        let mut told = Vec::new();
        player.start();
        let waiting = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        waiting.block_on(async {
            while told.last() != Some(&2006) {
                let next = tokio::time::timeout(Duration::from_secs(10), events.next()).await;
                let Ok(Some(delivery)) = next else { panic!("{scheme}: {told:?}") };
                let Some(PlayerEvent::State { code, .. }) = delivery.event() else { continue };
                told.push(code.number());
                if code.number() == 2004 {
                    server.end();
                }
            }
            assert_eq!(player.finished().await, Ok(()), "{scheme}: {told:?}");
        });
        assert!(!told.iter().any(|code| [2103, 3003, 3005, 2107, 2101].contains(code)), "{scheme}: {told:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn viewers_of_a_publisher_that_comes_back_within_the_cache_see_no_freeze() {
    let relay = Relay::bind(RelayConfig::new("127.0.0.1:0".parse().unwrap())).await.unwrap();
    let rtmp = relay.rtmp_addr();
    tokio::spawn(relay.run());
    tokio::spawn(async move {
        // Two lives of a publisher, whose timestamps begin anew.
        for _ in 0..2 {
            publish(rtmp, stream(50, 0), tokio::time::sleep(Duration::from_secs(2))).await;
            // A viewer's cache on a real socket lasts through this.
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    });
    let src = format!("rtmp://{rtmp}/live/x");
    let (builder, shown) = noting(LivePlayer::builder(src).min_cache(Duration::from_millis(1000)));
    let player = builder.build().unwrap();
    let told = codes(&player).await;
    let quiet = [2103, 2104, 2105, 2101, 3005].map(|code| count(&told, code));
    assert_eq!((quiet, count(&told, 2007)), ([0; 5], 1), "{told:?}");
    assert_eq!((count(&told, 2107), count(&told, 2002)), (1, 1), "the timestamps begin anew: {told:?}");
    assert_eq!((count(&told, 2006), told.last()), (1, Some(&2006)), "{told:?}");
    let shown = shown.lock().unwrap().len();
    assert!(shown > 80, "{shown} pictures of a hundred");
}
