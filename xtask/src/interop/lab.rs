//! What every case works with: programs, folders, clips.

use super::peer::Peer;
use crate::process::{self, Problem};
use crate::project::Project;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// FFmpeg's work on a file of some seconds takes less than this, also on a busy machine.
const FILE_WORK: Duration = Duration::from_secs(60);

/// Programs, folders and settings of all cases.
pub struct Lab<'a> {
    /// The workspace.
    pub project: &'a Project,
    /// How long files are pushed, in seconds.
    pub seconds: u64,
    /// Where node-media-server is installed, on machines with Node.js.
    pub node_media_server: Option<PathBuf>,
    media: Option<PathBuf>,
    folder: PathBuf,
}

impl<'a> Lab<'a> {
    /// Builds the programs under test.
    pub fn set_up(project: &'a Project, seconds: u64) -> Result<Self, Problem> {
        build(project)?;
        Self::as_built(project, seconds)
    }

    /// Works with the programs as they were built last.
    pub fn as_built(project: &'a Project, seconds: u64) -> Result<Self, Problem> {
        let node_media_server = crate::test::node_media_server(project)?;
        let media = std::env::var_os("LIVE_MEDIA")
            .map_or_else(|| project.root.join("../shared/media"), PathBuf::from);
        let media = Some(media).filter(|folder| folder.is_dir());
        if media.is_none() {
            eprintln!("no clips in ../shared/media or $LIVE_MEDIA: generated ones take their place");
        }
        let folder = project.target.join("interop");
        Ok(Self { project, seconds, node_media_server, media, folder })
    }

    /// The command `live-push`.
    pub fn live_push(&self) -> Command {
        Command::new(self.project.target.join("release/live-push"))
    }

    /// The command `live-play`.
    pub fn live_play(&self) -> Command {
        Command::new(self.project.target.join("release/live-play"))
    }

    /// The relay, as a program.
    pub fn relay(&self) -> Command {
        Command::new(self.project.target.join("release/examples/relay"))
    }

    /// An empty folder for a case.
    pub fn folder(&self, case: &str) -> Result<PathBuf, Problem> {
        let folder = self.folder.join(case);
        // It is not there the first time.
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder)
            .map_err(|error| Problem::Failed(format!("{}: {error}", folder.display())))?;
        Ok(folder)
    }

    /// A real clip, where there are any.
    pub fn clip(&self, name: &str) -> Option<PathBuf> {
        Some(self.media.as_ref()?.join(name)).filter(|file| file.is_file())
    }
}

/// Builds the programs under test, with optimisation.
fn build(project: &Project) -> Result<(), Problem> {
    let mut programs = project.cargo();
    programs.args(["build", "--release", "--package=live-pusher", "--package=live-player", "--bins"]);
    process::run(programs.arg("--features=live-pusher/cli,live-player/cli"))?;
    let mut relay = project.cargo();
    relay.args(["build", "--release", "--package=live-transport", "--features=relay", "--example=relay"]);
    process::run(&mut relay)
}

/// FFmpeg, told to say nothing but warnings and errors.
pub fn ffmpeg() -> Command {
    let mut command = Command::new("ffmpeg");
    command.args(["-hide_banner", "-nostdin", "-y", "-v", "warning"]);
    command
}

/// Runs `command`, FFmpeg on files, to its end.
pub fn on_files(name: &str, folder: &Path, command: &mut Command) -> Result<(), Problem> {
    Peer::start(name, folder, command)?.succeeded(FILE_WORK).map(drop)
}

/// What FFmpeg decodes from `input` with `arguments`, raw.
pub fn decoded(name: &str, folder: &Path, input: &Path, arguments: &[&str]) -> Result<Vec<u8>, Problem> {
    let output = folder.join(format!("{name}.raw"));
    on_files(name, folder, ffmpeg().arg("-i").arg(input).args(arguments).arg(&output))?;
    fs::read(&output).map_err(|error| Problem::Failed(format!("{}: {error}", output.display())))
}
