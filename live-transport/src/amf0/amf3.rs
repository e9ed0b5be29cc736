//! Action Message Format 3, read into AMF0 [`Value`]s: what Flash-era peers send after the marker 0x11.
//!
//! Integers become numbers, arrays with named elements become ECMA arrays (dense elements under their index), byte
//! arrays become [`Value::Unsupported`]. Vectors and dictionaries are refused: no streaming peer sends them.

use super::cursor::Cursor;
use super::{Error, ErrorKind, MAX_DEPTH, Members, Value};
use std::ops::Range;
use std::rc::Rc;

/// The type markers (AMF3 section 3.1).
mod marker {
    pub(super) const UNDEFINED: u8 = 0x00;
    pub(super) const NULL: u8 = 0x01;
    pub(super) const FALSE: u8 = 0x02;
    pub(super) const TRUE: u8 = 0x03;
    pub(super) const INTEGER: u8 = 0x04;
    pub(super) const DOUBLE: u8 = 0x05;
    pub(super) const STRING: u8 = 0x06;
    pub(super) const XML_DOCUMENT: u8 = 0x07;
    pub(super) const DATE: u8 = 0x08;
    pub(super) const ARRAY: u8 = 0x09;
    pub(super) const OBJECT: u8 = 0x0A;
    pub(super) const XML: u8 = 0x0B;
    pub(super) const BYTE_ARRAY: u8 = 0x0C;
}

/// Reads one AMF3 value, with tables of its own, from `cursor`. `depth` is how deep it lies in its message.
pub(super) fn read(cursor: &mut Cursor<'_>, depth: usize) -> Result<Value, Error> {
    Reader { cursor, strings: Vec::new(), objects: Vec::new(), traits: Vec::new(), replaying: false }
        .value(depth)
}

/// The shape of objects of one class (AMF3 section 3.12).
struct Traits {
    class: Range<usize>,
    dynamic: bool,
    sealed: Vec<Range<usize>>,
}

/// Something in the object table: where its value starts, marker included, and whether it has ended.
struct Referable {
    start: usize,
    complete: bool,
}

/// The tables hold places in the message instead of copies; the cursor charges for each copy that is made.
struct Reader<'c, 'a> {
    cursor: &'c mut Cursor<'a>,
    strings: Vec<Range<usize>>,
    objects: Vec<Referable>,
    traits: Vec<Rc<Traits>>,
    /// A reference is being followed: the tables know what is read already.
    replaying: bool,
}

impl Reader<'_, '_> {
    fn value(&mut self, depth: usize) -> Result<Value, Error> {
        let start = self.cursor.at;
        if depth > MAX_DEPTH {
            return Err(self.cursor.error(ErrorKind::TooDeep));
        }
        self.cursor.charge()?;
        match self.cursor.u8()? {
            marker::UNDEFINED => Ok(Value::Undefined),
            marker::NULL => Ok(Value::Null),
            marker::FALSE => Ok(Value::Boolean(false)),
            marker::TRUE => Ok(Value::Boolean(true)),
            marker::INTEGER => Ok(Value::Number(f64::from(sign_extend(self.u29()?)))),
            marker::DOUBLE => Ok(Value::Number(self.cursor.f64()?)),
            marker::STRING => {
                let place = self.string()?;
                Ok(Value::String(self.text(place)?))
            }
            marker::XML_DOCUMENT | marker::XML => self.object(start, depth, |reader, len, _| {
                Ok(Value::XmlDocument(reader.cursor.text(len as usize)?))
            }),
            marker::DATE => self.object(start, depth, |reader, _, _| {
                Ok(Value::Date { millis: reader.cursor.f64()?, zone: 0 })
            }),
            marker::BYTE_ARRAY => self.object(start, depth, |reader, len, _| {
                reader.cursor.take(len as usize)?;
                Ok(Value::Unsupported)
            }),
            marker::ARRAY => self.object(start, depth, Self::array),
            marker::OBJECT => self.object(start, depth, Self::anonymous_or_typed),
            other => Err(Error { kind: ErrorKind::UnknownMarker(other), offset: start }),
        }
    }

