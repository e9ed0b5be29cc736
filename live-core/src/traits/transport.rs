//! Where packets go to and come from.

use crate::error::TransportError;
use crate::net_status::LinkCounters;
use crate::packet::Packet;
use crate::queue::PacketReader;
use crate::time::Timestamp;
use crate::url::StreamUrl;
use async_trait::async_trait;
use std::sync::{Arc, OnceLock};

/// How a publication or subscription ended.
#[derive(Debug)]
pub enum Outcome {
    /// As it should: everything queued was sent and the other end was told, or the stream is over.
    Ended,
    /// The connection could not be made or was lost.
    Lost(TransportError),
    /// The server asks to go on at another address.
    Moved(StreamUrl),
}

/// What a transport tells while it works; the facade turns these into the specification's state codes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LinkEvent {
    /// TCP (and TLS) stands; the peer's address. Codes 1001 and 2001.
    Connected {
        /// `address:port` of the peer, or a file name.
        peer: String,
    },
    /// The other end accepted the publication or subscription: media may go. Codes 1002 and 2002.
    Accepted,
    /// The server asks a publisher to go on at another address, and serves it here until then. Who hears this makes the
    /// new connection before the old one is ended.
    MoveRequested {
        /// The new address.
        to: StreamUrl,
    },
    /// HTTP sent the request elsewhere.
    Redirected {
        /// `host:port` of the new place.
        to: String,
    },
}

/// Takes [`LinkEvent`]s. Called on the transport's task; must not block.
pub type LinkEventHandler = Arc<dyn Fn(LinkEvent) + Send + Sync>;

/// What a [`Publisher`] may use and must fill while it works.
#[derive(Clone)]
pub struct OutputCx {
    /// Takes what happens.
    pub events: LinkEventHandler,
    /// Bytes and packets on the wire; the publisher is their only writer.
    pub counters: Arc<LinkCounters>,
    /// The instant of the session timeline that is zero on the wire: the same for all outputs, kept over reconnects,
    /// never later than the smallest `dts`. Read it when the first media packet is there.
    pub epoch: WireEpoch,
}

/// The instant of the session timeline that is zero on the wire, set once per session. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct WireEpoch(Arc<OnceLock<Timestamp>>);

impl WireEpoch {
    /// The epoch; `first` becomes it when none was set yet.
    pub fn get_or_set(&self, first: Timestamp) -> Timestamp {
        *self.0.get_or_init(|| first)
    }
}

/// Sends a stream somewhere.
#[async_trait]
pub trait Publisher: Send + Sync {
    /// Connects to `url` and sends what `packets` gives until it ends.
    ///
    /// When `packets` is closed, sends what is queued, tells the other end and returns [`Outcome::Ended`]. Every step
    /// has a deadline. Dropping the future closes the connection at once. Takes the next packet only when the network
    /// has taken the previous ones, so that a slow uplink shows as a queue in `packets`.
    async fn publish(&self, url: &StreamUrl, packets: &mut PacketReader, cx: &OutputCx) -> Outcome;
}

/// What a [`Subscriber`] may use and must fill while it works.
#[derive(Clone)]
pub struct SubscriptionCx {
    /// Takes what happens.
    pub events: LinkEventHandler,
    /// Bytes and packets off the wire; the subscriber is their only writer.
    pub counters: Arc<LinkCounters>,
}

/// Where a [`Subscriber`] puts what it receives.
#[async_trait]
pub trait MediaSender: Send {
    /// Hands over one packet, stamped with its arrival. Never waits for a live stream: a queue that is full drops by
    /// its own rule.
    fn send(&mut self, packet: Packet);

    /// Waits until a finite source should be read on. Live sources never call this.
    async fn room(&mut self);

    /// Waits until nobody wants the stream any more: the subscriber then takes its leave and returns.
    async fn closed(&self);
}

/// Receives a stream from somewhere.
#[async_trait]
pub trait Subscriber: Send + Sync {
    /// Connects to `url` and hands what comes to `media` until the stream ends, or `media` is closed.
    ///
    /// A clean end of the stream is [`Outcome::Ended`]. Every step has a deadline. Dropping the future closes the
    /// connection at once.
    async fn play(&self, url: &StreamUrl, media: &mut dyn MediaSender, cx: &SubscriptionCx) -> Outcome;
}
