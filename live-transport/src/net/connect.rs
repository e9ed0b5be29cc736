//! The one way to a connection: name resolution, the race between addresses, proxy, TLS, socket options, deadlines.

mod addresses;
mod connection;
mod probe;
mod race;
mod resolve;
mod socket;

pub use connection::{Connection, Duplex};
pub use resolve::{Resolve, Resolver};
pub(crate) use socket::low_latency;

use super::proxy::Via;
#[cfg(feature = "tls")]
use super::tls::Tls;
use addresses::Addresses;
use live_core::{LinkEvent, LinkEventHandler, StreamUrl, TransportError, TransportErrorKind};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long each step of a connection may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadlines {
    /// Resolving the host name. Default 5 s.
    pub resolve: Duration,
    /// Connecting, over all addresses of the host, proxy and TLS included. Default 10 s.
    pub connect: Duration,
    /// Each answer of the opening dialogue: handshake, RTMP command, HTTP response. Default 10 s.
    pub answer: Duration,
    /// Silence on an open stream: no media while playing; while publishing, nothing taken, acknowledged or answered for
    /// four fifths of it. Default 10 s.
    pub silence: Duration,
    /// Whether an RTMP server is pinged while publishing, to learn of a dead one in time that TCP still answers for.
    /// Default `true`. Some servers (that of the crate `rtmp`) take a publisher's ping for an error and hang up: such a
    /// server is not pinged again, and the next connection stays.
    pub pings: bool,
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
            pings: true,
            leave: Duration::from_secs(5),
        }
    }
}

/// The part of a deadline that single checks get, so that the whole is over when the deadline is.
pub(crate) fn most_of(deadline: Duration) -> Duration {
    deadline * 4 / 5
}

/// Opens connections for every protocol of this crate.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Connector {
    /// How long resolving and connecting may take.
    pub deadlines: Deadlines,
    /// Straight to the server, or through a proxy.
    pub via: Via,
    /// Who is asked for the addresses of a name.
    pub resolver: Resolver,
    /// Whose certificates are trusted.
    #[cfg(feature = "tls")]
    pub tls: Tls,
    /// Accepted a connection and then did not answer, or fell silent: the other addresses of the name are tried before
    /// them, so that a server that hangs does not keep a stream from the one beside it.
    suspects: Addresses,
    /// Hung up after a ping.
    #[cfg(feature = "rtmp")]
    pub(crate) not_to_ping: Addresses,
}

impl From<Deadlines> for Connector {
    fn from(deadlines: Deadlines) -> Self {
        Self { deadlines, ..Self::default() }
    }
}

impl Connector {
    /// Opens a connection to the host and port of `url` and tells [`LinkEvent::Connected`] when TCP, and TLS where the
    /// scheme asks for it, stands.
    ///
    /// The name is resolved anew each time. All addresses of the host are tried, IPv6 and IPv4 in turn, each a moment
    /// after the one before, and the first that answers is taken; addresses whose last connection fell silent come
    /// last. A proxy resolves the server's name itself.
    ///
    /// # Errors
    /// [`Dns`](TransportErrorKind::Dns) when the name does not resolve, [`Connect`](TransportErrorKind::Connect) when
    /// no address answers in time or the proxy refuses, [`Tls`](TransportErrorKind::Tls) when the server's certificate
    /// does not hold or it does not speak TLS, [`Address`](TransportErrorKind::Address) for a scheme that is not built
    /// in.
    pub async fn connect(
        &self,
        url: &StreamUrl,
        events: &LinkEventHandler,
    ) -> Result<Connection, TransportError> {
        if url.scheme().is_tls() && cfg!(not(feature = "tls")) {
            let text = format!("{}:// needs TLS: build with the feature \"tls\"", url.scheme());
            return Err(TransportError::new(TransportErrorKind::Address, url.peer(), text).permanent());
        }
        let proxy = self.via.proxy(url)?;
        let addresses = match &proxy {
            Some(proxy) => self.resolve(proxy.address(), proxy.to_string()).await?,
            None => self.resolve((url.host(), url.port()), url.peer()).await?,
        };
        let count = addresses.len();
        let opening = async {
            let stream = race::race(addresses).await.map_err(|reason| refused(url, count, &reason))?;
            low_latency(&stream, self.deadlines.silence);
            let address = stream.peer_addr().ok();
            let peer = address.map_or_else(|| url.peer(), |address| address.to_string());
            let Some(proxy) = &proxy else {
                return Ok((self.secure(url, stream).await?.with_peer(address), peer));
            };
            let stream = proxy.tunnel(stream, url).await?;
            Ok((self.secure(url, stream).await?, format!("{} through the proxy {peer}", url.peer())))
        };
        let (connection, peer) = timeout(self.deadlines.connect, opening)
            .await
            .unwrap_or_else(|_| Err(refused(url, count, &io::ErrorKind::TimedOut.into())))?;
        events(LinkEvent::Connected { peer });
        Ok(connection)
    }

