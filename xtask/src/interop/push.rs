//! `live-push` sends a looping file to a server, and FFmpeg pulls and decodes it.

use super::lab::{Lab, decoded, ffmpeg, on_files};
use super::listing::{Listing, Track};
use super::peer::{Peer, free_port};
use super::server::Server;
use super::sound;
use super::timing::{self, Cycle, LIP_SYNC};
use crate::process::{self, Problem};
use crate::test::Outcome;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

/// How long FFmpeg gets to ask for a stream before it is published: nginx keeps nothing for those who come late.
const HEAD_START: Duration = Duration::from_millis(1000);
/// What comes on top of the time that is pushed: opening, closing, a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);
/// Silence after which FFmpeg takes a stream for over, in microseconds.
const SILENCE_MICROS: &str = "4000000";
/// Sound is compared at this rate, fine enough for a tenth of a millisecond.
const COARSE_RATE: usize = 16_000;

/// Correlation from which on two pieces of sound are taken for the same.
const LIKENESS: f64 = 0.7;

/// A file to push.
struct Clip {
    path: PathBuf,
    /// What live-push is told: at least the file's own rate.
    fps: &'static str,
    /// What else it is told.
    flags: Vec<String>,
}

impl Clip {
    fn new(path: PathBuf, fps: &'static str) -> Self {
        Self { path, fps, flags: Vec::new() }
    }
}

/// 720p25 with sound in six channels; the sound is longer than the pictures.
pub fn with_surround_sound(lab: &Lab<'_>) -> Outcome {
    let folder = lab.folder("push-mp4")?;
    let path = surround_clip(lab, &folder)?;
    through_nginx(lab, &folder, &Clip::new(path, "25"))
}

/// The same file through our relay, pulled over RTMP and over HTTP.
pub fn through_relay(lab: &Lab<'_>) -> Outcome {
    let folder = lab.folder("push-relay")?;
    let clip = Clip::new(surround_clip(lab, &folder)?, "25");
    let relay = Server::relay(lab, &folder)?;
    let url = relay.rtmp("clip");
    let http = relay.http("clip").unwrap_or_default();
    pushed(lab, &folder, &clip, &url, &[("rtmp", Pull::Viewer(&url)), ("http", Pull::Viewer(&http))])
}

/// The same file to FFmpeg as a server that takes one publisher.
pub fn to_listener(lab: &Lab<'_>) -> Outcome {
    let folder = lab.folder("push-listener")?;
    let clip = Clip::new(surround_clip(lab, &folder)?, "25");
    let url = format!("rtmp://127.0.0.1:{}/live/clip", free_port()?);
    pushed(lab, &folder, &clip, &url, &[("listener", Pull::Server(&url))])
}

/// The same file as FLV in the body of a request.
pub fn over_http(lab: &Lab<'_>) -> Outcome {
    let folder = lab.folder("push-http")?;
    let clip = Clip::new(surround_clip(lab, &folder)?, "25");
    let listener = folder.join("listener");
    fs::create_dir(&listener).map_err(|error| Problem::Failed(format!("{}: {error}", listener.display())))?;
    let url = format!("http://127.0.0.1:{}/live.flv", free_port()?);
    let mut note = pushed(lab, &listener, &clip, &url, &[("listener", Pull::Server(&url))])?;
    let Some(server) = Server::node_media_server(lab, &folder)? else {
        return Ok(format!("{note}; no Node.js here: node-media-server was not asked"));
    };
    let (rtmp, http) = (server.rtmp("clip"), server.http("clip").unwrap_or_default());
    note += "; node-media-server: ";
    note += &pushed(
        lab,
        &folder,
        &clip,
        &http,
        &[("rtmp", Pull::Patient(&rtmp)), ("http", Pull::Patient(&http))],
    )?;
    Ok(note)
}

