//! `enable-ans` and `enable-agc`: what they do to a recording.
#![cfg(feature = "voice")]

#[path = "support/sound.rs"]
mod recording;

use live_capture::pump::{self, Flow, Pace};
use live_core::queue::FrameSender;
use live_core::{
    AudioFrame, AudioSource, AudioSpec, CaptureError, CaptureGuard, SessionClock, SourceInfo, SourceKind,
    Timestamp,
};
use live_pusher::{Builder, LivePusher};
use std::time::{Duration, Instant};

const MONO: AudioSpec = AudioSpec { sample_rate: 48_000, channels: 1 };

/// What a microphone hears, by the number of the sample.
struct Hears(fn(u64) -> f32);

impl AudioSource for Hears {
    fn info(&self) -> SourceInfo {
        SourceInfo { kind: SourceKind::Microphone, name: "ear".into(), format: "48 kHz".into() }
    }

    fn spec(&self) -> AudioSpec {
        MONO
    }

    fn start(
        self: Box<Self>,
        clock: SessionClock,
        out: FrameSender<AudioFrame>,
    ) -> Result<CaptureGuard, CaptureError> {
        let pace = Pace::starting_at(clock.at(Instant::now()), 100);
        pump::spawn("ear", clock, pace, move |index, _| {
            let samples = (index * 480..(index + 1) * 480).map(self.0).collect();
            Flow::go_on_if(out.send(AudioFrame { pts: Timestamp::from_index(index, 100), samples }))
        })
    }
}

/// A fan in the room.
fn hiss(n: u64) -> f32 {
    let mixed = n.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (((mixed ^ mixed >> 29).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 40) as f32 / 16_777_216.0 - 0.5) * 0.1
}

/// Somebody far from the microphone: syllables of 150 Hz with overtones, four a second.
fn far_away(n: u64) -> f32 {
    let t = n as f32 / 48_000.0;
    let tone: f32 = (1..20).map(|k| (t * 150.0 * k as f32 * std::f32::consts::TAU).sin() / k as f32).sum();
    tone * (t * 4.0 * std::f32::consts::PI).sin().max(0.0) * 0.005
}

/// The level in dB of the last second of four.
async fn level(hears: fn(u64) -> f32, with: impl FnOnce(Builder) -> Builder) -> f64 {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.flv");
    let builder =
        LivePusher::builder(path.to_string_lossy()).enable_camera(false).audio_source(move || Hears(hears));
    let pusher = with(builder).build().unwrap();
    pusher.start();
    tokio::time::sleep(Duration::from_secs(4)).await;
    pusher.stop().await;
    assert_eq!(pusher.finished().await, Ok(()));
    let (_, sound) = recording::sound(&path);
    let last = &sound[sound.len() - 48_000..];
    10.0 * (last.iter().map(|sample| f64::from(*sample).powi(2)).sum::<f64>() / 48_000.0).log10()
}

#[tokio::test]
async fn noise_suppression_quietens_a_fan() {
    let (off, on) =
        (level(hiss, |builder| builder).await, level(hiss, |builder| builder.enable_ans(true)).await);
    assert!(off - on > 8.0, "{off:.1} dB without, {on:.1} dB with");
}

#[tokio::test]
async fn automatic_gain_raises_a_quiet_voice() {
    let plain = level(far_away, |builder| builder).await;
    let raised = level(far_away, |builder| builder.enable_agc(true)).await;
    assert!(raised - plain > 6.0, "{plain:.1} dB without, {raised:.1} dB with");
}
