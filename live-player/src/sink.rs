//! Where pictures and sound go: windows, the loudspeaker, files, callbacks, channels, nowhere. Everything here is bounded.

mod callback;
mod channel;
#[cfg(feature = "jpeg")]
pub mod jpeg;
pub mod null;
pub mod png;
mod rgb;
mod snapshot;
#[cfg(feature = "speaker")]
mod speaker;
mod wav;
#[cfg(feature = "window")]
pub mod window;
mod y4m;

pub use callback::Callback;
pub use channel::Channel;
pub use null::{NullAudio, NullVideo};
pub use snapshot::Snapshots;
#[cfg(feature = "speaker")]
pub use speaker::{Speaker, Underruns};
pub use wav::WavFile;
pub use y4m::Y4mFile;
