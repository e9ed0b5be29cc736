//! The closing handshake of a WebSocket, which is the same for both sides.

use futures_util::StreamExt as _;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;

/// Says goodbye and hears the peer's (RFC 6455 section 7.1), for at most `patience`. A connection that were dropped with
/// something unread would be reset, and the peer lose what it has not read yet.
pub(super) async fn farewell<S: AsyncRead + AsyncWrite + Unpin>(
    socket: &mut WebSocketStream<S>,
    patience: Duration,
) {
    let both = async {
        // Where the peer closed first, its close is answered by reading on.
        let _ = socket.close(None).await;
        while socket.next().await.is_some_and(|said| said.is_ok()) {}
    };
    let _ = timeout(patience, both).await;
}
