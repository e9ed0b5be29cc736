//! Builds the soak and starts it.

use super::Options;
use crate::process::{self, Problem};
use crate::project::Project;
use crate::setup;
use std::time::Duration;

/// `cargo xtask soak`, before there is anything to push with.
pub fn run(options: &Options) -> Result<(), Problem> {
    println!("{}", setup::for_build()?);
    let project = Project::load()?;
    let mut build = project.cargo();
    process::run(build.args(["build", "--release", "--package=xtask", "--features=lab"]))?;
    let mut command = project.cargo();
    command.args(["run", "--release", "--package=xtask", "--features=lab", "--", "soak"]);
    command.arg(format!("--seconds={}", options.seconds));
    command.arg(format!("--drift-ppm={}", options.drift_ppm));
    // Looking at the recording afterwards takes a part of the time it took to make.
    let deadline = Duration::from_secs(options.seconds * 2 + 300);
    process::run_observing(&mut command, deadline, |line| eprintln!("{line}"))
}
