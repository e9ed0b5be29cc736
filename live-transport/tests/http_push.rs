//! HTTP-FLV push to servers that do exactly what a script says, over real sockets.
#![cfg(all(feature = "http-flv", feature = "relay"))]
#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod support;

use bytes::BytesMut;
use live_core::{
    LinkEvent, Outcome, OutputCx, Packet, Publisher, StreamUrl, Timestamp, TransportError, TransportErrorKind,
};
use live_transport::flv::{Demuxer, Depacketizer};
use live_transport::net::connect::{Connector, Deadlines};
use live_transport::net::http::HttpPublisher;
use std::net::SocketAddr;
use std::time::Duration;
use support::{Events, bare, information, is_media, media, output_cx, queue};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
/// As ffmpeg answers when it listens: at once, and without an end.
const ENDLESS_OK: &[u8] = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

/// What a server does with the one connection it takes.
#[derive(Clone, Default)]
struct Script {
    /// Said behind the head of the request.
    early: Option<Vec<u8>>,
    /// Said after so many bytes of the body.
    midway: Option<(usize, Vec<u8>)>,
    /// Hangs up after so many bytes of the body.
    hang_up: Option<usize>,
    /// Reads nothing after so many bytes of the body.
    stop_reading: Option<usize>,
    /// Said behind the end of the body.
    late: Option<Vec<u8>>,
}

/// What a server has seen.
#[derive(Debug)]
struct Seen {
    head: String,
    body: Vec<u8>,
    /// The terminating chunk came.
    is_complete: bool,
}

struct Server {
    address: SocketAddr,
    task: JoinHandle<Seen>,
}

impl Server {
    async fn start(script: Script) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let task = tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            serve(stream, script).await
        });
        Self { address, task }
    }

    fn url(&self) -> StreamUrl {
        format!("http://{}/live/secretkey.flv?token=secrettoken", self.address).parse().unwrap()
    }
}

async fn serve(stream: TcpStream, script: Script) -> Seen {
    let mut stream = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert!(stream.read_line(&mut head).await.unwrap() > 0);
    }
    if let Some(answer) = &script.early {
        stream.write_all(answer).await.unwrap();
    }
    let mut midway = script.midway;
    let mut seen = Seen { head, body: Vec::new(), is_complete: false };
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
            return seen;
        }
        let length = usize::from_str_radix(line.trim(), 16).unwrap();
        let mut chunk = vec![0; length + 2];
        if stream.read_exact(&mut chunk).await.is_err() {
            return seen;
        }
        seen.body.extend_from_slice(&chunk[..length]);
        if length == 0 {
            seen.is_complete = true;
            if let Some(answer) = &script.late {
                stream.write_all(answer).await.unwrap();
            }
            return seen;
        }
        if let Some((_, answer)) = midway.take_if(|(after, _)| seen.body.len() >= *after) {
            stream.write_all(&answer).await.unwrap();
        }
        if script.hang_up.is_some_and(|after| seen.body.len() >= after) {
            return seen;
        }
        if script.stop_reading.is_some_and(|after| seen.body.len() >= after) {
            std::future::pending::<()>().await;
        }
    }
}

fn packets() -> Vec<Packet> {
    information().into_iter().chain(media(Timestamp::ZERO, 40)).collect()
}

fn parsed(body: &[u8]) -> Vec<Packet> {
    let (mut demuxer, mut depacketizer) = (Demuxer::new(), Depacketizer::new());
    let (mut input, mut packets) = (BytesMut::from(body), Vec::new());
    while let Some(tag) = demuxer.read(&mut input).unwrap() {
        depacketizer.read_tag(tag, &mut packets).unwrap();
    }
    packets.into_iter().filter(is_media).map(bare).collect()
}

fn impatient() -> HttpPublisher {
    let second = Duration::from_secs(1);
    let deadlines = Deadlines { silence: second, leave: second, ..Deadlines::default() };
    HttpPublisher { connector: Connector::from(deadlines), ..HttpPublisher::default() }
}

