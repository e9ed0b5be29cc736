//! What an application may say about its connections, collected as it comes and checked at once.

#[cfg(feature = "http-flv")]
mod headers;

use super::connect::{Connector, Deadlines, Resolve, Resolver};
use super::proxy::Via;
#[cfg(feature = "tls")]
use super::tls::Tls;
use live_core::config::Mistake;
use std::fmt;
#[cfg(feature = "tls")]
use std::path::PathBuf;

/// Proxy, TLS roots, HTTP headers, deadlines: as text and paths, for builders and command lines.
///
/// `Debug` shows neither headers' values nor the proxy's password.
///
/// ```
/// use live_transport::net::options::NetworkOptions;
///
/// let network = NetworkOptions::default().proxy("socks5://127.0.0.1").check().unwrap();
/// assert_eq!(format!("{:?}", network.connector.via), "Proxy(Proxy(Socks5 127.0.0.1:1080))");
/// let mistakes = NetworkOptions::default().proxy("proxy.example.com").check().unwrap_err();
/// assert!(mistakes[0].to_string().starts_with("proxy: "));
/// ```
#[derive(Clone, Default)]
pub struct NetworkOptions {
    deadlines: Deadlines,
    resolver: Resolver,
    proxy: Option<String>,
    environment: bool,
    #[cfg(feature = "tls")]
    roots: Option<Roots>,
    #[cfg(feature = "tls")]
    insecure: bool,
    #[cfg(feature = "http-flv")]
    headers: Vec<(String, String)>,
}

#[cfg(feature = "tls")]
#[derive(Clone)]
enum Roots {
    File(PathBuf),
    Pem(Vec<u8>),
}

/// Options that passed the check.
#[derive(Clone)]
#[non_exhaustive]
pub struct Network {
    /// How connections are made.
    pub connector: Connector,
    /// Headers for every HTTP request.
    #[cfg(feature = "http-flv")]
    pub headers: hyper::HeaderMap,
}

impl NetworkOptions {
    /// How long each step of a connection may take.
    #[must_use]
    pub fn deadlines(mut self, deadlines: Deadlines) -> Self {
        self.deadlines = deadlines;
        self
    }

    /// Asks `resolve` for the addresses of hosts, in place of the operating system.
    #[must_use]
    pub fn resolver(mut self, resolve: impl Resolve + 'static) -> Self {
        self.resolver = Resolver::new(resolve);
        self
    }

    /// Goes through the proxy `text`: see [`Proxy`](super::proxy::Proxy). Comes before the environment's.
    #[must_use]
    pub fn proxy(mut self, text: impl Into<String>) -> Self {
        self.proxy = Some(text.into());
        self
    }

    /// Goes through the proxy that the environment names: see [`Via::Environment`]. Not by default.
    #[must_use]
    pub fn proxy_from_environment(mut self) -> Self {
        self.environment = true;
        self
    }

    /// Trusts the certificate authorities in this PEM file and nobody else.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn tls_roots_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.roots = Some(Roots::File(path.into()));
        self
    }

    /// Trusts the certificate authorities in `pem` and nobody else.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn tls_roots_pem(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.roots = Some(Roots::Pem(pem.into()));
        self
    }

    /// Trusts anybody: see [`Tls::insecure`].
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn tls_insecure(mut self) -> Self {
        self.insecure = true;
        self
    }

    /// Sends this header with every HTTP request, in place of this crate's own of that name: `Referer`, `User-Agent`, a
    /// token. Given twice, it is sent twice.
    #[cfg(feature = "http-flv")]
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Checks everything; reads the file of roots.
    ///
    /// # Errors
    /// Every mistake, by the names that command lines use: `proxy`, `tls-ca`, `tls-insecure`, `header`.
    pub fn check(self) -> Result<Network, Vec<Mistake>> {
        let mut mistakes = Vec::new();
        let mut connector = Connector::from(self.deadlines);
        connector.via = match self.proxy.as_deref().map(str::parse) {
            Some(Ok(proxy)) => Via::Proxy(proxy),
            Some(Err(error)) => {
                mistakes.push(Mistake::new("proxy", format!("{error}")));
                Via::Direct
            }
            None if self.environment => Via::Environment,
            None => Via::Direct,
        };
        #[cfg(feature = "tls")]
        match self.tls() {
            Ok(tls) => connector.tls = tls,
            Err(mistake) => mistakes.push(mistake),
        }
        #[cfg(feature = "http-flv")]
        let headers = headers::check(&self.headers, &mut mistakes);
        connector.resolver = self.resolver;
        if !mistakes.is_empty() {
            return Err(mistakes);
        }
        Ok(Network {
            connector,
            #[cfg(feature = "http-flv")]
            headers,
        })
    }

    #[cfg(feature = "tls")]
    fn tls(&self) -> Result<Tls, Mistake> {
        let roots = match &self.roots {
            None if self.insecure => return Ok(Tls::insecure()),
            None => return Ok(Tls::default()),
            Some(_) if self.insecure => {
                let problem = "verifying nothing and trusting only certain roots exclude each other";
                return Err(Mistake::new("tls-insecure", problem));
            }
            Some(Roots::File(path)) => Tls::with_roots_file(path),
            Some(Roots::Pem(pem)) => Tls::with_roots_pem(pem),
        };
        roots.map_err(|error| Mistake::new("tls-ca", error.to_string()))
    }
}

impl fmt::Debug for NetworkOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NetworkOptions").field("deadlines", &self.deadlines).finish_non_exhaustive()
    }
}

/// Names the headers and hides what they say.
impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut network = f.debug_struct("Network");
        network.field("connector", &self.connector);
        #[cfg(feature = "http-flv")]
        network.field("headers", &self.headers.keys().collect::<Vec<_>>());
        network.finish()
    }
}

#[cfg(all(test, feature = "http-flv", feature = "tls"))]
mod tests {
    use super::*;

    #[test]
    fn every_mistake_is_named_and_no_secret_quoted() {
        let options = NetworkOptions::default()
            .proxy("ftp://me:SECRET@proxy")
            .tls_roots_file("/no/such/roots.pem")
            .header("Bad Name", "SECRET")
            .header("X-Token", "SECRET\r\nEvil: 1")
            .header("Content-Length", "5");
        assert!(!format!("{options:?}").contains("SECRET"));
        let mistakes = options.check().unwrap_err();
        let names: Vec<_> = mistakes.iter().map(|mistake| mistake.attribute.as_str()).collect();
        assert_eq!(names, ["proxy", "tls-ca", "header", "header", "header"]);
        let text = format!("{mistakes:?}");
        assert!(text.contains("roots.pem") && text.contains("X-Token") && !text.contains("SECRET"), "{text}");
    }

    #[test]
    fn headers_arrive_and_their_values_are_hidden() {
        let options = NetworkOptions::default().header("Referer", "https://é").header("x-a", "SECRET");
        let network = options.header("X-A", "2").check().unwrap();
        assert_eq!(network.headers.get_all("x-a").iter().count(), 2);
        assert_eq!(network.headers["referer"].as_bytes(), "https://é".as_bytes());
        let shown = format!("{network:?}");
        assert!(shown.contains("referer") && !shown.contains("SECRET"), "{shown}");
    }

    #[test]
    fn insecure_and_own_roots_exclude_each_other() {
        let mistakes = NetworkOptions::default().tls_insecure().tls_roots_pem("x").check().unwrap_err();
        assert_eq!(mistakes[0].attribute, "tls-insecure");
        assert!(NetworkOptions::default().tls_insecure().check().unwrap().connector.tls.is_insecure());
    }
}
