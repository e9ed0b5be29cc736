//! HTTP-FLV pull from servers that do exactly what a script says, over real sockets.
#![cfg(feature = "http-flv")]
#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use live_core::net_status::LinkCounters;
use live_core::{
    Codec, LinkEvent, MediaSender, Outcome, Packet, StreamUrl, Subscriber, SubscriptionCx, Timestamp, Track,
    TransportError, TransportErrorKind,
};
use live_transport::flv::{Header, Muxer};
use live_transport::net::http::HttpSubscriber;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

/// What a server does with one connection, after it has read the request.
#[derive(Clone)]
enum Act {
    Send(Vec<u8>),
    /// Sends the same again and again until the client has had enough.
    SendForEver(Vec<u8>),
    /// Keeps the connection open and does nothing.
    Hang,
}

/// A server that plays one script per connection and closes; gives back the requests.
struct Server {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    async fn start(scripts: Vec<Vec<Act>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::<Mutex<Vec<String>>>::default();
        let seen = Arc::clone(&requests);
        tokio::spawn(async move {
            for script in scripts {
                let (mut stream, _) = listener.accept().await.unwrap();
                let request = read_request(&mut stream).await;
                seen.lock().unwrap().push(request);
                play_script(stream, script).await;
            }
        });
        Self { address, requests }
    }

    async fn answering(answer: impl AsRef<[u8]>) -> Self {
        Self::start(vec![vec![Act::Send(answer.as_ref().to_vec())]]).await
    }

    fn url(&self, path: &str) -> StreamUrl {
        format!("http://{}{path}", self.address).parse().unwrap()
    }
}

async fn read_request(stream: &mut TcpStream) -> String {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        request.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(request).unwrap()
}

async fn play_script(mut stream: TcpStream, script: Vec<Act>) {
    for act in script {
        match act {
            Act::Send(bytes) => stream.write_all(&bytes).await.unwrap(),
            Act::SendForEver(bytes) => while stream.write_all(&bytes).await.is_ok() {},
            Act::Hang => std::future::pending().await,
        }
    }
}

/// Takes packets; wants no more after `wanted`, and lets a finite source go on `room` times.
struct Sink {
    packets: Vec<Packet>,
    wanted: usize,
    done: Notify,
    rooms: usize,
}

#[async_trait]
impl MediaSender for Sink {
    fn send(&mut self, packet: Packet) {
        self.packets.push(packet);
        if self.packets.len() >= self.wanted {
            self.done.notify_one();
        }
    }

    async fn room(&mut self) {
        self.rooms += 1;
    }

    async fn closed(&self) {
        self.done.notified().await;
    }
}

struct Played {
    outcome: Outcome,
    sink: Sink,
    events: Vec<LinkEvent>,
    received: u64,
}

impl Played {
    fn error(self) -> TransportError {
        match self.outcome {
            Outcome::Lost(error) => error,
            other => panic!("{other:?}"),
        }
    }
}

async fn play_with(subscriber: &HttpSubscriber, url: &StreamUrl, wanted: usize) -> Played {
    let events = Arc::<Mutex<Vec<LinkEvent>>>::default();
    let handler = Arc::clone(&events);
    let cx = SubscriptionCx {
        events: Arc::new(move |event| handler.lock().unwrap().push(event)),
        counters: Arc::new(LinkCounters::default()),
    };
    let mut sink = Sink { packets: Vec::new(), wanted, done: Notify::new(), rooms: 0 };
    let outcome = subscriber.play(url, &mut sink, &cx).await;
    let events = events.lock().unwrap().clone();
    Played { outcome, sink, events, received: cx.counters.received() }
}

async fn play(url: &StreamUrl) -> Played {
    play_with(&HttpSubscriber::default(), url, usize::MAX).await
}

fn stream() -> Vec<Packet> {
    let at = Timestamp::from_millis;
    let mut packets = vec![Packet::config(Codec::Aac, at(0), Bytes::from_static(&[0x11, 0x88]))];
    packets.extend((0..20).map(|n| Packet::audio(at(n * 20), Bytes::from(vec![7; 200]))));
    packets
}

fn flv(packets: &[Packet]) -> Vec<u8> {
    let (mut out, mut muxer) = (BytesMut::new(), Muxer::new(Timestamp::ZERO));
    Header::default().write(&mut out);
    packets.iter().for_each(|packet| muxer.write(packet, &mut out).unwrap());
    out.to_vec()
}

