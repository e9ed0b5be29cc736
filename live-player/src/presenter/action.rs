//! What the presenter tells its driver.

use live_core::Timestamp;
use std::time::Duration;

/// What the driver is to do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Action {
    /// Nothing plays: tell 2007 and supply no sound.
    Load,
    /// Show the next picture ahead of its time; tell 2004.
    ShowStill,
    /// Supply sound from this media time on; tell 2004 when `tell` says so.
    Start {
        from: Timestamp,
        /// Motion resumes, or begins without a picture.
        tell: bool,
    },
    /// Picture and sound stand still: supply no sound, and forget what waits.
    Freeze,
    /// Drop packets before the newest key frame that is not after `leave`, and tell [`Presenter::land`](super::Presenter::land) where it is.
    Skip {
        leave: Timestamp,
        /// Motion is to go on there, and not at the key frame.
        exact: bool,
        /// Something is lost that would have been played: tell 2107.
        tell: bool,
    },
    /// Pictures have waited for the decoder until this long after their time: drop their packets before the newest key
    /// frame; tell 2107. Sound goes on.
    CatchUp { behind: Duration },
    /// Show the next picture; after this long without one, when that is a stutter.
    Show { stutter: Option<Duration> },
    /// Pass over the next picture: the one after it is due as well.
    DropLate,
    /// Tell the position.
    Progress(Timestamp),
    /// Everything has been played.
    End,
    /// Nothing of what came can be decoded.
    Unplayable,
    /// Poll again after this long, or when something has changed.
    Wait(Duration),
}
