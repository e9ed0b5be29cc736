//! Live stream pusher: pictures and sound in, H.264 and AAC over RTMP out.
//!
//! A [`LivePusher`] takes pictures and sound from sources (a test pattern, a media file, your own), encodes them, and
//! publishes the stream, doing what the WeChat `<live-pusher>` component promises: its attributes are the
//! [`Builder`]'s setters, its state codes come as [events](LivePusherHandle::events), its network status is a
//! [snapshot](LivePusherHandle::net_status) and a stream.
//!
//! ```no_run
//! use live_capture::pattern::{Pattern, PatternSpec};
//! use live_pusher::LivePusher;
//!
//! # async fn push() -> Result<(), Box<dyn std::error::Error>> {
//! let pusher = LivePusher::builder("rtmp://127.0.0.1/live/demo")
//!     .video_size(640, 360)
//!     .fps(25)
//!     .video_source(|| Pattern::new(PatternSpec::new(640, 360, 25)))
//!     .build()?;
//! let mut events = pusher.events();
//! pusher.start();
//! loop {
//!     tokio::select! {
//!         result = pusher.finished() => return Ok(result?),
//!         Some(event) = events.next() => println!("{event:?}"),
//!     }
//! }
//! # }
//! ```
//!
//! # How it works
//! Each codec has a worker thread; a session's task watches over them and over the connection. Encoded packets go
//! through one bounded queue, in which a slow uplink shows as a backlog: there the newest pictures win, what is sent
//! always decodes, and sound goes last. A lost connection is tried again while the encoders keep running.
//!
//! # Features
//! | feature | gives | costs |
//! |---|---|---|
//! | `embedded` (default) | H.264 by openh264, AAC by fdk-aac, decoders for file input | a C++ compiler; about two minutes of build |
//! | `tls` | RTMPS and HTTPS | ring, which needs a C compiler |
//! | `music` (in `embedded`) | background music from WAV, MP3, FLAC and AAC files | twenty crates of Rust, half a minute |
//! | `voice` (in `embedded`) | `enable-agc` and `enable-ans`: automatic gain and noise suppression | sonora, ten crates of Rust |
//! | `cli` | the program `live-push` | clap |

#![cfg_attr(not(test), warn(clippy::unwrap_used))]

mod adaptation;
mod builder;
mod codes;
mod handle;
mod input;
mod output;
mod pipeline;
mod preview;
mod pusher;
pub mod rate;
mod session;
pub mod specification;
mod transport;

pub use builder::{BuildError, Builder};
pub use codes::Failure;
pub use handle::{ControlError, LivePusherHandle, MessageError, Snapshot};
pub use live_core as core;
pub use output::destinations::AddOutputError;
pub use output::fresh_url::RetryContext;
pub use pipeline::access::Access;
pub use pipeline::sound::music::Bgm;
pub use pipeline::video::tap::SnapshotOf;
pub use pusher::LivePusher;
