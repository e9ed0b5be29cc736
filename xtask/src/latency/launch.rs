//! Builds what is needed and starts it.

use super::Options;
use crate::process::{self, Problem};
use crate::project::Project;
use crate::setup;

/// `cargo xtask latency`, before there is anything to measure.
pub fn run(options: &Options) -> Result<(), Problem> {
    setup::for_build()?;
    setup::ensure(&[&setup::FFMPEG, &setup::NGINX, &setup::XVFB, &setup::X_LIBRARIES, &setup::MPV])?;
    let project = Project::load()?;
    let mut build = project.cargo();
    build.args(["build", "--release", "--package=live-pusher", "--package=live-player", "--bins"]);
    build.arg("--features=live-pusher/cli,live-player/cli,live-player/window");
    process::run(&mut build)?;
    let mut command = project.cargo();
    command.args(["run", "--release", "--package=xtask", "--features=lab", "--", "latency"]);
    command.arg(format!("--runs={}", options.runs)).arg(format!("--seconds={}", options.seconds));
    if options.look_only {
        command.arg("--look-only");
    }
    process::run(&mut command)
}
