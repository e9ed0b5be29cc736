//! HTTP-FLV: a [`Subscriber`] over an HTTP response that does not end, or over a file on a web server, and a
//! [`Publisher`](live_core::Publisher) over a request that does not end.
//!
//! The request runs over the crate's own connector, so that deadlines, socket options and events are those of every
//! other protocol. Redirects are followed here, since each of them is an event.

mod body;
mod meter;
mod publish;
mod request;
mod slot;

pub use publish::HttpPublisher;

use super::connect::Connector;
use async_trait::async_trait;
use hyper::HeaderMap;
use live_core::{
    LinkEvent, MediaSender, Outcome, StreamUrl, Subscriber, SubscriptionCx, TransportError,
    TransportErrorKind,
};
use request::Answer;
use std::fmt;

/// Redirects followed before giving up.
const MAX_REDIRECTS: usize = 5;

/// Plays FLV from web servers.
///
/// A response with a known length is a file and is read at playing speed; one without is live and is read as fast as
/// it comes. A user name in the address is sent as HTTP Basic authentication.
#[derive(Clone, Default)]
pub struct HttpSubscriber {
    /// How connections are made, and how long each step may take.
    pub connector: Connector,
    /// Sent with every request, over this crate's own: `Referer`, `User-Agent`, a token. `Authorization` and `Cookie`
    /// are not sent along when a redirect leads to another host.
    pub headers: HeaderMap,
}

#[async_trait]
impl Subscriber for HttpSubscriber {
    async fn play(&self, url: &StreamUrl, media: &mut dyn MediaSender, cx: &SubscriptionCx) -> Outcome {
        let opened = tokio::select! {
            biased;
            () = media.closed() => return Outcome::Ended,
            opened = self.open(url, cx) => opened,
        };
        let received = match opened {
            Ok(mut stream) => {
                (cx.events)(LinkEvent::Accepted);
                stream.receive(media, cx).await
            }
            Err(error) => Err(error),
        };
        match received {
            Ok(()) => Outcome::Ended,
            Err(error) => Outcome::Lost(error),
        }
    }
}

impl HttpSubscriber {
    /// Asks for the stream and follows redirects until a server sends it.
    async fn open(&self, url: &StreamUrl, cx: &SubscriptionCx) -> Result<body::Stream, TransportError> {
        let mut place = url.clone();
        for _ in 0..=MAX_REDIRECTS {
            let headers = request::headers(&self.headers, &place, place.authority() == url.authority());
            match request::send(&self.connector, &place, headers, cx).await? {
                Answer::Stream(stream) => return Ok(stream),
                Answer::Redirect(next) => {
                    (cx.events)(LinkEvent::Redirected { to: next.peer() });
                    place = next;
                }
            }
        }
        let text = format!("the server redirects more than {MAX_REDIRECTS} times: check the address");
        Err(TransportError::new(TransportErrorKind::Malformed, place.peer(), text))
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
