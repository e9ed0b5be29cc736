//! The loop over a pipe in memory, with time that passes only when nothing else can happen.

use super::*;
use crate::rtmp::{ClientConfig, ClientEvent, Purpose, ServerConfig, ServerEvent, Step};
use live_core::{Packet, Timestamp};
use tokio::io::{AsyncWriteExt, DuplexStream, duplex};
use tokio::sync::mpsc;
use tokio::time::timeout;

fn now() -> std::time::Instant {
    Instant::now().into_std()
}

fn client(io: DuplexStream, purpose: Purpose) -> Driver<DuplexStream, ClientSession> {
    let config = ClientConfig::new(purpose, "rtmp://host/live/x".parse().unwrap());
    Driver::new(io, ClientSession::new(now(), config), Arc::default(), &Deadlines::default())
}

/// A server that accepts everything and passes on what it gets.
fn serve(io: DuplexStream, events: mpsc::UnboundedSender<ServerEvent>) -> tokio::task::JoinHandle<Stop> {
    let session = ServerSession::new(now(), ServerConfig::default());
    let mut driver = Driver::new(io, session, Arc::default(), &Deadlines::default());
    tokio::spawn(async move {
        loop {
            if let Err(stop) = driver.wait().await {
                return stop;
            }
            while let Some(event) = driver.session.poll_event() {
                if let ServerEvent::Publish { stream, .. } | ServerEvent::Play { stream, .. } = event {
                    driver.session.accept(now(), stream);
                }
                let _ = events.send(event);
            }
        }
    })
}

