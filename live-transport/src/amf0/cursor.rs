//! A place in a message, and what reading it may cost.

use super::{Error, ErrorKind};

/// How much one message may hold: every value costs one, names and text one more per 32 bytes.
///
/// References make it possible to name a large value again and again for a few bytes each, so the limit counts what
/// is built and not what was sent. The key frame index of a 24-hour recording fits, and the costliest message there
/// can be takes less than 24 MB of memory.
pub const MAX_COST: usize = 1 << 17;

/// Text is charged by this many bytes.
const TEXT_UNIT: usize = 32;

/// Reads big-endian fields from a message and charges for what is built of them.
#[derive(Clone, Debug)]
pub(super) struct Cursor<'a> {
    bytes: &'a [u8],
    pub(super) at: usize,
    left: usize,
}

impl<'a> Cursor<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, left: MAX_COST }
    }

    pub(super) const fn is_at_end(&self) -> bool {
        self.at >= self.bytes.len()
    }

    pub(super) const fn remaining(&self) -> usize {
        self.bytes.len().saturating_sub(self.at)
    }

    /// An error of `kind` at the current place.
    pub(super) const fn error(&self, kind: ErrorKind) -> Error {
        Error { kind, offset: self.at }
    }

    /// Charges for one value.
    pub(super) fn charge(&mut self) -> Result<(), Error> {
        self.charge_units(1)
    }

    fn charge_units(&mut self, units: usize) -> Result<(), Error> {
        self.left = self.left.checked_sub(units).ok_or_else(|| self.error(ErrorKind::TooLarge))?;
        Ok(())
    }

    pub(super) fn take(&mut self, len: usize) -> Result<&'a [u8], Error> {
        let taken = self.bytes.get(self.at..).and_then(|rest| rest.get(..len));
        let taken = taken.ok_or_else(|| self.error(ErrorKind::UnexpectedEnd))?;
        self.at += len;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let mut bytes = [0; N];
        bytes.copy_from_slice(self.take(N)?);
        Ok(bytes)
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    pub(super) fn u8(&mut self) -> Result<u8, Error> {
        self.array().map(|[byte]| byte)
    }

    pub(super) fn u16(&mut self) -> Result<u16, Error> {
        self.array().map(u16::from_be_bytes)
    }

    pub(super) fn u32(&mut self) -> Result<u32, Error> {
        self.array().map(u32::from_be_bytes)
    }

    pub(super) fn f64(&mut self) -> Result<f64, Error> {
        self.array().map(f64::from_be_bytes)
    }

    /// The next `len` bytes as text.
    pub(super) fn text(&mut self, len: usize) -> Result<String, Error> {
        let bytes = self.take(len)?;
        self.charge_units(len / TEXT_UNIT)?;
        Ok(String::from_utf8_lossy(bytes).into_owned())
    }
}
