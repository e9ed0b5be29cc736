//! What a running session measures of itself.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Bytes and packets on one connection. One task writes, anybody reads.
#[derive(Debug, Default)]
pub struct LinkCounters {
    sent: AtomicU64,
    received: AtomicU64,
    packets: AtomicU64,
}

impl LinkCounters {
    /// Counts bytes the kernel has taken (and, where the platform tells, the peer has acknowledged).
    pub fn add_sent(&self, bytes: u64) {
        self.sent.fetch_add(bytes, Relaxed);
    }

    /// Counts bytes read from the peer.
    pub fn add_received(&self, bytes: u64) {
        self.received.fetch_add(bytes, Relaxed);
    }

    /// Counts media packets handed to, or taken from, the wire.
    pub fn add_packets(&self, packets: u64) {
        self.packets.fetch_add(packets, Relaxed);
    }

    /// Bytes sent so far.
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.sent.load(Relaxed)
    }

    /// Bytes received so far.
    #[must_use]
    pub fn received(&self) -> u64 {
        self.received.load(Relaxed)
    }

    /// Media packets so far.
    #[must_use]
    pub fn packets(&self) -> u64 {
        self.packets.load(Relaxed)
    }
}
