//! What a failed or lost connection means for its destination. Pure.

use live_core::backoff::{Backoff, Retry, RetryPolicy};
use live_core::{TransportError, TransportErrorKind as Kind};
use std::fmt;
use std::time::{Duration, Instant};

/// What to do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Trying again cannot help, or was tried often enough.
    GiveUp,
    /// Try again, counted.
    Retry(Retry),
    /// The server still holds our lost connection for alive: ask again after this wait, uncounted.
    NameTaken(Duration),
}

impl Verdict {
    /// How long to wait; `None` when that is over.
    pub(crate) fn wait(self) -> Option<Duration> {
        match self {
            Self::GiveUp => None,
            Self::Retry(retry) => Some(retry.wait),
            Self::NameTaken(wait) => Some(wait),
        }
    }
}

/// The detail of 1102.
impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::GiveUp => f.write_str("given up"),
            Self::Retry(retry) => retry.fmt(f),
            Self::NameTaken(wait) => {
                write!(f, "the lost connection still holds the name; again in {:.1} s", wait.as_secs_f32())
            }
        }
    }
}

/// Judges the failures of one destination over a session.
#[derive(Debug)]
pub(crate) struct Judge {
    backoff: Backoff,
    /// Whether the server ever accepted the stream.
    has_published: bool,
}

impl Judge {
    pub(crate) fn new(policy: RetryPolicy, seed: u64) -> Self {
        Self { backoff: Backoff::new(policy, seed), has_published: false }
    }

    /// The connection failed, or was lost after it had been good since `up_since`.
    pub(crate) fn lost(
        &mut self,
        now: Instant,
        error: &TransportError,
        up_since: Option<Instant>,
    ) -> Verdict {
        self.has_published |= up_since.is_some();
        let is_answer = matches!(
            error.kind,
            Kind::Refused
                | Kind::NameInUse
                | Kind::HttpStatus(_)
                | Kind::Unauthorized
                | Kind::Expired
                | Kind::Tls
        );
        let is_refusal = matches!(error.kind, Kind::Refused | Kind::NameInUse) || error.permanent;
        // A name or token that was good until now may be so again: a server that has just come back does not know
        // everything yet, and the application may have a fresh token.
        if (is_refusal && !self.has_published) || (error.permanent && !is_answer) {
            return Verdict::GiveUp;
        }
        // Before the first publication the name is somebody else's; after it, it is our own.
        if error.kind == Kind::NameInUse
            && let Some(wait) = self.backoff.name_taken(now)
        {
            return Verdict::NameTaken(wait);
        }
        self.backoff.failed(now, up_since).map_or(Verdict::GiveUp, Verdict::Retry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(kind: Kind) -> TransportError {
        TransportError::new(kind, "host:1935", "…")
    }

    fn judge() -> Judge {
        Judge::new(RetryPolicy::doubling(Duration::from_secs(3)), 1)
    }

    fn attempt(verdict: Verdict) -> Option<u32> {
        match verdict {
            Verdict::Retry(retry) => Some(retry.attempt),
            _ => None,
        }
    }

    #[test]
    fn a_refusal_is_final_before_the_first_publication_and_counts_after_it() {
        let now = Instant::now();
        for kind in [Kind::Refused, Kind::HttpStatus(403)] {
            assert_eq!(judge().lost(now, &error(kind).permanent(), None), Verdict::GiveUp, "{kind:?}");
            let mut judge = judge();
            assert_eq!(attempt(judge.lost(now, &error(Kind::Closed), Some(now))), Some(1));
            assert_eq!(attempt(judge.lost(now, &error(kind).permanent(), None)), Some(2), "{kind:?}");
        }
        assert_eq!(judge().lost(now, &error(Kind::Refused), None), Verdict::GiveUp, "hung up on publish");
        assert_eq!(attempt(judge().lost(now, &error(Kind::HttpStatus(503)), None)), Some(1));
    }

    #[test]
    fn a_taken_name_is_somebody_elses_first_and_our_own_later() {
        let now = Instant::now();
        assert_eq!(judge().lost(now, &error(Kind::NameInUse), None), Verdict::GiveUp);
        let mut judge = judge();
        judge.lost(now, &error(Kind::Io), Some(now));
        for seconds in (0..90).step_by(5) {
            let asked = judge.lost(now + Duration::from_secs(seconds), &error(Kind::NameInUse), None);
            assert_eq!(asked, Verdict::NameTaken(Duration::from_secs(5)));
        }
        let late = now + Duration::from_secs(90);
        assert_eq!(attempt(judge.lost(late, &error(Kind::NameInUse), None)), Some(2));
        assert_eq!(attempt(judge.lost(late, &error(Kind::NameInUse), None)), Some(3));
        assert_eq!(judge.lost(late, &error(Kind::NameInUse), None), Verdict::GiveUp);
    }

    #[test]
    fn what_no_retry_can_mend_is_never_retried() {
        let now = Instant::now();
        for kind in [Kind::Address, Kind::Malformed, Kind::File] {
            let mut judge = judge();
            judge.lost(now, &error(Kind::Io), Some(now));
            assert_eq!(judge.lost(now, &error(kind).permanent(), None), Verdict::GiveUp, "{kind:?}");
        }
    }
}
