//! H.264 and AAC behind the codec traits of [`live_core`].
//!
//! [`register_enabled`] adds a row for every backend that is compiled in, and a [`Registry`](live_core::Registry)
//! picks one. Backends can be opened by hand as well; each is a type with an `open` of its own.
//!
//! | backend | does | feature | licence |
//! |---|---|---|---|
//! | [`openh264`] | H.264 encoding (Baseline, High without B-frames) and decoding (Baseline, Main, High; 8 bits, 4:2:0, progressive) | `openh264`, default | BSD-2-Clause; royalties are left to whoever ships |
//! | [`rusty_h264`] | H.264 decoding, exact for streams with B-frames (8 bits, 4:2:0, progressive) | `rusty-h264`, default | BSD-2-Clause; likewise |
//! | [`fdk`] | AAC-LC encoding; AAC-LC and HE-AAC v1 and v2 decoding, up to 8 channels | `fdk-aac`, default | FDK-AAC (no patent licence) |
//! | [`symphonia`] | AAC-LC decoding, mono and stereo | `symphonia`, default | MPL-2.0 |
//! | `syom` | AAC-LC encoding | `syom` | MIT |
//!
//! Feature `sound-files` adds [`sound_file`]: WAV, MP3, FLAC and AAC files, decoded from anywhere in them.
//!
//! The rest is pure and always there: [`h264`] for what containers and codecs disagree about, [`aac`] for AAC's
//! configuration, [`downmix`] for sound with more channels than can be sent.
//!
//! Building with `openh264` needs a C++ compiler and wants `nasm`: without it the codec is 2.5 to 3 times slower,
//! and the build says so.
//!
//! ```
//! # #[cfg(feature = "openh264")] {
//! use live_core::{
//!     Codec, Color, Entropy, PacketKind, PicturePool, Registry, Selection, Timestamp, VideoEncoderConfig, VideoFrame,
//! };
//!
//! let mut registry = Registry::default();
//! live_codec::register_enabled(&mut registry);
//!
//! let config = VideoEncoderConfig {
//!     width: 640,
//!     height: 360,
//!     frame_rate: 30.0,
//!     kbps: 800,
//!     gop: 60,
//!     color: Color::BT601,
//!     entropy: Entropy::Auto,
//!     threads: 1,
//!     slices: 1,
//! };
//! let mut encoder = registry.video_encoders.open(Codec::H264, &Selection::Auto, &config)?.codec;
//!
//! let mut packets = Vec::new();
//! let picture = PicturePool::new().black(640, 360);
//! encoder.encode(&VideoFrame::new(Timestamp::ZERO, Color::BT601, picture), &mut packets)?;
//! assert_eq!(packets[0].kind, PacketKind::Config(Codec::H264));
//! assert_eq!(packets[1].kind, PacketKind::Key);
//!
//! let mut decoder = registry.video_decoders.open(Codec::H264, &Selection::Auto, &packets[0])?.codec;
//! let mut frames = Vec::new();
//! decoder.decode(&packets[1], &mut frames)?;
//! assert_eq!((frames[0].width(), frames[0].height()), (640, 360));
//! # }
//! # Ok::<(), live_core::CodecError>(())
//! ```

#![cfg_attr(not(test), warn(clippy::unwrap_used))]

pub mod aac;
mod bits;
mod downmix;
#[cfg(feature = "fdk-aac")]
pub mod fdk;
pub mod h264;
#[cfg(feature = "openh264")]
pub mod openh264;
mod register;
#[cfg(feature = "rusty-h264")]
pub mod rusty_h264;
#[cfg(feature = "sound-files")]
pub mod sound_file;
#[cfg(feature = "symphonia")]
pub mod symphonia;
#[cfg(feature = "syom")]
pub mod syom;

pub use downmix::downmix;
pub use register::register_enabled;
