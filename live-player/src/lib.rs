//! Live stream player: RTMP or HTTP-FLV in, pictures and sound out.

mod bell;
mod builder;
mod clock;
mod codes;
mod decoded;
mod gauges;
mod media_queue;
mod playback;
mod player;
mod presenter;
mod recording;
mod session;
pub mod sink;
mod sound;
mod subscription;
mod timeline;
mod transport;
mod workers;

pub use builder::{BuildError, Builder};
pub use codes::Failure;
pub use live_core as core;
pub use player::LivePlayer;
