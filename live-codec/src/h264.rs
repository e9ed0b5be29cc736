//! The syntax around H.264 slices (ITU-T H.264, ISO/IEC 14496-15): what codecs and containers disagree about.
//!
//! Everything here is pure and takes untrusted bytes: it returns errors, never panics, and allocates no more than a
//! small multiple of its input.

pub mod annexb;
pub mod avcc;
#[cfg(feature = "rusty-h264")]
pub(crate) mod references;
#[cfg(any(feature = "openh264", feature = "rusty-h264"))]
pub(crate) mod reorder;
pub mod sei;
pub mod sps;

/// A piece of H.264 syntax that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SyntaxError {
    /// The bytes end inside `what`, which starts at `offset`.
    #[error("the data ends inside the {what} at byte {offset}")]
    Truncated {
        /// The field that was being read.
        what: &'static str,
        /// Where it starts.
        offset: usize,
    },
    /// `what` has a value that the specification does not allow.
    #[error("{what} is {value}")]
    Invalid {
        /// The field.
        what: &'static str,
        /// What it says.
        value: u32,
    },
    /// There are more parameter sets, or longer ones, than a configuration record can hold.
    #[error("{what} does not fit into an AVCDecoderConfigurationRecord")]
    TooLong {
        /// What there is too much of.
        what: &'static str,
    },
    /// A sequence parameter set cannot be read.
    #[error("the sequence parameter set cannot be read: {0}")]
    Sps(String),
}

/// The kinds of NAL unit that this crate looks at (ITU-T H.264 table 7-1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NalKind {
    /// Coded slice of a picture that is not an IDR picture (types 1 to 4).
    Slice,
    /// Coded slice of an IDR picture: nothing after it refers to anything before it.
    IdrSlice,
    /// Supplemental enhancement information.
    Sei,
    /// Sequence parameter set.
    Sps,
    /// Picture parameter set.
    Pps,
    /// Anything else.
    Other(u8),
}

impl NalKind {
    /// The kind of `unit`, which starts with its header byte; `None` when it is empty.
    #[must_use]
    pub fn of(unit: &[u8]) -> Option<Self> {
        unit.first().map(|header| match header & 0x1f {
            1..=4 => Self::Slice,
            5 => Self::IdrSlice,
            6 => Self::Sei,
            7 => Self::Sps,
            8 => Self::Pps,
            other => Self::Other(other),
        })
    }
}

/// Whether another picture may refer to the picture of this slice (`nal_ref_idc` is not 0).
#[must_use]
pub fn is_reference(unit: &[u8]) -> bool {
    unit.first().is_some_and(|header| header & 0x60 != 0)
}
