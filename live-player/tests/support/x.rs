//! A virtual X server, and what is seen on it.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};
use x11rb::CURRENT_TIME;
use x11rb::connection::Connection as _;
use x11rb::protocol::xproto::{
    AtomEnum, ClientMessageEvent, ConfigureWindowAux, ConnectionExt as _, EventMask, ImageFormat, InputFocus,
    KEY_PRESS_EVENT, KEY_RELEASE_EVENT, Window,
};
use x11rb::protocol::xtest::ConnectionExt as _;
use x11rb::rust_connection::RustConnection;

/// Says that the display is a server of ours.
const OURS: &str = "LIVE_TEST_DISPLAY";
/// The screen of the server.
pub const SCREEN: (u32, u32) = (1024, 768);

pub fn is_display_ours() -> bool {
    std::env::var_os(OURS).is_some()
}

/// A server, until it is dropped.
struct Xvfb {
    process: Child,
    display: String,
}

impl Xvfb {
    fn start() -> Result<Self, String> {
        let screen = format!("{}x{}x24", SCREEN.0, SCREEN.1);
        let mut command = Command::new("Xvfb");
        command.args(["-displayfd", "1", "-screen", "0", &screen, "-nolisten", "tcp", "-noreset"]);
        let spawned = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let mut process = spawned.map_err(|error| format!("no Xvfb ({error}): apt-get install xvfb"))?;
        let mut number = String::new();
        let out = process.stdout.take().expect("it was piped");
        let read = BufReader::new(out).read_line(&mut number);
        let server = Self { process, display: format!(":{}", number.trim()) };
        assert!(read.is_ok() && !number.trim().is_empty(), "Xvfb does not start");
        Ok(server)
    }
}

/// A window manager, until it is dropped.
pub struct Manager(Child);

impl Drop for Manager {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Xvfb {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Runs this program again with a display, and gives its exit code. An error when there can be none.
pub fn run_again_on_a_display() -> Result<ExitCode, String> {
    let server = Xvfb::start()?;
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(std::env::args_os().skip(1)).env(OURS, "1").env("DISPLAY", &server.display);
    command.env_remove("WAYLAND_DISPLAY").env_remove("WAYLAND_SOCKET");
    let status = command.status().unwrap();
    Ok(ExitCode::from(u8::try_from(status.code().unwrap_or(101)).unwrap_or(101)))
}

/// The pixels of a window.
pub struct Shot {
    pub width: u32,
    pub height: u32,
    bgrx: Vec<u8>,
}

impl Shot {
    /// Red, green and blue.
    pub fn pixel(&self, x: u32, y: u32) -> [u8; 3] {
        let at = ((y * self.width + x) * 4) as usize;
        [self.bgrx[at + 2], self.bgrx[at + 1], self.bgrx[at]]
    }
}

/// Judges the colours at places, given in thousandths of the window's width and height.
pub fn colours<'a>(points: &'a [((u32, u32), [u8; 3])]) -> impl Fn(&Shot) -> Result<(), String> + 'a {
    move |shot| {
        for &((x, y), expected) in points {
            let (x, y) = (shot.width * x / 1000, shot.height * y / 1000);
            let found = shot.pixel(x, y);
            // Coding and chroma at half resolution leave some difference.
            if found.iter().zip(expected).any(|(found, expected)| found.abs_diff(expected) > 14) {
                return Err(format!(
                    "{found:?} in place of {expected:?} at {x},{y} of {}×{}",
                    shot.width, shot.height
                ));
            }
        }
        Ok(())
    }
}

/// Judges the size.
pub fn has_size(width: u32, height: u32) -> impl Fn(&Shot) -> Result<(), String> {
    move |shot| {
        let size = (shot.width, shot.height);
        if size == (width, height) { Ok(()) } else { Err(format!("{size:?} in place of {width}×{height}")) }
    }
}

/// A connection to the display.
pub struct Display {
    connection: RustConnection,
    root: Window,
}

impl Display {
    pub fn open() -> Self {
        let (connection, screen) = x11rb::connect(None).unwrap();
        let root = connection.setup().roots[screen].root;
        Self { connection, root }
    }

    /// Starts a window manager; `None` when none is installed.
    pub fn manage(&self, patience: Duration) -> Option<Manager> {
        let mut command = Command::new("icewm");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let manager = Manager(command.spawn().ok()?);
        let supporting = self.atom("_NET_SUPPORTING_WM_CHECK");
        look_until(patience, || {
            let is_there = !self.words(self.root, supporting).is_empty();
            if is_there { Ok(()) } else { Err("the window manager does not begin".to_owned()) }
        });
        Some(manager)
    }

    /// Whether the window manager says that it lets the window fill the screen.
    pub fn is_full_screen_by_manager(&self, title: &str) -> bool {
        let window = self.find(title).expect("the window is there");
        self.words(window, self.atom("_NET_WM_STATE")).contains(&self.atom("_NET_WM_STATE_FULLSCREEN"))
    }

