//! Messages in the stream.

use super::LivePusherHandle;
use crate::pipeline::messages::LONGEST;
use crate::pipeline::orders::{MOST, Refused};
use bytes::Bytes;

/// Why a message was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MessageError {
    /// Nothing with a picture is being pushed that could carry it.
    #[error("nothing with a picture is being pushed: start a session first")]
    NotRunning,
    /// It has no bytes.
    #[error("an empty message cannot be sent")]
    Empty,
    /// It is too long.
    #[error("a message of {0} bytes is too long: at most {LONGEST} are carried")]
    TooLong(usize),
    /// Too many wait for the next picture.
    #[error("{MOST} messages wait already: send fewer than eight with each picture")]
    Full,
}

impl LivePusherHandle {
    /// Sends `message` with the next picture, as H.264 SEI user data; the player gives it out as
    /// [`PlayerEvent::Message`](live_core::event::PlayerEvent::Message) when that picture is shown.
    ///
    /// 1 to 2048 bytes. A picture takes eight messages, 32 may wait; at 15 pictures a second that is 120 a second. A
    /// message shares the fate of its picture: under congestion it may be dropped. Returns at once.
    ///
    /// # Errors
    /// The message is empty, too long or one too many, or nothing is being pushed.
    pub fn send_message(&self, message: impl Into<Bytes>) -> Result<(), MessageError> {
        let message = message.into();
        match message.len() {
            0 => Err(MessageError::Empty),
            length if length > LONGEST => Err(MessageError::TooLong(length)),
            _ => self.inner.shared.controls.messages.post(message).map_err(|refused| match refused {
                Refused::Nobody => MessageError::NotRunning,
                Refused::Full => MessageError::Full,
            }),
        }
    }
}
