//! Everything that can go wrong with a connection, on real sockets: the right code within its deadline, another try
//! where that can help, and nothing left behind. One test, alone in its program, so that threads and descriptors can be
//! counted.
#![cfg(all(feature = "embedded", feature = "tls", target_os = "linux"))]

#[path = "support/faulty.rs"]
mod faulty;
#[path = "support/served.rs"]
mod served;
mod support;

use async_trait::async_trait;
use faulty::{Act, Fault, Server, Way};
use live_core::backoff::RetryPolicy;
use live_core::event::{Delivery, PlayerEvent};
use live_player::{Builder, LivePlayer};
use live_transport::net::connect::{Deadlines, Resolve};
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use support::leftovers;

/// Each step of a connection may take this long here.
const DEADLINE: Duration = Duration::from_millis(400);
/// What a busy machine may add to two tries.
const SLACK: Duration = Duration::from_secs(4);

/// Knows no name, or does not answer.
struct Names(bool);

#[async_trait]
impl Resolve for Names {
    async fn resolve(&self, _: &str, _: u16) -> io::Result<Vec<SocketAddr>> {
        if self.0 { Err(io::ErrorKind::NotFound.into()) } else { std::future::pending().await }
    }
}

fn player_of(src: &str) -> Builder {
    let deadlines = Deadlines {
        resolve: DEADLINE,
        connect: DEADLINE,
        answer: DEADLINE,
        silence: DEADLINE,
        ..Deadlines::default()
    };
    LivePlayer::builder(src)
        .deadlines(deadlines)
        .retry(RetryPolicy::doubling(Duration::from_millis(20)).retries(1))
        .min_cache(Duration::from_millis(100))
        .tls_insecure()
}

/// The codes of a session, to its end; `look` sees each with how often it has come.
fn play(player: &LivePlayer, look: impl Fn(i32, usize)) -> Vec<(i32, String)> {
    let mut events = player.events();
    let waiting = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    assert!(player.start());
    let mut told = Vec::<(i32, String)>::new();
    let mut note = |delivery: Delivery<PlayerEvent>| {
        let Some(PlayerEvent::State { code, detail }) = delivery.event() else { return };
        told.push((code.number(), detail));
        look(code.number(), told.iter().filter(|(told, _)| *told == code.number()).count());
    };
    let ended = async {
        loop {
            tokio::select! {
                biased;
                Some(delivery) = events.next() => note(delivery),
                _ = player.finished() => break,
            }
        }
    };
    let in_time = waiting.block_on(async { tokio::time::timeout(Duration::from_secs(20), ended).await });
    std::iter::from_fn(|| events.try_next()).for_each(&mut note);
    assert!(in_time.is_ok(), "the session does not end: {told:?}");
    told
}

fn numbers(told: &[(i32, String)]) -> Vec<i32> {
    told.iter().map(|(code, _)| *code).collect()
}

/// A server that never lets the player in: what it does, the code, a part of the detail, and whether that is final.
type Refusal = (&'static str, Way, Act, i32, &'static str, bool);

fn refusals() -> Vec<Refusal> {
    use Act::{AnswerConnect, AnswerPlay, Close, Hang, Refuse, Reset, Say};
    let http = |head: &str| Say(format!("HTTP/1.1 {head}\r\n\r\n").into_bytes());
    let endless = format!("HTTP/1.1 200 OK\r\nX: {}", "y".repeat(300_000)).into_bytes();
    let rejected = "NetConnection.Connect.Rejected";
    let mut table = vec![
        ("connect refused by the server", Way::Rtmp, AnswerConnect(rejected), 3003, rejected, true),
        ("play refused", Way::Rtmp, AnswerPlay("NetStream.Play.Failed"), 3003, "Play.Failed", true),
        (
            "unknown stream",
            Way::Rtmp,
            AnswerPlay("NetStream.Play.StreamNotFound"),
            3003,
            "StreamNotFound",
            false,
        ),
        ("answers connect with silence", Way::Rtmp, Act::HangAtConnect, 3003, "", false),
        ("closes after connect", Way::Rtmp, Act::CloseAtConnect, 3003, "", false),
        ("speaks HTTP", Way::Rtmp, http("400 Bad Request"), 3003, "", true),
        ("no TLS behind rtmps", Way::Rtmps, Say(b"hello, who is there?".to_vec()), 3002, "TLS", false),
        ("no TLS behind https", Way::Https, http("400 Bad Request"), 3002, "TLS", false),
        ("TLS that says nothing", Way::Wss, Hang, 3002, "", false),
        ("TLS that is closed", Way::Https, Close, 3002, "", false),
    ];
    for way in [Way::Http, Way::Ws] {
        table.extend([
            ("401", way, http("401 Unauthorized"), 3003, "401", true),
            ("403", way, http("403 Forbidden"), 3003, "403", true),
            ("404", way, http("404 Not Found\r\nContent-Length: 0"), 3003, "404", false),
            ("500", way, http("500 Internal Server Error\r\nContent-Length: 0"), 3003, "500", false),
            ("302 to nowhere", way, http("302 Found\r\nContent-Length: 0"), 3003, "where to", false),
            ("302 in a circle", way, http("302 Found\r\nLocation: /live/x.flv"), 3003, "redirects", false),
            ("endless header", way, Say(endless.clone()), 3003, "", false),
            ("garbage", way, Say(vec![0xfe; 5000]), 3003, "not HTTP", false),
        ]);
    }
    for way in [Way::Rtmp, Way::Http, Way::Ws] {
        table.extend([
            ("nobody listens", way, Refuse, 3002, "", false),
            ("reset", way, Reset, 3003, "", false),
            ("closed", way, Close, 3003, "", false),
            ("silent", way, Hang, 3003, "", false),
        ]);
    }
    table.push(("garbage", Way::Rtmp, Say(vec![0xfe; 5000]), 3003, "", true));
    table
}

