//! From a wish for full screen to the word that it has come true: pure.
//!
//! Window managers change a window when they like, or not at all, and where there is none (a kiosk, a bare X server)
//! nobody does: then the window is made as large as its screen by hand.

use live_core::event::FullScreenDirection;
use std::time::{Duration, Instant};

/// How long a window manager may take.
const PATIENCE: Duration = Duration::from_millis(500);

/// Where a window is between its frame and its screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum FullScreen {
    #[default]
    Framed,
    Entering {
        direction: FullScreenDirection,
        until: Instant,
        by_hand: bool,
    },
    Full {
        direction: FullScreenDirection,
        by_hand: bool,
    },
    Leaving {
        until: Instant,
        /// Full screen was asked for again: it begins when this one has ended, as the window's size says nothing before.
        then: Option<FullScreenDirection>,
    },
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Ask the window manager to let the window fill its screen.
    Ask,
    /// Make the window as large as its screen: nobody else does.
    Grow,
    /// Ask for the frame again; by hand when it was done so.
    Shrink { by_hand: bool },
    /// Tell that the window fills its screen, or does not any more.
    Tell { direction: FullScreenDirection, full_screen: bool },
}

const FRAMED: Step = Step::Tell { direction: FullScreenDirection::Upright, full_screen: false };

impl FullScreen {
    /// How the picture is turned now.
    pub(crate) const fn direction(self) -> FullScreenDirection {
        match self {
            Self::Full { direction, .. } => direction,
            _ => FullScreenDirection::Upright,
        }
    }

    /// Full screen is asked for, or, with `None`, the frame.
    pub(crate) fn request(&mut self, wanted: Option<FullScreenDirection>, now: Instant) -> Option<Step> {
        match (*self, wanted) {
            (Self::Full { direction: old, by_hand }, Some(direction)) => {
                *self = Self::Full { direction, by_hand };
                (old != direction).then_some(Step::Tell { direction, full_screen: true })
            }
            (Self::Entering { until, by_hand, .. }, Some(direction)) => {
                *self = Self::Entering { direction, until, by_hand };
                None
            }
            (Self::Leaving { until, .. }, then) => {
                *self = Self::Leaving { until, then };
                None
            }
            (Self::Framed, Some(direction)) => {
                *self = Self::Entering { direction, until: now + PATIENCE, by_hand: false };
                Some(Step::Ask)
            }
            (Self::Full { by_hand, .. } | Self::Entering { by_hand, .. }, None) => {
                *self = Self::Leaving { until: now + PATIENCE, then: None };
                Some(Step::Shrink { by_hand })
            }
            (Self::Framed, None) => None,
        }
    }

    /// It has its frame again.
    fn left(&mut self, then: Option<FullScreenDirection>, now: Instant) -> Option<Step> {
        *self = Self::Framed;
        if then.is_some() { self.request(then, now) } else { Some(FRAMED) }
    }

    /// The window has a size; `fills` says whether it is the screen's.
    pub(crate) fn sized(&mut self, fills: bool, now: Instant) -> Option<Step> {
        match *self {
            Self::Entering { direction, by_hand, .. } if fills => {
                *self = Self::Full { direction, by_hand };
                Some(Step::Tell { direction, full_screen: true })
            }
            Self::Leaving { then, .. } if !fills => self.left(then, now),
            // Somebody else ended it.
            Self::Full { .. } if !fills => self.left(None, now),
            _ => None,
        }
    }

    /// What is due at `now`.
    pub(crate) fn handle_timeout(&mut self, now: Instant) -> Option<Step> {
        if self.poll_timeout().is_none_or(|until| now < until) {
            return None;
        }
        match *self {
            Self::Entering { direction, by_hand: false, .. } => {
                *self = Self::Entering { direction, until: now + PATIENCE, by_hand: true };
                Some(Step::Grow)
            }
            Self::Entering { by_hand: true, .. } => {
                *self = Self::Framed;
                Some(Step::Shrink { by_hand: true })
            }
            // The window may have been as large as the screen before.
            Self::Leaving { then, .. } => self.left(then, now),
            Self::Framed | Self::Full { .. } => None,
        }
    }

