//! The one way to a connection: name resolution, the race between addresses, socket options, deadlines.

mod connection;
mod probe;

pub use connection::{Connection, Duplex};

use live_core::{LinkEvent, LinkEventHandler, StreamUrl, TransportError, TransportErrorKind};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::{TcpStream, lookup_host};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// How long an address is given before the next one is tried beside it (RFC 8305 section 5).
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// Unsent bytes the kernel may hold before a socket counts as not writable. A slow uplink then shows in the packet
/// queue, where something can be dropped, and not in a socket buffer, where nothing can.
#[cfg(any(target_os = "linux", target_os = "android"))]
const NOT_SENT_LOW_WATER: u32 = 16 * 1024;

/// How long each step of a connection may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadlines {
    /// Resolving the host name. Default 5 s.
    pub resolve: Duration,
    /// Connecting, over all addresses of the host, TLS included. Default 10 s.
    pub connect: Duration,
    /// Each answer of the opening dialogue: handshake, RTMP command, HTTP response. Default 10 s.
    pub answer: Duration,
    /// Silence on an open stream: no media while playing, no byte taken while publishing. Default 10 s.
    pub silence: Duration,
    /// Sending what is queued and taking leave at the end. Default 5 s.
    pub leave: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            resolve: Duration::from_secs(5),
            connect: Duration::from_secs(10),
            answer: Duration::from_secs(10),
            silence: Duration::from_secs(10),
            leave: Duration::from_secs(5),
        }
    }
}

/// Opens connections for every protocol of this crate.
#[derive(Clone, Copy, Debug, Default)]
pub struct Connector {
    /// How long resolving and connecting may take.
    pub deadlines: Deadlines,
}

impl Connector {
    /// Opens a connection to the host and port of `url` and tells [`LinkEvent::Connected`].
    ///
    /// All addresses of the host are tried, IPv6 and IPv4 in turn, each a moment after the one before, and the first
    /// that answers is taken.
    ///
    /// # Errors
    /// [`Dns`](TransportErrorKind::Dns) when the name does not resolve, [`Connect`](TransportErrorKind::Connect) when
    /// no address answers in time, [`Address`](TransportErrorKind::Address) for a scheme that is not built in.
    pub async fn connect(
        &self,
        url: &StreamUrl,
        events: &LinkEventHandler,
    ) -> Result<Connection, TransportError> {
        if url.scheme().is_tls() {
            let text = format!("{}:// needs TLS, which this build does not have", url.scheme());
            return Err(TransportError::new(TransportErrorKind::Address, url.peer(), text).permanent());
        }
        let addresses = self.resolve(url).await?;
        let count = addresses.len();
        let stream = match timeout(self.deadlines.connect, race(addresses)).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(reason)) => return Err(refused(url, count, &reason)),
            Err(_) => return Err(refused(url, count, &io::ErrorKind::TimedOut.into())),
        };
        low_latency(&stream, self.deadlines.silence);
        let peer = stream.peer_addr().map_or_else(|_| url.peer(), |address| address.to_string());
        events(LinkEvent::Connected { peer });
        let probe = probe::of(&stream);
        Ok(Connection::new(stream, probe))
    }

    async fn resolve(&self, url: &StreamUrl) -> Result<Vec<SocketAddr>, TransportError> {
        let failed = |reason: io::Error| {
            let text = format!("the name does not resolve ({reason}): check the address and the network");
            TransportError::new(TransportErrorKind::Dns, url.peer(), text)
        };
        let found = match timeout(self.deadlines.resolve, lookup_host((url.host(), url.port()))).await {
            Ok(found) => found.map_err(failed)?,
            Err(_) => return Err(failed(io::ErrorKind::TimedOut.into())),
        };
        let addresses = alternate(found);
        if addresses.is_empty() { Err(failed(io::ErrorKind::NotFound.into())) } else { Ok(addresses) }
    }
}

/// Sets what keeps latency low and finds a dead peer. A platform that refuses an option works, only less well.
pub(crate) fn low_latency(stream: &TcpStream, silence: Duration) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY is not available");
    }
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        let socket = socket2::SockRef::from(stream);
        let set = socket
            .set_tcp_notsent_lowat(NOT_SENT_LOW_WATER)
            .and_then(|()| socket.set_tcp_user_timeout(Some(silence)));
        if let Err(error) = set {
            tracing::debug!(%error, "TCP_NOTSENT_LOWAT or TCP_USER_TIMEOUT is not available");
        }
    }
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    let _ = silence;
}

fn refused(url: &StreamUrl, addresses: usize, reason: &io::Error) -> TransportError {
    let text = match addresses {
        1 => format!("cannot connect: {reason}"),
        n => format!("cannot connect to any of {n} addresses, the last answer: {reason}"),
    };
    TransportError::new(TransportErrorKind::Connect, url.peer(), text)
}

