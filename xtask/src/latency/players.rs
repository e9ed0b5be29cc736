//! Who plays, and how each is asked for its lowest latency.

use crate::process::find;
use crate::project::Project;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

/// What is shown and heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Media {
    Video,
    Both,
}

/// A player with its flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Player {
    /// `live-play` with this mode and, if any, this `--min-cache`.
    Ours {
        name: &'static str,
        flags: &'static [&'static str],
        cache: Duration,
    },
    Ffplay {
        flags: &'static [&'static str],
    },
    Mpv {
        flags: &'static [&'static str],
    },
}

/// Without a cache.
pub const LOWEST: Player =
    Player::Ours { name: "live-play --min-cache 0", flags: &["--min-cache=0"], cache: Duration::ZERO };
/// As RTC has it: 0.2 s.
pub const RTC: Player =
    Player::Ours { name: "live-play --mode RTC", flags: &["--mode=RTC"], cache: Duration::from_millis(200) };
/// As live has it: 1 s.
pub const LIVE: Player = Player::Ours { name: "live-play", flags: &[], cache: Duration::from_secs(1) };

const FFPLAY_VIDEO: Player = Player::Ffplay {
    flags: &[
        "-fflags",
        "nobuffer",
        "-flags",
        "low_delay",
        "-framedrop",
        "-probesize",
        "32",
        "-analyzeduration",
        "0",
        "-sync",
        "ext",
    ],
};
/// With the limits on probing it loses the picture when there is sound.
const FFPLAY_BOTH: Player =
    Player::Ffplay { flags: &["-fflags", "nobuffer", "-flags", "low_delay", "-framedrop", "-sync", "ext"] };
const MPV: Player = Player::Mpv { flags: &["--profile=low-latency"] };

/// Who plays `media`, one after the other.
pub const fn of(media: Media) -> &'static [Player] {
    match media {
        Media::Video => &[LOWEST, FFPLAY_VIDEO, MPV],
        Media::Both => &[LOWEST, FFPLAY_BOTH, MPV, RTC, LIVE],
    }
}

impl Player {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ours { name, .. } => name,
            Self::Ffplay { .. } => "ffplay",
            Self::Mpv { .. } => "mpv",
        }
    }

    pub const fn is_ours(self) -> bool {
        matches!(self, Self::Ours { .. })
    }

    /// The program, about to play `url` in the upper left corner; `None` when it is not installed.
    pub fn command(self, project: &Project, display: &str, url: &str) -> Option<Command> {
        let mut command = Command::new(self.program(project)?);
        command.env("DISPLAY", display).env_remove("WAYLAND_DISPLAY");
        match self {
            Self::Ours { flags, .. } => {
                command.args(["--window-size=picture", "--json"]).args(flags);
            }
            Self::Ffplay { flags } => {
                command.env("SDL_AUDIODRIVER", "dummy").env("SDL_RENDER_DRIVER", "software");
                command.args([
                    "-hide_banner",
                    "-loglevel",
                    "warning",
                    "-noborder",
                    "-left",
                    "0",
                    "-top",
                    "0",
                ]);
                command.args(flags);
            }
            Self::Mpv { flags } => {
                command.args(["--no-config", "--no-border", "--geometry=+0+0", "--osd-level=0", "--osc=no"]);
                command.args(["--vo=x11", "--ao=null"]).args(flags);
            }
        }
        command.arg(url);
        Some(command)
    }

    fn program(self, project: &Project) -> Option<PathBuf> {
        match self {
            Self::Ours { .. } => Some(project.target.join("release/live-play")),
            Self::Ffplay { .. } => find("ffplay"),
            Self::Mpv { .. } => find("mpv"),
        }
    }
}
