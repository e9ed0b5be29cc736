//! Which openings and which units of a codec's row fail.

use crate::error::{CodecError, CodecErrorKind};
use crate::registry::{Provenance, Row};
use std::ops::{Bound, RangeBounds};
use std::sync::Arc;
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

    /// The row `inner` with these faults, under a name and provenance of its own. `opened` makes a
    /// codec of what was opened with a configuration.
    pub(super) fn over<C: ?Sized + 'static, T: ?Sized + 'static>(
        self,
        name: &'static str,
        provenance: Provenance,
        inner: &Row<C, T>,
        opened: impl Fn(Faulty<T>, &C) -> Box<T> + Send + Sync + 'static,
    ) -> Row<C, T> {
        let inner = inner.clone();
        let script = Arc::new(Script::new(self, name));
        Row::new(name, provenance, inner.codec, move |config| {
            script.open()?;
            Ok(opened(Faulty { inner: inner.open(config)?, script: Arc::clone(&script) }, config))
        })
    }
}

/// A codec with faults laid over it.
pub(super) struct Faulty<T: ?Sized> {
    pub(super) inner: Box<T>,
    pub(super) script: Arc<Script>,
}

/// The faults of a row and how far it is through them.
pub(super) struct Script {
    faults: Faults,
    name: &'static str,
    openings: AtomicU64,
    units: AtomicU64,
}

impl Script {
    const fn new(faults: Faults, name: &'static str) -> Self {
        Self { faults, name, openings: AtomicU64::new(0), units: AtomicU64::new(0) }
    }

    /// Another opening.
    fn open(&self) -> Result<(), CodecError> {
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