/// The same file over TLS.
pub fn over_tls(lab: &Lab<'_>) -> Outcome {
    let folder = lab.folder("push-rtmps")?;
    let mut clip = Clip::new(surround_clip(lab, &folder)?, "25");
    let Some((server, certificate)) = Server::node_media_server_with_tls(lab, &folder)? else {
        return Ok("no Node.js here: nothing was pushed".into());
    };
    let trusted = ["--tls-ca".to_owned(), certificate.display().to_string()];
    // The certificate is for the address, and signed by nobody else.
    let other = server.rtmps("clip").replace("127.0.0.1", "localhost");
    for (name, flags, url, words) in [
        ("unknown", &[][..], server.rtmps("clip"), "unknown issuer"),
        ("other-host", &trusted[..], other, "it is not for localhost"),
    ] {
        clip.flags = flags.to_vec();
        let ended = Peer::start(name, &folder, &mut pushing(lab, &clip, &url))?.ended(PATIENCE)?;
        if ended.status.success() || !ended.stderr.contains(words) || !ended.stdout.contains("3002") {
            let text =
                format!("{name}: ended with {}: {} (wanted \"{words}\")", ended.status, ended.stderr.trim());
            return Err(Problem::Failed(text));
        }
    }
    clip.flags = trusted.to_vec();
    let note =
        pushed(lab, &folder, &clip, &server.rtmps("clip"), &[("rtmp", Pull::Patient(&server.rtmp("clip")))])?;
    Ok(format!("{note}; wrong certificates refused"))
}

/// How FFmpeg gets at the stream.
#[derive(Clone, Copy)]
enum Pull<'a> {
    /// It asks a server for it.
    Viewer(&'a str),
    /// It asks a server that keeps silent when the stream is over, as node-media-server does.
    Patient(&'a str),
    /// It is the server.
    Server(&'a str),
}

/// A small picture with B-frames at 29.97 Hz, no sound.
pub fn without_sound(lab: &Lab<'_>) -> Outcome {
    let folder = lab.folder("push-silent")?;
    let path = silent_clip(lab, &folder)?;
    through_nginx(lab, &folder, &Clip::new(path, "30"))
}

fn surround_clip(lab: &Lab<'_>, folder: &Path) -> Result<PathBuf, Problem> {
    if let Some(path) = lab.clip("bigbuckbunny.mp4") {
        return Ok(path);
    }
    let pictures = "testsrc2=size=1280x720:rate=25:duration=5.28";
    let sound = "anoisesrc=duration=5.312:sample_rate=48000:amplitude=0.3,pan=5.1|c0=c0|c1=c0|c2=c0|c3=c0|c4=c0|c5=c0";
    let video = ["-c:v", "libx264", "-preset", "veryfast", "-bf", "0", "-pix_fmt", "yuv420p"];
    let inputs = ["-f", "lavfi", "-i", pictures, "-f", "lavfi", "-i", sound, "-c:a", "aac"];
    generated(folder, &[&inputs[..], &video].concat())
}

fn silent_clip(lab: &Lab<'_>, folder: &Path) -> Result<PathBuf, Problem> {
    if let Some(path) = lab.clip("carphone_pristine.mp4") {
        return Ok(path);
    }
    let pictures = "testsrc2=size=176x144:rate=30000/1001:duration=4.004";
    let video = ["-c:v", "libx264", "-profile:v", "high", "-bf", "3", "-pix_fmt", "yuv420p"];
    generated(folder, &[&["-f", "lavfi", "-i", pictures][..], &video].concat())
}

fn generated(folder: &Path, arguments: &[&str]) -> Result<PathBuf, Problem> {
    let path = folder.join("clip.mp4");
    on_files("clip", folder, ffmpeg().args(arguments).arg(&path))?;
    Ok(path)
}

fn through_nginx(lab: &Lab<'_>, folder: &Path, clip: &Clip) -> Outcome {
    let server = Server::nginx(folder)?;
    let url = server.rtmp("clip");
    pushed(lab, folder, clip, &url, &[("rtmp", Pull::Viewer(&url))])
}

/// Pushes `clip` to `url` for the time that was asked for, and judges what arrives by every way in `pulls`.
fn pushed(lab: &Lab<'_>, folder: &Path, clip: &Clip, url: &str, pulls: &[(&str, Pull<'_>)]) -> Outcome {
    let cycle = cycle(&clip.path)?;
    let has_sound = !pts(&clip.path, "a")?.is_empty();
    let deadline = Duration::from_secs(lab.seconds) + PATIENCE;
    let mut pulling = Vec::new();
    for &(name, from) in pulls {
        let place = folder.join(name);
        fs::create_dir(&place).map_err(|error| Problem::Failed(format!("{}: {error}", place.display())))?;
        let peer = Peer::start("pull", &place, &mut pull(from, &place, has_sound))?;
        pulling.push((name, from, place, peer));
    }
    sleep(HEAD_START);
    Peer::start("push", folder, &mut pushing(lab, clip, url))?.succeeded(deadline)?;
    let mut notes = Vec::new();
    for (name, from, place, peer) in pulling {
        match from {
            Pull::Viewer(_) => peer.succeeded_silently(PATIENCE)?,
            // As a server it calls every end of a stream an error, also those of its own publications.
            Pull::Server(_) | Pull::Patient(_) => peer.ended(PATIENCE)?,
        };
        let note = judge(&place, &clip.path, &cycle, has_sound, lab.seconds)?;
        notes.push(if pulls.len() > 1 { format!("{name}: {note}") } else { note });
    }
    Ok(notes.join("; "))
}

