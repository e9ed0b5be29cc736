//! FFmpeg publishes, `live-play` plays, and what it plays equals what FFmpeg decodes.

use super::lab::{Lab, decoded};
use super::peer::{Ended, Peer};
use super::picture::{self, Pictures};
use super::server::Server;
use super::sound;
use super::source::{self, Recipe, SAMPLE_RATE, SIZE};
use super::web::{Answer, Web};
use crate::process::Problem;
use crate::test::Outcome;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

/// How long the generated streams are, in seconds.
const LENGTH: u32 = 6;
/// How long a stream is on its way when the viewers come.
const LATE: Duration = Duration::from_millis(1300);
/// The longest that anything may take.
const DEADLINE: Duration = Duration::from_secs(40);
/// Colours are converted with rounding.
const CONVERTED: f64 = 40.0;
/// Sound is decoded with rounding.
const SOUND: f64 = 60.0;
/// The first two frames of AAC lack what came before them.
const AAC_WARM_UP: usize = 2048;

/// High profile with everything in it, through every server.
pub fn high(lab: &Lab<'_>) -> Outcome {
    through_servers(lab, "pull-high", source::HIGH)
}

/// The presets medium and slow of x264, through our relay: live-play decodes them exactly, B-frames or not.
pub fn presets(lab: &Lab<'_>) -> Outcome {
    let mut notes = Vec::new();
    for (name, recipe) in [("medium", source::MEDIUM), ("slow", source::SLOW)] {
        let note = through_our_relay(lab, &format!("pull-{name}"), recipe)?;
        notes.push(format!("{name}: {note}"));
    }
    Ok(notes.join("; "))
}

/// The plain kind of stream.
pub fn main(lab: &Lab<'_>) -> Outcome {
    through_servers(lab, "pull-main", source::MAIN)
}

/// No sound.
pub fn video_only(lab: &Lab<'_>) -> Outcome {
    through_servers(lab, "pull-video", source::VIDEO_ONLY)
}

/// No pictures.
pub fn audio_only(lab: &Lab<'_>) -> Outcome {
    through_servers(lab, "pull-audio", source::AUDIO_ONLY)
}

/// FFmpeg publishes to our relay.
pub fn through_relay(lab: &Lab<'_>) -> Outcome {
    through_our_relay(lab, "pull-relay", source::HIGH)
}

fn through_our_relay(lab: &Lab<'_>, case: &str, recipe: Recipe) -> Outcome {
    let folder = lab.folder(case)?;
    let source = Source::make(recipe, &folder)?;
    let relay = Server::relay(lab, &folder)?;
    let published =
        Published { server: "relay", rtmp: relay.rtmp("a"), http: relay.http("a"), is_end_told: true };
    played_late(lab, &folder, &source, &[published], &source::publishing)
}

/// FLV files over HTTP whose header denies the tracks that are there and announces those that are not.
pub fn wrong_flags(lab: &Lab<'_>) -> Outcome {
    let mut notes = Vec::new();
    for (name, recipe) in
        [("both", source::MAIN), ("video", source::VIDEO_ONLY), ("audio", source::AUDIO_ONLY)]
    {
        let folder = lab.folder(&format!("pull-flags-{name}"))?;
        let source = Source::make(recipe, &folder)?;
        let bytes = source::with_wrong_flags(&source.path, &folder)?;
        let rate = bytes.len() / LENGTH as usize;
        let web = Web::start(Answer::Body { kind: "video/x-flv", bytes: bytes.into(), rate })?;
        let way = Way { name: "http".into(), url: web.url("http", "live.flv"), is_end_told: true };
        let viewer = Viewer::start(lab, &folder, recipe, way)?;
        notes.push(format!("only {name}: {}", viewer.judged(&source, &folder)?));
    }
    Ok(notes.join("; "))
}

fn through_servers(lab: &Lab<'_>, case: &str, recipe: Recipe) -> Outcome {
    let folder = lab.folder(case)?;
    let source = Source::make(recipe, &folder)?;
    let nginx = Server::nginx(&folder)?;
    let node = Server::node_media_server(lab, &folder)?;
    let mut published =
        vec![Published { server: "nginx", rtmp: nginx.rtmp("a"), http: None, is_end_told: true }];
    if let Some(node) = &node {
        // It closes nothing and says nothing when a publisher leaves; but x264's end of sequence passes through it.
        let is_end_told = recipe.video.is_some();
        published.push(Published { server: "node", rtmp: node.rtmp("a"), http: node.http("a"), is_end_told });
    }
    let note = played_late(lab, &folder, &source, &published, &source::publishing)?;
    Ok(if node.is_some() { note } else { format!("{note}; no Node.js here: nginx only") })
}

