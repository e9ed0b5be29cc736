//! Builds the demo and starts it.

use super::Options;
use crate::process::{self, Problem};
use crate::project::Project;
use crate::setup;

/// `cargo xtask demo`, before there is anything to demonstrate.
pub fn run(options: &Options) -> Result<(), Problem> {
    println!("{}", setup::for_build()?);
    let project = Project::load()?;
    let mut command = project.cargo();
    command.args(["run", "--release", "--package=xtask", "--features=lab", "--", "demo"]);
    if options.tour {
        command.arg("--tour");
    } else {
        command.arg(format!("--seconds={}", options.seconds));
    }
    if let Some(input) = &options.input {
        // The demo runs in the workspace's folder, which need not be the user's.
        let absolute = std::path::absolute(input).unwrap_or_else(|_| input.clone());
        command.arg("--input").arg(absolute);
    }
    eprintln!("building the demo; the first build takes some minutes, most of them for openh264");
    process::run(&mut command)
}
