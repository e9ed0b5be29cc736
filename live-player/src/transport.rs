//! The subscriber for each scheme, and the codecs compiled in.

use live_core::config::Mistake;
use live_core::{Registry, Scheme, StreamUrl, Subscriber};
use live_transport::net;
use std::sync::Arc;
#[cfg(feature = "embedded")]
use std::time::Duration;

#[cfg(feature = "embedded")]
pub(crate) use net::options::Network;

/// Without connections there are no options for them.
#[cfg(not(feature = "embedded"))]
#[derive(Clone)]
pub(crate) struct Network;

/// How long a publisher may be away without its viewers being sent home: longer than what they hold lasts, which is
/// what decides.
#[cfg(feature = "embedded")]
const LINGER: Duration = Duration::from_secs(35);

/// The subscriber that serves `url`, by the ways of `network`.
pub(crate) fn subscriber(url: &StreamUrl, network: &Network) -> Result<Arc<dyn Subscriber>, Mistake> {
    #[cfg(not(feature = "embedded"))]
    let _ = network;
    match url.scheme() {
        scheme if scheme.is_tls() && cfg!(all(feature = "embedded", not(feature = "tls"))) => {
            Err(Mistake::new("src", format!("{scheme}:// needs TLS: build with the feature \"tls\"")))
        }
        #[cfg(feature = "embedded")]
        Scheme::Rtmp | Scheme::Rtmps => {
            Ok(Arc::new(net::rtmp::RtmpSubscriber { connector: network.connector.clone(), linger: LINGER }))
        }
        #[cfg(feature = "embedded")]
        Scheme::Http | Scheme::Https => Ok(Arc::new(net::http::HttpSubscriber {
            connector: network.connector.clone(),
            headers: network.headers.clone(),
        })),
        #[cfg(feature = "embedded")]
        Scheme::Ws | Scheme::Wss => Ok(Arc::new(net::ws::WsSubscriber {
            connector: network.connector.clone(),
            headers: network.headers.clone(),
        })),
        Scheme::File => Ok(Arc::new(net::file::Player)),
        scheme => {
            let there_is = if cfg!(feature = "embedded") {
                "rtmp(s)://host/app/stream, http(s):// and ws(s)://host/path.flv, and FLV or MP4 files"
            } else {
                "FLV and MP4 files; give a subscriber for anything else"
            };
            Err(Mistake::new("src", format!("this build does not play {scheme}://, it plays {there_is}")))
        }
    }
}

/// Every decoder this build has.
pub(crate) fn registry() -> Registry {
    #[allow(unused_mut, reason = "without codecs compiled in it stays empty")]
    let mut registry = Registry::default();
    #[cfg(feature = "embedded")]
    live_codec::register_enabled(&mut registry);
    registry
}
