//! The vocabulary of the live workspace.

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
pub mod packet;
pub mod pixels;
pub mod queue;
pub mod registry;
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
pub use packet::{Codec, Metadata, Packet, PacketKind, Track};
pub use registry::{Registry, Selection};
pub use time::{SessionClock, Timestamp};
pub use traits::*;
pub use url::{Scheme, StreamUrl, UrlError};
