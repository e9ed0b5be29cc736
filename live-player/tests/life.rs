//! The life of a player: commands in any order, against a model of the state machine.
#![cfg(feature = "embedded")]

mod support;

use live_core::event::{Delivery, PlayerEvent};
use live_core::state::SessionState::{self, Failed, Idle, Opening, Paused, Running, Stopped};
use live_core::{Packet, PlayerCode, SinkError, TransportErrorKind, VideoFrame, VideoSink};
use live_player::LivePlayer;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, LazyLock};
use support::{After, Connection, player_of, stream, until};

static STREAM: LazyLock<Vec<Packet>> = LazyLock::new(|| stream(250, 0));

/// Sinks that are there, and pictures they were given.
#[derive(Default)]
struct Counts {
    sinks: AtomicUsize,
    pictures: AtomicUsize,
}

struct Counter(Arc<Counts>);

impl Counter {
    fn new(counts: &Arc<Counts>) -> Self {
        counts.sinks.fetch_add(1, SeqCst);
        Self(Arc::clone(counts))
    }
}

impl Drop for Counter {
    fn drop(&mut self) {
        self.0.sinks.fetch_sub(1, SeqCst);
    }
}

impl VideoSink for Counter {
    fn present(&mut self, _: &VideoFrame) -> Result<(), SinkError> {
        self.0.pictures.fetch_add(1, SeqCst);
        Ok(())
    }

    fn finish(&mut self) -> Result<(), SinkError> {
        Ok(())
    }
}

fn counted() -> (LivePlayer, Arc<Counts>) {
    let counts = Arc::<Counts>::default();
    let shown = Arc::clone(&counts);
    let builder = player_of([Connection::Brings(STREAM.clone(), After::StaysOpen)]);
    (builder.video_sink(move || Counter::new(&shown)).build().unwrap(), counts)
}

#[derive(Clone, Copy, Debug)]
enum Command {
    Start,
    Play,
    Stop,
    Pause,
    Resume,
    Mute(bool),
    Background(bool),
    Snapshot,
}

fn command() -> impl Strategy<Value = Command> {
    use Command::{Background, Mute, Pause, Play, Resume, Snapshot, Start, Stop};
    prop_oneof![
        3 => Just(Start), 1 => Just(Play), 2 => Just(Stop), 3 => Just(Pause), 3 => Just(Resume),
        1 => any::<bool>().prop_map(Mute), 1 => any::<bool>().prop_map(Background), 1 => Just(Snapshot),
    ]
}

/// What the documentation promises.
struct Model {
    state: SessionState,
    has_shown: bool,
    muted: bool,
    background: bool,
}

impl Model {
    fn turn(&mut self, from: &[SessionState], to: SessionState) -> bool {
        let turns = from.contains(&self.state);
        self.state = if turns { to } else { self.state };
        turns
    }

    fn start(&mut self) -> bool {
        self.turn(&[Idle, Stopped], Running)
    }
}

async fn obey(player: &LivePlayer, model: &mut Model, command: Command) {
    let before = model.state;
    let (told, expected) = match command {
        Command::Start => (player.start(), model.start()),
        Command::Play => (player.play(), model.start()),
        Command::Stop => {
            player.stop().await;
            model.turn(&[Running, Paused], Stopped);
            (true, true)
        }
        Command::Pause => (player.pause(), model.turn(&[Running], Paused)),
        Command::Resume => (player.resume(), model.turn(&[Paused], Running)),
        Command::Mute(muted) => {
            player.set_muted(muted);
            model.muted = muted;
            (true, true)
        }
        Command::Background(background) => {
            player.set_background(background);
            model.background = background;
            (true, true)
        }
        Command::Snapshot => (player.snapshot().is_some(), model.has_shown),
    };
    assert_eq!(told, expected, "{command:?} while {before:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, max_shrink_iters: 0, rng_seed: RngSeed::Fixed(1), ..ProptestConfig::default() })]

    /// Whatever is commanded in whatever order: the answer is the promised one, the state is the promised one, there is a
    /// sink exactly while a session is active and never two, and the end is always reached.
    #[test]
    fn commands_in_any_order_do_what_the_table_says(commands in prop::collection::vec(command(), 1..16)) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        runtime.block_on(async {
            let (player, counts) = counted();
            let mut model = Model { state: Idle, has_shown: false, muted: false, background: false };
            for command in commands {
                obey(&player, &mut model, command).await;
                let sinks = usize::from(model.state.is_active());
                until("it settles", || {
                    player.state() == model.state && counts.sinks.load(SeqCst) == sinks
                }).await;
                model.has_shown |= model.state == Running;
                assert_eq!(player.is_paused(), model.state == Paused);
                assert_eq!((player.is_muted(), player.is_in_background()), (model.muted, model.background));
            }
            player.stop().await;
            assert_eq!(counts.sinks.load(SeqCst), 0);
        });
    }
}

