//! The tour itself.

use super::eye::{View, look};
use super::scene::Scene;
use super::script::{Act, CHAPTERS, Chapter, END, SERVER_IS_DOWN, WIDE};
use super::uplink::Uplink;
use super::{criteria, portrait, report};
use crate::demo::console;
use crate::demo::watch::{SessionLog, Who, watch};
use crate::process::Problem;
use crate::project::Project;
use live_capture::pattern::PatternSpec;
use live_capture::tone::Tone;
use live_core::config::{Mode, PlayerMode, PusherConfig};
use live_core::event::{EventStream, PusherEvent};
use live_core::{Color, I420, PicturePool, PusherCode, Timestamp, VideoFrame};
use live_player::LivePlayer;
use live_player::sink::NullAudio;
use live_pusher::LivePusher;
use live_transport::net::relay::{Relay, RelayConfig};
use std::fmt::Display;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

/// What the camera gives: the first step of the RTC mode.
const SPEC: PatternSpec = PatternSpec::new(360, 640, 25);
/// Floor and ceiling of the bitrate, kbit/s.
const BITRATE: (u32, u32) = (120, 1200);
/// How long connecting, and ending, may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// A picture of each chapter is taken so long after it began.
const SAMPLE_AFTER: Duration = Duration::from_millis(3500);

/// Everything that was seen and told.
pub struct Take {
    /// What was looked at, for people.
    pub subject: &'static str,
    /// When the stream was accepted, since the demo began.
    pub published: Duration,
    /// What the pusher told.
    pub pusher: SessionLog,
    /// What the player told.
    pub player: SessionLog,
    /// What the player showed.
    pub view: View,
    /// Why a session ended before it was stopped.
    pub failures: Vec<(Who, Option<String>)>,
    /// How long all took.
    pub took: Duration,
}

impl Take {
    /// A moment of the script as seconds since the demo began.
    pub fn at(&self, script: f64) -> f64 {
        self.published.as_secs_f64() + script
    }
}

/// Runs the tour, writes its report, and says what failed.
pub fn run() -> Result<(), Problem> {
    let project = Project::load()?;
    let folder = project.target.join("demo");
    std::fs::create_dir_all(&folder).map_err(|error| failed("the folder cannot be made", error))?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| failed("no runtime can be made", error))?;
    println!("the tour takes {} seconds", END + 4);
    let take = runtime.block_on(perform(&project, &folder))?;
    let criteria = criteria::all(&take);
    let path = folder.join("tour.html");
    std::fs::write(&path, report::page(&take, &criteria))
        .map_err(|error| failed(&format!("{} cannot be written", path.display()), error))?;
    println!("\n{}\n\nreport: {}", console::table(&criteria), path.display());
    match criteria.iter().filter(|criterion| !criterion.passed).count() {
        0 => Ok(()),
        count => Err(Problem::Failed(format!(
            "{count} of {} criteria failed: {}",
            criteria.len(),
            console::reasons(&criteria)
        ))),
    }
}

fn failed(what: &str, error: impl Display) -> Problem {
    Problem::Failed(format!("{what}: {error}"))
}

