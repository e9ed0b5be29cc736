//! The loop between a sans-IO session and a byte stream.

#[cfg(test)]
mod tests;

use super::connect::{Deadlines, most_of};
use crate::rtmp::{self, ClientSession, Outgoing, ServerSession};
use bytes::{Buf, BytesMut};
use live_core::net_status::LinkCounters;
use std::future::{Future, poll_fn};
use std::io::{self, IoSlice};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::time::{Instant, Sleep, sleep_until};

/// The next packet is taken only while less than this waits to be sent.
const LOW_WATER: usize = 16 * 1024;

/// How often it is looked whether an allowance that was used up is so no more.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// Nothing is read while more than this waits to be sent: a peer that asks and does not listen must not make us hold
/// answers without end.
const HIGH_WATER: usize = 1024 * 1024;

/// How long the peer is given to close its side in the end.
const LINGER: Duration = Duration::from_secs(1);

/// Bytes of memory taken at a time for what is read. Messages keep parts of it alive, so it is used up before the
/// next block is taken.
const BLOCK: usize = 64 * 1024;

/// The least room to read into.
const MIN_READ: usize = 4 * 1024;

/// Pieces handed to the kernel in one call.
const MAX_SLICES: usize = 64;

/// A protocol core that takes bytes and time and gives bytes.
pub(crate) trait Session {
    /// Takes what arrived.
    fn handle_input(&mut self, now: std::time::Instant, input: &mut BytesMut) -> Result<(), rtmp::Error>;
    /// Checks its deadlines.
    fn handle_timeout(&mut self, now: std::time::Instant) -> Result<(), rtmp::Error>;
    /// When it wants its deadlines checked.
    fn poll_timeout(&self) -> Option<std::time::Instant>;
    /// What it wants to send.
    fn outgoing(&mut self) -> &mut Outgoing;
}

macro_rules! session {
    ($session:ty) => {
        impl Session for $session {
            fn handle_input(
                &mut self,
                now: std::time::Instant,
                input: &mut BytesMut,
            ) -> Result<(), rtmp::Error> {
                self.handle_input(now, input)
            }
            fn handle_timeout(&mut self, now: std::time::Instant) -> Result<(), rtmp::Error> {
                self.handle_timeout(now)
            }
            fn poll_timeout(&self) -> Option<std::time::Instant> {
                self.poll_timeout()
            }
            fn outgoing(&mut self) -> &mut Outgoing {
                self.outgoing()
            }
        }
    };
}

session!(ClientSession);
session!(ServerSession);

/// Why a drive is over.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Stop {
    /// The peer closed the connection.
    #[error("the peer closed the connection")]
    Closed,
    /// Reading or writing failed.
    #[error(transparent)]
    Io(io::Error),
    /// The peer takes nothing.
    #[error("the peer has taken nothing for {} s", .0.as_secs_f32())]
    Stalled(Duration),
    /// The session failed.
    #[error(transparent)]
    Session(#[from] rtmp::Error),
}

impl From<io::Error> for Stop {
    /// An end without a farewell (from TLS, or found when writing) is an end and no failure.
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof | io::ErrorKind::BrokenPipe => Self::Closed,
            _ => Self::Io(error),
        }
    }
}

/// What a turn brought.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Turn<T> {
    /// Something arrived, or a deadline passed without harm: look at the session's events.
    Progress,
    /// The source gave something.
    Source(T),
}

/// A session and the byte stream it runs over.
pub(crate) struct Driver<T, S> {
    io: T,
    pub(crate) session: S,
    input: BytesMut,
    counters: Arc<LinkCounters>,
    timer: Pin<Box<Sleep>>,
    look_again: Pin<Box<Sleep>>,
    /// How long the peer may take nothing while something waits to be sent.
    patience: Duration,
    /// Since when it has taken nothing.
    stalled_since: Option<Instant>,
}

impl<T: AsyncRead + AsyncWrite + Unpin, S: Session> Driver<T, S> {
    pub(crate) fn new(io: T, session: S, counters: Arc<LinkCounters>, deadlines: &Deadlines) -> Self {
        Self {
            io,
            session,
            input: BytesMut::with_capacity(BLOCK),
            counters,
            timer: Box::pin(sleep_until(Instant::now())),
            look_again: Box::pin(sleep_until(Instant::now())),
            patience: most_of(deadlines.silence),
            stalled_since: None,
        }
    }

    /// Sends and receives until something arrives or `source` is ready; `source` is asked only while little waits to
    /// be sent.
    ///
    /// Cancel-safe: all state is in the driver, and a `source` that is cancel-safe may be made anew for each turn.
    ///
    /// # Errors
    /// The connection or the session is over.
    pub(crate) async fn turn<F: Future>(&mut self, source: F) -> Result<Turn<F::Output>, Stop> {
        let mut source = pin!(source);
        poll_fn(|cx| {
            let wrote = self.poll_write(cx);
            self.counters.set_pending(self.session.outgoing().remaining() as u64);
            if let Err(error) = wrote {
                // A peer that fell silent has said nothing: the end that is read now is the kernel's own.
                let silent = error.kind() == io::ErrorKind::TimedOut;
                let last = self.last_words(cx).filter(|stop| !(silent && matches!(stop, Stop::Closed)));
                return Poll::Ready(Err(last.unwrap_or_else(|| error.into())));
            }
            if self.poll_read(cx)?.is_ready() || self.poll_timer(cx)?.is_ready() {
                return Poll::Ready(Ok(Turn::Progress));
            }
            if self.session.outgoing().remaining() < LOW_WATER && self.poll_allowance(cx).is_ready() {
                return source.as_mut().poll(cx).map(|output| Ok(Turn::Source(output)));
            }
            Poll::Pending
        })
        .await
    }

