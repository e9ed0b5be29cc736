//! Where the protocols meet the world: connections, files and the loops that drive them, over tokio.
//!
//! Nothing outside this module awaits.

pub mod connect;
#[cfg(feature = "rtmp")]
pub(crate) mod drive;
#[cfg(feature = "rtmp")]
pub mod rtmp;
