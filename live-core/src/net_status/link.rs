//! What the platform knows about a connection.

use std::time::Duration;

/// The sending side of a connection at one moment, as the platform's transport sees it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LinkInfo {
    /// Smoothed round-trip time, waiting in the network's buffers included.
    pub rtt: Duration,
    /// Bytes that the kernel holds and has not sent yet.
    pub unsent: u64,
    /// Bytes that are on their way, or lost: sent and not acknowledged.
    pub in_flight: u64,
    /// The rate at which bytes arrived of late, in byte/s, where it is known. Only a lower bound of what the link can
    /// do while [`app_limited`](Self::app_limited).
    pub delivery_rate: Option<u64>,
    /// The rate was limited by what there was to send, not by the link.
    pub app_limited: bool,
}

impl LinkInfo {
    /// Bytes that the kernel has taken and the peer has not acknowledged.
    #[must_use]
    pub const fn held(&self) -> u64 {
        self.unsent + self.in_flight
    }
}

/// Tells how a connection is doing. A transport makes one for each connection and hands it to
/// [`LinkCounters::set_probe`](super::LinkCounters::set_probe).
pub trait LinkProbe: Send + Sync {
    /// Looks now; must not block. `None` when the platform does not tell.
    fn read(&self) -> Option<LinkInfo>;
}
