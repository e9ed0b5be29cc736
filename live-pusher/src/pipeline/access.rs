//! Asks the embedding application before a device opens.

use live_core::{CaptureError, CaptureErrorKind, SourceInfo, SourceKind};
use std::fmt;
use std::sync::Arc;

/// A device whose use a person has to allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Access {
    /// A camera (`scope.camera`).
    Camera,
    /// A microphone (`scope.record`).
    Microphone,
}

/// The application's answer; everything is allowed when it was not asked for one.
#[derive(Clone, Default)]
pub(crate) struct Permission(Option<Arc<dyn Fn(Access) -> bool + Send + Sync>>);

impl Permission {
    pub(crate) fn new(ask: impl Fn(Access) -> bool + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(ask)))
    }

    /// Whether this source may open. Files, screens and generated media are nobody's secret.
    pub(crate) fn check(&self, info: &SourceInfo) -> Result<(), CaptureError> {
        let access = match info.kind {
            SourceKind::Camera => Access::Camera,
            SourceKind::Microphone => Access::Microphone,
            _ => return Ok(()),
        };
        match &self.0 {
            Some(ask) if !ask(access) => {
                let message = "the application does not allow its use";
                Err(CaptureError::new(CaptureErrorKind::PermissionDenied, info.name.clone(), message))
            }
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Permission(asked)" } else { "Permission(granted)" })
    }
}
