//! RTMP, FLV, AMF0 and HTTP-FLV for live streaming.

#![cfg_attr(not(test), warn(clippy::unwrap_used))]

pub mod amf0;
pub mod flv;
mod nal;
pub mod net;
#[cfg(feature = "rtmp")]
pub mod rtmp;
