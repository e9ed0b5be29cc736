//! The life of a pusher: commands in any order, against a model of the state machine.

#[path = "support/cameras.rs"]
mod cameras;

use async_trait::async_trait;
use cameras::{Device, GreyCamera};
use live_core::queue::PacketReader;
use live_core::state::SessionState::{self, Idle, Paused, Previewing, Running, Stopped};
use live_core::{LinkEvent, Outcome, OutputCx, Publisher, SinkError, StreamUrl, VideoFrame, VideoSink};
use live_pusher::{ControlError, LivePusher, MessageError, SnapshotOf};
use proptest::prelude::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

/// Takes whatever comes, at once.
struct Swallow;

#[async_trait]
impl Publisher for Swallow {
    async fn publish(&self, _: &StreamUrl, packets: &mut PacketReader, cx: &OutputCx) -> Outcome {
        (cx.events)(LinkEvent::Connected { peer: "nobody".into() });
        (cx.events)(LinkEvent::Accepted);
        while packets.next().await.is_some() {}
        Outcome::Ended
    }
}

/// Counts pictures.
struct Counter(Arc<AtomicUsize>);

impl VideoSink for Counter {
    fn present(&mut self, _: &VideoFrame) -> Result<(), SinkError> {
        self.0.fetch_add(1, SeqCst);
        Ok(())
    }

    fn finish(&mut self) -> Result<(), SinkError> {
        Ok(())
    }
}

#[derive(Clone, Copy, Debug)]
enum Command {
    Start,
    Stop,
    Pause,
    Resume,
    StartPreview,
    StopPreview,
    Message,
    Snapshot,
    Switch,
    Torch,
}

fn command() -> impl Strategy<Value = Command> {
    use Command::{Message, Pause, Resume, Snapshot, Start, StartPreview, Stop, StopPreview, Switch, Torch};
    prop_oneof![
        3 => Just(Start), 2 => Just(Stop), 2 => Just(Pause), 2 => Just(Resume), 2 => Just(StartPreview),
        2 => Just(StopPreview), 1 => Just(Message), 1 => Just(Snapshot), 1 => Just(Switch), 1 => Just(Torch),
    ]
}

/// What the documentation promises.
struct Model {
    state: SessionState,
    preview: bool,
}

impl Model {
    const fn pushes(&self) -> bool {
        matches!(self.state, Running | Paused)
    }

    fn start(&mut self) -> bool {
        let starts = !self.pushes();
        self.state = if starts { Running } else { self.state };
        starts
    }

    fn turn(&mut self, from: SessionState, to: SessionState) -> bool {
        let turns = self.state == from;
        self.state = if turns { to } else { self.state };
        turns
    }

    fn start_preview(&mut self) -> bool {
        if self.pushes() {
            return !std::mem::replace(&mut self.preview, true);
        }
        let starts = self.state != Previewing;
        (self.state, self.preview) = (Previewing, self.preview || starts);
        starts
    }

    fn stop_preview(&mut self) -> bool {
        if self.pushes() {
            return std::mem::replace(&mut self.preview, false);
        }
        self.turn(Previewing, Stopped)
    }
}

