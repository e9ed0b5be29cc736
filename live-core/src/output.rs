//! Destinations of a pusher: which one, where it is in its life, and how it is doing.

use crate::code::PusherCode;
use crate::net_status::NetStatus;
use serde::Serialize;
use std::fmt;

/// Names one destination of a pusher, for as long as the pusher lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct OutputId(u32);

impl OutputId {
    /// The destination the pusher was built with: its codes are those of the session.
    pub const PRIMARY: Self = Self(0);

    /// The id with this number.
    #[must_use]
    pub const fn new(number: u32) -> Self {
        Self(number)
    }
}

impl fmt::Display for OutputId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Where a destination is in its life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum OutputState {
    /// The first connection of the session is being made.
    Connecting,
    /// The server has accepted the stream, media flows.
    Publishing,
    /// The connection failed or was lost; the next one is waited for or being made.
    Reconnecting,
    /// Nothing is sent: the session has not begun, or it is over for this destination.
    #[default]
    Ended,
}

/// What moves a destination from one [`OutputState`] to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutputStep {
    /// The session opens it.
    Open,
    /// The server accepted the stream.
    Accepted,
    /// The connection failed or was lost, and will be tried again.
    Lost,
    /// It is over: the stream, by request, or for good.
    Ended,
}

impl OutputState {
    /// The state after `step`; `None` when the step changes nothing here, which is harmless.
    #[must_use]
    pub const fn after(self, step: OutputStep) -> Option<Self> {
        use OutputState::{Connecting, Ended, Publishing, Reconnecting};
        Some(match (self, step) {
            (Ended, OutputStep::Open) => Connecting,
            (Connecting | Reconnecting, OutputStep::Accepted) => Publishing,
            (Connecting | Publishing, OutputStep::Lost) => Reconnecting,
            (Connecting | Publishing | Reconnecting, OutputStep::Ended) => Ended,
            _ => return None,
        })
    }
}

/// How a destination is doing: a copy to keep.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct OutputStatus {
    /// Which.
    pub output: OutputId,
    /// Where it goes, without user, stream key and token.
    pub url: String,
    /// Where it is in its life.
    pub state: OutputState,
    /// What its network does: speed, jitter, round trip, what waits and what was dropped are its own; the rest is the
    /// session's. Measured once a second.
    pub net: NetStatus,
    /// Bytes sent since the session began, protocol overhead included.
    pub sent_bytes: u64,
    /// Connections that were accepted after the first one, since the session began.
    pub reconnects: u32,
    /// Why the last connection failed or was lost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
}

impl OutputStatus {
    /// A destination that has not been opened.
    #[must_use]
    pub fn new(output: OutputId, url: String) -> Self {
        Self {
            output,
            url,
            state: OutputState::default(),
            net: NetStatus::default(),
            sent_bytes: 0,
            reconnects: 0,
            last_error: None,
        }
    }
}

/// Something happened to one of several destinations.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct OutputEvent {
    /// Which.
    pub output: OutputId,
    /// Where it goes, without user, stream key and token.
    pub url: String,
    /// Where it is in its life now.
    pub state: OutputState,
    /// The state code that the session would have fired, had this been its only destination: 1001, 1002, 1102, 3001 to
    /// 3005, -1307. `None` for an end that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<PusherCode>,
    /// Particulars, for people.
    pub detail: String,
}

impl OutputEvent {
    /// An event of `output`.
    #[must_use]
    pub fn new(
        output: OutputId,
        url: impl Into<String>,
        state: OutputState,
        code: Option<PusherCode>,
    ) -> Self {
        Self { output, url: url.into(), state, code, detail: String::new() }
    }

    /// The same event with particulars.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = detail.into();
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const STEPS: [OutputStep; 4] =
        [OutputStep::Open, OutputStep::Accepted, OutputStep::Lost, OutputStep::Ended];

    proptest! {
        /// Whatever happens in whatever order, media flows only after an acceptance that no loss followed, and every
        /// life can end and begin anew.
        #[test]
        fn publishing_is_what_the_last_steps_say(steps in prop::collection::vec(0..STEPS.len(), 0..60)) {
            let (mut state, mut open, mut flows) = (OutputState::default(), false, false);
            for step in steps.into_iter().map(|step| STEPS[step]) {
                state = state.after(step).unwrap_or(state);
                match step {
                    OutputStep::Open => open = true,
                    OutputStep::Accepted => flows = open,
                    OutputStep::Lost => flows = false,
                    OutputStep::Ended => (open, flows) = (false, false),
                }
                prop_assert_eq!(state == OutputState::Publishing, flows);
                prop_assert_eq!(state == OutputState::Ended, !open);
                let ended = state.after(OutputStep::Ended).unwrap_or(state);
                prop_assert_eq!(ended, OutputState::Ended);
                prop_assert_eq!(ended.after(OutputStep::Open), Some(OutputState::Connecting));
            }
        }
    }

    #[test]
    fn the_status_is_json_under_the_field_names_of_the_specification() {
        let status = OutputStatus::new(OutputId::new(2), "rtmp://h/live/***".into());
        let json = serde_json::to_value(&status).unwrap();
        assert_eq!((&json["output"], &json["state"]), (&2.into(), &"ended".into()));
        assert!(json["net"]["netSpeed"] == 0 && json["sentBytes"] == 0, "{json}");
    }
}