    /// Sends and receives until something arrives.
    ///
    /// # Errors
    /// As [`turn`](Self::turn).
    pub(crate) async fn wait(&mut self) -> Result<(), Stop> {
        self.turn(std::future::pending::<()>()).await.map(drop)
    }

    /// Sends all that waits, for at most `patience`, and closes the connection as soon as the peer has done so.
    ///
    /// # Errors
    /// Not everything could be sent.
    pub(crate) async fn leave(&mut self, patience: Duration) -> Result<(), Stop> {
        let sent = tokio::time::timeout(patience, async {
            while self.session.outgoing().has_remaining() {
                poll_fn(|cx| self.poll_write_some(cx)).await?;
            }
            poll_fn(|cx| Pin::new(&mut self.io).poll_shutdown(cx)).await
        });
        sent.await.map_err(|_| Stop::Stalled(patience))??;
        // Closing with something unread would reset the connection and lose what is still on its way.
        let _ = tokio::time::timeout(LINGER, async {
            while self.io.read_buf(&mut self.input).await.is_ok_and(|read| read > 0) {
                self.input.clear();
            }
        })
        .await;
        Ok(())
    }

    /// Writes as much as the stream takes. Keeps account of how long it has taken nothing.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        while self.session.outgoing().has_remaining() {
            match self.poll_write_some(cx) {
                Poll::Ready(written) => {
                    written?;
                    self.stalled_since = None;
                }
                Poll::Pending => {
                    self.stalled_since.get_or_insert_with(Instant::now);
                    return Ok(());
                }
            }
        }
        // TLS holds what the socket does not take.
        match Pin::new(&mut self.io).poll_flush(cx) {
            Poll::Ready(flushed) => {
                flushed?;
                self.stalled_since = None;
            }
            Poll::Pending => {
                self.stalled_since.get_or_insert_with(Instant::now);
            }
        }
        Ok(())
    }

    fn poll_write_some(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let out = self.session.outgoing();
        let mut slices = [IoSlice::new(&[]); MAX_SLICES];
        let filled = out.chunks_vectored(&mut slices);
        let written = ready!(Pin::new(&mut self.io).poll_write_vectored(cx, &slices[..filled]))?;
        if written == 0 {
            return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
        }
        out.advance(written);
        self.counters.add_sent(written as u64);
        Poll::Ready(Ok(()))
    }

    /// Reads once and lets the session have it.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Result<Poll<()>, Stop> {
        if self.session.outgoing().remaining() > HIGH_WATER {
            return Ok(Poll::Pending);
        }
        if self.input.capacity() - self.input.len() < MIN_READ {
            self.input.reserve(BLOCK);
        }
        let Poll::Ready(read) = pin!(self.io.read_buf(&mut self.input)).poll(cx)? else {
            return Ok(Poll::Pending);
        };
        if read == 0 {
            return Err(Stop::Closed);
        }
        self.counters.add_received(read as u64);
        self.session.handle_input(Instant::now().into_std(), &mut self.input)?;
        Ok(Poll::Ready(()))
    }

    /// What the peer said before writing to it failed: a refusal explains more than a broken pipe.
    fn last_words(&mut self, cx: &mut Context<'_>) -> Option<Stop> {
        loop {
            match self.poll_read(cx) {
                Ok(Poll::Ready(())) => {}
                Ok(Poll::Pending) | Err(Stop::Io(_)) => return None,
                Err(stop) => return Some(stop),
            }
        }
    }

    /// Ready when kernel and network hold less than they shall at most.
    fn poll_allowance(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while self.counters.is_allowance_used() {
            // Nobody tells when something was acknowledged.
            if self.look_again.deadline() <= Instant::now() {
                self.look_again.as_mut().reset(Instant::now() + LOOK_AGAIN);
            }
            ready!(self.look_again.as_mut().poll(cx));
        }
        Poll::Ready(())
    }

    /// Ready when a deadline has passed.
    fn poll_timer(&mut self, cx: &mut Context<'_>) -> Result<Poll<()>, Stop> {
        let stall = self.stalled_since.map(|since| since + self.patience);
        let session = self.session.poll_timeout().map(Instant::from_std);
        let Some(next) = stall.into_iter().chain(session).min() else { return Ok(Poll::Pending) };
        if self.timer.deadline() != next {
            self.timer.as_mut().reset(next);
        }
        if self.timer.as_mut().poll(cx).is_pending() {
            return Ok(Poll::Pending);
        }
        if stall.is_some_and(|stall| stall <= Instant::now()) {
            return Err(Stop::Stalled(self.patience));
        }
        self.session.handle_timeout(Instant::now().into_std())?;
        Ok(Poll::Ready(()))
    }
}
