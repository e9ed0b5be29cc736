//! What the attributes do to the stream, read from recordings of it.

mod support;

use live_capture::pump::{self, Flow, Pace};
use live_core::config::{Aspect, AudioQuality, Mode, Orientation, PusherConfig};
use live_core::conformance::scripted::{Microphone, VideoDevice};
use live_core::queue::FrameSender;
use live_core::state::SessionState;
use live_core::{
    AudioSpec, CaptureError, CaptureGuard, Codec, Color, PacketKind, PicturePool, Plane, Registry, Rotation,
    Selection, SessionClock, SourceInfo, SourceKind, Track, VideoFrame, VideoSource,
};
use live_pusher::{BuildError, Builder, LivePusher};
use std::path::PathBuf;
use std::time::{Duration, Instant};
use tempfile::TempDir;

const MONO: AudioSpec = AudioSpec { sample_rate: 48_000, channels: 1 };

/// A recording with a camera of 320×240 and a microphone.
struct Recorded {
    folder: TempDir,
    builder: Builder,
}

impl Recorded {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let builder = LivePusher::builder(folder.path().join("out.flv").to_string_lossy())
            .video_source(|| VideoDevice::camera(320, 240, 30))
            .audio_source(|| Microphone::new(MONO));
        Self { folder, builder }
    }

    fn with(mut self, change: impl FnOnce(Builder) -> Builder) -> Self {
        self.builder = change(self.builder);
        self
    }

    /// Runs for this long, and gives the file.
    async fn run(self, seconds: f64) -> (PathBuf, TempDir) {
        let pusher = self.builder.build().unwrap();
        support::run_for(&pusher, Duration::from_secs_f64(seconds)).await;
        (self.folder.path().join("out.flv"), self.folder)
    }

    /// The size of the pictures of a short run.
    async fn size(self) -> (u32, u32) {
        let (path, _folder) = self.run(0.6).await;
        let sizes = support::pictures(&path);
        assert!(sizes.windows(2).all(|pair| pair[0] == pair[1]), "{sizes:?}");
        sizes[0]
    }
}

/// How many packets of a recording are of this track and no stream information.
fn count(path: &std::path::Path, track: Track) -> usize {
    let mut file = live_transport::net::file::open(path).unwrap();
    std::iter::from_fn(|| file.next_packet().unwrap())
        .filter(|packet| packet.track == track && !matches!(packet.kind, PacketKind::Metadata(_)))
        .count()
}

#[tokio::test]
async fn each_mode_has_its_size() {
    for (mode, size) in
        [(Mode::Sd, (360, 640)), (Mode::Hd, (540, 960)), (Mode::Fhd, (720, 1280)), (Mode::Rtc, (360, 640))]
    {
        assert_eq!(Recorded::new().with(|builder| builder.mode(mode)).size().await, size, "{mode:?}");
    }
}

#[tokio::test]
async fn orientation_and_aspect_give_the_picture_its_shape() {
    let shaped = |aspect, orientation| {
        Recorded::new().with(move |builder| builder.aspect(aspect).orientation(orientation)).size()
    };
    assert_eq!(shaped(Aspect::ThreeFour, Orientation::Vertical).await, (360, 480));
    assert_eq!(shaped(Aspect::ThreeFour, Orientation::Horizontal).await, (480, 360));
    assert_eq!(shaped(Aspect::NineSixteen, Orientation::Horizontal).await, (640, 360));
}

#[tokio::test]
async fn a_size_of_one_s_own_takes_the_mode_s_place() {
    let own = Recorded::new().with(|builder| builder.mode(Mode::Fhd).video_size(176, 144));
    assert_eq!(own.size().await, (176, 144));
}

#[tokio::test]
async fn a_faster_camera_is_thinned_to_the_frame_rate() {
    let (path, _folder) = Recorded::new().with(|builder| builder.video_size(64, 64).fps(10)).run(2.0).await;
    let times: Vec<_> = support::decode(&path).iter().map(|frame| frame.pts.as_millis()).collect();
    assert!(times.len() >= 15, "{times:?}");
    // The rate's grid need not begin with the first picture.
    assert!(times[1..].windows(2).all(|pair| (95..=105).contains(&(pair[1] - pair[0]))), "{times:?}");
}

