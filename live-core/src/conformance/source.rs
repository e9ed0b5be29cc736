//! What every source promises: [`VideoSource`] and [`AudioSource`].

use crate::error::CaptureError;
use crate::frame::{AudioFrame, AudioSpec};
use crate::queue::{FrameReceiver, FrameSender, ReceiveError, frame_queue};
use crate::time::{SessionClock, Timestamp};
use crate::traits::{AudioSource, CaptureGuard, SourceInfo, VideoSource};
use std::time::{Duration, Instant};

/// Frames that are looked at.
const FRAMES: usize = 8;
/// A source that gives nothing for so long is broken, whatever the machine is busy with.
const PATIENCE: Duration = Duration::from_secs(20);
/// So far may a stamp be from the moment the frame arrives: a second of buffering, and a machine that stalls.
const STAMP_TOLERANCE: Duration = Duration::from_secs(5);

/// Opens the source under examination. Called several times, one source after the other.
pub type OpenVideoSource<'a> = &'a dyn Fn() -> Result<Box<dyn VideoSource>, CaptureError>;

/// Opens the source under examination. Called several times, one source after the other.
pub type OpenAudioSource<'a> = &'a dyn Fn() -> Result<Box<dyn AudioSource>, CaptureError>;

/// Holds a source of pictures to the promises of [`VideoSource`]. It has to give at least eight pictures.
///
/// # Panics
/// With a sentence about the promise that was broken.
pub fn video_source(open: OpenVideoSource<'_>) {
    let start = |clock, out| {
        let source = open().expect("the source opens, also again after another one was stopped");
        check_info(&source.info());
        source.start(clock, out)
    };
    let frames = run(&start);
    let sizes: Vec<_> = frames.iter().map(|(frame, _)| (frame.width(), frame.height())).collect();
    assert!(sizes.iter().all(|size| size.0 > 0 && size.1 > 0), "pictures have pixels: {sizes:?}");
    assert!(sizes.windows(2).all(|pair| pair[0] == pair[1]), "pictures keep their size: {sizes:?}");
    check_stamps(&frames.iter().map(|(frame, arrival)| (frame.pts, *arrival)).collect::<Vec<_>>());
    ends_when_nobody_listens(&start);
}

/// Holds a source of sound to the promises of [`AudioSource`]. It has to give at least eight blocks.
///
/// # Panics
/// With a sentence about the promise that was broken.
pub fn audio_source(open: OpenAudioSource<'_>) {
    let opened = || open().expect("the source opens, also again after another one was stopped");
    let AudioSpec { sample_rate, channels } = opened().spec();
    assert!(
        sample_rate > 0 && channels > 0,
        "sound has a rate and channels, not {sample_rate} and {channels}"
    );
    let start = |clock, out| {
        let source = opened();
        check_info(&source.info());
        source.start(clock, out)
    };
    let frames = run(&start);
    check_stamps(&frames.iter().map(|(frame, arrival)| (frame.pts, *arrival)).collect::<Vec<_>>());
    for (AudioFrame { samples, .. }, _) in &frames {
        assert!(!samples.is_empty(), "blocks of sound have samples");
        assert!(samples.len().is_multiple_of(usize::from(channels)), "blocks hold samples for every channel");
        assert!(samples.iter().all(|sample| sample.is_finite()), "samples are numbers");
    }
    ends_when_nobody_listens(&start);
}

fn check_info(info: &SourceInfo) {
    assert!(!info.name.is_empty() && !info.format.is_empty(), "a source says what it is: {info:?}");
}

type Start<'a, T> = &'a dyn Fn(SessionClock, FrameSender<T>) -> Result<CaptureGuard, CaptureError>;

/// Runs the source until it has given enough frames, and stops it: the frames and when they arrived.
fn run<T>(start: Start<'_, T>) -> Vec<(T, Timestamp)> {
    let clock = SessionClock::starting_at(Instant::now());
    let (sender, receiver) = frame_queue(FRAMES);
    let guard = start(clock, sender).expect("the source starts");
    let mut frames = Vec::new();
    while frames.len() < FRAMES {
        match receiver.receive(PATIENCE) {
            Ok(frame) => frames.push((frame, clock.at(Instant::now()))),
            Err(ReceiveError::Failed(error)) => panic!("the source failed: {error}"),
            Err(ReceiveError::Ended) => panic!("the source ended after {} frames", frames.len()),
            Err(ReceiveError::Timeout) => panic!("no frame within {PATIENCE:?} after {}", frames.len()),
        }
    }
    drop(guard);
    expect_end(&receiver);
    frames
}

/// After the guard was dropped nothing is sent any more: what is queued comes, and then the end.
fn expect_end<T>(receiver: &FrameReceiver<T>) {
    for _ in 0..=FRAMES {
        match receiver.receive(Duration::ZERO) {
            Ok(_) => {}
            Err(ReceiveError::Ended) => return,
            Err(error) => panic!("a stopped source has let go of its sender, but: {error:?}"),
        }
    }
    panic!("a stopped source goes on sending");
}

fn check_stamps(stamps: &[(Timestamp, Timestamp)]) {
    for pair in stamps.windows(2) {
        assert!(pair[0].0 < pair[1].0, "stamps increase, but {:?} follows {:?}", pair[1].0, pair[0].0);
    }
    for &(pts, arrival) in stamps {
        let distance = arrival.micros_since(pts).unsigned_abs();
        assert!(
            distance <= STAMP_TOLERANCE.as_micros() as u64,
            "stamps are on the session's timeline, but {pts:?} arrived at {arrival:?}"
        );
    }
}

/// A source whose receiver is gone can be stopped as ever.
fn ends_when_nobody_listens<T>(start: Start<'_, T>) {
    let (sender, receiver) = frame_queue(1);
    let guard = start(SessionClock::starting_at(Instant::now()), sender).expect("the source starts again");
    drop(receiver);
    let begin = Instant::now();
    drop(guard);
    assert!(begin.elapsed() < PATIENCE, "stopping took {:?}", begin.elapsed());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::VideoFrame;

    /// Sends its frames at once, and again and again the same stamp when `stuck`.
    struct Fake {
        stuck: bool,
    }

    impl VideoSource for Fake {
        fn info(&self) -> SourceInfo {
            let kind = crate::traits::SourceKind::Generated;
            SourceInfo { kind, name: "fake".to_owned(), format: "2×2".to_owned() }
        }

        fn start(
            self: Box<Self>,
            _: SessionClock,
            out: FrameSender<VideoFrame>,
        ) -> Result<CaptureGuard, CaptureError> {
            let pool = crate::frame::PicturePool::new();
            for index in 0..FRAMES as i64 {
                let pts = Timestamp::from_millis(if self.stuck { 0 } else { index });
                out.send(VideoFrame::new(pts, crate::frame::Color::BT601, pool.black(2, 2)));
            }
            Ok(CaptureGuard::new(move || drop(out)))
        }
    }

    #[test]
    fn a_faithful_source_passes() {
        video_source(&|| Ok(Box::new(Fake { stuck: false })));
    }

    #[test]
    #[should_panic(expected = "stamps increase")]
    fn a_source_with_stuck_stamps_is_caught() {
        video_source(&|| Ok(Box::new(Fake { stuck: true })));
    }
}
