//! What users and peers get wrong: each ends the program with its exit code, the problem named, in time.

use super::lab::{Lab, ffmpeg, on_files};
use super::peer::{Ended, Peer, free_port, local};
use super::source;
use super::web::{Answer, Web};
use crate::process::Problem;
use crate::test::Outcome;
use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// The session ended by a failure.
const FAILED: i32 = 1;
/// The arguments make no sense.
const USAGE: i32 = 2;
/// What is wrong with the arguments or a file is known at once.
const AT_ONCE: Duration = Duration::from_secs(5);
/// The longest a peer may be silent in the middle of opening, with a busy machine's allowance.
const SILENCE: Duration = Duration::from_secs(25);
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

/// Everything that a publisher's user gets wrong.
pub fn of_publishers(lab: &Lab<'_>) -> Outcome {
    let folder = lab.folder("bad-push")?;
    let push = |arguments: &[&str]| with(lab.live_push(), arguments);
    let closed = format!("rtmp://127.0.0.1:{}/live/{KEY}", free_port()?);
    let silent = Web::start(Answer::Silence)?;
    let hung = silent.url("rtmp", &format!("live/{KEY}"));
    let page = Web::start(Answer::at_once("text/html", *b"<html>no stream here</html>"))?;
    let web = page.url("rtmp", &format!("live/{KEY}"));
    let (text, missing) = (folder.join("notes.mp4"), folder.join("missing.mp4"));
    write(&text, b"These are the notes of a meeting, not a video.\n")?;
    let old = unsupported(&folder, "old.mp4", &["-c:v", "mpeg4", "-c:a", "libmp3lame"])?;
    let [text, missing] = [&text, &missing].map(|path| path.to_str().unwrap_or_default());
    let cases = [
        usage("unknown scheme", push(&["gopher://127.0.0.1/live/a"]), &["gopher"]),
        usage("missing host", push(&["rtmp:///live/a"]), &["host"]),
        usage("no stream name", push(&["rtmp://127.0.0.1/live"]), &["stream name"]),
        usage(
            "min-bitrate over max-bitrate",
            push(&["--min-bitrate", "900", "--max-bitrate", "300", &closed]),
            &["min-bitrate"],
        ),
        failure("no such file", push(&["--input", missing, &closed]), &["missing.mp4"], AT_ONCE),
        failure("not a video", push(&["--input", text, &closed]), &["notes.mp4"], AT_ONCE),
        failure(
            "unsupported codec",
            push(&["--input", &old, &closed]),
            &["mp4v", "mpeg-4", "codec"],
            AT_ONCE,
        ),
        failure("nobody listens", push(&[&closed]), &["refused", "connect"], AT_ONCE),
        failure("server says nothing", push(&[&hung]), &["handshake", "answer"], SILENCE),
        failure("not an RTMP server", push(&[&web]), &["rtmp", "version", "closed"], SILENCE),
    ];
    run(&folder, cases)
}

/// Everything that a viewer's user, and the servers, get wrong.
pub fn of_viewers(lab: &Lab<'_>) -> Outcome {
    let folder = lab.folder("bad-play")?;
    let play = |arguments: &[&str]| with(lab.live_play(), arguments);
    let closed = format!("rtmp://127.0.0.1:{}/live/{KEY}", free_port()?);
    let silent = Web::start(Answer::Silence)?;
    let (hung_rtmp, hung_http) =
        (silent.url("rtmp", &format!("live/{KEY}")), silent.url("http", &format!("live/{KEY}.flv")));
    let page = Web::start(Answer::at_once("text/html", *b"<html>please log in</html>"))?;
    let good = fs::read(source::MAIN.make(&folder, 2)?);
    let good = good.map_err(|error| Problem::Failed(format!("source.flv: {error}")))?;
    let half = Web::start(Answer::at_once("video/x-flv", &good[..good.len() / 2]))?;
    let (text, cut) = (folder.join("notes.flv"), folder.join("cut.flv"));
    write(&text, b"These are the notes of a meeting, not a video.\n")?;
    write(&cut, &good[..good.len() / 2])?;
    let old = unsupported(&folder, "old.flv", &["-c:v", "flv1", "-an"])?;
    let [text, cut] = [&text, &cut].map(|path| path.to_str().unwrap_or_default());
    let cases = [
        usage("unknown scheme", play(&["gopher://127.0.0.1/live/a"]), &["gopher"]),
        usage("missing host", play(&["rtmp:///live/a"]), &["host"]),
        usage("no stream name", play(&["rtmp://127.0.0.1/live"]), &["stream name"]),
        usage(
            "min-cache over max-cache",
            play(&["--min-cache", "4", "--max-cache", "2", &closed]),
            &["min-cache"],
        ),
        failure("nobody listens", play(&[&closed]), &["refused", "connect"], AT_ONCE),
        failure("RTMP server says nothing", play(&[&hung_rtmp]), &["handshake", "answer"], SILENCE),
        failure("web server says nothing", play(&[&hung_http]), &["answer"], SILENCE),
        failure("HTML instead of FLV", play(&[&page.url("http", "live/a.flv")]), &["flv"], AT_ONCE),
        failure(
            "truncated FLV over HTTP",
            play(&[&half.url("http", "live/a.flv")]),
            &["middle", "truncated", "cut"],
            SILENCE,
        ),
        failure("truncated FLV file", play(&[cut]), &["middle", "truncated", "cut"], SILENCE),
        failure("not a video", play(&[text]), &["flv"], AT_ONCE),
        failure("unsupported codec", play(&[&old]), &["codec", "sorenson", "h.263", "decoder"], SILENCE),
    ];
    run(&folder, cases)
}

/// The relay on a port that is taken.
pub fn of_servers(lab: &Lab<'_>) -> Outcome {
    let folder = lab.folder("bad-relay")?;
    let taken = TcpListener::bind(local(0)).and_then(|listener| Ok((listener.local_addr()?, listener)));
    let (address, _listener) = taken.map_err(|error| Problem::CannotRun(error.to_string()))?;
    let command = with(lab.relay(), &[&address.to_string(), "127.0.0.1:0"]);
    run(&folder, [failure("port in use", command, &["listen"], AT_ONCE)])
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
fn run(folder: &Path, mistakes: impl IntoIterator<Item = Mistake>) -> Outcome {
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
fn unsupported(folder: &Path, name: &str, codecs: &[&str]) -> Result<String, Problem> {
    let path = folder.join(name);
    let mut command = ffmpeg();
    command.args(["-f", "lavfi", "-i", "testsrc2=size=160x120:rate=25:duration=2"]);
    command.args(["-f", "lavfi", "-i", "sine=sample_rate=44100:duration=2"]).args(codecs);
    on_files(name, folder, command.arg(&path))?;
    Ok(path.to_string_lossy().into_owned())
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Problem> {
    fs::write(path, bytes).map_err(|error| Problem::Failed(format!("{}: {error}", path.display())))
}
