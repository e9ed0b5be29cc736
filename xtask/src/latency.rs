//! From glass to glass: pictures of a pattern, stamped when they are made, read from a screen when they are shown.
//!
//! As with the demo, the work is done by this program built with the feature `lab`.

#[cfg(feature = "lab")]
mod judge;
#[cfg(not(feature = "lab"))]
mod launch;
#[cfg(feature = "lab")]
mod players;
#[cfg(feature = "lab")]
mod run;
#[cfg(feature = "lab")]
mod screen;

#[cfg(not(feature = "lab"))]
pub use launch::run;
#[cfg(feature = "lab")]
pub use run::run;

/// Options of `cargo xtask latency`.
#[derive(clap::Args)]
pub struct Options {
    /// How often each player plays; the median counts
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=99))]
    runs: u32,
    /// How long each player plays, from its first picture on, in seconds
    #[arg(long, value_name = "N", default_value_t = 6, value_parser = clap::value_parser!(u64).range(4..=600))]
    seconds: u64,
    /// Print the figures and do not judge them
    #[arg(long)]
    look_only: bool,
}
