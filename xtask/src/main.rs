//! Tasks of the live workspace: `cargo xtask --help`.

mod bench;
mod demo;
mod fuzz;
mod interop;
mod latency;
mod process;
mod project;
mod setup;
mod soak;
mod test;
mod uplink;

use clap::Parser;
use std::process::ExitCode;

/// Tasks of the live workspace.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", max_term_width = 100)]
enum Task {
    /// Pushes, relays and plays a stream, measures it, and writes a report
    Demo(demo::Options),
    /// Checks for a C++ compiler and nasm, and installs them where it can
    Setup(setup::Options),
    /// Pushes and plays for ten minutes and looks at what grows, drifts and gets lost
    Soak(soak::Options),
    /// Runs everything CI runs
    Test(test::Options),
    /// Measures, and compares with peers in the same run
    Bench(bench::Options),
    /// Feeds the parsers with mutated input
    Fuzz(fuzz::Options),
    /// Pushes to and plays from independent programs, and compares
    Interop(interop::Options),
    /// Measures the latency from glass to glass, beside ffplay and mpv
    Latency(latency::Options),
    /// Pushes through a link that narrows and widens, and watches the bitrate follow; needs root
    Uplink(uplink::Options),
}

fn main() -> ExitCode {
    let outcome = match Task::parse() {
        Task::Demo(options) => demo::run(&options),
        Task::Bench(options) => bench::run(&options),
        Task::Setup(options) => setup::run(&options),
        Task::Soak(options) => soak::run(&options),
        Task::Test(options) => test::run(&options),
        Task::Fuzz(options) => fuzz::run(&options),
        Task::Interop(options) => interop::run(&options),
        Task::Latency(options) => latency::run(&options),
        Task::Uplink(options) => uplink::run(&options),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("error: {problem}");
            ExitCode::FAILURE
        }
    }
}
