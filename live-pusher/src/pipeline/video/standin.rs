//! Decides when something stands in for the source's pictures: pure.

use super::VideoSettings;
use crate::pipeline::background::WaitingImage;
use live_core::Timestamp;
use std::time::Duration;

/// What stands in for the pictures of a source that is closed: the waiting image in the background, the last picture
/// while a camera opens.
pub(super) struct Standin {
    pub(super) image: WaitingImage,
    /// From one stand-in to the next.
    interval: Duration,
    /// From the source's last picture to the first stand-in.
    frame: Duration,
    /// What was encoded last.
    shown: Shown,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shown {
    Source,
    Image,
    Last,
}

impl Standin {
    pub(super) fn new(image: WaitingImage, settings: &VideoSettings) -> Self {
        let frame = Duration::from_secs_f64(1.0 / settings.frame_rate);
        Self { image, interval: settings.waiting_interval, frame, shown: Shown::Source }
    }

    /// When the next stand-in is due, `last` being the time of the picture before it; `None` while the source serves.
    pub(super) fn due(&self, away: bool, live: bool, last: Option<Timestamp>) -> Option<Timestamp> {
        match last {
            None if away => Some(Timestamp::ZERO),
            Some(last) if away && self.shown != Shown::Image => Some(last.saturating_add(self.frame)),
            Some(last) if away || !live => Some(last.saturating_add(self.interval)),
            _ => None,
        }
    }

    pub(super) fn is_due(&self, away: bool, live: bool, last: Option<Timestamp>, now: Timestamp) -> bool {
        self.due(away, live, last).is_some_and(|due| due <= now)
    }

    /// A stand-in is shown; whether it looks different from the picture before.
    pub(super) fn comes(&mut self, away: bool) -> bool {
        let now = if away { Shown::Image } else { Shown::Last };
        let before = std::mem::replace(&mut self.shown, now);
        away && before != now
    }

    /// The source's picture is shown; whether something else was shown before.
    pub(super) fn goes(&mut self) -> bool {
        std::mem::replace(&mut self.shown, Shown::Source) != Shown::Source
    }
}
