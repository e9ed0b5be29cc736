//! MP4 files against what ffprobe says about them.
#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

use live_core::{CaptureErrorKind, Codec, Packet, PacketKind, PacketSource, Track};
use live_transport::net::file::{from_reader, open};
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

fn read(name: &str) -> Vec<u8> {
    std::fs::read(data(name)).expect("test data is there")
}

/// The folder with recordings of real material, where there is one.
fn media(name: &str) -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/media");
    let path = std::env::var_os("LIVE_MEDIA").map_or_else(beside, PathBuf::from).join(name);
    if !path.exists() {
        eprintln!("{} is not there: skipped", path.display());
    }
    path.exists().then_some(path)
}

fn packets(source: &mut dyn PacketSource) -> Vec<Packet> {
    std::iter::from_fn(|| source.next_packet().expect("the file is whole")).collect()
}

/// A packet as both sides describe it: times in microseconds.
#[derive(Clone, Debug, PartialEq)]
struct Line {
    track: Track,
    pts: i64,
    dts: i64,
    bytes: usize,
    key: bool,
}

impl Line {
    fn of(packet: &Packet) -> Option<Self> {
        let key = match packet.kind {
            PacketKind::Key | PacketKind::Audio => true,
            PacketKind::Delta { .. } => false,
            _ => return None,
        };
        let (pts, dts) = (packet.pts.as_micros(), packet.dts.as_micros());
        Some(Self { track: packet.track, pts, dts, bytes: packet.data.len(), key })
    }

    /// Reads a line of ffprobe's, and whether the packet is presented.
    fn parse(line: &str) -> (Self, bool) {
        let fields: Vec<_> = line.split(',').collect();
        let micros = |text: &str| (text.parse::<f64>().expect("a time") * 1e6).round() as i64;
        let track = if fields[0] == "video" { Track::Video } else { Track::Audio };
        let bytes = fields[3].parse().expect("a size");
        let line = Self {
            track,
            pts: micros(fields[1]),
            dts: micros(fields[2]),
            bytes,
            key: fields[4].starts_with('K'),
        };
        (line, !fields[4].contains('D'))
    }

    /// The same up to the rounding of the text.
    fn is(&self, other: &Self) -> bool {
        let rounded = Self { pts: other.pts, dts: other.dts, ..self.clone() };
        rounded == *other && (self.pts - other.pts).abs() <= 1 && (self.dts - other.dts).abs() <= 1
    }
}

/// Every packet that ffprobe presents is there, in its order; no packet is there that ffprobe does not know.
fn assert_as_ffprobe(packets: &[Packet], listing: &str) {
    for track in [Track::Video, Track::Audio] {
        let ours: Vec<_> = packets.iter().filter_map(Line::of).filter(|line| line.track == track).collect();
        let mut ours = ours.iter().peekable();
        for (line, presented) in listing.lines().map(Line::parse).filter(|(line, _)| line.track == track) {
            let matches = ours.next_if(|packet| packet.is(&line)).is_some();
            assert!(matches || !presented, "expected {line:?}, found {:?}", ours.peek());
        }
        assert_eq!(ours.next(), None, "more than ffprobe has");
    }
}

fn assert_in_decoding_order(packets: &[Packet]) {
    let media: Vec<_> = packets.iter().filter(|packet| Line::of(packet).is_some()).collect();
    assert!(media.windows(2).all(|pair| pair[0].dts <= pair[1].dts));
    assert!(media.iter().all(|packet| packet.dts <= packet.pts));
}

#[test]
fn times_keys_and_sizes_are_those_of_ffprobe() {
    for name in ["bframes-aac.mp4", "cut.mp4", "late-audio.mp4", "audio.m4a"] {
        let mut source = open(&data(name)).unwrap_or_else(|error| panic!("{error}"));
        let packets = packets(&mut *source);
        assert_as_ffprobe(&packets, &String::from_utf8(read(&format!("{name}.packets"))).unwrap());
        assert_in_decoding_order(&packets);
    }
}

#[test]
fn real_recordings_are_read_as_ffprobe_reads_them() {
    for name in ["bigbuckbunny.mp4", "carphone_pristine.mp4"] {
        let Some(path) = media(name) else { continue };
        let fields = "packet=codec_type,pts_time,dts_time,size,flags";
        let ffprobe = Command::new("ffprobe")
            .args(["-v", "error", "-show_entries", fields, "-of", "csv=p=0"])
            .arg(&path)
            .output();
        let Ok(ffprobe) = ffprobe else {
            eprintln!("ffprobe is not installed: skipped");
            return;
        };
        let mut source = open(&path).unwrap_or_else(|error| panic!("{error}"));
        let packets = packets(&mut *source);
        assert_as_ffprobe(&packets, &String::from_utf8(ffprobe.stdout).unwrap());
        assert_in_decoding_order(&packets);
    }
}

