//! Bring your own codec: a row in the registry. This audio "encoder" makes AAC out of half the volume.

use live_capture::tone::Tone;
use live_core::registry::{AudioEncoderRow, Provenance};
use live_core::*;
use live_pusher::LivePusher;

struct Quiet(Box<dyn AudioEncoder>);

impl AudioEncoder for Quiet {
    fn encode(&mut self, frame: &AudioFrame, out: &mut Vec<Packet>) -> Result<(), CodecError> {
        self.0.encode(&AudioFrame { samples: frame.samples.iter().map(|s| s / 2.0).collect(), ..*frame }, out)
    }
    fn flush(&mut self, out: &mut Vec<Packet>) -> Result<(), CodecError> {
        self.0.flush(out)
    }
    fn set_bitrate(&mut self, kbps: u32) -> Result<(), CodecError> {
        self.0.set_bitrate(kbps)
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut registry = Registry::default();
    live_codec::register_enabled(&mut registry);
    let backends = registry.audio_encoders.clone();
    let open = move |config: &AudioEncoderConfig| -> Result<Box<dyn AudioEncoder>, CodecError> {
        Ok(Box::new(Quiet(backends.open(Codec::Aac, &Selection::Auto, config)?.codec)))
    };
    registry.audio_encoders.add(AudioEncoderRow::new("quiet", Provenance::Embedded, Codec::Aac, open));
    let pusher = LivePusher::builder("own_codec.flv")
        .registry(registry)
        .audio_encoder(Selection::Named("quiet".into()))
        .audio_source(|| Tone::new(AudioSpec { sample_rate: 48_000, channels: 1 }))
        .build()?;
    pusher.start();
    tokio::time::sleep(std::time::Duration::from_secs(5)).await;
    pusher.stop().await;
    Ok(())
}
