//! Runs the benches and shows what matters of them: ratios to a yardstick measured in the same run.
//!
//! Absolute times say little on shared machines. Each row of the table names a bench and the peer, or the part of the
//! work, it is held against.

mod process;
mod results;

use crate::process::{Problem, run as run_command};
use crate::project::Project;
use results::Results;

/// Options of `cargo xtask bench`.
#[derive(clap::Args)]
pub struct Options {
    /// Only these benches: pixels, effects, codec, flv, rtmp, encode_path, process
    #[arg(value_name = "BENCH")]
    only: Vec<String>,
    /// Runs of each program in the comparison of whole processes
    #[arg(long, value_name = "N", default_value_t = 5)]
    runs: usize,
}

/// A bench program: its package, its name, and the features it needs.
struct Bench {
    package: &'static str,
    name: &'static str,
    features: &'static str,
}

const BENCHES: [Bench; 6] = [
    Bench { package: "live-core", name: "pixels", features: "" },
    Bench { package: "live-capture", name: "effects", features: "" },
    Bench { package: "live-codec", name: "codec", features: "syom" },
    Bench { package: "live-transport", name: "flv", features: "" },
    Bench { package: "live-transport", name: "rtmp", features: "" },
    Bench { package: "live-pusher", name: "encode_path", features: "" },
];

/// Runs the benches that were asked for and prints the table.
pub fn run(options: &Options) -> Result<(), Problem> {
    let project = Project::load()?;
    let asked = |name: &str| options.only.is_empty() || options.only.iter().any(|only| only == name);
    for bench in BENCHES.iter().filter(|bench| asked(bench.name)) {
        let mut command = project.cargo();
        command.args(["bench", "--package", bench.package, "--bench", bench.name]);
        run_command(command.args(["--features", bench.features]))?;
    }
    let results = Results::read(&project.target.join("criterion"))?;
    println!("\n{}", results.table());
    if asked("process") {
        println!("\n{}", process::compare(&project, options.runs)?);
    }
    Ok(())
}
