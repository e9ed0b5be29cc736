//! Sources of pictures and sound.
//!
//! What is here pushes [`VideoFrame`](live_core::VideoFrame)s and [`AudioFrame`](live_core::AudioFrame)s, stamped on the
//! session's timeline, into a queue where the newest frame wins. Nothing here knows how they are encoded or where they
//! go.
//!
//! - [`pattern`]: a moving test picture with a clock and a machine-readable stamp, and the stamp's reader;
//! - [`tone`]: a beep at every whole second, together with the pattern's flash;
//! - [`y4m`]: raw video files;
//! - [`pump`]: what paces them;
//! - [`effect`]: what smooths and brightens skin on the way to the encoder.
//!
//! ```
//! use live_capture::pattern::{self, PatternSpec, Stamp};
//! use live_core::PicturePool;
//!
//! let stamp = Stamp { frame: 42, micros: 1_700_000_000_000_000 };
//! let picture = pattern::draw(PatternSpec::new(360, 640, 15), stamp, &PicturePool::new());
//! assert_eq!(pattern::read_stamp(&picture), Some(stamp));
//! ```

#![cfg_attr(not(test), warn(clippy::unwrap_used))]

pub mod effect;
pub mod pattern;
pub mod pump;
pub mod tone;
pub mod y4m;
