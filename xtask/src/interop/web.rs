//! A web server of a few lines that gives every visitor the same answer.

use super::peer::local;
use crate::process::Problem;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::Duration;

/// What a visitor gets.
#[derive(Clone)]
pub enum Answer {
    /// Nothing at all; the connection stays open.
    Silence,
    /// A page or file with its content type, at the given speed in bytes per second, then the end.
    Body {
        /// Content type.
        kind: &'static str,
        /// The body.
        bytes: Arc<[u8]>,
        /// Bytes per second.
        rate: usize,
    },
}

impl Answer {
    /// A whole answer, as fast as it goes.
    pub fn at_once(kind: &'static str, bytes: impl Into<Arc<[u8]>>) -> Self {
        Self::Body { kind, bytes: bytes.into(), rate: usize::MAX }
    }
}

/// A running server. Its threads end when it is dropped.
pub struct Web {
    address: SocketAddr,
    stopped: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Web {
    /// Serves `answer` on a free port.
    pub fn start(answer: Answer) -> Result<Self, Problem> {
        let cannot = |error| Problem::CannotRun(format!("no port on 127.0.0.1: {error}"));
        let listener = TcpListener::bind(local(0)).map_err(cannot)?;
        let address = listener.local_addr().map_err(cannot)?;
        let stopped = Arc::new(AtomicBool::new(false));
        let thread = spawn({
            let stopped = Arc::clone(&stopped);
            move || serve(&listener, &answer, &stopped)
        });
        Ok(Self { address, stopped, thread: Some(thread) })
    }

    /// Its address with this scheme and path.
    pub fn url(&self, scheme: &str, path: &str) -> String {
        format!("{scheme}://{}/{path}", self.address)
    }
}

impl Drop for Web {
    fn drop(&mut self) {
        self.stopped.store(true, Relaxed);
        // Wakes the thread that accepts.
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn serve(listener: &TcpListener, answer: &Answer, stopped: &Arc<AtomicBool>) {
    std::thread::scope(|scope| {
        for visitor in listener.incoming().flatten() {
            if stopped.load(Relaxed) {
                break;
            }
            // A visitor who goes away before the end is not our problem.
            scope.spawn(|| attend(visitor, answer, stopped));
        }
    });
}

fn attend(mut visitor: TcpStream, answer: &Answer, stopped: &AtomicBool) -> std::io::Result<()> {
    match answer {
        Answer::Silence => {
            while !stopped.load(Relaxed) {
                sleep(Duration::from_millis(20));
            }
            Ok(())
        }
        Answer::Body { kind, bytes, rate } => {
            visitor.set_read_timeout(Some(Duration::from_secs(5)))?;
            read_request(&mut visitor)?;
            write!(visitor, "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nConnection: close\r\n\r\n")?;
            for piece in bytes.chunks((rate / 20).max(1)) {
                if stopped.load(Relaxed) {
                    break;
                }
                visitor.write_all(piece)?;
                if piece.len() < bytes.len() {
                    sleep(Duration::from_millis(50));
                }
            }
            Ok(())
        }
    }
}

/// Reads up to the empty line behind a request's header.
fn read_request(visitor: &mut TcpStream) -> std::io::Result<()> {
    let (mut request, mut piece) = (Vec::new(), [0; 1024]);
    while !request.windows(4).any(|end| end == b"\r\n\r\n") && request.len() < 1 << 16 {
        match visitor.read(&mut piece)? {
            0 => break,
            count => request.extend_from_slice(&piece[..count]),
        }
    }
    Ok(())
}
