//! One HTTP connection of a relay: `GET /app/name.flv`, also as a WebSocket.

use super::Shared;
use super::hub::Viewer;
use super::rtmp::key;
use super::ws;
use crate::flv::{BodyHead, Header, MuxedTag, TagKind, TagParts};
use crate::rtmp::chunk::Message;
use bytes::{Buf, BytesMut};
use hyper::body::{Body, Frame, Incoming};
use hyper::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_TYPE, HeaderValue, SEC_WEBSOCKET_VERSION,
};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;

/// Bytes that hyper gathers before it waits for the kernel.
const WRITE_BUFFER: usize = 64 * 1024;

type Answer = Response<AnswerBody>;

/// Serves a connection until it ends.
pub(super) async fn serve(shared: Arc<Shared>, stream: TcpStream, _permit: OwnedSemaphorePermit) {
    let patience = shared.config.session.answer;
    let upgrades = ws::Slot::default();
    let service = service_fn(|request| answer(Arc::clone(&shared), upgrades.clone(), request));
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(patience)
        .max_buf_size(WRITE_BUFFER)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    if let Err(reason) = connection.await {
        tracing::debug!(%reason, "a connection of the relay has ended");
    }
    upgrades.serve(patience).await;
}

async fn answer(
    shared: Arc<Shared>,
    upgrades: ws::Slot,
    request: Request<Incoming>,
) -> Result<Answer, Infallible> {
    if request.method() != Method::GET {
        return Ok(refusal(StatusCode::METHOD_NOT_ALLOWED, "only GET is served"));
    }
    let Some((app, name)) = stream_of(request.uri().path()) else {
        return Ok(refusal(StatusCode::NOT_FOUND, "streams are at /app/name.flv"));
    };
    let Ok(viewer) = shared.hub.watch(&key(app, name)) else {
        return Ok(refusal(StatusCode::SERVICE_UNAVAILABLE, "there are too many streams"));
    };
    if tokio::time::timeout(shared.config.wait, viewer.published()).await.is_err() {
        return Ok(refusal(StatusCode::NOT_FOUND, "nobody publishes this stream"));
    }
    if ws::is_wanted(&request) {
        return Ok(match upgrades.switch(request, viewer) {
            Ok(answer) => answer.map(|()| AnswerBody::End),
            Err(text) => {
                let mut answer = refusal(StatusCode::BAD_REQUEST, text);
                // RFC 6455 section 4.4.
                answer.headers_mut().insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
                answer
            }
        });
    }
    let mut answer = Response::new(AnswerBody::Start(viewer));
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("video/x-flv"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // Players in web pages come from anywhere.
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    Ok(answer)
}

/// Application and stream name in a path.
fn stream_of(path: &str) -> Option<(&str, &str)> {
    let (app, name) = path.strip_suffix(".flv")?.trim_start_matches('/').rsplit_once('/')?;
    (!app.is_empty() && !name.is_empty()).then_some((app, name))
}

fn refusal(status: StatusCode, text: &'static str) -> Answer {
    let mut answer = Response::new(AnswerBody::Text(text));
    *answer.status_mut() = status;
    answer
}

/// What goes behind the head of an answer.
enum AnswerBody {
    /// A stream, whose file header comes first.
    Start(Viewer),
    /// A stream, tag by tag.
    Tags(Viewer),
    /// A sentence.
    Text(&'static str),
    /// Nothing more.
    End,
}

type Data = Box<dyn Buf + Send>;

impl Body for AnswerBody {
    type Data = Data;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Data>, Infallible>>> {
        let data: Option<Data> = match std::mem::replace(&mut *self, Self::End) {
            Self::Start(viewer) => {
                let mut header = BytesMut::new();
                Header::default().write(&mut header);
                *self = Self::Tags(viewer);
                Some(Box::new(header))
            }
            Self::Tags(viewer) => {
                let polled = viewer.poll_next(cx);
                *self = Self::Tags(viewer);
                match polled {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(message) => message.map(|message| Box::new(tag(message).into_buf()) as Data),
                }
            }
            Self::Text(text) => Some(Box::new(text.as_bytes())),
            Self::End => None,
        };
        Poll::Ready(data.map(|data| Ok(Frame::data(data))))
    }
}

/// A message of RTMP as a tag of FLV.
pub(super) fn tag(message: Message) -> MuxedTag {
    let Message { timestamp, kind, payload, .. } = message;
    let parts = TagParts { kind: TagKind::from_id(kind.0), timestamp, head: BodyHead::default(), payload };
    MuxedTag::from(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_application_and_stream() {
        assert_eq!(stream_of("/live/cam1.flv"), Some(("live", "cam1")));
        assert_eq!(stream_of("/live/room/cam1.flv"), Some(("live/room", "cam1")));
        for path in ["/cam1.flv", "/live/cam1", "/", "/live/.flv", "*"] {
            assert_eq!(stream_of(path), None, "{path}");
        }
    }
}