    fn words(&self, window: Window, property: u32) -> Vec<u32> {
        let value = self.connection.get_property(false, window, property, AtomEnum::ANY, 0, 256);
        let value = value.unwrap().reply().unwrap();
        value.value32().map(Iterator::collect).unwrap_or_default()
    }

    /// The window of this title.
    pub fn find(&self, title: &str) -> Option<Window> {
        let mut left = vec![self.root];
        while let Some(window) = left.pop() {
            let name = self.connection.get_property(false, window, AtomEnum::WM_NAME, AtomEnum::ANY, 0, 256);
            let name = name.ok().and_then(|cookie| cookie.reply().ok());
            if name.is_some_and(|name| name.value == title.as_bytes()) {
                return Some(window);
            }
            let tree = self.connection.query_tree(window).ok().and_then(|cookie| cookie.reply().ok());
            left.extend(tree.map(|tree| tree.children).unwrap_or_default());
        }
        None
    }

    /// Waits until the window of this title is not there any more.
    #[track_caller]
    pub fn until_gone(&self, title: &str, patience: Duration) {
        look_until(patience, || {
            if self.find(title).is_none() { Ok(()) } else { Err(format!("{title} is there")) }
        });
    }

    fn configure(&self, title: &str, values: &ConfigureWindowAux) {
        let window = self.find(title).expect("the window is there");
        self.connection.configure_window(window, values).unwrap().check().unwrap();
    }

    /// Gives a window another size, as a user does with its frame.
    pub fn resize(&self, title: &str, width: u32, height: u32) {
        self.configure(title, &ConfigureWindowAux::new().width(width).height(height));
    }

    /// Moves a window.
    pub fn place(&self, title: &str, x: i32, y: i32) {
        self.configure(title, &ConfigureWindowAux::new().x(x).y(y));
    }

    fn atom(&self, name: &str) -> u32 {
        self.connection.intern_atom(false, name.as_bytes()).unwrap().reply().unwrap().atom
    }

    /// Asks a window to close, as a window manager does for its user.
    pub fn close(&self, title: &str) {
        let window = self.find(title).expect("the window is there");
        let delete = self.atom("WM_DELETE_WINDOW");
        let message = ClientMessageEvent::new(32, window, self.atom("WM_PROTOCOLS"), [delete, 0, 0, 0, 0]);
        self.connection.send_event(false, window, EventMask::NO_EVENT, message).unwrap().check().unwrap();
    }

    /// Presses a key and lets it go, in a window.
    pub fn press(&self, title: &str, key: char) {
        let window = self.find(title).expect("the window is there");
        let focus = self.connection.set_input_focus(InputFocus::PARENT, window, CURRENT_TIME);
        focus.unwrap().check().unwrap();
        let symbol = if key == '\u{1b}' { 0xff1b } else { u32::from(key) };
        let setup = self.connection.setup();
        let count = setup.max_keycode - setup.min_keycode + 1;
        let map = self.connection.get_keyboard_mapping(setup.min_keycode, count).unwrap().reply().unwrap();
        let symbols = map.keysyms.chunks(map.keysyms_per_keycode.into());
        let (code, _) = (setup.min_keycode..).zip(symbols).find(|(_, symbols)| symbols[0] == symbol).unwrap();
        for kind in [KEY_PRESS_EVENT, KEY_RELEASE_EVENT] {
            self.connection.xtest_fake_input(kind, code, 0, self.root, 0, 0, 0).unwrap().check().unwrap();
        }
    }

    /// What a window shows now; `None` while it cannot be seen.
    pub fn shot(&self, window: Window) -> Option<Shot> {
        let place = self.connection.get_geometry(window).ok()?.reply().ok()?;
        let image = self.connection.get_image(
            ImageFormat::Z_PIXMAP,
            window,
            0,
            0,
            place.width,
            place.height,
            u32::MAX,
        );
        let bgrx = image.ok()?.reply().ok()?.data;
        Some(Shot { width: place.width.into(), height: place.height.into(), bgrx })
    }

    /// Waits until the window of this title shows what `judge` wants.
    #[track_caller]
    pub fn until(&self, title: &str, patience: Duration, judge: impl Fn(&Shot) -> Result<(), String>) {
        look_until(patience, || {
            let shot = self.find(title).and_then(|window| self.shot(window));
            shot.map_or(Err(format!("no window {title}")), |shot| judge(&shot))
        });
    }
}

/// Looks again and again until `look` finds what it wants. The server is another process, and tells nobody what a window
/// shows: real time passes between two looks.
#[track_caller]
fn look_until(patience: Duration, look: impl Fn() -> Result<(), String>) {
    let deadline = Instant::now() + patience;
    while let Err(wrong) = look() {
        assert!(Instant::now() < deadline, "after {patience:?}: {wrong}");
        std::thread::sleep(Duration::from_millis(10));
    }
}