    /// Notes how a connection to `peer` has done, so that the next one prefers addresses that work.
    pub(crate) fn note(&self, peer: Option<SocketAddr>, lost: Option<&TransportError>) {
        let Some(peer) = peer else { return };
        match lost.map(|error| error.kind) {
            None => self.suspects.remove(peer),
            Some(TransportErrorKind::Handshake | TransportErrorKind::Io) => self.suspects.add(peer),
            Some(_) => {}
        }
    }

    /// TLS over `stream`, where the address asks for it.
    async fn secure(&self, url: &StreamUrl, stream: TcpStream) -> Result<Connection, TransportError> {
        let probe = probe::of(&stream);
        #[cfg(feature = "tls")]
        if url.scheme().is_tls() {
            return Ok(Connection::new(self.tls.wrap(stream, url).await?, probe));
        }
        let _ = url;
        Ok(Connection::new(stream, probe))
    }

    /// The addresses of `host` and its port; `peer` names it in errors.
    async fn resolve(&self, host: (&str, u16), peer: String) -> Result<Vec<SocketAddr>, TransportError> {
        let failed = |reason: io::Error| {
            let text = format!("the name does not resolve ({reason}): check the address and the network");
            TransportError::new(TransportErrorKind::Dns, peer, text)
        };
        match timeout(self.deadlines.resolve, self.resolver.resolve(host.0, host.1)).await {
            Ok(Ok(found)) if found.is_empty() => Err(failed(io::ErrorKind::NotFound.into())),
            Ok(Ok(found)) => Ok(self.suspects.last(race::alternate(found.into_iter()))),
            Ok(Err(reason)) => Err(failed(reason)),
            Err(_) => Err(failed(io::ErrorKind::TimedOut.into())),
        }
    }
}

fn refused(url: &StreamUrl, addresses: usize, reason: &io::Error) -> TransportError {
    let text = match addresses {
        1 => format!("cannot connect: {reason}"),
        n => format!("cannot connect to any of {n} addresses, the last answer: {reason}"),
    };
    TransportError::new(TransportErrorKind::Connect, url.peer(), text)
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

    #[tokio::test]
    async fn an_unknown_name_is_a_dns_error_and_a_closed_port_a_connect_error() {
        let (result, events) = connect("rtmp://no-such-host.invalid/live/secretkey").await;
        let error = result.err().unwrap();
        assert_eq!((error.kind, events), (TransportErrorKind::Dns, vec![]));
        assert!(!error.to_string().contains("secretkey"));

        // A port that nobody listens on any more.
        let dead = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap().local_addr().unwrap();
        let (result, _) = connect(&format!("rtmp://{dead}/live/x")).await;
        assert_eq!(result.err().unwrap().kind, TransportErrorKind::Connect);
    }
}
