//! The seams: object-safe traits that backends implement.
//!
//! Everything a backend's author needs is in this crate. Each trait says which thread calls it, what may block, and
//! what may be held back; "cannot" is an honest error and never a silent success.

mod audio_effect;
mod capture;
mod codec;
mod effect;
mod sink;
mod transport;

pub use audio_effect::AudioEffect;
pub use capture::{
    AudioSource, CameraControls, CaptureGuard, PacketSource, SourceInfo, SourceKind, VideoSource,
};
pub use codec::{
    AudioDecoder, AudioEncoder, AudioEncoderConfig, Entropy, VideoDecoder, VideoEncoder, VideoEncoderConfig,
};
pub use effect::{BeautyLevels, BeautyStage, EffectError, VideoEffect};
pub use sink::{AudioPosition, AudioSink, SinkError, VideoSink};
pub use transport::{
    LinkEvent, LinkEventHandler, MediaSender, Outcome, OutputCx, Publisher, Subscriber, SubscriptionCx,
    WireEpoch,
};
