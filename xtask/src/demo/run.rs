//! The demo itself: relay, pusher and two players in one process.

use super::criteria::{self, Criterion, Tally};
use super::pictures::{self, PictureLog};
use super::sound::{Ear, SoundLog};
use super::sync;
use super::watch::{SessionLog, Who, watch};
use super::{Options, console, report, tour};
use crate::process::Problem;
use crate::project::Project;
use live_capture::pattern::{Pattern, PatternSpec};
use live_capture::tone::Tone;
use live_core::config::{Mode, PlayerMode};
use live_core::event::{EventStream, PusherEvent};
use live_core::{PacketKind, PusherCode};
use live_player::LivePlayer;
use live_pusher::LivePusher;
use live_transport::net::relay::{Relay, RelayConfig};
use std::fmt::Display;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::task;
use tokio::time::timeout;

/// Pictures a second.
const FPS: u32 = 25;
/// The pattern's size: the first step of the pusher's RTC mode.
const PATTERN: PatternSpec = PatternSpec::new(360, 640, FPS);
/// The longer side of a film's pictures, in pixels.
const FILM_SIDE: u32 = 640;
/// How long the pusher may take until the server accepts its stream.
const CONNECTING: Duration = Duration::from_secs(10);
/// How long a session may take to end.
const ENDING: Duration = Duration::from_secs(8);

/// Everything the demo saw and heard.
pub struct Take {
    /// What was pushed, for people.
    pub subject: String,
    /// The pattern, unless a file was pushed.
    pub pattern: Option<PatternSpec>,
    /// Pictures pushed a second.
    pub fps: f64,
    /// How long was played.
    pub playing: Duration,
    /// What the pusher told.
    pub pusher: SessionLog,
    /// What each player told, showed and played.
    pub players: Vec<Playback>,
    /// Why a session ended before its time.
    pub failures: Vec<(Who, Option<String>)>,
    /// When all began, to which every time refers.
    pub began: Instant,
    /// How long all took.
    pub took: Duration,
}

/// What one player told, showed and played.
pub struct Playback {
    /// What it told.
    pub log: SessionLog,
    /// What it showed.
    pub pictures: PictureLog,
    /// What it played.
    pub sound: SoundLog,
}

/// `cargo xtask demo`, where the workspace is at hand.
pub fn run(options: &Options) -> Result<(), Problem> {
    if options.tour {
        return tour::run();
    }
    let project = Project::load()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| failed("no runtime can be made", error))?;
    let take = runtime.block_on(perform(options))?;
    let criteria = criteria(&take);
    let page = report::page(&take, &criteria);
    let folder = project.target.join("demo");
    let path = folder.join("report.html");
    std::fs::create_dir_all(&folder)
        .and_then(|()| std::fs::write(&path, page))
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

/// Pushes, plays, and writes down what happens.
async fn perform(options: &Options) -> Result<Take, Problem> {
    let began = Instant::now();
    let playing = Duration::from_secs(options.seconds);
    let any_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let relay = Relay::bind(RelayConfig::new(any_port).with_http(any_port))
        .await
        .map_err(|error| failed("the relay cannot start", error))?;
    let rtmp = format!("rtmp://{}/live/demo", relay.rtmp_addr());
    let http = relay.http_addr().map(|address| format!("http://{address}/live/demo.flv"));
    let relay = task::spawn(relay.run());

    let film = options.input.as_deref().map(Film::open).transpose()?;
    let pusher = pusher(&rtmp, film.as_ref())?;
    let pusher_log = task::spawn(watch(Who::Pusher, began, pusher.events(), pusher.net_status_stream()));
    let events = pusher.events();
    pusher.start();
    until_publishing(&pusher, events).await?;

    let pattern = film.is_none().then_some(PATTERN);
    let mut spectators = vec![Spectator::start(Who::Rtmp, rtmp, pattern, began, playing)?];
    if let Some(http) = http {
        spectators.push(Spectator::start(Who::HttpFlv, http, pattern, began, playing)?);
    }
    // A pusher that fails makes waiting pointless.
    let pushing = timeout(playing, pusher.finished()).await;
    let mut failures = vec![(Who::Pusher, pushing.ok().map(why_ended))];
    let stopping = timeout(ENDING, pusher.stop()).await;
    if stopping.is_err() {
        failures[0].1.get_or_insert_with(|| "it did not stop".to_owned());
    }
    drop(pusher);
    let mut players = Vec::new();
    for spectator in spectators {
        let (who, failure, playback) = spectator.end().await?;
        failures.push((who, failure));
        players.push(playback);
    }
    relay.abort();
    Ok(Take {
        subject: film.as_ref().map_or_else(|| "Test pattern and tone".to_owned(), Film::name),
        pattern,
        fps: film.as_ref().map_or(f64::from(FPS), |film| film.fps),
        playing,
        pusher: joined(pusher_log).await?,
        players,
        failures,
        began,
        took: began.elapsed(),
    })
}

