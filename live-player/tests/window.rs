//! What is seen on a screen: windows on a virtual X server (Xvfb), judged by screenshots.
//!
//! Windows want the main thread, so this program is its own harness: it starts a server, runs itself again on it, and
//! there runs its tests one after the other beside one window loop.

#[path = "support/mod.rs"]
mod support;
#[path = "support/x.rs"]
mod x;

use libtest_mimic::{Arguments, Failed, Trial};
use live_core::config::{ObjectFit, Orientation};
use live_core::event::{EventStream, FullScreenDirection, PlayerEvent};
use live_core::{Color, Matrix, Range};
use live_player::sink::window::{self, Window, WindowHost, WindowOptions};
use live_player::{Builder, LivePlayer};
use std::process::{Command, ExitCode, Stdio};
use std::sync::OnceLock;
use std::time::Duration;
use support::{After, Connection, player_of};
use x::{Display, Shot, colours, has_size};

/// What the tests share: there is one window loop in a process.
static HOST: OnceLock<WindowHost> = OnceLock::new();

type Test = (&'static str, fn(&mut Stage));

/// Rows of the table of tests, named as their functions.
macro_rules! tests {
    ($($test:ident,)*) => { &[$((stringify!($test), $test)),*] };
}

const TESTS: &[Test] = tests![
    a_window_opens_at_the_size_of_the_specification,
    contain_shows_all_of_the_picture_between_bars,
    fill_crop_fills_the_window_from_the_middle_of_the_picture,
    horizontal_turns_the_picture_clockwise,
    colours_are_read_as_the_stream_says,
    a_window_can_take_the_size_of_its_picture,
    a_resized_window_shows_the_picture_in_its_new_shape,
    full_screen_fills_the_screen_in_each_direction_and_ends,
    a_window_manager_is_asked_for_full_screen,
    two_players_show_their_pictures_in_two_windows,
    a_window_is_used_again_by_the_next_session,
    closing_the_window_ends_the_session,
    a_window_closes_with_its_last_owner,
    the_program_opens_a_window_and_listens_to_its_keys,
    without_a_display_the_program_says_so_and_plays,
];

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // Windows would cover each other.
    arguments.test_threads = Some(1);
    let trial = |&(name, test): &Test| {
        Trial::test(name, move || {
            test(&mut Stage::set(name));
            Ok::<_, Failed>(())
        })
    };
    let trials = TESTS.iter().map(trial).collect();
    if arguments.list {
        return libtest_mimic::run(&arguments, trials).exit_code();
    }
    if !x::is_display_ours() {
        return x::run_again_on_a_display().unwrap_or_else(|reason| {
            eprintln!("skipped: {reason}");
            ExitCode::SUCCESS
        });
    }
    window::run(|host| {
        let _ = HOST.set(host);
        libtest_mimic::run(&arguments, trials).exit_code()
    })
}

/// One test's screen.
struct Stage {
    name: &'static str,
    display: Display,
    runtime: tokio::runtime::Runtime,
}

const PATIENCE: Duration = Duration::from_secs(20);

impl Stage {
    fn set(name: &'static str) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        Self { name, display: Display::open(), runtime: runtime.unwrap() }
    }

    fn open(&self, options: impl FnOnce(WindowOptions) -> WindowOptions) -> Window {
        HOST.get().unwrap().open(options(WindowOptions::new(self.name))).unwrap()
    }

    /// Starts a player of the quarters in `window`.
    fn play(&self, window: &Window, set: impl FnOnce(Builder) -> Builder) -> LivePlayer {
        self.play_as(window, Color::BT601, set)
    }

    fn play_as(&self, window: &Window, color: Color, set: impl FnOnce(Builder) -> Builder) -> LivePlayer {
        let _guard = self.runtime.enter();
        let stream = support::quarters((320, 180), color);
        let builder = player_of([Connection::Brings(stream, After::StaysOpen)]).window(window);
        let player = set(builder).build().unwrap();
        assert!(player.start());
        player
    }

    /// Waits until this test's window shows what `judge` wants.
    #[track_caller]
    fn sees(&self, judge: impl Fn(&Shot) -> Result<(), String>) {
        self.display.until(self.name, PATIENCE, judge);
    }

