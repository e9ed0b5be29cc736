//! The ways to a server, and the codes that come out when they do not lead there.
#![cfg(feature = "tls")]

mod support;
#[path = "../../live-transport/tests/support/tls.rs"]
mod tls;

use live_capture::pattern::{Pattern, PatternSpec};
use live_core::backoff::RetryPolicy;
use live_core::event::{Delivery, PusherEvent};
use live_pusher::{BuildError, Builder, LivePusher};
use live_transport::net::relay::{Relay, RelayConfig};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use support::{Told, failure, pictures, run_for};
use tls::{Authority, Front};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;

const FAST: RetryPolicy = RetryPolicy::doubling(Duration::from_millis(20));

fn pusher_to(url: impl Into<String>) -> Builder {
    LivePusher::builder(url)
        .video_size(160, 90)
        .fps(25)
        .retry(FAST)
        .video_source(|| Pattern::new(PatternSpec::new(160, 90, 25)))
}

/// The codes about the connection.
fn link_codes(told: &Told) -> Vec<i32> {
    let link = [1001, 1002, 1102, 3001, 3002, 3003, 3004, 3005, -1307];
    told.codes.iter().copied().filter(|code| link.contains(code)).collect()
}

async fn relay() -> SocketAddr {
    let relay = Relay::bind(RelayConfig::new("127.0.0.1:0".parse().unwrap())).await.unwrap();
    let address = relay.rtmp_addr();
    tokio::spawn(relay.run());
    address
}

#[tokio::test]
async fn rtmps_publishes_to_a_server_whose_authority_is_trusted() {
    let authority = Authority::new("ours");
    let front = Front::start(authority.issue(&["127.0.0.1"], false), relay().await).await;
    let url = format!("rtmps://{}/live/SECRETkey", front.address);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("roots.pem");
    std::fs::write(&path, &authority.pem).unwrap();
    for builder in [
        pusher_to(&url).tls_roots_file(&path),
        pusher_to(&url).tls_roots_pem(authority.pem.as_bytes()),
        pusher_to(&url).tls_insecure(),
    ] {
        let told = run_for(&builder.build().unwrap(), Duration::from_millis(700)).await;
        assert_eq!(link_codes(&told), [1001, 1002]);
        assert_eq!(told.detail(1001), front.address.to_string());
    }
}

#[tokio::test]
async fn a_certificate_that_does_not_hold_is_3002_with_the_reason_and_final() {
    let authority = Authority::new("ours");
    let relay = relay().await;
    let good = Front::start(authority.issue(&["127.0.0.1"], false), relay).await;
    let expired = Front::start(authority.issue(&["127.0.0.1"], true), relay).await;
    let foreign = Front::start(authority.issue(&["example.com"], false), relay).await;
    for (front, roots, reason) in [
        (&good, None, "unknown issuer"),
        (&expired, Some(&authority), "expired"),
        (&foreign, Some(&authority), "it is not for 127.0.0.1"),
    ] {
        let mut builder = pusher_to(format!("rtmps://{}/live/SECRETkey?token=SECRETtoken", front.address));
        if let Some(authority) = roots {
            builder = builder.tls_roots_pem(authority.pem.as_bytes());
        }
        let told = failure(&builder.build().unwrap()).await;
        assert_eq!(link_codes(&told), [3002, -1307], "{reason}");
        assert!(told.detail(3002).contains(reason), "{}", told.detail(3002));
        assert!(!format!("{told:?}").contains("SECRET"), "{told:?}");
    }
}

/// A web server that takes every request it gets: the body, without its chunks, or a refusal.
async fn web(refusal: Option<&'static str>) -> (SocketAddr, Arc<Mutex<(String, Vec<u8>)>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let seen = Arc::<Mutex<(String, Vec<u8>)>>::default();
    let log = Arc::clone(&seen);
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let mut stream = BufReader::new(stream);
            let mut head = String::new();
            while !head.ends_with("\r\n\r\n") {
                assert!(stream.read_line(&mut head).await.unwrap() > 0);
            }
            log.lock().unwrap().0 = head;
            if let Some(status) = refusal {
                let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
                stream.write_all(answer.as_bytes()).await.unwrap();
                continue;
            }
            loop {
                let mut line = String::new();
                stream.read_line(&mut line).await.unwrap();
                let length = usize::from_str_radix(line.trim(), 16).unwrap();
                let mut chunk = vec![0; length + 2];
                stream.read_exact(&mut chunk).await.unwrap();
                log.lock().unwrap().1.extend_from_slice(&chunk[..length]);
                if length == 0 {
                    break;
                }
            }
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await.unwrap();
        }
    });
    (address, seen)
}

