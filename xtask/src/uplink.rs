//! The bitrate control on a real bottleneck: a network namespace whose way out is narrowed and widened while a real
//! server and a viewer look on.
//!
//! As with the demo, the work is done by this program built with the feature `lab`.

#[cfg(feature = "lab")]
mod bottleneck;
#[cfg(feature = "lab")]
mod judge;
#[cfg(not(feature = "lab"))]
mod launch;
#[cfg(feature = "lab")]
mod run;
#[cfg(feature = "lab")]
pub mod viewer;

#[cfg(not(feature = "lab"))]
pub use launch::run;
#[cfg(feature = "lab")]
pub use run::run;

use std::path::PathBuf;

/// Options of `cargo xtask uplink`.
#[derive(clap::Args)]
pub struct Options {
    /// Seconds that each of the three rates lasts
    #[arg(long, value_name = "N", default_value_t = 40, value_parser = clap::value_parser!(u64).range(25..=600))]
    seconds: u64,
    /// This live-push, in place of building one
    #[arg(long, value_name = "PROGRAM")]
    live_push: Option<PathBuf>,
}
