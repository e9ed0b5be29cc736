//! The server of the crate `rtmp`, in one process with our pusher and player.

use super::lab::Lab;
use super::peer::Peer;
use crate::process::{self, Problem};
use crate::test::Outcome;
use std::process::Command;
use std::time::Duration;

/// The program runs for seven seconds.
const DEADLINE: Duration = Duration::from_secs(60);

/// Builds and runs the package `peers/xiu`.
pub fn in_process(lab: &Lab<'_>) -> Outcome {
    let folder = lab.folder("xiu")?;
    let manifest = lab.project.root.join("peers/xiu/Cargo.toml");
    let mut build = lab.project.cargo();
    build.args(["build", "--release", "--manifest-path"]).arg(manifest);
    // The workspace's own target folder: what both need is built once.
    process::run(build.arg("--target-dir").arg(&lab.project.target))?;
    let mut program = Command::new(lab.project.target.join("release/xiu-peer"));
    let ended = Peer::start("xiu", &folder, &mut program)?.succeeded(DEADLINE)?;
    let figures = ended.stdout.trim();
    if figures.is_empty() {
        return Err(Problem::Failed("the peer measured nothing".into()));
    }
    Ok(figures.to_owned())
}
