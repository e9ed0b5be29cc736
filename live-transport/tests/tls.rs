//! RTMPS and HTTPS: streams over TLS, and certificates that do not hold.
#![cfg(all(feature = "rtmp", feature = "http-flv", feature = "relay", feature = "tls"))]
#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod support;
#[path = "support/tls.rs"]
mod tls;

use live_core::{
    LinkEvent, LinkEventHandler, Outcome, Packet, Publisher, Subscriber, Timestamp, TransportError,
    TransportErrorKind,
};
use live_transport::net::connect::{Connector, Deadlines};
use live_transport::net::http::HttpSubscriber;
use live_transport::net::rtmp::{RtmpPublisher, RtmpSubscriber};
use live_transport::net::tls::Tls;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use support::{
    Events, RunningRelay, bare, information, is_media, media, output_cx, queue, sink, subscription_cx,
};
use tls::{Authority, Front};

fn trusting(authority: &Authority) -> Connector {
    with(Tls::with_roots_pem(authority.pem.as_bytes()).unwrap())
}

fn with(tls: Tls) -> Connector {
    let mut connector = Connector::default();
    connector.tls = tls;
    connector
}

/// Opens a connection to what listens at `address`, under the name `host`.
async fn connect(
    connector: &Connector,
    host: &str,
    address: SocketAddr,
) -> Result<Vec<LinkEvent>, TransportError> {
    let events = Events::default();
    let handler: LinkEventHandler = events.handler();
    let url = format!("rtmps://{host}:{}/live/secretkey", address.port()).parse().unwrap();
    connector.connect(&url, &handler).await.map(|_| events.list()).inspect_err(|error| {
        assert!(!format!("{error} {error:?}").contains("secret"));
        assert_eq!(events.list(), [], "what failed is not connected");
    })
}

#[tokio::test]
async fn a_stream_goes_over_rtmps_and_comes_back_over_rtmps_and_https() {
    let relay = RunningRelay::start().await;
    let authority = Authority::new("ours");
    let connector = trusting(&authority);
    let rtmps = Front::start(authority.issue(&["localhost", "127.0.0.1"], false), relay.rtmp).await;
    let https = Front::start(authority.issue(&["127.0.0.1"], false), relay.http).await;
    // A name and an address: certificates are for either.
    let push = format!("rtmps://localhost:{}/live/x", rtmps.address.port()).parse().unwrap();
    let pulls =
        [format!("rtmps://{}/live/x", rtmps.address), format!("https://{}/live/x.flv", https.address)];

    let (queue, mut reader) = queue();
    information().into_iter().for_each(|packet| queue.push(packet));
    let events = Events::default();
    let publisher = RtmpPublisher { connector: connector.clone() };
    let cx = output_cx(&events);
    let publishing = tokio::spawn(async move { publisher.publish(&push, &mut reader, &cx).await });

    let mut playing = Vec::new();
    for pull in pulls {
        let url: live_core::StreamUrl = pull.parse().unwrap();
        let subscriber: Arc<dyn Subscriber> = if url.scheme().is_rtmp() {
            Arc::new(RtmpSubscriber { connector: connector.clone(), ..RtmpSubscriber::default() })
        } else {
            Arc::new(HttpSubscriber { connector: connector.clone(), ..HttpSubscriber::default() })
        };
        let (mut sink, packets) = sink();
        let events = Events::default();
        let cx = subscription_cx(&events);
        let task = tokio::spawn(async move { subscriber.play(&url, &mut sink, &cx).await });
        playing.push((task, packets));
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    let sent = media(Timestamp::ZERO, 30);
    sent.iter().cloned().for_each(|packet| queue.push(packet));
    queue.close();
    let outcome = tokio::time::timeout(Duration::from_secs(10), publishing).await.unwrap().unwrap();
    assert!(matches!(outcome, Outcome::Ended), "{outcome:?}");
    assert!(events.accepted());
    for (task, mut packets) in playing {
        let outcome = tokio::time::timeout(Duration::from_secs(10), task).await.unwrap().unwrap();
        assert!(matches!(outcome, Outcome::Ended), "{outcome:?}");
        let mut received: Vec<Packet> = Vec::new();
        while let Ok(packet) = packets.try_recv() {
            received.push(bare(packet));
        }
        received.retain(is_media);
        assert_eq!(received, sent);
    }
}

#[tokio::test]
async fn certificates_that_do_not_hold_are_refused_with_the_reason_and_for_good() {
    let relay = RunningRelay::start().await;
    let authority = Authority::new("ours");
    let ours = trusting(&authority);
    let good = Front::start(authority.issue(&["127.0.0.1", "localhost"], false), relay.rtmp).await;
    let expired = Front::start(authority.issue(&["127.0.0.1"], true), relay.rtmp).await;
    let foreign = Front::start(authority.issue(&["example.com"], false), relay.rtmp).await;
    let others = trusting(&Authority::new("others"));
    let namesakes = trusting(&Authority::new("ours"));
    let system = Connector::default();

    assert!(connect(&ours, "127.0.0.1", good.address).await.is_ok());
    assert!(connect(&ours, "localhost", good.address).await.is_ok());
    for (connector, address, reason) in [
        (&ours, expired.address, "expired"),
        (&ours, foreign.address, "it is not for 127.0.0.1"),
        (&others, good.address, "unknown issuer"),
        (&namesakes, good.address, "signature"),
        (&system, good.address, "unknown issuer"),
    ] {
        let error = connect(connector, "127.0.0.1", address).await.unwrap_err();
        assert_eq!((error.kind, error.permanent), (TransportErrorKind::Tls, true), "{error}");
        assert!(error.to_string().contains(reason), "{error}");
    }
    for address in [good.address, expired.address, foreign.address] {
        assert!(connect(&with(Tls::insecure()), "127.0.0.1", address).await.is_ok());
    }
}

#[tokio::test]
async fn a_server_without_tls_is_told_so_and_a_silent_one_runs_into_the_deadline() {
    let connector = with(Tls::insecure());
    // The relay's web server answers a TLS handshake with an HTTP error.
    let relay = RunningRelay::start().await;
    let error = connect(&connector, "127.0.0.1", relay.http).await.unwrap_err();
    assert_eq!((error.kind, error.permanent), (TransportErrorKind::Tls, false), "{error}");
    assert!(error.to_string().contains(&format!("port {}", relay.http.port())), "{error}");

    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut impatient = connector.clone();
    impatient.deadlines = Deadlines { connect: Duration::from_millis(200), ..Deadlines::default() };
    let error = connect(&impatient, "127.0.0.1", silent.local_addr().unwrap()).await.unwrap_err();
    assert_eq!(error.kind, TransportErrorKind::Connect, "{error}");
}
