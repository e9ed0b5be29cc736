//! What is done to pictures before they are encoded: seen by an effect of the application, and as code 1105.

use live_capture::pump::{self, Flow, Pace};
use live_core::config::{Aspect, Mode, Orientation};
use live_core::event::{Delivery, EventStream, PusherEvent};
use live_core::pixels::color::yuv_of_rgb;
use live_core::{
    BeautyLevels, BeautyStage, CaptureError, CaptureGuard, Color, EffectError, I420, PicturePool, Plane,
    PusherCode, Rotation, SessionClock, SourceInfo, SourceKind, VideoEffect, VideoFrame, VideoSource,
};
use live_pusher::{Builder, LivePusher};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const FPS: u32 = 15;

/// A source that shows one picture again and again.
struct Still(I420, Rotation);

impl VideoSource for Still {
    fn info(&self) -> SourceInfo {
        SourceInfo { kind: SourceKind::Generated, name: "still".into(), format: format!("{:?}", self.0) }
    }

    fn start(
        self: Box<Self>,
        clock: SessionClock,
        out: live_core::queue::FrameSender<VideoFrame>,
    ) -> Result<CaptureGuard, CaptureError> {
        let pace = Pace::starting_at(clock.at(std::time::Instant::now()), FPS);
        pump::spawn("still", clock, pace, move |_, pts| {
            let frame = VideoFrame::new(pts, Color::BT601, self.0.clone());
            Flow::go_on_if(out.send(VideoFrame { rotation: self.1, ..frame }))
        })
    }
}

/// An effect that changes nothing and passes on what it sees.
struct Spy(SyncSender<I420>);

impl VideoEffect for Spy {
    fn name(&self) -> &str {
        "spy"
    }

    fn apply(&mut self, frame: &mut VideoFrame, pool: &PicturePool) -> Result<(), EffectError> {
        // What nobody looks at is not kept.
        let _ = self.0.try_send(frame.make_i420(pool).clone());
        Ok(())
    }
}

/// Skin on the left, darker skin on the right, with pores: a checkered pattern of ± 5.
fn skin(width: u32, height: u32) -> I420 {
    let mut picture = PicturePool::new().black(width, height);
    let stride = picture.stride(Plane::Y);
    let half = width as usize / 2;
    let [y, cb, cr] = yuv_of_rgb([205, 150, 125], Color::BT601);
    let planes = picture.planes_mut();
    for (row, line) in planes[0].chunks_mut(stride).enumerate() {
        for (column, luma) in line.iter_mut().enumerate() {
            let tone = if column < half { y } else { y - 12 };
            *luma = if (row + column).is_multiple_of(2) { tone + 5 } else { tone - 5 };
        }
    }
    planes[1].fill(cb);
    planes[2].fill(cr);
    picture
}

/// The mean of part of luma, and the mean deviation from it.
fn mean_and_deviation(picture: &I420, columns: std::ops::Range<usize>) -> (f64, f64) {
    let rows = picture.height() as usize / 4..picture.height() as usize * 3 / 4;
    let samples: Vec<f64> = rows
        .flat_map(|row| picture.row(Plane::Y, row)[columns.clone()].iter().map(|luma| f64::from(*luma)))
        .collect();
    let mean = samples.iter().sum::<f64>() / samples.len() as f64;
    (mean, samples.iter().map(|luma| (luma - mean).abs()).sum::<f64>() / samples.len() as f64)
}

/// A pusher of `picture` into a file, and what an effect behind beauty sees.
struct Bench {
    folder: tempfile::TempDir,
    picture: I420,
    rotation: Rotation,
}

impl Bench {
    fn of(picture: I420) -> Self {
        Self { folder: tempfile::tempdir().unwrap(), picture, rotation: Rotation::None }
    }

    fn builder(&self) -> (Builder, Receiver<I420>) {
        let (seen, see) = sync_channel(0);
        let (picture, rotation) = (self.picture.clone(), self.rotation);
        let builder = LivePusher::builder(self.folder.path().join("out.flv").to_string_lossy())
            .fps(FPS)
            .video_source(move || Still(picture.clone(), rotation))
            .video_effect(move || Spy(seen.clone()));
        (builder, see)
    }
}

