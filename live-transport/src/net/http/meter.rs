//! What hyper hides: how much the socket has taken, and since when it takes nothing.

use crate::net::connect::Connection;
use live_core::net_status::LinkCounters;
use std::future::pending;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

/// A connection whose writing is watched.
pub(super) struct Metered {
    io: Connection,
    meter: Arc<Meter>,
}

/// What is seen of it.
pub(super) struct Meter {
    counters: Arc<LinkCounters>,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Default)]
struct State {
    /// Bytes given to hyper that the socket has not taken.
    pending: u64,
    stalled_since: Option<Instant>,
}

impl Metered {
    pub(super) fn new(io: Connection, counters: Arc<LinkCounters>) -> (Self, Arc<Meter>) {
        let meter = Arc::new(Meter { counters, state: Mutex::default(), changed: Notify::new() });
        (Self { io, meter: Arc::clone(&meter) }, meter)
    }
}

impl Meter {
    /// Notes bytes given to hyper.
    pub(super) fn handed(&self, bytes: usize) {
        let mut state = self.lock();
        state.pending += bytes as u64;
        self.counters.set_pending(state.pending);
    }

    /// Waits until the socket has taken nothing for `patience`, though something waits.
    pub(super) async fn stall(&self, patience: Duration) {
        loop {
            let since = self.lock().stalled_since;
            let deadline = async {
                match since {
                    Some(since) => sleep_until(since + patience).await,
                    None => pending().await,
                }
            };
            tokio::select! {
                () = self.changed.notified() => {}
                () = deadline => if self.lock().stalled_since == since { return },
            }
        }
    }

    /// Waits until the socket has taken all that was given.
    pub(super) async fn flushed(&self) {
        while self.lock().pending > 0 {
            self.changed.notified().await;
        }
    }

    fn note_write(&self, written: &Poll<io::Result<usize>>) {
        let mut state = self.lock();
        let was_stalled = state.stalled_since.is_some();
        match written {
            Poll::Ready(Ok(written)) => {
                state.stalled_since = None;
                state.pending = state.pending.saturating_sub(*written as u64);
                self.counters.add_sent(*written as u64);
                self.counters.set_pending(state.pending);
            }
            Poll::Ready(Err(_)) => state.stalled_since = None,
            Poll::Pending => {
                state.stalled_since.get_or_insert_with(Instant::now);
            }
        }
        if was_stalled != state.stalled_since.is_some() {
            self.changed.notify_one();
        }
    }

    /// hyper flushes when it holds nothing back.
    fn note_flush(&self, is_done: bool) {
        let mut state = self.lock();
        if is_done {
            (state.pending, state.stalled_since) = (0, None);
            self.counters.set_pending(0);
        } else {
            state.stalled_since.get_or_insert_with(Instant::now);
        }
        self.changed.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AsyncRead for Metered {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Metered {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write(cx, bytes);
        self.meter.note_write(&written);
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write_vectored(cx, slices);
        self.meter.note_write(&written);
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.io).poll_flush(cx);
        self.meter.note_flush(flushed.is_ready());
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
