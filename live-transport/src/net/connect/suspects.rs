//! Addresses that let a connection down.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Addresses remembered at most.
const MOST: usize = 8;

/// Addresses that accepted a connection and then did not answer, or fell silent: the other addresses of the name are
/// tried before them, so that a server that hangs does not keep a stream from the one beside it. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Suspects(Arc<Mutex<Vec<SocketAddr>>>);

impl Suspects {
    /// `address` has let a connection down.
    pub(crate) fn add(&self, address: SocketAddr) {
        let mut list = self.lock();
        list.retain(|known| *known != address);
        if list.len() == MOST {
            list.remove(0);
        }
        list.push(address);
    }

    /// `address` does its work.
    pub(crate) fn clear(&self, address: SocketAddr) {
        self.lock().retain(|known| *known != address);
    }

    /// `addresses` in their order, the suspects behind the others.
    pub(super) fn last(&self, addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
        let list = self.lock();
        let (mut order, suspects): (Vec<_>, Vec<_>) =
            addresses.into_iter().partition(|address| !list.contains(address));
        order.extend(suspects);
        order
    }

    fn lock(&self) -> MutexGuard<'_, Vec<SocketAddr>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suspects_come_last_until_they_are_cleared_and_are_few() {
        let address = |port: u16| SocketAddr::from(([127, 0, 0, 1], port));
        let all = || vec![address(1), address(2), address(3)];
        let suspects = Suspects::default();
        suspects.add(address(1));
        assert_eq!(suspects.last(all()), [address(2), address(3), address(1)]);
        suspects.clear(address(1));
        assert_eq!(suspects.last(all()), all());
        (0..100).for_each(|port| suspects.add(address(port)));
        assert_eq!(suspects.lock().len(), MOST);
    }
}