/// The first picture seen that is as it should be; pictures made before a change are passed over.
fn see(pictures: &Receiver<I420>, what: &str, is_right: impl Fn(&I420) -> bool) -> I420 {
    for _ in 0..60 {
        let picture = pictures.recv_timeout(Duration::from_secs(10)).expect("pictures go on");
        if is_right(&picture) {
            return picture;
        }
    }
    panic!("no picture was {what}");
}

#[tokio::test(flavor = "multi_thread")]
async fn levels_change_the_picture_while_running_and_level_0_does_not_touch_it() {
    let bench = Bench::of(skin(320, 180));
    let (builder, pictures) = bench.builder();
    let pusher = builder.video_size(320, 180).build().unwrap();
    pusher.start();
    let left = |picture: &I420| mean_and_deviation(picture, 10..140);
    let (tone, pores) = left(&bench.picture);
    let place = |picture: &I420| picture.plane(Plane::Y).as_ptr();

    let first = pictures.recv_timeout(Duration::from_secs(10)).unwrap();
    assert_eq!(place(&first), place(&bench.picture), "at level 0 not even a copy is made");
    pusher.set_beauty(9).unwrap();
    let smooth = see(&pictures, "smooth", |picture| left(picture).1 < pores / 2.0);
    assert!((left(&smooth).0 - tone).abs() < 1.0, "smoothing does not brighten");
    pusher.set_whiteness(9).unwrap();
    see(&pictures, "bright", |picture| left(picture).0 > tone + 10.0 && left(picture).1 < pores / 2.0);
    pusher.set_beauty(0).unwrap();
    see(&pictures, "bright with its pores", |picture| {
        left(picture).0 > tone + 10.0 && left(picture).1 > pores / 2.0
    });
    pusher.set_whiteness(0).unwrap();
    see(&pictures, "untouched", |picture| place(picture) == place(&bench.picture));

    let problem = pusher.set_beauty(10).unwrap_err().to_string();
    assert_eq!(problem, "beauty: 10 is not allowed: expected a whole number from 0 to 9");
    assert!(pusher.set_whiteness(200).is_err());
    assert_eq!((pusher.beauty(), pusher.whiteness()), (0, 0));
    pusher.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_begins_with_the_configured_levels() {
    let bench = Bench::of(skin(320, 180));
    let (builder, pictures) = bench.builder();
    let pusher = builder.video_size(320, 180).beauty(9).whiteness(9).mirror(true).build().unwrap();
    assert_eq!((pusher.beauty(), pusher.whiteness(), pusher.is_mirrored()), (9, 9, true));
    pusher.start();
    let picture = pictures.recv_timeout(Duration::from_secs(10)).unwrap();
    let (tone, pores) = mean_and_deviation(&bench.picture, 10..140);
    let (bright, smooth) = mean_and_deviation(&picture, 180..310);
    assert!(bright > tone + 10.0 && smooth < pores / 2.0, "{bright} from {tone}, {smooth} from {pores}");
    pusher.stop().await;
    let (builder, _pictures) = bench.builder();
    assert!(builder.beauty(10).build().unwrap_err().to_string().contains("beauty: 10 is not allowed"));
}

#[tokio::test(flavor = "multi_thread")]
async fn mirror_and_zoom_change_while_running() {
    let bench = Bench::of(skin(320, 180));
    let (builder, pictures) = bench.builder();
    let pusher = builder.video_size(320, 180).zoom(true).build().unwrap();
    pusher.start();
    let sides = |picture: &I420| {
        let [left, right] = [10..140, 180..310].map(|part| mean_and_deviation(picture, part).0);
        left - right
    };
    see(&pictures, "as it is", |picture| sides(picture) > 10.0);
    pusher.set_mirror(true);
    see(&pictures, "mirrored", |picture| sides(picture) < -10.0);
    pusher.set_mirror(false);
    see(&pictures, "as it is again", |picture| sides(picture) > 10.0);

    // A pore is one pixel wide: three times as large it is three.
    let run = |picture: &I420| {
        let row = &picture.row(Plane::Y, 90)[20..120];
        row.windows(2).filter(|pair| pair[0].abs_diff(pair[1]) > 5).count()
    };
    let before = run(&bench.picture);
    assert!(before > 90, "every pixel differs from the next: {before}");
    pusher.set_zoom(3.0).unwrap();
    let zoomed = see(&pictures, "zoomed", |picture| run(picture) < before / 2);
    assert_eq!((zoomed.width(), zoomed.height()), (320, 180));
    assert!(sides(&zoomed) > 10.0, "the middle stays in the middle");
    pusher.set_zoom(1.0).unwrap();
    see(&pictures, "whole", |picture| run(picture) == before);
    for wrong in [0.5, 5.1, f32::NAN] {
        assert!(pusher.set_zoom(wrong).unwrap_err().to_string().contains("1.0 to 5.0"));
    }
    pusher.stop().await;

    let fixed = bench.builder().0.build().unwrap();
    assert_eq!(fixed.set_zoom(2.0).unwrap_err().to_string(), "zoom: must be true for the zoom to be changed");
}

/// Four quarters, each of its own luma, in reading order.
fn quarters(width: u32, height: u32) -> I420 {
    let mut picture = PicturePool::new().black(width, height);
    let stride = picture.stride(Plane::Y);
    for (row, line) in picture.planes_mut()[0].chunks_mut(stride).enumerate() {
        for (column, luma) in line.iter_mut().enumerate() {
            let (right, lower) = (column >= width as usize / 2, row >= height as usize / 2);
            *luma = 40 + 50 * (u8::from(right) + 2 * u8::from(lower));
        }
    }
    picture
}

fn corners(picture: &I420) -> [u8; 4] {
    let (right, lower) = (picture.width() as usize - 4, picture.height() as usize - 4);
    [(3, 3), (right, 3), (3, lower), (right, lower)].map(|(x, y)| picture.row(Plane::Y, y)[x])
}

#[tokio::test(flavor = "multi_thread")]
async fn orientation_and_aspect_give_the_size_and_a_turned_camera_comes_out_upright() {
    // What a camera with its own idea of upright gives: a scene whose quarters are 40, 90, 140, 190, lying.
    let cases = [
        (Rotation::None, [40, 90, 140, 190]),
        (Rotation::Clockwise90, [140, 40, 190, 90]),
        (Rotation::Half, [190, 140, 90, 40]),
        (Rotation::Clockwise270, [90, 190, 40, 140]),
    ];
    let sizes = [
        (Orientation::Vertical, Aspect::NineSixteen, (360, 640)),
        (Orientation::Vertical, Aspect::ThreeFour, (360, 480)),
        (Orientation::Horizontal, Aspect::NineSixteen, (640, 360)),
        (Orientation::Horizontal, Aspect::ThreeFour, (480, 360)),
    ];
    for ((rotation, expected), (orientation, aspect, size)) in
        cases.into_iter().zip(sizes.into_iter().cycle())
    {
        let bench = Bench { rotation, ..Bench::of(quarters(1280, 720)) };
        let (builder, pictures) = bench.builder();
        let pusher = builder.mode(Mode::Sd).orientation(orientation).aspect(aspect).build().unwrap();
        pusher.start();
        let picture = pictures.recv_timeout(Duration::from_secs(10)).unwrap();
        assert_eq!((picture.width(), picture.height()), size, "{orientation} {aspect}");
        assert_eq!(corners(&picture), expected, "{rotation:?}");
        pusher.stop().await;
    }
}

/// A beauty stage that does what it is told to.
struct Scripted {
    name: &'static str,
    takes: Duration,
    fails_from: u32,
    pictures: u32,
    levels: Arc<Mutex<Vec<BeautyLevels>>>,
}

impl Scripted {
    fn named(name: &'static str) -> Self {
        Self { name, takes: Duration::ZERO, fails_from: u32::MAX, pictures: 0, levels: Arc::default() }
    }
}

impl VideoEffect for Scripted {
    fn name(&self) -> &str {
        self.name
    }

    fn apply(&mut self, _frame: &mut VideoFrame, _pool: &PicturePool) -> Result<(), EffectError> {
        self.pictures += 1;
        std::thread::sleep(self.takes);
        if self.pictures >= self.fails_from {
            return Err(EffectError::new(self.name, "the device was reset"));
        }
        Ok(())
    }
}

impl BeautyStage for Scripted {
    fn set_levels(&mut self, levels: BeautyLevels) {
        self.levels.lock().unwrap().push(levels);
    }
}

/// The details of the next code 1105.
async fn fallback(events: &mut EventStream<PusherEvent>) -> String {
    let found = async {
        loop {
            match events.next().await {
                Some(Delivery::Event(PusherEvent::State { code: PusherCode::BeautyFallback, detail })) => {
                    return detail;
                }
                Some(_) => {}
                None => panic!("the events ended"),
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(15), found).await.expect("1105 comes")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_beauty_stage_that_fails_gives_way_and_the_next_one_works() {
    let bench = Bench::of(skin(320, 180));
    let (builder, pictures) = bench.builder();
    let levels = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&levels);
    let pusher = builder
        .video_size(320, 180)
        .beauty(4)
        .beauty_stage(move || {
            Ok(Scripted { fails_from: 5, levels: Arc::clone(&told), ..Scripted::named("gpu") })
        })
        .build()
        .unwrap();
    let mut events = pusher.events();
    pusher.start();
    assert_eq!(fallback(&mut events).await, "gpu → skin: gpu: the device was reset");
    let (_, pores) = mean_and_deviation(&bench.picture, 10..140);
    see(&pictures, "smooth", |picture| mean_and_deviation(picture, 10..140).1 < pores * 0.8);
    pusher.stop().await;
    assert_eq!(*levels.lock().unwrap(), [BeautyLevels::new(4, 0)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_beauty_stage_that_cannot_be_made_gives_way_to_the_next() {
    let bench = Bench::of(skin(320, 180));
    let (builder, _pictures) = bench.builder();
    let pusher = builder
        .video_size(320, 180)
        .whiteness(4)
        .beauty_stage(|| Err::<Scripted, _>(EffectError::new("gpu", "there is no graphics processor")))
        .build()
        .unwrap();
    let mut events = pusher.events();
    pusher.start();
    assert_eq!(fallback(&mut events).await, "gpu → skin: there is no graphics processor");
    pusher.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_beauty_stage_that_cannot_hold_the_frame_rate_gives_way_once_it_is_used() {
    let bench = Bench::of(skin(320, 180));
    let (builder, pictures) = bench.builder();
    let pusher = builder
        .video_size(320, 180)
        .beauty_stage(|| Ok(Scripted { takes: Duration::from_millis(150), ..Scripted::named("slow") }))
        .build()
        .unwrap();
    let mut events = pusher.events();
    pusher.start();
    for _ in 0..5 {
        pictures.recv_timeout(Duration::from_secs(10)).unwrap();
    }
    assert!(
        !std::iter::from_fn(|| events.try_next()).any(|delivery| format!("{delivery:?}").contains("slow")),
        "at level 0 there is no stage"
    );
    pusher.set_beauty(9).unwrap();
    let detail = fallback(&mut events).await;
    assert!(detail.starts_with("slow → skin: pictures come every 66.7 ms and take 1"), "{detail}");
    let (_, pores) = mean_and_deviation(&bench.picture, 10..140);
    see(&pictures, "smooth", |picture| mean_and_deviation(picture, 10..140).1 < pores / 2.0);
    pusher.stop().await;
}

/// An effect of the application that never works.
struct Broken;

impl VideoEffect for Broken {
    fn name(&self) -> &str {
        "watermark"
    }

    fn apply(&mut self, _frame: &mut VideoFrame, _pool: &PicturePool) -> Result<(), EffectError> {
        Err(EffectError::new("watermark", "the logo is gone"))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_effect_that_keeps_failing_is_left_out_and_the_stream_goes_on() {
    let bench = Bench::of(skin(320, 180));
    let (builder, pictures) = bench.builder();
    let pusher = builder.video_size(320, 180).video_effect(|| Broken).build().unwrap();
    let mut events = pusher.events();
    pusher.start();
    assert_eq!(fallback(&mut events).await, "watermark → none: watermark: the logo is gone");
    for _ in 0..3 {
        pictures.recv_timeout(Duration::from_secs(10)).expect("pictures go on");
    }
    pusher.stop().await;
    assert_eq!(pusher.finished().await, Ok(()));
}
