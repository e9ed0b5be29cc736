//! Several destinations: each on its own, none disturbs another.

#[path = "support/media.rs"]
mod media;

use async_trait::async_trait;
use live_capture::pattern::{Pattern, PatternSpec};
use live_capture::tone::Tone;
use live_core::backoff::RetryPolicy;
use live_core::event::{Delivery, EventStream, PusherEvent};
use live_core::queue::PacketReader;
use live_core::state::SessionState;
use live_core::{
    AudioSpec, LinkEvent, Outcome, OutputCx, OutputId, OutputState, Packet, PacketKind, Publisher,
    PusherCode, StreamUrl, TransportError, TransportErrorKind,
};
use live_pusher::{AddOutputError, Builder, LivePusher};
use live_transport::net::relay::{Relay, RelayConfig};
use media::{free_port, packets, pictures};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const FAST: RetryPolicy = RetryPolicy::doubling(Duration::from_millis(20));

fn pusher_to(url: impl Into<String>) -> Builder {
    LivePusher::builder(url)
        .video_size(160, 90)
        .fps(25)
        .retry(FAST)
        .video_source(|| Pattern::new(PatternSpec::new(160, 90, 25)))
        .audio_source(|| Tone::new(AudioSpec { sample_rate: 48_000, channels: 1 }))
}

fn dead_url() -> String {
    format!("rtmp://{}/live/STREAMKEY?token=TOKEN", free_port())
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// A file of which every picture is known.
async fn clip(folder: &Path) -> (PathBuf, usize) {
    let path = folder.join("clip.flv");
    let pusher = pusher_to(text(&path)).build().unwrap();
    pusher.start();
    tokio::time::sleep(Duration::from_millis(1500)).await;
    pusher.stop().await;
    let count = pictures(&path).len();
    assert!(count > 25, "{count} pictures");
    (path, count)
}

/// State codes of the session, and codes of outputs with their ids.
fn told(events: &mut EventStream<PusherEvent>) -> (Vec<i32>, Vec<(OutputId, i32)>) {
    let (mut session, mut outputs) = (Vec::new(), Vec::new());
    while let Some(delivery) = events.try_next() {
        match delivery {
            Delivery::Event(PusherEvent::State { code, .. }) => session.push(i32::from(code)),
            Delivery::Event(PusherEvent::Output(event)) => {
                outputs.extend(event.code.map(|code| (event.output, i32::from(code))));
            }
            _ => {}
        }
    }
    (session, outputs)
}

async fn until(what: &str, mut is_true: impl FnMut() -> bool) {
    let polled = async {
        while !is_true() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), polled)
        .await
        .unwrap_or_else(|_| panic!("{what} within 10 s"));
}

fn state_of(pusher: &LivePusher, id: OutputId) -> Option<OutputState> {
    pusher.outputs().into_iter().find(|output| output.output == id).map(|output| output.state)
}

#[tokio::test]
async fn a_dead_second_destination_leaves_the_first_ones_recording_perfect() {
    let folder = tempfile::tempdir().unwrap();
    let (clip, count) = clip(folder.path()).await;
    let recording = folder.path().join("recording.flv");
    let pusher = pusher_to(text(&recording)).also(dead_url()).input_file(&clip).build().unwrap();
    let mut events = pusher.events();
    pusher.start();
    assert_eq!(pusher.finished().await, Ok(()));
    assert_eq!(pictures(&recording).len(), count);
    let (session, outputs) = told(&mut events);
    assert!(session.contains(&1002) && !session.contains(&1102), "{session:?}");
    let second = OutputId::new(1);
    let expected = [3002, 1102, 3002, 1102, 3002, 1102, 3002, -1307].map(|code| (second, code));
    assert_eq!(outputs, expected);
}

#[tokio::test]
async fn a_dead_first_destination_is_told_and_the_recording_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let (clip, count) = clip(folder.path()).await;
    let recording = folder.path().join("recording.flv");
    let pusher = pusher_to(dead_url()).also(text(&recording)).input_file(&clip).build().unwrap();
    let mut events = pusher.events();
    pusher.start();
    let failure = pusher.finished().await.unwrap_err();
    assert_eq!(failure.code, Some(PusherCode::RetriesExhausted), "the first destination never got it");
    assert_eq!(pictures(&recording).len(), count);
    let (session, outputs) = told(&mut events);
    assert_eq!(session.iter().filter(|code| **code == 1102).count(), 3);
    assert_eq!(session.last(), Some(&-1307), "{session:?}");
    assert!(outputs.contains(&(OutputId::PRIMARY, -1307)), "{outputs:?}");
}

