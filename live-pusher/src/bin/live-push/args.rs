//! The command line, made from the table of attributes.

mod network;
mod outputs;

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use live_capture::pattern::PatternStyle;
use live_core::config::{Allowed, Attribute, PusherConfig, Size};
use live_core::{Entropy, Selection};
use std::path::PathBuf;
use std::time::Duration;

/// What the user asked for.
pub(crate) struct Args {
    pub(crate) url: String,
    pub(crate) outputs: outputs::Outputs,
    pub(crate) network: network::Network,
    pub(crate) media: Media,
    pub(crate) looping: bool,
    pub(crate) duration: Option<Duration>,
    pub(crate) json: bool,
    pub(crate) verbose: bool,
    pub(crate) config: PusherConfig,
    pub(crate) video_encoder: Selection,
    pub(crate) audio_encoder: Selection,
    pub(crate) entropy: Entropy,
    pub(crate) threads: u32,
    pub(crate) adaptive: bool,
    /// Pictures carry the time of day.
    pub(crate) wall_clock: bool,
    pub(crate) sound: SoundArgs,
}

/// What is to become of the sound.
#[derive(Clone)]
pub(crate) struct SoundArgs {
    pub(crate) bgm: Option<PathBuf>,
    pub(crate) bgm_loop: bool,
    pub(crate) mic_volume: f32,
    pub(crate) bgm_volume: f32,
}

/// What is to be pushed.
pub(crate) enum Media {
    Pattern(PatternStyle),
    File(PathBuf),
}

/// Attributes that are read and checked, but that nothing in this version acts on.
const WITHOUT_EFFECT: [&str; 3] = ["auto-focus", "device-position", "local-mirror"];

const EXAMPLES: &str = "\
Examples:
  live-push --pattern bars rtmp://127.0.0.1/live/demo
  live-push --input clip.mp4 --mode FHD --orientation horizontal --min-bitrate 1500 --max-bitrate 3000 rtmp://host/live/key
  live-push --also copy.flv --also rtmp://backup/live/demo --retries endless rtmp://127.0.0.1/live/demo
  live-push --pattern noise --mode FHD --min-bitrate 1500 --max-bitrate 3000 recording.flv

Exit codes: 0 ended or stopped as asked, 1 ended by a failure, 2 wrong arguments.";

/// The parsed command line. Ends the program with a usage error when it makes no sense.
pub(crate) fn parse() -> Args {
    let matches = command().get_matches();
    read(&matches)
        .unwrap_or_else(|problem| command().error(clap::error::ErrorKind::ValueValidation, problem).exit())
}

