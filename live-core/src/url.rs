//! Addresses of streams, parsed once, with their secrets kept out of sight.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// The ways a stream can travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Scheme {
    /// `rtmp://`
    Rtmp,
    /// `rtmps://`
    Rtmps,
    /// `http://`
    Http,
    /// `https://`
    Https,
    /// `ws://`
    Ws,
    /// `wss://`
    Wss,
    /// A path in the file system.
    File,
}
