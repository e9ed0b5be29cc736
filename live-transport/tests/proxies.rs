//! Through proxies that do what a script says, to a real relay.
#![cfg(all(feature = "rtmp", feature = "http-flv", feature = "relay"))]
#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod support;

use live_core::{LinkEvent, Outcome, Publisher, Timestamp, TransportError, TransportErrorKind};
use live_transport::net::connect::{Connection, Connector, Deadlines};
use live_transport::net::proxy::Via;
use live_transport::net::rtmp::RtmpPublisher;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use support::{Events, RunningRelay, information, media, output_cx, queue};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

/// What a proxy says to whoever comes.
#[derive(Clone, Copy)]
enum Manner {
    /// Tunnels, if the credentials are right where some are wanted.
    Tunnel(Option<(&'static str, &'static str)>),
    /// Answers with this status.
    Answer(&'static str),
    /// Says something else.
    Babble,
    /// Says nothing.
    Silent,
    HangUp,
}

/// A proxy, and the requests it has seen.
struct Proxy {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    async fn http(manner: Manner) -> Self {
        Self::start(manner, |stream, manner, seen| async move {
            let mut stream = BufReader::new(stream);
            let mut head = String::new();
            while !head.ends_with("\r\n\r\n") {
                assert!(stream.read_line(&mut head).await.unwrap() > 0);
            }
            seen.lock().unwrap().push(head.clone());
            let answer = match manner {
                Manner::Answer(status) => format!("HTTP/1.1 {status}\r\nX: y\r\n\r\n"),
                Manner::Babble => "SSH-2.0-proxy\r\n\r\n".to_owned(),
                Manner::Silent => std::future::pending().await,
                Manner::HangUp => return,
                // "me:open sesame"
                Manner::Tunnel(Some(_)) if !head.contains("Basic bWU6b3BlbiBzZXNhbWU=") => {
                    "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n".to_owned()
                }
                Manner::Tunnel(_) => {
                    let target = head.split(' ').nth(1).unwrap().replace("nowhere.invalid", "127.0.0.1");
                    let mut there = TcpStream::connect(target).await.unwrap();
                    stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await.unwrap();
                    let _ = copy_bidirectional(&mut stream, &mut there).await;
                    return;
                }
            };
            let _ = stream.write_all(answer.as_bytes()).await;
        })
        .await
    }

    async fn socks(manner: Manner) -> Self {
        Self::start(manner, |mut stream, manner, seen| async move {
            assert_eq!(stream.read_u8().await.unwrap(), 5);
            let mut methods = vec![0; stream.read_u8().await.unwrap().into()];
            stream.read_exact(&mut methods).await.unwrap();
            let wanted = match manner {
                Manner::Tunnel(credentials) => credentials,
                Manner::Silent => std::future::pending().await,
                _ => return,
            };
            let method = if wanted.is_some() { 2 } else { 0 };
            if !methods.contains(&method) {
                stream.write_all(&[5, 0xFF]).await.unwrap();
                return;
            }
            stream.write_all(&[5, method]).await.unwrap();
            if let Some((user, password)) = wanted {
                assert_eq!(stream.read_u8().await.unwrap(), 1);
                let given = [text(&mut stream).await, text(&mut stream).await];
                let is_right = given == [user, password];
                stream.write_all(&[1, u8::from(!is_right)]).await.unwrap();
                if !is_right {
                    return;
                }
            }
            let mut request = [0; 4];
            stream.read_exact(&mut request).await.unwrap();
            let host = match request[3] {
                1 => std::net::Ipv4Addr::from(stream.read_u32().await.unwrap()).to_string(),
                3 => text(&mut stream).await,
                other => panic!("address type {other}"),
            };
            let port = stream.read_u16().await.unwrap();
            seen.lock().unwrap().push(format!("{host}:{port}"));
            let host = if host == "nowhere.invalid" { "127.0.0.1" } else { &host };
            let Ok(mut there) = TcpStream::connect((host, port)).await else {
                stream.write_all(&[5, 5, 0, 1, 0, 0, 0, 0, 0, 0]).await.unwrap();
                return;
            };
            stream.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await.unwrap();
            let _ = copy_bidirectional(&mut stream, &mut there).await;
        })
        .await
    }

    async fn start<F: Future<Output = ()> + Send + 'static>(
        manner: Manner,
        serve: impl Fn(TcpStream, Manner, Arc<Mutex<Vec<String>>>) -> F + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::<Mutex<Vec<String>>>::default();
        let log = Arc::clone(&seen);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(serve(stream, manner, Arc::clone(&log)));
            }
        });
        Self { address, seen }
    }
}

async fn text(stream: &mut TcpStream) -> String {
    let mut bytes = vec![0; stream.read_u8().await.unwrap().into()];
    stream.read_exact(&mut bytes).await.unwrap();
    String::from_utf8(bytes).unwrap()
}

