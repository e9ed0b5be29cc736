//! Pictures in windows, drawn by the processor: winit and softbuffer. Feature `window`.
//!
//! Operating systems want all windows of a program handled by one loop, on its main thread. [`run`] is that loop: it
//! takes the main thread, and runs the program on another one with a [`WindowHost`], which opens [`Window`]s.
//!
//! ```no_run
//! use live_player::LivePlayer;
//! use live_player::sink::window::{self, WindowOptions};
//!
//! fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
//!     window::run(|host| {
//!         let window = host.open(WindowOptions::new("a stream"))?;
//!         let player = LivePlayer::builder("rtmp://127.0.0.1/live/demo").window(&window).build()?;
//!         player.start();
//!         // Until the stream ends, or the user closes the window.
//!         Ok(tokio::runtime::Runtime::new()?.block_on(player.finished())?)
//!     })
//! }
//! ```
//!
//! Each window shows the newest picture that is due, once per redraw; the player never waits for the screen. A window
//! keeps its last picture when a session ends, and shows the next session's. It is closed by the user, or when the last
//! clone of its [`Window`] and the players it was given to are gone.
//!
//! Has run on Linux, with X11. Written for Wayland, macOS and Windows too, and not tried there.

mod canvas;
mod event_loop;
mod full_screen;
mod layout;
mod screen;
mod slot;

use event_loop::{App, LoopProxy, Request};
use live_core::config::{ObjectFit, Orientation};
use live_core::event::{EventStream, FullScreenDirection};
use live_core::{SinkError, VideoFrame, VideoSink};
use slot::Slot;
use std::fmt;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::Duration;
use winit::event_loop::EventLoop;

pub use slot::WindowEvent;

/// How long the loop may take to open a window.
const OPENING: Duration = Duration::from_secs(10);

/// Why there is no window.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WindowError {
    /// There is no display, or no loop for its windows.
    #[error("no display: {0}")]
    NoDisplay(String),
    /// The display did not open the window.
    #[error("the window cannot be opened: {0}")]
    Refused(String),
}

/// Runs `main` on a thread of its own, and the windows it opens on this one, until `main` returns; returns what it
/// returned. Windows that are open then are closed.
///
/// To be called from the program's main thread, once. Where there is no display, `main` runs all the same, and its
/// [`WindowHost`] says why it has no windows.
///
/// # Panics
/// With what `main` panics with, and on Linux when this is not the main thread.
pub fn run<T: Send>(main: impl FnOnce(WindowHost) -> T + Send) -> T {
    let event_loop = match EventLoop::<Request>::with_user_event().build() {
        Ok(event_loop) => event_loop,
        Err(error) => return main(WindowHost(Err(reason(&error.to_string()).into()))),
    };
    let proxy = LoopProxy::new(event_loop.create_proxy());
    std::thread::scope(|scope| {
        let host = WindowHost(Ok(proxy.clone()));
        let main = std::thread::Builder::new().name("main".into()).spawn_scoped(scope, move || {
            // Also when `main` panics.
            let _quit = Quit(proxy);
            main(host)
        });
        let main = main.expect("the operating system has no thread left for the program");
        let mut app = App::default();
        if let Err(error) = event_loop.run_app(&mut app) {
            app.fail(&format!("there are no windows any more: {error}"));
        }
        main.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// What winit says, without the place in its own source that it says it from.
fn reason(error: &str) -> &str {
    error.strip_prefix("os error at ").and_then(|rest| Some(rest.split_once(": ")?.1)).unwrap_or(error)
}

/// Ends the loop when it is dropped.
struct Quit(LoopProxy);

impl Drop for Quit {
    fn drop(&mut self) {
        self.0.send(Request::Quit);
    }
}

/// Opens windows, from any thread while [`run`] runs. Clones share the loop.
#[derive(Clone)]
pub struct WindowHost(Result<LoopProxy, Arc<str>>);

impl WindowHost {
    /// Whether there is a display to open windows on, or why not.
    ///
    /// # Errors
    /// The reason, in the display's words.
    pub fn check(&self) -> Result<(), WindowError> {
        self.proxy().map(drop)
    }

    fn proxy(&self) -> Result<&LoopProxy, WindowError> {
        self.0.as_ref().map_err(|reason| WindowError::NoDisplay(reason.to_string()))
    }

    /// Opens a window, black until its first picture. Blocks until it is there: some milliseconds.
    ///
    /// # Errors
    /// There is no display, or it did not open the window within 10 s.
    pub fn open(&self, options: WindowOptions) -> Result<Window, WindowError> {
        let proxy = self.proxy()?;
        let slot = Slot::new(proxy.clone());
        let (reply, opened) = sync_channel(1);
        proxy.send(Request::Open { options, slot: Arc::clone(&slot), reply });
        let window = Window(Arc::new(Lease(slot)));
        match opened.recv_timeout(OPENING) {
            Ok(Ok(())) => Ok(window),
            Ok(Err(reason)) => Err(WindowError::Refused(reason)),
            Err(_) => Err(WindowError::Refused("the window loop has ended, or does not answer".to_owned())),
        }
    }
}

impl fmt::Debug for WindowHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("WindowHost").field(&self.check().err()).finish()
    }
}

/// What a window is to look like.
#[derive(Clone, Debug, PartialEq)]
pub struct WindowOptions {
    title: String,
    size: Size,
    full_screen: Option<FullScreenDirection>,
}

/// How large a window opens.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Size {
    /// Logical pixels.
    Logical(f64, f64),
    /// As its first picture, as far as the screen allows.
    Picture,
}

