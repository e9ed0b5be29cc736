//! The loop between a sans-IO session and a byte stream.

use super::connect::Deadlines;
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
    Io(#[from] io::Error),
    /// The peer takes nothing.
    #[error("the peer has taken nothing for {} s", .0.as_secs_f32())]
    Stalled(Duration),
    /// The session failed.
    #[error(transparent)]
    Session(#[from] rtmp::Error),
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
            patience: deadlines.silence,
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
            if let Err(error) = self.poll_write(cx) {
                return Poll::Ready(Err(self.last_words(cx).unwrap_or_else(|| error.into())));
            }
            if self.poll_read(cx)?.is_ready() || self.poll_timer(cx)?.is_ready() {
                return Poll::Ready(Ok(Turn::Progress));
            }
            if self.session.outgoing().remaining() < LOW_WATER {
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
        self.stalled_since = None;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rtmp::{ClientConfig, ClientEvent, Purpose, ServerConfig, ServerEvent, Step};
    use live_core::{Packet, Timestamp};
    use tokio::io::{AsyncWriteExt, DuplexStream, duplex};
    use tokio::sync::mpsc;
    use tokio::time::timeout;

    fn now() -> std::time::Instant {
        Instant::now().into_std()
    }

    fn client(io: DuplexStream, purpose: Purpose) -> Driver<DuplexStream, ClientSession> {
        let config = ClientConfig::new(purpose, "rtmp://host/live/x".parse().unwrap());
        Driver::new(io, ClientSession::new(now(), config), Arc::default(), &Deadlines::default())
    }

    /// A server that accepts everything and passes on what it gets.
    fn serve(io: DuplexStream, events: mpsc::UnboundedSender<ServerEvent>) -> tokio::task::JoinHandle<Stop> {
        let session = ServerSession::new(now(), ServerConfig::default());
        let mut driver = Driver::new(io, session, Arc::default(), &Deadlines::default());
        tokio::spawn(async move {
            loop {
                if let Err(stop) = driver.wait().await {
                    return stop;
                }
                while let Some(event) = driver.session.poll_event() {
                    if let ServerEvent::Publish { stream, .. } | ServerEvent::Play { stream, .. } = event {
                        driver.session.accept(now(), stream);
                    }
                    let _ = events.send(event);
                }
            }
        })
    }

    async fn accepted(driver: &mut Driver<DuplexStream, ClientSession>) {
        while driver.session.poll_event() != Some(ClientEvent::Accepted) {
            driver.wait().await.unwrap();
        }
    }

    #[tokio::test(start_paused = true)]
    async fn t92_a_peer_that_says_nothing_ends_at_the_deadline() {
        let (near, _far) = duplex(8192);
        let mut driver = client(near, Purpose::Publish);
        let start = Instant::now();
        let Err(Stop::Session(rtmp::Error::Silent { step, .. })) = driver.wait().await else {
            panic!("answered")
        };
        assert_eq!((step, start.elapsed()), (Step::Handshake, Duration::from_secs(10)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_publisher_whose_peer_takes_nothing_stalls() {
        let (near, far) = duplex(8192);
        let (sender, mut events) = mpsc::unbounded_channel();
        let server = serve(far, sender);
        let mut driver = client(near, Purpose::Publish);
        accepted(&mut driver).await;
        assert!(matches!(events.recv().await, Some(ServerEvent::Publish { .. })));
        // The server's task is gone, its end of the stream is not.
        let (near, _held) = duplex(8192);
        driver.io = near;
        server.abort();
        driver.session.set_epoch(Timestamp::ZERO);
        let key = Packet::key(Timestamp::ZERO, Timestamp::ZERO, vec![0; 100_000].into());
        driver.session.send(&key).unwrap();
        let start = Instant::now();
        let stalled = driver.wait().await;
        assert!(matches!(stalled, Err(Stop::Stalled(_))), "{stalled:?}");
        assert_eq!(start.elapsed(), Duration::from_secs(10));
    }

    #[tokio::test(start_paused = true)]
    async fn the_source_is_asked_only_while_little_waits() {
        let (near, far) = duplex(64 * 1024);
        let (sender, _events) = mpsc::unbounded_channel();
        let server = serve(far, sender);
        let mut driver = client(near, Purpose::Publish);
        accepted(&mut driver).await;
        server.abort();
        let (near, mut held) = duplex(1000);
        driver.io = near;
        driver.session.set_epoch(Timestamp::ZERO);
        let mut taken = 0;
        // A peer that takes nothing: packets are taken up to the low-water mark and not beyond.
        while let Ok(turn) = timeout(Duration::from_secs(1), driver.turn(async {})).await {
            assert_eq!(turn.unwrap(), Turn::Source(()));
            taken += 1;
            let at = Timestamp::from_millis(taken * 20);
            driver.session.send(&Packet::audio(at, vec![0; 1000].into())).unwrap();
        }
        assert!((15..=18).contains(&taken), "{taken} packets of 1000 bytes were taken");
        // As soon as the peer reads, the source is asked again.
        let mut drained = vec![0; 20_000];
        let read = held.read_exact(&mut drained);
        let (turn, _) = tokio::join!(
            timeout(Duration::from_secs(1), driver.turn(async {})),
            timeout(Duration::from_secs(1), read)
        );
        assert_eq!(turn.unwrap().unwrap(), Turn::Source(()));
    }

    #[tokio::test(start_paused = true)]
    async fn cancelled_turns_lose_no_bytes() {
        let (near, far) = duplex(300);
        let (sender, mut events) = mpsc::unbounded_channel();
        let server = serve(far, sender);
        let mut driver = client(near, Purpose::Publish);
        accepted(&mut driver).await;
        driver.session.set_epoch(Timestamp::ZERO);
        for index in 0..200_u8 {
            let at = Timestamp::from_millis(i64::from(index) * 20);
            driver.session.send(&Packet::audio(at, vec![index; 700].into())).unwrap();
            // Dropped after it was polled once, wherever it is then.
            tokio::select! {
                biased;
                _ = driver.turn(std::future::pending::<()>()) => {}
                () = tokio::task::yield_now() => {}
            }
        }
        driver.session.finish();
        driver.leave(Duration::from_secs(5)).await.unwrap();
        drop(driver);
        assert!(matches!(server.await.unwrap(), Stop::Closed));
        let mut next = 0;
        while let Some(event) = events.recv().await {
            if let ServerEvent::Media(message) = event {
                assert_eq!(message.payload[2..], vec![next; 700]);
                next += 1;
            }
        }
        assert_eq!(next, 200);
    }

    #[tokio::test(start_paused = true)]
    async fn an_http_server_is_told_from_an_rtmp_server() {
        let (near, mut far) = duplex(8192);
        far.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        let stop = client(near, Purpose::Play).wait().await.unwrap_err();
        assert!(stop.to_string().contains("is this an RTMP port?"), "{stop}");
    }

    #[tokio::test]
    async fn what_the_peer_said_before_it_hung_up_is_heard() {
        let (near, mut far) = duplex(8192);
        far.write_all(b"nonsense").await.unwrap();
        drop(far);
        // Writing fails at once; the reason is in what was received.
        let stop = client(near, Purpose::Play).wait().await.unwrap_err();
        assert!(matches!(stop, Stop::Session(rtmp::Error::Version(_))), "{stop}");
    }
}
