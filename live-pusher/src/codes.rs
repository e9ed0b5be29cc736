//! The one place where errors become the specification's codes.

use live_core::{
    CaptureError, CaptureErrorKind, CodecError, CodecErrorKind, PusherCode, PusherErrorCode, SourceKind,
    Track, TransportError, TransportErrorKind,
};
use std::fmt;

/// Why a session ended before its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The state code that was fired for it, where the specification has one.
    pub code: Option<PusherCode>,
    /// What was asked, what happened and what can be done.
    pub message: String,
}

impl Failure {
    pub(crate) fn new(code: PusherCode, message: impl Into<String>) -> Self {
        Self { code: Some(code), message: message.into() }
    }

    pub(crate) fn internal(message: String) -> Self {
        Self { code: None, message }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.code {
            Some(code) => write!(f, "{} {}: {}", i32::from(code), code.text(), self.message),
            None => f.write_str(&self.message),
        }
    }
}

impl std::error::Error for Failure {}

/// The code for a connection that failed or was lost.
pub(crate) fn of_transport(error: &TransportError) -> PusherCode {
    match error.kind {
        TransportErrorKind::Dns => PusherCode::DnsFailed,
        TransportErrorKind::Address
        | TransportErrorKind::Connect
        | TransportErrorKind::Tls
        | TransportErrorKind::File => PusherCode::ConnectFailed,
        TransportErrorKind::Handshake => PusherCode::HandshakeFailed,
        TransportErrorKind::Refused
        | TransportErrorKind::Unauthorized
        | TransportErrorKind::Expired
        | TransportErrorKind::NameInUse
        | TransportErrorKind::HttpStatus(_)
        | TransportErrorKind::Closed => PusherCode::ServerClosed,
        _ => PusherCode::IoFailed,
    }
}

/// The code for a source that cannot be opened or has failed.
pub(crate) fn of_capture(track: Track, kind: SourceKind, error: &CaptureError) -> PusherCode {
    let unsupported = error.kind == CaptureErrorKind::UnsupportedFormat;
    match (track, kind) {
        (Track::Audio, _) if unsupported => PusherCode::UnsupportedSampleRate,
        (Track::Audio, _) if error.kind == CaptureErrorKind::Silent => PusherCode::MicrophoneSilent,
        (Track::Audio, _) => PusherCode::MicrophoneOpenFailed,
        (_, SourceKind::Screen) => match error.kind {
            CaptureErrorKind::Unsupported => PusherCode::ScreenCaptureUnsupported,
            CaptureErrorKind::Disconnected => PusherCode::ScreenCaptureInterrupted,
            CaptureErrorKind::Reconfiguration => PusherCode::ScreenRotationFailed,
            _ => PusherCode::ScreenCaptureFailed,
        },
        (_, SourceKind::Camera | SourceKind::Generated) if unsupported => PusherCode::UnsupportedResolution,
        _ => PusherCode::CameraOpenFailed,
    }
}

/// The error code for a source that the operating system denies. A screen that is denied has its state code only.
pub(crate) fn of_denial(track: Track, kind: SourceKind, error: &CaptureError) -> Option<PusherErrorCode> {
    if error.kind != CaptureErrorKind::PermissionDenied {
        return None;
    }
    match (track, kind) {
        (Track::Audio, _) => Some(PusherErrorCode::MicrophoneDenied),
        (_, SourceKind::Screen) => None,
        _ => Some(PusherErrorCode::CameraDenied),
    }
}

/// The code for an encoder that cannot be opened.
pub(crate) fn of_encoder(track: Track, error: &CodecError) -> PusherCode {
    match (track, error.kind) {
        (Track::Audio, CodecErrorKind::Unsupported) => PusherCode::UnsupportedSampleRate,
        (Track::Audio, _) => PusherCode::AudioEncoderFailed,
        (_, CodecErrorKind::Unsupported) => PusherCode::UnsupportedResolution,
        _ => PusherCode::VideoEncoderFailed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_way_a_connection_fails_has_its_code() {
        use TransportErrorKind as Kind;
        let refused =
            [Kind::Refused, Kind::NameInUse, Kind::Unauthorized, Kind::Expired, Kind::HttpStatus(403)];
        let table = [(Kind::Dns, 3001), (Kind::Connect, 3002), (Kind::Tls, 3002), (Kind::Handshake, 3003)];
        let refused = refused.map(|kind| (kind, 3004));
        for (kind, code) in table.into_iter().chain(refused).chain([(Kind::Closed, 3004), (Kind::Io, 3005)]) {
            assert_eq!(
                i32::from(of_transport(&TransportError::new(kind, "host:1935", "…"))),
                code,
                "{kind:?}"
            );
        }
    }

    #[test]
    fn devices_are_told_apart_by_track_and_kind() {
        let code =
            |track, source, kind| i32::from(of_capture(track, source, &CaptureError::new(kind, "dev", "…")));
        use CaptureErrorKind::{Busy, Disconnected, Reconfiguration, Silent, Unsupported, UnsupportedFormat};
        assert_eq!(code(Track::Video, SourceKind::Camera, Busy), -1301);
        assert_eq!(code(Track::Audio, SourceKind::Microphone, Busy), -1302);
        assert_eq!(code(Track::Video, SourceKind::Camera, UnsupportedFormat), -1305);
        assert_eq!(
            code(Track::Video, SourceKind::File, UnsupportedFormat),
            -1301,
            "a size is not what is wrong"
        );
        assert_eq!(code(Track::Audio, SourceKind::Microphone, UnsupportedFormat), -1306);
        assert_eq!(code(Track::Video, SourceKind::Screen, Unsupported), -1309);
        assert_eq!(code(Track::Video, SourceKind::Screen, Disconnected), -1310);
        assert_eq!(code(Track::Audio, SourceKind::Microphone, Silent), -1311);
        assert_eq!(code(Track::Video, SourceKind::Screen, Reconfiguration), -1312);
    }
}