async fn accepted(driver: &mut Driver<DuplexStream, ClientSession>) {
    while driver.session.poll_event() != Some(ClientEvent::Accepted) {
        driver.wait().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn t92_a_peer_that_says_nothing_ends_at_the_deadline() {
    let (near, _far) = duplex(8192);
    let mut driver = client(near, Purpose::Publish);
    let start = Instant::now();
    let Err(Stop::Session(rtmp::Error::Silent { step, .. })) = driver.wait().await else {
        panic!("answered")
    };
    assert_eq!((step, start.elapsed()), (Step::Handshake, Duration::from_secs(10)));
}

#[tokio::test(start_paused = true)]
async fn a_publisher_whose_peer_takes_nothing_stalls() {
    let (near, far) = duplex(8192);
    let (sender, mut events) = mpsc::unbounded_channel();
    let server = serve(far, sender);
    let mut driver = client(near, Purpose::Publish);
    accepted(&mut driver).await;
    assert!(matches!(events.recv().await, Some(ServerEvent::Publish { .. })));
    // The server's task is gone, its end of the stream is not.
    let (near, _held) = duplex(8192);
    driver.io = near;
    server.abort();
    driver.session.set_epoch(Timestamp::ZERO);
    let key = Packet::key(Timestamp::ZERO, Timestamp::ZERO, vec![0; 100_000].into());
    driver.session.send(&key).unwrap();
    let start = Instant::now();
    let stalled = loop {
        if let Err(stop) = driver.wait().await {
            break stop;
        }
    };
    assert!(matches!(stalled, Stop::Stalled(_)), "{stalled:?}");
    assert_eq!(start.elapsed(), Duration::from_secs(8)); // four fifths of the deadline
}

#[tokio::test(start_paused = true)]
async fn the_source_is_asked_only_while_little_waits() {
    let (near, far) = duplex(64 * 1024);
    let (sender, _events) = mpsc::unbounded_channel();
    let server = serve(far, sender);
    let mut driver = client(near, Purpose::Publish);
    accepted(&mut driver).await;
    server.abort();
    let (near, mut held) = duplex(1000);
    driver.io = near;
    driver.session.set_epoch(Timestamp::ZERO);
    let mut taken = 0;
    // A peer that takes nothing: packets are taken up to the low-water mark and not beyond.
    while let Ok(turn) = timeout(Duration::from_millis(500), driver.turn(async {})).await {
        if turn.unwrap() == Turn::Progress {
            // A ping is due.
            continue;
        }
        taken += 1;
        let at = Timestamp::from_millis(taken * 20);
        driver.session.send(&Packet::audio(at, vec![0; 1000].into())).unwrap();
    }
    assert!((15..=18).contains(&taken), "{taken} packets of 1000 bytes were taken");
    // As soon as the peer reads, the source is asked again.
    let mut drained = vec![0; 20_000];
    let read = held.read_exact(&mut drained);
    let (turn, _) = tokio::join!(
        timeout(Duration::from_secs(1), driver.turn(async {})),
        timeout(Duration::from_secs(1), read)
    );
    assert_eq!(turn.unwrap().unwrap(), Turn::Source(()));
}

#[tokio::test(start_paused = true)]
async fn cancelled_turns_lose_no_bytes() {
    let (near, far) = duplex(300);
    let (sender, mut events) = mpsc::unbounded_channel();
    let server = serve(far, sender);
    let mut driver = client(near, Purpose::Publish);
    accepted(&mut driver).await;
    driver.session.set_epoch(Timestamp::ZERO);
    for index in 0..200_u8 {
        let at = Timestamp::from_millis(i64::from(index) * 20);
        driver.session.send(&Packet::audio(at, vec![index; 700].into())).unwrap();
        // Dropped after it was polled once, wherever it is then.
        tokio::select! {
            biased;
            _ = driver.turn(std::future::pending::<()>()) => {}
            () = tokio::task::yield_now() => {}
        }
    }
    driver.session.finish();
    driver.leave(Duration::from_secs(5)).await.unwrap();
    drop(driver);
    assert!(matches!(server.await.unwrap(), Stop::Closed));
    let mut next = 0;
    while let Some(event) = events.recv().await {
        if let ServerEvent::Media(message) = event {
            assert_eq!(message.payload[2..], vec![next; 700]);
            next += 1;
        }
    }
    assert_eq!(next, 200);
}

#[tokio::test(start_paused = true)]
async fn an_http_server_is_told_from_an_rtmp_server() {
    let (near, mut far) = duplex(8192);
    far.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
    let stop = client(near, Purpose::Play).wait().await.unwrap_err();
    assert!(stop.to_string().contains("is this an RTMP port?"), "{stop}");
}

#[test]
fn t94_an_end_without_close_notify_is_an_end() {
    // What a TLS stream reports when the peer closes below it.
    let end = Stop::from(io::Error::from(io::ErrorKind::UnexpectedEof));
    assert!(matches!(end, Stop::Closed));
    assert!(matches!(Stop::from(io::Error::from(io::ErrorKind::ConnectionReset)), Stop::Io(_)));
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_asks_and_does_not_listen_is_not_read_any_more() {
    let (near, mut far) = duplex(64 * 1024);
    let session = ServerSession::new(now(), ServerConfig::default());
    let mut driver = Driver::new(near, session, Arc::default(), &Deadlines::default());
    let mut hello = vec![3];
    hello.resize(1 + 2 * 1536, 0);
    // Pings, each of which asks for an answer, one byte of header each.
    hello.extend_from_slice(&[2, 0, 0, 0, 0, 0, 6, 4, 0, 0, 0, 0, 0, 6, 0, 0, 0, 1]);
    hello.extend_from_slice(&[0x82, 0, 0, 0, 0, 6, 0, 0, 0, 1]);
    let flood = tokio::spawn(async move {
        far.write_all(&hello).await.unwrap();
        while far.write_all(&[0xC2, 0, 6, 0, 0, 0, 1].repeat(1000)).await.is_ok() {}
    });
    let stop = loop {
        if let Err(stop) = driver.wait().await {
            break stop;
        }
        assert!(driver.session.outgoing().remaining() < HIGH_WATER + 4 * BLOCK);
    };
    assert!(matches!(stop, Stop::Stalled(_)), "{stop}");
    flood.abort();
}

#[tokio::test]
async fn what_the_peer_said_before_it_hung_up_is_heard() {
    let (near, mut far) = duplex(8192);
    far.write_all(b"nonsense").await.unwrap();
    drop(far);
    // Writing fails at once; the reason is in what was received.
    let stop = client(near, Purpose::Play).wait().await.unwrap_err();
    assert!(matches!(stop, Stop::Session(rtmp::Error::Version(_))), "{stop}");
}
