//! Encoded input that is passed on as it is.

#[path = "support/media.rs"]
mod media;

use live_capture::pattern::{Pattern, PatternSpec};
use live_capture::tone::Tone;
use live_core::event::{Delivery, PusherEvent};
use live_core::{
    AudioSpec, CaptureError, Codec, Packet, PacketKind, PacketSource, SourceInfo, SourceKind, Timestamp,
    Track,
};
use live_pusher::{Builder, LivePusher};
use media::packets;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Pictures per second of the clips.
const FPS: i64 = 25;
/// Rounding to milliseconds, on both sides of a seam.
const SLACK: i64 = 2;

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

async fn recorded(folder: &Path, pusher: impl FnOnce(Builder) -> Builder) -> PathBuf {
    let path = folder.join("clip.flv");
    let builder = LivePusher::builder(text(&path)).video_size(160, 90).fps(25);
    let pusher =
        pusher(builder.video_source(|| Pattern::new(PatternSpec::new(160, 90, 25)))).build().unwrap();
    pusher.start();
    tokio::time::sleep(Duration::from_millis(1200)).await;
    pusher.stop().await;
    path
}

async fn clip(folder: &Path) -> PathBuf {
    recorded(folder, |builder| {
        builder.audio_source(|| Tone::new(AudioSpec { sample_rate: 48_000, channels: 1 }))
    })
    .await
}

/// Kind and payload of everything but the description.
fn contents(packets: &[Packet]) -> Vec<(PacketKind, bytes::Bytes)> {
    let is_media =
        |packet: &&Packet| !matches!(packet.kind, PacketKind::Metadata(_) | PacketKind::EndOfSequence);
    packets.iter().filter(is_media).map(|packet| (packet.kind.clone(), packet.data.clone())).collect()
}

fn times(packets: &[Packet], track: Track) -> Vec<i64> {
    let is_unit = |packet: &Packet| packet.is_video_unit() || packet.kind == PacketKind::Audio;
    let of_track = |packet: &&Packet| packet.track == track && is_unit(packet);
    packets.iter().filter(of_track).map(|packet| packet.dts.as_millis()).collect()
}

#[tokio::test]
async fn a_copy_is_the_same_bytes_at_the_same_times_in_real_time() {
    let folder = tempfile::tempdir().unwrap();
    let input = clip(folder.path()).await;
    let output = folder.path().join("copy.flv");
    let pusher = LivePusher::builder(text(&output)).input_file(&input).copy(true).build().unwrap();
    let (mut events, start) = (pusher.events(), Instant::now());
    pusher.start();
    assert_eq!(pusher.finished().await, Ok(()));
    let (before, after) = (packets(&input), packets(&output));
    let took = start.elapsed();
    let length = Duration::from_millis(*times(&before, Track::Video).last().unwrap() as u64);
    assert!(took >= length && took < length + Duration::from_millis(700), "{took:?} for {length:?}");
    assert_eq!(contents(&before), contents(&after));
    for track in [Track::Video, Track::Audio] {
        assert_eq!(times(&before, track), times(&after, track));
    }
    let PacketKind::Metadata(metadata) = &after[0].kind else { panic!("{:?}", after[0]) };
    assert_eq!((metadata.width, metadata.height, metadata.sample_rate), (Some(160), Some(90), Some(48_000)));
    let status = pusher.net_status();
    assert_eq!((status.video_width, status.video_height), (160, 90));
    let codes = std::iter::from_fn(|| events.try_next()).filter_map(|delivery| match delivery {
        Delivery::Event(PusherEvent::State { code, .. }) => Some(i32::from(code)),
        _ => None,
    });
    let codes: Vec<_> = codes.collect();
    assert!(
        codes.contains(&1003) && codes.contains(&1007) && !codes.contains(&1008),
        "no encoder: {codes:?}"
    );
}

