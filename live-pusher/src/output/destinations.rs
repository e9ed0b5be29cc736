//! The destinations a pusher has, whether a session is active or not.

use super::link::Link;
use live_core::config::Mistake;
use live_core::queue::DropRule;
use live_core::{OutputId, OutputStatus, Publisher, Scheme, StreamUrl};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{Notify, watch};

/// Destinations a pusher may have: each costs a connection and a backlog.
pub(crate) const MOST: usize = 16;

/// Gives the publisher for an address.
pub(crate) type PublisherFor = Arc<dyn Fn(&StreamUrl) -> Result<Arc<dyn Publisher>, Mistake> + Send + Sync>;

/// Why a destination was not added.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddOutputError {
    /// The address does not parse, or nothing in this build pushes there.
    #[error("{}", .0.problem)]
    Address(Mistake),
    /// The pusher goes there already: a second stream of that name would be refused, a second file overwrite the first.
    #[error("{0} is a destination of this pusher already: give each one an address of its own")]
    Twice(StreamUrl),
    /// The pusher has as many destinations as it may have.
    #[error("a pusher has at most {MOST} destinations: remove one first")]
    TooMany,
}

/// One destination, over all sessions.
pub(crate) struct Destination {
    pub(crate) id: OutputId,
    pub(crate) url: StreamUrl,
    pub(crate) publisher: Arc<dyn Publisher>,
    /// That of the session of the moment, or of the last one.
    link: Mutex<Arc<Link>>,
    removed: watch::Sender<bool>,
}

impl Destination {
    fn new(id: OutputId, url: StreamUrl, publisher: Arc<dyn Publisher>) -> Arc<Self> {
        Arc::new(Self { id, url, publisher, link: Mutex::default(), removed: watch::Sender::new(false) })
    }

    /// Whether it is a file: written at once, and to the last packet.
    pub(crate) fn is_file(&self) -> bool {
        self.url.scheme() == Scheme::File
    }

    /// When it loses packets, `live` being the rule for those that cannot wait.
    pub(crate) fn drop_rule(&self, live: DropRule) -> DropRule {
        if self.is_file() { DropRule::NEVER } else { live }
    }

    /// What is counted of a new session.
    pub(crate) fn open(&self) -> Arc<Link> {
        let link = Arc::<Link>::default();
        *self.link.lock().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&link);
        link
    }

    /// Waits until the application does not want it any more.
    pub(crate) async fn removed(&self) {
        // The sender lives as long as `self`.
        let _ = self.removed.subscribe().wait_for(|removed| *removed).await;
    }

    fn status(&self) -> OutputStatus {
        let mut status = OutputStatus::new(self.id, self.url.to_string());
        let link = Arc::clone(&self.link.lock().unwrap_or_else(PoisonError::into_inner));
        link.describe(&mut status);
        status
    }
}

/// The destinations of a pusher, the first one first.
pub(crate) struct Destinations {
    list: Mutex<List>,
    /// Notified when one was added.
    pub(crate) on_added: Notify,
    publisher_for: PublisherFor,
}

struct List {
    destinations: Vec<Arc<Destination>>,
    next: u32,
}

impl Destinations {
    pub(crate) fn new(url: StreamUrl, publisher: Arc<dyn Publisher>, publisher_for: PublisherFor) -> Self {
        let first = Destination::new(OutputId::PRIMARY, url, publisher);
        let list = Mutex::new(List { destinations: vec![first], next: 1 });
        Self { list, on_added: Notify::new(), publisher_for }
    }

    fn list(&self) -> MutexGuard<'_, List> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The publisher for an address that a server or the application has named.
    pub(crate) fn publisher_for(&self, url: &StreamUrl) -> Result<Arc<dyn Publisher>, Mistake> {
        (self.publisher_for)(url)
    }