/// Why a session was over before it was stopped.
fn why_ended<E: Display>(result: Result<(), E>) -> String {
    match result {
        Ok(()) => "it ended before it was stopped".to_owned(),
        Err(failure) => failure.to_string(),
    }
}

fn pusher(url: &str, film: Option<&Film>) -> Result<LivePusher, Problem> {
    let builder = LivePusher::builder(url).mode(Mode::Rtc).fps(FPS);
    let builder = match film {
        None => builder
            .video_size(PATTERN.width, PATTERN.height)
            .video_source(|| Pattern::new(PATTERN))
            .audio_source(Tone::default),
        Some(film) => {
            let (width, height) = film.size;
            builder.video_size(width, height).input_file(&film.path).looping(true)
        }
    };
    builder.build().map_err(|error| failed("the pusher cannot be built", error))
}

/// A media file, and how it is pushed.
struct Film {
    path: PathBuf,
    /// Its own size, but not larger than the demo's.
    size: (u32, u32),
    /// Its own frame rate, but not higher than the demo's.
    fps: f64,
}

impl Film {
    /// Looks into a file.
    fn open(path: &Path) -> Result<Self, Problem> {
        let unreadable = |error| failed("the input cannot be pushed", error);
        let mut source = live_transport::net::file::open(path).map_err(unreadable)?;
        let landscape = (FILM_SIDE, FILM_SIDE * 9 / 16);
        let mut film = Self { path: path.to_owned(), size: landscape, fps: f64::from(FPS) };
        // Stream information comes first.
        for _ in 0..8 {
            let Some(packet) = source.next_packet().map_err(unreadable)? else { break };
            let PacketKind::Metadata(metadata) = packet.kind else { continue };
            if let (Some(width), Some(height)) = (metadata.width, metadata.height) {
                film.size = fitted(width, height);
            }
            film.fps = film.fps.min(metadata.frame_rate.filter(|fps| *fps > 0.0).unwrap_or(film.fps));
        }
        Ok(film)
    }

    fn name(&self) -> String {
        self.path.file_name().unwrap_or(self.path.as_os_str()).to_string_lossy().into_owned()
    }
}

fn fitted(width: u32, height: u32) -> (u32, u32) {
    let longer = width.max(height).max(1);
    let scaled = |side: u32| (side * longer.min(FILM_SIDE) / longer).max(16) & !1;
    (scaled(width), scaled(height))
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
        result = pusher.finished() => Err(failed("nothing is pushed", why_ended(result))),
        () = tokio::time::sleep(CONNECTING) => {
            Err(failed("nothing is pushed", format!("the relay did not accept the stream in {CONNECTING:?}")))
        }
    }
}

/// A player that is watched.
struct Spectator {
    who: Who,
    player: LivePlayer,
    log: task::JoinHandle<SessionLog>,
    pictures: JoinHandle<PictureLog>,
    sound: Arc<Mutex<SoundLog>>,
}