#[test]
fn stream_information_comes_first() {
    let mut source = open(&data("bframes-aac.mp4")).unwrap();
    let all = packets(&mut *source);
    let PacketKind::Metadata(metadata) = &all[0].kind else { panic!("{:?}", all[0]) };
    assert_eq!((metadata.width, metadata.height, metadata.frame_rate), (Some(64), Some(48), Some(25.0)));
    assert_eq!((metadata.sample_rate, metadata.channels), (Some(48_000), Some(1)));
    assert_eq!(all[1].kind, PacketKind::Config(Codec::H264));
    assert_eq!((all[1].data[0], all[1].data[1]), (1, 100), "an avcC of profile High");
    assert_eq!(all[2].kind, PacketKind::Config(Codec::Aac));
    assert_eq!(all[2].data[..2], [0x11, 0x88], "AAC-LC, 48 kHz, mono");
    assert_eq!(source.info().format, "MP4, H.264 + AAC, 64×48");
    assert!(all.iter().any(|packet| packet.kind == PacketKind::Delta { disposable: true }));
}

#[test]
fn audio_priming_comes_before_zero() {
    let mut source = open(&data("bframes-aac.mp4")).unwrap();
    let all = packets(&mut *source);
    let sound: Vec<_> = all.iter().filter(|packet| packet.kind == PacketKind::Audio).collect();
    assert_eq!(sound[0].pts.as_micros(), -21_334);
    assert_eq!(sound[1].pts.as_micros(), 0);
}

#[test]
fn a_pass_is_as_long_as_the_longest_track_after_its_edits() {
    for (name, millis) in [("bframes-aac.mp4", 1200), ("audio.m4a", 1200), ("late-audio.mp4", 1500)] {
        let duration = open(&data(name)).unwrap().duration().unwrap();
        assert!(
            duration.abs_diff(Duration::from_millis(millis)) < Duration::from_millis(25),
            "{name}: {duration:?}"
        );
    }
}

#[test]
fn rewinding_gives_the_same_again() {
    let mut source = open(&data("cut.mp4")).unwrap();
    let first = packets(&mut *source);
    source.rewind().unwrap();
    assert_eq!(packets(&mut *source), first);
}

fn refusal(name: &str, bytes: Vec<u8>) -> (CaptureErrorKind, String) {
    let error = from_reader(name, Cursor::new(bytes)).err().expect("this is refused");
    (error.kind, error.to_string())
}

#[test]
fn what_is_not_supported_is_named() {
    let (kind, text) = refusal("mpeg4.mp4", read("mpeg4.mp4"));
    assert_eq!(kind, CaptureErrorKind::UnsupportedFormat);
    assert!(text.contains("MPEG-4 part 2 video, is not supported"), "{text}");
    let (kind, text) = refusal("fragmented.mp4", read("fragmented.mp4"));
    assert_eq!(kind, CaptureErrorKind::UnsupportedFormat);
    assert!(text.contains("fragmented MP4 is not supported"), "{text}");
}

#[test]
fn truncated_files_say_so() {
    let whole = read("cut.mp4");
    for len in [12, 40, whole.len() / 2, whole.len() - 1] {
        let (kind, text) = refusal("cut.mp4", whole[..len].to_vec());
        assert_eq!(kind, CaptureErrorKind::Malformed);
        assert!(text.contains("truncated"), "{len}: {text}");
    }
    // The index comes first here, and the media ends early.
    let whole = read("bframes-aac.mp4");
    let (kind, text) = refusal("bframes-aac.mp4", whole[..whole.len() - 100].to_vec());
    assert_eq!(kind, CaptureErrorKind::Malformed);
    assert!(text.contains("truncated"), "{text}");
}

#[test]
fn what_is_no_media_file_is_refused() {
    let (kind, text) = refusal("notes.mp4", b"Dear diary".to_vec());
    assert_eq!(kind, CaptureErrorKind::UnsupportedFormat);
    assert!(text.starts_with("notes.mp4: this is no media file that is known here"), "{text}");
    let error = open(Path::new("no/such/file.mp4")).err().unwrap();
    assert_eq!(error.kind, CaptureErrorKind::NotFound);
    assert_eq!(open(&data("")).err().unwrap().kind, CaptureErrorKind::UnsupportedFormat);
}

#[test]
fn t90_mutated_files_are_read_or_refused() {
    let whole = read("late-audio.mp4");
    for place in 0..whole.len() {
        for value in [0, 1, 0x7F, 0xFF, whole[place].wrapping_add(1)] {
            let mut bytes = whole.clone();
            bytes[place] = value;
            let Ok(mut source) = from_reader("mutated", Cursor::new(bytes)) else { continue };
            while let Ok(Some(_)) = source.next_packet() {}
        }
    }
}
