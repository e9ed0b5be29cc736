//! What went wrong with TLS, in words that help.

use live_core::{StreamUrl, TransportError, TransportErrorKind};
use std::io;
use tokio_rustls::rustls::{AlertDescription, CertificateError, Error};

/// TLS cannot be used at all.
pub(super) fn of_setup(url: &StreamUrl, error: Error) -> TransportError {
    let text = "TLS cannot be set up: check that the system has root certificates, or give your own";
    TransportError::new(TransportErrorKind::Tls, url.peer(), text).permanent().because(error)
}

/// The handshake failed. A certificate that does not hold is final; anything else may be a passing trouble.
pub(super) fn of_handshake(url: &StreamUrl, error: io::Error) -> TransportError {
    let cause = error.get_ref().and_then(|cause| cause.downcast_ref::<Error>());
    let Some(cause) = cause else {
        let text = match error.kind() {
            io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset => {
                format!(
                    "the server hung up during the TLS handshake: does it speak TLS on port {}?",
                    url.port()
                )
            }
            _ => "the connection broke during the TLS handshake".to_owned(),
        };
        return TransportError::new(TransportErrorKind::Tls, url.peer(), text).because(error);
    };
    let text = match cause {
        Error::InvalidCertificate(reason) => {
            let text = format!("the server's certificate is refused: {}", of_certificate(url, reason));
            return TransportError::new(TransportErrorKind::Tls, url.peer(), text).permanent().because(error);
        }
        Error::InvalidMessage(_) => {
            format!("the server does not speak TLS on port {}: check the address", url.port())
        }
        Error::AlertReceived(AlertDescription::CertificateRequired) => {
            "the server wants a certificate from us, which is not supported".to_owned()
        }
        Error::AlertReceived(_) => "the server refused the TLS handshake".to_owned(),
        _ => "the TLS handshake failed".to_owned(),
    };
    TransportError::new(TransportErrorKind::Tls, url.peer(), text).because(error)
}

fn of_certificate(url: &StreamUrl, reason: &CertificateError) -> String {
    match reason {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "it has expired, or the clock of this machine is wrong".to_owned()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "it is not valid yet, or the clock of this machine is wrong".to_owned()
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            format!("it is not for {}: check the address", url.host())
        }
        CertificateError::UnknownIssuer => {
            "unknown issuer: nobody who is trusted here has signed it. Give its authority as a root".to_owned()
        }
        CertificateError::BadSignature => {
            "its signature is not that of the authority it names, as far as that is trusted here".to_owned()
        }
        CertificateError::Revoked => "it has been revoked".to_owned(),
        CertificateError::Other(other) if format!("{other:?}").contains("CaUsedAsEndEntity") => {
            "it is that of an authority (CA:TRUE), and no server may show it as its own: make one with CA:FALSE"
                .to_owned()
        }
        _ => "it does not hold".to_owned(),
    }
}
