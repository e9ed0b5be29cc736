//! Microphones that misbehave, and what the stream does: into a file, decoded again.

#[path = "support/sound.rs"]
mod recording;
mod support;

use live_core::conformance::scripted::{Microphone, SoundFault};
use live_core::queue::FrameSender;
use live_core::{
    AudioFrame, AudioSource, AudioSpec, CaptureError, CaptureErrorKind, CaptureGuard, SessionClock,
    SourceInfo,
};
use live_pusher::LivePusher;
use recording::{peak, sound};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;
use support::{Told, run_for};

const MONO: AudioSpec = AudioSpec { sample_rate: 48_000, channels: 1 };

/// A stream of nothing but sound, and where it goes.
struct Take {
    pusher: LivePusher,
    folder: tempfile::TempDir,
}

impl Take {
    fn of(microphone: Microphone) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let pusher = LivePusher::builder(folder.path().join("out.flv").to_string_lossy())
            .enable_camera(false)
            .audio_source(move || microphone.clone())
            .build()
            .unwrap();
        Self { pusher, folder }
    }

    async fn run(&self, millis: u64) -> Told {
        run_for(&self.pusher, Duration::from_millis(millis)).await
    }

    fn sound(&self) -> (Vec<i64>, Vec<f32>) {
        sound(&self.folder.path().join("out.flv"))
    }
}

async fn wait(millis: u64) {
    tokio::time::sleep(Duration::from_millis(millis)).await;
}

#[tokio::test]
async fn a_microphone_that_is_lost_becomes_silence_and_the_stream_goes_on() {
    let take = Take::of(Microphone::new(MONO).after(80, SoundFault::Fails(CaptureErrorKind::Disconnected)));
    let told = take.run(2500).await;
    assert_eq!(told.count(-1302), 1, "{told:?}");
    assert!(told.detail(-1302).contains("went away"), "{told:?}");
    let (times, sound) = take.sound();
    assert!(times[times.len() - 1] - times[0] > 1800, "{times:?}");
    assert!(peak(&sound, 0.2, 0.6) > 0.2, "the tone");
    assert!(peak(&sound, 1.2, 1.7) < 1e-3, "silence");
}

#[tokio::test]
async fn a_microphone_that_comes_back_is_heard_again() {
    let take = Take::of(Microphone::new(MONO).after(40, SoundFault::Fails(CaptureErrorKind::Disconnected)));
    take.run(6500).await;
    let (_, sound) = take.sound();
    assert!(peak(&sound, 2.0, 4.0) < 1e-3, "lost");
    assert!(peak(&sound, 5.0, 6.5) > 0.2, "it is opened again after five seconds");
}

#[tokio::test]
async fn a_microphone_that_gives_only_zeros_or_nothing_is_told_once() {
    for (fault, what) in [(SoundFault::Zeros, "exact zeros"), (SoundFault::Stalls, "no samples")] {
        let take = Take::of(Microphone::new(MONO).after(30, fault));
        let told = take.run(4500).await;
        assert_eq!(told.count(-1311), 1, "{told:?}");
        assert!(told.detail(-1311).contains(what), "{told:?}");
        assert!(told.detail(-1311).contains("scripted microphone"), "{told:?}");
        assert!(take.sound().1.len() > 3 * 48_000, "the track goes on");
    }
}

#[tokio::test]
async fn a_microphone_that_falls_silent_again_is_told_again() {
    let microphone = Microphone::new(MONO)
        .after(10, SoundFault::Zeros)
        .after(250, SoundFault::Recovers)
        .after(260, SoundFault::Zeros);
    let told = Take::of(microphone).run(5500).await;
    assert_eq!(told.count(-1311), 2, "{told:?}");
}

#[tokio::test]
async fn zeros_of_a_muted_microphone_are_what_was_asked_for() {
    let take = Take::of(Microphone::new(MONO).after(0, SoundFault::Zeros));
    take.pusher.set_muted(true);
    let told = take.run(3000).await;
    assert_eq!(told.count(-1311), 0, "{told:?}");
}

/// A microphone that counts how many of it are open.
struct Counted(Microphone, Arc<AtomicUsize>);

impl AudioSource for Counted {
    fn info(&self) -> SourceInfo {
        self.0.info()
    }

    fn spec(&self) -> AudioSpec {
        self.0.spec()
    }

    fn start(
        self: Box<Self>,
        clock: SessionClock,
        out: FrameSender<AudioFrame>,
    ) -> Result<CaptureGuard, CaptureError> {
        let Self(microphone, open) = *self;
        let guard = Box::new(microphone).start(clock, out)?;
        open.fetch_add(1, SeqCst);
        Ok(CaptureGuard::new(move || {
            drop(guard);
            open.fetch_sub(1, SeqCst);
        }))
    }
}

#[tokio::test]
async fn background_mute_closes_the_microphone_and_the_sound_goes_on_as_silence() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.flv");
    let open = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&open);
    let pusher = LivePusher::builder(path.to_string_lossy())
        .enable_camera(false)
        .background_mute(true)
        .audio_source(move || Counted(Microphone::new(MONO), Arc::clone(&count)))
        .build()
        .unwrap();
    pusher.start();
    wait(900).await;
    assert_eq!(open.load(SeqCst), 1);
    assert!(pusher.pause());
    wait(900).await;
    assert_eq!(open.load(SeqCst), 0, "the device is free for others");
    assert!(pusher.resume());
    wait(900).await;
    assert_eq!(open.load(SeqCst), 1);
    pusher.stop().await;
    assert_eq!((pusher.finished().await, open.load(SeqCst)), (Ok(()), 0));
    let (_, sound) = sound(&path);
    assert!(peak(&sound, 0.2, 0.6) > 0.2 && peak(&sound, 2.2, 2.5) > 0.2);
    assert!(peak(&sound, 1.2, 1.6) < 1e-4, "{}", peak(&sound, 1.2, 1.6));
}

#[tokio::test]
async fn mute_and_volume_take_effect_while_running() {
    let take = Take::of(Microphone::new(MONO));
    take.pusher.start();
    wait(1000).await;
    take.pusher.set_muted(true);
    wait(1000).await;
    take.pusher.set_muted(false);
    take.pusher.set_mic_volume(0.25);
    wait(1000).await;
    take.pusher.stop().await;
    let (_, sound) = take.sound();
    assert!((peak(&sound, 0.2, 0.7) - 0.25).abs() < 0.05, "{}", peak(&sound, 0.2, 0.7));
    assert!(peak(&sound, 1.3, 1.7) < 1e-4, "{}", peak(&sound, 1.3, 1.7));
    assert!((peak(&sound, 2.3, 2.6) - 0.0625).abs() < 0.02, "{}", peak(&sound, 2.3, 2.6));
}
