//! Encoders that refuse, break and write too much: the codes they fire, who takes over, and that the stream has no gap.

mod support;

use live_core::conformance::scripted::{EncoderFaults, Microphone, VideoDevice};
use live_core::registry::{AudioEncoderRow, Provenance, VideoEncoderRow};
use live_core::{AudioSpec, Codec, CodecErrorKind, Entropy, PacketKind, Registry, Selection};
use live_pusher::{Builder, LivePusher};
use std::path::{Path, PathBuf};
use std::time::Duration;
use support::assert_order;
use tempfile::TempDir;

use CodecErrorKind::{Fatal, Frame, Open, Unsupported};
use Provenance::{Embedded, Hardware};

const MONO: AudioSpec = AudioSpec { sample_rate: 48_000, channels: 1 };
const FPS: u32 = 25;

fn real() -> Registry {
    let mut registry = Registry::default();
    live_codec::register_enabled(&mut registry);
    registry
}

fn openh264() -> VideoEncoderRow {
    let registry = real();
    registry.video_encoders.rows().find(|row| row.codec == Codec::H264).expect("compiled in").clone()
}

fn aac() -> AudioEncoderRow {
    let registry = real();
    registry.audio_encoders.rows().find(|row| row.codec == Codec::Aac).expect("compiled in").clone()
}

/// A recording with these video encoders alone.
struct Session {
    folder: TempDir,
    builder: Builder,
}

impl Session {
    fn with(rows: impl IntoIterator<Item = VideoEncoderRow>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut registry = real();
        registry.video_encoders = Default::default();
        rows.into_iter().for_each(|row| registry.video_encoders.add(row));
        let builder = LivePusher::builder(path(&folder).to_string_lossy())
            .video_size(160, 90)
            .fps(FPS)
            .registry(registry)
            .video_source(|| VideoDevice::camera(160, 90, FPS));
        Self { folder, builder }
    }

    async fn run(self, seconds: f64) -> (support::Told, Recording) {
        let pusher = self.builder.build().unwrap();
        let told = support::run_for(&pusher, Duration::from_secs_f64(seconds)).await;
        (told, Recording::of(&path(&self.folder)))
    }

    async fn fail(self) -> support::Told {
        support::failure(&self.builder.build().unwrap()).await
    }
}

fn path(folder: &TempDir) -> PathBuf {
    folder.path().join("out.flv")
}

/// What a recording has: every picture decodes.
#[derive(Debug)]
struct Recording {
    /// From one picture to the next, in ms.
    steps: Vec<i64>,
    keys: usize,
    audio: usize,
}

impl Recording {
    fn of(path: &Path) -> Self {
        let mut file = live_transport::net::file::open(path).unwrap();
        let packets: Vec<_> = std::iter::from_fn(|| file.next_packet().unwrap()).collect();
        let times: Vec<i64> = support::decode(path).iter().map(|frame| frame.pts.as_millis()).collect();
        let count = |kind: PacketKind| packets.iter().filter(|packet| packet.kind == kind).count();
        Self {
            steps: times.windows(2).map(|pair| pair[1] - pair[0]).collect(),
            keys: count(PacketKind::Key),
            audio: count(PacketKind::Audio),
        }
    }

    /// Every picture the camera gave is there.
    #[track_caller]
    fn assert_no_gap(&self) {
        assert!(self.steps.len() > 20, "{self:?}");
        assert!(self.steps.iter().all(|step| (39..=41).contains(step)), "{self:?}");
    }
}

#[tokio::test]
async fn hardware_that_refuses_to_open_gives_way_to_software() {
    let silicon = EncoderFaults::default().refusing(0.., Open).video("silicon", Hardware, &openh264());
    let (told, recording) = Session::with([openh264(), silicon]).run(1.2).await;
    assert_order(&told.codes, &[1007, 1103, 1008]);
    assert!(
        told.detail(1103).contains("silicon") && told.detail(1008).contains("openh264, software"),
        "{told:?}"
    );
    recording.assert_no_gap();
}

#[tokio::test]
async fn hardware_that_is_asked_for_and_not_there_gives_way_to_software() {
    let mut session = Session::with([openh264()]);
    session.builder = session.builder.video_encoder(Selection::Hardware);
    let (told, _) = session.run(0.6).await;
    assert_order(&told.codes, &[1103, 1008]);
    assert!(told.detail(1103).contains("no hardware"), "{told:?}");
}

#[tokio::test]
async fn hardware_that_breaks_while_running_gives_way_without_a_gap() {
    let silicon = EncoderFaults::default().failing(15.., Fatal).video("silicon", Hardware, &openh264());
    let (told, recording) = Session::with([openh264(), silicon]).run(1.5).await;
    assert_order(&told.codes, &[1008, 1103, 1008]);
    assert!(told.detail(1008).contains("silicon, hardware"), "{told:?}");
    assert_eq!((told.count(1103), told.count(1104), told.count(1106)), (1, 0, 0), "{told:?}");
    recording.assert_no_gap();
    assert_eq!(recording.keys, 2, "the second encoder begins with a key frame");
}

