//! Sequence parameter sets in the form in which openh264 decodes best.

use h264_reader::nal::sps::{ProfileIdc, SeqParameterSet};
use h264_reader::nal::{NalHeader, WritableNal};
use h264_reader::rbsp::{BitReader, decode_nal};

/// Scalable Baseline. Its sets have the syntax of High, so every tool of Main and High can be described.
const SCALABLE_BASELINE: u8 = 83;

/// `unit` rewritten to keep openh264's hands off the order of pictures; `None` when it cannot be read.
///
/// Pictures of every profile but Baseline and Scalable Baseline go through openh264's own reordering, which holds one
/// back even where nothing is reordered, gives out one per call at most, and pins the picture's memory for good each
/// time it is emptied early: after a handful of pictures decoding fails for want of memory. openh264 decodes whatever
/// tools the slices use, so the name of another profile costs nothing, and the order is made by presentation time.
///
/// The VUI goes too: openh264 takes nothing from it and stumbles over some.
pub(super) fn plain(unit: &[u8]) -> Option<Vec<u8>> {
    let header = NalHeader::new(*unit.first()?).ok()?;
    let rbsp = decode_nal(unit).ok()?;
    let mut sps = SeqParameterSet::from_bits(BitReader::new(&*rbsp)).ok()?;
    sps.profile_idc = ProfileIdc::from(SCALABLE_BASELINE);
    sps.vui_parameters = None;
    Some(sps.to_vec_with_header(header))
}
