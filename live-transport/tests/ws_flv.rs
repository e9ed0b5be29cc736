//! WS-FLV from servers that do exactly what a script says, and from the relay, over real sockets.
#![cfg(all(feature = "ws-flv", feature = "relay"))]
#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod support;

use bytes::{Bytes, BytesMut};
use futures_util::{SinkExt, StreamExt};
use live_core::{
    LinkEvent, Outcome, Packet, Publisher, Subscriber, Timestamp, TransportError, TransportErrorKind,
};
use live_transport::flv::{Header, Muxer};
use live_transport::net::connect::{Connector, Deadlines};
use live_transport::net::rtmp::RtmpPublisher;
use live_transport::net::ws::WsSubscriber;
use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;
use support::{Events, RunningRelay, information, media, output_cx, queue, sink, subscription_cx};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{CloseCode, Data, OpCode};

type Socket = WebSocketStream<TcpStream>;

/// Serves one connection; gives back what `serve` gives.
async fn serving<T: Send + 'static, F: Future<Output = T> + Send>(
    serve: impl FnOnce(TcpStream) -> F + Send + 'static,
) -> (SocketAddr, JoinHandle<T>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (address, tokio::spawn(async move { serve(listener.accept().await.unwrap().0).await }))
}

/// A WebSocket server for one viewer.
async fn speaking<T: Send + 'static, F: Future<Output = T> + Send>(
    speak: impl FnOnce(Socket) -> F + Send + 'static,
) -> (SocketAddr, JoinHandle<T>) {
    serving(async move |stream| speak(tokio_tungstenite::accept_async(stream).await.unwrap()).await).await
}

/// Answers with these bytes and stays.
async fn answering(answer: impl Into<Vec<u8>>) -> SocketAddr {
    let answer = answer.into();
    let serve = async move |mut stream: TcpStream| {
        read_request(&mut stream).await;
        stream.write_all(&answer).await.unwrap();
        std::future::pending::<()>().await;
    };
    serving(serve).await.0
}

async fn read_request(stream: &mut TcpStream) -> String {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        request.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(request).unwrap()
}

fn subscriber() -> WsSubscriber {
    let short = Duration::from_millis(300);
    let deadlines = Deadlines { answer: short, silence: short, ..Deadlines::default() };
    WsSubscriber { connector: Connector::from(deadlines), ..WsSubscriber::default() }
}

struct Played {
    outcome: Outcome,
    packets: Vec<Packet>,
    events: Vec<LinkEvent>,
}

impl Played {
    #[track_caller]
    fn error(self) -> TransportError {
        match self.outcome {
            Outcome::Lost(error) => error,
            other => panic!("{other:?}"),
        }
    }
}

async fn play_with(subscriber: WsSubscriber, url: String) -> Played {
    let (mut media, mut received) = sink();
    let events = Events::default();
    let playing =
        async { subscriber.play(&url.parse().unwrap(), &mut media, &subscription_cx(&events)).await };
    let outcome = timeout(Duration::from_secs(10), playing).await.unwrap();
    let packets = std::iter::from_fn(|| received.try_recv().ok()).map(support::bare).collect();
    Played { outcome, packets, events: events.list() }
}

async fn play(address: SocketAddr) -> Played {
    play_with(subscriber(), format!("ws://{address}/live/cam.flv")).await
}

fn stream() -> Vec<Packet> {
    information().into_iter().skip(1).chain(media(Timestamp::ZERO, 20)).collect()
}

fn flv() -> Vec<u8> {
    let (mut out, mut muxer) = (BytesMut::new(), Muxer::new(Timestamp::ZERO));
    Header::default().write(&mut out);
    stream().iter().for_each(|packet| muxer.write(packet, &mut out).unwrap());
    out.to_vec()
}

#[tokio::test]
async fn a_stream_is_played_however_messages_cut_it_pings_are_answered_and_a_close_is_its_end() {
    for size in [1, 7, 1000, 1 << 20] {
        let (address, server) = speaking(async move |mut socket| {
            for piece in flv().chunks(size) {
                socket.feed(Message::binary(piece.to_vec())).await.unwrap();
            }
            socket.send(Message::Ping(Bytes::from_static(b"there?"))).await.unwrap();
            let pong = socket.next().await.unwrap().unwrap();
            assert_eq!(pong, Message::Pong(Bytes::from_static(b"there?")));
            socket.close(None).await.unwrap();
            socket.next().await
        })
        .await;
        let played = play(address).await;
        assert!(matches!(played.outcome, Outcome::Ended), "{:?}", played.outcome);
        assert_eq!(played.packets, stream());
        let connected = LinkEvent::Connected { peer: address.to_string() };
        assert_eq!(played.events, [connected, LinkEvent::Accepted]);
        let answered = server.await.unwrap();
        assert!(matches!(answered, Some(Ok(Message::Close(_))) | None), "{answered:?}");
    }
}

/// A part of a message, as the first of which it is binary.
fn fragment(data: &[u8], is_first: bool, is_last: bool) -> Message {
    let kind = if is_first { Data::Binary } else { Data::Continue };
    Message::Frame(Frame::message(data.to_vec(), OpCode::Data(kind), is_last))
}

