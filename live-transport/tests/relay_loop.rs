//! Our publisher, our relay and our player, over real sockets.
#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]
#![cfg(feature = "relay")]

mod support;

use live_core::{
    LinkEvent, Outcome, Packet, PacketKind, Publisher, Subscriber, Timestamp, TransportErrorKind,
};
use live_transport::net::relay::{Relay, RelayConfig};
use live_transport::net::rtmp::{RtmpPublisher, RtmpSubscriber};
use live_transport::rtmp::ServerConfig;
use std::time::Duration;
use support::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

const PATIENCE: Duration = Duration::from_secs(10);

struct Publication {
    queue: live_core::queue::PacketQueue,
    events: Events,
    task: JoinHandle<Outcome>,
}

impl Publication {
    fn start(url: &str) -> Self {
        let (queue, mut reader) = queue();
        let events = Events::default();
        let (cx, url) = (output_cx(&events), url.parse().unwrap());
        let task =
            tokio::spawn(async move { RtmpPublisher::default().publish(&url, &mut reader, &cx).await });
        Self { queue, events, task }
    }

    /// Published, with stream information and some media sent.
    async fn running(url: &str) -> Self {
        let publication = Self::start(url);
        publication.push(information());
        publication.push(media(Timestamp::ZERO, 1));
        while !publication.events.accepted() {
            sleep(Duration::from_millis(5)).await;
        }
        publication
    }

    fn push(&self, packets: impl IntoIterator<Item = Packet>) {
        packets.into_iter().for_each(|packet| self.queue.push(packet));
    }

    async fn end(self) -> Outcome {
        self.queue.close();
        timeout(PATIENCE, self.task).await.unwrap().unwrap()
    }
}

struct Play {
    packets: UnboundedReceiver<Packet>,
    events: Events,
    task: JoinHandle<Outcome>,
}

impl Play {
    fn start(url: &str) -> Self {
        Self::with(RtmpSubscriber::default(), url)
    }

    fn with(subscriber: RtmpSubscriber, url: &str) -> Self {
        let (mut sink, packets) = sink();
        let events = Events::default();
        let (cx, url) = (subscription_cx(&events), url.parse().unwrap());
        let task = tokio::spawn(async move { subscriber.play(&url, &mut sink, &cx).await });
        Self { packets, events, task }
    }

    async fn next(&mut self) -> Option<Packet> {
        timeout(PATIENCE, self.packets.recv()).await.expect("a packet in time").map(bare)
    }

    async fn take_media(&mut self, count: usize) -> Vec<Packet> {
        let mut media = Vec::new();
        while media.len() < count {
            media.extend(self.next().await.filter(is_media));
        }
        media
    }

    async fn outcome(self) -> Outcome {
        timeout(PATIENCE, self.task).await.unwrap().unwrap()
    }
}

#[tokio::test]
async fn what_is_published_is_played_and_ends_cleanly() {
    let relay = RunningRelay::start().await;
    let publication = Publication::running(&relay.rtmp_url("a?token=x")).await;
    let mut play = Play::start(&relay.rtmp_url("a"));
    let mut expected = media(Timestamp::ZERO, 1);
    let first = play.take_media(2).await;
    let more = media(Timestamp::from_millis(40), 49);
    publication.push(more.clone());
    expected.extend(more);
    assert!(matches!(publication.end().await, Outcome::Ended));

    let mut got = first;
    while let Some(packet) = play.next().await {
        got.extend(Some(packet).filter(is_media));
    }
    assert_eq!(got, expected);
    let events = play.events.list();
    assert_eq!(events, [LinkEvent::Connected { peer: relay.rtmp.to_string() }, LinkEvent::Accepted]);
    assert!(matches!(play.outcome().await, Outcome::Ended));
}

#[tokio::test]
async fn stream_information_reaches_a_late_viewer() {
    let relay = RunningRelay::start().await;
    let publication = Publication::running(&relay.rtmp_url("a")).await;
    for _ in 0..2 {
        let mut play = Play::start(&relay.rtmp_url("a"));
        let mut seen = Vec::new();
        for _ in 0..3 {
            seen.push(play.next().await.unwrap());
        }
        let mut sent = information();
        // What a description does not carry over the wire is what this test does not name.
        assert!(matches!(seen[0].kind, PacketKind::Metadata(ref m) if m.width == Some(320)));
        assert_eq!(seen.split_off(1), sent.split_off(1));
    }
    publication.end().await;
}

