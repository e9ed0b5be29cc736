//! Servers that do one thing wrong.

use crate::served::{self, Served};
use bytes::{Buf as _, BytesMut};
use live_transport::rtmp::{ServerConfig, ServerEvent, ServerSession};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::Notify;

/// How the player reaches the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Rtmp,
    Rtmps,
    Http,
    Https,
    Ws,
    Wss,
}

impl Way {
    fn scheme(self) -> String {
        format!("{self:?}").to_lowercase()
    }
}

/// What a server does with each connection.
#[derive(Clone)]
pub enum Act {
    /// There is nobody at its port.
    Refuse,
    /// Closes once something was asked.
    Close,
    /// The same with an RST.
    Reset,
    /// Keeps the connection and says nothing.
    Hang,
    /// Says this to whatever is asked, and keeps the connection.
    Say(Vec<u8>),
    /// RTMP: refuses `connect` with this code.
    AnswerConnect(&'static str),
    /// RTMP: does not answer `connect`.
    HangAtConnect,
    /// RTMP: closes in place of answering `connect`.
    CloseAtConnect,
    /// RTMP: refuses `play` with this code.
    AnswerPlay(&'static str),
}

/// What happens to a connection in the middle of a stream.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    Close,
    Reset,
    Silence,
    Garbage,
    /// Closes after the first few bytes of a tag.
    CutTag,
}

/// A server on a runtime of its own, which ends with it.
pub struct Server {
    way: Way,
    address: SocketAddr,
    /// Breaks the first connection.
    cut: Arc<Notify>,
    /// What is served, when anything is.
    served: Option<Served>,
    runtime: Option<Runtime>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.runtime.take().into_iter().for_each(|runtime| runtime.shutdown_timeout(Duration::from_secs(5)));
    }
}

impl Server {
    fn listen(way: Way, served: Option<Served>) -> (Self, TcpListener) {
        let runtime = served::runtime();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        (Self { way, address, cut: Arc::default(), served, runtime: Some(runtime) }, listener)
    }

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.runtime.as_ref().unwrap().spawn(task);
    }

    pub fn src(&self) -> String {
        served::src(&self.way.scheme(), self.address)
    }

    /// Does the same with everybody.
    pub fn acting(way: Way, act: Act) -> Self {
        let (server, listener) = Self::listen(way, None);
        if !matches!(act, Act::Refuse) {
            server.spawn(async move {
                while let Ok((stream, _)) = listener.accept().await {
                    tokio::spawn(perform(stream, act.clone()));
                }
            });
        }
        server
    }

    /// Serves a stream that breaks as `fault` says when [`cut`](Self::cut) is called, for the first who comes, and is
    /// whole for whoever comes later, until [`end`](Self::end).
    pub fn breaking_once(way: Way, fault: Fault) -> Self {
        let served = Served::start();
        let behind = served.address(&way.scheme());
        let (server, listener) = Self::listen(way, Some(served));
        server.spawn(pass_on(listener, behind, fault, Arc::clone(&server.cut)));
        server
    }

    pub fn cut(&self) {
        self.cut.notify_one();
    }

    pub fn end(&self) {
        self.served.iter().for_each(Served::end);
    }
}

/// Between players and a server: the first connection breaks.
async fn pass_on(listener: TcpListener, behind: SocketAddr, fault: Fault, cut: Arc<Notify>) {
    let is_first = Arc::new(AtomicBool::new(true));
    while let Ok((mut player, _)) = listener.accept().await {
        let (cut, is_first) = (Arc::clone(&cut), Arc::clone(&is_first));
        tokio::spawn(async move {
            let mut server = TcpStream::connect(behind).await.unwrap();
            if !is_first.swap(false, SeqCst) {
                let _ = copy_bidirectional(&mut player, &mut server).await;
                return;
            }
            tokio::select! {
                _ = copy_bidirectional(&mut player, &mut server) => return,
                () = cut.notified() => {}
            }
            let mut piece = [0; 7];
            match fault {
                Fault::Close => {}
                Fault::Reset => player.set_zero_linger().unwrap(),
                Fault::Silence => std::future::pending().await,
                Fault::Garbage => {
                    player.write_all(&[0xfe; 5000]).await.unwrap();
                    std::future::pending().await
                }
                Fault::CutTag => {
                    server.read_exact(&mut piece).await.unwrap();
                    player.write_all(&piece).await.unwrap();
                }
            }
        });
    }
}

