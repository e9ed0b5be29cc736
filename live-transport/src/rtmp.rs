//! RTMP.

mod aggregate;
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
