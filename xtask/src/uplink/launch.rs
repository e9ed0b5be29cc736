//! Builds what is needed and starts it.

use super::Options;
use crate::process::{self, Problem};
use crate::project::Project;
use crate::setup;

/// `cargo xtask uplink`, before there is anything to measure.
pub fn run(options: &Options) -> Result<(), Problem> {
    setup::for_build()?;
    let project = Project::load()?;
    let mut build = project.cargo();
    build.args([
        "build",
        "--release",
        "--package=live-pusher",
        "--bin=live-push",
        "--features=live-pusher/cli",
    ]);
    process::run(&mut build)?;
    let mut command = project.cargo();
    command.args(["run", "--release", "--package=xtask", "--features=lab", "--", "uplink"]);
    command.arg(format!("--seconds={}", options.seconds));
    process::run(&mut command)
}