#[tokio::test]
async fn a_server_that_dies_and_returns_costs_the_recording_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (clip, count) = clip(folder.path()).await;
    let recording = folder.path().join("recording.flv");
    let addr = free_port();
    let server = tokio::spawn(Relay::bind(RelayConfig::new(addr)).await.unwrap().run());
    let pusher = pusher_to(format!("rtmp://{addr}/live/key"))
        .also(text(&recording))
        .input_file(&clip)
        .retry(RetryPolicy { longest: Duration::from_millis(50), ..FAST }.endless())
        .build()
        .unwrap();
    pusher.start();
    until("publishing", || state_of(&pusher, OutputId::PRIMARY) == Some(OutputState::Publishing)).await;
    server.abort();
    until("reconnecting", || state_of(&pusher, OutputId::PRIMARY) == Some(OutputState::Reconnecting)).await;
    let server = tokio::spawn(Relay::bind(RelayConfig::new(addr)).await.unwrap().run());
    until("publishing", || state_of(&pusher, OutputId::PRIMARY) == Some(OutputState::Publishing)).await;
    let outputs = pusher.outputs();
    assert_eq!((outputs[0].reconnects, outputs[1].reconnects), (1, 0));
    assert!(outputs[0].last_error.is_some() && outputs[1].last_error.is_none());
    assert_eq!(pusher.finished().await, Ok(()));
    assert_eq!(pictures(&recording).len(), count);
    server.abort();
}

#[tokio::test]
async fn destinations_come_and_go_while_running() {
    let folder = tempfile::tempdir().unwrap();
    let [first, second] = ["first.flv", "second.flv"].map(|name| folder.path().join(name));
    let pusher = pusher_to(text(&first)).build().unwrap();
    let mut events = pusher.events();
    pusher.start();
    tokio::time::sleep(Duration::from_millis(400)).await;
    let id = pusher.add_output(&text(&second)).unwrap();
    assert!(matches!(pusher.add_output(&text(&second)), Err(AddOutputError::Twice(_))));
    until("recording", || state_of(&pusher, id) == Some(OutputState::Publishing)).await;
    tokio::time::sleep(Duration::from_millis(1200)).await;
    assert!(pusher.outputs()[1].sent_bytes > 0 && pusher.outputs()[1].net.net_speed > 0);
    assert!(pusher.remove_output(id) && !pusher.remove_output(id));
    assert!(!pusher.remove_output(OutputId::PRIMARY));
    let ended = async {
        loop {
            if let Some(Delivery::Event(PusherEvent::Output(event))) = events.next().await
                && event.state == OutputState::Ended
            {
                return event;
            }
        }
    };
    let event = tokio::time::timeout(Duration::from_secs(6), ended).await.expect("its end is told");
    assert_eq!((event.output, event.code), (id, None));
    // It is complete as soon as its end is told.
    let recorded = pictures(&second);
    assert!(recorded.len() > 20 && recorded.windows(2).all(|pair| pair[1].micros_since(pair[0]) <= 41_000));
    assert_eq!(pusher.state(), SessionState::Running);
    pusher.stop().await;
    assert!(pictures(&first).len() > recorded.len());
}

#[tokio::test]
async fn mistakes_in_further_destinations_are_reported_at_once() {
    let error = pusher_to("rtmp://host/live/KEY")
        .also("rtmp://host/live/KEY")
        .also("gopher://x")
        .build()
        .unwrap_err();
    let text = format!("{error} {error:?}");
    assert!(text.contains("also") && text.contains("gopher") && !text.contains("KEY"), "{text}");
}

#[tokio::test]
async fn a_stop_ends_an_endless_wait_at_once() {
    let policy = RetryPolicy::doubling(Duration::from_secs(600)).endless();
    let pusher = pusher_to(dead_url()).also(dead_url()).retry(policy).build().unwrap();
    pusher.start();
    until("waiting", || pusher.outputs().iter().all(|output| output.state == OutputState::Reconnecting))
        .await;
    tokio::time::timeout(Duration::from_secs(2), pusher.stop()).await.expect("nobody waits for the retry");
    assert_eq!(pusher.state(), SessionState::Stopped);
    assert!(pusher.outputs().iter().all(|output| output.state == OutputState::Ended));
}

/// A server in the process: what it answers to each connection, and what it got over it.
struct Scripted {
    connections: AtomicU32,
    urls: Mutex<Vec<String>>,
    got: Mutex<Vec<Vec<Packet>>>,
    /// Connection number, packets after which something happens there.
    script: fn(u32, &StreamUrl, usize) -> Act,
}

