//! How the pusher reaches its servers.

use super::Builder;
use live_transport::net::connect::{Deadlines, Resolve};
#[cfg(feature = "tls")]
use std::path::PathBuf;

/// Connections. Mistakes in these are reported by [`build`](Self::build).
impl Builder {
    /// Goes through this proxy: `http://[user:password@]host[:port]` (by `CONNECT`) or
    /// `socks5://[user:password@]host[:port]`. The proxy resolves the server's name. Comes before
    /// [`proxy_from_environment`](Self::proxy_from_environment). None.
    #[must_use]
    pub fn proxy(mut self, proxy: impl Into<String>) -> Self {
        self.network = self.network.proxy(proxy);
        self
    }

    /// Goes through the proxy that `http_proxy`, `https_proxy` and `all_proxy` name, but for the hosts in `no_proxy` and
    /// for this machine itself: see [`Via`](live_transport::net::proxy::Via). Not by default.
    #[must_use]
    pub fn proxy_from_environment(mut self) -> Self {
        self.network = self.network.proxy_from_environment();
        self
    }

    /// Sends this header with every HTTP request, in place of the library's own of that name: `Referer`, `User-Agent`,
    /// a token. Given twice, it is sent twice. Not for RTMP.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.network = self.network.header(name, value);
        self
    }

    /// Trusts the certificate authorities in this PEM file and nobody else; [`build`](Self::build) reads it. By default
    /// those that the operating system trusts.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn tls_roots_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.network = self.network.tls_roots_file(path);
        self
    }

    /// Trusts the certificate authorities in `pem` and nobody else.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn tls_roots_pem(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.network = self.network.tls_roots_pem(pem);
        self
    }

    /// Verifies no certificate at all: whoever is on the way can read and change the stream. For tests; every
    /// connection writes a warning into the log.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn tls_insecure(mut self) -> Self {
        self.network = self.network.tls_insecure();
        self
    }

    /// How long each step of a connection may take.
    #[must_use]
    pub fn deadlines(mut self, deadlines: Deadlines) -> Self {
        self.network = self.network.deadlines(deadlines);
        self
    }

    /// Asks `resolve` for the addresses of hosts, in place of the operating system; anew for every try.
    #[must_use]
    pub fn resolver(mut self, resolve: impl Resolve + 'static) -> Self {
        self.network = self.network.resolver(resolve);
        self
    }
}
