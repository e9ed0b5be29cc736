//! What goes wrong on real sockets and with real files, the codes it fires, and that nothing is left behind.

use live_capture::pattern::{Pattern, PatternSpec};
use live_core::backoff::RetryPolicy;
use live_core::event::{Delivery, EventStream, PusherEvent};
use live_core::state::SessionState;
use live_core::{PusherCode, StreamUrl};
use live_pusher::{Builder, LivePusher};
use live_transport::net::connect::{Connector, Deadlines};
use live_transport::net::relay::{Relay, RelayConfig};
use live_transport::net::rtmp::RtmpPublisher;
use std::io::Write as _;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

const FAST: RetryPolicy = RetryPolicy::doubling(Duration::from_millis(20));

fn pusher_to(url: &str) -> Builder {
    LivePusher::builder(url)
        .video_size(160, 90)
        .retry(FAST)
        .video_source(|| Pattern::new(PatternSpec::new(160, 90, 15)))
}

/// A publisher that gives every step a third of a second.
fn impatient() -> Arc<RtmpPublisher> {
    let short = Duration::from_millis(300);
    let deadlines = Deadlines {
        resolve: short,
        connect: short,
        answer: short,
        silence: short,
        pings: true,
        leave: short,
    };
    Arc::new(RtmpPublisher { connector: Connector::from(deadlines) })
}

/// Codes fired so far.
fn codes(events: &mut EventStream<PusherEvent>) -> Vec<i32> {
    std::iter::from_fn(|| events.try_next())
        .filter_map(|delivery| match delivery {
            Delivery::Event(PusherEvent::State { code, .. }) => Some(i32::from(code)),
            _ => None,
        })
        .collect()
}

/// The codes of a session that has to fail, without those of the sources.
async fn failure_codes(pusher: &LivePusher) -> Vec<i32> {
    let mut events = pusher.events();
    assert!(pusher.start());
    let failure =
        tokio::time::timeout(Duration::from_secs(20), pusher.finished()).await.expect("a deadline holds");
    assert_eq!(pusher.state(), SessionState::Failed);
    let mut codes = codes(&mut events);
    assert_eq!(failure.expect_err("it has to fail").code.map(i32::from), codes.last().copied(), "{codes:?}");
    codes.retain(|code| ![1003, 1007, 1008].contains(code));
    codes
}

async fn wait_for(events: &mut EventStream<PusherEvent>, wanted: PusherCode) {
    let found = async {
        loop {
            if let Some(Delivery::Event(PusherEvent::State { code, .. })) = events.next().await
                && code == wanted
            {
                return;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(10), found)
        .await
        .unwrap_or_else(|_| panic!("{wanted:?} within 10 s"));
}

/// Threads of this process that belong to pushers. Linux only; other systems have nothing to count.
fn pusher_threads() -> usize {
    let Ok(tasks) = std::fs::read_dir("/proc/self/task") else { return 0 };
    let names = tasks.flatten().filter_map(|task| std::fs::read_to_string(task.path().join("comm")).ok());
    names.filter(|name| ["live-video", "live-audio", "live-file", "live-copy"].contains(&name.trim())).count()
}

/// Tests that run in one process take turns, as they count its threads.
static TURN: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

fn free_port() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port")
}

#[tokio::test]
async fn a_refused_connection_is_tried_three_times_and_then_given_up() {
    let _turn = TURN.lock().await;
    let pusher = pusher_to(&format!("rtmp://{}/live/key", free_port())).build().unwrap();
    assert_eq!(failure_codes(&pusher).await, [3002, 1102, 3002, 1102, 3002, 1102, 3002, -1307]);
    assert_eq!(pusher_threads(), 0, "nothing is left running");
    assert!(pusher.start(), "a failed pusher may start again");
    pusher.stop().await;
}

#[tokio::test]
async fn a_server_that_answers_nothing_runs_into_the_deadline() {
    let _turn = TURN.lock().await;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("rtmp://{}/live/key", listener.local_addr().unwrap());
    let pusher = pusher_to(&url).publisher(impatient()).build().unwrap();
    let codes = failure_codes(&pusher).await;
    assert_eq!(codes[..3], [1001, 3003, 1102]);
    assert_eq!(codes.iter().filter(|code| **code == 1102).count(), 3);
}

#[tokio::test]
async fn a_server_that_speaks_something_else_is_a_failed_handshake() {
    let _turn = TURN.lock().await;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("rtmp://{}/live/key", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut stream in listener.incoming().take(4).flatten() {
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
        }
    });
    let pusher = pusher_to(&url).publisher(impatient()).build().unwrap();
    let codes = failure_codes(&pusher).await;
    assert_eq!(codes[..2], [1001, 3003], "{codes:?}");
}

#[tokio::test]
async fn a_host_that_does_not_exist_is_a_failed_resolution() {
    let _turn = TURN.lock().await;
    let pusher = pusher_to("rtmp://no-such-host.invalid/live/key").build().unwrap();
    assert_eq!(failure_codes(&pusher).await[..2], [3001, 1102]);
}

#[tokio::test]
async fn a_name_that_is_taken_is_final_at_once() {
    let _turn = TURN.lock().await;
    let relay = Relay::bind(RelayConfig::new("127.0.0.1:0".parse().unwrap())).await.unwrap();
    let url = format!("rtmp://{}/live/key", relay.rtmp_addr());
    let server = tokio::spawn(relay.run());
    let first = pusher_to(&url).build().unwrap();
    let mut events = first.events();
    first.start();
    wait_for(&mut events, PusherCode::Publishing).await;
    let second = pusher_to(&url).build().unwrap();
    assert_eq!(failure_codes(&second).await, [1001, 3004, -1307]);
    first.stop().await;
    server.abort();
}

