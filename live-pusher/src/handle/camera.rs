//! The camera's own controls.

use super::LivePusherHandle;
use crate::pipeline::orders::Refused;
use crate::pipeline::video::{Answer, VideoOrder};
use live_core::config::DevicePosition;
use tokio::sync::oneshot;

/// Why something could not be done with a session that runs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ControlError {
    /// No session is active, or it has no picture, or it ended before the answer.
    #[error("no session with a picture is active: start one first")]
    NotRunning,
    /// The source cannot do it.
    #[error("not possible: {0}")]
    Unsupported(String),
    /// The same is being done already, or too many commands wait.
    #[error("an earlier command is still being carried out: wait for its answer")]
    Busy,
    /// It was tried and failed.
    #[error("it failed: {0}")]
    Failed(String),
}

impl LivePusherHandle {
    /// Changes to the camera at the other position and says which that is. The stream goes on: it shows the last picture
    /// until the new camera's first.
    ///
    /// The camera that is open closes before the other one opens, as most devices want it. When the other one refuses,
    /// the first one opens again. In the background nothing opens: the answer comes at once, and the other camera opens
    /// on [`resume`](Self::resume).
    ///
    /// # Errors
    /// [`Unsupported`](ControlError::Unsupported) when
    /// [`video_source_for`](crate::Builder::video_source_for) named no other source; [`Busy`](ControlError::Busy) during
    /// a switch; [`Failed`](ControlError::Failed) when the other camera refuses.
    pub async fn switch_camera(&self) -> Result<DevicePosition, ControlError> {
        self.ask(VideoOrder::SwitchCamera).await
    }

    /// Switches the lamp beside the camera that is open, and says whether it is on now. A camera opens with its torch off.
    ///
    /// # Errors
    /// [`Unsupported`](ControlError::Unsupported) when the source has none, as
    /// [`VideoSource::controls`](live_core::VideoSource::controls) says; [`Failed`](ControlError::Failed) when the device
    /// does not obey, or is closed now.
    pub async fn toggle_torch(&self) -> Result<bool, ControlError> {
        self.ask(VideoOrder::ToggleTorch).await
    }

    /// Asks the video worker for something and waits for its answer, for as long as it runs.
    pub(super) async fn ask<T>(
        &self,
        order: impl FnOnce(Answer<T>) -> VideoOrder,
    ) -> Result<T, ControlError> {
        let (answer, answered) = oneshot::channel();
        self.inner.shared.controls.video.post(order(answer)).map_err(|refused| match refused {
            Refused::Nobody => ControlError::NotRunning,
            Refused::Full => ControlError::Busy,
        })?;
        answered.await.unwrap_or(Err(ControlError::NotRunning))
    }
}
