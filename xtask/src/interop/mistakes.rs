//! What users and peers get wrong: each ends the program with its exit code, the problem named, in time.

use super::lab::{Lab, ffmpeg, on_files};
use super::peer::{Ended, Peer, free_port, local};
use super::source;
use super::web::{Answer, Web};
use crate::process::Problem;
use crate::test::Outcome;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// The session ended by a failure.
const FAILED: i32 = 1;
/// The arguments make no sense.
const USAGE: i32 = 2;
/// What is wrong with the arguments or a file is known at once; a busy machine is allowed for in all of these.
const AT_ONCE: Duration = Duration::from_secs(10);
/// Three retries, after 1, 2 and 4 s and a fifth.
const RETRIED: Duration = Duration::from_secs(20);
/// The same, and 10 s of silence in each of the four attempts.
const SILENCE: Duration = Duration::from_secs(60);
/// A stream key that no output may show.
const KEY: &str = "sEcReT";

/// A mistake and how the program has to take it.
struct Mistake {
    name: &'static str,
    command: Command,
    exit: i32,
    /// Words of which one has to be on standard error, in lower case.
    words: &'static [&'static str],
    deadline: Duration,
}

/// Everything at once.
pub fn all(lab: &Lab<'_>) -> Outcome {
    let folder = lab.folder("bad-input")?;
    let scene = Scene::set_up(&folder)?;
    let mut mistakes = of_publishers(lab, &scene);
    mistakes.extend(of_viewers(lab, &scene));
    let relay = with(lab.relay(), &[&scene.taken.1, "127.0.0.1:0"]);
    mistakes.push(failure("relay: port in use", relay, &["listen"], AT_ONCE));
    run(&folder, mistakes)
}

/// The servers and files that are not as they have to be.
struct Scene {
    folder: PathBuf,
    /// A port on which nobody listens.
    closed: u16,
    /// A port that somebody else listens on, and its address.
    taken: (TcpListener, String),
    silent: Web,
    page: Web,
    half: Web,
}

impl Scene {
    fn set_up(folder: &Path) -> Result<Self, Problem> {
        let listener = TcpListener::bind(local(0)).and_then(|socket| Ok((socket.local_addr()?, socket)));
        let (address, listener) = listener.map_err(|error| Problem::CannotRun(error.to_string()))?;
        let good = fs::read(source::MAIN.make(folder, 2)?);
        let good = good.map_err(|error| Problem::Failed(format!("source.flv: {error}")))?;
        let half = &good[..good.len() / 2];
        write(&folder.join("cut.flv"), half)?;
        for name in ["notes.mp4", "notes.flv"] {
            write(&folder.join(name), b"These are the notes of a meeting, not a video.\n")?;
        }
        unsupported(folder, "old.mp4", &["-c:v", "mpeg4", "-c:a", "libmp3lame"])?;
        unsupported(folder, "old.flv", &["-c:v", "flv1", "-an"])?;
        Ok(Self {
            folder: folder.to_owned(),
            closed: free_port()?,
            taken: (listener, address.to_string()),
            silent: Web::start(Answer::Silence)?,
            page: Web::start(Answer::at_once("text/html", *b"<html>please log in</html>"))?,
            half: Web::start(Answer::at_once("video/x-flv", half))?,
        })
    }

    fn closed(&self) -> String {
        format!("rtmp://127.0.0.1:{}/live/{KEY}", self.closed)
    }

    fn file(&self, name: &str) -> String {
        self.folder.join(name).to_string_lossy().into_owned()
    }
}

fn of_publishers(lab: &Lab<'_>, scene: &Scene) -> Vec<Mistake> {
    let push = |arguments: &[&str]| with(lab.live_push(), arguments);
    let push_file = |name| push(&["--input", &scene.file(name), &scene.closed()]);
    let rtmp = |web: &Web| web.url("rtmp", &format!("live/{KEY}"));
    let bitrates = ["--min-bitrate", "900", "--max-bitrate", "300", "rtmp://127.0.0.1/live/a"];
    vec![
        usage("push: unknown scheme", push(&["gopher://127.0.0.1/live/a"]), &["gopher"]),
        usage("push: missing host", push(&["rtmp:///live/a"]), &["no host"]),
        usage("push: no stream name", push(&["rtmp://127.0.0.1/live"]), &["names no stream"]),
        usage("push: min-bitrate over max-bitrate", push(&bitrates), &["min-bitrate"]),
        failure("push: no such file", push_file("missing.mp4"), &["missing.mp4"], AT_ONCE),
        failure("push: not a video", push_file("notes.mp4"), &["no media file"], AT_ONCE),
        failure("push: unsupported codec", push_file("old.mp4"), &["mpeg-4 part 2"], AT_ONCE),
        failure("push: nobody listens", push(&[&scene.closed()]), &["refused"], RETRIED),
        failure("push: server says nothing", push(&[&rtmp(&scene.silent)]), &["no answer"], SILENCE),
        failure("push: not an RTMP server", push(&[&rtmp(&scene.page)]), &["handshake"], SILENCE),
    ]
}

