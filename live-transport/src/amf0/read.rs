//! AMF0 from bytes.

use super::cursor::Cursor;
use super::{Error, ErrorKind, Members, Value, amf3, marker};

/// How deep objects may lie within each other; the limit also bounds the reader's own recursion.
pub const MAX_DEPTH: usize = 32;

/// An object that later values may refer to, by where it starts. It cannot be referred to from its own inside,
/// because a [`Value`] owns its members.
#[derive(Clone, Copy, Debug)]
struct Referable {
    start: usize,
    complete: bool,
}

/// Reads the values of one message in turn.
///
/// References reach back to the beginning of the message, so one reader reads the whole of it. After an error the
/// rest of the message cannot be read.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    cursor: Cursor<'a>,
    referables: Vec<Referable>,
    /// A reference is being followed: what is read has been registered before.
    replaying: bool,
}

/// All values of `message`.
///
/// # Errors
/// The first [`Error`] in it.
pub fn read_all(message: &[u8]) -> Result<Vec<Value>, Error> {
    let mut reader = Reader::new(message);
    let mut values = Vec::new();
    while !reader.is_at_end() {
        values.push(reader.read()?);
    }
    Ok(values)
}

impl<'a> Reader<'a> {
    /// A reader at the start of `message`.
    #[must_use]
    pub const fn new(message: &'a [u8]) -> Self {
        Self { cursor: Cursor::new(message), referables: Vec::new(), replaying: false }
    }

    /// Whether every value has been read.
    #[must_use]
    pub const fn is_at_end(&self) -> bool {
        self.cursor.is_at_end()
    }

    /// Bytes read so far.
    #[must_use]
    pub const fn position(&self) -> usize {
        self.cursor.at
    }

    /// The next value.
    ///
    /// # Errors
    /// When the message ends before the value does, or the value breaks a rule or a limit.
    pub fn read(&mut self) -> Result<Value, Error> {
        self.value(0)
    }

    fn value(&mut self, depth: usize) -> Result<Value, Error> {
        let start = self.cursor.at;
        if depth > MAX_DEPTH {
            return Err(self.cursor.error(ErrorKind::TooDeep));
        }
        self.cursor.charge()?;
        Ok(match self.cursor.u8()? {
            marker::NUMBER => Value::Number(self.cursor.f64()?),
            marker::BOOLEAN => Value::Boolean(self.cursor.u8()? != 0),
            marker::STRING => Value::String(self.short_text()?),
            marker::LONG_STRING => Value::String(self.long_text()?),
            marker::XML_DOCUMENT => Value::XmlDocument(self.long_text()?),
            marker::NULL => Value::Null,
            marker::UNDEFINED => Value::Undefined,
            marker::UNSUPPORTED => Value::Unsupported,
            marker::DATE => {
                Value::Date { millis: self.cursor.f64()?, zone: self.cursor.u16()?.cast_signed() }
            }
            marker::OBJECT => Value::Object(self.referable(start, |reader| reader.members(depth))?),
            marker::TYPED_OBJECT => self.referable(start, |reader| {
                Ok(Value::TypedObject { class: reader.short_text()?, members: reader.members(depth)? })
            })?,
            marker::ECMA_ARRAY => Value::EcmaArray(self.referable(start, |reader| reader.ecma_array(depth))?),
            marker::STRICT_ARRAY => {
                Value::StrictArray(self.referable(start, |reader| reader.strict_array(depth))?)
            }
            marker::REFERENCE => self.reference(depth)?,
            marker::AVMPLUS => amf3::read(&mut self.cursor, depth)?,
            other => return Err(Error { kind: ErrorKind::UnknownMarker(other), offset: start }),
        })
    }

    fn short_text(&mut self) -> Result<String, Error> {
        let len = self.cursor.u16()?;
        self.cursor.text(usize::from(len))
    }

    fn long_text(&mut self) -> Result<String, Error> {
        let len = self.cursor.u32()?;
        self.cursor.text(len as usize)
    }

    /// Reads an object that starts at `start` with `read`, and makes it available to references.
    fn referable<T>(
        &mut self,
        start: usize,
        read: impl FnOnce(&mut Self) -> Result<T, Error>,
    ) -> Result<T, Error> {
        if self.replaying {
            return read(self);
        }
        let index = self.referables.len();
        self.referables.push(Referable { start, complete: false });
        let object = read(self)?;
        self.referables[index].complete = true;
        Ok(object)
    }

    /// Reads the object referred to once more. That costs nothing while there are no references, unlike a table of
    /// copies, and the cursor charges for every copy.
    fn reference(&mut self, depth: usize) -> Result<Value, Error> {
        let index = self.cursor.u16()?;
        let referable = self.referables.get(usize::from(index)).filter(|referable| referable.complete);
        let start =
            referable.ok_or_else(|| self.cursor.error(ErrorKind::BadReference(u32::from(index))))?.start;
        let resume = std::mem::replace(&mut self.cursor.at, start);
        let outer = std::mem::replace(&mut self.replaying, true);
        let value = self.value(depth + 1)?;
        self.cursor.at = resume;
        self.replaying = outer;
        Ok(value)
    }

    /// Members up to and including the end marker.
    fn members(&mut self, depth: usize) -> Result<Members, Error> {
        let mut members = Members::new();
        while let Some(member) = self.member(depth)? {
            members.push(member);
        }
        Ok(members)
    }

    /// The next member; `None` when it is the end marker instead.
    fn member(&mut self, depth: usize) -> Result<Option<(String, Value)>, Error> {
        let name = self.short_text()?;
        if name.is_empty() && self.cursor.peek() == Some(marker::OBJECT_END) {
            self.cursor.u8()?;
            return Ok(None);
        }
        Ok(Some((name, self.value(depth + 1)?)))
    }

    /// As [`members`](Self::members), after a count that says nothing reliable. Some muxers leave out the end marker
    /// when the array is the last thing in the message.
    fn ecma_array(&mut self, depth: usize) -> Result<Members, Error> {
        self.cursor.u32()?;
        let mut members = Members::new();
        while !self.cursor.is_at_end() {
            let Some(member) = self.member(depth)? else { break };
            members.push(member);
        }
        Ok(members)
    }

    fn strict_array(&mut self, depth: usize) -> Result<Vec<Value>, Error> {
        let count = self.cursor.u32()? as usize;
        // The smallest element is a bare marker: a count beyond the bytes that are left cannot be true.
        if count > self.cursor.remaining() {
            return Err(self.cursor.error(ErrorKind::UnexpectedEnd));
        }
        let mut elements = Vec::new();
        for _ in 0..count {
            elements.push(self.value(depth + 1)?);
        }
        Ok(elements)
    }
}
