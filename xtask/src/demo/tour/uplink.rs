//! An uplink of a capacity that can be changed, between the pusher and the relay.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

/// How often some bytes pass: small portions, as a slow line has them.
const TICK: Duration = Duration::from_millis(10);
/// What the far end of the line takes in without its having been carried: as little as the system allows.
const BUFFER: u32 = 8192;

/// Passes connections on to a server, upwards at a limited rate.
pub struct Uplink {
    /// Where to connect to.
    pub addr: SocketAddr,
    kbps: Arc<AtomicU32>,
    task: JoinHandle<()>,
}

impl Uplink {
    /// An uplink to `server` of `kbps`.
    pub fn to(server: SocketAddr, kbps: u32) -> io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.set_recv_buffer_size(BUFFER)?;
        socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
        let listener = socket.listen(4)?;
        let addr = listener.local_addr()?;
        let kbps = Arc::new(AtomicU32::new(kbps));
        let task = tokio::spawn(serve(listener, server, Arc::clone(&kbps)));
        Ok(Self { addr, kbps, task })
    }

    /// Changes what it carries.
    pub fn set(&self, kbps: u32) {
        self.kbps.store(kbps, Relaxed);
    }
}

impl Drop for Uplink {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(listener: TcpListener, server: SocketAddr, kbps: Arc<AtomicU32>) {
    while let Ok((client, _)) = listener.accept().await {
        // A server that is not there refuses; the client's connection is closed, as the server's would be.
        if let Ok(server) = TcpStream::connect(server).await {
            pass(client, server, &kbps).await;
        }
    }
}

/// Carries bytes until either side closes.
async fn pass(client: TcpStream, server: TcpStream, kbps: &AtomicU32) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let up = async {
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut portion = Vec::new();
        loop {
            ticks.tick().await;
            let bytes = f64::from(kbps.load(Relaxed)) * 125.0 * TICK.as_secs_f64();
            portion.resize(bytes as usize, 0);
            match from_client.read(&mut portion).await {
                Ok(length @ 1..) if to_server.write_all(&portion[..length]).await.is_ok() => {}
                _ => return,
            }
        }
    };
    tokio::select! {
        () = up => {}
        _ = copy(&mut from_server, &mut to_client) => {}
    }
}