    /// When [`handle_timeout`](Self::handle_timeout) has something to do. To be asked after every call.
    pub(crate) const fn poll_timeout(self) -> Option<Instant> {
        match self {
            Self::Entering { until, .. } | Self::Leaving { until, .. } => Some(until),
            Self::Framed | Self::Full { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use FullScreenDirection::{Clockwise, CounterClockwise, Upright};

    const fn told(direction: FullScreenDirection, full_screen: bool) -> Option<Step> {
        Some(Step::Tell { direction, full_screen })
    }

    #[test]
    fn a_window_manager_is_asked_and_its_answer_is_told() {
        let (mut state, now) = (FullScreen::default(), Instant::now());
        assert_eq!(state.request(Some(Clockwise), now), Some(Step::Ask));
        assert_eq!(state.direction(), Upright, "the picture turns when the window fills the screen");
        assert_eq!(state.sized(false, now), None);
        assert_eq!(state.sized(true, now), told(Clockwise, true));
        assert_eq!(state.direction(), Clockwise);
        assert_eq!((state.sized(true, now), state.handle_timeout(now + 2 * PATIENCE)), (None, None));
        assert_eq!(state.request(Some(CounterClockwise), now), told(CounterClockwise, true));
        assert_eq!(state.request(None, now), Some(Step::Shrink { by_hand: false }));
        assert_eq!(state.sized(false, now), told(Upright, false));
        assert_eq!(state.request(None, now), None);
    }

    #[test]
    fn without_one_the_window_grows_by_hand() {
        let (mut state, now) = (FullScreen::default(), Instant::now());
        state.request(Some(Upright), now);
        assert_eq!(state.handle_timeout(now), None);
        assert_eq!(state.handle_timeout(now + PATIENCE), Some(Step::Grow));
        assert_eq!(state.sized(true, now), told(Upright, true));
        assert_eq!(state.request(None, now), Some(Step::Shrink { by_hand: true }));
        assert_eq!(state.handle_timeout(now + PATIENCE), told(Upright, false), "it always comes to an end");
    }

    #[test]
    fn a_window_that_cannot_grow_keeps_its_frame() {
        let (mut state, now) = (FullScreen::default(), Instant::now());
        state.request(Some(Upright), now);
        state.handle_timeout(now + PATIENCE);
        assert_eq!(state.handle_timeout(now + 2 * PATIENCE), Some(Step::Shrink { by_hand: true }));
        assert_eq!((state, state.poll_timeout()), (FullScreen::Framed, None));
    }

    #[test]
    fn full_screen_that_is_asked_for_again_begins_when_the_frame_is_back() {
        let (mut state, now) = (FullScreen::default(), Instant::now());
        state.request(Some(Upright), now);
        state.sized(true, now);
        state.request(None, now);
        assert_eq!(state.request(Some(Clockwise), now), None);
        assert_eq!(state.sized(true, now), None, "it has not left yet");
        assert_eq!(state.sized(false, now), Some(Step::Ask));
        assert_eq!(state.sized(true, now), told(Clockwise, true));
        state.request(None, now);
        state.request(Some(Clockwise), now);
        assert_eq!(state.handle_timeout(now + PATIENCE), Some(Step::Ask));
        state.request(None, now);
        state.request(Some(Clockwise), now);
        assert_eq!(state.request(None, now), None, "and the last word counts");
        assert_eq!(state.sized(false, now), told(Upright, false));
    }

    #[test]
    fn full_screen_that_somebody_else_ends_is_told() {
        let (mut state, now) = (FullScreen::default(), Instant::now());
        state.request(Some(Upright), now);
        state.sized(true, now);
        assert_eq!(state.sized(false, now), told(Upright, false));
    }
}