#[tokio::test]
async fn copies_loop_without_a_jump_and_repeat_no_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let input = clip(folder.path()).await;
    let output = folder.path().join("looped.flv");
    let pusher =
        LivePusher::builder(text(&output)).input_file(&input).copy(true).looping(true).build().unwrap();
    pusher.start();
    tokio::time::sleep(Duration::from_millis(4200)).await;
    pusher.stop().await;
    assert_eq!(pusher.finished().await, Ok(()));
    let got = packets(&output);
    assert_eq!(got.iter().filter(|packet| matches!(packet.kind, PacketKind::Config(_))).count(), 2);
    let before = packets(&input);
    let steps = [(Track::Video, 1000 / FPS), (Track::Audio, 22)];
    let end = |(track, step): (Track, i64)| times(&before, track).last().unwrap() + step;
    // A pass is as long as its longer track, or a little longer where the file says so, and each is like the first. The
    // track that begins later or ends earlier has that much of a pause.
    let is_key = |packet: &&Packet| packet.kind == PacketKind::Key;
    let keys: Vec<_> = got.iter().filter(is_key).map(|packet| packet.dts.as_millis()).collect();
    assert!(keys.len() >= 3, "{keys:?}");
    let pass = keys[1] - keys[0];
    let longer = steps.map(end).into_iter().max().unwrap();
    assert!((longer - SLACK..longer + 1000 / FPS).contains(&pass), "{pass} for {longer}");
    assert!(keys.windows(2).all(|pair| (pair[1] - pair[0] - pass).abs() <= 1), "{keys:?}");
    for (track, step) in steps {
        let seam = times(&before, track)[0] + pass - times(&before, track).last().unwrap();
        let longest = step.max(seam) + SLACK;
        let times = times(&got, track);
        assert!(*times.last().unwrap() > 3_500, "{track:?} goes on: {times:?}");
        let steps: Vec<_> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(steps.iter().all(|step| (1..=longest).contains(step)), "{track:?} over {longest}: {steps:?}");
    }
}

#[tokio::test]
async fn a_track_that_is_not_wanted_is_left_out_of_a_copy() {
    let folder = tempfile::tempdir().unwrap();
    let input = clip(folder.path()).await;
    let output = folder.path().join("silent.flv");
    let builder = LivePusher::builder(text(&output)).input_file(&input).copy(true);
    let pusher = builder.enable_mic(false).build().unwrap();
    pusher.start();
    assert!(!pusher.pause(), "nothing could stand in for the pictures");
    assert_eq!(pusher.finished().await, Ok(()));
    let got = packets(&output);
    assert!(got.iter().all(|packet| packet.track != Track::Audio));
    let PacketKind::Metadata(metadata) = &got[0].kind else { panic!("{:?}", got[0]) };
    assert_eq!((metadata.width, metadata.sample_rate), (Some(160), None));
}

#[tokio::test]
async fn sound_is_left_out_of_a_copy_while_muted() {
    let folder = tempfile::tempdir().unwrap();
    let input = clip(folder.path()).await;
    let output = folder.path().join("muted.flv");
    let pusher =
        LivePusher::builder(text(&output)).input_file(&input).copy(true).muted(true).build().unwrap();
    pusher.start();
    assert_eq!(pusher.finished().await, Ok(()));
    assert!(packets(&output).iter().all(|packet| packet.kind != PacketKind::Audio));
}

/// One packet of a format that FLV without extensions has no place for.
struct Hevc(usize);

impl PacketSource for Hevc {
    fn info(&self) -> SourceInfo {
        SourceInfo { kind: SourceKind::File, name: "film.bin".into(), format: "HEVC".into() }
    }

    fn next_packet(&mut self) -> Result<Option<Packet>, CaptureError> {
        self.0 += 1;
        let at = Timestamp::ZERO;
        Ok(match self.0 {
            1 => Some(Packet::config(Codec::Hevc, at, bytes::Bytes::from_static(b"hvcC"))),
            2 => Some(Packet::key(at, at, bytes::Bytes::from_static(b"key"))),
            _ => None,
        })
    }

    fn rewind(&mut self) -> Result<(), CaptureError> {
        self.0 = 0;
        Ok(())
    }

    fn duration(&self) -> Option<Duration> {
        None
    }
}

#[tokio::test]
async fn what_the_wire_does_not_carry_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("out.flv");
    let pusher = LivePusher::builder(text(&output))
        .packet_source(|| Ok(Box::new(Hevc(0))))
        .copy(true)
        .build()
        .unwrap();
    pusher.start();
    let failure = pusher.finished().await.unwrap_err();
    assert_eq!(failure.code.map(i32::from), Some(-1301));
    assert!(failure.message.contains("film.bin") && failure.message.contains("HEVC"), "{failure}");
}

#[test]
fn pictures_from_a_camera_cannot_be_copied() {
    let builder = LivePusher::builder("rtmp://host/live/x")
        .video_source(|| Pattern::new(PatternSpec::new(160, 90, 25)));
    let error = builder.copy(true).build().unwrap_err();
    assert!(error.to_string().contains("copy: only encoded input"), "{error}");
}