fn of_viewers(lab: &Lab<'_>, scene: &Scene) -> Vec<Mistake> {
    let play = |arguments: &[&str]| with(lab.live_play(), arguments);
    let play_file = |name| play(&[&scene.file(name)]);
    let http = |web: &Web| web.url("http", &format!("live/{KEY}.flv"));
    let silent = scene.silent.url("rtmp", &format!("live/{KEY}"));
    let caches = ["--min-cache", "4", "--max-cache", "2", "rtmp://127.0.0.1/live/a"];
    vec![
        usage("play: unknown scheme", play(&["gopher://127.0.0.1/live/a"]), &["gopher"]),
        usage("play: missing host", play(&["rtmp:///live/a"]), &["no host"]),
        usage("play: no stream name", play(&["rtmp://127.0.0.1/live"]), &["names no stream"]),
        usage("play: min-cache over max-cache", play(&caches), &["min-cache"]),
        failure("play: nobody listens", play(&[&scene.closed()]), &["refused"], RETRIED),
        failure("play: server says nothing", play(&[&silent]), &["no answer"], SILENCE),
        failure("play: web server says nothing", play(&[&http(&scene.silent)]), &["not answer"], SILENCE),
        failure(
            "play: HTML instead of FLV",
            play(&[&http(&scene.page)]),
            &["text/html instead of an flv"],
            RETRIED,
        ),
        failure(
            "play: truncated FLV over HTTP",
            play(&[&http(&scene.half)]),
            &["cut off in the middle"],
            RETRIED,
        ),
        failure("play: truncated FLV file", play_file("cut.flv"), &["truncated"], RETRIED),
        failure("play: not a video", play_file("notes.flv"), &["no media file"], AT_ONCE),
        failure("play: unsupported codec", play_file("old.flv"), &["sorenson"], AT_ONCE),
    ]
}

fn with(mut command: Command, arguments: &[&str]) -> Command {
    command.args(arguments);
    command
}

fn usage(name: &'static str, command: Command, words: &'static [&'static str]) -> Mistake {
    Mistake { name, command, exit: USAGE, words, deadline: AT_ONCE }
}

fn failure(
    name: &'static str,
    command: Command,
    words: &'static [&'static str],
    deadline: Duration,
) -> Mistake {
    Mistake { name, command, exit: FAILED, words, deadline }
}

/// Makes every mistake, all at the same time; names those that are not taken as they have to be.
fn run(folder: &Path, mistakes: Vec<Mistake>) -> Outcome {
    let taken: Vec<_> = std::thread::scope(|scope| {
        let attempts = mistakes.into_iter().enumerate().map(|(number, mistake)| {
            let file = format!("{number:02}");
            scope.spawn(move || (mistake.name, attempt(mistake, &file, folder)))
        });
        // All have to be on their way before the first is waited for.
        let attempts: Vec<_> = attempts.collect();
        attempts.into_iter().filter_map(|attempt| attempt.join().ok()).collect()
    });
    let mut wrong = Vec::new();
    for (name, outcome) in &taken {
        match outcome {
            Ok(words) => eprintln!("    {name}: {words}"),
            Err(problem) => wrong.push(format!("{name}: {problem}")),
        }
    }
    if wrong.is_empty() {
        Ok(format!("{} mistakes", taken.len()))
    } else {
        Err(Problem::Failed(wrong.join("; ")))
    }
}

/// Makes one mistake: the time it took and the program's last words.
fn attempt(mut mistake: Mistake, file: &str, folder: &Path) -> Outcome {
    let begun = Instant::now();
    let ended = Peer::start(file, folder, &mut mistake.command)?.ended(mistake.deadline)?;
    let words = judge(&mistake, &ended)?;
    Ok(format!("after {:.1} s: {words}", begun.elapsed().as_secs_f64()))
}

fn judge(mistake: &Mistake, ended: &Ended) -> Outcome {
    let said = ended.stderr.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default().to_owned();
    let everything = ended.stderr.to_lowercase();
    let wrong = if ended.status.code() != Some(mistake.exit) {
        format!("ended with {} instead of {}", ended.status, mistake.exit)
    } else if everything.contains("panicked") {
        "panicked".to_owned()
    } else if !mistake.words.iter().any(|word| everything.contains(word)) {
        format!("says nothing of {}", mistake.words.join(" or "))
    } else if ended.stderr.contains(KEY) || ended.stdout.contains(KEY) {
        "shows the stream key".to_owned()
    } else {
        return Ok(said);
    };
    Err(Problem::Failed(format!("{wrong} (\"{said}\")")))
}

/// A file of two seconds in codecs that are not supported.
fn unsupported(folder: &Path, name: &str, codecs: &[&str]) -> Result<(), Problem> {
    let path = folder.join(name);
    let mut command = ffmpeg();
    command.args(["-f", "lavfi", "-i", "testsrc2=size=160x120:rate=25:duration=2"]);
    command.args(["-f", "lavfi", "-i", "sine=sample_rate=44100:duration=2"]).args(codecs);
    on_files(name, folder, command.arg(&path))
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Problem> {
    fs::write(path, bytes).map_err(|error| Problem::Failed(format!("{}: {error}", path.display())))
}
