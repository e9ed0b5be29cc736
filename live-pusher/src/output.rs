//! One destination: connects, publishes, and tries again when the connection is lost.

use crate::codes::{self, Failure};
use live_core::backoff::Backoff;
use live_core::event::{EventSender, PusherEvent};
use live_core::net_status::LinkCounters;
use live_core::queue::PacketReader;
use live_core::{
    LinkEvent, Outcome, OutputCx, Publisher, PusherCode, StreamUrl, TransportErrorKind, WireEpoch,
};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// Servers that send a publisher elsewhere are followed this often in a row.
const MOST_MOVES: usize = 5;

/// One destination of a session.
pub(crate) struct Output {
    pub(crate) url: StreamUrl,
    pub(crate) publisher: Arc<dyn Publisher>,
    pub(crate) reader: PacketReader,
    pub(crate) backoff: Backoff,
    pub(crate) events: EventSender<PusherEvent>,
    pub(crate) link: Arc<Link>,
    pub(crate) epoch: WireEpoch,
}

/// What the session sees of an output's connection.
#[derive(Default)]
pub(crate) struct Link {
    pub(crate) counters: Arc<LinkCounters>,
    accepted: AtomicBool,
    accepted_at: Mutex<Option<Instant>>,
    pub(crate) on_accepted: tokio::sync::Notify,
}

impl Link {
    /// Whether media may go over the connection now.
    pub(crate) fn is_accepted(&self) -> bool {
        self.accepted.load(Relaxed)
    }

    fn set_accepted(&self, accepted: bool) {
        self.accepted.store(accepted, Relaxed);
        if accepted {
            *self.accepted_at.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
            self.on_accepted.notify_one();
        }
    }

    fn take_accepted_at(&self) -> Option<Instant> {
        self.accepted_at.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Output {
    /// Publishes until the packets end or no retry is left.
    pub(crate) async fn run(mut self) -> Result<(), Failure> {
        let cx = self.context();
        let (mut moves, mut published) = (0, false);
        loop {
            let outcome = self.publisher.publish(&self.url, &mut self.reader, &cx).await;
            self.link.set_accepted(false);
            let error = match outcome {
                Outcome::Ended => return Ok(()),
                Outcome::Moved(url) if moves < MOST_MOVES => {
                    moves += 1;
                    self.url = url;
                    self.reader.restart();
                    continue;
                }
                Outcome::Moved(_) => {
                    return Err(give_up("the server keeps sending the stream elsewhere"));
                }
                Outcome::Lost(error) => error,
            };
            moves = 0;
            self.state(codes::of_transport(&error), error.to_string());
            let up_since = self.link.take_accepted_at();
            published |= up_since.is_some();
            // A name that is taken may be our own, of a connection the server has not noticed to be dead; before the
            // first publication it is somebody else's.
            let taken = error.kind == TransportErrorKind::NameInUse && !published;
            if error.permanent || taken || self.reader.is_closed() {
                return Err(give_up(&error.to_string()));
            }
            let Some(retry) = self.backoff.failed(Instant::now(), up_since) else {
                return Err(give_up(&error.to_string()));
            };
            let wait = retry.wait.as_secs_f32();
            self.state(
                PusherCode::Reconnecting,
                format!("retry {} of {} in {wait:.1} s", retry.attempt, retry.of),
            );
            self.reader.pause();
            tokio::time::sleep(retry.wait).await;
            self.reader.restart();
        }
    }

    fn context(&self) -> OutputCx {
        let events = self.events.clone();
        let link = Arc::clone(&self.link);
        let on_event = move |event| {
            let (code, detail) = match event {
                LinkEvent::Connected { peer } => (PusherCode::Connected, peer),
                LinkEvent::Accepted => {
                    link.set_accepted(true);
                    (PusherCode::Publishing, String::new())
                }
                _ => return,
            };
            events.send(PusherEvent::State { code, detail });
        };
        OutputCx {
            events: Arc::new(on_event),
            counters: Arc::clone(&self.link.counters),
            epoch: self.epoch.clone(),
        }
    }

    fn state(&self, code: PusherCode, detail: impl Into<String>) {
        self.events.send(PusherEvent::State { code, detail: detail.into() });
    }
}

/// The session fires the code, when nothing else will happen any more.
fn give_up(reason: &str) -> Failure {
    Failure::new(PusherCode::RetriesExhausted, reason)
}
