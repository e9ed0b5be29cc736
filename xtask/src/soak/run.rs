//! The soak itself: pusher, relay and a receiver that records, in one process.

use super::Options;
use super::judge::{self, Findings};
use super::memory::MemoryLog;
use crate::process::Problem;
use crate::project::Project;
use live_capture::pattern::{Pattern, PatternSpec};
use live_capture::tone::Tone;
use live_core::config::{Mode, PlayerMode};
use live_core::event::{Delivery, EventStream, PlayerEvent, PusherEvent};
use live_core::state::SessionState;
use live_core::{AudioSpec, PusherCode};
use live_player::LivePlayer;
use live_pusher::LivePusher;
use live_transport::net::relay::{Relay, RelayConfig};
use std::fmt::Display;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::time::timeout;

/// Pictures a second.
const FPS: u32 = 25;
/// The pattern's size: the first step of the pusher's RTC mode.
const PATTERN: PatternSpec = PatternSpec::new(360, 640, FPS);
/// The furthest sound and picture may be apart, in ms.
const FURTHEST_MS: f64 = 20.0;
/// A frame that did not decode, a late or missing one, a lost connection.
const TROUBLE: &[i32] = &[2101, 2102, 2103, 2105, 2107];
/// Between two readings of the memory.
const READING: Duration = Duration::from_secs(1);
/// How long anything may take to begin or to end.
const PATIENCE: Duration = Duration::from_secs(15);

/// `cargo xtask soak`, where the workspace is at hand.
pub fn run(options: &Options) -> Result<(), Problem> {
    let folder = Project::load()?.target.join("soak");
    std::fs::create_dir_all(&folder).map_err(|error| failed("no folder for the recording", error))?;
    let recording = folder.join("received.flv");
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| failed("no runtime can be made", error))?;
    let took = runtime.block_on(push(options, &recording))?;
    drop(runtime);
    println!("looking at what was received …");
    let findings =
        judge::look_at(&recording, PATTERN).map_err(|error| failed("the recording is broken", error))?;
    let lines = verdicts(options, &findings, &took);
    for (passed, line) in &lines {
        println!("{}  {line}", if *passed { "ok    " } else { "FAILED" });
    }
    let wrong: Vec<_> = lines.iter().filter(|(passed, _)| !passed).map(|(_, line)| line.as_str()).collect();
    if wrong.is_empty() { Ok(()) } else { Err(Problem::Failed(wrong.join("; "))) }
}

fn failed(what: &str, error: impl Display) -> Problem {
    Problem::Failed(format!("{what}: {error}"))
}

/// What was seen while it ran.
#[derive(Default)]
struct Course {
    memory: MemoryLog,
    /// Pictures the pusher had to leave out.
    left_out: u64,
    /// Pictures the player passed over.
    passed_over: u64,
    /// How far the sound was ahead of the picture at the player's sinks, in ms, once a second.
    apart: Vec<f64>,
    /// What went wrong while playing, in the player's words.
    troubles: Vec<String>,
}

