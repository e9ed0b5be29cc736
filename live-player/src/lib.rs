//! Live stream player: RTMP, HTTP-FLV or WS-FLV in, pictures and sound out.
//!
//! A [`LivePlayer`] receives a stream (or plays an FLV or MP4 file), decodes it, and gives pictures and sound to
//! [sinks](sink), in time, doing what the WeChat `<live-player>` component promises: its attributes are the
//! [`Builder`]'s setters, its state codes come as [events](LivePlayerHandle::events), its network status is a
//! [snapshot](LivePlayerHandle::net_status) and a stream.
//!
//! ```no_run
//! use live_player::{LivePlayer, sink::Callback};
//!
//! # async fn play() -> Result<(), Box<dyn std::error::Error>> {
//! let player = LivePlayer::builder("rtmp://127.0.0.1/live/demo")
//!     .video_sink(|| Callback::new(|picture| println!("{:?}", picture.pts)))
//!     .build()?;
//! let mut events = player.events();
//! player.start();
//! while let Some(event) = events.next().await {
//!     println!("{event:?}");
//! }
//! # Ok(()) }
//! ```
//!
//! # How it works
//! ```text
//! session's task: subscriber ── timeline ── media queue ──┬── video decoder ──┬── presenter ──┬── video sink
//!                                    └── FLV recording    └── audio decoder ──┘               └── audio sink
//! ```
//! The session's task keeps the connection and tries again when it is lost. Each decoder has a thread, and so has the
//! presenter, which calls the sinks. Every queue is bounded: a live stream that is received faster than it is played
//! is cut to its newest key frame, a file is read as fast as it is played.
//!
//! *Time.* The audio sink's position is the master clock; without sound it is the monotonic clock. When a publisher
//! starts again and its timestamps jump, they are moved at the entrance, so everything behind it sees one timeline.
//!
//! *Start.* The first key frame is shown at once, as a still. Motion starts when `min-cache` of media lies ahead on
//! every track that is alive; what a server's burst brings beyond that is decoded through and not played out. A stream's
//! word about its tracks is not believed: a track that brings nothing for a second is not waited for.
//!
//! *Latency.* The cache of a live stream has a target: `min-cache`, or what the lateness of its packets asks for, up to
//! `max-cache`. A cache over its target is played up to 1.1 times as fast, one under half of it down to 0.95 times, with the
//! pitch kept; what is more than a second over `max-cache` is skipped, to a key frame (2107). A file is played as it is.
//! Where the decoder is too slow for the stream, sound goes on and pictures follow from key frame to key frame (2107).
//!
//! *End.* [`stop`](LivePlayerHandle::stop) returns when no thread, task or descriptor is left; dropping the player ends the
//! session without waiting.
//!
//! # Features
//! | feature | gives | costs |
//! |---|---|---|
//! | `embedded` (default) | H.264 by openh264 and rusty-h264, AAC by symphonia and fdk-aac, RTMP, HTTP-FLV, WS-FLV | a C++ compiler; about two minutes of build |
//! | `jpeg` | snapshots as JPEG (`sink::jpeg`), part of `embedded` | image's JPEG encoder |
//! | `tls` | RTMPS, HTTPS and WSS, beside `embedded` | ring, which needs a C compiler |
//! | `window` | pictures in windows (`sink::window`) | winit and softbuffer; X11 or Wayland when it runs |
//! | `speaker` | sound from the loudspeaker (`sink::Speaker`) | cpal; on Linux ALSA, libasound2-dev to build |
//! | `native` | `window`, `speaker` | |
//! | `cli` | the program `live-play` | clap |

#![cfg_attr(not(test), warn(clippy::unwrap_used))]

mod accelerated;
mod bell;
mod builder;
mod clock;
mod codes;
mod controls;
mod decoded;
mod gauges;
mod handle;
mod jitter;
mod media_queue;
mod notes;
mod pace;
mod playback;
mod player;
mod presenter;
mod recording;
mod session;
mod shared;
#[cfg(test)]
mod simulation;
pub mod sink;
mod sound;
pub mod specification;
mod subscription;
mod timeline;
mod transport;
mod volume;
mod workers;

pub use builder::{BuildError, Builder};
pub use codes::Failure;
pub use handle::LivePlayerHandle;
pub use live_core as core;
pub use player::LivePlayer;
pub use shared::FirstPicture;
