//! The loop that owns all windows.

use super::WindowOptions;
use super::screen::Screen;
use super::slot::Slot;
use live_core::event::FullScreenDirection;
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use winit::application::ApplicationHandler;
use winit::event::WindowEvent;
use winit::event_loop::{ActiveEventLoop, ControlFlow, EventLoopProxy, OwnedDisplayHandle};

/// A window's number in this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WindowId(pub(crate) u64);

/// What the loop is asked for.
pub(crate) enum Request {
    Open {
        options: WindowOptions,
        slot: Arc<Slot>,
        reply: SyncSender<Result<(), String>>,
    },
    /// There is something new to draw.
    Draw(WindowId),
    FullScreen(WindowId, Option<FullScreenDirection>),
    Close(WindowId),
    Quit,
}

/// The way to the loop. Clones share it.
#[derive(Clone)]
pub(crate) struct LoopProxy(Arc<Mutex<EventLoopProxy<Request>>>);

impl LoopProxy {
    pub(crate) fn new(proxy: EventLoopProxy<Request>) -> Self {
        Self(Arc::new(Mutex::new(proxy)))
    }

    /// Asks without waiting. Once the loop has ended nothing happens.
    pub(crate) fn send(&self, request: Request) {
        let _ = self.0.lock().unwrap_or_else(PoisonError::into_inner).send_event(request);
    }
}

/// The windows.
#[derive(Default)]
pub(crate) struct App {
    screens: Vec<Screen>,
    /// The connection to the display, made for the first window.
    display: Option<softbuffer::Context<OwnedDisplayHandle>>,
}

impl App {
    fn open(
        &mut self,
        event_loop: &ActiveEventLoop,
        options: &WindowOptions,
        slot: Arc<Slot>,
    ) -> Result<(), String> {
        let display = match &mut self.display {
            Some(display) => display,
            none => {
                let made = softbuffer::Context::new(event_loop.owned_display_handle());
                none.insert(made.map_err(|error| error.to_string())?)
            }
        };
        self.screens.push(Screen::open(event_loop, display, options, slot)?);
        Ok(())
    }

    /// The loop has failed: whoever shows pictures is told.
    pub(crate) fn fail(self, reason: &str) {
        self.screens.into_iter().for_each(|screen| screen.lost(reason));
    }

    fn with(&mut self, id: WindowId, act: impl FnOnce(&mut Screen)) {
        // The user may have closed it in the meantime.
        if let Some(screen) = self.screens.iter_mut().find(|screen| screen.id() == id) {
            act(screen);
        }
    }
}

impl ApplicationHandler<Request> for App {
    fn resumed(&mut self, event_loop: &ActiveEventLoop) {
        event_loop.set_control_flow(ControlFlow::Wait);
    }

    fn user_event(&mut self, event_loop: &ActiveEventLoop, request: Request) {
        match request {
            Request::Open { options, slot, reply } => {
                let id = slot.id;
                let opened = self.open(event_loop, &options, slot);
                // Nobody waits any more: it would never be closed.
                if reply.send(opened).is_err() {
                    self.screens.retain(|screen| screen.id() != id);
                }
            }
            Request::Draw(id) => self.with(id, Screen::request_draw),
            Request::FullScreen(id, direction) => {
                self.with(id, |screen| screen.set_full_screen(direction, Instant::now()));
            }
            Request::Close(id) => self.screens.retain(|screen| screen.id() != id),
            Request::Quit => event_loop.exit(),
        }
    }

    fn window_event(&mut self, _: &ActiveEventLoop, window: winit::window::WindowId, event: WindowEvent) {
        let Some(place) = self.screens.iter().position(|screen| screen.is(window)) else { return };
        let screen = &mut self.screens[place];
        match event {
            WindowEvent::RedrawRequested => screen.draw(),
            WindowEvent::Resized(_) | WindowEvent::ScaleFactorChanged { .. } => {
                screen.resized(Instant::now())
            }
            WindowEvent::KeyboardInput { event, is_synthetic: false, .. } => screen.key(&event),
            WindowEvent::CloseRequested | WindowEvent::Destroyed => {
                let screen = self.screens.swap_remove(place);
                screen.closed_by_user();
            }
            _ => {}
        }
    }

    fn about_to_wait(&mut self, event_loop: &ActiveEventLoop) {
        let now = Instant::now();
        let next = self.screens.iter_mut().filter_map(|screen| screen.handle_timeout(now)).min();
        event_loop.set_control_flow(next.map_or(ControlFlow::Wait, ControlFlow::WaitUntil));
    }
}
