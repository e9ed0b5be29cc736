//! One destination: connects, publishes, and tries again when the connection is lost.

mod connection;
pub(crate) mod destinations;
pub(crate) mod fresh_url;
pub(crate) mod link;
pub(crate) mod running;
mod verdict;
mod voice;

use crate::codes::{self, Failure};
use connection::{Connection, Listener, Turn};
use destinations::{Destination, Destinations};
use fresh_url::{FreshUrl, RetryContext};
use link::Link;
use live_core::output::OutputStep;
use live_core::queue::{DropRule, PacketQueue, PacketReader};
use live_core::{Outcome, Publisher, PusherCode, StreamUrl, TransportError, WireEpoch};
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};
use verdict::Judge;
use voice::Voice;

/// Servers that send a publisher elsewhere are followed this often in a row.
const MOST_MOVES: usize = 5;

/// How long what is queued may take to be sent.
const DRAIN: Duration = Duration::from_secs(5);

/// One destination in a session.
struct Output {
    destination: Arc<Destination>,
    destinations: Arc<Destinations>,
    /// Where it goes now; the destination's own address in the beginning.
    url: StreamUrl,
    queue: PacketQueue,
    judge: Judge,
    voice: Voice,
    link: Arc<Link>,
    epoch: WireEpoch,
    fresh_url: Option<FreshUrl>,
    live_rule: DropRule,
}

impl Output {
    /// Publishes until the packets end, no retry is left, or the application takes the destination away: then what is
    /// queued is sent, for at most 5 s.
    async fn run(self, reader: PacketReader) -> Result<(), Failure> {
        let (destination, link) = (Arc::clone(&self.destination), Arc::clone(&self.link));
        let mut publishing = pin!(self.publish(reader));
        tokio::select! {
            result = &mut publishing => return result,
            () = destination.removed() => {}
        }
        if link.is_accepted()
            && let Some(reader) = link.reader()
        {
            reader.end();
            // It is gone in any case; how it took its leave is of no interest.
            let _ = tokio::time::timeout(DRAIN, publishing).await;
        }
        Ok(())
    }

    async fn publish(mut self, mut reader: PacketReader) -> Result<(), Failure> {
        let mut moves = 0;
        loop {
            let (outcome, returned) = self.connect(reader).await;
            reader = returned;
            let error = match outcome {
                Outcome::Ended => return Ok(()),
                Outcome::Moved(url) if moves < MOST_MOVES => {
                    moves += 1;
                    self.url = url;
                    self.link.step(OutputStep::Lost);
                    reader.restart();
                    continue;
                }
                Outcome::Moved(_) => {
                    return Err(give_up("the server keeps sending the stream elsewhere"));
                }
                Outcome::Lost(error) => error,
            };
            moves = 0;
            let code = codes::of_transport(&error);
            let up_since = self.link.lost(error.to_string());
            let verdict = self.judge.lost(Instant::now(), &error, up_since);
            let wait = verdict.wait().filter(|_| !reader.is_closed());
            let step = if wait.is_some() { OutputStep::Lost } else { OutputStep::Ended };
            let state = self.link.step(step);
            self.voice.code(code, state, error.to_string());
            let Some(wait) = wait else { return Err(give_up(&error.to_string())) };
            self.voice.code(PusherCode::Reconnecting, state, verdict.to_string());
            reader.pause();
            let ((), fresh) = tokio::join!(tokio::time::sleep(wait), self.fresh_url(code, &error));
            self.url = fresh.unwrap_or(self.url);
            reader.restart();
        }
    }

    /// Makes a connection and publishes over it, and over those that replace it without a break.
    async fn connect(&mut self, reader: PacketReader) -> (Outcome, PacketReader) {
        let publisher = match self.publisher(&self.url) {
            Ok(publisher) => publisher,
            Err(error) => return (Outcome::Lost(error), reader),
        };
        let mut current = Connection::new(self.url.clone(), publisher, reader, self.listener());
        self.link.set_reader(current.reader.clone());
        let mut next: Option<Connection> = None;
        loop {
            tokio::select! {
                turn = current.turn() => {
                    let (outcome, reader) = match turn {
                        Turn::Ended(outcome, reader) => (outcome, reader),
                        Turn::MoveAsked(url) => {
                            // One move at a time.
                            next = next.or_else(|| self.replacement(&current, url));
                            continue;
                        }
                    };
                    let over = matches!(outcome, Outcome::Ended);
                    let Some(successor) = next.take().filter(|next| next.is_accepted() || !over) else {
                        return (outcome, reader);
                    };
                    if !successor.is_accepted() {
                        tracing::debug!("the old connection was lost before the new one stood");
                        self.link.step(OutputStep::Lost);
                        self.link.set_reader(successor.reader.clone());
                    }
                    self.url = successor.url.clone();
                    current = successor;
                }
                (outcome, reader) = ended(&mut next) => {
                    if next.take().is_some_and(|next| next.is_accepted()) {
                        // The old connection has nothing left to send, or only what is late by now.
                        return (outcome, reader);
                    }
                    tracing::warn!(?outcome, "the server asked us to move and the new address does not work");
                }
            }
        }
    }

    /// A second connection, to `url`, that takes over from `current` at a key frame once it is accepted.
    fn replacement(&self, current: &Connection, url: StreamUrl) -> Option<Connection> {
        let publisher = self
            .publisher(&url)
            .inspect_err(|error| tracing::warn!(%error, "the server asked us to move where we cannot"))
            .ok()?;
        let mut reader = self.queue.reader(self.destination.drop_rule(self.live_rule));
        reader.pause();
        let listener = Listener { replaces: Some(current.reader.clone()), ..self.listener() };
        Some(Connection::new(url, publisher, reader, listener))
    }

    fn listener(&self) -> Listener {
        Listener {
            link: Arc::clone(&self.link),
            voice: self.voice.clone(),
            epoch: self.epoch.clone(),
            replaces: None,
        }
    }

    /// The destination's own publisher, unless `url` needs another one.
    fn publisher(&self, url: &StreamUrl) -> Result<Arc<dyn Publisher>, TransportError> {
        if url.scheme() == self.destination.url.scheme() {
            return Ok(Arc::clone(&self.destination.publisher));
        }
        self.destinations.publisher_for(url).map_err(|mistake| {
            let kind = live_core::TransportErrorKind::Address;
            TransportError::new(kind, url.peer(), mistake.problem).permanent()
        })
    }

    async fn fresh_url(&self, code: PusherCode, error: &TransportError) -> Option<StreamUrl> {
        let (output, url) = (self.destination.id, self.url.clone());
        let context = RetryContext { output, url, code, reason: error.to_string() };
        fresh_url::ask(self.fresh_url.as_ref()?, context).await
    }
}

/// Waits for the end of `connection`; for ever when there is none.
async fn ended(connection: &mut Option<Connection>) -> (Outcome, PacketReader) {
    let Some(connection) = connection else { return std::future::pending().await };
    loop {
        // A further move is asked for again by whoever wants it, once this connection is the current one.
        if let Turn::Ended(outcome, reader) = connection.turn().await {
            return (outcome, reader);
        }
    }
}

/// The session fires the code, when nothing else will happen any more.
fn give_up(reason: &str) -> Failure {
    Failure::new(PusherCode::RetriesExhausted, reason)
}