    /// Waits for an event, passing over others.
    #[track_caller]
    fn hears(&self, events: &mut EventStream<PlayerEvent>, wanted: &PlayerEvent) {
        let heard = async {
            while let Some(delivery) = events.next().await {
                if delivery.event().as_ref() == Some(wanted) {
                    return;
                }
            }
        };
        let heard = self.runtime.block_on(async { tokio::time::timeout(PATIENCE, heard).await });
        assert!(heard.is_ok(), "no {wanted:?} within {PATIENCE:?}");
    }

    /// Waits until the session of `player` has ended.
    #[track_caller]
    fn ends(&self, player: &LivePlayer) {
        let ended = self.runtime.block_on(async { tokio::time::timeout(PATIENCE, player.finished()).await });
        ended.expect("the session ends").unwrap();
    }
}

/// The colours of the quarters: above left and right, below left and right.
const RED: [u8; 3] = [230, 20, 20];
const GREEN: [u8; 3] = [20, 200, 20];
const BLUE: [u8; 3] = [20, 20, 230];
const YELLOW: [u8; 3] = [220, 220, 20];
const BLACK: [u8; 3] = [0, 0, 0];

/// What is seen of the quarters where they fill the window: `order` is above left and right, below left and right.
fn filling(order: [[u8; 3]; 4]) -> [((u32, u32), [u8; 3]); 8] {
    let [a, b, c, d] = order;
    let near = [((20, 20), a), ((980, 20), b), ((20, 980), c), ((980, 980), d)];
    let inner = [((440, 440), a), ((560, 440), b), ((440, 560), c), ((560, 560), d)];
    std::array::from_fn(|index| if index < 4 { near[index] } else { inner[index - 4] })
}

const UPRIGHT: [[u8; 3]; 4] = [RED, GREEN, BLUE, YELLOW];
/// Turned by a quarter.
const CLOCKWISE: [[u8; 3]; 4] = [BLUE, RED, YELLOW, GREEN];
const COUNTER_CLOCKWISE: [[u8; 3]; 4] = [GREEN, YELLOW, RED, BLUE];

fn a_window_opens_at_the_size_of_the_specification(stage: &mut Stage) {
    let _window = stage.open(|options| options);
    stage.sees(|shot| has_size(300, 225)(shot).and_then(|()| colours(&[((500, 500), BLACK)])(shot)));
}

fn contain_shows_all_of_the_picture_between_bars(stage: &mut Stage) {
    let window = stage.open(|options| options.size(320, 240));
    let _player = stage.play(&window, |player| player);
    // 180 of 240 rows.
    let bars = [
        ((500, 60), BLACK),
        ((500, 110), BLACK),
        ((20, 140), RED),
        ((980, 140), GREEN),
        ((20, 860), BLUE),
        ((980, 860), YELLOW),
        ((500, 890), BLACK),
    ];
    stage.sees(colours(&bars));
}

fn fill_crop_fills_the_window_from_the_middle_of_the_picture(stage: &mut Stage) {
    let window = stage.open(|options| options.size(200, 240));
    let _player = stage.play(&window, |player| player.object_fit(ObjectFit::FillCrop));
    stage.sees(colours(&filling(UPRIGHT)));
}

fn horizontal_turns_the_picture_clockwise(stage: &mut Stage) {
    let window = stage.open(|options| options.size(180, 320));
    let _player = stage.play(&window, |player| player.orientation(Orientation::Horizontal));
    stage.sees(colours(&filling(CLOCKWISE)));
}

fn colours_are_read_as_the_stream_says(stage: &mut Stage) {
    for matrix in [Matrix::Bt601, Matrix::Bt709] {
        for range in [Range::Limited, Range::Full] {
            let window = stage.open(|options| options.size(320, 180));
            let player = stage.play_as(&window, Color { matrix, range }, |player| player);
            stage.sees(colours(&filling(UPRIGHT)));
            drop((player, window));
            stage.display.until_gone(stage.name, PATIENCE);
        }
    }
}

fn a_window_can_take_the_size_of_its_picture(stage: &mut Stage) {
    let window = stage.open(WindowOptions::picture_size);
    let _player = stage.play(&window, |player| player);
    stage.sees(|shot| has_size(320, 180)(shot).and_then(|()| colours(&filling(UPRIGHT))(shot)));
}