fn through(proxy: &str) -> Connector {
    let mut connector =
        Connector::from(Deadlines { connect: Duration::from_millis(500), ..Deadlines::default() });
    connector.via = Via::Proxy(proxy.parse().unwrap());
    assert!(!format!("{connector:?}").contains("sesame"));
    connector
}

async fn connect(proxy: &str, url: &str) -> (Result<Connection, TransportError>, Vec<LinkEvent>) {
    let events = Events::default();
    let result = through(proxy).connect(&url.parse().unwrap(), &events.handler()).await;
    (result, events.list())
}

async fn refused(proxy: &str, url: &str) -> TransportError {
    let (result, events) = connect(proxy, url).await;
    assert_eq!(events, []);
    let error = result.unwrap_err();
    assert_eq!(error.kind, TransportErrorKind::Connect, "{error}");
    assert!(!format!("{error} {error:?}").contains("sesame"));
    error
}

#[tokio::test]
async fn a_stream_goes_through_either_kind_of_proxy_which_resolves_the_name() {
    let relay = RunningRelay::start().await;
    let credentials = Some(("me", "open sesame"));
    for is_socks in [false, true] {
        let (proxy, scheme) = match is_socks {
            true => (Proxy::socks(Manner::Tunnel(credentials)).await, "socks5"),
            false => (Proxy::http(Manner::Tunnel(credentials)).await, "http"),
        };
        let connector = through(&format!("{scheme}://me:open%20sesame@{}", proxy.address));
        let (queue, mut reader) = queue();
        information().into_iter().chain(media(Timestamp::ZERO, 20)).for_each(|packet| queue.push(packet));
        queue.close();
        let events = Events::default();
        // Only the proxy knows this host.
        let url = format!("rtmp://nowhere.invalid:{}/live/{scheme}", relay.rtmp.port()).parse().unwrap();
        let outcome = RtmpPublisher { connector }.publish(&url, &mut reader, &output_cx(&events)).await;
        assert!(matches!(outcome, Outcome::Ended), "{outcome:?}");
        let peer = format!("nowhere.invalid:{} through the proxy {}", relay.rtmp.port(), proxy.address);
        assert_eq!(events.list(), [LinkEvent::Connected { peer }, LinkEvent::Accepted]);
        assert!(proxy.seen.lock().unwrap()[0].contains("nowhere.invalid"));
    }
}

#[tokio::test]
async fn a_proxy_that_refuses_is_a_failed_connection_with_its_reason() {
    for (manner, reason, permanent) in [
        (Manner::Tunnel(Some(("me", "x"))), "wants a user", true),
        (Manner::Answer("403 Forbidden"), "does not allow", true),
        (Manner::Answer("502 Bad Gateway"), "502", false),
        (Manner::Babble, "not HTTP", false),
        (Manner::HangUp, "closed the connection", false),
        (Manner::Silent, "timed out", false),
    ] {
        let proxy = Proxy::http(manner).await;
        let error = refused(&format!("http://{}", proxy.address), "rtmp://host/live/x").await;
        assert!(error.to_string().contains(reason), "{reason}: {error}");
        assert_eq!(error.permanent, permanent, "{error}");
    }
    let proxy = Proxy::http(Manner::Tunnel(Some(("me", "x")))).await;
    let error = refused(&format!("http://me:wrong-sesame@{}", proxy.address), "http://host/live/x.flv").await;
    assert!(error.permanent && error.to_string().contains("407"), "{error}");

    let dead = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    for (manner, user, target, reason, permanent) in [
        (Manner::Tunnel(Some(("me", "x"))), "", dead, "wants a user", true),
        (Manner::Tunnel(Some(("me", "x"))), "me:sesame@", dead, "does not accept", true),
        (Manner::Tunnel(None), "", dead, "refused", false),
        (Manner::HangUp, "", dead, "closed the connection", false),
        (Manner::Silent, "", dead, "timed out", false),
    ] {
        let proxy = Proxy::socks(manner).await;
        let error =
            refused(&format!("socks5://{user}{}", proxy.address), &format!("rtmp://{target}/live/x")).await;
        assert!(error.to_string().contains(reason), "{reason}: {error}");
        assert_eq!(error.permanent, permanent, "{error}");
    }
}

#[tokio::test]
async fn a_proxy_whose_name_does_not_resolve_is_named() {
    let (result, _) = connect("http://no-such-proxy.invalid", "rtmp://host/live/x").await;
    let error = result.unwrap_err();
    assert_eq!(error.kind, TransportErrorKind::Dns);
    assert!(error.to_string().starts_with("no-such-proxy.invalid:80: "), "{error}");
}
