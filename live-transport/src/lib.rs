//! RTMP, FLV, AMF0 and HTTP-FLV for live streaming.

pub mod amf0;
pub mod flv;
mod nal;
#[cfg(any(feature = "rtmp", feature = "http-flv"))]
pub mod net;
#[cfg(feature = "rtmp")]
pub mod rtmp;
