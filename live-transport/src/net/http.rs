//! HTTP-FLV: a [`Subscriber`] over an HTTP response that does not end, or over a file on a web server, and a
//! [`Publisher`](live_core::Publisher) over a request that does not end.
//!
//! The request runs over the crate's own connector, so that deadlines, socket options and events are those of every
//! other protocol. Redirects are followed here, since each of them is an event.

mod body;
mod meter;
mod publish;
pub(super) mod request;
mod slot;

pub use publish::HttpPublisher;

use super::connect::Connector;
use super::incoming::{self, Incoming};
use async_trait::async_trait;
use hyper::{HeaderMap, StatusCode};
use live_core::{MediaSender, Outcome, Scheme, StreamUrl, Subscriber, SubscriptionCx, TransportError};
use request::{Answer, Wanted};
use std::fmt;

/// Plays FLV from web servers.
///
/// A response with a known length is a file and is read at playing speed; one without is live and is read as fast as
/// it comes. A user name in the address is sent as HTTP Basic authentication.
#[derive(Clone, Default)]
pub struct HttpSubscriber {
    /// How connections are made, and how long each step may take.
    pub connector: Connector,
    /// Sent with every request, over this crate's own: `Referer`, `User-Agent`, a token. `Authorization` and `Cookie`
    /// are not sent along when a redirect leads to another host, or from TLS to none.
    pub headers: HeaderMap,
}

#[async_trait]
impl Subscriber for HttpSubscriber {
    async fn play(&self, url: &StreamUrl, media: &mut dyn MediaSender, cx: &SubscriptionCx) -> Outcome {
        incoming::play(self.open(url, cx), media, cx).await
    }
}

impl HttpSubscriber {
    async fn open(
        &self,
        url: &StreamUrl,
        cx: &SubscriptionCx,
    ) -> Result<Incoming<body::Answer>, TransportError> {
        let wanted = Wanted {
            schemes: [Scheme::Http, Scheme::Https],
            status: StatusCode::OK,
            headers: &self.headers,
            more: HeaderMap::new(),
        };
        let Answer { place, response, io } = wanted.from(&self.connector, url, cx).await?;
        Ok(body::Answer::stream(place.peer(), response, io, self.connector.deadlines.silence))
    }
}

/// Names the headers and hides what they say.
impl fmt::Debug for HttpSubscriber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpSubscriber")
            .field("connector", &self.connector)
            .field("headers", &self.headers.keys().collect::<Vec<_>>())
            .finish()
    }
}