    /// Adds a destination, reached through `publisher` or by the one for its scheme.
    pub(crate) fn add(
        &self,
        url: &str,
        publisher: Option<Arc<dyn Publisher>>,
    ) -> Result<OutputId, AddOutputError> {
        let wrong = |problem: String| AddOutputError::Address(Mistake::new("also", problem));
        let url: StreamUrl = url.parse().map_err(|error: live_core::UrlError| wrong(error.to_string()))?;
        let publisher = match publisher {
            Some(publisher) => publisher,
            None => self.publisher_for(&url).map_err(|mistake| {
                AddOutputError::Address(Mistake { attribute: "also".into(), ..mistake })
            })?,
        };
        let mut list = self.list();
        if list.destinations.iter().any(|other| is_same(&other.url, &url)) {
            return Err(AddOutputError::Twice(url));
        }
        if list.destinations.len() >= MOST {
            return Err(AddOutputError::TooMany);
        }
        let id = OutputId::new(list.next);
        list.next += 1;
        list.destinations.push(Destination::new(id, url, publisher));
        self.on_added.notify_one();
        Ok(id)
    }

    /// Takes a destination out. `false` when there is none of this name, and for the first one.
    pub(crate) fn remove(&self, id: OutputId) -> bool {
        if id == OutputId::PRIMARY {
            return false;
        }
        let mut list = self.list();
        let Some(index) = list.destinations.iter().position(|destination| destination.id == id) else {
            return false;
        };
        list.destinations.remove(index).removed.send_replace(true);
        true
    }

    /// All of them.
    pub(crate) fn all(&self) -> Vec<Arc<Destination>> {
        self.list().destinations.clone()
    }

    pub(crate) fn statuses(&self) -> Vec<OutputStatus> {
        self.all().iter().map(|destination| destination.status()).collect()
    }
}

impl fmt::Debug for Destinations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.all().iter().map(|destination| &destination.url)).finish()
    }
}

/// Whether two addresses lead to the same place.
fn is_same(one: &StreamUrl, other: &StreamUrl) -> bool {
    match (one.file_path(), other.file_path()) {
        (Some(one), Some(other)) => {
            // What cannot be made absolute cannot be opened either.
            matches!((std::path::absolute(one), std::path::absolute(other)), (Ok(one), Ok(other)) if one == other)
        }
        _ => one == other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use live_transport::net::options::NetworkOptions;

    fn destinations() -> Destinations {
        let url: StreamUrl = "rtmp://host/live/SECRET".parse().unwrap();
        let network = NetworkOptions::default().check().unwrap();
        let publisher_for: PublisherFor = Arc::new(move |url| crate::transport::publisher(url, &network));
        let publisher = publisher_for(&url).unwrap();
        Destinations::new(url, publisher, publisher_for)
    }

    #[test]
    fn the_same_place_twice_is_refused_without_its_secrets() {
        let destinations = destinations();
        let error = destinations.add("rtmp://host/live/SECRET", None).unwrap_err();
        assert!(matches!(error, AddOutputError::Twice(_)));
        assert!(!format!("{error} {error:?} {destinations:?}").contains("SECRET"), "{error:?}");
        assert_eq!(destinations.add("a.flv", None), Ok(OutputId::new(1)));
        assert!(matches!(destinations.add("./a.flv", None), Err(AddOutputError::Twice(_))));
        assert!(destinations.add("rtmp://host/live/other", None).is_ok());
    }

    #[test]
    fn what_cannot_be_pushed_to_is_named() {
        let error = destinations().add("gopher://host/x", None).unwrap_err();
        assert!(
            matches!(error, AddOutputError::Address(_)) && error.to_string().contains("gopher"),
            "{error}"
        );
    }

    #[test]
    fn there_is_an_end_to_them_and_removing_makes_room() {
        let destinations = destinations();
        let added: Vec<_> = (1..MOST).map(|n| destinations.add(&format!("{n}.flv"), None).unwrap()).collect();
        assert_eq!(destinations.add("more.flv", None), Err(AddOutputError::TooMany));
        assert!(destinations.remove(added[3]) && !destinations.remove(added[3]));
        assert!(!destinations.remove(OutputId::PRIMARY), "the first one ends with the session");
        let id = destinations.add("more.flv", None).unwrap();
        assert!(!added.contains(&id), "an id is used once");
        assert_eq!(destinations.statuses().len(), MOST);
    }
}