/// The addresses with the families taking turns, the resolver's first one first (RFC 8305 section 4).
fn alternate(addresses: impl Iterator<Item = SocketAddr>) -> Vec<SocketAddr> {
    let mut seen = Vec::new();
    for address in addresses {
        if !seen.contains(&address) {
            seen.push(address);
        }
    }
    let Some(first) = seen.first() else { return seen };
    let preferred_is_v6 = first.is_ipv6();
    let (preferred, other): (Vec<_>, Vec<_>) =
        seen.into_iter().partition(|address| address.is_ipv6() == preferred_is_v6);
    let mut other = other.into_iter();
    let mut order = Vec::with_capacity(preferred.len() + other.len());
    for address in preferred {
        order.push(address);
        order.extend(other.next());
    }
    order.extend(other);
    order
}

/// Connects to the first of `addresses` that answers; the others are dropped.
async fn race(addresses: Vec<SocketAddr>) -> io::Result<TcpStream> {
    let mut waiting = addresses.into_iter();
    let mut attempts = JoinSet::new();
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    loop {
        let more = waiting.len() > 0;
        if let Some(address) = waiting.next() {
            attempts.spawn(TcpStream::connect(address));
        } else if attempts.is_empty() {
            return Err(last);
        }
        tokio::select! {
            Some(attempt) = attempts.join_next() => match attempt {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(error)) => last = error,
                Err(_) => last = io::ErrorKind::Interrupted.into(),
            },
            () = sleep(ATTEMPT_DELAY), if more => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{Ipv4Addr, Ipv6Addr};
    use std::sync::{Arc, Mutex};
    use tokio::net::TcpListener;

    async fn connect(url: &str) -> (Result<Connection, TransportError>, Vec<LinkEvent>) {
        let events = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&events);
        let handler: LinkEventHandler = Arc::new(move |event| sink.lock().unwrap().push(event));
        let result = Connector::default().connect(&url.parse().unwrap(), &handler).await;
        let events = events.lock().unwrap().clone();
        (result, events)
    }

    /// An address nobody listens on.
    async fn dead() -> SocketAddr {
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap().local_addr().unwrap()
    }

    fn addresses(list: &[&str]) -> Vec<SocketAddr> {
        list.iter().map(|address| address.parse().unwrap()).collect()
    }

    #[tokio::test]
    async fn a_listener_is_reached_and_told_with_its_address() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (result, events) = connect(&format!("rtmp://{address}/live/x")).await;
        assert!(result.is_ok());
        assert_eq!(events, [LinkEvent::Connected { peer: address.to_string() }]);
    }

    #[tokio::test]
    async fn t95_ipv6_literals_connect() {
        let Ok(listener) = TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).await else { return };
        let (result, _) =
            connect(&format!("rtmp://[::1]:{}/live/x", listener.local_addr().unwrap().port())).await;
        assert!(result.is_ok());
    }

    #[test]
    fn t95_families_take_turns() {
        let found = addresses(&["[::1]:1", "[::2]:1", "[::2]:1", "1.1.1.1:1", "[::3]:1", "2.2.2.2:1"]);
        let order = addresses(&["[::1]:1", "1.1.1.1:1", "[::2]:1", "2.2.2.2:1", "[::3]:1"]);
        assert_eq!(alternate(found.into_iter()), order);
    }

    #[tokio::test]
    async fn t96_dead_addresses_are_passed_over() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let live = listener.local_addr().unwrap();
        let stream = race(vec![dead().await, dead().await, live]).await.unwrap();
        assert_eq!(stream.peer_addr().unwrap(), live);
    }

    #[tokio::test]
    async fn t96_an_address_that_does_not_answer_delays_by_a_moment_only() {
        // A listener with a full backlog neither accepts nor refuses.
        let full = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        full.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).unwrap();
        full.listen(0).unwrap();
        let silent = full.local_addr().unwrap().as_socket().unwrap();
        let mut held = Vec::new();
        while let Ok(Ok(stream)) = timeout(Duration::from_millis(100), TcpStream::connect(silent)).await {
            held.push(stream);
        }
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let live = listener.local_addr().unwrap();
        let stream = timeout(Duration::from_secs(5), race(vec![silent, live])).await.unwrap().unwrap();
        assert_eq!(stream.peer_addr().unwrap(), live);
    }

    #[tokio::test]
    async fn an_unknown_name_is_a_dns_error_and_a_closed_port_a_connect_error() {
        let (result, events) = connect("rtmp://no-such-host.invalid/live/secretkey").await;
        let error = result.err().unwrap();
        assert_eq!((error.kind, events), (TransportErrorKind::Dns, vec![]));
        assert!(!error.to_string().contains("secretkey"));

        let (result, _) = connect(&format!("rtmp://{}/live/x", dead().await)).await;
        assert_eq!(result.err().unwrap().kind, TransportErrorKind::Connect);
    }
}
