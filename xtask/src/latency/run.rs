//! The measurement itself.

use super::Options;
use super::judge::{self, Seen};
use super::players::{self, Media, Player};
use super::screen::Screen;
use crate::interop::peer::Peer;
use crate::interop::server::Server;
use crate::process::Problem;
use crate::project::Project;
use crate::uplink::viewer::Viewer;
use live_core::config::Size;
use live_transport::net::relay::{Relay, RelayConfig};
use std::collections::BTreeMap;
use std::fs;
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The pattern's size.
pub const SIZE: Size = Size::new(640, 360);
/// From one look at the screen to the next.
const LOOK: Duration = Duration::from_millis(2);
/// How long a player may take to show a picture.
const STARTUP: Duration = Duration::from_secs(15);
/// The server that gives newcomers the newest group of pictures at once.
const RELAY: &str = "relay";
/// How long a player has to find its pace.
const SETTLING: Duration = Duration::from_secs(2);
/// How long the pusher may take until its stream can be played.
const PUBLISHING: Duration = Duration::from_secs(3);

/// `cargo xtask latency`, where the workspace is at hand.
pub fn run(options: &Options) -> Result<(), Problem> {
    let project = Project::load()?;
    let folder = project.target.join("latency");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).map_err(|error| Problem::Failed(format!("{}: {error}", folder.display())))?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .map_err(|error| Problem::Failed(format!("no runtime can be made: {error}")))?;
    let relay = runtime.block_on(Relay::bind(RelayConfig::new((Ipv4Addr::LOCALHOST, 0).into())));
    let relay = relay.map_err(|error| Problem::Failed(format!("the relay cannot start: {error}")))?;
    let cached = format!("rtmp://{}/live/glass", relay.rtmp_addr());
    runtime.spawn(relay.run());
    let viewer = runtime.block_on(async { Viewer::start(&cached) });
    let nginx = Server::nginx(&folder)?;
    // nginx-rtmp has no cache: who comes waits for the next key frame.
    let servers = [("nginx-rtmp", nginx.rtmp("glass")), (RELAY, cached)];
    let mut stage =
        Stage { viewer, screen: Screen::start(&folder)?, project, folder, seconds: options.seconds };
    let mut seen = BTreeMap::new();
    for media in [Media::Video, Media::Both] {
        let _pusher = stage.push(media, &servers)?;
        sleep(PUBLISHING);
        for run in 1..=options.runs {
            for (server, url) in &servers {
                for (order, player) in players::of(media).iter().enumerate() {
                    eprintln!("run {run} of {}: {media:?} through {server}, {}", options.runs, player.name());
                    if let Some(taken) = stage.play(*player, url, *server != RELAY)? {
                        seen.entry((media, *server, order)).or_insert_with(Vec::new).push(taken);
                    }
                }
            }
        }
    }
    let row = |((media, server, order), runs)| judge::Row {
        media,
        server,
        player: players::of(media)[order],
        runs,
    };
    let rows = seen.into_iter().map(row).collect::<Vec<_>>();
    println!("\n{}", judge::table(&rows));
    let wrong = judge::judge(&rows);
    if wrong.is_empty() {
        return Ok(());
    }
    println!("{}", wrong.join("\n"));
    if options.look_only {
        Ok(())
    } else {
        Err(Problem::Failed(format!("{} targets are missed", wrong.len())))
    }
}

/// Where players play.
struct Stage {
    screen: Screen,
    project: Project,
    folder: std::path::PathBuf,
    seconds: u64,
    /// Sees when key frames come.
    viewer: Viewer,
}

impl Stage {
    /// Pushes the pattern, 30 pictures a second, to every server.
    fn push(&self, media: Media, servers: &[(&str, String)]) -> Result<Peer, Problem> {
        let mut command = Command::new(self.project.target.join("release/live-push"));
        command.args(["--pattern=bars", "--mode=RTC", "--fps=30", "--fixed-bitrate"]);
        command.arg(format!("--video-width={}", SIZE.width)).arg(format!("--video-height={}", SIZE.height));
        command.arg(format!("--enable-mic={}", media == Media::Both));
        let (first, others) = servers.split_first().expect("there are servers");
        others.iter().for_each(|(_, url)| {
            command.arg("--also").arg(url);
        });
        Peer::start(format!("live-push-{media:?}"), &self.folder, command.arg(&first.1))
    }

    /// Lets a player play and looks on; `None` when it is not installed.
    fn play(&mut self, player: Player, url: &str, waits_for_key: bool) -> Result<Option<Seen>, Problem> {
        let Some(mut command) = player.command(&self.project, &self.screen.display, url) else {
            return Ok(None);
        };
        let name = if player.is_ours() { "live-play" } else { player.name() };
        let (started, started_wall) = (Instant::now(), wall());
        let process = Peer::start(name, &self.folder, &mut command)?;
        let mut seen = Seen::default();
        let mut last: Option<(u32, Instant)> = None;
        // When the first picture has come, the rest is known.
        let (mut counted_from, mut end) = (None, started + STARTUP);
        while Instant::now() < end {
            let stamp = self.screen.stamp();
            let now = Instant::now();
            if let Some(stamp) = stamp.filter(|stamp| last.is_none_or(|(frame, _)| frame != stamp.frame)) {
                let latency = Duration::from_micros(wall().saturating_sub(stamp.micros));
                match last {
                    None => {
                        seen.first = Some(now - started);
                        (counted_from, end) = (Some(now + SETTLING), now + Duration::from_secs(self.seconds));
                    }
                    Some((_, shown)) => {
                        seen.motion.get_or_insert(now - started);
                        if counted_from.is_some_and(|from| now >= from) {
                            seen.latencies.push(latency);
                            seen.gaps.push(now - shown);
                        }
                    }
                }
                last = Some((stamp.frame, now));
            }
            sleep(LOOK);
        }
        drop(process);
        if waits_for_key {
            // The wait for the first key frame after the start is everybody's.
            let key = self.viewer.seen().keys.into_iter().find(|key| *key >= started_wall);
            let waited = Duration::from_micros(key.unwrap_or(started_wall) - started_wall);
            seen.first = seen.first.map(|first| first.saturating_sub(waited));
        }
        seen.latencies.sort_unstable();
        if player.is_ours() {
            seen.av_offset = worst_offset(&self.folder.join("live-play.out"));
        }
        // The next one begins on an empty screen.
        while self.screen.stamp().is_some() {
            sleep(Duration::from_millis(20));
        }
        Ok(Some(seen))
    }
}

/// µs since the UNIX epoch, as the pattern's stamps are.
fn wall() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

/// The widest that sound and picture were apart, in ms, by the player's own account.
fn worst_offset(said: &Path) -> Option<f64> {
    let text = fs::read_to_string(said).unwrap_or_default();
    let lines = text.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let offsets = lines.filter_map(|line| line["info"]["avOffset"].as_f64());
    offsets.max_by(|one, other| one.abs().total_cmp(&other.abs()))
}