fn chunk(bytes: &[u8]) -> Vec<u8> {
    [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat()
}

const LIVE: &str = "HTTP/1.1 200 OK\r\nContent-Type: video/x-flv\r\nTransfer-Encoding: chunked\r\n\r\n";
const END: &[u8] = b"0\r\n\r\n";

/// A live answer in chunks of `size` bytes, without its end.
fn chunked(size: usize) -> Vec<u8> {
    let chunks: Vec<_> = flv(&stream()).chunks(size).flat_map(chunk).collect();
    [LIVE.as_bytes(), &chunks].concat()
}

fn with_length(body: &[u8]) -> Vec<u8> {
    [format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len()).as_bytes(), body].concat()
}

fn assert_is_stream(played: &Played) {
    let bare = |packet: &Packet| Packet { arrival: None, ..packet.clone() };
    assert_eq!(played.sink.packets.iter().map(bare).collect::<Vec<_>>(), stream());
    assert!(played.sink.packets.iter().all(|packet| packet.arrival.is_some()));
}

#[tokio::test]
async fn t59_a_chunked_stream_is_live_and_ends() {
    for size in [1, 7, 1000, 100_000] {
        let server = Server::answering([&chunked(size)[..], END].concat()).await;
        let played = play(&server.url("/live/cam.flv?token=1")).await;
        assert!(matches!(played.outcome, Outcome::Ended), "{:?}", played.outcome);
        assert_is_stream(&played);
        assert_eq!(played.sink.rooms, 0, "a live stream never stops reading");
        assert_eq!(played.received, flv(&stream()).len() as u64);
        let connected = LinkEvent::Connected { peer: server.address.to_string() };
        assert_eq!(played.events, [connected, LinkEvent::Accepted]);
        let request = server.requests.lock().unwrap()[0].clone();
        assert!(request.starts_with("GET /live/cam.flv?token=1 HTTP/1.1\r\n"), "{request}");
        assert!(request.contains(&format!("host: {}\r\n", server.address)), "{request}");
    }
}

#[tokio::test]
async fn t59_a_known_length_is_a_file_and_is_read_at_playing_speed() {
    let server = Server::answering(with_length(&flv(&stream()))).await;
    let played = play(&server.url("/a.flv")).await;
    assert!(matches!(played.outcome, Outcome::Ended), "{:?}", played.outcome);
    assert_is_stream(&played);
    assert_eq!(played.sink.rooms, stream().len());
}

#[tokio::test]
async fn t59_a_body_without_length_ends_with_the_connection() {
    let answer = [b"HTTP/1.0 200 OK\r\n\r\n", &flv(&stream())[..]].concat();
    let played = play(&Server::answering(answer).await.url("/a.flv")).await;
    assert!(matches!(played.outcome, Outcome::Ended), "{:?}", played.outcome);
    assert_is_stream(&played);
}

#[tokio::test]
async fn t59_redirects_are_followed_also_relative_ones() {
    let elsewhere = Server::start(vec![
        vec![Act::Send(
            b"HTTP/1.1 302 Found\r\nLocation: ../other/b.flv?t=2\r\nContent-Length: 0\r\n\r\n".to_vec(),
        )],
        vec![Act::Send([&chunked(500)[..], END].concat())],
    ])
    .await;
    let location = format!(
        "HTTP/1.1 307 Temporary Redirect\r\nLocation: {}\r\n\r\n",
        elsewhere.url("/live/a.flv").reveal()
    );
    let first = Server::answering(location).await;
    let played = play(&first.url("/x.flv")).await;
    assert!(matches!(played.outcome, Outcome::Ended), "{:?}", played.outcome);
    assert_is_stream(&played);
    let to = elsewhere.address.to_string();
    let redirected = LinkEvent::Redirected { to: to.clone() };
    let connected = LinkEvent::Connected { peer: to };
    let first = LinkEvent::Connected { peer: first.address.to_string() };
    assert_eq!(
        played.events,
        [first, redirected.clone(), connected.clone(), redirected, connected, LinkEvent::Accepted]
    );
    assert!(elsewhere.requests.lock().unwrap()[1].starts_with("GET /other/b.flv?t=2 HTTP/1.1\r\n"));
}