#[tokio::test]
async fn a_paused_player_shows_nothing_until_it_is_resumed() {
    let (player, counts) = counted();
    assert!(!player.pause(), "there is nothing to pause");
    player.start();
    until("pictures move", || counts.pictures.load(SeqCst) > 3).await;
    assert!(player.pause() && !player.pause());
    // One picture may be on its way. That none follows has nothing to wait for, and the presenter has real time.
    tokio::time::sleep(std::time::Duration::from_millis(60)).await;
    let frozen = counts.pictures.load(SeqCst);
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    assert_eq!((player.state(), counts.pictures.load(SeqCst)), (Paused, frozen));
    assert!(player.resume() && !player.resume());
    assert_eq!(player.state(), Running);
    until("pictures move again", || counts.pictures.load(SeqCst) > frozen).await;
    player.stop().await;
}

#[tokio::test]
async fn a_pause_before_the_first_picture_is_a_pause_of_the_opening() {
    let player = player_of([Connection::Brings(Vec::new(), After::StaysOpen)]).build().unwrap();
    player.start();
    assert!(player.pause());
    assert!(player.resume());
    assert_eq!(player.state(), Opening);
    player.stop().await;
    assert_eq!(player.state(), Stopped);
}

#[tokio::test]
async fn handles_of_a_dropped_player_do_nothing() {
    let (player, counts) = counted();
    let handle = player.handle();
    player.start();
    until("it runs", || handle.state() == Running).await;
    drop(player);
    assert!(!handle.start());
    let _ = handle.finished().await;
    assert!(!handle.start() && !handle.pause() && !handle.resume());
    handle.stop().await;
    until("the sinks are gone", || counts.sinks.load(SeqCst) == 0).await;
}

#[tokio::test]
async fn what_ended_a_session_is_its_last_event_and_the_code_comes_before() {
    let player = player_of([Connection::Fails(TransportErrorKind::HttpStatus(403))]).build().unwrap();
    let mut events = player.events();
    player.start();
    let failure = player.finished().await.unwrap_err();
    assert_eq!((player.state(), failure.code), (Failed, Some(PlayerCode::RetriesExhausted)));
    let told: Vec<_> = std::iter::from_fn(|| events.try_next()).filter_map(Delivery::event).collect();
    let Some([code, error]) = told.last_chunk() else { panic!("{told:?}") };
    let is_last_code =
        matches!(code, PlayerEvent::State { code, .. } if *code == PlayerCode::RetriesExhausted);
    assert!(is_last_code, "{code:?}");
    let PlayerEvent::Error { code, message } = error else { panic!("{error:?}") };
    assert_eq!((code, message), (&failure.code, &failure.message));
}

#[test]
fn a_sink_that_cannot_be_made_ends_the_session_and_not_the_program() {
    let builder = player_of([Connection::Brings(Vec::new(), After::StaysOpen)]);
    let player = builder.video_sink(|| -> Counter { panic!("no window") }).build().unwrap();
    player.start();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let failure = runtime.block_on(player.finished()).unwrap_err();
    assert!(failure.message.contains("sinks cannot be made"), "{failure}");
    assert_eq!(player.state(), Failed);
}
