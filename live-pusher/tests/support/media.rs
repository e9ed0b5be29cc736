//! What several tests need.

#![allow(dead_code)]

use live_core::{Packet, Timestamp};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;

/// An address nobody listens on.
pub fn free_port() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port")
}

/// Every packet of a file.
pub fn packets(path: &Path) -> Vec<Packet> {
    let mut file = live_transport::net::file::open(path).expect("a recording");
    std::iter::from_fn(|| file.next_packet().expect("a whole recording")).collect()
}

/// When the pictures of a file are shown.
pub fn pictures(path: &Path) -> Vec<Timestamp> {
    packets(path).iter().filter(|packet| packet.is_video_unit()).map(|packet| packet.pts).collect()
}