#[tokio::test]
async fn without_camera_there_is_sound_alone_and_without_microphone_pictures_alone() {
    let (path, _folder) = Recorded::new().with(|builder| builder.enable_camera(false)).run(0.8).await;
    assert_eq!(count(&path, Track::Video), 0);
    assert!(count(&path, Track::Audio) > 20);
    let header = std::fs::read(&path).unwrap()[4];
    assert_eq!(header & 0b101, 0b100, "the file's header says so too");

    let quiet = Recorded::new().with(|builder| builder.video_size(64, 64).enable_mic(false));
    let (path, _folder) = quiet.run(0.8).await;
    assert_eq!(count(&path, Track::Audio), 0);
    assert!(count(&path, Track::Video) > 5);
}

#[tokio::test]
async fn low_quality_is_sixteen_kilohertz_and_mono() {
    for (quality, layout) in [(AudioQuality::Low, (16_000, 1)), (AudioQuality::High, (48_000, 2))] {
        let stereo = AudioSpec { sample_rate: 44_100, channels: 2 };
        let recorded = Recorded::new().with(|builder| {
            builder.video_size(64, 64).audio_quality(quality).audio_source(move || Microphone::new(stereo))
        });
        let (path, _folder) = recorded.run(0.6).await;
        let mut registry = Registry::default();
        live_codec::register_enabled(&mut registry);
        let mut file = live_transport::net::file::open(&path).unwrap();
        let packets: Vec<_> = std::iter::from_fn(|| file.next_packet().unwrap())
            .filter(|packet| packet.track == Track::Audio)
            .collect();
        let mut decoder =
            registry.audio_decoders.open(Codec::Aac, &Selection::Auto, &packets[0]).unwrap().codec;
        let mut sound = Vec::new();
        packets.iter().for_each(|packet| decoder.decode(packet, &mut sound).unwrap());
        let spec = decoder.spec().unwrap();
        assert_eq!((spec.sample_rate, spec.channels), layout, "{quality:?}");
        let loudest =
            sound.iter().flat_map(|frame| &frame.samples).fold(0.0_f32, |most, one| most.max(one.abs()));
        assert!((0.15..0.4).contains(&loudest), "the tone is there: {loudest}");
    }
}

#[tokio::test]
async fn autopush_starts_by_itself_and_without_it_nothing_starts() {
    let Recorded { folder, builder } =
        Recorded::new().with(|builder| builder.video_size(64, 64).autopush(true));
    let pusher = builder.build().unwrap();
    assert_eq!(pusher.state(), SessionState::Opening);
    tokio::time::sleep(Duration::from_millis(500)).await;
    pusher.stop().await;
    assert!(count(&folder.path().join("out.flv"), Track::Video) > 3);

    let Recorded { folder, builder } = Recorded::new();
    let pusher = builder.build().unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(pusher.state(), SessionState::Idle);
    assert!(!folder.path().join("out.flv").exists(), "nothing was opened");
}

#[tokio::test]
async fn key_frames_come_at_the_mode_s_interval() {
    let recorded = Recorded::new().with(|builder| builder.video_size(64, 64).mode(Mode::Rtc));
    let (path, _folder) = recorded.run(4.6).await;
    let mut file = live_transport::net::file::open(&path).unwrap();
    let keys: Vec<_> = std::iter::from_fn(|| file.next_packet().unwrap())
        .filter(|packet| packet.kind == PacketKind::Key)
        .map(|packet| packet.pts.as_millis())
        .collect();
    assert!(
        keys.len() == 3 && keys.windows(2).all(|pair| (1950..=2050).contains(&(pair[1] - pair[0]))),
        "{keys:?}"
    );
}

/// A camera whose left half is bright and whose right half is dark.
struct Halves(Rotation);

impl VideoSource for Halves {
    fn info(&self) -> SourceInfo {
        let format = "64×64 I420".to_owned();
        SourceInfo { kind: SourceKind::Camera, name: "halves".to_owned(), format }
    }

