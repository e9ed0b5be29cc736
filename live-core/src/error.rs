//! Errors of the seams: a kind for programs, a place for people, and the cause.

use crate::time::Timestamp;
use std::error::Error as StdError;
use std::fmt;

/// The cause underneath an error of a backend.
pub type Source = Box<dyn StdError + Send + Sync + 'static>;

/// Prints `: cause` for every link of the chain below an error.
fn write_source(f: &mut fmt::Formatter<'_>, source: Option<&Source>) -> fmt::Result {
    source.map_or(Ok(()), |source| write!(f, ": {source}"))
}

/// What went wrong with a capture device or media input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CaptureErrorKind {
    /// There is no such device or file. Check the name, or list the devices.
    NotFound,
    /// Somebody else is using it. Close the other program.
    Busy,
    /// The operating system or the embedding application said no. Grant the permission.
    PermissionDenied,
    /// It does not do the size, rate or format that was asked for.
    UnsupportedFormat,
    /// It was there and went away.
    Disconnected,
    /// It is open but delivers nothing.
    Silent,
    /// Its size or rotation changed while it was captured, and capture could not follow.
    Reconfiguration,
    /// What it delivers cannot be read as media.
    Malformed,
    /// This platform or build cannot do it.
    Unsupported,
    /// Any other failure.
    Failed,
}

/// A capture device or media input failed.
#[derive(Debug)]
pub struct CaptureError {
    /// What went wrong.
    pub kind: CaptureErrorKind,
    /// The device or file, as the user named it.
    pub device: String,
    /// What was asked, what happened and what can be done, in a sentence without the device's name.
    pub message: String,
    /// The cause, where there is one.
    pub source: Option<Source>,
}

impl CaptureError {
    /// An error without a deeper cause.
    pub fn new(kind: CaptureErrorKind, device: impl Into<String>, message: impl Into<String>) -> Self {
        Self { kind, device: device.into(), message: message.into(), source: None }
    }

    /// The same error with its cause.
    #[must_use]
    pub fn because(mut self, source: impl Into<Source>) -> Self {
        self.source = Some(source.into());
        self
    }
}

impl fmt::Display for CaptureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.device, self.message)?;
        write_source(f, self.source.as_ref())
    }
}

impl StdError for CaptureError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

/// What went wrong in a codec.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CodecErrorKind {
    /// The backend cannot do what was asked: a format, a size, a change while running.
    Unsupported,
    /// The backend refused to open.
    Open,
    /// One frame or access unit failed; the codec goes on with the next.
    Frame,
    /// A picture that this one refers to is missing; decoding recovers at the next key frame.
    MissingReference,
    /// The codec is broken and has to be opened again.
    Fatal,
}

/// A codec failed.
#[derive(Debug)]
pub struct CodecError {
    /// What went wrong.
    pub kind: CodecErrorKind,
    /// The backend's name in the registry.
    pub backend: &'static str,
    /// The frame or access unit it happened at, where there is one.
    pub pts: Option<Timestamp>,
    /// What was asked and what happened, in a sentence without the backend's name.
    pub message: String,
    /// The cause, where there is one.
    pub source: Option<Source>,
}

impl CodecError {
    /// An error without a deeper cause and without a place in the stream.
    pub fn new(kind: CodecErrorKind, backend: &'static str, message: impl Into<String>) -> Self {
        Self { kind, backend, pts: None, message: message.into(), source: None }
    }

    /// The same error at a place in the stream.
    #[must_use]
    pub fn at(mut self, pts: Timestamp) -> Self {
        self.pts = Some(pts);
        self
    }

    /// The same error with its cause.
    #[must_use]
    pub fn because(mut self, source: impl Into<Source>) -> Self {
        self.source = Some(source.into());
        self
    }
}

impl fmt::Display for CodecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.backend, self.message)?;
        if let Some(pts) = self.pts {
            write!(f, " (at {pts:?})")?;
        }
        write_source(f, self.source.as_ref())
    }
}

impl StdError for CodecError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

/// What went wrong on the way to, from or with the other end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TransportErrorKind {
    /// The address is not one this transport can use. Nothing was opened.
    Address,
    /// The host name did not resolve.
    Dns,
    /// No address of the host accepted a connection, or the proxy gave no way there.
    Connect,
    /// TCP stood, and TLS failed: the server's certificate does not hold (permanent), or it does not speak TLS.
    Tls,
    /// The byte handshake failed, or a step of the opening dialogue was not answered in time.
    Handshake,
    /// The server refused the connection, the stream name or the right to publish or play, for a reason it did not
    /// make clear.
    Refused,
    /// The server refused the user, the password or the token, or asks for them. Permanent.
    Unauthorized,
    /// The server says that the token in the address has expired. Permanent for this address; another try needs a fresh
    /// one.
    Expired,
    /// The stream name is being published by somebody else.
    NameInUse,
    /// The server answered with an HTTP status other than 200.
    HttpStatus(u16),
    /// The server closed a stream that was open.
    Closed,
    /// Reading or writing an open stream failed, or the peer fell silent.
    Io,
    /// What came is not the protocol or format it should be.
    Malformed,
    /// A local file could not be opened, read or written.
    File,
}

/// A connection, server or media file failed.
#[derive(Debug)]
pub struct TransportError {
    /// What went wrong.
    pub kind: TransportErrorKind,
    /// The other end: `host:port`, or a file name. Never a stream key or token.
    pub peer: String,
    /// What was asked, what happened and what can be done, in a sentence without the peer's name.
    pub message: String,
    /// Trying again cannot help: a refused name, an expired token, a bad address.
    pub permanent: bool,
    /// The cause, where there is one.
    pub source: Option<Source>,
}

impl TransportError {
    /// An error without a deeper cause, worth another try.
    pub fn new(kind: TransportErrorKind, peer: impl Into<String>, message: impl Into<String>) -> Self {
        Self { kind, peer: peer.into(), message: message.into(), permanent: false, source: None }
    }

    /// The same error, marked as one that another try cannot mend.
    #[must_use]
    pub fn permanent(mut self) -> Self {
        self.permanent = true;
        self
    }

    /// The same error with its cause.
    #[must_use]
    pub fn because(mut self, source: impl Into<Source>) -> Self {
        self.source = Some(source.into());
        self
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.peer, self.message)?;
        write_source(f, self.source.as_ref())
    }
}

impl StdError for TransportError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