#[tokio::test]
async fn timestamps_pass_2_to_the_24_and_2_to_the_32_through_the_whole_chain() {
    let relay = RunningRelay::start().await;
    for (name, at) in [("a", 1_i64 << 24), ("b", 1 << 32)] {
        let publication = Publication::start(&relay.rtmp_url(name));
        // The first packet is the wire's zero, so a long session is one packet long ago.
        publication.push(information());
        publication.push(media(Timestamp::ZERO, 1));
        let start = Timestamp::from_millis(at - 1000);
        let late: Vec<_> = media(start, 50);
        while !publication.events.accepted() {
            sleep(Duration::from_millis(5)).await;
        }
        let mut play = Play::start(&relay.rtmp_url(name));
        play.take_media(2).await;
        publication.push(late.clone());
        publication.end().await;
        let got = play.take_media(late.len()).await;
        if at < 1 << 32 {
            assert_eq!(got, late);
        } else {
            // A jump of more than half the clock's range cannot be told from one backwards: steps count here.
            let steps = |packets: &[Packet]| -> Vec<i64> {
                packets.windows(2).map(|pair| pair[1].dts.micros_since(pair[0].dts)).collect()
            };
            assert_eq!(steps(&got), steps(&late));
        }
    }
}

#[tokio::test]
async fn a_name_in_use_is_refused_and_free_again_afterwards() {
    let relay = RunningRelay::start().await;
    let url = relay.rtmp_url("a");
    let first = Publication::running(&url).await;
    let Outcome::Lost(error) = Publication::start(&url).end().await else { panic!("two publishers") };
    assert_eq!((error.kind, error.permanent), (TransportErrorKind::NameInUse, false));
    first.end().await;
    let second = Publication::running(&url).await;
    assert!(matches!(second.end().await, Outcome::Ended));
}

#[tokio::test]
async fn a_stream_that_nobody_publishes_is_refused_in_time() {
    let config = RelayConfig { wait: Duration::from_millis(50), ..RelayConfig::new(ANY) };
    let relay = RunningRelay::start_with(config).await;
    let Outcome::Lost(error) = Play::start(&relay.rtmp_url("nobody")).outcome().await else {
        panic!("played")
    };
    assert_eq!((error.kind, error.permanent), (TransportErrorKind::Refused, false));
    assert!(error.message.contains("StreamNotFound") && !error.to_string().contains("nobody/"), "{error}");
}

#[tokio::test]
async fn a_viewer_that_comes_first_waits_for_the_publisher() {
    let relay = RunningRelay::start().await;
    let mut play = Play::start(&relay.rtmp_url("a"));
    sleep(Duration::from_millis(50)).await;
    assert!(!play.events.accepted());
    let publication = Publication::running(&relay.rtmp_url("a")).await;
    assert_eq!(play.take_media(2).await, media(Timestamp::ZERO, 1));
    publication.end().await;
}

#[tokio::test]
async fn a_viewer_keeps_its_place_for_a_publisher_that_comes_back_and_is_given_up_in_time() {
    let session = ServerConfig { answer: Duration::from_secs(1), ..ServerConfig::default() };
    let config = RelayConfig { wait: Duration::from_secs(2), session, ..RelayConfig::new(ANY) };
    let relay = RunningRelay::start_with(config).await;
    let url = relay.rtmp_url("a");
    let mut play = Play::with(RtmpSubscriber { linger: 4 * PATIENCE, ..RtmpSubscriber::default() }, &url);
    for _ in 0..2 {
        let publication = Publication::running(&url).await;
        assert_eq!(play.take_media(2).await, media(Timestamp::ZERO, 1));
        publication.end().await;
        let ends = [play.next().await, play.next().await];
        assert!(ends.iter().flatten().all(|packet| packet.kind == PacketKind::EndOfSequence), "{ends:?}");
    }
    assert_eq!(play.next().await, None);
    assert_eq!(play.events.list().len(), 2, "one connection, accepted once");
    let outcome = play.outcome().await;
    assert!(matches!(outcome, Outcome::Ended), "{outcome:?}");
}

