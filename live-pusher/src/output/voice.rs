//! How a destination tells what happens to it.

use live_core::event::{EventSender, PusherEvent};
use live_core::{OutputEvent, OutputId, OutputState, PusherCode, StreamUrl};

/// Speaks for one destination: the codes of the first one are the session's, the others have events of their own.
#[derive(Clone)]
pub(crate) struct Voice {
    pub(crate) events: EventSender<PusherEvent>,
    pub(crate) output: OutputId,
    /// Without secrets.
    pub(crate) url: String,
}

impl Voice {
    pub(crate) fn new(events: EventSender<PusherEvent>, output: OutputId, url: &StreamUrl) -> Self {
        Self { events, output, url: url.to_string() }
    }

    /// Tells a state code.
    pub(crate) fn code(&self, code: PusherCode, state: OutputState, detail: impl Into<String>) {
        let detail = detail.into();
        tracing::debug!(code = i32::from(code), detail, "{}", code.text());
        if self.output == OutputId::PRIMARY {
            self.events.send(PusherEvent::State { code, detail });
        } else {
            self.own(Some(code), state, detail);
        }
    }

    /// Tells in the destination's own name, also for the first one.
    pub(crate) fn own(&self, code: Option<PusherCode>, state: OutputState, detail: impl Into<String>) {
        let event = OutputEvent::new(self.output, self.url.clone(), state, code).with_detail(detail);
        self.events.send(PusherEvent::Output(event));
    }
}
