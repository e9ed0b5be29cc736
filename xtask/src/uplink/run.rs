//! The measurement itself.

use super::Options;
use super::bottleneck::Bottleneck;
use super::judge::{Phase, judge};
use super::viewer::{Seen, Viewer};
use crate::interop::peer::{Peer, free_port};
use crate::process::{Problem, find};
use crate::project::Project;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// What the link carries, one after the other, kbit/s.
const RATES: [u32; 3] = [2000, 600, 2000];
/// How long it may take until the first picture is seen.
const STARTUP: Duration = Duration::from_secs(20);
/// How long the pusher may take to end.
const ENDING: Duration = Duration::from_secs(15);

/// `cargo xtask uplink`, where the workspace is at hand.
pub fn run(options: &Options) -> Result<(), Problem> {
    let project = Project::load()?;
    let folder = project.target.join("uplink");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).map_err(|error| Problem::Failed(format!("{}: {error}", folder.display())))?;
    let live_push = options.live_push.clone().unwrap_or_else(|| project.target.join("release/live-push"));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .map_err(|error| Problem::Failed(format!("no runtime can be made: {error}")))?;
    let phase = Duration::from_secs(options.seconds);
    let (phases, seen, codes) = runtime.block_on(measure(&folder, &live_push, phase))?;
    write_course(&folder, &phases, &seen);
    let (table, wrong) = judge(&phases, &seen, &codes);
    println!("\n{table}");
    if wrong.is_empty() { Ok(()) } else { Err(Problem::Failed(wrong.join("; "))) }
}

async fn measure(
    folder: &Path,
    live_push: &Path,
    phase: Duration,
) -> Result<(Vec<Phase>, Seen, Vec<i64>), Problem> {
    let bottleneck = Bottleneck::set_up(RATES[0])?;
    let port = free_port()?;
    let _server = nginx(folder, port)?;
    let viewer = Viewer::start(&format!("rtmp://127.0.0.1:{port}/live/uplink"));
    let mut command = bottleneck.command(live_push);
    command.args(["--json", "--pattern", "noise", "--min-bitrate", "200", "--max-bitrate", "3000"]);
    command.args(["--video-width", "1280", "--video-height", "720"]);
    let duration = phase * RATES.len() as u32 + STARTUP;
    command.arg(format!("--duration={}", duration.as_secs()));
    command.arg(format!("rtmp://{}:{port}/live/uplink", bottleneck.server()));
    let pusher = Peer::start("live-push", folder, &mut command)?;
    let started = Instant::now();
    while viewer.seen().pictures.is_empty() {
        if started.elapsed() > STARTUP {
            let log = folder.join("live-push.err");
            return Err(Problem::Failed(format!("no picture after {STARTUP:?} (see {})", log.display())));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let mut phases = Vec::new();
    for kbps in RATES {
        bottleneck.set_rate(kbps)?;
        let begins = Instant::now();
        eprintln!("{kbps} kbit/s for {} s", phase.as_secs());
        tokio::time::sleep(phase).await;
        phases.push(Phase { begins, ends: Instant::now(), kbps });
    }
    let seen = viewer.seen();
    let ended = tokio::task::block_in_place(|| pusher.succeeded(STARTUP + ENDING))?;
    let codes = ended
        .stdout
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter_map(|event| event["code"].as_i64())
        .collect();
    Ok((phases, seen, codes))
}

/// A plain nginx with its RTMP module, for everybody.
fn nginx(folder: &Path, port: u16) -> Result<Peer, Problem> {
    let program = find("nginx").ok_or_else(|| Problem::CannotRun("nginx is missing".into()))?;
    let config = include_str!("../interop/nginx.conf").replace("127.0.0.1:PORT", &port.to_string());
    fs::write(folder.join("nginx.conf"), config).map_err(|error| Problem::Failed(error.to_string()))?;
    let mut command = Command::new(program);
    command.arg("-p").arg(folder).args(["-c", "nginx.conf", "-e", "error.log"]);
    Peer::start("nginx", folder, &mut command)?.listening(port)
}

/// Latency and media, second by second, for who wants to know more.
fn write_course(folder: &Path, phases: &[Phase], seen: &Seen) {
    let mut text = String::from("second,link_kbps,media_kbps,worst_latency_ms\n");
    let Some(first) = phases.first() else { return };
    for phase in phases {
        let mut at = phase.begins;
        while at < phase.ends {
            let next = at + Duration::from_secs(1);
            let inside = |time: &Instant| *time >= at && *time < next;
            let bytes: usize =
                seen.media.iter().filter(|(time, _)| inside(time)).map(|(_, bytes)| bytes).sum();
            let worst =
                seen.pictures.iter().filter(|(time, _)| inside(time)).map(|(_, latency)| *latency).max();
            let second = (at - first.begins).as_secs();
            let worst = worst.unwrap_or_default().as_millis();
            let _ = writeln!(text, "{second},{},{},{worst}", phase.kbps, bytes / 125);
            at = next;
        }
    }
    // Without the file the verdict is the same.
    let _ = fs::write(folder.join("course.csv"), text);
}