/// FFmpeg lists packets as they come, decodes them all and lists the pictures, and keeps the sound.
fn pull(from: Pull<'_>, folder: &Path, has_sound: bool) -> Command {
    let mut command = ffmpeg();
    let url = match from {
        Pull::Viewer(url) => url,
        Pull::Patient(url) => {
            command.args(["-rw_timeout", SILENCE_MICROS]);
            url
        }
        Pull::Server(url) => {
            command.args(["-listen", "1"]);
            url
        }
    };
    command.args(["-copyts", "-i", url, "-map", "0", "-c", "copy", "-f", "framecrc"]);
    command.arg(folder.join("packets"));
    command.args(["-map", "0:v", "-fps_mode", "passthrough", "-f", "framecrc"]).arg(folder.join("pictures"));
    if has_sound {
        let rate = COARSE_RATE.to_string();
        command.args(["-map", "0:a", "-ac", "1", "-ar", &rate, "-f", "f32le"]).arg(folder.join("sound"));
    }
    command
}

fn pushing(lab: &Lab<'_>, clip: &Clip, url: &str) -> Command {
    let mut command = lab.live_push();
    command.arg("--input").arg(&clip.path).args(["--orientation", "horizontal"]);
    command.args(["--video-width", "1280", "--video-height", "720", "--fps", clip.fps]);
    command.args(["--duration", &lab.seconds.to_string(), "--json"]).args(&clip.flags).arg(url);
    command
}

fn judge(folder: &Path, clip: &Path, cycle: &Cycle, has_sound: bool, seconds: u64) -> Outcome {
    let packets = Listing::load(&folder.join("packets"))?;
    let pictures = Listing::load(&folder.join("pictures"))?;
    let video = packets.expect("video")?;
    let decoded = pictures.expect("video")?.pts.len();
    if decoded != video.pts.len() {
        let count = video.pts.len();
        return Err(Problem::Failed(format!("{decoded} pictures decoded of {count} that arrived")));
    }
    let span = video.pts.last().unwrap_or(&0.0) - video.pts[0];
    // The last second goes to opening the connection and the encoder.
    if span < seconds as f64 - 1.0 {
        return Err(Problem::Failed(format!("only {span:.1} s of {seconds} s arrived")));
    }
    timing::strictly_increasing("video", &video.dts)?;
    let worst = timing::loops(&video.pts, cycle)?;
    let mut note = format!("{decoded} pictures in {span:.1} s, {:.1} ms off at most", worst * 1000.0);
    if has_sound {
        note += &judge_sound(folder, packets.expect("audio")?, video, clip, cycle)?;
    }
    Ok(note)
}