/// Waits until `done`, for at most 5 s.
async fn settles(done: impl Fn() -> bool) -> bool {
    for _ in 0..1000 {
        if done() {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    false
}

async fn obey(pusher: &LivePusher, model: &mut Model, command: Command) {
    let before = model.state;
    let (told, expected) = match command {
        Command::Start => (pusher.start(), model.start()),
        Command::Stop => {
            pusher.stop().await;
            if before != Idle {
                model.state = Stopped;
            }
            (true, true)
        }
        Command::Pause => (pusher.pause(), model.turn(Running, Paused)),
        Command::Resume => (pusher.resume(), model.turn(Paused, Running)),
        Command::StartPreview => (pusher.start_preview(), model.start_preview()),
        Command::StopPreview => (pusher.stop_preview(), model.stop_preview()),
        Command::Message => {
            let told = pusher.send_message("hello");
            (told != Err(MessageError::NotRunning), model.pushes())
        }
        Command::Snapshot => {
            let told = pusher.snapshot(SnapshotOf::Stream).await;
            (told.is_ok(), model.pushes() || before == Previewing)
        }
        Command::Switch => {
            let told = pusher.switch_camera().await;
            let nobody = matches!(told, Err(ControlError::NotRunning));
            assert!(nobody || matches!(told, Err(ControlError::Unsupported(_))), "{told:?}");
            (!nobody, model.pushes() || before == Previewing)
        }
        Command::Torch => {
            let told = pusher.toggle_torch().await;
            assert!(told.is_err(), "this camera has none");
            (told != Err(ControlError::NotRunning), model.pushes() || before == Previewing)
        }
    };
    assert!(told == expected, "{command:?} while {before:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever is commanded in whatever order: the answer is the promised one, the state is the promised one, the camera
    /// is open exactly when it should be and never twice, and the end is always reached.
    #[test]
    fn commands_in_any_order_do_what_the_table_says(commands in prop::collection::vec(command(), 1..14)) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async {
            let device = Arc::<Device>::default();
            let camera = Arc::clone(&device);
            let shown = Arc::<AtomicUsize>::default();
            let pictures = Arc::clone(&shown);
            let pusher = LivePusher::builder("rtmp://nobody/live/key")
                .video_size(160, 90)
                .publisher(Arc::new(Swallow))
                .video_source(move || GreyCamera { device: Arc::clone(&camera), luma: 100 })
                .preview(move || Counter(Arc::clone(&pictures)))
                .build()
                .unwrap();
            let mut model = Model { state: Idle, preview: true };
            for command in commands {
                obey(&pusher, &mut model, command).await;
                let open = matches!(model.state, Running | Previewing);
                let settled = settles(|| pusher.state() == model.state && device.is_open() == open).await;
                assert!(
                    settled,
                    "after {command:?}: {:?} and open {}, not {:?}",
                    pusher.state(), device.is_open(), model.state
                );
            }
            pusher.stop().await;
            assert!(!device.is_open());
        });
    }
}

#[tokio::test]
async fn a_session_takes_the_camera_of_the_preview_over_without_opening_it_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("takeover.flv");
    let device = Arc::<Device>::default();
    let camera = Arc::clone(&device);
    let shown = Arc::<AtomicUsize>::default();
    let pictures = Arc::clone(&shown);
    let pusher = LivePusher::builder(path.to_string_lossy())
        .video_size(320, 180)
        .fps(25)
        .video_source(move || GreyCamera { device: Arc::clone(&camera), luma: 150 })
        .preview(move || Counter(Arc::clone(&pictures)))
        .build()
        .unwrap();
    assert!(pusher.start_preview());
    assert!(!pusher.start_preview(), "once is enough");
    cameras::until("a picture is shown", || shown.load(SeqCst) > 2).await;
    assert_eq!(pusher.state(), Previewing);
    assert!(pusher.start());
    cameras::until("running", || pusher.state() == Running).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let before = shown.load(SeqCst);
    cameras::until("the preview goes on", || shown.load(SeqCst) > before).await;
    assert!(pusher.stop_preview());
    pusher.stop().await;
    assert_eq!(device.opened.load(SeqCst), 1);
    assert!(!device.is_open());
    let recorded = cameras::pictures(&cameras::packets(&path));
    assert!(recorded.len() >= 8, "{}", recorded.len());
    assert!(recorded.iter().all(|(_, luma)| luma.abs_diff(150) <= 6));
}

#[tokio::test]
async fn a_preview_that_gets_no_camera_says_so() {
    let device = Arc::<Device>::default();
    device.refuses.store(true, SeqCst);
    let pusher = LivePusher::builder("never.flv")
        .video_source(move || GreyCamera { device: Arc::clone(&device), luma: 1 })
        .build()
        .unwrap();
    assert!(pusher.start_preview());
    let failure = pusher.finished().await.unwrap_err();
    assert_eq!(failure.code.map(i32::from), Some(-1301));
    assert_eq!(pusher.state(), SessionState::Failed);
}

#[tokio::test]
async fn a_snapshot_is_the_stream_or_the_source_as_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let device = Arc::<Device>::default();
    let camera = Arc::clone(&device);
    let pusher = LivePusher::builder(folder.path().join("snap.flv").to_string_lossy())
        .video_size(180, 320)
        .video_source(move || GreyCamera { device: Arc::clone(&camera), luma: 126 })
        .build()
        .unwrap();
    assert_eq!(pusher.snapshot(SnapshotOf::Stream).await.unwrap_err(), ControlError::NotRunning);
    pusher.start();
    cameras::until("open", || device.is_open()).await;
    let size = |bytes: Vec<u8>| {
        let image = image::load_from_memory(&bytes).unwrap().into_rgb8();
        let grey = image.get_pixel(image.width() / 2, image.height() / 2).0[1];
        assert!(grey.abs_diff(128) <= 3, "{grey}");
        image.dimensions()
    };
    let stream = pusher.snapshot(SnapshotOf::Stream).await.unwrap();
    assert_eq!(size(stream.png().unwrap()), (180, 320));
    let source = pusher.snapshot(SnapshotOf::Source).await.unwrap();
    assert_eq!(size(source.jpeg(90).unwrap()), (320, 180));
    pusher.pause();
    cameras::until("closed", || !device.is_open()).await;
    let late = pusher.snapshot(SnapshotOf::Source).await.unwrap_err();
    assert!(matches!(late, ControlError::Failed(_)), "{late}");
    assert!(pusher.snapshot(SnapshotOf::Stream).await.is_ok(), "the waiting image");
    pusher.stop().await;
}