/// `live-push` publishes to every server: passed on as it is, a stream is played as FFmpeg decodes it; encoded anew, it is
/// played without trouble.
pub fn pushed_by_us(lab: &Lab<'_>) -> Outcome {
    let mut notes = Vec::new();
    for copies in [true, false] {
        let name = if copies { "copied" } else { "encoded" };
        let folder = lab.folder(&format!("pull-ours-{name}"))?;
        let source = Source { is_changed: !copies, ..Source::make(source::HIGH, &folder)? };
        let (nginx, relay) = (Server::nginx(&folder)?, Server::relay(lab, &folder)?);
        let node = Server::node_media_server(lab, &folder)?;
        let mut published = vec![
            Published { server: "nginx", rtmp: nginx.rtmp("a"), http: None, is_end_told: true },
            Published { server: "relay", rtmp: relay.rtmp("a"), http: relay.http("a"), is_end_told: true },
        ];
        published.extend(node.as_ref().map(|node| Published {
            server: "node",
            rtmp: node.rtmp("a"),
            http: node.http("a"),
            is_end_told: true,
        }));
        let publishing = |file: &Path, url: &str| {
            let mut command = lab.live_push();
            command.arg("--input").arg(file).args(["--once", "--video-width=320", "--video-height=240"]);
            command.args(copies.then_some("--copy")).arg(url);
            command
        };
        let note = played_late(lab, &folder, &source, &published, &publishing)?;
        notes.push(format!("{name}: {note}"));
    }
    Ok(notes.join("; "))
}

/// A stream and where it can be had.
struct Published {
    server: &'static str,
    rtmp: String,
    http: Option<String>,
    /// Whether viewers are told of its end, by the server or by the last of its pictures.
    is_end_told: bool,
}

/// Publishes to every server, and lets a viewer come in late wherever the stream can be had.
fn played_late(
    lab: &Lab<'_>,
    folder: &Path,
    source: &Source,
    published: &[Published],
    publishing: &dyn Fn(&Path, &str) -> Command,
) -> Outcome {
    let mut publishers = Vec::new();
    for to in published {
        let mut command = publishing(&source.path, &to.rtmp);
        publishers.push(Peer::start(format!("publish-{}", to.server), folder, &mut command)?);
    }
    sleep(LATE);
    let mut viewers = Vec::new();
    for from in published {
        // Who serves HTTP-FLV here serves it over WebSockets at the same place.
        let ws = from.http.as_ref().map(|url| url.replacen("http", "ws", 1));
        let addresses = [("rtmp", Some(from.rtmp.clone())), ("http", from.http.clone()), ("ws", ws)];
        for (scheme, url) in addresses.into_iter().filter_map(|(scheme, url)| Some((scheme, url?))) {
            let name = format!("{}-{scheme}", from.server);
            let way = Way { name, url, is_end_told: from.is_end_told };
            viewers.push(Viewer::start(lab, folder, source.recipe, way)?);
        }
    }
    for publisher in publishers {
        publisher.succeeded(DEADLINE)?;
    }
    let notes: Result<Vec<_>, _> = viewers
        .into_iter()
        .map(|viewer| {
            let name = viewer.way.name.clone();
            match viewer.judged(source, folder) {
                Ok(note) => Ok(format!("{name}: {note}")),
                Err(problem) => Err(Problem::Failed(format!("{name}: {problem}"))),
            }
        })
        .collect();
    Ok(notes?.join("; "))
}

/// A stream and what FFmpeg decodes from it.
struct Source {
    recipe: Recipe,
    path: PathBuf,
    /// Planes, one picture after the other.
    pictures: Vec<u8>,
    /// The same as RGB.
    colours: Vec<u8>,
    /// Interleaved.
    sound: Vec<f32>,
    /// It is encoded anew on its way: what arrives is something else.
    is_changed: bool,
}