fn command() -> Command {
    let command = Command::new("live-push")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Push a test pattern or a media file as H.264 and AAC to an RTMP server or into an FLV file")
        .after_help(EXAMPLES)
        .arg(
            Arg::new("url")
                .value_name("URL")
                .required(true)
                .help("rtmp(s)://host[:port]/app/stream[?token], http(s)://host/path.flv or FILE.flv"),
        )
        .arg(
            Arg::new("input")
                .long("input")
                .value_name("FILE")
                .conflicts_with("pattern")
                .value_parser(value_parser!(PathBuf))
                .help("Media file: FLV, MP4 (H.264, AAC) or Y4M. It loops when --duration is given"),
        )
        .arg(
            Arg::new("pattern")
                .long("pattern")
                .value_parser(["bars", "noise"])
                .help("Test pattern with a tone; bars when neither --pattern nor --input is given"),
        )
        .args(outputs::flags())
        .args(network::flags())
        .arg(switch("loop", "Begin again when the input ends"))
        .arg(switch("once", "End when the input ends, also with --duration").conflicts_with("loop"))
        .arg(Arg::new("duration").long("duration").value_name("SECONDS").help("Stop cleanly after this long"))
        .arg(switch("fixed-bitrate", "Keep bitrate, frame rate and size, whatever the uplink takes"))
        .arg(switch(
            "wall-clock",
            "Stamp the pictures with the time of day, from which a player tells its latency",
        ))
        .arg(
            Arg::new("bgm")
                .long("bgm")
                .value_name("FILE")
                .value_parser(value_parser!(PathBuf))
                .help("Background music: WAV, MP3, FLAC, or AAC as .aac or .m4a"),
        )
        .arg(switch("bgm-loop", "Begin the music again when it ends").requires("bgm"))
        .arg(volume("mic-volume", "How loud the microphone, tone or file is"))
        .arg(volume("bgm-volume", "How loud the music is"))
        .arg(switch("json", "One event or status per line on standard output, as JSON"))
        .arg(switch("verbose", "Write a log to standard error").short('v'))
        .arg(
            Arg::new("video-encoder")
                .long("video-encoder")
                .value_name("NAME")
                .help("auto, hardware, software or a backend's name"),
        )
        .arg(
            Arg::new("audio-encoder")
                .long("audio-encoder")
                .value_name("NAME")
                .help("auto, or a backend's name"),
        )
        .arg(
            Arg::new("entropy")
                .long("entropy")
                .value_parser(["auto", "cavlc", "cabac"])
                .help("H.264 entropy coding"),
        )
        .arg(
            Arg::new("threads")
                .long("threads")
                .value_name("N")
                .value_parser(value_parser!(u32).range(0..=64))
                .help("Threads of the video encoder; 0: it chooses"),
        );
    offered()
        .map(flag)
        .fold(command, |command, arg| command.arg(arg.help_heading("Attributes of live-pusher")))
}

fn switch(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).action(ArgAction::SetTrue).help(help)
}

fn volume(name: &'static str, help: &'static str) -> Arg {
    let factor = |text: &str| {
        let volume = text.parse::<f32>().ok().filter(|volume| (0.0..=2.0).contains(volume));
        volume.ok_or("expected a factor from 0.0 to 2.0")
    };
    Arg::new(name).long(name).value_name("FACTOR").value_parser(factor).default_value("1.0").help(help)
}

fn offered() -> impl Iterator<Item = &'static Attribute<PusherConfig>> {
    // The address is an argument, and the program pushes at once in any case.
    PusherConfig::attributes().iter().filter(|attribute| !["url", "autopush"].contains(&attribute.name))
}

fn flag(attribute: &'static Attribute<PusherConfig>) -> Arg {
    let no_effect =
        if WITHOUT_EFFECT.contains(&attribute.name) { " [no effect in this version]" } else { "" };
    let help = format!("{} ({}){no_effect}", attribute.help, attribute.allowed);
    let arg = Arg::new(attribute.name).long(attribute.name).help(help);
    match attribute.allowed {
        // `--muted` alone is true; a value needs the equals sign, so that the address is not taken for it.
        Allowed::Bool => {
            arg.value_name("BOOL").num_args(0..=1).require_equals(true).default_missing_value("true")
        }
        Allowed::Number(_) => arg.value_name("N"),
        _ => arg.value_name("VALUE"),
    }
}

