//! Asking a proxy for a way to the server.

use super::{Protocol, Proxy};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use live_core::{StreamUrl, TransportError, TransportErrorKind};
use std::io;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio_socks::tcp::Socks5Stream;

/// The longest head of a proxy's answer.
const MAX_HEAD: usize = 16 * 1024;

/// Why a proxy gives no way.
struct Refusal {
    text: String,
    /// It will say the same next time.
    permanent: bool,
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        let text = match error.kind() {
            io::ErrorKind::UnexpectedEof => "it closed the connection".to_owned(),
            _ => error.to_string(),
        };
        Self { text, permanent: false }
    }
}

impl Proxy {
    /// Makes `stream`, a connection to this proxy, one to the host and port of `url`. The caller sets the deadline.
    pub(crate) async fn tunnel<S>(&self, stream: S, url: &StreamUrl) -> Result<S, TransportError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let opened = match self.protocol {
            Protocol::Http => self.connect(stream, url).await,
            Protocol::Socks5 => self.socks(stream, url).await,
        };
        opened.map_err(|Refusal { text, permanent }| {
            let text = format!("the proxy {self} gives no way there: {text}");
            let error = TransportError::new(TransportErrorKind::Connect, url.peer(), text);
            if permanent { error.permanent() } else { error }
        })
    }

    async fn connect<S>(&self, mut stream: S, url: &StreamUrl) -> Result<S, Refusal>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let peer = url.peer();
        let mut request = format!("CONNECT {peer} HTTP/1.1\r\nHost: {peer}\r\n");
        if let Some((user, password)) = self.credentials() {
            let credentials = BASE64.encode(format!("{user}:{password}"));
            request += &format!("Proxy-Authorization: Basic {credentials}\r\n");
        }
        request += "\r\n";
        stream.write_all(request.as_bytes()).await?;
        stream.flush().await?;
        let mut head = Vec::new();
        // Byte by byte: what follows the head belongs to the tunnel.
        while !head.ends_with(b"\r\n\r\n") {
            if head.len() == MAX_HEAD {
                return Err(Refusal { text: "its answer does not end".to_owned(), permanent: false });
            }
            head.push(stream.read_u8().await?);
        }
        match status(&head) {
            Some(200..300) => Ok(stream),
            Some(407) if self.credentials().is_some() => Err(Refusal {
                text: "it does not accept the user and password (407)".to_owned(),
                permanent: true,
            }),
            Some(407) => {
                Err(Refusal { text: "it wants a user and a password (407)".to_owned(), permanent: true })
            }
            Some(status @ (403 | 405)) => {
                Err(Refusal { text: format!("it does not allow this ({status})"), permanent: true })
            }
            Some(status) => Err(Refusal { text: format!("it answered {status}"), permanent: false }),
            None => Err(Refusal { text: "its answer is not HTTP".to_owned(), permanent: false }),
        }
    }

    async fn socks<S>(&self, stream: S, url: &StreamUrl) -> Result<S, Refusal>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        use tokio_socks::Error;
        let target = (url.host(), url.port());
        let opened = match self.credentials() {
            None => Socks5Stream::connect_with_socket(stream, target).await,
            Some((user, password)) => {
                Socks5Stream::connect_with_password_and_socket(stream, target, user, password).await
            }
        };
        opened.map(Socks5Stream::into_inner).map_err(|error| match error {
            Error::Io(error) => error.into(),
            Error::PasswordAuthFailure(_) => {
                Refusal { text: "it does not accept the user and password".to_owned(), permanent: true }
            }
            Error::NoAcceptableAuthMethods if self.credentials().is_none() => {
                Refusal { text: "it wants a user and a password".to_owned(), permanent: true }
            }
            Error::ConnectionNotAllowedByRuleset => {
                Refusal { text: "it does not allow this".to_owned(), permanent: true }
            }
            error => Refusal { text: error.to_string(), permanent: false },
        })
    }
}

/// The status of an answer (RFC 9112 section 4).
fn status(head: &[u8]) -> Option<u16> {
    let rest = head.strip_prefix(b"HTTP/1.")?;
    let digits = rest.get(1..5)?.strip_prefix(b" ")?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_status_is_three_digits_behind_the_version() {
        assert_eq!(status(b"HTTP/1.1 200 OK\r\n\r\n"), Some(200));
        assert_eq!(status(b"HTTP/1.0 407\r\n\r\n"), Some(407));
        for head in
            [&b"HTTP/2 200 OK\r\n\r\n"[..], b"SSH-2.0-x\r\n\r\n", b"HTTP/1.1 x\r\n\r\n", b"HTTP/1.", b""]
        {
            assert_eq!(status(head), None);
        }
    }

    proptest! {
        #[test]
        fn arbitrary_answers_never_panic(head in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = status(&head);
            let _ = status(&[b"HTTP/1.1 ", &head[..]].concat());
        }
    }
}