impl Size {
    /// The specification's size of a player.
    const DEFAULT: (f64, f64) = (300.0, 225.0);
}

impl WindowOptions {
    /// A window of 300×225 logical pixels, the specification's size of a player, with this title.
    pub fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), size: Size::Logical(Size::DEFAULT.0, Size::DEFAULT.1), full_screen: None }
    }

    /// Another size, in logical pixels: those of a screen of customary density.
    #[must_use]
    pub const fn size(mut self, width: u32, height: u32) -> Self {
        self.size = Size::Logical(width as f64, height as f64);
        self
    }

    /// The size of the first picture, pixel by pixel; less when the screen is smaller. Until then 300×225.
    #[must_use]
    pub const fn picture_size(mut self) -> Self {
        self.size = Size::Picture;
        self
    }

    /// Fills the screen from the beginning.
    #[must_use]
    pub const fn full_screen(mut self, direction: FullScreenDirection) -> Self {
        self.full_screen = Some(direction);
        self
    }
}

/// A window. Clones are the same window, which closes when the last one is dropped. Methods never block.
#[derive(Clone)]
pub struct Window(Arc<Lease>);

/// Closes the window when it is dropped.
struct Lease(Arc<Slot>);

impl Drop for Lease {
    fn drop(&mut self) {
        self.0.request(Request::Close);
    }
}

impl Window {
    /// A sink that shows its pictures here. What several sinks show at the same time follows each other.
    ///
    /// After the user has closed the window, pictures go nowhere; a sink made later fails with its first picture.
    /// [`Builder::window`](crate::Builder::window) does more: it sets the view and ends the session with the window.
    #[must_use]
    pub fn sink(&self) -> impl VideoSink + use<> {
        WindowSink { window: self.clone(), was_open: self.is_open() }
    }

    /// How a picture of another shape is fitted in, and whether it is turned: [`Orientation::Horizontal`] turns it
    /// clockwise by 90°.
    pub fn set_view(&self, fit: ObjectFit, orientation: Orientation) {
        self.slot().set_view(fit, orientation);
    }

    /// Asks for the window to fill its screen, with the picture turned. [`WindowEvent::FullScreenChange`] tells when it
    /// does.
    pub fn request_full_screen(&self, direction: FullScreenDirection) {
        self.slot().request(|id| Request::FullScreen(id, Some(direction)));
    }

    /// Asks for the window to have its size again. [`WindowEvent::FullScreenChange`] tells when it has.
    pub fn exit_full_screen(&self) {
        self.slot().request(|id| Request::FullScreen(id, None));
    }

    /// Shows black until the next picture.
    pub fn clear(&self) {
        self.slot().show(None);
    }

    /// Whether the user has not closed it.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.slot().is_open()
    }

    /// What happens to the window from now on.
    #[must_use]
    pub fn events(&self) -> EventStream<WindowEvent> {
        self.slot().events.subscribe()
    }

    pub(crate) fn slot(&self) -> &Slot {
        &self.0.0
    }
}

impl fmt::Debug for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Window").field("open", &self.is_open()).finish_non_exhaustive()
    }
}

struct WindowSink {
    window: Window,
    /// Closing it later is the user's way to stop, and no failure.
    was_open: bool,
}

impl VideoSink for WindowSink {
    fn present(&mut self, frame: &VideoFrame) -> Result<(), SinkError> {
        if !self.was_open {
            return Err(SinkError::new(
                "window",
                "it was closed before this session began: open another one",
            ));
        }
        self.window.slot().show(Some(frame.clone()));
        self.window.slot().failure().map_or(Ok(()), |reason| Err(SinkError::new("window", reason)))
    }

    fn finish(&mut self) -> Result<(), SinkError> {
        Ok(())
    }
}
