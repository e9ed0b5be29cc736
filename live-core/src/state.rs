//! The life of a session: one enum, one transition table.

use serde::Serialize;

/// Where a pusher or player is in its life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum SessionState {
    /// Built, not started.
    #[default]
    Idle,
    /// Devices, codecs and the connection are being opened.
    Opening,
    /// Media flows.
    Running,
    /// What is queued is being sent or played out.
    Stopping,
    /// Over, by request or because the media ended. May start again.
    Stopped,
    /// Over, because something failed for good. May start again.
    Failed,
}

/// What moves a session from one [`SessionState`] to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The application starts it.
    Start,
    /// The first media went through.
    MediaFlows,
    /// The application stops it, or its media ended.
    Stop,
    /// Everything has ended cleanly.
    Ended,
    /// Something failed for good.
    Failed,
}

impl SessionState {
    /// The state after `step`; `None` when the step means nothing here, which is harmless.
    #[must_use]
    pub const fn after(self, step: Step) -> Option<Self> {
        use SessionState::{Failed, Idle, Opening, Running, Stopped, Stopping};
        Some(match (self, step) {
            (Idle | Stopped | Failed, Step::Start) => Opening,
            (Opening, Step::MediaFlows) => Running,
            (Opening | Running, Step::Stop) => Stopping,
            (Opening | Running | Stopping, Step::Ended) => Stopped,
            (Opening | Running | Stopping, Step::Failed) => Failed,
            _ => return None,
        })
    }

    /// Whether threads, devices or connections belong to the session now.
    #[must_use]
    pub const fn is_active(self) -> bool {
        matches!(self, Self::Opening | Self::Running | Self::Stopping)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const STEPS: [Step; 5] = [Step::Start, Step::MediaFlows, Step::Stop, Step::Ended, Step::Failed];

    proptest! {
        /// Whatever happens in whatever order, an active session can always be ended, and an ended one started.
        #[test]
        fn no_order_of_steps_leads_into_a_dead_end(steps in prop::collection::vec(0..STEPS.len(), 0..50)) {
            let mut state = SessionState::Idle;
            for step in steps {
                state = state.after(STEPS[step]).unwrap_or(state);
                if state.is_active() {
                    prop_assert_eq!(state.after(Step::Ended), Some(SessionState::Stopped));
                    prop_assert_eq!(state.after(Step::Start), None, "start while running is harmless");
                } else {
                    prop_assert_eq!(state.after(Step::Start), Some(SessionState::Opening));
                    prop_assert_eq!(state.after(Step::Stop), None, "stop while stopped is harmless");
                }
            }
        }
    }
}