/// Pushes and plays for as long as was asked.
async fn push(options: &Options, recording: &Path) -> Result<Course, Problem> {
    let relay = Relay::bind(RelayConfig::new(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))))
        .await
        .map_err(|error| failed("the relay cannot start", error))?;
    let url = format!("rtmp://{}/live/soak", relay.rtmp_addr());
    let relay = tokio::spawn(relay.run());
    let ppm = options.drift_ppm;
    let pusher = LivePusher::builder(&url)
        .mode(Mode::Rtc)
        .fps(FPS)
        .video_size(PATTERN.width, PATTERN.height)
        .video_source(|| Pattern::new(PATTERN))
        .audio_source(move || Tone::new(AudioSpec { sample_rate: 48_000, channels: 1 }).drifting(ppm))
        .build()
        .map_err(|error| failed("the pusher cannot be built", error))?;
    let mut events = pusher.events();
    pusher.start();
    let accepted = async {
        while let Some(delivery) = events.next().await {
            if matches!(delivery, Delivery::Event(PusherEvent::State { code: PusherCode::Publishing, .. })) {
                return;
            }
        }
    };
    timeout(PATIENCE, accepted)
        .await
        .map_err(|_| failed("nothing is pushed", "the relay did not accept it"))?;
    let player = LivePlayer::builder(&url)
        .mode(PlayerMode::Rtc)
        .audio_sink(live_player::sink::NullAudio::new)
        .record(recording)
        .build()
        .map_err(|error| failed("the player cannot be built", error))?;
    let mut told = player.events();
    player.start();
    let (began, length) = (Instant::now(), Duration::from_secs(options.seconds));
    let mut course = Course::default();
    while began.elapsed() < length {
        tokio::time::sleep(READING.min(length.saturating_sub(began.elapsed()))).await;
        course.memory.note(began.elapsed());
        let played = player.net_status();
        course.apart.extend(played.av_offset);
        course.passed_over = played.dropped_frames;
        course.troubles.extend(troubles(&mut told));
        if pusher.state() != SessionState::Running {
            let why = pusher.finished().await.err().map_or_else(String::new, |failure| failure.to_string());
            return Err(failed("the pusher does not run any more", why));
        }
        if began.elapsed().as_secs().is_multiple_of(60) {
            let status = pusher.net_status();
            println!("{:>6} s  {} pictures left out", began.elapsed().as_secs(), status.dropped_frames);
        }
    }
    course.left_out = pusher.net_status().dropped_frames;
    timeout(PATIENCE, pusher.stop())
        .await
        .map_err(|_| failed("the pusher does not stop", "no end within 15 s"))?;
    // The stream's end ends the player, which completes its recording.
    let _ = timeout(PATIENCE, player.finished()).await;
    let _ = timeout(PATIENCE, player.stop()).await;
    relay.abort();
    Ok(course)
}

/// What the player told since it was asked last that it should not have had to tell.
fn troubles(events: &mut EventStream<PlayerEvent>) -> Vec<String> {
    let mut troubles = Vec::new();
    while let Some(delivery) = events.try_next() {
        if let Some(PlayerEvent::State { code, detail }) = delivery.event()
            && TROUBLE.contains(&code.number())
        {
            troubles.push(format!("{} {detail}", code.number()));
        }
    }
    troubles
}

/// The value that is furthest from zero.
fn furthest(values: &[f64]) -> f64 {
    values.iter().copied().fold(0.0, |worst: f64, ms| if ms.abs() > worst.abs() { ms } else { worst })
}

/// What has to be true, and what was found.
fn verdicts(options: &Options, found: &Findings, course: &Course) -> Vec<(bool, String)> {
    let wanted = options.seconds * u64::from(FPS);
    // A second for a connection that begins between two pictures, and for the player's own start.
    let enough = found.pictures + u64::from(FPS) >= wanted && found.pictures <= wanted + u64::from(FPS);
    let worst = furthest(&found.offsets);
    let apart = furthest(&course.apart);
    let (first, last) =
        (found.offsets.first().copied().unwrap_or(0.0), found.offsets.last().copied().unwrap_or(0.0));
    let heard = found.offsets.len() as u64 + 3 >= options.seconds;
    let memory_line = course.memory.quarters().map_or_else(
        || "memory: this system does not tell".to_owned(),
        |(early, late)| format!("memory: {early} KiB in the second quarter, {late} KiB in the last"),
    );
    vec![
        (
            enough && found.missing == 0 && found.repeated == 0 && found.unreadable == 0,
            format!(
                "pictures: {} received, {} missing, {} repeated, {} unreadable; {} left out by the pusher",
                found.pictures, found.missing, found.repeated, found.unreadable, course.left_out
            ),
        ),
        (found.holes == 0, format!("sound: {} holes", found.holes)),
        (
            heard && worst.abs() <= FURTHEST_MS,
            format!(
                "sound and picture with a clock that is {} ppm off: {worst:+.1} ms apart at worst over {} flashes, {first:+.1} at first, {last:+.1} at last",
                options.drift_ppm,
                found.offsets.len()
            ),
        ),
        (
            !course.apart.is_empty() && apart.abs() <= FURTHEST_MS && course.passed_over == 0,
            format!(
                "playing: sound and picture {apart:+.1} ms apart at worst over {} seconds, {} pictures passed over",
                course.apart.len(),
                course.passed_over
            ),
        ),
        (
            course.troubles.is_empty(),
            format!("playing: {} codes of trouble {:?}", course.troubles.len(), course.troubles),
        ),
        (course.memory.is_flat().unwrap_or(true), memory_line),
    ]
}