#[tokio::test]
async fn http_flv_is_pushed_whole_with_the_applications_headers() {
    let (address, seen) = web(None).await;
    let pusher = pusher_to(format!("http://{address}/live/key.flv"))
        .header("Referer", "https://example.com/")
        .header("X-Token", "abc")
        .build()
        .unwrap();
    let told = run_for(&pusher, Duration::from_millis(1500)).await;
    assert_eq!(link_codes(&told), [1001, 1002]);
    let (head, body) = seen.lock().unwrap().clone();
    let head = head.to_ascii_lowercase();
    assert!(head.starts_with("post /live/key.flv ") && head.contains("\r\nx-token: abc\r\n"), "{head}");
    assert!(head.contains("\r\nreferer: https://example.com/\r\n"), "{head}");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("body.flv");
    std::fs::write(&path, body).unwrap();
    assert!(pictures(&path).len() > 20, "every picture decodes");
}

#[tokio::test]
async fn a_web_server_that_refuses_is_3004_with_the_status_and_final_unless_it_is_in_trouble() {
    for (status, codes) in [
        ("401 Unauthorized", &[1001, 3004, -1307][..]),
        ("403 Forbidden", &[1001, 3004, -1307]),
        ("404 Not Found", &[1001, 3004, -1307]),
        (
            "503 Service Unavailable",
            &[1001, 3004, 1102, 1001, 3004, 1102, 1001, 3004, 1102, 1001, 3004, -1307],
        ),
    ] {
        let (address, _) = web(Some(status)).await;
        let url = format!("http://SECRETuser:SECRETpw@{address}/live/SECRETkey.flv?token=SECRETtoken");
        let told = failure(&pusher_to(url).header("Cookie", "SECRETcookie").build().unwrap()).await;
        assert_eq!(link_codes(&told), codes, "{status}");
        assert!(told.detail(3004).contains(&status[..3]), "{}", told.detail(3004));
        assert!(!format!("{told:?}").contains("SECRET"), "{told:?}");
    }
}

#[tokio::test]
async fn a_proxy_that_gives_no_way_is_3002_and_says_so() {
    let (proxy, _) = web(Some("407 Proxy Authentication Required")).await;
    let builder =
        pusher_to("rtmp://host.example/live/SECRETkey").proxy(format!("http://me:SECRETpw@{proxy}"));
    assert!(!format!("{builder:?}").contains("SECRET"));
    let told = failure(&builder.build().unwrap()).await;
    assert_eq!(link_codes(&told), [3002, -1307]);
    assert!(told.detail(3002).contains(&format!("the proxy {proxy}")), "{}", told.detail(3002));
    assert!(!format!("{told:?}").contains("SECRET"), "{told:?}");
}

#[tokio::test]
async fn what_is_wrong_with_the_way_is_told_before_anything_opens() {
    let built = pusher_to("rtmps://host/live/key")
        .proxy("proxy.example:SECRET")
        .tls_roots_file("/no/such/roots.pem")
        .header("Not A Name", "SECRET")
        .header("X-Token", "SECRET\nEvil: 1")
        .build();
    let Err(BuildError::Config(error)) = built else { panic!("it was built") };
    let names: Vec<_> = error.mistakes.iter().map(|mistake| mistake.attribute.as_str()).collect();
    assert_eq!(names, ["proxy", "tls-ca", "header", "header"]);
    assert!(!format!("{error} {error:?}").contains("SECRET"), "{error}");
}

/// A server that goes away: the name then leads to another one.
#[tokio::test]
async fn a_retry_follows_a_name_that_has_moved() {
    struct Moving(Mutex<Vec<SocketAddr>>);
    #[async_trait::async_trait]
    impl live_transport::net::connect::Resolve for Moving {
        async fn resolve(&self, _: &str, _: u16) -> std::io::Result<Vec<SocketAddr>> {
            let mut left = self.0.lock().unwrap();
            Ok(vec![if left.len() > 1 { left.remove(0) } else { left[0] }])
        }
    }
    let first = Relay::bind(RelayConfig::new("127.0.0.1:0".parse().unwrap())).await.unwrap();
    let (before, after) = (first.rtmp_addr(), relay().await);
    let first = tokio::spawn(first.run());
    let pusher = pusher_to("rtmp://stream.example/live/key")
        .resolver(Moving(Mutex::new(vec![before, after])))
        .build()
        .unwrap();
    let mut events = pusher.events();
    pusher.start();
    let mut peers = Vec::new();
    let found = async {
        while peers.len() < 2 {
            if let Some(Delivery::Event(PusherEvent::State { code, detail })) = events.next().await {
                match i32::from(code) {
                    1001 => peers.push(detail),
                    1002 => first.abort(),
                    _ => {}
                }
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), found).await.expect("it reconnects");
    assert_eq!(peers, [before.to_string(), after.to_string()]);
    pusher.stop().await;
}
