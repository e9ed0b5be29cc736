//! Flash Video: the container of HTTP-FLV and of recordings, and the payload format of RTMP's media messages.
//!
//! Everything here is sans-IO. Two layers, usable on their own:
//!
//! | layer | reading | writing | who uses it |
//! |---|---|---|---|
//! | file: header, tags, back pointers | [`Demuxer`] | [`Muxer`] | files, HTTP-FLV |
//! | tag body and wire time | [`Depacketizer`] | [`Packetizer`] | the above, and RTMP, whose audio, video and data messages have the same bodies |
//!
//! Payloads are slices of what was read, and are written from where they lie: the few bytes that FLV puts before them
//! are kept apart ([`TagParts`]).
//!
//! # What is covered
//!
//! Video File Format Specification 10.1, annex E: the file (E.3, E.4.1), audio (E.4.2), video (E.4.3), script data
//! (E.4.4). H.264, AAC and MP3 are read and written; HEVC as codec id 12, which Chinese networks use and no
//! specification knows, is read and never written. Everything else, and the extended headers of Enhanced RTMP, is
//! passed over with an error that names the codec. Encrypted tags (annex F) are passed over.
//!
//! ```
//! use bytes::{Bytes, BytesMut};
//! use live_core::{Codec, Packet, Timestamp};
//! use live_transport::flv::{Demuxer, Depacketizer, Header, Muxer};
//!
//! let mut file = BytesMut::new();
//! Header::default().write(&mut file);
//! let mut muxer = Muxer::new(Timestamp::ZERO);
//! let config = Packet::config(Codec::Aac, Timestamp::ZERO, Bytes::from_static(&[0x11, 0x90]));
//! let sound = Packet::audio(Timestamp::from_millis(21), Bytes::from_static(b"an access unit"));
//! for packet in [&config, &sound] {
//!     muxer.write(packet, &mut file)?;
//! }
//!
//! let (mut demuxer, mut depacketizer, mut packets) = (Demuxer::new(), Depacketizer::new(), Vec::new());
//! while let Some(tag) = demuxer.read(&mut file)? {
//!     depacketizer.read_tag(tag, &mut packets)?;
//! }
//! assert_eq!(packets, [config, sound]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod audio;
mod demux;
mod depacketize;
mod error;
mod header;
mod mux;
mod packetize;
pub mod script;
mod tag;
pub mod timeline;
mod video;

pub use demux::Demuxer;
pub use depacketize::Depacketizer;
pub use error::{Error, ErrorKind, ForeignCodec};
pub use header::Header;
pub use mux::{MuxedTag, Muxer};
pub use packetize::{BodyHead, Packetizer, TagParts};
pub use tag::{Tag, TagKind};
