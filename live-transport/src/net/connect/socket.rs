//! What every TCP connection of a stream is told.

use std::time::Duration;
use tokio::net::TcpStream;

/// Unsent bytes the kernel may hold before a socket counts as not writable. A slow uplink then shows in the packet
/// queue, where something can be dropped, and not in a socket buffer, where nothing can.
#[cfg(any(target_os = "linux", target_os = "android"))]
const NOT_SENT_LOW_WATER: u32 = 16 * 1024;

/// Sets what keeps latency low and finds a dead peer: one that acknowledges nothing is given up by the kernel before
/// `silence` has passed, also when nothing is sent. A platform that refuses an option works, only less well.
pub(crate) fn low_latency(stream: &TcpStream, silence: Duration) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY is not available");
    }
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        // The kernel counts in seconds; three probes and the timeout end before the deadline does.
        let quarter = (silence / 4).max(Duration::from_secs(1));
        let probes = socket2::TcpKeepalive::new().with_time(quarter).with_interval(quarter).with_retries(3);
        let socket = socket2::SockRef::from(stream);
        let set = socket
            .set_tcp_notsent_lowat(NOT_SENT_LOW_WATER)
            .and_then(|()| socket.set_tcp_user_timeout(Some(super::most_of(silence))))
            .and_then(|()| socket.set_tcp_keepalive(&probes));
        if let Err(error) = set {
            tracing::debug!(%error, "TCP_NOTSENT_LOWAT, TCP_USER_TIMEOUT or keep-alive is not available");
        }
    }
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    let _ = silence;
}
