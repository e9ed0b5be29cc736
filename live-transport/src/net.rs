//! Where the protocols meet the world: connections, files and the loops that drive them, over tokio.
//!
//! Nothing outside this module awaits.

pub mod connect;
