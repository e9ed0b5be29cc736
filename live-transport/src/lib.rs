//! RTMP, FLV, AMF0 and HTTP-FLV for live streaming.

pub mod amf0;
#[cfg(feature = "rtmp")]
pub mod rtmp;
