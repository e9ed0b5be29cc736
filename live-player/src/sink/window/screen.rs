//! One window on the screen; lives on the loop's thread.

use super::canvas::Canvas;
use super::event_loop::WindowId;
use super::full_screen::{FullScreen, Step};
use super::slot::{Slot, WindowEvent};
use super::{Size, WindowOptions};
use live_core::event::FullScreenDirection;
use live_core::pixels::letterbox::contained;
use live_core::{Rotation, VideoFrame};
use std::num::NonZeroU32;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;
use winit::dpi::{LogicalSize, PhysicalPosition, PhysicalSize};
use winit::event::{ElementState, KeyEvent};
use winit::event_loop::{ActiveEventLoop, OwnedDisplayHandle};
use winit::keyboard::{Key, NamedKey};
use winit::raw_window_handle::{HasWindowHandle as _, RawWindowHandle};
use winit::window::{Fullscreen, Window};

/// A window with its memory.
pub(crate) struct Screen {
    slot: Arc<Slot>,
    window: Rc<Window>,
    surface: softbuffer::Surface<OwnedDisplayHandle, Rc<Window>>,
    canvas: Canvas,
    /// Inside the frame, in physical pixels.
    size: PhysicalSize<u32>,
    /// It is to become as large as the first picture.
    awaits_picture: bool,
    full_screen: FullScreen,
    /// Place and size before full screen.
    framed: Option<(PhysicalPosition<i32>, PhysicalSize<u32>)>,
    /// X11, where full screen is what a window manager makes of it.
    is_x11: bool,
}

impl Screen {
    pub(crate) fn open(
        event_loop: &ActiveEventLoop,
        display: &softbuffer::Context<OwnedDisplayHandle>,
        options: &WindowOptions,
        slot: Arc<Slot>,
    ) -> Result<Self, String> {
        let (width, height) = match options.size {
            Size::Logical(width, height) => (width, height),
            Size::Picture => Size::DEFAULT,
        };
        let attributes = Window::default_attributes()
            .with_title(&options.title)
            .with_inner_size(LogicalSize::new(width, height));
        let window = Rc::new(event_loop.create_window(attributes).map_err(|error| error.to_string())?);
        let surface =
            softbuffer::Surface::new(display, Rc::clone(&window)).map_err(|error| error.to_string())?;
        let handle = window.window_handle().map(|handle| handle.as_raw());
        let mut screen = Self {
            is_x11: matches!(handle, Ok(RawWindowHandle::Xlib(_) | RawWindowHandle::Xcb(_))),
            size: window.inner_size(),
            awaits_picture: options.size == Size::Picture,
            full_screen: FullScreen::default(),
            framed: None,
            canvas: Canvas::default(),
            slot,
            window,
            surface,
        };
        if options.full_screen.is_some() {
            screen.set_full_screen(options.full_screen, Instant::now());
        }
        screen.request_draw();
        Ok(screen)
    }

    pub(crate) fn id(&self) -> WindowId {
        self.slot.id
    }

    pub(crate) fn is(&self, window: winit::window::WindowId) -> bool {
        self.window.id() == window
    }

    pub(crate) fn request_draw(&mut self) {
        self.window.request_redraw();
    }

    /// Draws the newest picture.
    pub(crate) fn draw(&mut self) {
        let (picture, mut view) = self.slot.take_content();
        if let Some(picture) = &picture
            && std::mem::take(&mut self.awaits_picture)
        {
            self.grow_to(picture, view.rotation);
        }
        view.rotation = view.rotation.then(match self.full_screen.direction() {
            FullScreenDirection::Upright => Rotation::None,
            FullScreenDirection::Clockwise => Rotation::Clockwise90,
            FullScreenDirection::CounterClockwise => Rotation::Clockwise270,
        });
        let PhysicalSize { width, height } = self.size;
        let (Some(columns), Some(rows)) = (NonZeroU32::new(width), NonZeroU32::new(height)) else {
            // It is iconified.
            return;
        };
        let Self { surface, canvas, window, .. } = self;
        let mut draw = || {
            surface.resize(columns, rows)?;
            let mut pixels = surface.buffer_mut()?;
            canvas.paint(
                picture.as_ref(),
                view,
                (width, height),
                bytemuck::cast_slice_mut::<u32, u8>(&mut pixels),
            );
            // The bytes are blue, green, red: the numbers that are wanted where the lowest byte comes first.
            if cfg!(target_endian = "big") {
                pixels.iter_mut().for_each(|pixel| *pixel = pixel.swap_bytes());
            }
            window.pre_present_notify();
            pixels.present()
        };
        if let Err(error) = draw() {
            self.slot.fail(format!("the display does not take pictures any more: {error}"));
        }
    }

