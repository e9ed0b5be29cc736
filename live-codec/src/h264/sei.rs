//! Supplemental enhancement information of one kind: user data that belongs to nobody's standard (ITU-T H.264 annex D,
//! `user_data_unregistered`, payload type 5).
//!
//! Decoders pass over it. A UUID says whose it is; [`MESSAGE`] and [`WALL_CLOCK`] are this project's.

use super::NalKind;
use super::avcc::nal_units;
use bytes::{BufMut, Bytes, BytesMut};

/// The UUID of application messages: the payload is the message.
pub const MESSAGE: [u8; 16] =
    [0x5b, 0x0c, 0x8e, 0x71, 0x2f, 0x6d, 0x4c, 0x3a, 0x9a, 0x44, 0xd1, 0x7b, 0x66, 0x02, 0xe5, 0x90];

/// The UUID of wall-clock stamps: the payload is the UNIX time in microseconds at which the picture was captured, eight
/// bytes, big-endian.
pub const WALL_CLOCK: [u8; 16] =
    [0xc4, 0x19, 0x37, 0xaa, 0x80, 0x1e, 0x4f, 0x52, 0xb3, 0x6d, 0x0f, 0x95, 0x2c, 0xd8, 0x47, 0x1b];

/// The most bytes of user data that are read from one message; longer ones are passed over.
pub const MOST_READ: usize = 16 * 1024;

/// The most messages that are read from one access unit.
pub const MOST_PER_UNIT: usize = 64;

const USER_DATA_UNREGISTERED: u32 = 5;
const HEADER: u8 = 6;

/// A piece of user data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserData {
    /// Whose it is.
    pub uuid: [u8; 16],
    /// What it says.
    pub data: Bytes,
}

/// Appends one NAL unit behind its length of `length_size` (1 to 4) bytes: an SEI message with this user data.
///
/// `false`, and nothing is appended, when the length does not fit.
#[must_use]
pub fn write(uuid: &[u8; 16], data: &[u8], length_size: usize, out: &mut BytesMut) -> bool {
    let length_size = length_size.clamp(1, 4);
    let place = out.len();
    out.put_bytes(0, length_size);
    out.put_u8(HEADER);
    let mut escape = Escape { zeros: 0, out };
    escape.put(USER_DATA_UNREGISTERED as u8);
    let mut size = uuid.len() + data.len();
    while size >= 255 {
        escape.put(255);
        size -= 255;
    }
    escape.put(size as u8);
    uuid.iter().chain(data).for_each(|byte| escape.put(*byte));
    // The stop bit, and bits up to the byte's end.
    escape.put(0x80);
    let length = (out.len() - place - length_size) as u64;
    if length >> (8 * length_size) != 0 {
        out.truncate(place);
        return false;
    }
    out[place..place + length_size].copy_from_slice(&length.to_be_bytes()[8 - length_size..]);
    true
}

/// Writes bytes so that no start code appears among them (7.4.1).
struct Escape<'a> {
    zeros: u32,
    out: &'a mut BytesMut,
}

impl Escape<'_> {
    fn put(&mut self, byte: u8) {
        if self.zeros >= 2 && byte <= 3 {
            self.out.put_u8(3);
            self.zeros = 0;
        }
        self.zeros = if byte == 0 { self.zeros + 1 } else { 0 };
        self.out.put_u8(byte);
    }
}

/// Where in an access unit with lengths of `length_size` bytes new SEI may stand: before its first slice, behind
/// delimiter and parameter sets. `None` when there is no slice, or the unit is damaged before it.
#[must_use]
pub fn place(unit: &[u8], length_size: usize) -> Option<usize> {
    for nal in nal_units(unit, length_size) {
        let nal = nal.ok()?;
        // Empty units are passed over by the iterator: the place is counted from the unit itself.
        let start = nal.as_ptr().addr() - unit.as_ptr().addr() - length_size;
        if matches!(NalKind::of(nal), Some(NalKind::Slice | NalKind::IdrSlice)) {
            return Some(start);
        }
    }
    None
}

/// The user data in an access unit with lengths of `length_size` bytes, in order. What is damaged is passed over.
#[must_use]
pub fn read(unit: &[u8], length_size: usize) -> Vec<UserData> {
    let mut found = Vec::new();
    for nal in nal_units(unit, length_size).map_while(Result::ok) {
        match NalKind::of(nal) {
            Some(NalKind::Sei) => read_messages(&nal[1..], &mut found),
            // SEI comes before the slices.
            Some(NalKind::Slice | NalKind::IdrSlice) => break,
            _ => {}
        }
    }
    found.truncate(MOST_PER_UNIT);
    found
}

