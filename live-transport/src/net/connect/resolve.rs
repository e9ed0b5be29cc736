//! From a host name to addresses.

use async_trait::async_trait;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

/// Finds the addresses of a host: the operating system's way by default, another one (a provider's HTTP DNS, a list)
/// where an application brings it.
#[async_trait]
pub trait Resolve: Send + Sync {
    /// The addresses of `host`, a name or an IP address, each with `port`, the best first.
    ///
    /// Asked anew for every connection, so that a retry follows a name that has moved. The caller sets a deadline.
    ///
    /// # Errors
    /// There is no such name, or nobody to ask.
    async fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>>;
}

/// A shared [`Resolve`]. The default asks the operating system.
#[derive(Clone)]
pub struct Resolver(Arc<dyn Resolve>);

impl Resolver {
    /// Resolves with `resolve`.
    pub fn new(resolve: impl Resolve + 'static) -> Self {
        Self(Arc::new(resolve))
    }

    pub(super) async fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        self.0.resolve(host, port).await
    }
}

impl Default for Resolver {
    fn default() -> Self {
        Self::new(System)
    }
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Resolver")
    }
}

/// `getaddrinfo`, on a thread of the runtime's.
struct System;

#[async_trait]
impl Resolve for System {
    async fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        Ok(tokio::net::lookup_host((host, port)).await?.collect())
    }
}
