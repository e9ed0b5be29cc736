//! The life of a session: one enum, one transition table.
//!
//! | from \ step | Preview | Start | MediaFlows | Pause | Resume | Stop | Ended | Failed |
//! |---|---|---|---|---|---|---|---|---|
//! | Idle, Stopped, Failed | Previewing | Opening | – | – | – | – | – | – |
//! | Previewing | – | Opening | – | – | – | Stopping | Stopped | Failed |
//! | Opening | – | – | Running | Paused | – | Stopping | Stopped | Failed |
//! | Running | – | – | – | Paused | – | Stopping | Stopped | Failed |
//! | Paused | – | – | – | – | Opening | Stopping | Stopped | Failed |
//! | Stopping | – | – | – | – | – | – | Stopped | Failed |
//!
//! A dash is a step that means nothing there: it is harmless, changes nothing, and whoever asked for it is told so.

use serde::Serialize;

/// Where a pusher or player is in its life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum SessionState {
    /// Built, not started.
    #[default]
    Idle,
    /// The camera is open for the preview; nothing is pushed. Pushers only.
    Previewing,
    /// Devices, codecs and the connection are being opened.
    Opening,
    /// Media flows.
    Running,
    /// The application is in the background: a pusher sends its waiting image.
    Paused,
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
    /// The application wants to see its camera.
    Preview,
    /// The application starts it.
    Start,
    /// The first media went through.
    MediaFlows,
    /// The application goes into the background.
    Pause,
    /// The application comes back. Who knows that media flows takes that step as well, at once.
    Resume,
    /// The application stops it, or its media ended.
    Stop,
    /// Everything has ended cleanly.
    Ended,
    /// Something failed for good.
    Failed,
}

impl SessionState {
    /// Every state.
    pub const ALL: [Self; 8] = [
        Self::Idle,
        Self::Previewing,
        Self::Opening,
        Self::Running,
        Self::Paused,
        Self::Stopping,
        Self::Stopped,
        Self::Failed,
    ];

    /// The state after `step`; `None` when the step means nothing here, which is harmless.
    #[must_use]
    pub const fn after(self, step: Step) -> Option<Self> {
        use SessionState::{Failed, Idle, Opening, Paused, Previewing, Running, Stopped, Stopping};
        Some(match (self, step) {
            (Idle | Stopped | Failed, Step::Preview) => Previewing,
            (Idle | Previewing | Stopped | Failed, Step::Start) => Opening,
            (Opening, Step::MediaFlows) => Running,
            (Opening | Running, Step::Pause) => Paused,
            (Paused, Step::Resume) => Opening,
            (Previewing | Opening | Running | Paused, Step::Stop) => Stopping,
            (Previewing | Opening | Running | Paused | Stopping, Step::Ended) => Stopped,
            (Previewing | Opening | Running | Paused | Stopping, Step::Failed) => Failed,
            _ => return None,
        })
    }

    /// Whether threads, devices or connections belong to the session now.
    #[must_use]
    pub const fn is_active(self) -> bool {
        matches!(self, Self::Previewing | Self::Opening | Self::Running | Self::Paused | Self::Stopping)
    }

    /// Whether something is being pushed or played: active, and more than a preview.
    #[must_use]
    pub const fn is_session(self) -> bool {
        self.is_active() && !matches!(self, Self::Previewing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const STEPS: [Step; 8] = [
        Step::Preview,
        Step::Start,
        Step::MediaFlows,
        Step::Pause,
        Step::Resume,
        Step::Stop,
        Step::Ended,
        Step::Failed,
    ];

    proptest! {
        /// Whatever happens in whatever order, an active session can always be ended, and an ended one started.
        #[test]
        fn no_order_of_steps_leads_into_a_dead_end(steps in prop::collection::vec(0..STEPS.len(), 0..50)) {
            let mut state = SessionState::Idle;
            for step in steps {
                state = state.after(STEPS[step]).unwrap_or(state);
                if state.is_active() {
                    prop_assert_eq!(state.after(Step::Ended), Some(SessionState::Stopped));
                    prop_assert_eq!(state.after(Step::Failed), Some(SessionState::Failed));
                } else {
                    prop_assert_eq!(state.after(Step::Stop), None, "stop while stopped is harmless");
                    prop_assert_eq!(state.after(Step::Pause), None, "pause while stopped is harmless");
                }
                let startable = if state.is_session() { None } else { Some(SessionState::Opening) };
                prop_assert_eq!(state.after(Step::Start), startable, "start while running is harmless");
            }
        }
    }

    /// The table above, as it is written, is what the function does.
    #[test]
    fn the_documented_table_is_the_function() {
        let source = include_str!("state.rs");
        let row = |line: &str| -> Vec<String> {
            let cells = line.trim_start_matches("//!").trim().trim_matches('|').split('|');
            cells.map(|cell| cell.trim().to_owned()).collect()
        };
        let lines: Vec<_> = source.lines().filter(|line| line.starts_with("//! |")).collect();
        let head = row(lines[0]);
        let mut seen = 0;
        for line in &lines[2..] {
            let cells = row(line);
            for state in SessionState::ALL.iter().filter(|state| cells[0].contains(&format!("{state:?}"))) {
                for (name, expected) in head.iter().zip(&cells).skip(1) {
                    let step = STEPS.iter().find(|step| format!("{step:?}") == *name).unwrap();
                    let next = state.after(*step).map_or("–".to_owned(), |next| format!("{next:?}"));
                    assert_eq!(next, *expected, "{state:?} after {name}");
                    seen += 1;
                }
            }
        }
        assert_eq!(seen, SessionState::ALL.len() * STEPS.len());
    }
}
