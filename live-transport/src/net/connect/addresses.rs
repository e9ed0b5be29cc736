//! Addresses with a peculiarity that the next connection should know of.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Addresses remembered at most.
const MOST: usize = 8;

/// The last few addresses of a kind. Clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Addresses(Arc<Mutex<Vec<SocketAddr>>>);

impl Addresses {
    /// `address` is one of them, and the latest.
    pub(crate) fn add(&self, address: SocketAddr) {
        let mut list = self.lock();
        list.retain(|known| *known != address);
        if list.len() == MOST {
            list.remove(0);
        }
        list.push(address);
    }

    /// `address` is none of them any more.
    pub(crate) fn remove(&self, address: SocketAddr) {
        self.lock().retain(|known| *known != address);
    }

    /// Whether `address` is one of them.
    #[cfg(any(feature = "rtmp", test))]
    pub(crate) fn contains(&self, address: SocketAddr) -> bool {
        self.lock().contains(&address)
    }

    /// `addresses` in their order, those that are among these behind the others.
    pub(super) fn last(&self, addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
        let list = self.lock();
        let (mut order, last): (Vec<_>, Vec<_>) =
            addresses.into_iter().partition(|address| !list.contains(address));
        order.extend(last);
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
    fn they_come_last_until_they_are_removed_and_are_few() {
        let address = |port: u16| SocketAddr::from(([127, 0, 0, 1], port));
        let all = || vec![address(1), address(2), address(3)];
        let suspects = Addresses::default();
        suspects.add(address(1));
        assert_eq!(suspects.last(all()), [address(2), address(3), address(1)]);
        suspects.remove(address(1));
        assert_eq!(suspects.last(all()), all());
        (0..100).for_each(|port| suspects.add(address(port)));
        assert_eq!(suspects.lock().len(), MOST);
        assert!(suspects.contains(address(99)) && !suspects.contains(address(1)));
    }
}