/// What is seen of a server that never lets the player in.
fn is_refused((name, way, act, code, detail, is_final): Refusal) {
    let server = Server::acting(way, act);
    let player = player_of(&server.src()).build().unwrap();
    let start = Instant::now();
    let told = play(&player, |_, _| {});
    let case = format!("{name}, {way:?}: {told:?}");
    let seen: Vec<i32> = numbers(&told).into_iter().filter(|code| *code != 2001).collect();
    let expected = if is_final { vec![code, -2301] } else { vec![code, 2103, code, -2301] };
    assert_eq!(seen, expected, "{case}");
    assert!(told.iter().any(|(told, text)| *told == code && text.contains(detail)), "{case}");
    assert!(start.elapsed() < 2 * DEADLINE + SLACK, "{:?} for {case}", start.elapsed());
    assert!(!told.iter().any(|(_, text)| text.contains(served::SECRET)), "{case}");
}

/// What goes wrong in the middle of a stream, once: it is told, and the stream goes on.
fn is_survived(way: Way, fault: Fault) {
    let server = Server::breaking_once(way, fault);
    let player = player_of(&server.src()).build().unwrap();
    let told = play(&player, |code, count| match (code, count) {
        // The first picture is there.
        (2004, 1) => server.cut(),
        // The second connection stands.
        (2002, 2) => server.end(),
        _ => {}
    });
    let (case, codes) = (format!("{fault:?}, {way:?}: {told:?}"), numbers(&told));
    let place =
        |code| codes.iter().position(|told| *told == code).unwrap_or_else(|| panic!("no {code}: {case}"));
    assert!(place(2001) < place(2002) && place(2004) < place(3005) && place(3005) < place(2103), "{case}");
    let again = &codes[place(2103)..];
    let after =
        |code| again.iter().position(|told| *told == code).unwrap_or_else(|| panic!("{code}: {case}"));
    assert!(after(2001) < after(2002), "{case}");
    assert!(!codes.contains(&-2301) && !codes.contains(&2101), "{case}");
    assert_eq!(codes.last(), Some(&2006), "the second connection brings it to its end: {case}");
}

fn is_clean_after(before: (usize, usize), what: &str) {
    assert!(leftovers::settle(before), "{what} leaves {:?} of {before:?}", leftovers::count());
}

#[test]
fn every_fault_has_its_code_within_its_deadline_and_leaves_nothing() {
    // The first of everything opens descriptors that stay.
    is_refused(refusals().remove(0));
    let before = leftovers::count();
    for knows_none in [true, false] {
        let player = player_of("rtmp://nowhere.invalid/live/x").resolver(Names(knows_none)).build().unwrap();
        assert_eq!(numbers(&play(&player, |_, _| {})), [3001, 2103, 3001, -2301]);
    }
    is_clean_after(before, "a name that does not resolve");
    for refusal in refusals() {
        let name = format!("{} over {:?}", refusal.0, refusal.1);
        is_refused(refusal);
        is_clean_after(before, &name);
    }
    for way in [Way::Rtmp, Way::Http, Way::Ws] {
        for fault in [Fault::Close, Fault::Reset, Fault::Silence, Fault::Garbage, Fault::CutTag] {
            is_survived(way, fault);
            is_clean_after(before, &format!("{fault:?} over {way:?}"));
        }
    }
}
