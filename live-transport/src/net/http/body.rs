//! The body of an answer, piece by piece.

use crate::net::incoming::{Incoming, Pieces};
use bytes::Bytes;
use hyper::body::{Body as _, Incoming as Body};
use live_core::{MediaSender, SubscriptionCx, TransportError, TransportErrorKind};
use std::error::Error;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::time::Duration;
use tokio::task::JoinSet;

/// A stream that a server has begun to send.
pub(super) struct Stream {
    incoming: Incoming,
    answer: Answer,
}

struct Answer {
    peer: String,
    body: Body,
    /// The task that owns the socket; it ends with the stream.
    _io: JoinSet<hyper::Result<()>>,
}

impl Stream {
    pub(super) fn new(
        peer: String,
        content_type: Option<String>,
        body: Body,
        io: JoinSet<hyper::Result<()>>,
        silence: Duration,
    ) -> Self {
        // A known length: this is a file, and the server waits while it is played.
        let is_finite = body.size_hint().exact().is_some();
        let incoming = Incoming::new(peer.clone(), silence).described(content_type, is_finite);
        Self { incoming, answer: Answer { peer, body, _io: io } }
    }

    /// Hands over packets until the stream ends or nobody wants it any more.
    pub(super) async fn receive(
        mut self,
        media: &mut dyn MediaSender,
        cx: &SubscriptionCx,
    ) -> Result<(), TransportError> {
        self.incoming.receive(&mut self.answer, media, cx).await
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
}

impl Answer {
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