fn a_resized_window_shows_the_picture_in_its_new_shape(stage: &mut Stage) {
    let window = stage.open(|options| options.size(320, 180));
    let _player = stage.play(&window, |player| player);
    stage.sees(colours(&filling(UPRIGHT)));
    stage.display.resize(stage.name, 640, 180);
    let beside = [((100, 500), BLACK), ((270, 100), RED), ((730, 900), YELLOW), ((900, 500), BLACK)];
    stage.sees(|shot| has_size(640, 180)(shot).and_then(|()| colours(&beside)(shot)));
    stage.display.resize(stage.name, 101, 57);
    stage.sees(|shot| has_size(101, 57)(shot).and_then(|()| colours(&filling(UPRIGHT))(shot)));
}

const FRAMED: PlayerEvent =
    PlayerEvent::FullScreenChange { direction: FullScreenDirection::Upright, full_screen: false };

fn full_screen_fills_the_screen_in_each_direction_and_ends(stage: &mut Stage) {
    let window = stage.open(|options| options.size(320, 180));
    let player = stage.play(&window, |player| player.object_fit(ObjectFit::FillCrop));
    stage.sees(colours(&filling(UPRIGHT)));
    let mut events = player.events();
    let (width, height) = x::SCREEN;
    for (degrees, order) in [(0, UPRIGHT), (90, CLOCKWISE), (-90, COUNTER_CLOCKWISE)] {
        let direction = FullScreenDirection::from_degrees(degrees).unwrap();
        assert!(player.request_full_screen(direction));
        stage.hears(&mut events, &PlayerEvent::FullScreenChange { direction, full_screen: true });
        stage.sees(|shot| has_size(width, height)(shot).and_then(|()| colours(&filling(order))(shot)));
    }
    assert!(player.exit_full_screen());
    // At once, while it still is as large as the screen.
    let direction = FullScreenDirection::Upright;
    assert!(player.request_full_screen(direction));
    stage.hears(&mut events, &PlayerEvent::FullScreenChange { direction, full_screen: true });
    assert!(player.exit_full_screen());
    stage.hears(&mut events, &FRAMED);
    stage.sees(|shot| has_size(320, 180)(shot).and_then(|()| colours(&filling(UPRIGHT))(shot)));
}

fn a_window_manager_is_asked_for_full_screen(stage: &mut Stage) {
    let Some(_manager) = stage.display.manage(PATIENCE) else {
        eprintln!("skipped: no window manager: apt-get install icewm");
        return;
    };
    let window = stage.open(|options| options.size(320, 180).full_screen(FullScreenDirection::Clockwise));
    let player = stage.play(&window, |player| player.object_fit(ObjectFit::FillCrop));
    let (width, height) = x::SCREEN;
    stage.sees(|shot| has_size(width, height)(shot).and_then(|()| colours(&filling(CLOCKWISE))(shot)));
    assert!(stage.display.is_full_screen_by_manager(stage.name));
    let mut events = player.events();
    assert!(player.exit_full_screen());
    let direction = FullScreenDirection::CounterClockwise;
    assert!(player.request_full_screen(direction));
    stage.hears(&mut events, &PlayerEvent::FullScreenChange { direction, full_screen: true });
    assert!(player.exit_full_screen());
    stage.hears(&mut events, &FRAMED);
    stage.sees(|shot| has_size(320, 180)(shot).and_then(|()| colours(&filling(UPRIGHT))(shot)));
}

fn two_players_show_their_pictures_in_two_windows(stage: &mut Stage) {
    let other = "the other window";
    let first = stage.open(|options| options.size(320, 180));
    let second = HOST.get().unwrap().open(WindowOptions::new(other).size(180, 320)).unwrap();
    // Without a window manager both would lie in the same corner.
    stage.display.place(other, 400, 0);
    let _upright = stage.play(&first, |player| player);
    let turned = stage.play(&second, |player| player.orientation(Orientation::Horizontal));
    stage.sees(colours(&filling(UPRIGHT)));
    stage.display.until(other, PATIENCE, colours(&filling(CLOCKWISE)));
    stage.runtime.block_on(turned.stop());
    drop((turned, second));
    stage.display.until_gone(other, PATIENCE);
    stage.sees(colours(&filling(UPRIGHT)));
}

