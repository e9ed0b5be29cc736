//! Looks at every picture that a player shows: what its strip says, and how well it came through.

use super::flash::FlashDetector;
use live_capture::pattern::{Painter, PatternSpec, Stamp, read_stamp};
use live_core::pixels::compare::{psnr_y, psnr_yuv};
use live_core::{I420, PicturePool, Timestamp, VideoFrame};
use live_player::sink::Callback;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{self, Receiver, SyncSender, TrySendError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Pictures that may wait to be looked at: two seconds of them. More are counted and passed over, so that looking at
/// them never holds up the player.
const WAITING: usize = 50;
/// Pictures of each player that the report shows.
const SAMPLES: u32 = 5;

/// One picture as the sink got it.
struct Shown {
    frame: VideoFrame,
    at: Instant,
    /// The wall clock, µs since the UNIX epoch.
    wall_micros: u64,
}

/// What was found out about one picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Record {
    /// When it was shown, since the demo began.
    pub at: Duration,
    /// Its time in the stream.
    pub pts: Timestamp,
    /// What its strip says and how the rest looks; `None` when the strip is not readable.
    pub read: Option<Reading>,
}

/// A picture with a readable strip.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reading {
    /// The picture's number.
    pub frame: u32,
    /// From being captured to being shown.
    pub latency_ms: f64,
    /// Against the pattern drawn again, dB: luma, and all planes.
    pub psnr_y: f64,
    /// All samples of all planes.
    pub psnr_yuv: f64,
    /// The dial flashes.
    pub flash: bool,
}

/// A picture to be seen in the report.
#[derive(Debug)]
pub struct Sample {
    /// The picture.
    pub frame: VideoFrame,
    /// What was found out about it.
    pub record: Record,
}

/// What was found out about a player's pictures.
#[derive(Debug, Default)]
pub struct PictureLog {
    /// One for each picture, in the order they were shown. The first was shown as a still, ahead of its time.
    pub records: Vec<Record>,
    /// Some of them, evenly spread.
    pub samples: Vec<Sample>,
    /// Pictures that came faster than they could be looked at.
    pub passed_over: u64,
}

/// A player's sink, which makes the report's pictures.
pub struct Eye {
    sender: SyncSender<Shown>,
    passed_over: Arc<AtomicU64>,
}

impl Eye {
    /// A sink of one session.
    pub fn sink(&self) -> Callback<impl FnMut(&VideoFrame) + Send + use<>> {
        let (sender, passed_over) = (self.sender.clone(), Arc::clone(&self.passed_over));
        Callback::new(move |frame| {
            let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            let wall_micros = u64::try_from(wall.as_micros()).unwrap_or(u64::MAX);
            let shown = Shown { frame: frame.clone(), at: Instant::now(), wall_micros };
            if let Err(TrySendError::Full(_)) = sender.try_send(shown) {
                passed_over.fetch_add(1, Relaxed);
            }
        })
    }
}

/// Starts the thread that looks at what the [`Eye`]'s sinks are shown. It ends when the eye and its sinks are gone.
///
/// Without a pattern to compare with, only the times are noted.
pub fn examine(
    pattern: Option<PatternSpec>,
    began: Instant,
    playing: Duration,
) -> (Eye, JoinHandle<PictureLog>) {
    let (sender, receiver) = mpsc::sync_channel(WAITING);
    let passed_over = Arc::new(AtomicU64::new(0));
    let eye = Eye { sender, passed_over: Arc::clone(&passed_over) };
    let thread = thread::spawn(move || {
        let mut log = note_all(&receiver, pattern.map(Judge::new).as_ref(), began, playing / SAMPLES);
        log.passed_over = passed_over.load(Relaxed);
        log
    });
    (eye, thread)
}