    /// An integer of 29 bits in one to four bytes; the fourth has eight bits of its own (AMF3 section 1.3.1).
    fn u29(&mut self) -> Result<u32, Error> {
        let mut number = 0;
        for _ in 0..3 {
            let byte = u32::from(self.cursor.u8()?);
            number = number << 7 | byte & 0x7F;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Ok(number << 8 | u32::from(self.cursor.u8()?))
    }

    /// Reads something that is kept in the object table: either a reference to an earlier one, or the thing itself
    /// by `read`, which is given the header without its lowest bit, and the depth.
    fn object(
        &mut self,
        start: usize,
        depth: usize,
        read: impl FnOnce(&mut Self, u32, usize) -> Result<Value, Error>,
    ) -> Result<Value, Error> {
        let header = self.u29()?;
        if header & 1 == 0 {
            return self.reference(header >> 1, depth);
        }
        if self.replaying {
            return read(self, header >> 1, depth);
        }
        let index = self.objects.len();
        self.objects.push(Referable { start, complete: false });
        let value = read(self, header >> 1, depth)?;
        self.objects[index].complete = true;
        Ok(value)
    }

    fn reference(&mut self, index: u32, depth: usize) -> Result<Value, Error> {
        let referable = self.objects.get(index as usize).filter(|referable| referable.complete);
        let start = referable.ok_or_else(|| self.cursor.error(ErrorKind::BadReference(index)))?.start;
        let resume = std::mem::replace(&mut self.cursor.at, start);
        let outer = std::mem::replace(&mut self.replaying, true);
        let value = self.value(depth + 1)?;
        self.cursor.at = resume;
        self.replaying = outer;
        Ok(value)
    }

    /// Where the next string lies: here, or where the string table says. The empty string is never in the table.
    fn string(&mut self) -> Result<Range<usize>, Error> {
        let header = self.u29()?;
        let index = header >> 1;
        if header & 1 == 0 {
            let known = self.strings.get(index as usize).cloned();
            return known.ok_or_else(|| self.cursor.error(ErrorKind::BadReference(index)));
        }
        let start = self.cursor.at;
        self.cursor.take(index as usize)?;
        let place = start..self.cursor.at;
        if !place.is_empty() && !self.replaying {
            self.strings.push(place.clone());
        }
        Ok(place)
    }

    fn text(&mut self, place: Range<usize>) -> Result<String, Error> {
        let resume = std::mem::replace(&mut self.cursor.at, place.start);
        let text = self.cursor.text(place.len())?;
        self.cursor.at = resume;
        Ok(text)
    }

    fn array(&mut self, dense: u32, depth: usize) -> Result<Value, Error> {
        let mut members = self.named_members(depth)?;
        if dense as usize > self.cursor.remaining() {
            return Err(self.cursor.error(ErrorKind::UnexpectedEnd));
        }
        if members.is_empty() {
            let elements = (0..dense).map(|_| self.value(depth + 1)).collect::<Result<_, _>>()?;
            return Ok(Value::StrictArray(elements));
        }
        for index in 0..dense {
            members.push((index.to_string(), self.value(depth + 1)?));
        }
        Ok(Value::EcmaArray(members))
    }

    /// Pairs of name and value up to the empty name.
    fn named_members(&mut self, depth: usize) -> Result<Members, Error> {
        let mut members = Members::new();
        loop {
            let name = self.string()?;
            if name.is_empty() {
                return Ok(members);
            }
            members.push((self.text(name)?, self.value(depth + 1)?));
        }
    }

    fn anonymous_or_typed(&mut self, header: u32, depth: usize) -> Result<Value, Error> {
        let traits = self.traits(header)?;
        let mut members = Members::new();
        for name in &traits.sealed {
            members.push((self.text(name.clone())?, self.value(depth + 1)?));
        }
        if traits.dynamic {
            members.append(&mut self.named_members(depth)?);
        }
        if traits.class.is_empty() {
            return Ok(Value::Object(members));
        }
        Ok(Value::TypedObject { class: self.text(traits.class.clone())?, members })
    }

    /// The traits of an object: from the table, or here. `header` has lost its lowest bit.
    fn traits(&mut self, header: u32) -> Result<Rc<Traits>, Error> {
        if header & 0b1 == 0 {
            let index = header >> 1;
            let known = self.traits.get(index as usize).cloned();
            return known.ok_or_else(|| self.cursor.error(ErrorKind::BadReference(index)));
        }
        if header & 0b10 != 0 {
            return Err(self.cursor.error(ErrorKind::Externalizable));
        }
        let class = self.string()?;
        let mut sealed = Vec::new();
        for _ in 0..header >> 3 {
            self.cursor.charge()?;
            sealed.push(self.string()?);
        }
        let traits = Rc::new(Traits { class, dynamic: header & 0b100 != 0, sealed });
        if !self.replaying {
            self.traits.push(Rc::clone(&traits));
        }
        Ok(traits)
    }
}

/// The signed integer in 29 bits.
const fn sign_extend(number: u32) -> i32 {
    (number << 3).cast_signed() >> 3
}
