//! The publisher for each scheme, and the codecs compiled in.

use live_core::config::Mistake;
use live_core::{Publisher, Registry, Scheme, StreamUrl};
use live_transport::net::file::Recorder;
use live_transport::net::rtmp::RtmpPublisher;
use std::sync::Arc;

/// The publisher that serves `url`.
pub(crate) fn publisher(url: &StreamUrl) -> Result<Arc<dyn Publisher>, Mistake> {
    match url.scheme() {
        Scheme::Rtmp => Ok(Arc::new(RtmpPublisher::default())),
        Scheme::File => Ok(Arc::new(Recorder)),
        _ => {
            let problem = "this build pushes to rtmp://host/app/stream and to files whose names end in .flv";
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