fn note_all(
    receiver: &Receiver<Shown>,
    judge: Option<&Judge>,
    began: Instant,
    between_samples: Duration,
) -> PictureLog {
    let mut log = PictureLog::default();
    for Shown { frame, at, wall_micros } in receiver {
        let read = judge.and_then(|judge| judge.read(&frame, wall_micros));
        let record = Record { at: at.saturating_duration_since(began), pts: frame.pts, read };
        let is_still = log.records.is_empty();
        log.records.push(record);
        let is_due = match log.samples.last() {
            Some(last) => record.at >= last.record.at + between_samples,
            None => !is_still,
        };
        if is_due && log.samples.len() < SAMPLES as usize {
            log.samples.push(Sample { frame, record });
        }
    }
    log
}

/// Compares pictures with the pattern.
struct Judge {
    painter: Painter,
    flash: FlashDetector,
    pool: PicturePool,
}

impl Judge {
    fn new(spec: PatternSpec) -> Self {
        let painter = Painter::new(spec);
        Self { flash: FlashDetector::new(&painter, spec.fps), painter, pool: PicturePool::new() }
    }

    fn read(&self, frame: &VideoFrame, wall_micros: u64) -> Option<Reading> {
        let picture = frame.surface.to_i420(&self.pool);
        let stamp = read_stamp(&picture)?;
        let (psnr_y, psnr_yuv) = self.compare(&picture, stamp);
        let latency = i128::from(wall_micros) - i128::from(stamp.micros);
        Some(Reading {
            frame: stamp.frame,
            latency_ms: latency as f64 / 1000.0,
            psnr_y,
            psnr_yuv,
            flash: self.flash.is_lit(&picture),
        })
    }

    /// A picture of another size than the pattern's has nothing in common with it.
    fn compare(&self, picture: &I420, stamp: Stamp) -> (f64, f64) {
        let drawn = self.painter.draw(stamp, &self.pool);
        (psnr_y(picture, &drawn).unwrap_or(0.0), psnr_yuv(picture, &drawn).unwrap_or(0.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use live_core::VideoSink as _;

    const SPEC: PatternSpec = PatternSpec::new(180, 320, 25);

    fn frame(number: u32) -> VideoFrame {
        let stamp = Stamp { frame: number, micros: 1_000_000 };
        let picture = live_capture::pattern::draw(SPEC, stamp, &PicturePool::new());
        VideoFrame::new(SPEC.pts(number), SPEC.color(), picture)
    }

    #[test]
    fn a_picture_is_read_and_compared_with_itself_drawn_again() {
        let reading = Judge::new(SPEC).read(&frame(50), 1_250_500).unwrap();
        assert_eq!((reading.frame, reading.flash), (50, true));
        assert!((reading.latency_ms - 250.5).abs() < 1e-9);
        assert!(reading.psnr_y.is_infinite() && reading.psnr_yuv.is_infinite());
        let black = VideoFrame::new(Timestamp::ZERO, SPEC.color(), PicturePool::new().black(180, 320));
        assert_eq!(Judge::new(SPEC).read(&black, 0), None);
    }

    #[test]
    fn every_picture_is_noted_and_samples_are_spread() {
        let began = Instant::now();
        let (sender, receiver) = mpsc::sync_channel(WAITING);
        for number in 0..40 {
            let at = began + Duration::from_millis(u64::from(number) * 100);
            sender.send(Shown { frame: frame(number), at, wall_micros: 0 }).unwrap();
        }
        drop(sender);
        let log = note_all(&receiver, None, began, Duration::from_secs(1));
        assert_eq!(log.records.len(), 40);
        let seconds: Vec<u64> = log.samples.iter().map(|sample| sample.record.at.as_secs()).collect();
        assert_eq!(seconds, [0, 1, 2, 3]);
        assert_eq!(log.samples[0].record, log.records[1], "the still is not among them");
    }

    #[test]
    fn pictures_that_come_too_fast_are_counted_and_do_not_block() {
        let (sender, _receiver) = mpsc::sync_channel(1);
        let eye = Eye { sender, passed_over: Arc::default() };
        let mut sink = eye.sink();
        for number in 0..3 {
            sink.present(&frame(number)).unwrap();
        }
        assert_eq!(eye.passed_over.load(Relaxed), 2);
    }
}
