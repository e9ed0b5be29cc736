//! FLV files: read as packet sources, written, recorded from a queue and played like a stream.
#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

use async_trait::async_trait;
use bytes::Bytes;
use live_core::net_status::LinkCounters;
use live_core::queue::{DropRule, PacketQueue, QueueLimits};
use live_core::{
    CaptureErrorKind, Codec, LinkEvent, MediaSender, Metadata, Outcome, OutputCx, Packet, PacketKind,
    PacketSource, Publisher, StreamUrl, Subscriber, SubscriptionCx, Timestamp, Track, TransportErrorKind,
    WireEpoch,
};
use live_transport::net::file::{FlvWriter, Player, Recorder, from_reader, open};
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn source(bytes: Vec<u8>) -> Box<dyn PacketSource> {
    from_reader("test.flv", Cursor::new(bytes)).unwrap_or_else(|error| panic!("{error}"))
}

fn packets(source: &mut dyn PacketSource) -> Vec<Packet> {
    std::iter::from_fn(|| source.next_packet().expect("the file is whole")).collect()
}

fn media(packets: &[Packet]) -> Vec<&Packet> {
    packets.iter().filter(|packet| packet.is_video_unit() || packet.kind == PacketKind::Audio).collect()
}

fn written(epoch: Timestamp, packets: &[Packet]) -> Vec<u8> {
    let mut writer = FlvWriter::new(Cursor::new(Vec::new()), epoch).unwrap();
    packets.iter().for_each(|packet| writer.write(packet).unwrap());
    writer.finish().unwrap().into_inner()
}

/// Half a second of a stream that began an hour before.
fn stream() -> Vec<Packet> {
    let start = 3_600_000;
    let mut packets = vec![
        Packet::metadata(at(0), Metadata { width: Some(64), height: Some(48), ..Metadata::default() }),
        Packet::config(Codec::H264, at(0), Bytes::from_static(&[1, 66, 0, 30, 0xFF, 0xE0])),
        Packet::config(Codec::Aac, at(0), Bytes::from_static(&[0x11, 0x88])),
    ];
    for n in 0..25 {
        let (dts, pts) = (at(start + n * 20), at(start + n * 20 + 40));
        let unit = Bytes::from_static(b"\0\0\0\x01\x41");
        packets.push(if n == 0 { Packet::key(pts, dts, unit) } else { Packet::delta(pts, dts, false, unit) });
        packets.push(Packet::audio(at(start + n * 20 - 5), Bytes::from_static(b"sound")));
    }
    packets
}

#[test]
fn a_file_of_another_program_is_read_from_zero_on() {
    let mut flv = open(&data("bframes-aac.flv")).unwrap();
    let mut mp4 = open(&data("bframes-aac.mp4")).unwrap();
    assert_eq!(flv.info().format, "FLV, H.264 + AAC");
    let (flv_packets, mp4_packets) = (packets(&mut *flv), packets(&mut *mp4));
    let (ours, theirs) = (media(&flv_packets), media(&mp4_packets));
    assert_eq!(ours.iter().map(|packet| packet.dts).min(), Some(at(0)));
    assert_eq!(ours.len(), theirs.len());
    for track in [Track::Video, Track::Audio] {
        let of = |packets: &[&Packet]| -> Vec<_> {
            packets.iter().filter(|packet| packet.track == track).map(|&packet| packet.clone()).collect()
        };
        let (ours, theirs): (Vec<Packet>, Vec<Packet>) = (of(&ours), of(&theirs));
        let offset = ours[0].pts.micros_since(theirs[0].pts);
        for (ours, theirs) in ours.iter().zip(&theirs) {
            assert_eq!((&ours.kind, &ours.data), (&theirs.kind, &theirs.data));
            assert!((ours.pts.micros_since(theirs.pts) - offset).abs() <= 1000, "a millisecond of rounding");
        }
    }
    assert!(flv.duration().unwrap().abs_diff(mp4.duration().unwrap()) < Duration::from_millis(100));
}

