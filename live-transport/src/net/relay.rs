//! A small server: RTMP publishers in, RTMP, HTTP-FLV and WS-FLV viewers out.
//!
//! Meant for one machine or one network: the demo, the tests, a venue. It passes messages on as they come and looks
//! only for key frames and stream information, so every codec goes through, also those this crate does not know. A
//! viewer begins with the stream information and the newest key frame; one that cannot follow is moved to a later key
//! frame. When a publisher leaves, its viewers are told: over RTMP in words that let them keep their place for
//! [`wait`](RelayConfig::wait), in case it comes back; HTTP has only the end of the answer, and WebSockets the close.
//! Streams are served to everybody who knows their name.

mod cache;
mod http;
mod hub;
mod rtmp;
mod ws;

use super::connect::low_latency;
use crate::rtmp::ServerConfig;
use hub::Hub;
use live_core::{TransportError, TransportErrorKind};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;

/// What a [`Relay`] listens on and allows.
#[derive(Clone, Debug)]
pub struct RelayConfig {
    /// Where RTMP is served; port 0 takes any free one.
    pub rtmp: SocketAddr,
    /// Where HTTP-FLV and WS-FLV are served, as `/app/name.flv`; `None` serves none.
    pub http: Option<SocketAddr>,
    /// Connections at a time, publishers and viewers together; more wait to be accepted. Default 256.
    pub connections: usize,
    /// Streams at a time. Default 64.
    pub streams: usize,
    /// Bytes that may wait for one viewer before it is moved to the next key frame. Default 4 MiB.
    pub backlog: usize,
    /// Bytes of the newest group of pictures that are kept for new viewers. A longer group is not kept, and viewers
    /// wait for the next key frame. Default 16 MiB.
    pub cache: usize,
    /// How long a viewer waits for somebody to publish the stream it asks for, and over RTMP for a publisher that has left
    /// to come back. Default 10 s.
    pub wait: Duration,
    /// Deadlines and limits of each RTMP connection.
    pub session: ServerConfig,
}

impl RelayConfig {
    /// The defaults, serving RTMP at `rtmp` and nothing else.
    #[must_use]
    pub fn new(rtmp: SocketAddr) -> Self {
        Self {
            rtmp,
            http: None,
            connections: 256,
            streams: 64,
            backlog: 4 << 20,
            cache: 16 << 20,
            wait: Duration::from_secs(10),
            session: ServerConfig::default(),
        }
    }

    /// The same, serving HTTP-FLV and WS-FLV at `http` too.
    #[must_use]
    pub fn with_http(mut self, http: SocketAddr) -> Self {
        self.http = Some(http);
        self
    }
}

/// A relay that listens. It serves while [`run`](Self::run) is polled; dropping that future ends every connection.
#[derive(Debug)]
pub struct Relay {
    rtmp: Listener,
    http: Option<Listener>,
    shared: Arc<Shared>,
}

/// What all connections of a relay share.
#[derive(Debug)]
struct Shared {
    config: RelayConfig,
    hub: Hub,
    connections: Arc<Semaphore>,
}

#[derive(Debug)]
struct Listener {
    socket: TcpListener,
    address: SocketAddr,
}

impl Listener {
    async fn bind(address: SocketAddr) -> Result<Self, TransportError> {
        let bound = async {
            let socket = TcpListener::bind(address).await?;
            Ok(Self { address: socket.local_addr()?, socket })
        };
        bound.await.map_err(|error: io::Error| {
            let text = format!("cannot listen ({error}): stop what uses the port, or name another one");
            TransportError::new(TransportErrorKind::Address, address.to_string(), text).permanent()
        })
    }

    /// The next connection.
    async fn accept(&self) -> TcpStream {
        loop {
            match self.socket.accept().await {
                Ok((stream, _)) => return stream,
                Err(error) => {
                    // Mostly a lack of file descriptors, which passes when connections end.
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }
}

impl Relay {
    /// Opens the ports. Connections are served from [`run`](Self::run) on.
    ///
    /// # Errors
    /// [`Address`](TransportErrorKind::Address) when a port cannot be opened.
    pub async fn bind(config: RelayConfig) -> Result<Self, TransportError> {
        let rtmp = Listener::bind(config.rtmp).await?;
        let http = match config.http {
            Some(address) => Some(Listener::bind(address).await?),
            None => None,
        };
        let hub = Hub::new(config.streams, config.backlog, config.cache);
        let connections = Arc::new(Semaphore::new(config.connections));
        Ok(Self { rtmp, http, shared: Arc::new(Shared { config, hub, connections }) })
    }

    /// Where RTMP is served.
    #[must_use]
    pub const fn rtmp_addr(&self) -> SocketAddr {
        self.rtmp.address
    }

    /// Where HTTP-FLV and WS-FLV are served.
    #[must_use]
    pub fn http_addr(&self) -> Option<SocketAddr> {
        self.http.as_ref().map(|listener| listener.address)
    }

    /// Serves for ever. Dropping the future closes the ports and every connection.
    pub async fn run(self) {
        let mut connections = JoinSet::new();
        loop {
            let permit = self.permit().await;
            tokio::select! {
                stream = self.rtmp.accept() => {
                    connections.spawn(rtmp::serve(Arc::clone(&self.shared), tuned(stream, &self.shared), permit));
                }
                stream = accept_if_any(self.http.as_ref()) => {
                    connections.spawn(http::serve(Arc::clone(&self.shared), tuned(stream, &self.shared), permit));
                }
                Some(_) = connections.join_next() => {}
            }
        }
    }

    async fn permit(&self) -> OwnedSemaphorePermit {
        let connections = Arc::clone(&self.shared.connections);
        connections.acquire_owned().await.expect("the semaphore is never closed")
    }
}

async fn accept_if_any(listener: Option<&Listener>) -> TcpStream {
    match listener {
        Some(listener) => listener.accept().await,
        None => std::future::pending().await,
    }
}

fn tuned(stream: TcpStream, shared: &Shared) -> TcpStream {
    low_latency(&stream, shared.config.session.silence);
    stream
}
