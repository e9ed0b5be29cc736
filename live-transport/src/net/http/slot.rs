//! The way from a publisher to a request body: one piece at a time, and only when the body wants it.

use bytes::Buf;
use hyper::body::{Body, Frame};
use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// A piece of a body.
pub(super) type Piece = Box<dyn Buf + Send>;

/// A slot for one piece and its two ends: the publisher's, and the body's.
pub(super) fn slot(first: Piece) -> (Feeder, RequestBody) {
    let shared = Arc::new(Mutex::new(Slot { piece: Some(first), ..Slot::default() }));
    (Feeder(Arc::clone(&shared)), RequestBody(shared))
}

#[derive(Default)]
struct Slot {
    piece: Option<Piece>,
    /// The body was asked and had nothing.
    is_wanted: bool,
    /// No piece will follow.
    is_last: bool,
    /// The body has said so.
    is_over: bool,
    body: Option<Waker>,
    feeder: Option<Waker>,
}

fn lock(slot: &Mutex<Slot>) -> MutexGuard<'_, Slot> {
    slot.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The publisher's end.
pub(super) struct Feeder(Arc<Mutex<Slot>>);

impl Feeder {
    /// Waits until the body wants a piece: hyper asks only while little waits for the socket.
    pub(super) async fn wanted(&self) {
        poll_fn(|cx| {
            let mut slot = lock(&self.0);
            if slot.is_wanted && slot.piece.is_none() {
                return Poll::Ready(());
            }
            slot.feeder = Some(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }

    /// Gives the body its next piece. Only one that was wanted may be given: there is room for one.
    pub(super) fn put(&self, piece: Piece) {
        let mut slot = lock(&self.0);
        slot.piece = Some(piece);
        slot.is_wanted = false;
        slot.body.take().into_iter().for_each(Waker::wake);
    }

    /// Ends the body.
    pub(super) fn finish(&self) {
        let mut slot = lock(&self.0);
        slot.is_last = true;
        slot.body.take().into_iter().for_each(Waker::wake);
    }

    /// Whether the body has been asked for all of it, its end included.
    pub(super) fn is_over(&self) -> bool {
        lock(&self.0).is_over
    }
}

/// The body's end.
pub(super) struct RequestBody(Arc<Mutex<Slot>>);

impl Body for RequestBody {
    type Data = Piece;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Piece>, Infallible>>> {
        let mut slot = lock(&self.0);
        if let Some(piece) = slot.piece.take() {
            return Poll::Ready(Some(Ok(Frame::data(piece))));
        }
        if slot.is_last {
            slot.is_over = true;
            return Poll::Ready(None);
        }
        slot.is_wanted = true;
        slot.body = Some(cx.waker().clone());
        slot.feeder.take().into_iter().for_each(Waker::wake);
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn poll(body: &mut RequestBody) -> Poll<Option<usize>> {
        let polled = Pin::new(body).poll_frame(&mut Context::from_waker(Waker::noop()));
        polled.map(|frame| frame.map(|frame| frame.unwrap().into_data().map_or(0, |data| data.remaining())))
    }

    #[tokio::test]
    async fn a_piece_is_asked_for_before_it_is_given() {
        let (feeder, mut body) = slot(Box::new(&b"head"[..]));
        let soon = std::time::Duration::from_millis(10);
        assert!(tokio::time::timeout(soon, feeder.wanted()).await.is_err(), "the first piece is still there");
        assert_eq!(poll(&mut body), Poll::Ready(Some(4)));
        assert!(tokio::time::timeout(soon, feeder.wanted()).await.is_err(), "nobody has asked");
        assert_eq!(poll(&mut body), Poll::Pending);
        feeder.wanted().await;
        feeder.put(Box::new(&b"piece"[..]));
        assert!(tokio::time::timeout(soon, feeder.wanted()).await.is_err(), "one at a time");
        feeder.finish();
        assert_eq!(poll(&mut body), Poll::Ready(Some(5)));
        assert!(!feeder.is_over());
        assert_eq!(poll(&mut body), Poll::Ready(None));
        assert!(feeder.is_over());
    }
}
