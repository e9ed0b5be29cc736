//! What the tests over a real network share: a relay, a stream to publish, and somebody who plays.
#![allow(dead_code, reason = "each test file uses its own part")]
#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

pub mod ffmpeg;

use async_trait::async_trait;
use bytes::Bytes;
use live_core::queue::{DropRule, PacketQueue, PacketReader, QueueLimits};
use live_core::{
    Codec, LinkEvent, LinkEventHandler, MediaSender, Metadata, OutputCx, Packet, PacketKind, SubscriptionCx,
    Timestamp, WireEpoch,
};
use live_transport::net::relay::{Relay, RelayConfig};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// A port on this machine that is free.
pub const ANY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// A relay that serves until it is dropped.
pub struct RunningRelay {
    pub rtmp: SocketAddr,
    pub http: SocketAddr,
    task: JoinHandle<()>,
}

impl RunningRelay {
    pub async fn start() -> Self {
        Self::start_with(RelayConfig::new(ANY).with_http(ANY)).await
    }

    pub async fn start_with(config: RelayConfig) -> Self {
        let relay = Relay::bind(config).await.unwrap();
        let (rtmp, http) = (relay.rtmp_addr(), relay.http_addr().unwrap_or(ANY));
        Self { rtmp, http, task: tokio::spawn(relay.run()) }
    }

    pub fn rtmp_url(&self, name: &str) -> String {
        format!("rtmp://{}/live/{name}", self.rtmp)
    }

    pub fn http_url(&self, name: &str) -> String {
        format!("http://{}/live/{name}.flv", self.http)
    }
}

impl Drop for RunningRelay {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Events as they came.
#[derive(Clone, Default)]
pub struct Events(Arc<Mutex<Vec<LinkEvent>>>);

impl Events {
    pub fn handler(&self) -> LinkEventHandler {
        let events = Arc::clone(&self.0);
        Arc::new(move |event| events.lock().unwrap().push(event))
    }

    pub fn list(&self) -> Vec<LinkEvent> {
        self.0.lock().unwrap().clone()
    }

    pub fn accepted(&self) -> bool {
        self.list().contains(&LinkEvent::Accepted)
    }
}

pub fn output_cx(events: &Events) -> OutputCx {
    OutputCx { events: events.handler(), counters: Arc::default(), epoch: WireEpoch::default() }
}

pub fn subscription_cx(events: &Events) -> SubscriptionCx {
    SubscriptionCx { events: events.handler(), counters: Arc::default() }
}

/// Everything received, in a channel; closed when the receiver is dropped.
pub struct Sink(mpsc::UnboundedSender<Packet>);

pub fn sink() -> (Sink, mpsc::UnboundedReceiver<Packet>) {
    let (sender, receiver) = mpsc::unbounded_channel();
    (Sink(sender), receiver)
}

#[async_trait]
impl MediaSender for Sink {
    fn send(&mut self, packet: Packet) {
        let _ = self.0.send(packet);
    }

    async fn room(&mut self) {}

    async fn closed(&self) {
        self.0.closed().await;
    }
}

/// A queue that a test fills, and its reader.
pub fn queue() -> (PacketQueue, PacketReader) {
    let queue = PacketQueue::new(QueueLimits::default());
    let reader = queue.reader(DropRule::NEVER);
    (queue, reader)
}

/// Metadata and configurations as a pusher sends them.
pub fn information() -> Vec<Packet> {
    let metadata =
        Metadata { width: Some(320), height: Some(240), encoder: Some("test".into()), ..Metadata::default() };
    let avcc = Bytes::from_static(&[1, 66, 0, 30, 0xFF, 0xE1, 0, 4, 0x67, 66, 0, 30, 1, 0, 2, 0x68, 0xCE]);
    vec![
        Packet::metadata(Timestamp::ZERO, metadata),
        Packet::config(Codec::H264, Timestamp::ZERO, avcc),
        Packet::config(Codec::Aac, Timestamp::ZERO, Bytes::from_static(&[0x11, 0x90])),
    ]
}

/// `count` pictures of 40 ms from `start` on with a key frame every tenth, and sound beside them.
pub fn media(start: Timestamp, count: u32) -> Vec<Packet> {
    let mut packets = Vec::new();
    for index in 0..count {
        let at = start.offset_micros(i64::from(index) * 40_000);
        let unit = |kind: u8, size: usize| {
            let mut unit = (size as u32 + 1).to_be_bytes().to_vec();
            unit.push(kind);
            unit.resize(size + 5, index as u8);
            Bytes::from(unit)
        };
        packets.push(match index % 10 {
            0 => Packet::key(at, at, unit(0x65, 70_000)),
            _ => Packet::delta(at, at, false, unit(0x41, 900)),
        });
        packets.push(Packet::audio(at.offset_micros(5_000), Bytes::from(vec![index as u8; 180])));
    }
    packets
}

/// Without the arrival time, which differs.
pub fn bare(mut packet: Packet) -> Packet {
    packet.arrival = None;
    packet
}

/// Pictures and sound only.
pub fn is_media(packet: &Packet) -> bool {
    packet.is_video_unit() || packet.kind == PacketKind::Audio
}
