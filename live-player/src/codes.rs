//! The one place where errors become the specification's codes.

use live_core::{PlayerCode, TransportError, TransportErrorKind};

/// Why a session ended before its time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{message}", prefix(*code))]
pub struct Failure {
    /// The state code that was fired for it, where the specification has one.
    pub code: Option<PlayerCode>,
    /// What was asked, what happened and what can be done.
    pub message: String,
}

fn prefix(code: Option<PlayerCode>) -> String {
    code.map_or_else(String::new, |code| format!("{code}: "))
}

impl Failure {
    pub(crate) fn new(code: PlayerCode, message: impl Into<String>) -> Self {
        Self { code: Some(code), message: message.into() }
    }

    /// A failure that the specification has no code for.
    pub(crate) fn uncoded(message: impl Into<String>) -> Self {
        Self { code: None, message: message.into() }
    }
}

/// The code for a connection that failed before the server had accepted anything, or was lost after it `stood`.
pub(crate) fn of_transport(error: &TransportError, stood: bool) -> PlayerCode {
    use TransportErrorKind as Kind;
    match error.kind {
        Kind::Dns => PlayerCode::DnsFailed,
        Kind::Address | Kind::Connect | Kind::Tls | Kind::File => PlayerCode::ConnectFailed,
        Kind::Handshake
        | Kind::Refused
        | Kind::Unauthorized
        | Kind::Expired
        | Kind::NameInUse
        | Kind::HttpStatus(_) => PlayerCode::HandshakeFailed,
        // What breaks the opening dialogue is no error of an open stream.
        _ if !stood => PlayerCode::HandshakeFailed,
        _ => PlayerCode::IoFailed,
    }
}

/// Whether trying again cannot help.
pub(crate) fn is_final(error: &TransportError) -> bool {
    use TransportErrorKind as Kind;
    error.permanent || matches!(error.kind, Kind::Address | Kind::File | Kind::HttpStatus(401 | 403))
}

#[cfg(test)]
mod tests {
    use super::*;
    use TransportErrorKind as Kind;

    fn error(kind: Kind) -> TransportError {
        TransportError::new(kind, "host:1935", "…")
    }

    #[test]
    fn each_way_a_connection_fails_has_its_code() {
        let table = [
            (Kind::Dns, 3001),
            (Kind::Connect, 3002),
            (Kind::Tls, 3002),
            (Kind::File, 3002),
            (Kind::Handshake, 3003),
            (Kind::Refused, 3003),
            (Kind::Unauthorized, 3003),
            (Kind::Expired, 3003),
            (Kind::HttpStatus(404), 3003),
            (Kind::Closed, 3005),
            (Kind::Io, 3005),
            (Kind::Malformed, 3005),
        ];
        for (kind, code) in table {
            assert_eq!(of_transport(&error(kind), true).number(), code, "{kind:?}");
            let before = if code == 3005 { 3003 } else { code };
            assert_eq!(of_transport(&error(kind), false).number(), before, "{kind:?}, before it stood");
        }
    }

    #[test]
    fn refused_rights_and_missing_files_are_final() {
        for kind in [Kind::HttpStatus(401), Kind::HttpStatus(403), Kind::File, Kind::Address] {
            assert!(is_final(&error(kind)), "{kind:?}");
        }
        for kind in [Kind::HttpStatus(404), Kind::Refused, Kind::Io, Kind::Dns] {
            assert!(!is_final(&error(kind)), "{kind:?}");
            assert!(is_final(&error(kind).permanent()), "{kind:?}");
        }
    }
}