#[tokio::test]
async fn a_message_may_come_in_fragments_with_a_ping_between_them() {
    let (address, server) = speaking(async move |mut socket| {
        let flv = flv();
        let (first, rest) = flv.split_at(flv.len() / 3);
        let (second, third) = rest.split_at(rest.len() / 2);
        socket.send(fragment(first, true, false)).await.unwrap();
        socket.send(Message::Ping(Bytes::from_static(b"there?"))).await.unwrap();
        assert_eq!(socket.next().await.unwrap().unwrap(), Message::Pong(Bytes::from_static(b"there?")));
        socket.send(fragment(second, false, false)).await.unwrap();
        socket.send(fragment(third, false, true)).await.unwrap();
        socket.close(None).await.unwrap();
    })
    .await;
    let played = play(address).await;
    assert!(matches!(played.outcome, Outcome::Ended), "{:?}", played.outcome);
    assert_eq!(played.packets, stream());
    server.await.unwrap();
}

#[tokio::test]
async fn the_request_says_what_the_application_wants_and_takes_its_credentials_along() {
    let (address, server) = serving(async move |stream| {
        let mut seen = None;
        #[expect(clippy::result_large_err, reason = "the library's signature")]
        let look = |request: &Request, response: Response| {
            seen = Some((request.uri().to_string(), request.headers().clone()));
            Ok(response)
        };
        let mut socket = tokio_tungstenite::accept_hdr_async(stream, look).await.unwrap();
        socket.close(None).await.unwrap();
        seen.unwrap()
    })
    .await;
    let mut subscriber = subscriber();
    subscriber.headers.insert("origin", "https://example.com".parse().unwrap());
    play_with(subscriber, format!("ws://me:open%20sesame@{address}/live/cam.flv?t=1")).await;
    let (target, headers) = server.await.unwrap();
    assert_eq!(target, "/live/cam.flv?t=1");
    assert_eq!(headers["origin"], "https://example.com");
    assert_eq!(headers["authorization"], "Basic bWU6b3BlbiBzZXNhbWU=");
    assert_eq!(headers["host"], address.to_string());
}

#[tokio::test]
async fn what_is_no_stream_is_named() {
    let close = |code, reason: &str| Message::Close(Some(CloseFrame { code, reason: reason.into() }));
    let table = [
        (
            Message::text("{\"error\":404}"),
            TransportErrorKind::Malformed,
            "sent text instead of an FLV stream",
        ),
        (Message::binary("<html>no</html>"), TransportErrorKind::Malformed, "sent no FLV stream"),
        (close(CloseCode::Error, "no such stream"), TransportErrorKind::Closed, "no such stream"),
        (close(CloseCode::Normal, ""), TransportErrorKind::Malformed, "empty answer"),
    ];
    for (message, kind, text) in table {
        let (address, _server) = speaking(async move |mut socket: Socket| {
            socket.send(message).await.unwrap();
            while socket.next().await.is_some_and(|said| said.is_ok()) {}
        })
        .await;
        let error = play(address).await.error();
        assert!(error.kind == kind && error.to_string().contains(text), "{error:?}");
    }
}