struct Pushed {
    outcome: Outcome,
    events: Events,
    cx: OutputCx,
}

impl Pushed {
    fn error(self) -> TransportError {
        let Outcome::Lost(error) = self.outcome else { panic!("{:?}", self.outcome) };
        assert!(!format!("{error} {error:?}").contains("secret"), "{error:?}");
        error
    }
}

/// Pushes a stream; an `open` one does not end by itself.
async fn push(publisher: &HttpPublisher, url: &StreamUrl, open: bool) -> Pushed {
    let (queue, mut reader) = queue();
    packets().into_iter().for_each(|packet| queue.push(packet));
    let feeding = tokio::spawn(async move {
        if !open {
            queue.close();
            return;
        }
        for second in 2_i64.. {
            media(Timestamp::ZERO.offset_micros(second * 1_000_000), 25)
                .into_iter()
                .for_each(|packet| queue.push(packet));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    let events = Events::default();
    let cx = output_cx(&events);
    let outcome = tokio::time::timeout(Duration::from_secs(20), publisher.publish(url, &mut reader, &cx))
        .await
        .unwrap();
    feeding.abort();
    Pushed { outcome, events, cx }
}

#[tokio::test]
async fn a_stream_arrives_whole_with_its_end_and_the_servers_yes_ends_it() {
    let server = Server::start(Script { late: Some(OK.to_vec()), ..Script::default() }).await;
    let mut publisher = HttpPublisher::default();
    publisher.headers.insert("referer", "https://example.com/".parse().unwrap());
    publisher.headers.insert("user-agent", "camera 7".parse().unwrap());
    let url: StreamUrl = server.url().reveal().replace("http://", "http://me:pass@").parse().unwrap();
    let pushed = push(&publisher, &url, false).await;
    assert!(matches!(pushed.outcome, Outcome::Ended), "{:?}", pushed.outcome);
    let peer = server.address.to_string();
    assert_eq!(pushed.events.list(), [LinkEvent::Connected { peer }, LinkEvent::Accepted]);
    let seen = server.task.await.unwrap();
    assert!(seen.is_complete);
    let head = seen.head.to_ascii_lowercase();
    assert!(head.starts_with("post /live/secretkey.flv?token=secrettoken http/1.1\r\n"), "{head}");
    for line in [
        "transfer-encoding: chunked",
        "content-type: video/x-flv",
        "referer: https://example.com/",
        "user-agent: camera 7",
        "authorization: basic bwu6cgfzcw==",
    ] {
        assert!(head.contains(&format!("\r\n{line}\r\n")), "{line} in {head}");
    }
    let sent: Vec<_> = packets().into_iter().filter(is_media).map(bare).collect();
    assert_eq!(parsed(&seen.body), sent);
    assert_eq!(pushed.cx.counters.packets(), sent.len() as u64);
    assert!(pushed.cx.counters.sent() > seen.body.len() as u64, "chunk heads count too");
    assert_eq!(pushed.cx.counters.pending(), 0);
}

#[tokio::test]
async fn a_yes_that_comes_first_and_never_ends_does_not_end_the_stream() {
    for late in [None, Some(b"0\r\n\r\n".to_vec())] {
        let server =
            Server::start(Script { early: Some(ENDLESS_OK.to_vec()), late, ..Script::default() }).await;
        let pushed = push(&HttpPublisher::default(), &server.url(), false).await;
        assert!(matches!(pushed.outcome, Outcome::Ended), "{:?}", pushed.outcome);
        let seen = server.task.await.unwrap();
        assert!(seen.is_complete);
        assert_eq!(parsed(&seen.body).len(), 80);
    }
}

#[tokio::test]
async fn a_refusal_is_heard_before_the_stream_begins() {
    use TransportErrorKind::{HttpStatus, NameInUse};
    for (line, kind, permanent) in [
        ("401 Unauthorized", HttpStatus(401), true),
        ("403 Forbidden", HttpStatus(403), true),
        ("404 Not Found", HttpStatus(404), true),
        ("409 Conflict", NameInUse, false),
        ("429 Too Many Requests", HttpStatus(429), false),
        ("503 Service Unavailable", HttpStatus(503), false),
    ] {
        let answer = format!("HTTP/1.1 {line}\r\nContent-Length: 2\r\n\r\nno");
        let server = Server::start(Script { early: Some(answer.into()), ..Script::default() }).await;
        let pushed = push(&HttpPublisher::default(), &server.url(), true).await;
        assert!(!pushed.events.accepted(), "{line}");
        let error = pushed.error();
        assert_eq!((error.kind, error.permanent), (kind, permanent), "{line}");
        assert!(server.task.await.unwrap().body.len() <= 13, "nothing but the file header is sent: {line}");
    }
}

#[tokio::test]
async fn a_refusal_in_the_middle_of_the_stream_ends_it() {
    let answer = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n".to_vec();
    let server = Server::start(Script { midway: Some((100_000, answer)), ..Script::default() }).await;
    let pushed = push(&HttpPublisher::default(), &server.url(), true).await;
    assert!(pushed.events.accepted());
    let error = pushed.error();
    assert_eq!((error.kind, error.permanent), (TransportErrorKind::HttpStatus(403), true));
}

#[tokio::test]
async fn a_redirect_says_where_the_stream_is_wanted() {
    let answer = b"HTTP/1.1 307 Temporary Redirect\r\nLocation: http://other.example/a.flv\r\n\r\n".to_vec();
    let server = Server::start(Script { early: Some(answer), ..Script::default() }).await;
    let pushed = push(&HttpPublisher::default(), &server.url(), true).await;
    assert!(pushed.events.list().contains(&LinkEvent::Redirected { to: "other.example:80".into() }));
    let Outcome::Moved(place) = pushed.outcome else { panic!("{:?}", pushed.outcome) };
    assert_eq!(place.reveal(), "http://other.example/a.flv");
}

#[tokio::test]
async fn a_server_that_hangs_up_has_closed() {
    for early in [None, Some(ENDLESS_OK.to_vec())] {
        let server = Server::start(Script { hang_up: Some(100_000), early, ..Script::default() }).await;
        let pushed = push(&HttpPublisher::default(), &server.url(), true).await;
        assert!(pushed.events.accepted());
        let error = pushed.error();
        // Whether the end or the reset that follows it is seen first is the kernel's choice.
        assert!(matches!(error.kind, TransportErrorKind::Closed | TransportErrorKind::Io), "{error:?}");
    }
}

#[tokio::test]
async fn what_is_no_web_server_is_told_so() {
    let server =
        Server::start(Script { early: Some(b"220 smtp ready\r\n".to_vec()), ..Script::default() }).await;
    let error = push(&HttpPublisher::default(), &server.url(), true).await.error();
    assert_eq!(error.kind, TransportErrorKind::Malformed, "{error}");
}

#[tokio::test]
async fn a_server_that_stops_reading_shows_in_the_queue_and_is_given_up_in_time() {
    let server = Server::start(Script { stop_reading: Some(1), ..Script::default() }).await;
    let (queue, mut reader) = queue();
    packets().into_iter().for_each(|packet| queue.push(packet));
    // More than the kernel takes on both sides.
    for second in 1..400 {
        media(Timestamp::ZERO.offset_micros(second * 1_600_000), 40)
            .into_iter()
            .for_each(|packet| queue.push(packet));
    }
    let events = Events::default();
    let cx = output_cx(&events);
    let started = std::time::Instant::now();
    let outcome = impatient().publish(&server.url(), &mut reader, &cx).await;
    let Outcome::Lost(error) = outcome else { panic!("{outcome:?}") };
    assert_eq!(error.kind, TransportErrorKind::Io, "{error}");
    assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
    assert!(reader.state().backlog > Duration::from_secs(300), "{:?}", reader.state());
    let held = cx.counters.pending();
    assert!(held < 200_000, "hyper holds little: {held}");
    server.task.abort();
}