fn read(matches: &ArgMatches) -> Result<Args, String> {
    let text = |name: &str| matches.get_one::<String>(name).cloned();
    let mut config = PusherConfig::default();
    for attribute in offered() {
        if let Some(value) = text(attribute.name) {
            config.set(attribute.name, &value).map_err(|mistake| format!("--{mistake}"))?;
            if WITHOUT_EFFECT.contains(&attribute.name) {
                eprintln!("live-push: note: --{} has no effect in this version", attribute.name);
            }
        }
    }
    let duration = text("duration").map(|text| seconds(&text)).transpose()?;
    let style = if text("pattern").is_some_and(|name| name == "noise") {
        PatternStyle::Noise
    } else {
        PatternStyle::Bars
    };
    let selection = |name| text(name).map_or(Selection::Auto, |text| text.parse().unwrap_or_default());
    let is_set = |name| matches.get_flag(name);
    Ok(Args {
        url: text("url").unwrap_or_default(),
        outputs: outputs::Outputs::read(matches)?,
        network: network::Network::read(matches)?,
        media: matches.get_one::<PathBuf>("input").cloned().map_or(Media::Pattern(style), Media::File),
        looping: is_set("loop") || (duration.is_some() && !is_set("once")),
        duration,
        json: is_set("json"),
        verbose: is_set("verbose"),
        config,
        video_encoder: selection("video-encoder"),
        audio_encoder: selection("audio-encoder"),
        entropy: match text("entropy").as_deref() {
            Some("cavlc") => Entropy::Cavlc,
            Some("cabac") => Entropy::Cabac,
            _ => Entropy::Auto,
        },
        adaptive: !is_set("fixed-bitrate"),
        wall_clock: is_set("wall-clock"),
        threads: matches.get_one("threads").copied().unwrap_or(0),
        sound: SoundArgs {
            bgm: matches.get_one("bgm").cloned(),
            bgm_loop: is_set("bgm-loop"),
            mic_volume: matches.get_one("mic-volume").copied().unwrap_or(1.0),
            bgm_volume: matches.get_one("bgm-volume").copied().unwrap_or(1.0),
        },
    })
}

fn seconds(text: &str) -> Result<Duration, String> {
    let problem = || format!("--duration: {text} is not allowed: expected seconds, such as 60 or 2.5");
    text.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()).ok_or_else(problem)
}

/// The size the pattern is drawn in: that of the stream, so that it is not scaled.
pub(crate) fn first_size(config: &PusherConfig) -> Size {
    match (config.video_width, config.video_height) {
        (Some(width), Some(height)) => Size::new(width, height),
        _ => config.mode.ladder(config.aspect, config.orientation)[0],
    }
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
    fn every_attribute_with_an_effect_is_a_flag_of_its_name() {
        let args = args(
            "live-push --mode FHD --min-bitrate 300 --muted --enable-mic=false --fps 25 --duration 2.5 rtmp://h/a/s",
        );
        let args = args.unwrap();
        assert_eq!((args.config.min_bitrate, args.config.fps), (300, 25));
        assert!(args.config.muted && !args.config.enable_mic && args.looping);
        assert_eq!(args.duration, Some(Duration::from_millis(2500)));
        assert_eq!(args.url, "rtmp://h/a/s");
    }

    #[test]
    fn further_destinations_and_retries_are_read() {
        let args = args("live-push --also a.flv --also rtmp://h/a/b --retries endless rtmp://h/a/s").unwrap();
        assert_eq!(
            (args.outputs.also(), args.url.as_str()),
            (&["a.flv".into(), "rtmp://h/a/b".into()][..], "rtmp://h/a/s")
        );
    }

    #[test]
    fn music_and_volumes_are_flags() {
        let read =
            args("live-push --bgm a.mp3 --bgm-loop --mic-volume 0.5 --enable-ans rtmp://h/a/s").unwrap();
        assert_eq!(read.sound.bgm.as_deref(), Some(std::path::Path::new("a.mp3")));
        assert!(read.sound.bgm_loop && read.config.enable_ans);
        assert_eq!((read.sound.mic_volume, read.sound.bgm_volume), (0.5, 1.0));
        for wrong in ["--mic-volume 2.1", "--bgm-volume loud", "--bgm-loop"] {
            assert!(args(&format!("live-push {wrong} rtmp://h/a/s")).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_wrong_value_is_named_with_what_is_allowed() {
        let problem = args("live-push --mode UHD rtmp://h/a/s").err().unwrap();
        assert!(
            problem.contains("--mode") && problem.contains("UHD") && problem.contains("SD, HD"),
            "{problem}"
        );
        assert!(args("live-push --pattern stars x.flv").err().unwrap().contains("noise"));
        assert!(args("live-push --retries often x.flv").err().unwrap().contains("endless"));
    }
}
