//! `live-play`: plays a live stream or a media file in a window, and into pictures, sound files and recordings.

mod args;
mod console;
mod keys;
mod remote;
mod screen;
mod sound;

use args::Args;
use console::Console;
use keys::{Key, Keys};
use live_core::ConfigError;
use live_core::event::{Delivery, EventStream, PlayerEvent};
use live_player::sink::{WavFile, Y4mFile, jpeg, png};
use live_player::{BuildError, Builder, Failure, LivePlayer};
use remote::Remote;
use screen::{Host, Screen};
use std::process::ExitCode;

/// The session ended before its time, or a file could not be written.
const FAILED: u8 = 1;
/// Of JPEG files.
const SNAPSHOT_QUALITY: u8 = 90;
/// The arguments make no sense; clap's own code for that.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    let args = args::parse();
    if args.verbose {
        tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    }
    let result = screen::run(&args, |host| {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        match runtime {
            Ok(runtime) => runtime.block_on(play(&args, &host)),
            Err(error) => Err(Failed { code: FAILED, message: format!("cannot start: {error}") }),
        }
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failed { code, message }) => {
            eprintln!("live-play: {message}");
            ExitCode::from(code)
        }
    }
}

/// Why the program ends with an exit code.
struct Failed {
    code: u8,
    message: String,
}

impl From<BuildError> for Failed {
    fn from(error: BuildError) -> Self {
        match error {
            BuildError::Config(ConfigError { mistakes }) => {
                let lines: Vec<_> = mistakes.iter().map(ToString::to_string).collect();
                Self { code: USAGE, message: lines.join("\n           ") }
            }
            error => Self { code: FAILED, message: error.to_string() },
        }
    }
}

async fn play(args: &Args, host: &Host) -> Result<(), Failed> {
    let mut console = Console::new(args.json);
    let mut screen = Screen::open(host, args).unwrap_or_else(|reason| {
        console.note(&format!("no window: {reason}"));
        Screen::none()
    });
    // Holds a few words in a program's life.
    let (missing, mut silent) = tokio::sync::mpsc::unbounded_channel();
    let player = sound::attach(screen.show(builder(args)), args, missing).build()?;
    player.set_volume(args.sound.volume);
    let mut remote = Remote::new(player.handle());
    let mut keys = Keys::listen();
    if keys.are_there() || screen.is_there() {
        console.note(keys::HELP);
    }
    let mut events = player.events();
    let mut status = player.net_status_stream();
    player.start();
    let deadline = async {
        match args.duration {
            Some(duration) => tokio::time::sleep(duration).await,
            None => std::future::pending().await,
        }
    };
    let interrupted = interrupted();
    tokio::pin!(deadline, interrupted);
    let mut broken = Vec::new();
    let mut tell = |console: &mut Console, event: &PlayerEvent| {
        console.event(event);
        if let PlayerEvent::SinkFailed { sink, reason } = event {
            broken.push(format!("{sink}: {reason}"));
        }
    };
    let result = loop {
        tokio::select! {
            event = next_event(&mut events) => {
                remote.hear(&event);
                tell(&mut console, &event);
            }
            key = async { tokio::select! { key = keys.next() => key, key = screen.next_key() => key } } => {
                if key == Key::Quit {
                    break stop(&player).await;
                }
                console.note(&remote.press(key, args).await);
            }
            Some(reason) = silent.recv() => console.note(&format!("no sound: {reason}")),
            _ = status.changed() => console.status(player.state(), &status.borrow_and_update()),
            result = player.finished() => break result,
            () = &mut deadline => break stop(&player).await,
            () = &mut interrupted => break stop(&player).await,
        }
    };
    while let Some(delivery) = events.try_next() {
        delivery.event().iter().for_each(|event| tell(&mut console, event));
    }
    broken.extend(write_snapshot(&player, args).err());
    console.end(player.state(), &player.net_status());
    let failed = |message| Failed { code: FAILED, message };
    result.map_err(|failure| failed(failure.to_string()))?;
    if broken.is_empty() { Ok(()) } else { Err(failed(broken.join("\n           "))) }
}

/// Waits for Ctrl-C, or for the signal by which services are ended.
async fn interrupted() {
    #[cfg(unix)]
    if let Ok(mut terminate) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        }
        return;
    }
    // Without the handler there is no way to be told, and the process is ended by the signal.
    let _ = tokio::signal::ctrl_c().await;
}

async fn stop(player: &LivePlayer) -> Result<(), Failure> {
    player.stop().await;
    player.finished().await
}

/// The next event; one that was lost to slowness is passed over.
async fn next_event(events: &mut EventStream<PlayerEvent>) -> PlayerEvent {
    loop {
        match events.next().await {
            Some(Delivery::Event(event)) => return event,
            Some(Delivery::Lagged(_)) => {}
            // The player outlives the loop that asks.
            None => std::future::pending().await,
        }
    }
}

fn builder(args: &Args) -> Builder {
    let mut builder = LivePlayer::builder(&args.src)
        .config(args.config.clone())
        .video_decoder(args.video_decoder.clone())
        .audio_decoder(args.audio_decoder.clone());
    builder = args.network.clone().apply(builder);
    if let Some(path) = args.record.clone() {
        builder = builder.record(path);
    }
    if let Some(path) = args.wav.clone() {
        builder = builder.record_sound(move || WavFile::new(&path));
    }
    if let Some(path) = args.y4m.clone() {
        builder = builder.record_pictures(move || Y4mFile::new(&path));
    }
    builder
}

fn write_snapshot(player: &LivePlayer, args: &Args) -> Result<(), String> {
    let Some(path) = &args.snapshot else { return Ok(()) };
    let Some(picture) = player.snapshot() else {
        return Err("snapshot: no picture was shown, so none was written".to_owned());
    };
    let is_jpeg = path.extension().is_some_and(|extension| {
        extension.eq_ignore_ascii_case("jpg") || extension.eq_ignore_ascii_case("jpeg")
    });
    let encoded = if is_jpeg { jpeg::encode(&picture, SNAPSHOT_QUALITY) } else { png::encode(&picture) };
    let written = encoded.and_then(|file| std::fs::write(path, file));
    written.map_err(|error| format!("snapshot: {} cannot be written: {error}", path.display()))
}