/// Sound begins with the picture, goes on without a gap, and in every loop comes when the file says.
fn judge_sound(
    folder: &Path,
    audio: &Track,
    video: &Track,
    clip: &Path,
    cycle: &Cycle,
) -> Result<String, Problem> {
    timing::strictly_increasing("audio", &audio.dts)?;
    let start = timing::start_offset(&video.pts, &audio.pts)?;
    let gap = timing::continuous_sound(&audio.pts, 48_000)?;
    let path = folder.join("sound");
    let bytes = fs::read(&path).map_err(|error| Problem::Failed(format!("{}: {error}", path.display())))?;
    let arrived = sound::from_f32le(&bytes);
    let rate = COARSE_RATE.to_string();
    let mono = ["-map", "0:a", "-ac", "1", "-ar", &rate, "-f", "f32le"];
    let original = sound::from_f32le(&decoded("original", folder, clip, &mono)?);
    let beginnings = cycle.beginnings(video.pts.len()).map(|picture| video.pts[picture] - audio.pts[0]);
    let (loops, worst) = lip_sync(&arrived, &original, beginnings)?;
    Ok(format!(
        ", {} packets of sound {:.1} ms off at most, starts {:+.0} ms apart, in {loops} loops {:.1} ms off at most",
        audio.pts.len(),
        gap * 1000.0,
        start * 1000.0,
        worst * 1000.0
    ))
}

/// Finds a second of the file's sound in every loop of what arrived, whose pictures begin `beginnings` seconds after
/// the first sample: the number of loops and the worst distance of sound from picture in seconds.
fn lip_sync(
    arrived: &[f32],
    original: &[f32],
    beginnings: impl Iterator<Item = f64>,
) -> Result<(usize, f64), Problem> {
    // The second second: the beginning may be an encoder's silence.
    let second = COARSE_RATE..2 * COARSE_RATE;
    let radius = COARSE_RATE / 5;
    let part = original.get(second.clone()).ok_or_else(|| Problem::Failed("too little sound".into()))?;
    let (mut loops, mut worst) = (0, 0.0_f64);
    for beginning in beginnings {
        let expected = second.start as f64 + beginning * COARSE_RATE as f64;
        let near = expected.round() as usize;
        if near + part.len() + radius > arrived.len() {
            break;
        }
        let found = sound::locate(part, arrived, near, radius);
        let (place, likeness) = found.ok_or_else(|| Problem::Failed("too little sound".into()))?;
        let off = (place as f64 - expected) / COARSE_RATE as f64;
        // Encoded twice and mixed down from six channels by other weights, it is alike and not equal.
        if likeness < LIKENESS || off.abs() > LIP_SYNC {
            return Err(Problem::Failed(format!(
                "loop {loops}: sound is {:+.1} ms from the picture (likeness {likeness:.2})",
                off * 1000.0
            )));
        }
        loops += 1;
        worst = worst.max(off.abs());
    }
    if loops == 0 { Err(Problem::Failed("too little sound".into())) } else { Ok((loops, worst)) }
}

/// What the file says about its pictures and its length.
fn cycle(path: &Path) -> Result<Cycle, Problem> {
    let mut pictures = pts(path, "v")?;
    pictures.sort_by(f64::total_cmp);
    let first = *pictures.first().ok_or_else(|| Problem::Failed(format!("{}: no video", path.display())))?;
    pictures.iter_mut().for_each(|time| *time -= first);
    let streams = probe(path, &["-show_entries", "stream=duration"])?;
    let lengths = streams["streams"].as_array().into_iter().flatten();
    let lengths = lengths.filter_map(|stream| stream["duration"].as_str()?.parse::<f64>().ok());
    Ok(Cycle { pictures, length: lengths.fold(0.0, f64::max) })
}

fn pts(path: &Path, track: &str) -> Result<Vec<f64>, Problem> {
    let packets = probe(path, &["-select_streams", track, "-show_entries", "packet=pts_time"])?;
    let packets = packets["packets"].as_array().into_iter().flatten();
    Ok(packets.filter_map(|packet| packet["pts_time"].as_str()?.parse().ok()).collect())
}

fn probe(path: &Path, arguments: &[&str]) -> Result<Value, Problem> {
    let mut command = Command::new("ffprobe");
    let text = process::output(command.args(["-v", "error", "-of", "json"]).args(arguments).arg(path))?;
    serde_json::from_str(&text).map_err(|error| Problem::Failed(format!("ffprobe: {error}")))
}
