//! A link that is simulated: for testing what reacts to a network.
//!
//! A [`Link`] carries bytes from a sender to a receiver as TCP does over a bottleneck: the sender's kernel takes bytes
//! up to a bound, a congestion window says how many may be on their way, the bottleneck passes them at the rate of a
//! [`Trace`] and holds what it cannot pass yet, and whatever is lost is sent again while everything behind it waits.
//! Time is simulated and only goes on by [`Link::advance`], so thousands of seconds pass in one; the same seed gives
//! the same run.
//!
//! A sender that writes as much as it is allowed to keeps the bottleneck busy and its buffer full; one that writes
//! less than the link can carry sees its bytes arrive after the propagation delay:
//!
//! ```
//! use live_core::simnet::{Link, LinkConfig, Trace};
//! use std::time::Duration;
//!
//! // One megabit per second, and half of it after ten seconds; 25 ms from end to end.
//! let trace = Trace::starting_at(1000).hold(Duration::from_secs(10)).step(500).hold(Duration::from_secs(10));
//! let mut link = Link::new(LinkConfig { trace, delay: Duration::from_millis(25), ..LinkConfig::default() });
//!
//! let mut refused = 0;
//! while link.now() < Duration::from_secs(20) {
//!     // A sender of 800 kbit/s, whatever the link can do. Your policy goes here: it sees what is refused, and in
//!     // `link.info()` what the kernel would tell.
//!     refused += 1000 - link.write(1000);
//!     link.advance(link.now() + Duration::from_millis(10));
//! }
//! assert!(refused > 300_000);
//! // Headers take their part of the link.
//! let capacity = link.config().trace.bytes_between(Duration::ZERO, link.now());
//! assert!((0.8..0.95).contains(&(link.received() as f64 / capacity)));
//! ```
//!
//! # What is left out
//! Timeouts and their back-off (a silent link only delays what is on its way), the receiver's window, the way back
//! (acknowledgements are never lost and never wait), reordering, and pacing. Congestion control is additive increase
//! and multiplicative decrease by 0.7, as of CUBIC, with slow start.

mod link;
mod random;
mod trace;

pub use link::{Delivery, Link, LinkConfig};
pub use random::Random;
pub use trace::Trace;
