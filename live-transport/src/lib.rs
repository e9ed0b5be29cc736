//! RTMP, FLV, AMF0, HTTP-FLV and WS-FLV for live streaming.
//!
//! Two halves. The protocol cores take bytes and time and give bytes and events; they know no socket and no runtime, so
//! they run in a test, a fuzzer or a runtime of your own. [`net`] ties them to tokio: connections, files, a relay.
//!
//! | module | is | feature |
//! |---|---|---|
//! | [`amf0`] | the values of commands and metadata | always |
//! | [`flv`] | tags, and their bodies as [`Packet`](live_core::Packet)s | always |
//! | `rtmp` | chunks, handshake, client and server sessions | `rtmp`, default |
//! | `net::rtmp` | publish and play over TCP | `rtmp`, default |
//! | `net::http` | HTTP-FLV push and pull | `http-flv`, default |
//! | `net::ws` | WS-FLV pull | `ws-flv` |
//! | `net::{connect, proxy, options}` | the way to a server, proxies included | either |
//! | `net::tls` | RTMPS, HTTPS and WSS | `tls` |
//! | [`net::file`] | FLV and MP4 files in, FLV files out | always |
//! | `net::relay` | a small server: RTMP in, RTMP, HTTP-FLV and WS-FLV out | `relay` |
//!
//! A publisher takes its packets from a queue, so whatever makes packets can be published:
//!
//! ```no_run
//! # #[cfg(feature = "rtmp")] {
//! use live_core::queue::{DropRule, PacketQueue, QueueLimits};
//! use live_core::{Outcome, OutputCx, Packet, Publisher, WireEpoch};
//! use live_transport::net::rtmp::RtmpPublisher;
//! use std::sync::Arc;
//!
//! # async fn publish(packets: Vec<Packet>) -> Result<(), Box<dyn std::error::Error>> {
//! let queue = PacketQueue::new(QueueLimits::default());
//! let mut reader = queue.reader(DropRule::default());
//! packets.into_iter().for_each(|packet| queue.push(packet));
//! queue.close();
//!
//! let cx = OutputCx {
//!     events: Arc::new(|event| println!("{event:?}")),
//!     counters: Arc::default(),
//!     epoch: WireEpoch::default(),
//! };
//! let url = "rtmp://127.0.0.1/live/demo".parse()?;
//! match RtmpPublisher::default().publish(&url, &mut reader, &cx).await {
//!     Outcome::Ended => println!("everything was sent"),
//!     Outcome::Moved(url) => println!("the server wants us at {url}"),
//!     Outcome::Lost(error) => return Err(error.into()),
//! }
//! # Ok(()) }
//! # }
//! ```
//!
//! Input never panics, and what a peer can make this crate hold is bounded: each reader has its limits, each step its
//! deadline. The rules that implementations get wrong have tests named for them, `t01_…` to `t96_…`.

#![cfg_attr(not(test), warn(clippy::unwrap_used))]

pub mod amf0;
pub mod flv;
mod nal;
pub mod net;
#[cfg(feature = "rtmp")]
pub mod rtmp;
