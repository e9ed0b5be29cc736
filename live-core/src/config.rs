//! The attributes of the live-pusher and live-player specifications, typed and checked.
//!
//! Each configuration is a plain struct with the specification's defaults. Three ways lead in: the fields, a JSON (or
//! other serde) document with the specification's own attribute names, and [`set`](PusherConfig::set) with name and
//! text, which serves command lines. One way leads on: [`check`](PusherConfig::check) reports every mistake at once
//! and gives the type that sessions work with, so nothing downstream checks again.
//!
//! ```
//! # use live_core::config::PusherConfig;
//! let config: PusherConfig = serde_json::from_str(
//!     r#"{"url": "rtmp://example.com/live/key", "mode": "HD", "min-bitrate": 300}"#)?;
//! let checked = config.check()?;
//! assert_eq!((checked.min_bitrate, checked.start_kbps()), (300, 900));
//!
//! let mut wrong = PusherConfig::default();
//! wrong.min_bitrate = 3000;
//! wrong.beauty = 12;
//! let error = wrong.check().unwrap_err();
//! assert_eq!(error.mistakes.len(), 3, "no url, beauty over 9, floor over ceiling: {error}");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod attribute;
mod player;
mod pusher;
mod values;

pub use attribute::{Allowed, Attribute};
pub use player::{CheckedPlayerConfig, PlayerConfig};
pub use pusher::{CheckedPusherConfig, PusherConfig};
pub use values::{
    Aspect, AudioQuality, DevicePosition, LocalMirror, Mode, ObjectFit, Orientation, PlayerMode, Size,
};

use std::fmt;

/// One wrong attribute: which, what it was set to, and what is allowed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Mistake {
    /// The attribute, by the specification's name.
    pub attribute: String,
    /// What it was set to; `None` where that is missing or secret.
    pub value: Option<String>,
    /// What is wrong with it and what is allowed.
    pub problem: String,
}

impl Mistake {
    /// A mistake that does not quote a value.
    pub fn new(attribute: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { attribute: attribute.into(), value: None, problem: problem.into() }
    }

    /// The same mistake, quoting the value.
    #[must_use]
    pub fn with_value(mut self, value: impl Into<String>) -> Self {
        self.value = Some(value.into());
        self
    }
}

/// `min-bitrate: 3000 is not allowed: …`
impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            Some(value) => write!(f, "{}: {value} is not allowed: {}", self.attribute, self.problem),
            None => write!(f, "{}: {}", self.attribute, self.problem),
        }
    }
}

/// Everything that is wrong with a configuration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ConfigError {
    /// The mistakes, at least one, in the order of the specification's attributes.
    pub mistakes: Vec<Mistake>,
}

impl ConfigError {
    /// `Ok` when there are no mistakes.
    pub fn unless_empty(mistakes: Vec<Mistake>) -> Result<(), Self> {
        if mistakes.is_empty() { Ok(()) } else { Err(Self { mistakes }) }
    }
}

impl From<Mistake> for ConfigError {
    fn from(mistake: Mistake) -> Self {
        Self { mistakes: vec![mistake] }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, mistake) in self.mistakes.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            write!(f, "{separator}{mistake}")?;
        }
        Ok(())
    }
}
