//! The main job in one command: pictures and sound go in at one end and come out at the other.
//!
//! This program has to build in seconds, while the demo needs the whole workspace. So `cargo xtask demo` looks for the
//! tools and then runs this program again, built with the feature `lab`; there the demo itself begins.

#[cfg(feature = "lab")]
mod console;
#[cfg(feature = "lab")]
mod criteria;
#[cfg(feature = "lab")]
pub mod flash;
#[cfg(not(feature = "lab"))]
mod launch;
#[cfg(feature = "lab")]
mod pictures;
#[cfg(feature = "lab")]
mod report;
#[cfg(feature = "lab")]
mod run;
#[cfg(feature = "lab")]
pub mod sound;
#[cfg(feature = "lab")]
mod statistics;
#[cfg(feature = "lab")]
mod svg;
#[cfg(feature = "lab")]
mod sync;
#[cfg(feature = "lab")]
mod tour;
#[cfg(feature = "lab")]
mod watch;

#[cfg(not(feature = "lab"))]
pub use launch::run;
#[cfg(feature = "lab")]
pub use run::run;

use std::path::PathBuf;

/// Options of `cargo xtask demo`.
#[derive(clap::Args)]
pub struct Options {
    /// Push this media file (FLV or MP4 with H.264 and AAC) in place of the test pattern and its tone
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,
    /// How long to play, in seconds
    #[arg(long, value_name = "N", default_value_t = 12, value_parser = clap::value_parser!(u64).range(3..=600))]
    seconds: u64,
    /// Show what the pusher does when things happen to it, in place of the plain demo: effects, the background, an uplink
    /// that shrinks, a server that dies. Takes 80 seconds; writes target/demo/tour.html
    #[arg(long, conflicts_with_all = ["input", "seconds"])]
    tour: bool,
}
