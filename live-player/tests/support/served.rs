//! A stream that is published in real time and served by the relay.

use crate::support::stream;
use live_core::queue::{DropRule, PacketQueue, QueueLimits};
use live_core::{OutputCx, Packet, Publisher as _, WireEpoch};
use live_transport::net::relay::{Relay, RelayConfig};
use live_transport::net::rtmp::RtmpPublisher;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::sync::Notify;

/// In every address; never to be seen in what is told.
pub const SECRET: &str = "SECRETtoken";

/// Where the stream is at a server, over a scheme.
pub fn src(scheme: &str, server: SocketAddr) -> String {
    let extension = if scheme.starts_with("rtmp") { "" } else { ".flv" };
    format!("{scheme}://{server}/live/x{extension}?token={SECRET}")
}

/// A runtime for a server; it ends with its owner.
pub fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}

/// Publisher and relay, on a runtime of their own.
pub struct Served {
    rtmp: SocketAddr,
    http: SocketAddr,
    end: Arc<Notify>,
    runtime: Option<Runtime>,
}

impl Served {
    /// Ten seconds of a stream, and then nothing, until [`end`](Self::end).
    pub fn start() -> Self {
        let (runtime, end) = (runtime(), Arc::<Notify>::default());
        let (rtmp, http) = runtime.block_on(async {
            let any = "127.0.0.1:0".parse().unwrap();
            let relay = Relay::bind(RelayConfig::new(any).with_http(any)).await.unwrap();
            let addresses = (relay.rtmp_addr(), relay.http_addr().unwrap());
            tokio::spawn(relay.run());
            let ended = Arc::clone(&end);
            tokio::spawn(async move { publish(addresses.0, stream(250, 0), ended.notified()).await });
            addresses
        });
        Self { rtmp, http, end, runtime: Some(runtime) }
    }

    /// Who serves a scheme.
    pub fn address(&self, scheme: &str) -> SocketAddr {
        if scheme == "rtmp" { self.rtmp } else { self.http }
    }

    /// The publisher leaves.
    pub fn end(&self) {
        self.end.notify_one();
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.runtime.take().into_iter().for_each(|runtime| runtime.shutdown_timeout(Duration::from_secs(5)));
    }
}

/// Publishes `packets` in real time, and leaves when `end` has come.
pub async fn publish(relay: SocketAddr, packets: Vec<Packet>, end: impl Future<Output = ()>) {
    let queue = PacketQueue::new(QueueLimits::default());
    let mut reader = queue.reader(DropRule::default());
    let cx = OutputCx { events: Arc::new(|_| {}), counters: Arc::default(), epoch: WireEpoch::default() };
    let url = format!("rtmp://{relay}/live/x").parse().unwrap();
    let feeding = async {
        let start = tokio::time::Instant::now();
        for packet in packets {
            let due = Duration::from_micros(packet.dts.as_micros().max(0).unsigned_abs());
            // Real time: viewers on real sockets watch.
            tokio::time::sleep_until(start + due).await;
            queue.push(packet);
        }
        std::future::pending::<()>().await;
    };
    let ending = async {
        tokio::select! {
            () = feeding => {}
            () = end => queue.close(),
        }
    };
    let publisher = RtmpPublisher::default();
    tokio::join!(ending, publisher.publish(&url, &mut reader, &cx));
}