#[test]
fn mp3_is_read() {
    let all = packets(&mut *open(&data("mp3.flv")).unwrap());
    assert!(all.iter().any(|packet| packet.kind == PacketKind::Config(Codec::Mp3)));
    assert!(media(&all).len() > 10);
}

#[test]
fn a_foreign_codec_is_named_on_opening() {
    let error = open(&data("sorenson.flv")).err().unwrap();
    assert_eq!(error.kind, CaptureErrorKind::UnsupportedFormat);
    assert!(error.to_string().contains("Sorenson H.263, is not supported"), "{error}");
}

#[test]
fn a_truncated_file_gives_what_it_has_and_says_so() {
    let whole = std::fs::read(data("bframes-aac.flv")).unwrap();
    let mut source = source(whole[..whole.len() - 30].to_vec());
    let mut read = 0;
    let error = loop {
        match source.next_packet() {
            Ok(Some(_)) => read += 1,
            Ok(None) => panic!("the end was not missed"),
            Err(error) => break error,
        }
    };
    assert!(read > 80);
    assert_eq!(error.kind, CaptureErrorKind::Malformed);
    assert!(error.to_string().contains("truncated"), "{error}");
}

#[test]
fn a_short_truncated_file_gives_what_it_has() {
    let whole = written(at(3_599_995), &stream());
    let mut source = source(whole[..whole.len() - 5].to_vec());
    let read = std::iter::from_fn(|| source.next_packet().ok().flatten()).count();
    assert!(read > 50);
}

#[test]
fn a_file_without_media_is_refused() {
    let error =
        from_reader("empty.flv", Cursor::new(b"FLV\x01\x05\0\0\0\x09\0\0\0\0".to_vec())).err().unwrap();
    assert_eq!(error.to_string(), "empty.flv: there is neither video nor audio in this FLV file");
}

#[test]
fn what_is_written_is_read() {
    let stream = stream();
    let mut source = source(written(at(3_599_995), &stream));
    let read = packets(&mut *source);
    let (sent, received) = (media(&stream), media(&read));
    assert_eq!(sent.len(), received.len());
    for (sent, received) in sent.iter().zip(received) {
        assert_eq!((sent.pts.offset_micros(-3_599_995_000), &sent.data), (received.pts, &received.data));
    }
    source.rewind().unwrap();
    assert_eq!(packets(&mut *source), read);
}

#[test]
fn what_is_known_at_the_end_is_written_into_the_beginning() {
    let bytes = written(at(3_599_995), &stream());
    let mut source = source(bytes.clone());
    // The last picture is due 525 ms after the first sound.
    assert_eq!(source.duration(), Some(Duration::from_millis(525)));
    let PacketKind::Metadata(metadata) = source.next_packet().unwrap().unwrap().kind else { panic!() };
    assert_eq!((metadata.width, metadata.height), (Some(64), Some(48)));
    let place = bytes.windows(8).position(|name| name == b"filesize").unwrap() + 9;
    let size = f64::from_be_bytes(bytes[place..][..8].try_into().unwrap());
    assert_eq!(size as usize, bytes.len());
    assert_eq!(bytes[4], 0b101, "sound and pictures");
    let sound: Vec<_> = stream().into_iter().filter(|packet| packet.track == Track::Audio).collect();
    assert_eq!(written(at(0), &sound)[4], 0b100, "sound alone");
}

#[test]
fn a_packet_that_flv_cannot_carry_leaves_the_file_whole() {
    let mut writer = FlvWriter::new(Cursor::new(Vec::new()), at(0)).unwrap();
    let error = writer.write(&Packet::config(Codec::Hevc, at(0), Bytes::from_static(b"x"))).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::Unsupported);
    assert_eq!(error.to_string(), "FLV cannot carry HEVC");
    writer.write(&Packet::audio(at(0), Bytes::from_static(b"sound"))).unwrap();
    assert_eq!(media(&packets(&mut *source(writer.finish().unwrap().into_inner()))).len(), 1);
}

/// A directory that is removed with its contents.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("live-transport-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn url(&self, file: &str) -> StreamUrl {
        StreamUrl::from_path(&self.0.join(file))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

type Events = Arc<Mutex<Vec<LinkEvent>>>;

