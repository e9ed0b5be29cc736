//! The subscriber for each scheme, and the codecs compiled in.

use live_core::config::Mistake;
use live_core::{Registry, Scheme, StreamUrl, Subscriber};
use live_transport::net;
use std::sync::Arc;

/// The subscriber that serves `url`.
pub(crate) fn subscriber(url: &StreamUrl) -> Result<Arc<dyn Subscriber>, Mistake> {
    match url.scheme() {
        #[cfg(feature = "embedded")]
        Scheme::Rtmp => Ok(Arc::new(net::rtmp::RtmpSubscriber::default())),
        #[cfg(feature = "embedded")]
        Scheme::Http => Ok(Arc::new(net::http::HttpSubscriber::default())),
        Scheme::File => Ok(Arc::new(net::file::Player)),
        scheme => {
            let there_is = if cfg!(feature = "embedded") {
                "rtmp://host/app/stream, http://host/path.flv and FLV or MP4 files"
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
