//! `live-push`: pushes a test pattern or a media file to an RTMP server or into an FLV file.

mod args;
mod console;
mod keys;

use args::{Args, Media};
use console::Console;
use keys::{Key, Keys};
use live_capture::pattern::{Pattern, PatternSpec};
use live_capture::tone::Tone;
use live_capture::y4m::Y4mFile;
use live_core::config::Mistake;
use live_core::event::{Delivery, EventStream, PusherEvent};
use live_core::{AudioSpec, ConfigError};
use live_pusher::{Bgm, BuildError, Builder, LivePusher, SnapshotOf};
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

/// The session ended before its time.
const FAILED: u8 = 1;
/// The arguments make no sense; clap's own code for that.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    let args = args::parse();
    if args.verbose {
        tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let result = match runtime {
        Ok(runtime) => runtime.block_on(push(args)),
        Err(error) => Err(Failed { code: FAILED, message: format!("cannot start: {error}") }),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failed { code, message }) => {
            eprintln!("live-push: {message}");
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
                // The address is an argument; everything else is a flag.
                let flag = |mistake: &Mistake| if mistake.attribute == "url" { "" } else { "--" };
                let lines: Vec<_> =
                    mistakes.iter().map(|mistake| format!("{}{mistake}", flag(mistake))).collect();
                Self { code: USAGE, message: lines.join("\n           ") }
            }
            error => Self { code: FAILED, message: error.to_string() },
        }
    }
}

async fn push(args: Args) -> Result<(), Failed> {
    let duration = args.duration;
    let mut console = Console::new(args.json);
    let sound = args.sound.clone();
    let pusher = builder(args)?.build()?;
    pusher.set_mic_volume(sound.mic_volume);
    pusher.set_bgm_volume(sound.bgm_volume);
    if let Some(file) = sound.bgm {
        pusher.play_bgm(Bgm::new(file).looping(sound.bgm_loop));
    }
    let mut events = pusher.events();
    let mut status = pusher.net_status_stream();
    pusher.start();
    let mut keys = Keys::listen();
    if keys.are_there() {
        console.note(keys::HELP);
    }
    let deadline = async {
        match duration {
            Some(duration) => tokio::time::sleep(duration).await,
            None => std::future::pending().await,
        }
    };
    let interrupted = interrupted();
    tokio::pin!(deadline, interrupted);
    let result = loop {
        tokio::select! {
            event = next_event(&mut events) => console.event(&event),
            _ = status.changed() => console.status(pusher.state(), &status.borrow_and_update()),
            result = pusher.finished() => break result,
            key = keys.next() => {
                if key == Key::Quit {
                    break stop(&pusher).await;
                }
                console.note(&obey(&pusher, key).await);
            }
            () = &mut deadline => break stop(&pusher).await,
            () = &mut interrupted => break stop(&pusher).await,
        }
    };
    // The terminal is as it was before the last words.
    drop(keys);
    while let Some(delivery) = events.try_next() {
        delivery.event().iter().for_each(|event| console.event(event));
    }
    console.end(pusher.state(), &pusher.net_status());
    result.map_err(|failure| Failed { code: FAILED, message: failure.to_string() })
}

/// Does what a key asks for, and says what was done.
async fn obey(pusher: &LivePusher, key: Key) -> String {
    let level = |level: u8, change: i8| level.saturating_add_signed(change).min(9);
    match key {
        Key::Mute => {
            pusher.set_muted(!pusher.is_muted());
            format!("sound: {}", if pusher.is_muted() { "muted" } else { "on" })
        }
        Key::Beauty(change) => {
            let _ = pusher.set_beauty(level(pusher.beauty(), change));
            format!("beauty: {}", pusher.beauty())
        }
        Key::Whiteness(change) => {
            let _ = pusher.set_whiteness(level(pusher.whiteness(), change));
            format!("whiteness: {}", pusher.whiteness())
        }
        Key::Zoom(change) => {
            let factor = (pusher.zoom() + f32::from(change) * 0.25).clamp(1.0, 5.0);
            match pusher.set_zoom(factor) {
                Ok(()) => format!("zoom: {factor:.2}"),
                Err(mistake) => format!("zoom: {mistake}"),
            }
        }
        Key::Pause => {
            pusher.set_background(!pusher.is_paused());
            format!("background: {}", if pusher.is_paused() { "yes" } else { "no" })
        }
        Key::Snapshot => snapshot(pusher).await.unwrap_or_else(|problem| format!("snapshot: {problem}")),
        Key::Quit => String::new(),
    }
}

/// Writes the stream's picture into a file that was not there before.
async fn snapshot(pusher: &LivePusher) -> Result<String, String> {
    let picture = pusher.snapshot(SnapshotOf::Stream).await.map_err(|error| error.to_string())?;
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    let name = format!("snapshot-{seconds}.png");
    let written = picture.png().and_then(|file| std::fs::write(&name, file));
    written.map(|()| format!("snapshot: {name}")).map_err(|error| format!("{name}: {error}"))
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

async fn stop(pusher: &LivePusher) -> Result<(), live_pusher::Failure> {
    pusher.stop().await;
    pusher.finished().await
}

/// The next event; one that was lost to slowness is passed over.
async fn next_event(events: &mut EventStream<PusherEvent>) -> PusherEvent {
    loop {
        match events.next().await {
            Some(Delivery::Event(event)) => return event,
            Some(Delivery::Lagged(_)) => {}
            // The pusher outlives the loop that asks.
            None => std::future::pending().await,
        }
    }
}

fn builder(args: Args) -> Result<Builder, Failed> {
    let is_input = |output: &String| match &args.media {
        Media::File(input) => {
            let output = std::path::Path::new(output).canonicalize();
            matches!((input.canonicalize(), output), (Ok(input), Ok(output)) if input == output)
        }
        Media::Pattern(_) => false,
    };
    if std::iter::once(&args.url).chain(args.outputs.also()).any(is_input) {
        let message =
            "--input and the output are the same file, which would be emptied before it is read".into();
        return Err(Failed { code: USAGE, message });
    }
    let config = args.config;
    let builder = LivePusher::builder(args.url)
        .config(config.clone())
        .video_encoder(args.video_encoder)
        .audio_encoder(args.audio_encoder)
        .entropy(args.entropy)
        .encoder_threads(args.threads)
        .adaptive_bitrate(args.adaptive)
        .wall_clock(args.wall_clock);
    let builder = args.network.apply(args.outputs.apply(config.mode, builder));
    let tone = || Tone::new(AudioSpec { sample_rate: 48_000, channels: 1 });
    Ok(match args.media {
        Media::Pattern(style) => {
            let size = args::first_size(&config);
            let spec = PatternSpec { style, ..PatternSpec::new(size.width, size.height, config.fps.max(1)) };
            builder.video_source(move || Pattern::new(spec)).audio_source(tone)
        }
        Media::File(path)
            if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("y4m")) =>
        {
            let looping = args.looping;
            builder.try_video_source(move || Ok(Y4mFile::open(&path)?.looping(looping)))
        }
        Media::File(path) => builder.input_file(path).looping(args.looping),
    })
}