/// Arguments for pictures as planes.
const PLANES: &[&str] = &["-map", "0:v", "-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "yuv420p"];
/// Arguments for pictures as RGB: converted exactly, each pixel with the chroma sample that covers it.
const COLOURS: &[&str] = &[
    "-map",
    "0:v",
    "-fps_mode",
    "passthrough",
    "-f",
    "rawvideo",
    "-pix_fmt",
    "rgb24",
    "-sws_flags",
    "accurate_rnd+full_chroma_int+neighbor",
];
/// Arguments for sound.
const SAMPLES: &[&str] = &["-map", "0:a", "-f", "f32le"];

impl Source {
    fn make(recipe: Recipe, folder: &Path) -> Result<Self, Problem> {
        let path = recipe.make(folder, LENGTH)?;
        let raw = |name, wanted, arguments| {
            if wanted { decoded(name, folder, &path, arguments) } else { Ok(Vec::new()) }
        };
        let has_video = recipe.video.is_some();
        let pictures = raw("reference-pictures", has_video, PLANES)?;
        let colours = raw("reference-colours", has_video, COLOURS)?;
        let sound = sound::from_f32le(&raw("reference-sound", recipe.sound, SAMPLES)?);
        Ok(Self { recipe, path, pictures, colours, sound, is_changed: false })
    }
}

/// A running `live-play`.
struct Viewer {
    way: Way,
    peer: Peer,
}

/// How a viewer gets at a stream.
struct Way {
    /// What it is called.
    name: String,
    /// The address.
    url: String,
    /// Whether viewers are told of the stream's end.
    is_end_told: bool,
}

impl Viewer {
    fn start(lab: &Lab<'_>, folder: &Path, recipe: Recipe, way: Way) -> Result<Self, Problem> {
        let file = |extension: &str| folder.join(format!("{}.{extension}", way.name));
        let mut command: Command = lab.live_play();
        command.arg(&way.url).arg("--json");
        if recipe.video.is_some() {
            command.arg("--y4m").arg(file("y4m")).arg("--snapshot").arg(file("png"));
        }
        if recipe.sound {
            command.arg("--wav").arg(file("wav"));
        }
        if !way.is_end_told {
            command.args(["--duration", &(LENGTH + 2).to_string()]);
        }
        let peer = Peer::start(format!("play-{}", way.name), folder, &mut command)?;
        Ok(Self { way, peer })
    }

    /// Waits for the end of the stream, and compares.
    fn judged(self, source: &Source, folder: &Path) -> Outcome {
        let Ended { stdout, .. } = self.peer.succeeded(DEADLINE)?;
        if self.way.is_end_told && !stdout.contains("\"code\":2006") {
            return Err(Problem::Failed("the end of the stream (2006) was not told".into()));
        }
        let troubles = troubles(&stdout);
        if !troubles.is_empty() {
            return Err(Problem::Failed(format!("the player had trouble: {}", troubles.join(", "))));
        }
        if source.is_changed {
            return Ok("without trouble".into());
        }
        let file = |extension: &str| folder.join(format!("{}.{extension}", self.way.name));
        let mut notes = Vec::new();
        if source.recipe.video.is_some() {
            let planes = decoded(&format!("{}-pictures", self.way.name), folder, &file("y4m"), PLANES)?;
            notes.push(judge_pictures(&planes, source)?);
            let colours = decoded(&format!("{}-colours", self.way.name), folder, &file("png"), COLOURS)?;
            notes.push(judge_snapshot(&colours, source)?);
        }
        if source.recipe.sound {
            let samples = decoded(&format!("{}-sound", self.way.name), folder, &file("wav"), SAMPLES)?;
            notes.push(judge_sound(&sound::from_f32le(&samples), source)?);
        }
        // Raw pictures are large, and only of use after a failure.
        for extension in ["y4m", "wav"] {
            let _ = fs::remove_file(file(extension));
        }
        Ok(notes.join(", "))
    }
}

/// What went wrong while playing, by the player's own account: frames that did not decode (2101, 2102), that came late
/// (2105), that are missing (2107).
fn troubles(stdout: &str) -> Vec<String> {
    let lines = stdout.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let codes = lines.filter_map(|line| Some((line["code"].as_i64()?, line["detail"].to_string())));
    let trouble = codes.filter(|(code, _)| [2101, 2102, 2105, 2107].contains(code));
    trouble.map(|(code, detail)| format!("{code} {detail}")).collect()
}

fn judge_pictures(planes: &[u8], source: &Source) -> Outcome {
    let size = SIZE.0 * SIZE.1 * 3 / 2;
    let result = picture::compare(Pictures::new(planes, size), Pictures::new(&source.pictures, size))?;
    let likeness = if result.worst.is_infinite() {
        "identical".to_owned()
    } else {
        format!("PSNR ≥ {:.1} dB", result.worst)
    };
    let note = format!("{} pictures from number {} {likeness}", result.count, result.first);
    if result.worst.is_finite() { Err(Problem::Failed(note)) } else { Ok(note) }
}

/// The snapshot is the last picture.
fn judge_snapshot(colours: &[u8], source: &Source) -> Outcome {
    let sent = Pictures::new(&source.colours, SIZE.0 * SIZE.1 * 3);
    let last = sent.len().checked_sub(1).ok_or_else(|| Problem::Failed("no picture was sent".into()))?;
    let ratio = picture::psnr(colours, sent.get(last));
    let note = format!("PNG {ratio:.1} dB");
    if ratio < CONVERTED { Err(Problem::Failed(note)) } else { Ok(note) }
}

fn judge_sound(samples: &[f32], source: &Source) -> Outcome {
    const CHANNELS: usize = 2;
    let (ratio, begin) = sound::snr(samples, &source.sound, AAC_WARM_UP * CHANNELS)?;
    let seconds = samples.len() as f64 / (SAMPLE_RATE * CHANNELS) as f64;
    let rest = source.sound.len().saturating_sub(begin + samples.len() - AAC_WARM_UP * CHANNELS) / CHANNELS;
    let note = format!("sound {ratio:.1} dB over {seconds:.1} s, {rest} samples short of the end");
    if ratio < SOUND || rest > AAC_WARM_UP { Err(Problem::Failed(note)) } else { Ok(note) }
}