fn output_cx() -> (OutputCx, Events) {
    let events = Events::default();
    let sink = Arc::clone(&events);
    let cx = OutputCx {
        events: Arc::new(move |event| sink.lock().unwrap().push(event)),
        counters: Arc::new(LinkCounters::default()),
        epoch: WireEpoch::default(),
    };
    (cx, events)
}

#[tokio::test]
async fn a_recording_starts_at_zero_and_is_complete() {
    let scratch = Scratch::new("record");
    let url = scratch.url("out.flv");
    let queue = PacketQueue::new(QueueLimits::default());
    let mut reader = queue.reader(DropRule::NEVER);
    stream().into_iter().for_each(|packet| queue.push(packet));
    queue.close();
    let (cx, events) = output_cx();
    let outcome = Recorder.publish(&url, &mut reader, &cx).await;
    assert!(matches!(outcome, Outcome::Ended), "{outcome:?}");
    let peer = url.peer();
    assert_eq!(*events.lock().unwrap(), [LinkEvent::Connected { peer }, LinkEvent::Accepted]);
    assert_eq!(cx.counters.packets(), 53);

    let read = packets(&mut *open(url.file_path().unwrap()).unwrap());
    assert_eq!(media(&read).len(), 50);
    assert_eq!(media(&read).iter().map(|packet| packet.dts).min(), Some(at(0)));
}

#[tokio::test]
async fn a_file_that_cannot_be_created_is_a_file_error() {
    let queue = PacketQueue::new(QueueLimits::default());
    let (cx, _) = output_cx();
    for (url, kind) in [
        ("no/such/directory/out.flv", TransportErrorKind::File),
        ("http://host/out.flv", TransportErrorKind::Address),
    ] {
        let outcome = Recorder.publish(&url.parse().unwrap(), &mut queue.reader(DropRule::NEVER), &cx).await;
        let Outcome::Lost(error) = outcome else { panic!("{outcome:?}") };
        assert_eq!(error.kind, kind);
    }
}

/// Takes packets and lets the source go on after each.
#[derive(Default)]
struct Collector {
    packets: Vec<Packet>,
    rooms: usize,
}

#[async_trait]
impl MediaSender for Collector {
    fn send(&mut self, packet: Packet) {
        self.packets.push(packet);
    }

    async fn room(&mut self) {
        self.rooms += 1;
    }

    async fn closed(&self) {
        std::future::pending().await
    }
}

async fn play(url: &StreamUrl) -> (Outcome, Collector, Vec<LinkEvent>) {
    let (output, events) = output_cx();
    let cx = SubscriptionCx { events: output.events, counters: output.counters };
    let mut collector = Collector::default();
    let outcome = Player.play(url, &mut collector, &cx).await;
    let events = events.lock().unwrap().clone();
    (outcome, collector, events)
}

#[tokio::test]
async fn a_file_is_played_to_its_end_as_there_is_room() {
    for name in ["bframes-aac.flv", "bframes-aac.mp4"] {
        let (outcome, collector, events) = play(&StreamUrl::from_path(&data(name))).await;
        assert!(matches!(outcome, Outcome::Ended), "{outcome:?}");
        assert!(matches!(events[..], [LinkEvent::Connected { .. }, LinkEvent::Accepted]), "{events:?}");
        assert_eq!(media(&collector.packets).len(), 88);
        assert_eq!(collector.rooms, collector.packets.len());
        assert!(collector.packets.iter().all(|packet| packet.arrival.is_some()));
    }
}

#[tokio::test]
async fn what_cannot_be_played_is_said_before_anything_is_connected() {
    for (name, kind) in [
        ("README.md", TransportErrorKind::Malformed),
        ("sorenson.flv", TransportErrorKind::Malformed),
        ("missing.flv", TransportErrorKind::File),
    ] {
        let (outcome, _, events) = play(&StreamUrl::from_path(&data(name))).await;
        let Outcome::Lost(error) = outcome else { panic!("{name}: {outcome:?}") };
        assert_eq!((error.kind, error.permanent, events.len()), (kind, true, 0), "{error}");
    }
}