#[tokio::test]
async fn t59_endless_redirects_are_given_up() {
    let again = Act::Send(b"HTTP/1.1 301 Moved Permanently\r\nLocation: /again.flv\r\n\r\n".to_vec());
    let server = Server::start(vec![vec![again]; 7]).await;
    let error = play(&server.url("/a.flv")).await.error();
    assert_eq!(server.requests.lock().unwrap().len(), 6);
    assert!(error.to_string().contains("redirects more than 5 times"), "{error}");
}

#[tokio::test]
async fn a_redirect_to_nowhere_is_said() {
    for (location, text) in [
        ("", "does not say where to"),
        ("Location: http://\r\n", "to what is no address"),
        ("Location: rtmp://host/live/key\r\n", "this is an address of rtmp"),
    ] {
        let server = Server::answering(format!("HTTP/1.1 302 Found\r\n{location}\r\n")).await;
        let error = play(&server.url("/a.flv")).await.error();
        assert!(error.to_string().contains(text), "{error}");
        assert!(!error.to_string().contains("key"), "{error}");
    }
}

#[tokio::test]
async fn statuses_are_told_and_missing_rights_are_final() {
    for (status, permanent) in [(401, true), (403, true), (404, false), (500, false), (204, false)] {
        let server =
            Server::answering(format!("HTTP/1.1 {status} Whatever\r\nContent-Length: 0\r\n\r\n")).await;
        let played = play(&server.url("/secret.flv?token=secret")).await;
        assert!(!played.events.contains(&LinkEvent::Accepted));
        let error = played.error();
        assert_eq!((error.kind, error.permanent), (TransportErrorKind::HttpStatus(status), permanent));
        let text = error.to_string();
        assert!(text.contains(&status.to_string()) && !text.contains("secret"), "{text}");
    }
}

#[tokio::test]
async fn html_instead_of_flv_is_said() {
    let page = "<!DOCTYPE html><title>Welcome</title>";
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: 37\r\n\r\n";
    let error = play(&Server::answering(format!("{head}{page}")).await.url("/a.flv")).await.error();
    assert_eq!(error.kind, TransportErrorKind::Malformed);
    let expected = "the server sent text/html; charset=utf-8 instead of an FLV stream: check the address \
                    (this is not FLV: it starts with \"<!DO\" instead of \"FLV\")";
    assert!(error.to_string().ends_with(expected), "{error}");
}

#[tokio::test]
async fn what_is_no_web_server_is_said() {
    for answer in ["SSH-2.0-OpenSSH_9.2\r\n", "\0\0\0\0"] {
        let error = play(&Server::answering(answer).await.url("/a.flv")).await.error();
        assert_eq!(error.kind, TransportErrorKind::Malformed, "{error}");
    }
    let error = play(&Server::answering("").await.url("/a.flv")).await.error();
    assert_eq!(error.kind, TransportErrorKind::Handshake, "{error}");
}

#[tokio::test]
async fn an_endless_head_is_bounded() {
    let start = Act::Send(b"HTTP/1.1 200 OK\r\n".to_vec());
    let server =
        Server::start(vec![vec![start, Act::SendForEver(b"X-Filler: 0123456789\r\n".to_vec())]]).await;
    let error = play(&server.url("/a.flv")).await.error();
    assert_eq!(error.kind, TransportErrorKind::Malformed, "{error}");
}

#[tokio::test]
async fn a_file_that_stops_short_is_lost() {
    let mut answer = with_length(&flv(&stream()));
    answer.truncate(answer.len() - 500);
    let played = play(&Server::answering(answer).await.url("/a.flv")).await;
    assert!(played.sink.packets.len() > 15);
    assert_eq!(played.error().kind, TransportErrorKind::Closed);
}

#[tokio::test]
async fn a_live_stream_that_breaks_off_is_lost() {
    // Between chunks, where the end is missing, and inside a tag, where it is there.
    let whole = chunked(500);
    let broken = [LIVE.as_bytes(), &chunk(&flv(&stream())[..300]), END].concat();
    for answer in [whole, broken] {
        let error = play(&Server::answering(answer).await.url("/a.flv")).await.error();
        assert_eq!(error.kind, TransportErrorKind::Closed, "{error}");
    }
    let empty = play(&Server::answering([LIVE.as_bytes(), END].concat()).await.url("/a.flv")).await.error();
    assert!(empty.to_string().ends_with("the server sent an empty answer"), "{empty}");
}

