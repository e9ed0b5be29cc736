//! Several destinations at once.

use super::LivePusherHandle;
use crate::output::destinations::AddOutputError;
use live_core::{OutputId, OutputStatus};

/// # Several destinations
///
/// A pusher sends the same packets to up to 16 places, servers and files alike. Each has a queue, retries, counters and
/// a state of its own, so a slow or dead one never disturbs the others. The first one's codes are those of the session,
/// and it decides about the bitrate; the others tell theirs as
/// [`PusherEvent::Output`](live_core::event::PusherEvent::Output). When the first one is given up while others go on,
/// it tells so in the same way, and the next one that goes to a network decides about the bitrate; -1307 ends the session
/// when no destination is left.
impl LivePusherHandle {
    /// Every destination, the first one first: where it goes, its state, what its network does. Cheap; the rates are
    /// measured once a second.
    #[must_use]
    pub fn outputs(&self) -> Vec<OutputStatus> {
        self.inner.shared.destinations.statuses()
    }

    /// Adds a destination: an address as for [`LivePusher::builder`](crate::LivePusher::builder). Never waits.
    ///
    /// An active session connects at once and begins there with the newest key frame; without one the next session
    /// does. It stays, over sessions too, until it is [removed](Self::remove_output).
    ///
    /// # Errors
    /// The address is wrong or taken by another destination, or there are 16 already.
    pub fn add_output(&self, url: &str) -> Result<OutputId, AddOutputError> {
        self.inner.shared.destinations.add(url, None)
    }

    /// Removes a destination. What is queued for it is sent, for at most 5 s, and its server is told; meanwhile this has
    /// returned.
    ///
    /// `false`, and nothing happens, when there is no such destination, and for the first one, which ends with the
    /// session.
    pub fn remove_output(&self, output: OutputId) -> bool {
        self.inner.shared.destinations.remove(output)
    }
}
