//! Action Message Format 0, the encoding of RTMP commands and of FLV script data.
//!
//! [`Reader`] turns the bytes of one message into [`Value`]s, [`Value::write`] and the [`From`] conversions go the
//! other way. A value switched to AMF3 (marker 0x11, the `amf3` module) is read into the same [`Value`]; AMF3 is
//! never written, because no server requires it.
//!
//! What a peer sends is bounded before memory is reserved for it: [`MAX_DEPTH`] levels, and [`MAX_COST`] values
//! per message. Text that is not UTF-8 (encoders that write titles in a local character set) is kept with
//! replacement characters, since a title is no reason to lose a stream.
//!
//! ```
//! use bytes::BytesMut;
//! use live_transport::amf0::{Reader, Value};
//!
//! let mut message = BytesMut::new();
//! Value::from("onStatus").write(&mut message);
//! Value::object([("level", "status".into()), ("code", "NetStream.Publish.Start".into())]).write(&mut message);
//!
//! let mut reader = Reader::new(&message);
//! assert_eq!(reader.read()?.as_str(), Some("onStatus"));
//! assert_eq!(reader.read()?.get("level").and_then(Value::as_str), Some("status"));
//! assert!(reader.is_at_end());
//! # Ok::<(), live_transport::amf0::Error>(())
//! ```

mod amf3;
mod cursor;
mod error;
mod read;
mod write;

pub use cursor::MAX_COST;
pub use error::{Error, ErrorKind};
pub use read::{MAX_DEPTH, Reader, read_all};

/// The type markers (AMF0 section 2.1).
mod marker {
    pub(super) const NUMBER: u8 = 0x00;
    pub(super) const BOOLEAN: u8 = 0x01;
    pub(super) const STRING: u8 = 0x02;
    pub(super) const OBJECT: u8 = 0x03;
    pub(super) const NULL: u8 = 0x05;
    pub(super) const UNDEFINED: u8 = 0x06;
    pub(super) const REFERENCE: u8 = 0x07;
    pub(super) const ECMA_ARRAY: u8 = 0x08;
    pub(super) const OBJECT_END: u8 = 0x09;
    pub(super) const STRICT_ARRAY: u8 = 0x0A;
    pub(super) const DATE: u8 = 0x0B;
    pub(super) const LONG_STRING: u8 = 0x0C;
    pub(super) const UNSUPPORTED: u8 = 0x0D;
    pub(super) const XML_DOCUMENT: u8 = 0x0F;
    pub(super) const TYPED_OBJECT: u8 = 0x10;
    pub(super) const AVMPLUS: u8 = 0x11;
}

/// The named members of an object, in the order of the wire.
pub type Members = Vec<(String, Value)>;

/// One AMF0 value.
///
/// Long strings are [`String`](Self::String)s, references have been replaced by a copy of what they refer to.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A double, NaN and the infinities included.
    Number(f64),
    /// True or false.
    Boolean(bool),
    /// Text of any length.
    String(String),
    /// An anonymous object.
    Object(Members),
    /// An object of a registered class.
    TypedObject {
        /// The name of its class.
        class: String,
        /// Its members.
        members: Members,
    },
    /// Nothing.
    Null,
    /// Not even nothing.
    Undefined,
    /// An array with names for indices. Its count on the wire is advisory and not kept.
    EcmaArray(Members),
    /// An array in order.
    StrictArray(Vec<Value>),
    /// A moment.
    Date {
        /// Milliseconds since 1970-01-01 00:00 UTC.
        millis: f64,
        /// The sender's time zone in minutes; reserved, 0 in practice.
        zone: i16,
    },
    /// XML, as text.
    XmlDocument(String),
    /// Something the sender could not serialise, or AMF3 bytes, which have no AMF0 form.
    Unsupported,
}

impl Value {
    /// An anonymous object of `members`.
    pub fn object<N: Into<String>>(members: impl IntoIterator<Item = (N, Self)>) -> Self {
        Self::Object(named(members))
    }

    /// An ECMA array of `members`.
    pub fn ecma_array<N: Into<String>>(members: impl IntoIterator<Item = (N, Self)>) -> Self {
        Self::EcmaArray(named(members))
    }

    /// The named members of an object of any kind; none for other values.
    #[must_use]
    pub fn members(&self) -> &[(String, Self)] {
        match self {
            Self::Object(members) | Self::EcmaArray(members) | Self::TypedObject { members, .. } => members,
            _ => &[],
        }
    }

    /// The member called `name`; the last one, where a sender repeats itself.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Self> {
        self.members().iter().rev().find(|(member, _)| member == name).map(|(_, value)| value)
    }

    /// The text of a string or XML document.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) | Self::XmlDocument(text) => Some(text),
            _ => None,
        }
    }

    /// The number. Text is not parsed and a date is not a number.
    #[must_use]
    pub const fn as_number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// The truth value. Numbers are not converted.
    #[must_use]
    pub const fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Boolean(truth) => Some(*truth),
            _ => None,
        }
    }

    /// The elements of a strict array.
    #[must_use]
    pub fn as_array(&self) -> Option<&[Self]> {
        match self {
            Self::StrictArray(elements) => Some(elements),
            _ => None,
        }
    }

    /// Whether this is null or undefined, which peers use interchangeably for "none".
    #[must_use]
    pub const fn is_null(&self) -> bool {
        matches!(self, Self::Null | Self::Undefined)
    }
}

fn named<N: Into<String>>(members: impl IntoIterator<Item = (N, Value)>) -> Members {
    members.into_iter().map(|(name, value)| (name.into(), value)).collect()
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Self::Number(f64::from(number))
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Self::Boolean(truth)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::String(text)
    }
}
