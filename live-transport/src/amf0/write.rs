//! AMF0 to bytes.

use super::{Members, Value, marker};
use bytes::{BufMut, BytesMut};

impl Value {
    /// Appends this value to a message.
    ///
    /// Names of members are cut to 65 535 bytes and text to 4 GiB − 1, which is what the format can say.
    pub fn write(&self, out: &mut BytesMut) {
        match self {
            Self::Number(number) => {
                out.put_u8(marker::NUMBER);
                out.put_f64(*number);
            }
            Self::Boolean(truth) => {
                out.put_u8(marker::BOOLEAN);
                out.put_u8(u8::from(*truth));
            }
            Self::String(text) => write_text(text, out),
            Self::Object(members) => {
                out.put_u8(marker::OBJECT);
                write_members(members, out);
            }
            Self::TypedObject { class, members } => {
                out.put_u8(marker::TYPED_OBJECT);
                write_name(class, out);
                write_members(members, out);
            }
            Self::Null => out.put_u8(marker::NULL),
            Self::Undefined => out.put_u8(marker::UNDEFINED),
            Self::EcmaArray(members) => {
                out.put_u8(marker::ECMA_ARRAY);
                out.put_u32(wire_count(members.len()));
                write_members(members, out);
            }
            Self::StrictArray(elements) => {
                out.put_u8(marker::STRICT_ARRAY);
                out.put_u32(wire_count(elements.len()));
                elements.iter().for_each(|element| element.write(out));
            }
            Self::Date { millis, zone } => {
                out.put_u8(marker::DATE);
                out.put_f64(*millis);
                out.put_i16(*zone);
            }
            Self::XmlDocument(text) => {
                out.put_u8(marker::XML_DOCUMENT);
                write_long(text, out);
            }
            Self::Unsupported => out.put_u8(marker::UNSUPPORTED),
        }
    }
}

fn write_text(text: &str, out: &mut BytesMut) {
    if let Ok(len) = u16::try_from(text.len()) {
        out.put_u8(marker::STRING);
        out.put_u16(len);
        out.put_slice(text.as_bytes());
    } else {
        out.put_u8(marker::LONG_STRING);
        write_long(text, out);
    }
}

fn write_long(text: &str, out: &mut BytesMut) {
    let text = cut(text, u32::MAX as usize);
    out.put_u32(wire_count(text.len()));
    out.put_slice(text.as_bytes());
}

fn write_name(name: &str, out: &mut BytesMut) {
    let name = cut(name, usize::from(u16::MAX));
    out.put_u16(u16::try_from(name.len()).unwrap_or(u16::MAX));
    out.put_slice(name.as_bytes());
}

fn write_members(members: &Members, out: &mut BytesMut) {
    for (name, value) in members {
        write_name(name, out);
        value.write(out);
    }
    write_name("", out);
    out.put_u8(marker::OBJECT_END);
}

/// As much of `text` as fits into `max` bytes without splitting a character.
fn cut(text: &str, max: usize) -> &str {
    &text[..text.floor_char_boundary(max)]
}

/// A count as the wire has it. Nothing in memory exceeds it: 4 Gi values take over 100 GiB.
fn wire_count(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