/// Reads the messages of one SEI unit, behind its header.
fn read_messages(payload: &[u8], found: &mut Vec<UserData>) {
    let mut bytes = Unescape { rest: payload, zeros: 0 };
    while found.len() < MOST_PER_UNIT {
        let (Some(kind), Some(size)) = (bytes.number(), bytes.number()) else { return };
        let size = size as usize;
        // A damaged size is longer than what there is.
        if size > bytes.rest.len() {
            return;
        }
        if kind != USER_DATA_UNREGISTERED || !(16..=16 + MOST_READ).contains(&size) {
            if bytes.by_ref().take(size).count() < size {
                return;
            }
            continue;
        }
        let mut uuid = [0; 16];
        for byte in &mut uuid {
            let Some(next) = bytes.next() else { return };
            *byte = next;
        }
        let data: Vec<u8> = bytes.by_ref().take(size - 16).collect();
        if data.len() < size - 16 {
            return;
        }
        found.push(UserData { uuid, data: data.into() });
    }
}

/// Reads bytes without those that were put in to avoid start codes.
struct Unescape<'a> {
    rest: &'a [u8],
    zeros: u32,
}

impl Unescape<'_> {
    /// A number in the form of D.1: bytes of 255 and a last one. `None` at the end of the messages.
    fn number(&mut self) -> Option<u32> {
        // Only the trailing bits are left.
        if self.rest.len() <= 1 {
            return None;
        }
        let mut number = 0u32;
        loop {
            let byte = self.next()?;
            number = number.checked_add(byte.into())?;
            if byte != 255 {
                return Some(number);
            }
        }
    }
}

impl Iterator for Unescape<'_> {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        let (&first, rest) = self.rest.split_first()?;
        self.rest = rest;
        if self.zeros >= 2 && first == 3 {
            self.zeros = 0;
            return self.next();
        }
        self.zeros = if first == 0 { self.zeros + 1 } else { 0 };
        Some(first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::h264::annexb;
    use proptest::prelude::*;

    /// Bytes in which what has to be escaped is frequent.
    fn data() -> impl Strategy<Value = Vec<u8>> {
        prop::collection::vec(prop_oneof![4 => Just(0u8), 2 => 0..4u8, 1 => any::<u8>()], 0..700)
    }

    fn unit(messages: &[Vec<u8>]) -> BytesMut {
        let mut unit = BytesMut::new();
        assert!(messages.iter().all(|message| write(&MESSAGE, message, 4, &mut unit)));
        unit.extend([0, 0, 0, 2, 0x65, 0x88]);
        unit
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(messages in prop::collection::vec(data(), 0..5)) {
            let found = read(&unit(&messages), 4);
            prop_assert!(found.iter().all(|found| found.uuid == MESSAGE));
            let found: Vec<_> = found.iter().map(|found| found.data.to_vec()).collect();
            prop_assert_eq!(found, messages);
        }

        #[test]
        fn no_start_code_is_ever_written(message in data()) {
            let mut stream = Vec::new();
            annexb::write_length_prefixed(nal_units(&unit(std::slice::from_ref(&message)), 4), &mut stream).unwrap();
            prop_assert_eq!(annexb::nal_units(&stream).count(), 2);
        }

        #[test]
        fn damaged_messages_neither_panic_nor_grow(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let mut unit = BytesMut::new();
            unit.put_u32(bytes.len() as u32 + 1);
            unit.put_u8(HEADER);
            unit.extend(&bytes);
            let read: usize = read(&unit, 4).iter().map(|found| found.data.len()).sum();
            prop_assert!(read <= bytes.len());
            let _ = place(&bytes, 4);
        }
    }

    #[test]
    fn new_messages_stand_before_the_first_slice() {
        let mut unit = BytesMut::from(&[0, 0, 0, 2, 9, 0xf0][..]);
        assert!(write(&MESSAGE, b"first", 4, &mut unit));
        let before = unit.len();
        unit.extend([0, 0, 0, 2, 0x41, 0x9a]);
        assert_eq!(place(&unit, 4), Some(before));
        assert_eq!(place(&unit[..before], 4), None, "there is no slice");
        assert_eq!(place(&[0, 2, 0x65, 0x88], 2), Some(0));
    }

    #[test]
    fn a_message_that_its_length_cannot_count_is_not_written() {
        let mut unit = BytesMut::new();
        assert!(!write(&MESSAGE, &[7; 300], 1, &mut unit));
        assert!(unit.is_empty());
        assert!(write(&MESSAGE, &[7; 300], 2, &mut unit));
        unit.extend([0, 2, 0x65, 0x88]);
        assert_eq!(read(&unit, 2)[0].data, [7; 300][..]);
    }

    #[test]
    fn other_kinds_of_message_are_passed_over() {
        // A recovery point (type 6, one byte) before ours, in one unit.
        let mut ours = BytesMut::new();
        assert!(write(&MESSAGE, b"hello", 4, &mut ours));
        let mut unit = BytesMut::new();
        unit.put_u32(ours.len() as u32 - 4 + 3);
        unit.extend([HEADER, 6, 1, 0xc4]);
        unit.extend(&ours[5..]);
        let found = read(&unit, 4);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].data, "hello");
    }
}
