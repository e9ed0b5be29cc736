//! Through a proxy to the server: HTTP `CONNECT` (RFC 9110 section 9.3.6) and SOCKS5 (RFC 1928, 1929).

mod environment;
mod tunnel;

use live_core::{StreamUrl, TransportError, TransportErrorKind};
use std::fmt;
use std::str::FromStr;

/// Whether connections go straight to the server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Via {
    /// Straight to the server, whatever the environment says. The default.
    #[default]
    Direct,
    /// Through this proxy.
    Proxy(Proxy),
    /// As the environment variables say, for each address anew: for `https` and `wss` addresses
    /// `https_proxy`, for `http` and `ws` ones `http_proxy`, for all others and where these are missing `all_proxy`;
    /// each also in capitals, but for `HTTP_PROXY`, which a web server's clients can set. Never for this machine itself,
    /// nor for the hosts and domains in `no_proxy`.
    Environment,
}

impl Via {
    /// The proxy for `url`.
    pub(crate) fn proxy(&self, url: &StreamUrl) -> Result<Option<Proxy>, TransportError> {
        match self {
            Self::Direct => Ok(None),
            Self::Proxy(proxy) => Ok(Some(proxy.clone())),
            Self::Environment => {
                environment::proxy(url, |name| std::env::var(name).ok()).map_err(|(name, error)| {
                    let text = format!("the environment variable {name} is no proxy: {error}");
                    TransportError::new(TransportErrorKind::Address, url.peer(), text).permanent()
                })
            }
        }
    }
}

/// What a proxy speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Protocol {
    Http,
    Socks5,
}

/// A proxy that connections are tunnelled through.
///
/// Written `http://[user:password@]host[:port]` (port 80 unless written) or `socks5://[user:password@]host[:port]`
/// (port 1080; `socks5h` means the same). The proxy resolves the server's name. `Display` and `Debug` hide user and
/// password.
///
/// ```
/// use live_transport::net::proxy::Proxy;
///
/// let proxy: Proxy = "socks5://me:secret@proxy.example.com".parse()?;
/// assert_eq!(proxy.to_string(), "proxy.example.com:1080");
/// assert!(!format!("{proxy:?}").contains("secret"));
/// # Ok::<(), live_transport::net::proxy::ProxyError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Proxy {
    protocol: Protocol,
    /// Host, port and credentials.
    place: StreamUrl,
}

impl Proxy {
    /// Host and port to connect to.
    pub(crate) fn address(&self) -> (&str, u16) {
        let default = match self.protocol {
            Protocol::Http => 80,
            Protocol::Socks5 => 1080,
        };
        (self.place.host(), self.place.explicit_port().unwrap_or(default))
    }

    /// User and password.
    fn credentials(&self) -> Option<(&str, &str)> {
        Some((self.place.user()?, self.place.password().unwrap_or_default()))
    }
}

/// A text that names no proxy. Does not quote it: it may hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected http://[user:password@]host[:port] or socks5://[user:password@]host[:port]")]
pub struct ProxyError;

impl FromStr for Proxy {
    type Err = ProxyError;

    fn from_str(text: &str) -> Result<Self, ProxyError> {
        let (scheme, rest) = text.trim().split_once("://").ok_or(ProxyError)?;
        let protocol = match scheme.to_ascii_lowercase().as_str() {
            "http" => Protocol::Http,
            "socks5" | "socks5h" => Protocol::Socks5,
            _ => return Err(ProxyError),
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        if rest.contains(['/', '?', '#']) {
            return Err(ProxyError);
        }
        // An authority is written alike in every scheme.
        let place = StreamUrl::parse(&format!("http://{rest}/-")).map_err(|_| ProxyError)?;
        let fits = |text: &str| protocol == Protocol::Http || (1..256).contains(&text.len());
        let proxy = Self { protocol, place };
        match proxy.credentials() {
            Some((user, password)) if !fits(user) || !fits(password) => Err(ProxyError),
            _ => Ok(proxy),
        }
    }
}

/// `host:port`.
impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.address() {
            (host, port) if host.contains(':') => write!(f, "[{host}]:{port}"),
            (host, port) => write!(f, "{host}:{port}"),
        }
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy({:?} {self})", self.protocol)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn arbitrary_text_never_panics_and_shows_no_password(text in r"(http|socks5)://[a-z]{1,3}:SECRET\PC{0,8}@?\PC{0,20}") {
            if let Ok(proxy) = text.parse::<Proxy>() && proxy.credentials().is_some() {
                prop_assert!(!format!("{proxy} {proxy:?}").contains("SECRET"), "{:?}", proxy);
            }
        }
    }

    #[test]
    fn proxies_are_read_with_their_credentials_and_shown_without() {
        for (text, protocol, host, port, credentials) in [
            ("http://proxy", Protocol::Http, "proxy", 80, None),
            ("HTTP://proxy:3128/", Protocol::Http, "proxy", 3128, None),
            ("socks5://[::1]", Protocol::Socks5, "::1", 1080, None),
            ("socks5h://me:SECRET%40x@p:9", Protocol::Socks5, "p", 9, Some(("me", "SECRET@x"))),
            ("http://SECRET@p", Protocol::Http, "p", 80, Some(("SECRET", ""))),
        ] {
            let proxy: Proxy = text.parse().unwrap();
            assert_eq!((proxy.protocol, proxy.address()), (protocol, (host, port)), "{text}");
            assert_eq!(proxy.credentials(), credentials, "{text}");
            assert!(!format!("{proxy} {proxy:?}").contains("SECRET"), "{proxy:?}");
        }
    }

    #[test]
    fn what_is_no_proxy_is_refused_without_being_quoted() {
        let long = format!("socks5://me:{}@p", "x".repeat(256));
        for text in
            ["", "proxy:80", "ftp://p", "http://", "http://p/path", "http://p:99999", "socks5://me@p", &long]
        {
            assert_eq!(text.parse::<Proxy>(), Err(ProxyError), "{text}");
        }
    }
}
