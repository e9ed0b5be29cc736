//! The body of an answer, piece by piece.

use crate::net::incoming::{Incoming, Pieces};
use bytes::Bytes;
use hyper::Response;
use hyper::body::{Body as _, Incoming as Body};
use hyper::header::CONTENT_TYPE;
use live_core::{TransportError, TransportErrorKind};
use std::error::Error;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::time::Duration;
use tokio::task::JoinSet;

/// What a server has begun to send.
pub(super) struct Answer {
    peer: String,
    body: Body,
    /// The task that owns the socket; it ends with the stream.
    _io: JoinSet<hyper::Result<()>>,
}

impl Answer {
    /// The stream in the body of `response`, which `peer` gave.
    pub(super) fn stream(
        peer: String,
        response: Response<Body>,
        io: JoinSet<hyper::Result<()>>,
        silence: Duration,
    ) -> Incoming<Self> {
        let content_type = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let content_type = content_type.map(str::to_owned);
        let body = response.into_body();
        // A known length: this is a file, and the server waits while it is played.
        let is_finite = body.size_hint().exact().is_some();
        let answer = Self { peer: peer.clone(), body, _io: io };
        Incoming::new(answer, peer, silence).described(content_type, is_finite)
    }

    fn broken(&self, error: hyper::Error) -> TransportError {
        let cause = error.source().and_then(|cause| cause.downcast_ref::<io::Error>()).map(io::Error::kind);
        let (kind, text) = if cause == Some(io::ErrorKind::UnexpectedEof) {
            (TransportErrorKind::Closed, "the server closed the connection in the middle of the stream")
        } else {
            (TransportErrorKind::Io, "the connection broke in the middle of the stream")
        };
        TransportError::new(kind, &self.peer, text).because(error)
    }
}

impl Pieces for Answer {
    async fn next(&mut self) -> Result<Option<Bytes>, TransportError> {
        loop {
            match poll_fn(|cx| Pin::new(&mut self.body).poll_frame(cx)).await {
                None => return Ok(None),
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        return Ok(Some(data));
                    }
                }
                Some(Err(error)) => return Err(self.broken(error)),
            }
        }
    }
    /// The end of the connection says it.
    async fn leave(self) {}
}
