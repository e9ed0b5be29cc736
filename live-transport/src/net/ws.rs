//! WS-FLV: a [`Subscriber`] over a WebSocket (RFC 6455) whose binary messages are an FLV stream.
//!
//! Messages may cut the stream anywhere. Pings are answered, a text message is no FLV, and a close is the end of the
//! stream. The way to the server is that of HTTP-FLV: its connector, headers, redirects and deadlines.

use super::connect::Connector;
use super::farewell::farewell;
use super::http::request::{Answer, Wanted};
use super::incoming::{self, Incoming, Pieces};
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt as _;
use hyper::header::{
    CONNECTION, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use hyper::upgrade::Upgraded;
use hyper::{HeaderMap, StatusCode};
use hyper_util::rt::TokioIo;
use live_core::{
    MediaSender, Outcome, Scheme, StreamUrl, Subscriber, SubscriptionCx, TransportError, TransportErrorKind,
};
use std::fmt;
use std::time::Duration;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::{client::generate_key, derive_accept_key};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{self, Message};

/// The longest message: the longest FLV tag, and some.
const MAX_MESSAGE: usize = (16 << 20) + 1024;
/// Room to read into.
const READ_BUFFER: usize = 64 * 1024;
/// How long taking leave may take.
const FAREWELL: Duration = Duration::from_millis(500);

/// Plays FLV over WebSockets.
///
/// Always live: read as fast as it comes. A user name in the address is sent as HTTP Basic authentication.
#[derive(Clone, Default)]
pub struct WsSubscriber {
    /// How connections are made, and how long each step may take.
    pub connector: Connector,
    /// Sent with every request, over this crate's own: `Origin`, `User-Agent`, a token. `Authorization` and `Cookie`
    /// are not sent along when a redirect leads to another host, or from TLS to none.
    pub headers: HeaderMap,
}

#[async_trait]
impl Subscriber for WsSubscriber {
    async fn play(&self, url: &StreamUrl, media: &mut dyn MediaSender, cx: &SubscriptionCx) -> Outcome {
        incoming::play(self.open(url, cx), media, cx).await
    }
}

impl WsSubscriber {
    async fn open(&self, url: &StreamUrl, cx: &SubscriptionCx) -> Result<Incoming<Socket>, TransportError> {
        let key = generate_key();
        let mut more = HeaderMap::new();
        more.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        more.insert(UPGRADE, HeaderValue::from_static("websocket"));
        more.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
        more.extend(HeaderValue::from_str(&key).ok().map(|key| (SEC_WEBSOCKET_KEY, key)));
        let wanted = Wanted {
            schemes: [Scheme::Ws, Scheme::Wss],
            status: StatusCode::SWITCHING_PROTOCOLS,
            headers: &self.headers,
            more,
        };
        // The task that makes the connection, `_io`, has ended when the WebSocket stands.
        let Answer { place, response, io: _io } = wanted.from(&self.connector, url, cx).await?;
        let peer = place.peer();
        let accepted = response.headers().get(SEC_WEBSOCKET_ACCEPT).map(HeaderValue::as_bytes);
        if accepted != Some(derive_accept_key(key.as_bytes()).as_bytes()) {
            let text = "this is no WebSocket server: it switches protocols without having read the request";
            return Err(TransportError::new(TransportErrorKind::Handshake, peer, text));
        }
        let upgraded = hyper::upgrade::on(response).await.map_err(|reason| {
            let text = "the connection broke while it became a WebSocket";
            TransportError::new(TransportErrorKind::Handshake, &peer, text).because(reason)
        })?;
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER)
            .max_message_size(Some(MAX_MESSAGE))
            .max_frame_size(Some(MAX_MESSAGE));
        let upgraded = TokioIo::new(upgraded);
        let stream = WebSocketStream::from_raw_socket(upgraded, Role::Client, Some(config)).await;
        Ok(Incoming::new(Socket { peer: peer.clone(), stream }, peer, self.connector.deadlines.silence))
    }
}

/// An open WebSocket.
struct Socket {
    peer: String,
    stream: WebSocketStream<TokioIo<Upgraded>>,
}

impl Pieces for Socket {
    async fn next(&mut self) -> Result<Option<Bytes>, TransportError> {
        loop {
            match self.stream.next().await {
                Some(Ok(Message::Binary(data))) => return Ok(Some(data)),
                Some(Ok(Message::Text(_))) => {
                    let text = "the server sent text instead of an FLV stream: check the address";
                    return Err(self.error(TransportErrorKind::Malformed, text));
                }
                Some(Ok(Message::Close(frame))) => return self.closed(frame.as_ref()).map(|()| None),
                // Pings are answered by the library.
                Some(Ok(_)) => {}
                Some(Err(reason)) => return Err(self.broken(reason)),
                None => return Ok(None),
            }
        }
    }

    async fn leave(mut self) {
        // A server that does not take it learns by the end of the connection.
        farewell(&mut self.stream, FAREWELL).await;
    }
}

impl Socket {
    /// A close is the end of the stream, unless the server says that something went wrong.
    fn closed(&self, frame: Option<&CloseFrame>) -> Result<(), TransportError> {
        let Some(CloseFrame { code, reason }) = frame else { return Ok(()) };
        if matches!(code, CloseCode::Normal | CloseCode::Away | CloseCode::Status) {
            return Ok(());
        }
        // What the server says may be anything, and long.
        let reason: String = reason.chars().filter(|character| !character.is_control()).take(120).collect();
        Err(self.error(TransportErrorKind::Closed, format!("the server closed with code {code}: {reason}")))
    }

    fn broken(&self, reason: tungstenite::Error) -> TransportError {
        use tungstenite::Error as E;
        let (kind, text) = match &reason {
            E::ConnectionClosed
            | E::AlreadyClosed
            | E::Protocol(tungstenite::error::ProtocolError::ResetWithoutClosingHandshake) => {
                (TransportErrorKind::Closed, "the server closed the connection in the middle of the stream")
            }
            E::Io(_) => (TransportErrorKind::Io, "the connection broke in the middle of the stream"),
            _ => (TransportErrorKind::Malformed, "the server breaks the rules of WebSockets"),
        };
        self.error(kind, text).because(reason)
    }

    fn error(&self, kind: TransportErrorKind, text: impl Into<String>) -> TransportError {
        TransportError::new(kind, &self.peer, text)
    }
}

/// Names the headers and hides what they say.
impl fmt::Debug for WsSubscriber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WsSubscriber")
            .field("connector", &self.connector)
            .field("headers", &self.headers.keys().collect::<Vec<_>>())
            .finish()
    }
}