    /// Gives the window the size of its first picture, as far as the screen allows.
    fn grow_to(&self, picture: &VideoFrame, rotation: Rotation) {
        let mut size = (picture.width(), picture.height());
        if picture.rotation.then(rotation).swaps_sides() {
            size = (size.1, size.0);
        }
        if let Some(monitor) = self.window.current_monitor() {
            // Frames, bars and docks need some room.
            let PhysicalSize { width, height } = monitor.size();
            let most = (width / 10 * 9, height / 10 * 9);
            if most.0 > 0 && most.1 > 0 && (size.0 > most.0 || size.1 > most.1) {
                size = contained(size, most);
            }
        }
        let _ = self.window.request_inner_size(PhysicalSize::new(size.0, size.1));
    }

    pub(crate) fn resized(&mut self, now: Instant) {
        let size = self.window.inner_size();
        if size != self.size {
            self.size = size;
            self.slot.tell(WindowEvent::Resized { width: size.width, height: size.height });
        }
        self.check_full_screen(now);
        self.request_draw();
    }

    pub(crate) fn key(&self, event: &KeyEvent) {
        if event.state != ElementState::Pressed || event.repeat {
            return;
        }
        let key = match &event.logical_key {
            Key::Character(text) => text.chars().next(),
            Key::Named(NamedKey::Space) => Some(' '),
            Key::Named(NamedKey::Escape) => Some('\u{1b}'),
            Key::Named(NamedKey::Enter) => Some('\n'),
            _ => None,
        };
        key.into_iter().for_each(|key| self.slot.tell(WindowEvent::Key(key)));
    }

    pub(crate) fn closed_by_user(self) {
        self.slot.close();
    }

    /// There is no display any more.
    pub(crate) fn lost(self, reason: &str) {
        self.slot.fail(reason.to_owned());
    }

    pub(crate) fn set_full_screen(&mut self, direction: Option<FullScreenDirection>, now: Instant) {
        let step = self.full_screen.request(direction, now);
        self.take(step, now);
        self.check_full_screen(now);
    }

    /// Does what is due, and says when something is due again.
    pub(crate) fn handle_timeout(&mut self, now: Instant) -> Option<Instant> {
        let step = self.full_screen.handle_timeout(now);
        if step.is_some() {
            self.take(step, now);
            self.check_full_screen(now);
        }
        self.full_screen.poll_timeout()
    }

    fn check_full_screen(&mut self, now: Instant) {
        let fills = if self.is_x11 {
            self.window.current_monitor().is_some_and(|monitor| monitor.size() == self.size)
        } else {
            self.window.fullscreen().is_some()
        };
        let step = self.full_screen.sized(fills, now);
        self.take(step, now);
    }

    fn take(&mut self, step: Option<Step>, now: Instant) {
        match step {
            None => {}
            Some(Step::Ask) => {
                let place = self.window.outer_position().unwrap_or_default();
                self.framed = Some((place, self.size));
                self.window.set_fullscreen(Some(Fullscreen::Borderless(None)));
            }
            Some(Step::Grow) => {
                if let Some(monitor) = self.window.current_monitor().filter(|_| self.is_x11) {
                    self.window.set_outer_position(monitor.position());
                    self.resize(monitor.size(), now);
                }
            }
            Some(Step::Shrink { by_hand }) => {
                self.window.set_fullscreen(None);
                if let Some((place, size)) = self.framed.take().filter(|_| by_hand) {
                    self.window.set_outer_position(place);
                    self.resize(size, now);
                }
            }
            Some(Step::Tell { direction, full_screen }) => {
                self.slot.tell(WindowEvent::FullScreenChange { direction, full_screen });
                self.request_draw();
            }
        }
    }

    fn resize(&mut self, size: PhysicalSize<u32>, now: Instant) {
        // Where it happens at once no event follows.
        if self.window.request_inner_size(size).is_some() {
            self.resized(now);
        }
    }
}
