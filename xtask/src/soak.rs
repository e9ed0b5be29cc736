//! Pushes and plays for a long time and looks at what grows, drifts and gets lost.
//!
//! As with the demo, this program runs itself again with the feature `lab` for the work.

#[cfg(feature = "lab")]
mod judge;
#[cfg(not(feature = "lab"))]
mod launch;
#[cfg(feature = "lab")]
mod memory;
#[cfg(feature = "lab")]
mod run;

#[cfg(not(feature = "lab"))]
pub use launch::run;
#[cfg(feature = "lab")]
pub use run::run;

/// Options of `cargo xtask soak`.
#[derive(clap::Args)]
pub struct Options {
    /// How long to push, in seconds
    #[arg(long, value_name = "N", default_value_t = 600, value_parser = clap::value_parser!(u64).range(20..=86_400))]
    pub seconds: u64,
    /// How far the clock of the sound's device is off, in millionths; positive: it is fast
    #[arg(long, value_name = "PPM", default_value_t = 200, value_parser = clap::value_parser!(i32).range(-500..=500), allow_hyphen_values = true)]
    pub drift_ppm: i32,
}