enum Act {
    Take,
    Move(&'static str),
    Lose(TransportErrorKind),
}

#[async_trait]
impl Publisher for Scripted {
    async fn publish(&self, url: &StreamUrl, packets: &mut PacketReader, cx: &OutputCx) -> Outcome {
        let number = self.connections.fetch_add(1, Relaxed);
        self.urls.lock().unwrap().push(url.reveal());
        self.got.lock().unwrap().push(Vec::new());
        (cx.events)(LinkEvent::Connected { peer: "script".into() });
        let mut taken = 0;
        loop {
            match (self.script)(number, url, taken) {
                Act::Take if taken == 0 => (cx.events)(LinkEvent::Accepted),
                Act::Take => {}
                Act::Move(to) => (cx.events)(LinkEvent::MoveRequested { to: to.parse().unwrap() }),
                Act::Lose(kind) => return Outcome::Lost(TransportError::new(kind, "script", "as written")),
            }
            let Some(packet) = packets.next().await else { return Outcome::Ended };
            self.got.lock().unwrap()[number as usize].push(packet);
            taken += 1;
        }
    }
}

fn scripted(script: fn(u32, &StreamUrl, usize) -> Act) -> Arc<Scripted> {
    let (connections, urls, got) = Default::default();
    Arc::new(Scripted { connections, urls, got, script })
}

#[tokio::test]
async fn a_server_that_asks_to_move_is_left_without_a_gap() {
    let folder = tempfile::tempdir().unwrap();
    let reference = folder.path().join("reference.flv");
    let server = scripted(|number, _, taken| match (number, taken) {
        (0, 30) => Act::Move("rtmp://elsewhere/live/key"),
        _ => Act::Take,
    });
    let pusher = pusher_to("rtmp://here/live/key")
        .publisher(Arc::clone(&server) as _)
        .also(text(&reference))
        .build()
        .unwrap();
    let mut events = pusher.events();
    pusher.start();
    until("moved", || server.got.lock().unwrap().get(1).is_some_and(|got| got.len() > 20)).await;
    pusher.stop().await;
    assert_eq!(*server.urls.lock().unwrap(), ["rtmp://here/live/key", "rtmp://elsewhere/live/key"]);
    let got = server.got.lock().unwrap();
    let media = |packets: &[Packet]| -> Vec<Packet> {
        packets.iter().filter(|packet| !packet.is_stream_information()).cloned().collect()
    };
    let (before, after) = (media(&got[0]), media(&got[1]));
    assert!(got[1][0].is_stream_information(), "the new connection gets metadata and configurations first");
    assert_eq!(after[0].kind, PacketKind::Key);
    // Every packet went over exactly one of the two, none is missing, as the recording of the same session shows.
    let sent: Vec<_> =
        before.iter().chain(&after).map(|packet| (packet.kind.clone(), packet.data.clone())).collect();
    let recorded = packets(&reference).into_iter().filter(|packet| !packet.is_stream_information());
    let recorded: Vec<_> = recorded.map(|packet| (packet.kind, packet.data)).collect();
    let sent = &sent[..];
    assert!(
        sent.len() <= recorded.len() && recorded.starts_with(sent),
        "{} of {}",
        sent.len(),
        recorded.len()
    );
    let (session, _) = told(&mut events);
    assert!(
        !session.contains(&1102) && session.iter().filter(|code| **code == 1002).count() == 2,
        "{session:?}"
    );
}

#[tokio::test]
async fn a_move_that_fails_leaves_the_old_connection_in_peace() {
    let server = scripted(|number, _, taken| match (number, taken) {
        (0, 10) => Act::Move("rtmp://elsewhere/live/key"),
        (1, _) => Act::Lose(TransportErrorKind::Refused),
        _ => Act::Take,
    });
    let pusher = pusher_to("rtmp://here/live/key").publisher(Arc::clone(&server) as _).build().unwrap();
    let mut events = pusher.events();
    pusher.start();
    until("60 packets", || server.got.lock().unwrap().first().is_some_and(|got| got.len() > 60)).await;
    pusher.stop().await;
    let (session, _) = told(&mut events);
    assert!(!session.contains(&1102) && !session.contains(&3004), "{session:?}");
}

#[tokio::test]
async fn a_fresh_address_is_used_for_the_retry() {
    let server = scripted(|_, url, taken| match (url.query(), taken) {
        (Some("token=old"), 20) => Act::Lose(TransportErrorKind::Closed),
        (Some("token=old"), 0) => Act::Take,
        _ => Act::Take,
    });
    let pusher = pusher_to("rtmp://here/live/key?token=old")
        .publisher(Arc::clone(&server) as _)
        .on_retry_url(|context| async move {
            assert_eq!((context.output, context.code), (OutputId::PRIMARY, PusherCode::ServerClosed));
            Some("rtmp://here/live/key?token=new".to_owned())
        })
        .build()
        .unwrap();
    pusher.start();
    until("a second connection", || server.got.lock().unwrap().get(1).is_some_and(|got| got.len() > 5)).await;
    pusher.stop().await;
    assert_eq!(server.urls.lock().unwrap()[1], "rtmp://here/live/key?token=new");
    let got = server.got.lock().unwrap();
    // What a server has to have before it can serve anybody, and time goes on.
    assert!(matches!(got[1][0].kind, PacketKind::Metadata(_)));
    assert!(
        matches!(got[1][1].kind, PacketKind::Config(_)) && matches!(got[1][2].kind, PacketKind::Config(_))
    );
    let last = got[0].last().unwrap().dts;
    let key = got[1].iter().find(|packet| packet.is_video_unit()).unwrap();
    assert!(key.kind == PacketKind::Key && key.dts.micros_since(last) > -2_100_000, "{key:?} after {last:?}");
}