async fn perform(project: &Project, folder: &Path) -> Result<Take, Problem> {
    let began = Instant::now();
    let mut server = Server::start(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await?;
    let uplink = Uplink::to(server.addr, WIDE).map_err(|error| failed("no uplink can be made", error))?;
    let (portrait, subject) = portrait::portrait(project, SPEC.color());
    let pusher = pusher(uplink.addr, portrait, waiting_image(folder)?)?;
    let pusher_log = tokio::spawn(watch(Who::Pusher, began, pusher.events(), pusher.net_status_stream()));
    let events = pusher.events();
    pusher.start();
    until_publishing(&pusher, events).await?;
    let published = began.elapsed();

    let moments = CHAPTERS.map(|chapter| published + Duration::from_secs(chapter.at) + SAMPLE_AFTER);
    let (sink, thread) = look(began, moments.to_vec());
    let player = LivePlayer::builder(format!("rtmp://{}/live/tour", server.addr))
        .mode(PlayerMode::Rtc)
        .video_sink(sink)
        .audio_sink(NullAudio::default)
        .build()
        .map_err(|error| failed("the player cannot be built", error))?;
    let player_log = tokio::spawn(watch(Who::Rtmp, began, player.events(), player.net_status_stream()));
    player.start();

    let start = tokio::time::Instant::now();
    for chapter in &CHAPTERS {
        tokio::time::sleep_until(start + Duration::from_secs(chapter.at)).await;
        println!("{:>8.3} s  — {}", began.elapsed().as_secs_f64(), chapter.title);
        act(chapter, &pusher, &uplink, &mut server).await?;
    }
    tokio::time::sleep_until(start + Duration::from_secs(END)).await;

    let early = |result: Option<Result<(), String>>| match result {
        None => None,
        Some(Ok(())) => Some("it ended before it was stopped".to_owned()),
        Some(Err(reason)) => Some(reason),
    };
    let now = Duration::ZERO;
    let ended =
        timeout(now, pusher.finished()).await.ok().map(|result| result.map_err(|error| error.to_string()));
    let mut failures = vec![(Who::Pusher, early(ended))];
    let ended =
        timeout(now, player.finished()).await.ok().map(|result| result.map_err(|error| error.to_string()));
    failures.push((Who::Rtmp, early(ended)));
    if timeout(PATIENCE, async { tokio::join!(pusher.stop(), player.stop()) }).await.is_err() {
        failures[0].1.get_or_insert_with(|| "it did not stop".to_owned());
    }
    drop((pusher, player));
    let view = tokio::task::spawn_blocking(move || thread.join());
    let view = view.await.ok().and_then(Result::ok).unwrap_or_default();
    Ok(Take {
        subject,
        published,
        pusher: joined(pusher_log).await?,
        player: joined(player_log).await?,
        view,
        failures,
        took: began.elapsed(),
    })
}

/// Does what a chapter begins with.
async fn act(
    chapter: &Chapter,
    pusher: &LivePusher,
    uplink: &Uplink,
    server: &mut Server,
) -> Result<(), Problem> {
    let refused = |error: &dyn Display| failed("an effect was refused", error);
    match chapter.act {
        Act::Effects { beauty, whiteness } => {
            pusher.set_beauty(beauty).map_err(|error| refused(&error))?;
            pusher.set_whiteness(whiteness).map_err(|error| refused(&error))?;
        }
        Act::Pause | Act::Resume => {
            if !pusher.set_background(chapter.act == Act::Pause) {
                return Err(failed("the session", "it does not run any more"));
            }
        }
        Act::Uplink(kbps) => uplink.set(kbps),
        Act::Kill => {
            server.kill().await;
            sleep(SERVER_IS_DOWN).await;
            *server = Server::start(server.addr).await?;
        }
    }
    Ok(())
}

fn pusher(server: SocketAddr, portrait: I420, waiting: PathBuf) -> Result<LivePusher, Problem> {
    let scene = Scene { spec: SPEC, portrait };
    let mut config = PusherConfig::default();
    config.waiting_image = Some(waiting);
    LivePusher::builder(format!("rtmp://{server}/live/tour"))
        .config(config)
        .mode(Mode::Rtc)
        .fps(SPEC.fps)
        .video_size(SPEC.width, SPEC.height)
        .bitrate(BITRATE.0, BITRATE.1)
        .video_source(move || scene.clone())
        .audio_source(Tone::default)
        .build()
        .map_err(|error| failed("the pusher cannot be built", error))
}

async fn until_publishing(pusher: &LivePusher, mut events: EventStream<PusherEvent>) -> Result<(), Problem> {
    let accepted = async {
        while let Some(delivery) = events.next().await {
            if let Some(PusherEvent::State { code: PusherCode::Publishing, .. }) = delivery.event() {
                return;
            }
        }
    };
    tokio::select! {
        () = accepted => Ok(()),
        _ = pusher.finished() => Err(failed("nothing is pushed", "the session ended")),
        () = sleep(PATIENCE) => Err(failed("nothing is pushed", "the relay did not accept the stream")),
    }
}

async fn joined(task: JoinHandle<SessionLog>) -> Result<SessionLog, Problem> {
    match timeout(PATIENCE, task).await {
        Ok(Ok(log)) => Ok(log),
        _ => Err(failed("an observer did not end", "its session still runs")),
    }
}

/// The relay, which can be killed and started again.
struct Server {
    addr: SocketAddr,
    task: JoinHandle<()>,
}

impl Server {
    async fn start(addr: SocketAddr) -> Result<Self, Problem> {
        let relay = Relay::bind(RelayConfig::new(addr)).await;
        let relay = relay.map_err(|error| failed("the relay cannot start", error))?;
        let addr = relay.rtmp_addr();
        let task = tokio::spawn(async move {
            relay.run().await;
        });
        Ok(Self { addr, task })
    }

    /// Ends it and every connection it has, without a word to anybody.
    async fn kill(&mut self) {
        self.task.abort();
        // It was told to; how it ends is of no interest.
        let _ = (&mut self.task).await;
    }
}

/// Writes the picture for the background: the sign for a pause.
fn waiting_image(folder: &Path) -> Result<PathBuf, Problem> {
    let (width, height) = (SPEC.width, SPEC.height);
    let mut picture = PicturePool::new().black(width, height);
    let stride = picture.stride(live_core::Plane::Y);
    let [luma, blue, _] = picture.planes_mut();
    blue.fill(150);
    for (y, row) in luma.chunks_mut(stride).enumerate().take(height as usize) {
        row.fill(52);
        if (240..400).contains(&y) {
            row[115..160].fill(220);
            row[200..245].fill(220);
        }
    }
    let frame = VideoFrame::new(Timestamp::ZERO, Color::BT601, picture);
    let path = folder.join("waiting.png");
    live_player::sink::png::encode(&frame)
        .and_then(|file| std::fs::write(&path, file))
        .map_err(|error| failed("the waiting image cannot be written", error))?;
    Ok(path)
}