async fn perform(mut stream: TcpStream, act: Act) {
    let performed = async {
        match act {
            Act::Refuse => {}
            Act::Close => drop(read_some(&mut stream).await?),
            Act::Reset => {
                read_some(&mut stream).await?;
                stream.set_zero_linger()?;
            }
            Act::Hang => std::future::pending().await,
            Act::Say(bytes) => {
                read_some(&mut stream).await?;
                stream.write_all(&bytes).await?;
                std::future::pending().await
            }
            Act::AnswerConnect(code) => {
                shake_hands(&mut stream).await?;
                stream.write_all(&refused_connect(code)).await?;
                std::future::pending().await
            }
            Act::HangAtConnect => {
                shake_hands(&mut stream).await?;
                std::future::pending().await
            }
            Act::CloseAtConnect => shake_hands(&mut stream).await?,
            Act::AnswerPlay(code) => refuse_play(&mut stream, code).await?,
        }
        std::io::Result::Ok(())
    };
    // A player that goes away first is what some acts are about.
    let _ = performed.await;
}

async fn read_some(stream: &mut TcpStream) -> std::io::Result<usize> {
    stream.read(&mut [0; 16 * 1024]).await
}

/// The plain handshake, and `connect` is read.
async fn shake_hands(stream: &mut TcpStream) -> std::io::Result<()> {
    let mut asked = vec![0; 1537];
    stream.read_exact(&mut asked).await?;
    let answer = [&[3][..], &[0; 1536], &asked[1..]].concat();
    stream.write_all(&answer).await?;
    stream.read_exact(&mut [0; 1536]).await?;
    read_some(stream).await?;
    Ok(())
}

/// `_error` to `connect`, as a chunk.
fn refused_connect(code: &str) -> Vec<u8> {
    let mut body = Vec::new();
    let string = |body: &mut Vec<u8>, text: &str| {
        body.extend_from_slice(&(text.len() as u16).to_be_bytes());
        body.extend_from_slice(text.as_bytes());
    };
    body.push(2);
    string(&mut body, "_error");
    body.push(0);
    body.extend_from_slice(&1f64.to_be_bytes());
    body.extend_from_slice(&[5, 3]);
    for (name, value) in [("level", "error"), ("code", code)] {
        string(&mut body, name);
        body.push(2);
        string(&mut body, value);
    }
    body.extend_from_slice(&[0, 0, 9]);
    assert!(body.len() <= 128, "one chunk");
    let head = [3, 0, 0, 0, 0, 0, body.len() as u8, 20, 0, 0, 0, 0];
    [&head[..], &body].concat()
}

/// A server that lets everybody in and refuses to let anything be played.
async fn refuse_play(stream: &mut TcpStream, code: &str) -> std::io::Result<()> {
    let mut session = ServerSession::new(Instant::now(), ServerConfig::default());
    let mut input = BytesMut::new();
    loop {
        while session.outgoing().has_remaining() {
            stream.write_buf(session.outgoing()).await?;
        }
        if stream.read_buf(&mut input).await? == 0 {
            return Ok(());
        }
        session.handle_input(Instant::now(), &mut input).map_err(std::io::Error::other)?;
        while let Some(event) = session.poll_event() {
            if let ServerEvent::Play { stream, .. } = event {
                session.refuse(Instant::now(), stream, code, "as the script says");
            }
        }
    }
}
