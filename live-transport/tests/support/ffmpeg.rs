//! FFmpeg as a peer, and a clip made by it.
#![allow(dead_code, reason = "each test file uses its own part")]

use super::*;
use bytes::BytesMut;
use live_core::{Outcome, Publisher};
use live_transport::flv::{Demuxer, Depacketizer};
use live_transport::net::rtmp::RtmpPublisher;
use std::net::TcpListener;
use std::process::Stdio;
use std::time::Duration;
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

/// Pictures in the clip: four seconds of 25.
pub const PICTURES: usize = 100;

pub const PATIENCE: Duration = Duration::from_secs(40);

/// A pattern and a tone with B-frames, as FFmpeg's arguments.
pub const PATTERN: [&str; 26] = [
    "-f",
    "lavfi",
    "-i",
    "testsrc2=size=320x240:rate=25:duration=4",
    "-f",
    "lavfi",
    "-i",
    "sine=frequency=440:sample_rate=48000:duration=4",
    "-c:v",
    "libx264",
    "-preset",
    "veryfast",
    "-bf",
    "2",
    "-g",
    "25",
    "-pix_fmt",
    "yuv420p",
    "-c:a",
    "aac",
    "-b:a",
    "96k",
    "-flvflags",
    "no_duration_filesize",
    "-f",
    "flv",
];

pub fn ffmpeg<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Child {
    Command::new("ffmpeg")
        .args(["-hide_banner", "-nostdin", "-y", "-v", "warning"])
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("ffmpeg is installed: apt-get install ffmpeg")
}

/// Waits for FFmpeg's end and gives its standard output; anything it warned of is a failure.
pub async fn output(child: Child) -> Vec<u8> {
    let output = timeout(PATIENCE, child.wait_with_output()).await.expect("ffmpeg ends").unwrap();
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && complaints.is_empty(), "ffmpeg: {}\n{complaints}", output.status);
    output.stdout
}

/// One line of hash for each picture and each run of sound: equal streams decode to equal lines.
pub const HASHES: [&str; 6] = ["-fps_mode", "passthrough", "-f", "framemd5", "-flush_packets", "1"];

/// Hashes of the pictures in the output of [`HASHES`].
pub fn pictures(lines: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(lines);
    let lines = text.lines().filter(|line| line.starts_with("0,"));
    lines.filter_map(|line| line.rsplit(',').next()).map(|hash| hash.trim().to_owned()).collect()
}

/// The pattern as packets, and the hashes of its pictures.
pub async fn clip() -> (Vec<Packet>, Vec<String>) {
    let mut bytes = BytesMut::from(&output(ffmpeg(PATTERN.into_iter().chain(["pipe:1"]))).await[..]);
    let file = tempfile(&bytes);
    let hashes =
        output(ffmpeg(["-i", file.to_str().unwrap()].into_iter().chain(HASHES).chain(["pipe:1"]))).await;
    std::fs::remove_file(file).unwrap();
    let (mut demuxer, mut depacketizer, mut packets) = (Demuxer::new(), Depacketizer::new(), Vec::new());
    while let Some(tag) = demuxer.read(&mut bytes).unwrap() {
        depacketizer.read_tag(tag, &mut packets).unwrap();
    }
    (packets, pictures(&hashes))
}

pub fn tempfile(bytes: &[u8]) -> std::path::PathBuf {
    static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let number = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let path = std::env::temp_dir().join(format!("live-relay-{}-{number}.flv", std::process::id()));
    std::fs::write(&path, bytes).unwrap();
    path
}

/// A port that was free a moment ago.
pub fn free_port() -> u16 {
    TcpListener::bind(ANY).unwrap().local_addr().unwrap().port()
}

/// Publishes to a server that may still be starting.
pub async fn publish_when_up(url: &str, packets: Vec<Packet>) -> Outcome {
    let url = url.parse().unwrap();
    for _ in 0..100 {
        let (queue, mut reader) = queue();
        packets.iter().cloned().for_each(|packet| queue.push(packet));
        queue.close();
        let events = Events::default();
        let publisher = RtmpPublisher::default();
        let outcome =
            timeout(PATIENCE, publisher.publish(&url, &mut reader, &output_cx(&events))).await.unwrap();
        if !events.list().is_empty() {
            return outcome;
        }
        sleep(Duration::from_millis(100)).await;
    }
    panic!("no server at {url}");
}
