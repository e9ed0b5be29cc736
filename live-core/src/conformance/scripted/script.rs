//! Which openings and which units of a codec's row fail.

use crate::error::{CodecError, CodecErrorKind};
use std::ops::{Bound, RangeBounds};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Faults by number. Openings and units are counted from 0 over the life of a row, through every codec it opens.
#[derive(Clone, Debug, Default)]
pub(super) struct Faults {
    refusals: Vec<Fault>,
    failures: Vec<Fault>,
}

type Fault = (Bound<u64>, Bound<u64>, CodecErrorKind);

impl Faults {
    pub(super) fn refuse(&mut self, openings: impl RangeBounds<u64>, kind: CodecErrorKind) {
        self.refusals.push((openings.start_bound().cloned(), openings.end_bound().cloned(), kind));
    }

    pub(super) fn fail(&mut self, units: impl RangeBounds<u64>, kind: CodecErrorKind) {
        self.failures.push((units.start_bound().cloned(), units.end_bound().cloned(), kind));
    }
}

/// The faults of a row and how far it is through them.
pub(super) struct Script {
    faults: Faults,
    name: &'static str,
    openings: AtomicU64,
    units: AtomicU64,
}

impl Script {
    pub(super) const fn new(faults: Faults, name: &'static str) -> Self {
        Self { faults, name, openings: AtomicU64::new(0), units: AtomicU64::new(0) }
    }

    /// Another opening.
    pub(super) fn open(&self) -> Result<(), CodecError> {
        let number = self.openings.fetch_add(1, Relaxed);
        self.check(&self.faults.refusals, number, "opening")
    }

    /// Another frame or access unit.
    pub(super) fn unit(&self, what: &str) -> Result<(), CodecError> {
        let number = self.units.fetch_add(1, Relaxed);
        self.check(&self.faults.failures, number, what)
    }

    fn check(&self, faults: &[Fault], number: u64, what: &str) -> Result<(), CodecError> {
        let due = faults.iter().find(|(start, end, _)| (*start, *end).contains(&number));
        due.map_or(Ok(()), |(.., kind)| {
            Err(CodecError::new(*kind, self.name, format!("the script has {what} {number} fail")))
        })
    }
}