#[tokio::test]
async fn a_server_that_goes_away_and_returns_is_published_to_again() {
    let _turn = TURN.lock().await;
    let addr = free_port();
    let url = format!("rtmp://{addr}/live/key");
    let server = tokio::spawn(Relay::bind(RelayConfig::new(addr)).await.unwrap().run());
    let slow = RetryPolicy { first: Duration::from_millis(300), longest: Duration::from_millis(300), ..FAST };
    let pusher = pusher_to(&url).retry(slow).build().unwrap();
    let mut events = pusher.events();
    pusher.start();
    wait_for(&mut events, PusherCode::Publishing).await;
    server.abort();
    wait_for(&mut events, PusherCode::Reconnecting).await;
    let server = tokio::spawn(Relay::bind(RelayConfig::new(addr)).await.unwrap().run());
    wait_for(&mut events, PusherCode::Connected).await;
    wait_for(&mut events, PusherCode::Publishing).await;
    assert_eq!(pusher.state(), SessionState::Running);
    pusher.stop().await;
    assert_eq!(pusher.finished().await, Ok(()));
    server.abort();
}

#[tokio::test]
async fn a_file_that_is_no_video_fails_before_anything_is_sent() {
    let _turn = TURN.lock().await;
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("notes.mp4");
    std::fs::write(&input, "not a video at all").unwrap();
    let output = folder.path().join("out.flv");
    let pusher = LivePusher::builder(output.to_str().unwrap()).input_file(&input).build().unwrap();
    pusher.start();
    let failure = pusher.finished().await.unwrap_err();
    assert_eq!(failure.code.map(i32::from), Some(-1301));
    assert!(failure.message.contains("notes.mp4"), "{failure}");
    assert_eq!(pusher_threads(), 0);
}

#[tokio::test]
async fn dropping_a_pusher_in_any_state_leaves_nothing_running() {
    let _turn = TURN.lock().await;
    let relay = Relay::bind(RelayConfig::new("127.0.0.1:0".parse().unwrap())).await.unwrap();
    let url = format!("rtmp://{}/live/dropped", relay.rtmp_addr());
    let server = tokio::spawn(relay.run());
    for wait in [0, 5, 50, 400] {
        let pusher = pusher_to(&url).build().unwrap();
        pusher.start();
        tokio::time::sleep(Duration::from_millis(wait)).await;
        drop(pusher);
        let gone = async {
            while pusher_threads() > 0 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(5), gone).await.expect("workers end after a drop");
    }
    server.abort();
}

#[tokio::test]
async fn secrets_stay_out_of_events_errors_and_debug() {
    let _turn = TURN.lock().await;
    let url = format!("rtmp://user:PASSWORD@{}/live/STREAMKEY?txSecret=TOKEN", free_port());
    let builder = pusher_to(&url);
    let mut seen = format!("{builder:?}");
    let pusher = builder.build().unwrap();
    let mut events = pusher.events();
    pusher.start();
    let failure = pusher.finished().await.unwrap_err();
    seen += &format!("{failure:?}{failure}{pusher:?}{:?}", url.parse::<StreamUrl>());
    while let Some(delivery) = events.try_next() {
        seen += &format!("{delivery:?}");
    }
    for secret in ["PASSWORD", "STREAMKEY", "TOKEN"] {
        assert!(!seen.contains(secret), "{secret} in {seen}");
    }
}

#[tokio::test]
async fn media_that_ends_before_there_is_a_connection_is_a_failure() {
    let _turn = TURN.lock().await;
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("short.flv");
    let recorder = pusher_to(&input.to_string_lossy()).build().unwrap();
    recorder.start();
    tokio::time::sleep(Duration::from_millis(600)).await;
    recorder.stop().await;

    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("rtmp://{}/live/key", silent.local_addr().unwrap());
    let pusher = LivePusher::builder(url).input_file(&input).build().unwrap();
    pusher.start();
    let ended = tokio::time::timeout(Duration::from_secs(9), pusher.finished())
        .await
        .expect("the drain has a deadline");
    assert_eq!(ended.unwrap_err().code, Some(PusherCode::RetriesExhausted));
}

#[test]
fn a_session_whose_runtime_goes_away_is_over() {
    let _turn = TURN.blocking_lock();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let url = format!("rtmp://{}/live/key", free_port());
    let pusher = pusher_to(&url).runtime(runtime.handle().clone()).build().unwrap();
    pusher.start();
    drop(runtime);
    let other = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let stopped = async { tokio::time::timeout(Duration::from_secs(2), pusher.stop()).await };
    other.block_on(stopped).expect("nobody waits for a session that is gone");
    assert_eq!(pusher.state(), SessionState::Failed);
}

#[tokio::test]
async fn an_encoder_that_does_not_exist_is_a_mistake_that_names_those_that_do() {
    let builder = pusher_to("rtmp://127.0.0.1/live/key");
    let error = builder.video_encoder(live_core::Selection::Named("openh246".into())).build().unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("video-encoder") && text.contains("openh246") && text.contains("openh264"),
        "{text}"
    );
}
