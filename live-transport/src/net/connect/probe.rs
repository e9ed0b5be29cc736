//! How a socket is doing: `TCP_INFO` on Linux, nothing elsewhere.

#[cfg(any(target_os = "linux", target_os = "android"))]
mod sys;

use live_core::net_status::LinkProbe;
use std::sync::Arc;
use tokio::net::TcpStream;

/// A probe of `stream`, where the platform tells anything. It holds the socket open until it is dropped.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) fn of(stream: &TcpStream) -> Option<Arc<dyn LinkProbe>> {
    use std::os::fd::AsFd;
    match stream.as_fd().try_clone_to_owned() {
        Ok(socket) => Some(Arc::new(Socket(socket))),
        Err(error) => {
            tracing::debug!(%error, "the socket cannot be watched");
            None
        }
    }
}

/// A probe of `stream`, where the platform tells anything: not here.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(super) fn of(_: &TcpStream) -> Option<Arc<dyn LinkProbe>> {
    None
}

#[cfg(any(target_os = "linux", target_os = "android"))]
struct Socket(std::os::fd::OwnedFd);

#[cfg(any(target_os = "linux", target_os = "android"))]
impl LinkProbe for Socket {
    fn read(&self) -> Option<live_core::net_status::LinkInfo> {
        sys::read(&self.0)
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use tokio::io::AsyncWriteExt;
    use tokio::net::TcpListener;

    #[tokio::test]
    async fn what_a_peer_does_not_read_stays_in_the_count_and_what_it_reads_leaves_it() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut ours = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (mut theirs, _) = listener.accept().await.unwrap();
        let probe = of(&ours).expect("Linux tells");
        assert_eq!(probe.read().expect("a connected socket").held(), 0);

        // Buffers take some megabytes, and then nothing more is written.
        let piece = vec![0; 1 << 20];
        let mut written = 0;
        let stuck = std::time::Duration::from_millis(200);
        while let Ok(some) = tokio::time::timeout(stuck, ours.write(&piece)).await {
            written += some.unwrap() as u64;
        }
        let info = probe.read().expect("a connected socket");
        assert!(info.held() > 0 && info.held() <= written, "{info:?} of {written}");
        assert!(info.unsent > 0, "{info:?}");

        let reader = tokio::spawn(async move { tokio::io::copy(&mut theirs, &mut tokio::io::sink()).await });
        let emptied = async {
            while probe.read().expect("a connected socket").held() > 0 {
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(10), emptied).await.expect("all is read");
        let info = probe.read().expect("a connected socket");
        assert!(info.rtt.as_secs_f64() > 0.0 && info.delivery_rate.is_some_and(|rate| rate > 0), "{info:?}");
        drop((ours, probe));
        assert_eq!(reader.await.unwrap().unwrap(), written, "the probe does not keep a dropped socket open");
    }
}
