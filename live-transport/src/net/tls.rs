//! TLS for RTMPS and HTTPS: whose certificates are trusted, and what a failed handshake means.

mod failure;
mod insecure;

use live_core::{StreamUrl, TransportError, TransportErrorKind};
use rustls_platform_verifier::Verifier;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::client::WebPkiServerVerifier;
use tokio_rustls::rustls::client::danger::ServerCertVerifier;
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{self, ClientConfig, RootCertStore};

/// Bytes that wait inside the TLS session for a socket that takes nothing: one record.
const MAX_HELD: usize = 16 * 1024;

/// Whose certificates are trusted: by default those that the operating system trusts, and only for the host that the
/// address names.
///
/// TLS 1.2 and 1.3 (RFC 5246, RFC 8446). Clones share what was read from the system.
#[derive(Clone, Default)]
pub struct Tls {
    trust: Trust,
    /// Made for the first connection.
    config: Arc<OnceLock<Arc<ClientConfig>>>,
}

#[derive(Clone, Default)]
enum Trust {
    #[default]
    System,
    Roots(Arc<RootCertStore>),
    Anybody,
}

/// Why roots cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RootsError {
    /// The file cannot be read.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// There is no certificate in it, or one that is damaged.
    #[error("expected certificates in PEM form, -----BEGIN CERTIFICATE-----{0}")]
    Pem(String),
}

impl Tls {
    /// Trusts the authorities in `pem` and nobody else: one certificate or several, in PEM form.
    ///
    /// # Errors
    /// There is no certificate in it, or one that is damaged.
    pub fn with_roots_pem(pem: &[u8]) -> Result<Self, RootsError> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let damaged = |error: &dyn fmt::Display| RootsError::Pem(format!(": {error}"));
            let certificate = certificate.map_err(|error| damaged(&error))?;
            roots.add(certificate).map_err(|error| damaged(&error))?;
        }
        if roots.is_empty() {
            return Err(RootsError::Pem(String::new()));
        }
        Ok(Self { trust: Trust::Roots(Arc::new(roots)), ..Self::default() })
    }

    /// As [`with_roots_pem`](Self::with_roots_pem), from a file, which is read now.
    ///
    /// # Errors
    /// Also when the file cannot be read.
    pub fn with_roots_file(path: &Path) -> Result<Self, RootsError> {
        let pem = std::fs::read(path).map_err(|source| RootsError::File { path: path.to_owned(), source })?;
        Self::with_roots_pem(&pem)
    }

    /// Trusts anybody: every certificate is taken, for any name and from any time. Whoever is on the way can then read
    /// and change the stream; every connection writes a warning into the log. For tests.
    #[must_use]
    pub fn insecure() -> Self {
        Self { trust: Trust::Anybody, ..Self::default() }
    }

    /// Whether certificates are not verified.
    #[must_use]
    pub fn is_insecure(&self) -> bool {
        matches!(self.trust, Trust::Anybody)
    }

    /// Shakes hands over `stream` with the host of `url`. The caller sets the deadline.
    pub(super) async fn wrap(
        &self,
        stream: TcpStream,
        url: &StreamUrl,
    ) -> Result<TlsStream<TcpStream>, TransportError> {
        if self.is_insecure() {
            tracing::warn!(
                peer = %url.peer(),
                "TLS CERTIFICATES ARE NOT VERIFIED: anybody on the way can read and change this stream"
            );
        }
        let name = ServerName::try_from(url.host().to_owned()).map_err(|_| {
            let text = "no certificate can be for a host of this name";
            TransportError::new(TransportErrorKind::Address, url.peer(), text).permanent()
        })?;
        let config = self.config().map_err(|error| failure::of_setup(url, error))?;
        let shaken = TlsConnector::from(config).connect(name, stream).await;
        let mut stream = shaken.map_err(|error| failure::of_handshake(url, error))?;
        // What waits here, the packet queue does not see.
        stream.get_mut().1.set_buffer_limit(Some(MAX_HELD));
        Ok(stream)
    }

    fn config(&self) -> Result<Arc<ClientConfig>, rustls::Error> {
        if let Some(config) = self.config.get() {
            return Ok(Arc::clone(config));
        }
        let provider = Arc::new(ring::default_provider());
        let verifier = self.verifier(&provider)?;
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_no_client_auth();
        Ok(Arc::clone(self.config.get_or_init(|| Arc::new(config))))
    }

    fn verifier(&self, provider: &Arc<CryptoProvider>) -> Result<Arc<dyn ServerCertVerifier>, rustls::Error> {
        let provider = Arc::clone(provider);
        Ok(match &self.trust {
            Trust::System => Arc::new(Verifier::new(provider)?),
            Trust::Roots(roots) => {
                let verifier = WebPkiServerVerifier::builder_with_provider(Arc::clone(roots), provider);
                verifier.build().map_err(|error| rustls::Error::General(error.to_string()))?
            }
            Trust::Anybody => Arc::new(insecure::TrustAnybody(provider)),
        })
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.trust {
            Trust::System => f.write_str("Tls(system)"),
            Trust::Roots(roots) => write!(f, "Tls({} roots)", roots.len()),
            Trust::Anybody => f.write_str("Tls(INSECURE)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots_that_are_none_are_refused_with_what_is_expected() {
        let problem = |pem: &str| Tls::with_roots_pem(pem.as_bytes()).unwrap_err().to_string();
        assert!(problem("").contains("PEM"));
        assert!(problem("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n").contains("PEM"));
        assert!(problem("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").contains("PEM"));
        let missing = Tls::with_roots_file(Path::new("/no/such/file.pem")).unwrap_err().to_string();
        assert!(missing.starts_with("/no/such/file.pem: "), "{missing}");
    }

    #[test]
    fn an_authority_is_a_root() {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut parameters = rcgen::CertificateParams::new(vec![]).unwrap();
        parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let pem = parameters.self_signed(&key).unwrap().pem();
        assert_eq!(format!("{:?}", Tls::with_roots_pem(pem.as_bytes()).unwrap()), "Tls(1 roots)");
        assert!(Tls::insecure().is_insecure() && !Tls::default().is_insecure());
    }
}