#[tokio::test]
async fn foreign_codecs_end_a_stream_that_has_nothing_else() {
    let speex = b"\x08\0\0\x02\0\0\0\0\0\0\0\xB2\0\0\0\0\x0D".repeat(60);
    let body = [&flv(&[])[..], &speex].concat();
    let error = play(&Server::answering(with_length(&body)).await.url("/a.flv")).await.error();
    assert!(error.permanent && error.to_string().contains("Speex, is not supported"), "{error}");

    let body = [&flv(&stream())[..], &b"\x09\0\0\x02\0\0\0\0\0\0\0\x24\0\0\0\0\x0D".repeat(60)].concat();
    let played = play(&Server::answering(with_length(&body)).await.url("/a.flv")).await;
    assert!(matches!(played.outcome, Outcome::Ended), "{:?}", played.outcome);
    assert!(played.sink.packets.iter().all(|packet| packet.track == Track::Audio));
}

#[tokio::test]
async fn headers_and_credentials_go_where_they_belong() {
    let other = Server::answering([&chunked(500)[..], END].concat()).await;
    let to = format!("HTTP/1.1 302 Found\r\nLocation: {}\r\n\r\n", other.url("/b.flv").reveal());
    let first = Server::answering(to).await;
    let mut subscriber = HttpSubscriber::default();
    subscriber.headers.insert("referer", "https://example.com/".parse().unwrap());
    subscriber.headers.insert("user-agent", "mine".parse().unwrap());
    subscriber.headers.insert("cookie", "session=secret".parse().unwrap());
    let url = format!("http://me:pass@{}/a.flv", first.address).parse().unwrap();
    let played = play_with(&subscriber, &url, usize::MAX).await;
    assert!(matches!(played.outcome, Outcome::Ended), "{:?}", played.outcome);

    let (request, redirected) =
        (first.requests.lock().unwrap()[0].clone(), other.requests.lock().unwrap()[0].clone());
    assert!(request.contains("authorization: Basic bWU6cGFzcw==\r\n"), "{request}");
    assert!(
        request.contains("cookie: session=secret\r\n") && request.contains("user-agent: mine\r\n"),
        "{request}"
    );
    assert!(redirected.contains("referer: https://example.com/\r\n"), "{redirected}");
    assert!(!redirected.contains("cookie") && !redirected.contains("authorization"), "{redirected}");
    assert!(!format!("{subscriber:?}").contains("secret"));
}

#[tokio::test(start_paused = true)]
async fn t92_a_server_that_does_not_answer_is_given_up() {
    let server = Server::start(vec![vec![Act::Hang]]).await;
    let start = tokio::time::Instant::now();
    let error = play(&server.url("/a.flv")).await.error();
    assert_eq!(error.kind, TransportErrorKind::Handshake);
    assert!(error.to_string().contains("did not answer within 10 s"), "{error}");
    assert!(start.elapsed() < Duration::from_secs(11));
}

#[tokio::test(start_paused = true)]
async fn t92_a_stream_that_falls_silent_is_lost() {
    for before in [LIVE.as_bytes().to_vec(), chunked(500)] {
        let server = Server::start(vec![vec![Act::Send(before), Act::Hang]]).await;
        let start = tokio::time::Instant::now();
        let played = play(&server.url("/a.flv")).await;
        assert!(played.events.contains(&LinkEvent::Accepted));
        let error = played.error();
        assert_eq!(error.kind, TransportErrorKind::Io);
        assert!(error.to_string().contains("sent nothing for 10 s"), "{error}");
        assert!(start.elapsed() < Duration::from_secs(21));
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_wants_no_more_is_let_go_at_once() {
    let server = Server::start(vec![vec![Act::Send(chunked(500)), Act::Hang]]).await;
    let played = play_with(&HttpSubscriber::default(), &server.url("/a.flv"), stream().len()).await;
    assert!(matches!(played.outcome, Outcome::Ended), "{:?}", played.outcome);
    let server = Server::start(vec![vec![Act::Hang]]).await;
    let subscriber = HttpSubscriber::default();
    let url = server.url("/a.flv");
    let playing = play_with(&subscriber, &url, usize::MAX);
    assert!(tokio::time::timeout(Duration::from_secs(1), playing).await.is_err());
}