    fn start(
        self: Box<Self>,
        clock: SessionClock,
        out: FrameSender<VideoFrame>,
    ) -> Result<CaptureGuard, CaptureError> {
        let pool = PicturePool::new();
        pump::spawn("halves", clock, Pace::starting_at(clock.at(Instant::now()), 30), move |_, pts| {
            let mut picture = pool.black(64, 64);
            let stride = picture.stride(Plane::Y);
            for row in picture.planes_mut()[0].chunks_mut(stride).take(64) {
                row[..32].fill(200);
            }
            let frame = VideoFrame { rotation: self.0, ..VideoFrame::new(pts, Color::BT601, picture) };
            Flow::go_on_if(out.send(frame))
        })
    }
}

/// The luma of a recorded picture at its left, right, top and bottom edge.
async fn edges(rotation: Rotation, change: impl FnOnce(Builder) -> Builder) -> [u8; 4] {
    let recorded = Recorded::new()
        .with(|builder| builder.video_size(64, 64).video_source(move || Halves(rotation)))
        .with(change);
    let (path, _folder) = recorded.run(0.6).await;
    let frame = support::decode(&path).pop().unwrap();
    let picture = frame.surface.to_i420(&PicturePool::new());
    let luma = |x: usize, y| picture.row(Plane::Y, y)[x];
    [luma(8, 32), luma(55, 32), luma(32, 8), luma(32, 55)]
}

#[tokio::test]
async fn receivers_get_a_mirrored_picture_when_asked_for() {
    let [left, right, ..] = edges(Rotation::None, |builder| builder).await;
    assert!(left > 150 && right < 60, "{left} {right}");
    let [left, right, ..] = edges(Rotation::None, |builder| builder.mirror(true)).await;
    assert!(left < 60 && right > 150, "{left} {right}");
}

#[tokio::test]
async fn a_camera_that_is_held_askew_is_turned_upright() {
    let [.., top, bottom] = edges(Rotation::Clockwise90, |builder| builder).await;
    assert!(top > 150 && bottom < 60, "what was on the left is on top: {top} {bottom}");
}

#[tokio::test]
async fn a_bitrate_floor_over_the_ceiling_is_a_mistake_and_the_start_is_between_them() {
    let error = Recorded::new().with(|builder| builder.bitrate(900, 300)).builder.build().unwrap_err();
    assert!(matches!(error, BuildError::Config(_)) && error.to_string().contains("min-bitrate"), "{error}");
    // What the encoder is told to aim at stands in the stream's own description.
    for (min, max, kbps) in [(200, 1000, 500.0), (200, 300, 300.0), (800, 1000, 800.0)] {
        let recorded = Recorded::new().with(|builder| builder.video_size(64, 64).bitrate(min, max));
        let (path, _folder) = recorded.run(0.5).await;
        let mut file = live_transport::net::file::open(&path).unwrap();
        let described =
            std::iter::from_fn(|| file.next_packet().unwrap()).find_map(|packet| match packet.kind {
                PacketKind::Metadata(metadata) => metadata.video_kbps,
                _ => None,
            });
        assert_eq!(described, Some(kbps));
    }
}

#[tokio::test]
async fn a_configuration_written_as_json_says_the_same_as_the_setters() {
    let folder = tempfile::tempdir().unwrap();
    let json = r#"{"mode":"SD","aspect":"3:4","orientation":"horizontal","enable-mic":false,"fps":20}"#;
    let config: PusherConfig = serde_json::from_str(json).unwrap();
    let path = folder.path().join("out.flv");
    let pusher = LivePusher::builder(path.to_string_lossy())
        .config(config)
        .video_source(|| VideoDevice::camera(320, 240, 30))
        .build()
        .unwrap();
    support::run_for(&pusher, Duration::from_millis(600)).await;
    assert_eq!(support::pictures(&path)[0], (480, 360));
    let mut file = live_transport::net::file::open(&path).unwrap();
    let codecs: Vec<_> = std::iter::from_fn(|| file.next_packet().unwrap())
        .filter_map(|packet| match packet.kind {
            PacketKind::Config(codec) => Some(codec),
            _ => None,
        })
        .collect();
    assert_eq!(codecs, [Codec::H264]);
}
