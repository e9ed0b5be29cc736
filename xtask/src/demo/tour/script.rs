//! What happens when.

use std::time::Duration;

/// What is done at the beginning of a chapter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Skin is smoothed and brightened by these levels.
    Effects {
        /// Smoothing, 0–9.
        beauty: u8,
        /// Brightening, 0–9.
        whiteness: u8,
    },
    /// The application goes into the background.
    Pause,
    /// It comes back.
    Resume,
    /// The uplink carries so many kbit/s.
    Uplink(u32),
    /// The server dies, and is started again after [`SERVER_IS_DOWN`].
    Kill,
}

/// How long the server stays away.
pub const SERVER_IS_DOWN: Duration = Duration::from_millis(1500);
/// What the uplink carries at first, kbit/s.
pub const WIDE: u32 = 4000;
/// What it carries when it has shrunk, kbit/s.
pub const NARROW: u32 = 350;

/// A part of the tour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chapter {
    /// What it is called.
    pub title: &'static str,
    /// When it begins, in seconds since the stream was accepted.
    pub at: u64,
    /// What is done then.
    pub act: Act,
}

const fn chapter(at: u64, title: &'static str, act: Act) -> Chapter {
    Chapter { title, at, act }
}

/// The tour.
pub const CHAPTERS: [Chapter; 10] = [
    chapter(0, "plain", Act::Effects { beauty: 0, whiteness: 0 }),
    chapter(6, "beauty 5", Act::Effects { beauty: 5, whiteness: 0 }),
    chapter(11, "beauty 9", Act::Effects { beauty: 9, whiteness: 0 }),
    chapter(16, "and whiteness 9", Act::Effects { beauty: 9, whiteness: 9 }),
    chapter(21, "plain", Act::Effects { beauty: 0, whiteness: 0 }),
    chapter(26, "background", Act::Pause),
    chapter(32, "back", Act::Resume),
    chapter(38, "narrow uplink", Act::Uplink(NARROW)),
    chapter(52, "wide uplink", Act::Uplink(WIDE)),
    chapter(66, "server killed", Act::Kill),
];

/// When the tour ends, in seconds.
pub const END: u64 = 76;

/// From when to when, in seconds since the stream was accepted, the chapter of this place lasts.
pub fn span(place: usize) -> (f64, f64) {
    let end = CHAPTERS.get(place + 1).map_or(END, |next| next.at);
    (CHAPTERS[place].at as f64, end as f64)
}

/// The place of the first chapter that begins with `act`.
pub fn place_of(act: Act) -> usize {
    CHAPTERS.iter().position(|chapter| chapter.act == act).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chapters_follow_one_another() {
        assert!(CHAPTERS.windows(2).all(|pair| pair[0].at < pair[1].at));
        assert_eq!(span(place_of(Act::Kill)), (66.0, END as f64));
        assert_eq!(place_of(Act::Pause), 5);
    }
}