#[tokio::test]
async fn a_player_that_wants_no_more_takes_its_leave() {
    let relay = RunningRelay::start().await;
    let publication = Publication::running(&relay.rtmp_url("a")).await;
    let mut play = Play::start(&relay.rtmp_url("a"));
    play.take_media(2).await;
    play.packets.close();
    while play.packets.recv().await.is_some() {}
    assert!(matches!(play.outcome().await, Outcome::Ended));
    publication.end().await;
}

#[tokio::test]
async fn a_relay_that_goes_away_is_a_loss_for_both_sides() {
    let relay = RunningRelay::start().await;
    let publication = Publication::running(&relay.rtmp_url("a")).await;
    let mut play = Play::start(&relay.rtmp_url("a"));
    play.take_media(2).await;
    drop(relay);
    for outcome in [timeout(PATIENCE, publication.task).await.unwrap().unwrap(), play.outcome().await] {
        let Outcome::Lost(error) = outcome else { panic!("ended: {outcome:?}") };
        assert!(matches!(error.kind, TransportErrorKind::Closed | TransportErrorKind::Io), "{error:?}");
    }
}

/// What the relay answers to `GET path`, until it closes or ends the body.
async fn get(relay: &RunningRelay, path: &str) -> Vec<u8> {
    let mut stream = TcpStream::connect(relay.http).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: relay\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    timeout(PATIENCE, stream.read_to_end(&mut answer)).await.expect("the answer ends").unwrap();
    answer
}

#[tokio::test]
async fn http_flv_begins_with_a_file_header_and_its_body_ends_with_the_stream() {
    let relay = RunningRelay::start().await;
    let publication = Publication::running(&relay.rtmp_url("a")).await;
    let (answer, outcome) = tokio::join!(get(&relay, "/live/a.flv?any=thing"), async {
        sleep(Duration::from_millis(100)).await;
        publication.end().await
    });
    assert!(matches!(outcome, Outcome::Ended));
    let text = String::from_utf8_lossy(&answer).to_ascii_lowercase();
    assert!(text.starts_with("http/1.1 200 ok\r\n") && text.contains("content-type: video/x-flv"), "{text}");
    assert!(text.contains("\r\n\r\nd\r\nflv\x01"), "the file header is the first chunk");
    assert!(answer.ends_with(b"\r\n0\r\n\r\n"), "the body ends as a body ends");
}

#[tokio::test]
async fn what_is_not_there_is_404() {
    let config = RelayConfig { wait: Duration::from_millis(50), ..RelayConfig::new(ANY).with_http(ANY) };
    let relay = RunningRelay::start_with(config).await;
    for path in ["/live/nobody.flv", "/", "/live/a.mp4"] {
        assert!(get(&relay, path).await.starts_with(b"HTTP/1.1 404 "), "{path}");
    }
}

#[tokio::test]
async fn connections_and_streams_are_limited() {
    let config = RelayConfig { streams: 1, ..RelayConfig::new(ANY) };
    let relay = RunningRelay::start_with(config).await;
    let first = Publication::running(&relay.rtmp_url("a")).await;
    let Outcome::Lost(error) = Publication::start(&relay.rtmp_url("b")).end().await else {
        panic!("two streams")
    };
    assert_eq!(error.kind, TransportErrorKind::Refused);
    first.end().await;

    let config = RelayConfig { connections: 1, ..RelayConfig::new(ANY) };
    let relay = RunningRelay::start_with(config).await;
    let first = Publication::running(&relay.rtmp_url("a")).await;
    let waiting = Publication::start(&relay.rtmp_url("b"));
    sleep(Duration::from_millis(100)).await;
    assert!(!waiting.events.accepted(), "the second connection waits");
    first.end().await;
    assert!(matches!(waiting.end().await, Outcome::Ended), "until the first has gone");
}

#[tokio::test]
async fn a_port_in_use_is_told_when_the_relay_is_opened() {
    let relay = RunningRelay::start().await;
    let error = Relay::bind(RelayConfig::new(relay.rtmp)).await.unwrap_err();
    assert_eq!((error.kind, error.permanent), (TransportErrorKind::Address, true));
    assert!(error.to_string().contains(&relay.rtmp.to_string()), "{error}");
}