#[tokio::test]
async fn a_connection_that_breaks_or_falls_silent_is_lost_within_its_deadline() {
    let (address, _server) = speaking(async |mut socket: Socket| {
        socket.send(Message::binary(flv())).await.unwrap();
    })
    .await;
    let broken = play(address).await;
    assert_eq!(broken.packets, stream());
    assert_eq!(broken.error().kind, TransportErrorKind::Closed);

    let (address, _server) = speaking(async |mut socket: Socket| {
        socket.send(Message::binary(flv()[..200].to_vec())).await.unwrap();
        // Pings are no media. The pace is that of real time, as the deadline beside it is.
        while socket.send(Message::Ping(Bytes::new())).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
    let start = Instant::now();
    let error = play(address).await.error();
    assert!(error.kind == TransportErrorKind::Io && error.to_string().contains("sent nothing"), "{error}");
    assert!(start.elapsed() < Duration::from_secs(3));
}

#[tokio::test]
async fn a_message_that_is_longer_than_any_tag_is_refused_before_it_is_read() {
    let (address, _server) = serving(async |stream| {
        let socket = tokio_tungstenite::accept_async(stream).await.unwrap();
        let mut raw = socket.into_inner();
        // A final binary frame, unmasked, of 1 TiB.
        raw.write_all(&[0x82, 127, 0, 0, 1, 0, 0, 0, 0, 0]).await.unwrap();
        std::future::pending::<()>().await;
    })
    .await;
    let whole = play(address).await.error();
    let (address, _server) = speaking(async |mut socket: Socket| {
        let part = vec![0; 1 << 20];
        for number in 0.. {
            if socket.send(fragment(&part, number == 0, false)).await.is_err() {
                break;
            }
        }
    })
    .await;
    let in_fragments = play(address).await.error();
    for error in [whole, in_fragments] {
        assert!(
            error.kind == TransportErrorKind::Malformed && error.to_string().contains("rules"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn answers_that_are_no_websocket_are_told_apart() {
    use TransportErrorKind::{Handshake, HttpStatus, Malformed};
    let endless = format!("HTTP/1.1 101 Switching Protocols\r\nX: {}", "y".repeat(200_000));
    let no_key = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
    for (answer, kind, permanent) in [
        ("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", HttpStatus(403), true),
        ("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", HttpStatus(404), false),
        ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", HttpStatus(200), false),
        (no_key, Handshake, false),
        (endless.as_str(), Malformed, false),
        ("SSH-2.0-server\r\n\r\n", Malformed, false),
        ("", Handshake, false),
    ] {
        let error = play(answering(answer).await).await.error();
        assert_eq!((error.kind, error.permanent), (kind, permanent), "{error}");
    }
}

#[tokio::test]
async fn redirects_are_followed_to_other_websockets() {
    let (address, _server) = speaking(async |mut socket: Socket| {
        socket.send(Message::binary(flv())).await.unwrap();
        socket.close(None).await.unwrap();
    })
    .await;
    let found = format!("HTTP/1.1 302 Found\r\nLocation: http://{address}/live/b.flv\r\n\r\n");
    let played = play(answering(found).await).await;
    assert!(matches!(played.outcome, Outcome::Ended), "{:?}", played.outcome);
    assert_eq!(played.packets, stream());
    assert!(played.events.contains(&LinkEvent::Redirected { to: address.to_string() }));
}

/// Publishes `packets` and stays.
async fn publish(relay: &RunningRelay, packets: Vec<Packet>) -> live_core::queue::PacketQueue {
    let (queue, mut reader) = queue();
    let events = Events::default();
    let (cx, url) = (output_cx(&events), relay.rtmp_url("cam").parse().unwrap());
    tokio::spawn(async move { RtmpPublisher::default().publish(&url, &mut reader, &cx).await });
    packets.into_iter().for_each(|packet| queue.push(packet));
    while !events.accepted() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    queue
}

#[tokio::test]
async fn the_relay_serves_websockets_to_the_end_of_the_stream() {
    let relay = RunningRelay::start().await;
    let queue = publish(&relay, information().into_iter().chain(media(Timestamp::ZERO, 1)).collect()).await;
    let (mut sink, mut received) = sink();
    let events = Events::default();
    let (cx, url) = (subscription_cx(&events), format!("ws://{}/live/cam.flv", relay.http).parse().unwrap());
    let playing = tokio::spawn(async move { subscriber().play(&url, &mut sink, &cx).await });
    let mut got = Vec::new();
    while got.is_empty() {
        got.extend(received.recv().await.map(support::bare).filter(support::is_media));
    }
    let more = media(Timestamp::from_millis(40), 19);
    more.iter().cloned().for_each(|packet| queue.push(packet));
    queue.close();
    while let Some(packet) = received.recv().await {
        got.extend(Some(support::bare(packet)).filter(support::is_media));
    }
    let outcome = playing.await.unwrap();
    assert!(matches!(outcome, Outcome::Ended), "{outcome:?}");
    let sent: Vec<_> = media(Timestamp::ZERO, 1).into_iter().chain(more).collect();
    assert!(got == sent, "{} of {} packets", got.len(), sent.len());
}

#[tokio::test]
async fn a_viewer_s_pings_and_farewell_are_heard_and_strangers_are_told_what_is_wrong() {
    let relay = RunningRelay::start().await;
    let _queue = publish(&relay, information().into_iter().chain(media(Timestamp::ZERO, 5)).collect()).await;
    let stream = TcpStream::connect(relay.http).await.unwrap();
    let request = format!("ws://{}/live/cam.flv", relay.http);
    let (mut socket, _) = tokio_tungstenite::client_async(request, stream).await.unwrap();
    socket.send(Message::Ping(Bytes::from_static(b"?"))).await.unwrap();
    let mut said = Vec::new();
    while !said.contains(&Message::Pong(Bytes::from_static(b"?"))) {
        said.push(timeout(Duration::from_secs(5), socket.next()).await.unwrap().unwrap().unwrap());
    }
    socket.close(None).await.unwrap();
    let ended = async { while socket.next().await.is_some_and(|said| said.is_ok()) {} };
    timeout(Duration::from_secs(5), ended).await.unwrap();

    for (version, status) in [("12", "400 "), ("13", "101 ")] {
        let mut stream = TcpStream::connect(relay.http).await.unwrap();
        let request = format!(
            "GET /live/cam.flv HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: {version}\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let head = timeout(Duration::from_secs(5), read_request(&mut stream)).await.unwrap();
        assert!(head.starts_with(&format!("HTTP/1.1 {status}")), "{head}");
        // The example of RFC 6455 section 1.3.
        assert_eq!(head.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), version == "13", "{head}");
        assert_eq!(head.to_lowercase().contains("sec-websocket-version: 13"), version == "12", "{head}");
    }
}
