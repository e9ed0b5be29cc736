//! What a player and the window loop share of a window.

use super::canvas::View;
use super::event_loop::{LoopProxy, Request, WindowId};
use live_core::config::{ObjectFit, Orientation};
use live_core::event::{EventSender, FullScreenDirection};
use live_core::{Rotation, VideoFrame};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

/// Something happened to a window.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WindowEvent {
    /// The user closed it.
    Closed,
    /// A key was pressed, as the character it stands for: Escape is `'\u{1b}'`, the space bar `' '`, Enter `'\n'`. One
    /// that is held down is told once.
    Key(char),
    /// It has another size, in physical pixels.
    Resized {
        /// Width of what is inside the frame.
        width: u32,
        /// Height of what is inside the frame.
        height: u32,
    },
    /// It fills the screen now, or does not any more.
    FullScreenChange {
        /// How the picture is turned on the screen; upright after full screen.
        direction: FullScreenDirection,
        /// Whether it fills the screen.
        full_screen: bool,
    },
}

/// Hears what happens to a window, on the window loop's thread; `false` when it wants to hear no more.
type Listener = Box<dyn Fn(&WindowEvent) -> bool + Send>;

/// One window's place between a player and the loop.
pub(crate) struct Slot {
    pub(crate) id: WindowId,
    pub(crate) events: EventSender<WindowEvent>,
    proxy: LoopProxy,
    content: Mutex<Content>,
    /// The loop has been told of a picture and has not drawn it yet.
    told: AtomicBool,
    closed: AtomicBool,
    failure: OnceLock<String>,
    listeners: Mutex<Vec<Listener>>,
}

#[derive(Clone, Default)]
struct Content {
    picture: Option<VideoFrame>,
    view: View,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Slot {
    pub(crate) fn new(proxy: LoopProxy) -> Arc<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Arc::new(Self {
            id: WindowId(NEXT.fetch_add(1, Relaxed)),
            events: EventSender::new(),
            proxy,
            content: Mutex::default(),
            told: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            failure: OnceLock::new(),
            listeners: Mutex::default(),
        })
    }

    pub(crate) fn request(&self, request: impl FnOnce(WindowId) -> Request) {
        self.proxy.send(request(self.id));
    }

    /// Has `picture` drawn, in place of one that was not drawn yet.
    pub(crate) fn show(&self, picture: Option<VideoFrame>) {
        // The old picture's memory is given back outside of the lock.
        let _old = std::mem::replace(&mut lock(&self.content).picture, picture);
        self.wake();
    }

    pub(crate) fn set_view(&self, fit: ObjectFit, orientation: Orientation) {
        let rotation = match orientation {
            Orientation::Vertical => Rotation::None,
            Orientation::Horizontal => Rotation::Clockwise90,
        };
        lock(&self.content).view = View { fit, rotation };
        self.wake();
    }

    fn wake(&self) {
        if !self.told.swap(true, Relaxed) {
            self.request(Request::Draw);
        }
    }

    /// What is to be drawn now.
    pub(crate) fn take_content(&self) -> (Option<VideoFrame>, View) {
        // Before the picture is looked at: one that comes in between is told of again.
        self.told.store(false, Relaxed);
        let content = lock(&self.content).clone();
        (content.picture, content.view)
    }

    pub(crate) fn is_open(&self) -> bool {
        !self.closed.load(Relaxed)
    }

    /// The user closed the window.
    pub(crate) fn close(&self) {
        self.closed.store(true, Relaxed);
        self.tell(WindowEvent::Closed);
    }

    /// The display does not take pictures any more.
    pub(crate) fn fail(&self, reason: String) {
        let _ = self.failure.set(reason);
    }

    pub(crate) fn failure(&self) -> Option<&str> {
        self.failure.get().map(String::as_str)
    }

    /// Has `listener` hear what happens from now on.
    pub(crate) fn listen(&self, listener: impl Fn(&WindowEvent) -> bool + Send + 'static) {
        lock(&self.listeners).push(Box::new(listener));
    }

    pub(crate) fn tell(&self, event: WindowEvent) {
        lock(&self.listeners).retain(|listener| listener(&event));
        self.events.send(event);
    }
}
