//! The command line, made from the table of attributes.

mod network;
pub(crate) mod screen;
mod sound;

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use live_core::Selection;
use live_core::config::{Allowed, Attribute, PlayerConfig};
use std::path::PathBuf;
use std::time::Duration;

/// What the user asked for.
pub(crate) struct Args {
    pub(crate) src: String,
    pub(crate) network: network::Network,
    pub(crate) screen: screen::Screen,
    pub(crate) sound: sound::Sound,
    pub(crate) snapshot: Option<PathBuf>,
    pub(crate) record: Option<PathBuf>,
    pub(crate) wav: Option<PathBuf>,
    pub(crate) y4m: Option<PathBuf>,
    pub(crate) duration: Option<Duration>,
    pub(crate) json: bool,
    pub(crate) verbose: bool,
    pub(crate) config: PlayerConfig,
    pub(crate) video_decoder: Selection,
    pub(crate) audio_decoder: Selection,
}

const EXAMPLES: &str = "\
Examples:
  live-play rtmp://127.0.0.1/live/demo --window-size picture
  live-play rtmp://127.0.0.1/live/demo --no-window --snapshot last.png --duration 10
  live-play http://127.0.0.1:8080/live/demo.flv --y4m pictures.y4m --wav sound.wav
  live-play recording.flv --json --no-sound

Without a display or a sound card, pictures and sound go only where --snapshot, --record, --wav and --y4m say. The stream is played in
time in any case.

Keys, in the window and on a terminal: f full screen (Escape: back), m mute, space pause, s snapshot, q quit.

Exit codes: 0 the stream ended, or was stopped as asked; 1 ended by a failure, or a file could not be written;
2 wrong arguments.";

/// The parsed command line. Ends the program with a usage error when it makes no sense.
pub(crate) fn parse() -> Args {
    let matches = command().get_matches();
    read(&matches)
        .unwrap_or_else(|problem| command().error(clap::error::ErrorKind::ValueValidation, problem).exit())
}

fn command() -> Command {
    let command =
        Command::new("live-play")
            .version(env!("CARGO_PKG_VERSION"))
            .about("Play a live stream or a media file, in time, in a window, into pictures, sound files and recordings")
            .after_help(EXAMPLES)
            .arg(Arg::new("src").value_name("SRC").required(true).help(
                "rtmp(s)://host[:port]/app/stream[?token], http(s):// or ws(s)://host/path.flv, or an FLV or MP4 file",
            ))
            .args(screen::flags())
            .args(sound::flags())
            .args(network::flags())
            .arg(file("snapshot", "FILE", "Write the last picture that was shown, as PNG, or as JPEG by the name .jpg"))
            .arg(file("record", "FLV", "Write the stream as it was received"))
            .arg(file("wav", "FILE", "Write all decoded sound, 16-bit"))
            .arg(file("y4m", "FILE", "Write every decoded picture, uncompressed"))
            .arg(Arg::new("duration").long("duration").value_name("SECONDS").help("Stop after this long"))
            .arg(switch("json", "One event or status per line on standard output, as JSON"))
            .arg(switch("verbose", "Write a log to standard error").short('v'))
            .arg(
                Arg::new("video-decoder")
                    .long("video-decoder")
                    .value_name("NAME")
                    .help("auto, hardware, software or a backend's name"),
            )
            .arg(
                Arg::new("audio-decoder")
                    .long("audio-decoder")
                    .value_name("NAME")
                    .help("auto, or a backend's name"),
            );
    offered()
        .map(flag)
        .fold(command, |command, arg| command.arg(arg.help_heading("Attributes of live-player")))
}

fn file(name: &'static str, value: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).value_name(value).value_parser(value_parser!(PathBuf)).help(help)
}

fn switch(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).action(ArgAction::SetTrue).help(help)
}

fn offered() -> impl Iterator<Item = &'static Attribute<PlayerConfig>> {
    // The address is an argument, the program plays at once in any case, and is never in the background.
    PlayerConfig::attributes()
        .iter()
        .filter(|attribute| !["src", "autoplay", "background-mute"].contains(&attribute.name))
}

fn flag(attribute: &'static Attribute<PlayerConfig>) -> Arg {
    let help = format!("{} ({})", attribute.help, attribute.allowed);
    let arg = Arg::new(attribute.name).long(attribute.name).help(help);
    match attribute.allowed {
        // `--muted` alone is true; a value needs the equals sign, so that the address is not taken for it.
        Allowed::Bool => {
            arg.value_name("BOOL").num_args(0..=1).require_equals(true).default_missing_value("true")
        }
        Allowed::Number(_) => arg.value_name("N"),
        Allowed::Seconds(_) => arg.value_name("SECONDS"),
        _ => arg.value_name("VALUE"),
    }
}

fn read(matches: &ArgMatches) -> Result<Args, String> {
    let text = |name: &str| matches.get_one::<String>(name).cloned();
    let path = |name: &str| matches.get_one::<PathBuf>(name).cloned();
    let mut config = PlayerConfig::default();
    for attribute in offered() {
        if let Some(value) = text(attribute.name) {
            config.set(attribute.name, &value).map_err(|mistake| format!("--{mistake}"))?;
        }
    }
    let selection = |name| text(name).map_or(Selection::Auto, |text| text.parse().unwrap_or_default());
    Ok(Args {
        src: text("src").unwrap_or_default(),
        network: network::Network::read(matches)?,
        screen: screen::read(matches)?,
        sound: sound::read(matches)?,
        snapshot: path("snapshot"),
        record: path("record"),
        wav: path("wav"),
        y4m: path("y4m"),
        duration: text("duration").map(|text| seconds(&text)).transpose()?,
        json: matches.get_flag("json"),
        verbose: matches.get_flag("verbose"),
        config,
        video_decoder: selection("video-decoder"),
        audio_decoder: selection("audio-decoder"),
    })
}

fn seconds(text: &str) -> Result<Duration, String> {
    let problem = || format!("--duration: {text} is not allowed: expected seconds, such as 60 or 2.5");
    text.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()).ok_or_else(problem)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(line: &str) -> Result<Args, String> {
        let matches = command().try_get_matches_from(line.split(' ')).map_err(|error| error.to_string())?;
        read(&matches)
    }

    #[test]
    fn the_command_is_consistent() {
        command().debug_assert();
    }

    #[test]
    fn every_attribute_is_a_flag_of_its_name() {
        let args =
            args("live-play --mode RTC --min-cache 0.1 --max-cache 0.5 --muted --duration 2.5 rtmp://h/a/s")
                .unwrap();
        assert_eq!(args.config.min_cache, Some(Duration::from_millis(100)));
        assert!(args.config.muted);
        assert_eq!(args.duration, Some(Duration::from_millis(2500)));
        assert_eq!(args.src, "rtmp://h/a/s");
    }

    #[test]
    fn a_wrong_value_is_named_with_what_is_allowed() {
        let problem = args("live-play --max-cache 90 x.flv").and_then(|args| {
            let builder = live_player::LivePlayer::builder(args.src).config(args.config);
            builder.build().map(drop).map_err(|error| error.to_string())
        });
        let problem = problem.unwrap_err();
        assert!(problem.contains("max-cache") && problem.contains("from 0 to 30"), "{problem}");
        assert!(args("live-play --object-fit stretch x.flv").err().unwrap().contains("fillCrop"));
        assert!(args("live-play --duration soon x.flv").err().unwrap().contains("--duration"));
    }
}
