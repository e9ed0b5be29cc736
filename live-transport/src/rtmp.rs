//! RTMP: the real-time messaging protocol, without I/O.
//!
//! Bytes and time go in, bytes and events come out; nothing here waits, reads a clock or knows a socket. The layers,
//! each usable on its own:
//!
//! | layer | module | Adobe RTMP 1.0 |
//! |---|---|---|
//! | handshake, plain and with digest | [`handshake`] | 5.2 |
//! | chunks and messages | [`chunk`] | 5.3, 5.4 |
//! | acknowledgements, pings, aggregates | inside the sessions; [`UserControl`] | 5.4, 7.1 |
//! | commands | [`Command`], [`auth`] | 7.2 |
//! | one connection | [`ClientSession`], [`ServerSession`] | 7.3 |
//!
//! Media messages have the bodies of FLV tags ([`flv`](crate::flv)); a [`ClientSession`] turns them into and out of
//! [`Packet`](live_core::Packet)s, a [`ServerSession`] passes them through as they are, so it serves every codec.
//!
//! Everything a peer can make us hold is bounded by [`chunk::Limits`], every step of a session has a deadline, and a
//! payload on its way out is never copied ([`Outgoing`]).
//!
//! A publisher and a server, wired together:
//!
//! ```
//! use bytes::{Buf, BytesMut};
//! use live_core::{Packet, Timestamp};
//! use live_transport::rtmp::{
//!     ClientConfig, ClientEvent, ClientSession, Purpose, ServerConfig, ServerEvent, ServerSession,
//! };
//! use std::time::Instant;
//!
//! let now = Instant::now();
//! let config = ClientConfig::new(Purpose::Publish, "rtmp://example.com/live/cam1".parse()?);
//! let mut client = ClientSession::new(now, config);
//! let mut server = ServerSession::new(now, ServerConfig::default());
//! let (mut up, mut down) = (BytesMut::new(), BytesMut::new());
//! let mut published = Vec::new();
//!
//! while client.outgoing().has_remaining() || server.outgoing().has_remaining() {
//!     let size = client.outgoing().remaining();
//!     up.extend_from_slice(&client.outgoing().copy_to_bytes(size));
//!     server.handle_input(now, &mut up)?;
//!     while let Some(event) = server.poll_event() {
//!         match event {
//!             ServerEvent::Publish { stream, .. } => server.accept(now, stream),
//!             ServerEvent::Media(message) => published.push(message),
//!             _ => {}
//!         }
//!     }
//!     let size = server.outgoing().remaining();
//!     down.extend_from_slice(&server.outgoing().copy_to_bytes(size));
//!     client.handle_input(now, &mut down)?;
//!     while let Some(event) = client.poll_event() {
//!         if event == ClientEvent::Accepted {
//!             client.set_epoch(Timestamp::ZERO);
//!             client.send(&Packet::audio(Timestamp::ZERO, b"an access unit".as_slice().into()))?;
//!         }
//!     }
//! }
//! assert_eq!(published.len(), 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod aggregate;
pub mod auth;
pub mod chunk;
mod client;
mod command;
mod control;
mod error;
pub mod handshake;
mod link;
mod outgoing;
mod server;

pub use client::{ClientConfig, ClientEvent, ClientSession, Purpose};
pub use command::{Command, Info};
pub use control::UserControl;
pub use error::{Error, Refusal, Step};
pub use outgoing::Outgoing;
pub use server::{ServerConfig, ServerEvent, ServerSession};

/// The chunk streams that we send on. Any number does; one for each kind keeps the headers short.
mod chunk_stream {
    pub(super) const COMMAND: u32 = 3;
    pub(super) const AUDIO: u32 = 4;
    pub(super) const DATA: u32 = 5;
    pub(super) const VIDEO: u32 = 6;
}
