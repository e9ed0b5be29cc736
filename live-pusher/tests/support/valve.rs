//! A door between a pusher and its server: open, shut, or slammed.
#![allow(dead_code)]

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

const OPEN: u8 = 0;
const SHUT: u8 = 1;
const SLAMMED: u8 = 2;

/// How often a door that is not open is looked at.
const GLANCE: Duration = Duration::from_millis(10);

/// Passes one connection at a time on to a server, with little room in between.
pub struct Valve {
    addr: SocketAddr,
    state: Arc<AtomicU8>,
    task: tokio::task::JoinHandle<()>,
}

impl Valve {
    /// In front of `server`.
    pub fn before(server: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        // What has passed the door unseen is what a test cannot hold back.
        socket.set_recv_buffer_size(8192).unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener = socket.listen(1).unwrap();
        let addr = listener.local_addr().unwrap();
        let state = Arc::new(AtomicU8::new(OPEN));
        let task = tokio::spawn(serve(listener, server, Arc::clone(&state)));
        Self { addr, state, task }
    }

    /// Where to connect to.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Nothing is taken from the pusher any more.
    pub fn shut(&self) {
        self.state.store(SHUT, Relaxed);
    }

    /// Everything is passed on again.
    pub fn open(&self) {
        self.state.store(OPEN, Relaxed);
    }

    /// Resets the connection.
    pub fn slam(&self) {
        self.state.store(SLAMMED, Relaxed);
    }
}

impl Drop for Valve {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(listener: TcpListener, server: SocketAddr, state: Arc<AtomicU8>) {
    while let Ok((client, _)) = listener.accept().await {
        if let Ok(server) = TcpStream::connect(server).await {
            pass(client, server, &state).await;
        }
    }
}

async fn pass(mut client: TcpStream, mut server: TcpStream, state: &AtomicU8) {
    let (mut up, mut down) = (vec![0; 4096], vec![0; 4096]);
    loop {
        match state.load(Relaxed) {
            SLAMMED => {
                // Closing with bytes unread, and without lingering, resets the connection.
                let _ = client.set_zero_linger();
                return;
            }
            SHUT => {
                tokio::time::sleep(GLANCE).await;
                continue;
            }
            _ => {}
        }
        let passed = tokio::select! {
            () = tokio::time::sleep(GLANCE) => true,
            read = client.read(&mut up) => pass_on(read, &up, &mut server).await,
            read = server.read(&mut down) => pass_on(read, &down, &mut client).await,
        };
        if !passed {
            return;
        }
    }
}

/// Whether something was read and could be passed on.
async fn pass_on(read: std::io::Result<usize>, bytes: &[u8], to: &mut TcpStream) -> bool {
    let Ok(length @ 1..) = read else { return false };
    to.write_all(&bytes[..length]).await.is_ok()
}
