//! Cameras that count how often they are open, and recordings that are decoded again.

#![allow(dead_code, reason = "each test uses its part")]

use live_core::queue::FrameSender;
use live_core::{
    CaptureError, CaptureErrorKind, CaptureGuard, Color, I420, Packet, PacketKind, PicturePool, Plane,
    Registry, Selection, SessionClock, SourceInfo, SourceKind, Timestamp, VideoFrame, VideoSource,
};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};

/// How often a camera was opened, is open now, and refuses.
#[derive(Debug, Default)]
pub(crate) struct Device {
    pub(crate) opened: AtomicUsize,
    pub(crate) open: AtomicUsize,
    pub(crate) refuses: AtomicBool,
    /// How long opening takes, in ms.
    pub(crate) slow: AtomicUsize,
}

impl Device {
    pub(crate) fn is_open(&self) -> bool {
        self.open.load(SeqCst) > 0
    }
}

/// A camera that shows one grey, 25 times a second.
pub(crate) struct GreyCamera {
    pub(crate) device: Arc<Device>,
    pub(crate) luma: u8,
}

impl VideoSource for GreyCamera {
    fn info(&self) -> SourceInfo {
        SourceInfo {
            kind: SourceKind::Camera,
            name: format!("grey {}", self.luma),
            format: "320×180 I420, 25 fps".into(),
        }
    }

    fn start(
        self: Box<Self>,
        clock: SessionClock,
        out: FrameSender<VideoFrame>,
    ) -> Result<CaptureGuard, CaptureError> {
        let Self { device, luma } = *self;
        std::thread::sleep(Duration::from_millis(device.slow.load(SeqCst) as u64));
        if device.refuses.load(SeqCst) || device.open.load(SeqCst) > 0 {
            let kind = CaptureErrorKind::Busy;
            return Err(CaptureError::new(kind, "grey", "another program is using it"));
        }
        device.opened.fetch_add(1, SeqCst);
        device.open.fetch_add(1, SeqCst);
        let stop = Arc::new(AtomicBool::new(false));
        let (stopped, held) = (Arc::clone(&stop), Arc::clone(&device));
        let pool = PicturePool::new();
        let thread = std::thread::spawn(move || {
            while !stopped.load(SeqCst) {
                let frame = VideoFrame::new(clock.at(Instant::now()), Color::BT601, grey(&pool, luma));
                if !out.send(frame) {
                    break;
                }
                std::thread::sleep(Duration::from_millis(40));
            }
            held.open.fetch_sub(1, SeqCst);
        });
        Ok(CaptureGuard::over_thread(thread, move || stop.store(true, SeqCst)))
    }
}

fn grey(pool: &PicturePool, luma: u8) -> I420 {
    let mut picture = pool.black(320, 180);
    picture.planes_mut()[0].fill(luma);
    picture
}

/// A recording, packet by packet.
pub(crate) fn packets(path: &Path) -> Vec<Packet> {
    let mut file = live_transport::net::file::open(path).unwrap();
    std::iter::from_fn(|| file.next_packet().unwrap()).collect()
}

/// Every picture of a recording: when, and the luma in its middle. All of it has to decode.
pub(crate) fn pictures(packets: &[Packet]) -> Vec<(Timestamp, u8)> {
    let mut registry = Registry::default();
    live_codec::register_enabled(&mut registry);
    let mut decoder = None;
    let mut frames = Vec::new();
    for packet in packets {
        if let PacketKind::Config(codec @ live_core::Codec::H264) = packet.kind {
            let opened = registry.video_decoders.open(codec, &Selection::Auto, packet).unwrap();
            if let Some(mut last) = decoder.replace(opened.codec) {
                last.flush(&mut frames).unwrap();
            }
        }
        if packet.is_video_unit() {
            decoder.as_mut().unwrap().decode(packet, &mut frames).unwrap();
        }
    }
    decoder.unwrap().flush(&mut frames).unwrap();
    let units = packets.iter().filter(|packet| packet.is_video_unit()).count();
    assert_eq!(frames.len(), units, "every access unit is a picture");
    let middle = |frame: &VideoFrame| {
        let picture = frame.surface.to_i420(&PicturePool::new());
        picture.row(Plane::Y, picture.height() as usize / 2)[picture.width() as usize / 2]
    };
    frames.iter().map(|frame| (frame.pts, middle(frame))).collect()
}

/// Panics unless times strictly increase, by at most `most` ms.
pub(crate) fn unbroken(times: &[Timestamp], most: i64) {
    for pair in times.windows(2) {
        let step = pair[1].as_millis() - pair[0].as_millis();
        assert!((1..=most).contains(&step), "a step of {step} ms at {:?}", pair[0]);
    }
}

/// The pictures' greys in order, each run once: `near` the values given.
pub(crate) fn runs(pictures: &[(Timestamp, u8)]) -> Vec<u8> {
    let mut runs: Vec<u8> = Vec::new();
    for (_, luma) in pictures {
        if runs.last().is_none_or(|last| last.abs_diff(*luma) > 12) {
            runs.push(*luma);
        }
    }
    runs
}

/// Waits until `done`, for at most 10 s.
pub(crate) async fn until(what: &str, done: impl Fn() -> bool) {
    for _ in 0..2000 {
        if done() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("{what} within 10 s");
}
