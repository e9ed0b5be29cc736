//! One connection of a destination, with the reader that feeds it.

use super::link::Link;
use super::voice::Voice;
use live_core::output::OutputStep;
use live_core::queue::{PacketReader, QueueWatch};
use live_core::{LinkEvent, Outcome, OutputCx, Publisher, PusherCode, StreamUrl, WireEpoch};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use tokio::sync::mpsc;

/// A connection on its way or standing. Dropping it closes it at once.
pub(super) struct Connection {
    pub(super) url: StreamUrl,
    pub(super) reader: QueueWatch,
    publishing: Pin<Box<dyn Future<Output = (Outcome, PacketReader)> + Send>>,
    moves: mpsc::Receiver<StreamUrl>,
    accepted: Arc<AtomicBool>,
}

/// What happened to a connection.
pub(super) enum Turn {
    /// It is over; its reader is free again.
    Ended(Outcome, PacketReader),
    /// The server asks us to go on at this address, and serves us meanwhile.
    MoveAsked(StreamUrl),
}

/// What a connection is to report to.
pub(super) struct Listener {
    pub(super) link: Arc<Link>,
    pub(super) voice: Voice,
    pub(super) epoch: WireEpoch,
    /// The reader of the connection that this one is to replace as soon as it is accepted.
    pub(super) replaces: Option<QueueWatch>,
}

impl Connection {
    pub(super) fn new(
        url: StreamUrl,
        publisher: Arc<dyn Publisher>,
        mut packets: PacketReader,
        to: Listener,
    ) -> Self {
        let (ask, moves) = mpsc::channel(1);
        let accepted = Arc::<AtomicBool>::default();
        let reader = packets.watch();
        let cx = context(to, reader.clone(), Arc::clone(&accepted), ask);
        let place = url.clone();
        let publishing = Box::pin(async move {
            let outcome = publisher.publish(&place, &mut packets, &cx).await;
            (outcome, packets)
        });
        Self { url, reader, publishing, moves, accepted }
    }

    /// Whether the server has accepted the stream.
    pub(super) fn is_accepted(&self) -> bool {
        self.accepted.load(Relaxed)
    }

    /// Publishes until the connection ends, or the server asks us to go on elsewhere. Cancel-safe; must not be called
    /// again after the end.
    pub(super) async fn turn(&mut self) -> Turn {
        tokio::select! {
            (outcome, reader) = &mut self.publishing => Turn::Ended(outcome, reader),
            Some(to) = self.moves.recv() => Turn::MoveAsked(to),
        }
    }
}

fn context(
    to: Listener,
    reader: QueueWatch,
    accepted: Arc<AtomicBool>,
    ask: mpsc::Sender<StreamUrl>,
) -> OutputCx {
    let Listener { link, voice, epoch, replaces } = to;
    let counters = Arc::clone(&link.counters);
    let on_event = move |event| match event {
        LinkEvent::Connected { peer } => voice.code(PusherCode::Connected, link.state(), peer),
        LinkEvent::Accepted => {
            accepted.store(true, Relaxed);
            if let Some(old) = &replaces {
                old.hand_over(&reader);
                link.set_reader(reader.clone());
            }
            voice.code(PusherCode::Publishing, link.step(OutputStep::Accepted), String::new());
        }
        // One that waits already is enough.
        LinkEvent::MoveRequested { to } => drop(ask.try_send(to)),
        _ => {}
    };
    OutputCx { events: Arc::new(on_event), counters, epoch }
}
