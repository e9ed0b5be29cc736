//! The publisher for each scheme, and the codecs compiled in.

use live_core::config::Mistake;
use live_core::{Publisher, Registry, Scheme, StreamUrl};
use live_transport::net::file::Recorder;
use live_transport::net::http::HttpPublisher;
use live_transport::net::options::Network;
use live_transport::net::rtmp::RtmpPublisher;
use std::sync::Arc;

/// The publisher that serves `url`, by the ways of `network`.
pub(crate) fn publisher(url: &StreamUrl, network: &Network) -> Result<Arc<dyn Publisher>, Mistake> {
    match url.scheme() {
        scheme if scheme.is_tls() && cfg!(not(feature = "tls")) => {
            let problem = format!("{scheme}:// needs TLS: build with the feature \"tls\"");
            Err(Mistake::new("url", problem).with_value(url.to_string()))
        }
        Scheme::Rtmp | Scheme::Rtmps => Ok(Arc::new(RtmpPublisher { connector: network.connector.clone() })),
        Scheme::Http | Scheme::Https => Ok(Arc::new(HttpPublisher {
            connector: network.connector.clone(),
            headers: network.headers.clone(),
        })),
        Scheme::File => Ok(Arc::new(Recorder)),
        _ => {
            let problem = "expected rtmp(s)://host/app/stream, http(s)://host/path.flv or a file whose name ends in .flv";
            Err(Mistake::new("url", problem).with_value(url.to_string()))
        }
    }
}

/// Every codec this build has.
pub(crate) fn registry() -> Registry {
    let mut registry = Registry::default();
    live_codec::register_enabled(&mut registry);
    registry
}
