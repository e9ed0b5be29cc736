//! A stream over a WebSocket (RFC 6455): one FLV tag in each binary message.

use super::http::tag;
use super::hub::Viewer;
use crate::flv::Header;
use crate::net::farewell::farewell;
use bytes::{Buf, Bytes, BytesMut};
use futures_util::{SinkExt as _, StreamExt as _};
use hyper::body::Incoming;
use hyper::header::{
    CONNECTION, HeaderName, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION,
    UPGRADE,
};
use hyper::upgrade::OnUpgrade;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};

/// What a viewer may say at a time: it has nothing to say but pings and its farewell.
const MAX_SAID: usize = 4 * 1024;

/// Whether a request asks for a WebSocket.
pub(super) fn is_wanted(request: &Request<Incoming>) -> bool {
    has_token(request, CONNECTION, "upgrade") && has_token(request, UPGRADE, "websocket")
}

fn has_token(request: &Request<Incoming>, name: HeaderName, token: &str) -> bool {
    let values = request.headers().get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|value| value.trim().eq_ignore_ascii_case(token))
}

/// Takes a connection that becomes a WebSocket, and its viewer.
#[derive(Clone, Default)]
pub(super) struct Slot(Arc<Mutex<Option<(OnUpgrade, Viewer)>>>);

impl Slot {
    /// The answer that makes `request`'s connection a WebSocket for `viewer`; else what is wrong with the request.
    pub(super) fn switch(
        &self,
        mut request: Request<Incoming>,
        viewer: Viewer,
    ) -> Result<Response<()>, &'static str> {
        if !has_token(&request, SEC_WEBSOCKET_VERSION, "13") {
            return Err("version 13 of WebSockets is served");
        }
        let key = request.headers().get(SEC_WEBSOCKET_KEY).ok_or("a WebSocket request has a key")?;
        let accept = derive_accept_key(key.as_bytes());
        let accept = HeaderValue::from_str(&accept).map_err(|_| "the key cannot be answered")?;
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) =
            Some((hyper::upgrade::on(&mut request), viewer));
        let mut answer = Response::new(());
        *answer.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let headers = answer.headers_mut();
        headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
        Ok(answer)
    }

    /// Serves the viewer of a connection that became a WebSocket, to the end of its stream; the farewell may take as
    /// long as `patience`.
    pub(super) async fn serve(&self, patience: Duration) {
        let taken = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some((upgrade, viewer)) = taken else { return };
        let Ok(upgraded) = upgrade.await else { return };
        let config = WebSocketConfig::default()
            .read_buffer_size(MAX_SAID)
            .write_buffer_size(0)
            .max_message_size(Some(MAX_SAID))
            .max_frame_size(Some(MAX_SAID));
        let socket = TokioIo::new(upgraded);
        let mut socket = WebSocketStream::from_raw_socket(socket, Role::Server, Some(config)).await;
        let served = async {
            let mut header = BytesMut::new();
            Header::default().write(&mut header);
            socket.send(Message::Binary(header.freeze())).await?;
            loop {
                tokio::select! {
                    message = viewer.next() => match message {
                        Some(message) => socket.send(Message::Binary(whole(tag(message).into_buf()))).await?,
                        None => return Ok::<_, Error>(()),
                    },
                    // Pings are answered by the library; what else a viewer says is not listened to.
                    said = socket.next() => match said {
                        Some(Ok(Message::Close(_))) | None => return Ok(()),
                        Some(said) => drop(said?),
                    },
                }
            }
        };
        match served.await {
            Ok(()) => farewell(&mut socket, patience).await,
            Err(reason) => tracing::debug!(%reason, "a WebSocket of the relay has ended"),
        }
    }
}

/// A tag in one piece.
fn whole(mut tag: impl Buf) -> Bytes {
    tag.copy_to_bytes(tag.remaining())
}
