//! `cargo xtask demo --tour`: what the pusher does when somebody, or the network, does something to it.
//!
//! One session goes through all of it: skin is smoothed and brightened, the application goes into the background and
//! comes back, the uplink shrinks and recovers, the server dies and returns. A player watches; the report shows what it
//! saw, beside what the pusher measured, on one timeline.

mod criteria;
mod eye;
mod portrait;
mod report;
mod run;
mod scene;
mod script;
mod uplink;

pub use run::run;