#[tokio::test]
async fn one_picture_that_fails_is_lost_and_the_stream_goes_on() {
    let fragile = EncoderFaults::default().failing(15..16, Frame).video("fragile", Embedded, &openh264());
    let (told, recording) = Session::with([fragile]).run(1.5).await;
    assert_eq!((told.count(1104), told.count(1106), told.count(1008)), (1, 0, 1), "{told:?}");
    assert!(told.detail(1104).contains("fragile"), "{told:?}");
    let gaps: Vec<_> = recording.steps.iter().filter(|step| **step > 41).collect();
    assert!(matches!(gaps[..], [79..=81]), "{recording:?}");
    assert_eq!(recording.keys, 2, "it was opened again");
}

#[tokio::test]
async fn software_that_breaks_gives_way_to_the_next_without_a_gap() {
    let fancy = EncoderFaults::default().failing(15.., Fatal).video("fancy", Provenance::Ffmpeg, &openh264());
    let (told, recording) = Session::with([openh264(), fancy]).run(1.5).await;
    assert_order(&told.codes, &[1008, 1106, 1008]);
    assert!(told.detail(1106).contains("from fancy to openh264"), "{told:?}");
    recording.assert_no_gap();
}

#[tokio::test]
async fn software_that_refuses_to_open_gives_way_to_its_own_plain_profile() {
    let fancy = EncoderFaults::default().refusing(0..1, Open).video("fancy", Embedded, &openh264());
    let mut session = Session::with([fancy]);
    session.builder = session.builder.entropy(Entropy::Cabac);
    let (told, recording) = session.run(1.2).await;
    assert_order(&told.codes, &[1106, 1008]);
    assert!(told.detail(1106).contains("to fancy in its plain profile"), "{told:?}");
    recording.assert_no_gap();
}

#[tokio::test]
async fn software_that_writes_far_too_much_for_seconds_gives_way_without_a_gap() {
    let wasteful = EncoderFaults::default().exceeding(1.8).video("wasteful", Provenance::Ffmpeg, &openh264());
    let (told, recording) = Session::with([openh264(), wasteful]).run(4.2).await;
    assert_order(&told.codes, &[1008, 1106, 1008]);
    assert!(told.detail(1106).contains("from wasteful to openh264"), "{told:?}");
    recording.assert_no_gap();
}

#[tokio::test]
async fn software_that_writes_a_little_too_much_stays() {
    let generous = EncoderFaults::default().exceeding(1.4).video("generous", Provenance::Ffmpeg, &openh264());
    let (told, _) = Session::with([openh264(), generous]).run(4.2).await;
    assert_eq!(told.count(1106), 0, "{told:?}");
}

#[tokio::test]
async fn video_that_cannot_be_encoded_for_ever_fails_the_session_after_every_encoder_was_tried() {
    let faults = || EncoderFaults::default().failing(10.., Fatal);
    let first = faults().video("first", Provenance::Ffmpeg, &openh264());
    let second = faults().video("second", Embedded, &openh264());
    let mut session = Session::with([second, first]);
    session.builder = session.builder.entropy(Entropy::Cavlc);
    let told = session.fail().await;
    assert_order(&told.codes, &[1008, 1106, 1008, 1104, -1303]);
    assert!(told.detail(-1303).contains("second"), "{told:?}");
}

#[tokio::test]
async fn a_video_encoder_that_cannot_be_opened_fails_the_session() {
    let broken = EncoderFaults::default().refusing(0.., Open).video("broken", Embedded, &openh264());
    let told = Session::with([broken]).fail().await;
    assert!(told.detail(-1303).contains("broken"), "{told:?}");
    assert_eq!((told.count(1106), told.count(1008)), (0, 0), "nothing took over: {told:?}");
}

#[tokio::test]
async fn a_size_that_no_encoder_does_has_a_code_of_its_own() {
    let small = EncoderFaults::default().refusing(0.., Unsupported).video("small", Embedded, &openh264());
    let told = Session::with([small]).fail().await;
    assert!(told.detail(-1305).contains("small"), "{told:?}");
}

/// A session with sound through this encoder.
fn with_sound(row: AudioEncoderRow) -> Session {
    let mut session = Session::with([openh264()]);
    let mut registry = real();
    registry.audio_encoders = Default::default();
    registry.audio_encoders.add(row);
    session.builder = session.builder.registry(registry).audio_source(|| Microphone::new(MONO));
    session
}

#[tokio::test]
async fn an_audio_encoder_that_refuses_or_breaks_for_good_fails_the_session() {
    for faults in
        [EncoderFaults::default().refusing(0.., Open), EncoderFaults::default().failing(10.., Fatal)]
    {
        let told = with_sound(faults.audio("hoarse", Embedded, &aac())).fail().await;
        assert!(told.detail(-1304).contains("hoarse"), "{told:?}");
    }
}

#[tokio::test]
async fn a_sampling_rate_that_no_encoder_does_has_a_code_of_its_own() {
    let narrow = EncoderFaults::default().refusing(0.., Unsupported).audio("narrow", Embedded, &aac());
    assert!(with_sound(narrow).fail().await.detail(-1306).contains("narrow"));
}

#[tokio::test]
async fn sound_is_not_disturbed_when_the_video_encoder_changes() {
    let silicon = EncoderFaults::default().failing(15.., Fatal).video("silicon", Hardware, &openh264());
    let mut session = Session::with([openh264(), silicon]);
    session.builder = session.builder.audio_source(|| Microphone::new(MONO));
    let (told, recording) = session.run(1.5).await;
    assert_eq!(told.count(1103), 1, "{told:?}");
    assert!((60..=76).contains(&recording.audio), "a good second and a half at 47 a second: {recording:?}");
    recording.assert_no_gap();
}
