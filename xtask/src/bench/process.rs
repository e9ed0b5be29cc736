//! Whole processes: `live-push`, the bare encoder, and FFmpeg with x264, on the same pictures at the same pace.
//!
//! Each reads the same Y4M file in real time. `live-push` and FFmpeg push to the same relay; the bare encoder throws
//! its packets away. The runs alternate, and medians of user and system time are compared.

use crate::process::{Problem, output, run};
use crate::project::Project;
use crate::setup;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

const WIDTH: u32 = 1280;
const HEIGHT: u32 = 720;
const FPS: u32 = 30;
const KBPS: u32 = 1500;
const SECONDS: u32 = 10;
const RELAY: &str = "127.0.0.1:19399";

/// Runs the comparison and gives its table, in Markdown.
pub fn compare(project: &Project, runs: usize) -> Result<String, Problem> {
    setup::ensure(&[&setup::FFMPEG])?;
    build(project)?;
    let release = project.target.join("release");
    let work = project.target.join("bench");
    std::fs::create_dir_all(&work).map_err(|error| Problem::Failed(error.to_string()))?;
    let clip = clip(project, &work)?;
    let _relay = Relay::start(&release.join("examples/relay"))?;
    let contestants = contestants(&release, &clip, &format!("rtmp://{RELAY}/live/bench"));
    let mut seconds = vec![Vec::new(); contestants.len()];
    for round in 1..=runs.max(1) {
        for ((name, command), seconds) in contestants.iter().zip(&mut seconds) {
            let used = cpu_seconds(command)?;
            eprintln!("round {round}: {name} used {used:.2} s of processor time");
            seconds.push(used);
        }
    }
    let medians: Vec<f64> = seconds.iter_mut().map(|seconds| median(seconds)).collect();
    let quality = [
        psnr_of(&contestants[0].1.replace(&format!("rtmp://{RELAY}/live/bench"), "OUT"), &clip, &work)?,
        String::new(),
        psnr_of(&contestants[2].1.replace(&format!("rtmp://{RELAY}/live/bench"), "OUT"), &clip, &work)?,
    ];
    Ok(table(&contestants, &medians, &quality))
}

fn build(project: &Project) -> Result<(), Problem> {
    let packages = ["--package", "live-pusher", "--package", "live-transport", "--package", "live-codec"];
    let features = ["--features", "live-pusher/cli,live-transport/relay"];
    let targets = ["--bin", "live-push", "--example", "relay", "--example", "encode_y4m"];
    run(project.cargo().args(["build", "--release"]).args(packages).args(features).args(targets))
}

/// A film clip as raw pictures: from the media folder when it is there, else drawn by FFmpeg.
fn clip(project: &Project, work: &Path) -> Result<PathBuf, Problem> {
    let media =
        std::env::var_os("LIVE_MEDIA").map_or_else(|| project.root.join("../shared/media"), PathBuf::from);
    let film = media.join("bigbuckbunny.mp4");
    let clip = work.join("clip.y4m");
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-y"]);
    if film.exists() {
        command.args(["-stream_loop", "-1", "-i"]).arg(film);
    } else {
        command.args([
            "-f",
            "lavfi",
            "-i",
            &format!("testsrc2=size={WIDTH}x{HEIGHT}:rate={FPS},noise=alls=8:allf=t"),
        ]);
    }
    // Every picture of the film counts: 25 a second become 30 by playing faster.
    let filter = format!("setpts=N/{FPS}/TB,scale={WIDTH}:{HEIGHT}");
    command.args([
        "-an",
        "-vf",
        &filter,
        "-r",
        &FPS.to_string(),
        "-t",
        &SECONDS.to_string(),
        "-pix_fmt",
        "yuv420p",
    ]);
    run(command.arg(&clip))?;
    Ok(clip)
}

/// Names and shell commands, in the order of the table.
fn contestants(release: &Path, clip: &Path, url: &str) -> [(&'static str, String); 3] {
    let (clip, release, gop) = (clip.display(), release.display(), 2 * FPS);
    let push = format!(
        "{release}/live-push --input {clip} --once --video-width {WIDTH} --video-height {HEIGHT} --fps {FPS} \
         --min-bitrate {KBPS} --max-bitrate {KBPS} --threads 1 {url}"
    );
    let bare = format!("{release}/examples/encode_y4m {clip} {KBPS} {gop}");
    let ffmpeg = format!(
        "ffmpeg -v error -y -re -i {clip} -c:v libx264 -preset ultrafast -tune zerolatency -b:v {KBPS}k \
         -maxrate {KBPS}k -bufsize {KBPS}k -g {gop} -f flv {url}"
    );
    [("live-push", push), ("bare encoder, same pace", bare), ("ffmpeg, x264 ultrafast zerolatency", ffmpeg)]
}

/// User and system time of `command` and everything it starts, by the shell's own count.
fn cpu_seconds(command: &str) -> Result<f64, Problem> {
    let script = format!("TIMEFORMAT='%3U %3S'; {{ time {command} >/dev/null 2>&1; }} 2>&1");
    let times = output(Command::new("bash").args(["-c", &script]))?;
    let parsed: Option<Vec<f64>> = times.split_whitespace().map(|word| word.parse().ok()).collect();
    match parsed.as_deref() {
        Some([user, system]) => Ok(user + system),
        _ => Err(Problem::Failed(format!("`{command}` did not run: {times}"))),
    }
}

/// Luma PSNR of what `command` makes when its output is the file `OUT`, as FFmpeg measures it.
fn psnr_of(command: &str, clip: &Path, work: &Path) -> Result<String, Problem> {
    let out = work.join("out.flv");
    cpu_seconds(&command.replace("OUT", &out.display().to_string()))?;
    // By number: in FLV's milliseconds most pictures would be a little early and meet the one before theirs.
    let filter =
        format!("[0:v]settb=1/{FPS},setpts=N[a];[1:v]settb=1/{FPS},setpts=N[b];[a][b]psnr=shortest=1");
    let script = format!(
        "ffmpeg -v info -i {} -i {} -lavfi '{filter}' -f null - 2>&1 | grep -o 'PSNR y:[0-9.]*' | cut -d: -f2",
        out.display(),
        clip.display()
    );
    output(Command::new("bash").args(["-c", &script])).map(|text| text.trim().to_owned())
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn table(contestants: &[(&'static str, String); 3], medians: &[f64], quality: &[String; 3]) -> String {
    let mut table = String::from(
        "| process | processor time, median | live-push against it | PSNR-Y, dB |\n|---|---:|---:|---:|\n",
    );
    for (((name, _), median), psnr) in contestants.iter().zip(medians).zip(quality) {
        let ratio = medians[0] / median;
        table += &format!("| {name} | {median:.2} s of {SECONDS} s | {ratio:.2} | {psnr} |\n");
    }
    table
}

/// The relay both push to; ends with its owner.
struct Relay(Child);

impl Relay {
    fn start(program: &Path) -> Result<Self, Problem> {
        let cannot = |error| Problem::Failed(format!("{}: {error}", program.display()));
        let mut command = Command::new(program);
        let child = command.arg(RELAY).stdout(Stdio::null()).stderr(Stdio::null()).spawn().map_err(cannot)?;
        let relay = Self(child);
        for _ in 0..50 {
            if std::net::TcpStream::connect(RELAY).is_ok() {
                return Ok(relay);
            }
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
        Err(Problem::Failed(format!("the relay did not begin to listen on {RELAY}")))
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        // One that has ended by itself cannot be ended again.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