fn a_window_is_used_again_by_the_next_session(stage: &mut Stage) {
    let window = stage.open(|options| options.size(320, 180));
    let player = stage.play(&window, |player| player);
    for _ in 0..3 {
        stage.sees(colours(&filling(UPRIGHT)));
        stage.runtime.block_on(player.stop());
        stage.sees(colours(&filling(UPRIGHT)));
        window.clear();
        stage.sees(colours(&filling([BLACK; 4])));
        assert!(player.start());
    }
    stage.sees(colours(&filling(UPRIGHT)));
}

fn closing_the_window_ends_the_session(stage: &mut Stage) {
    let window = stage.open(|options| options.size(320, 180));
    let player = stage.play(&window, |player| player);
    stage.sees(colours(&filling(UPRIGHT)));
    stage.display.close(stage.name);
    stage.ends(&player);
    stage.display.until_gone(stage.name, PATIENCE);
    assert!(!window.is_open());
    assert!(!player.request_full_screen(FullScreenDirection::Upright), "there is nothing to fill");
    let mut events = player.events();
    assert!(player.start());
    let reason = "it was closed before this session began: open another one".to_owned();
    stage.hears(&mut events, &PlayerEvent::SinkFailed { sink: "window".to_owned(), reason });
    stage.runtime.block_on(player.stop());
}

fn a_window_closes_with_its_last_owner(stage: &mut Stage) {
    let window = stage.open(|options| options.size(320, 180));
    let player = stage.play(&window, |player| player);
    drop(window);
    stage.sees(colours(&filling(UPRIGHT)));
    drop(player);
    stage.display.until_gone(stage.name, PATIENCE);
}

/// Writes a second of the quarters into a file.
fn file(stage: &Stage) -> std::path::PathBuf {
    let path = std::env::temp_dir().join(format!("live-player-{}-{}.flv", stage.name, std::process::id()));
    let recorder = player_of([Connection::Brings(support::quarters((320, 180), Color::BT601), After::Ends)]);
    let _guard = stage.runtime.enter();
    let recorder = recorder.record(&path).build().unwrap();
    recorder.start();
    stage.ends(&recorder);
    path
}

fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_live-play"))
}

fn the_program_opens_a_window_and_listens_to_its_keys(stage: &mut Stage) {
    let path = file(stage);
    let folder = path.with_extension("snapshots");
    std::fs::create_dir_all(&folder).unwrap();
    let playing = program()
        .args(["--window-size", "320x180", "--min-cache", "0", "--json"])
        .arg(&path)
        .current_dir(&folder)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let title = format!("live-play: {}", path.display());
    stage.display.until(&title, PATIENCE, colours(&filling(UPRIGHT)));
    let (width, height) = x::SCREEN;
    // A pause keeps the file from ending.
    stage.display.press(&title, ' ');
    stage.display.press(&title, 'f');
    stage.display.until(&title, PATIENCE, has_size(width, height));
    stage.display.press(&title, '\u{1b}');
    stage.display.until(&title, PATIENCE, has_size(320, 180));
    stage.display.press(&title, 'm');
    stage.display.press(&title, 's');
    stage.display.press(&title, 'q');
    let output = playing.wait_with_output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{said}");
    for expected in
        ["\"detail\":\"paused\"", "\"fullScreen\":true", "\"fullScreen\":false", "muted", "snapshot-"]
    {
        assert!(said.contains(expected), "{expected} is not in\n{said}");
    }
    let written: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    let [snapshot] = &written[..] else { panic!("one snapshot, not {written:?}") };
    assert!(std::fs::read(snapshot).unwrap().starts_with(b"\x89PNG"));
    std::fs::remove_dir_all(folder).unwrap();
    std::fs::remove_file(path).unwrap();
}

fn without_a_display_the_program_says_so_and_plays(stage: &mut Stage) {
    let path = file(stage);
    let picture = path.with_extension("jpg");
    let mut command = program();
    command.arg(&path).arg("--snapshot").arg(&picture).env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY");
    let output = command.output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}");
    assert!(said.contains("no window: no display: neither WAYLAND_DISPLAY"), "{said}");
    assert!(said.contains("2006"), "it was played to its end: {said}");
    assert!(std::fs::read(&picture).unwrap().starts_with(&[0xff, 0xd8]), "the last picture is kept, as JPEG");
    std::fs::remove_file(picture).unwrap();
    std::fs::remove_file(path).unwrap();
}
