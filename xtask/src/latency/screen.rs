//! A virtual screen, and the strip of the pattern that is shown in its corner.

use super::run::SIZE;
use crate::interop::peer::Peer;
use crate::process::{Problem, find};
use live_capture::pattern::{Stamp, read_stamp_luma};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};
use x11rb::connection::Connection as _;
use x11rb::protocol::xproto::{ConnectionExt as _, ImageFormat, Window};
use x11rb::rust_connection::RustConnection;

/// How long the server may take to start.
const STARTUP: Duration = Duration::from_secs(10);
/// The strip and its margin are in this many rows at the top: a seventh of the height.
const ROWS: u32 = SIZE.height / 7 + 1;

/// An X server of its own, until it is dropped.
pub struct Screen {
    /// What programs find it by.
    pub display: String,
    connection: RustConnection,
    root: Window,
    /// The green of a picture, of which only the top is filled.
    green: Vec<u8>,
    _server: Peer,
}

impl Screen {
    pub fn start(folder: &Path) -> Result<Self, Problem> {
        let program =
            find("Xvfb").ok_or_else(|| Problem::CannotRun("Xvfb is missing; install xvfb".into()))?;
        let mut command = Command::new(program);
        command.args(["-displayfd", "1", "-screen", "0", "1024x768x24", "-nolisten", "tcp", "-noreset"]);
        let server = Peer::start("Xvfb", folder, &mut command)?;
        let said = folder.join("Xvfb.out");
        let started = Instant::now();
        let display = loop {
            match fs::read_to_string(&said) {
                Ok(number) if number.ends_with('\n') => break format!(":{}", number.trim()),
                _ if started.elapsed() > STARTUP => {
                    return Err(Problem::Failed(format!("Xvfb does not start (see {})", said.display())));
                }
                _ => std::thread::sleep(Duration::from_millis(10)),
            }
        };
        let failed = |error: &dyn std::fmt::Display| Problem::Failed(format!("display {display}: {error}"));
        let (connection, screen) = x11rb::connect(Some(&display)).map_err(|error| failed(&error))?;
        let root = connection.setup().roots[screen].root;
        let green = vec![0; (SIZE.width * SIZE.height) as usize];
        Ok(Self { display, connection, root, green, _server: server })
    }

    /// The stamp of the picture in the upper left corner; `None` when there is none that can be read.
    pub fn stamp(&mut self) -> Option<Stamp> {
        let (width, rows) = (SIZE.width as u16, ROWS as u16);
        let image = self.connection.get_image(ImageFormat::Z_PIXMAP, self.root, 0, 0, width, rows, u32::MAX);
        let bgrx = image.ok()?.reply().ok()?.data;
        for (green, pixel) in self.green.iter_mut().zip(bgrx.chunks_exact(4)) {
            *green = pixel[1];
        }
        read_stamp_luma(SIZE.width as usize, SIZE.height as usize, SIZE.width as usize, &self.green)
    }
}
