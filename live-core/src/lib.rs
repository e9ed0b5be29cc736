//! The vocabulary of the live workspace: what sources, codecs, transports and sinks have to agree on.
//!
//! A backend's author needs this crate and nothing else. It has no I/O, no runtime and no FFI; it knows no protocol, no
//! codec library and no device.
//!
//! | to … | look at |
//! |---|---|
//! | pass media around | [`VideoFrame`], [`AudioFrame`], [`Packet`], [`Timestamp`] |
//! | write a source, codec, transport or sink | [`traits`], and [`registry`] to offer a codec |
//! | connect stages | [`queue`]: frames to a worker, packets to any number of outputs |
//! | configure a pusher or player | [`config`], by the specification's attribute names; [`url`] for addresses |
//! | understand what it tells | [`code`], [`event`], [`net_status`] |
//! | work on pixels | [`pixels`]: conversion, scaling, rotation, fitting, comparison |
//! | read and write simple files | [`formats`]: Y4M and WAV, over any `Read` and `Write` |
//!
//! Encoded media goes through a [`PacketQueue`](queue::PacketQueue), from which each destination reads on its own:
//!
//! ```
//! use bytes::Bytes;
//! use live_core::queue::{DropRule, PacketQueue, QueueLimits};
//! use live_core::{Codec, Packet, Timestamp};
//!
//! let queue = PacketQueue::new(QueueLimits::default());
//! queue.push(Packet::config(Codec::H264, Timestamp::ZERO, Bytes::from_static(b"avcC")));
//! queue.push(Packet::key(Timestamp::ZERO, Timestamp::ZERO, Bytes::from_static(b"IDR picture")));
//!
//! // One that comes late begins with what describes the stream, and the current group of pictures.
//! let mut late = queue.reader(DropRule::default());
//! assert!(late.try_next().is_some_and(|packet| packet.is_stream_information()));
//! assert!(late.try_next().is_some_and(|packet| packet.is_video_unit()));
//! ```
//!
//! # Features
//! `conformance` adds the module of that name: the examination every codec and source backend sits. `simnet` adds a
//! simulated network, for tests of what reacts to one.

#![cfg_attr(not(test), warn(clippy::unwrap_used))]

pub mod backoff;
pub mod code;
pub mod config;
#[cfg(feature = "conformance")]
pub mod conformance;
pub mod error;
pub mod event;
pub mod formats;
pub mod frame;
pub mod net_status;
pub mod output;
pub mod packet;
pub mod pixels;
pub mod queue;
pub mod registry;
#[cfg(feature = "simnet")]
pub mod simnet;
pub mod state;
pub mod time;
pub mod traits;
pub mod url;

pub use code::{PlayerCode, PusherCode, PusherErrorCode, Severity, UnknownCode};
pub use config::{CheckedPlayerConfig, CheckedPusherConfig, ConfigError, PlayerConfig, PusherConfig};
pub use error::{
    CaptureError, CaptureErrorKind, CodecError, CodecErrorKind, TransportError, TransportErrorKind,
};
pub use frame::{
    AudioFrame, AudioSpec, Color, I420, Matrix, NativeSurface, PicturePool, Plane, Range, Rotation, Surface,
    VideoFrame,
};
pub use net_status::{LinkCounters, MediaCounters, Meter, NetStatus};
pub use output::{OutputEvent, OutputId, OutputState, OutputStatus};
pub use packet::{Codec, Metadata, Packet, PacketKind, Track};
pub use registry::{Registry, Selection};
pub use time::{SessionClock, Timestamp};
pub use traits::*;
pub use url::{Scheme, StreamUrl, UrlError};
