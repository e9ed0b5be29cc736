//! Material and judges: the clips, ffmpeg, and readers for what ffmpeg writes.
#![allow(dead_code, reason = "each test file uses its part")]

use bytes::Bytes;
use live_codec::h264::avcc::nal_units;
use live_codec::h264::is_reference;
use live_core::{Codec, I420, Packet, Plane, Timestamp, Track};
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Where a clip is: in `LIVE_MEDIA`, else in `../shared/media` beside the workspace. Says so when it is not there.
pub fn clip(name: &str) -> Option<PathBuf> {
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/media");
    let folder = std::env::var_os("LIVE_MEDIA").map_or(beside, PathBuf::from);
    let path = folder.join(name);
    if path.is_file() {
        return Some(path);
    }
    eprintln!("SKIPPED: {name} is not in {} (set LIVE_MEDIA)", folder.display());
    None
}

/// Whether ffmpeg can judge. Says so when it cannot.
pub fn ffmpeg_is_here() -> bool {
    let here = Command::new("ffmpeg").arg("-version").output().is_ok_and(|output| output.status.success());
    if !here {
        eprintln!("SKIPPED: there is no ffmpeg on PATH to judge with");
    }
    here
}

/// What ffmpeg writes to its output with these arguments. It must succeed without a word.
pub fn ffmpeg(args: &[&str], input: Option<&[u8]>) -> Vec<u8> {
    let mut child = Command::new("ffmpeg")
        .args(["-nostdin", "-hide_banner", "-loglevel", "warning"])
        .args(args)
        .stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("ffmpeg starts");
    let feeder = input.map(|input| {
        let (input, mut pipe) = (input.to_vec(), child.stdin.take().expect("the pipe was asked for"));
        // ffmpeg may stop reading early; its exit status tells whether that was right.
        std::thread::spawn(move || pipe.write_all(&input).ok())
    });
    let output = child.wait_with_output().expect("ffmpeg ends");
    if let Some(feeder) = feeder {
        feeder.join().unwrap();
    }
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && complaints.trim().is_empty(), "ffmpeg {args:?} says: {complaints}");
    output.stdout
}

/// The packets of one track of an FLV stream written by ffmpeg.
pub fn read_flv(flv: &[u8], track: Track) -> Vec<Packet> {
    let mut packets = Vec::new();
    let mut at = 13;
    while let Some(header) = flv.get(at..at + 11) {
        let size = u32::from_be_bytes([0, header[1], header[2], header[3]]) as usize;
        let millis = i32::from_be_bytes([header[7], header[4], header[5], header[6]]);
        let body = &flv[at + 11..at + 11 + size];
        let dts = Timestamp::from_millis(millis.into());
        match (header[0], track) {
            (9, Track::Video) if body[1] == 0 => {
                packets.push(Packet::config(Codec::H264, dts, Bytes::copy_from_slice(&body[5..])));
            }
            (9, Track::Video) if body[1] == 1 => {
                let offset = i32::from_be_bytes([body[2], body[3], body[4], 0]) >> 8;
                let pts = dts.offset_micros(i64::from(offset) * 1000);
                let data = Bytes::copy_from_slice(&body[5..]);
                let referred_to = nal_units(&data, 4).flatten().any(is_reference);
                packets.push(match body[0] >> 4 {
                    1 => Packet::key(pts, dts, data),
                    _ => Packet::delta(pts, dts, !referred_to, data),
                });
            }
            (8, Track::Audio) if body[1] == 0 => {
                packets.push(Packet::config(Codec::Aac, dts, Bytes::copy_from_slice(&body[2..])));
            }
            (8, Track::Audio) => packets.push(Packet::audio(dts, Bytes::copy_from_slice(&body[2..]))),
            _ => {}
        }
        at += 11 + size + 4;
    }
    packets
}

/// A picture's samples without padding, as ffmpeg writes `rawvideo`.
pub fn raw(picture: &I420, out: &mut Vec<u8>) {
    for plane in Plane::ALL {
        for row in 0..picture.plane_size(plane).1 {
            out.extend_from_slice(picture.row(plane, row));
        }
    }
}

/// What ffmpeg says about a stream of format `format`.
pub fn describe(format: &str, stream: &[u8]) -> String {
    let mut child = Command::new("ffmpeg")
        .args(["-nostdin", "-hide_banner", "-f", format, "-i", "-", "-f", "null", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("ffmpeg starts");
    let mut pipe = child.stdin.take().expect("the pipe was asked for");
    let stream = stream.to_vec();
    let feeder = std::thread::spawn(move || pipe.write_all(&stream).ok());
    let output = child.wait_with_output().expect("ffmpeg ends");
    feeder.join().unwrap();
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Little-endian samples.
pub fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes.chunks_exact(4).map(|bytes| f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])).collect()
}

/// Signal-to-noise ratio of `actual` in dB. Both have the same length.
pub fn snr(expected: &[f32], actual: &[f32]) -> f64 {
    assert_eq!(expected.len(), actual.len(), "samples");
    let power = |sample: f32| f64::from(sample).powi(2);
    let signal: f64 = expected.iter().map(|&sample| power(sample)).sum();
    let noise: f64 = expected.iter().zip(actual).map(|(a, b)| power(a - b)).sum();
    10.0 * (signal / noise.max(1e-12)).log10()
}
