//! Where the protocols meet the world: connections, files and the loops that drive them, over tokio.
//!
//! Nothing outside this module awaits.

#[cfg(any(feature = "rtmp", feature = "http-flv"))]
pub mod connect;
#[cfg(feature = "rtmp")]
pub(crate) mod drive;
#[cfg(any(feature = "ws-flv", feature = "relay"))]
mod farewell;
pub mod file;
#[cfg(feature = "http-flv")]
pub mod http;
#[cfg(feature = "http-flv")]
mod incoming;
#[cfg(any(feature = "rtmp", feature = "http-flv"))]
pub mod options;
#[cfg(any(feature = "rtmp", feature = "http-flv"))]
mod pace;
#[cfg(any(feature = "rtmp", feature = "http-flv"))]
pub mod proxy;
#[cfg(feature = "relay")]
pub mod relay;
#[cfg(feature = "rtmp")]
pub mod rtmp;
#[cfg(all(feature = "tls", any(feature = "rtmp", feature = "http-flv")))]
pub mod tls;
#[cfg(feature = "ws-flv")]
pub mod ws;