impl Spectator {
    fn start(
        who: Who,
        url: String,
        pattern: Option<PatternSpec>,
        began: Instant,
        playing: Duration,
    ) -> Result<Self, Problem> {
        let (eye, pictures) = pictures::examine(pattern, began, playing);
        let sound = Arc::new(Mutex::new(SoundLog::default()));
        let heard = Arc::clone(&sound);
        let player = LivePlayer::builder(url)
            .mode(PlayerMode::Rtc)
            .video_sink(move || eye.sink())
            .audio_sink(move || Ear::new(Arc::clone(&heard)))
            .build()
            .map_err(|error| failed("the player cannot be built", error))?;
        let log = task::spawn(watch(who, began, player.events(), player.net_status_stream()));
        player.start();
        Ok(Self { who, player, log, pictures, sound })
    }

    /// Waits until the player has come to the end of the stream; gives its failure, and what it did.
    async fn end(self) -> Result<(Who, Option<String>, Playback), Problem> {
        let failure = match timeout(ENDING, self.player.finished()).await {
            Ok(Ok(())) => None,
            Ok(Err(failure)) => Some(failure.to_string()),
            Err(_) => {
                // What it has shown until now is worth a report all the same.
                let stopped = timeout(ENDING, self.player.stop()).await.is_ok();
                let and = if stopped { "" } else { ", and did not stop" };
                Some(format!("it did not notice the end of the stream{and}"))
            }
        };
        // The observers end with what they observe.
        drop(self.player);
        let log = joined(self.log).await?;
        let pictures = task::spawn_blocking(move || self.pictures.join());
        let pictures =
            joined(pictures).await?.map_err(|_| failed("the pictures were not looked at", "a panic"))?;
        let sound = self.sound.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Ok((self.who, failure, Playback { log, pictures, sound }))
    }
}

/// What a task returns that is about to end.
async fn joined<T>(task: task::JoinHandle<T>) -> Result<T, Problem> {
    match timeout(ENDING, task).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(failed("an observer failed", error)),
        Err(_) => Err(failed("an observer did not end", "its session still runs")),
    }
}

/// Everything that has to be true of `take`.
fn criteria(take: &Take) -> Vec<Criterion> {
    let mut list = vec![criteria::codes_are_right(&take.pusher)];
    for Playback { log, pictures, sound } in &take.players {
        let shown = pictures.records.len() as u64 + pictures.passed_over;
        if take.pattern.is_some() {
            list.push(criteria::pictures_are_good(log.who, &Tally::of(pictures)));
        }
        list.push(criteria::pictures_came_out(log.who, shown, take.playing, take.fps));
        list.push(criteria::codes_are_right(log));
        list.push(criteria::media_has_no_trouble(log));
        if take.pattern.is_some() {
            list.push(criteria::lips_are_in_sync(log.who, &take.offsets(pictures, sound)));
        } else {
            let first = sound.first.map(|at| at.saturating_duration_since(take.began));
            let offset = first.and_then(|first| sync::start_offset(&pictures.records, first));
            list.push(criteria::start_is_together(log.who, offset));
        }
    }
    let failures = take.failures.iter();
    list.extend(failures.map(|(who, failure)| criteria::ended_well(*who, failure.as_deref())));
    list.push(criteria::is_quick(take.took, take.playing));
    list
}

impl Take {
    /// How far sound was ahead of the picture at each flash.
    pub fn offsets(&self, pictures: &PictureLog, sound: &SoundLog) -> Vec<sync::Offset> {
        let beeps = sound.beeps.iter().map(|at| at.saturating_duration_since(self.began));
        sync::offsets(&sync::flashes(&pictures.records), &beeps.collect::<Vec<_>>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_film_is_pushed_in_its_own_shape_and_no_larger_than_the_demo_s() {
        assert_eq!(fitted(1280, 720), (640, 360));
        assert_eq!(fitted(176, 144), (176, 144));
        assert_eq!(fitted(1080, 1921), (358, 640));
    }
}
