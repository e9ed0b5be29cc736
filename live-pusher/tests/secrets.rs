//! A planted stream key, user, password and token, and every failure of a network and server: none of them appears in a
//! log line, event, status, error or `Debug`.
#![cfg(unix)]

#[path = "support/media.rs"]
mod media;
#[path = "support/nginx.rs"]
mod nginx;

use live_capture::pattern::{Pattern, PatternSpec};
use live_core::backoff::RetryPolicy;
use live_core::event::{Delivery, EventStream, PusherEvent};
use live_pusher::{Builder, LivePusher};
use live_transport::net::connect::Deadlines;
use media::free_port;
use nginx::Nginx;
use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const SECRETS: [&str; 5] = ["USERNAME", "PASSWORD", "STREAMKEY", "TOKEN", "PROXYWORD"];
const NAME: &str = "STREAMKEY?txSecret=TOKEN&txTime=5";

/// Everything that anybody could read.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<u8>>>);

impl Seen {
    fn note(&self, thing: &impl std::fmt::Debug) {
        writeln!(self.clone(), "{thing:?}").unwrap();
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

impl Write for Seen {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn builder(url: &str) -> Builder {
    let short = Duration::from_secs(1);
    let deadlines = Deadlines { answer: short, silence: short, ..Deadlines::default() };
    LivePusher::builder(url)
        .video_size(160, 90)
        .deadlines(deadlines)
        .retry(RetryPolicy::doubling(Duration::from_millis(200)).retries(2))
        .on_retry_url(|context| async move { Some(context.url.reveal()) })
        .video_source(|| Pattern::new(PatternSpec::new(160, 90, 15)))
}

/// Notes events until `code` has come, and everything that can be printed.
async fn until(code: i32, pusher: &LivePusher, events: &mut EventStream<PusherEvent>, seen: &Seen) {
    let wait = async {
        loop {
            let Some(delivery) = events.next().await else { return };
            seen.note(&delivery);
            if let Delivery::Event(PusherEvent::State { code: told, .. }) = delivery
                && i32::from(told) == code
            {
                return;
            }
        }
    };
    let found = tokio::time::timeout(nginx::PATIENCE, wait).await;
    assert!(found.is_ok(), "{code} within {:?}:\n{}", nginx::PATIENCE, seen.text());
    seen.note(&(pusher, pusher.handle(), pusher.net_status(), pusher.outputs()));
}

/// Builds and starts; notes all of it.
fn start(builder: Builder, seen: &Seen) -> (LivePusher, EventStream<PusherEvent>) {
    seen.note(&builder);
    let pusher = builder.build().unwrap();
    let events = pusher.events();
    pusher.start();
    (pusher, events)
}

/// Runs what has to fail to its end.
async fn fails(builder: Builder, code: i32, seen: &Seen) {
    let (pusher, mut events) = start(builder, seen);
    until(code, &pusher, &mut events, seen).await;
    until(-1307, &pusher, &mut events, seen).await;
    let failure = pusher.finished().await.unwrap_err();
    seen.note(&(&failure, failure.to_string()));
}

/// A server that answers every connection with these bytes.
fn answering(bytes: &'static [u8]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let mut held = Vec::new();
        for mut stream in listener.incoming().flatten() {
            let _ = stream.write_all(bytes);
            held.push(stream);
        }
    });
    address
}

#[tokio::test]
async fn no_secret_is_seen_through_all_failures() {
    let seen = Seen::default();
    let log = seen.clone();
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(move || log.clone())
        .init();
    let mut server = Nginx::start();
    let to = |address: &dyn std::fmt::Display, app: &str| {
        format!("rtmp://USERNAME:PASSWORD@{address}/{app}/{NAME}")
    };
    let nginx = format!("127.0.0.1:{}", server.rtmp);

    fails(builder(&to(&free_port(), "live")).also(to(&free_port(), "also")), 3002, &seen).await;
    fails(builder(&to(&"no-such-host.invalid", "live")), 3001, &seen).await;
    fails(builder(&to(&answering(b""), "live")), 3003, &seen).await;
    fails(builder(&to(&answering(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "live")), 3003, &seen).await;
    fails(builder(&to(&nginx, "guarded")), 3004, &seen).await;
    fails(builder(&to(&nginx, "no-such-application")), 3004, &seen).await;
    let proxy = format!("http://USERNAME:PROXYWORD@{}", free_port());
    fails(builder(&to(&nginx, "live")).proxy(proxy), 3002, &seen).await;
    #[cfg(feature = "tls")]
    fails(builder(&to(&answering(b"no TLS here"), "live").replace("rtmp:", "rtmps:")), 3002, &seen).await;

    // One that publishes: taken away its name, thrown out, its server stopped, continued, killed.
    let (pusher, mut events) = start(builder(&to(&nginx, "live")).also(to(&free_port(), "also")), &seen);
    until(1002, &pusher, &mut events, &seen).await;
    fails(builder(&to(&nginx, "live")), 3004, &seen).await;
    server.drop_publisher("STREAMKEY");
    until(3004, &pusher, &mut events, &seen).await;
    until(1002, &pusher, &mut events, &seen).await;
    server.signal("STOP");
    // As long as its kernel takes what is sent the connection may hold; killing ends it in any case.
    tokio::time::sleep(Duration::from_secs(2)).await;
    server.signal("CONT");
    server.kill();
    until(1102, &pusher, &mut events, &seen).await;
    until(-1307, &pusher, &mut events, &seen).await;
    seen.note(&pusher.finished().await);

    // What cannot even be built, or added.
    for url in
        [to(&"host", "live").replace("rtmp", "gopher"), format!("rtmp://USERNAME:PASSWORD@/live/{NAME}")]
    {
        let error = builder(&url).also(url.as_str()).build().unwrap_err();
        let added = pusher.add_output(&url).unwrap_err();
        seen.note(&(&error, error.to_string(), &added, added.to_string()));
    }
    let twice = pusher.add_output(&to(&nginx, "live")).unwrap_err();
    seen.note(&(&twice, twice.to_string()));

    let text = seen.text();
    assert!(text.contains("TRACE") || text.contains("DEBUG"), "the log is captured");
    for code in ["DnsFailed", "ConnectFailed", "HandshakeFailed", "ServerClosed", "RetriesExhausted"] {
        assert!(text.contains(code), "{code} happened");
    }
    for secret in SECRETS {
        let lines: Vec<_> = text.lines().filter(|line| line.contains(secret)).collect();
        assert!(lines.is_empty(), "{secret} is seen:\n{}", lines.join("\n"));
    }
}
