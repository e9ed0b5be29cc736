//! Notices that a picture is missing which others refer to (ITU-T H.264 sections 7.4.3 and 8.2.5.2).
//!
//! Reference pictures are numbered. A decoder that makes something up for a missing one shows it without a word, so
//! the numbers are followed here.

use super::NalKind;
use h264_reader::Context;
use h264_reader::nal::NalHeader;
use h264_reader::nal::pps::PicParameterSet;
use h264_reader::nal::slice::MemoryManagementControlOperation::AllRefPicturesUnused;
use h264_reader::nal::slice::SliceHeaderError::{UndefinedPicParamSetId, UndefinedSeqParamSetId};
use h264_reader::nal::slice::{DecRefPicMarking, SliceHeader};
use h264_reader::nal::sps::{PicOrderCntType, SeqParameterSet};
use h264_reader::rbsp::{BitReader, decode_nal};

/// The longest slice header has less than this many bytes, weights of 32 references included.
const LONGEST_HEADER: usize = 1024;

/// Follows the numbers of reference pictures.
pub(crate) struct References {
    sets: Context,
    /// The number of the last reference picture.
    last: u32,
}

/// Why a picture cannot be decoded as it was encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// A picture that it may refer to did not come.
    Missing,
    /// Its parameter sets did not come.
    NoParameterSets,
    /// Its header cannot be read.
    Damaged,
}

impl References {
    pub(crate) fn new() -> Self {
        Self { sets: Context::new(), last: 0 }
    }

    /// Takes note of a parameter set; one that cannot be read is left to the decoder.
    pub(crate) fn learn(&mut self, unit: &[u8]) {
        let Ok(rbsp) = decode_nal(unit) else { return };
        let bits = BitReader::new(&*rbsp);
        match NalKind::of(unit) {
            Some(NalKind::Sps) => {
                if let Ok(set) = SeqParameterSet::from_bits(bits) {
                    self.sets.put_seq_param_set(set);
                }
            }
            Some(NalKind::Pps) => {
                if let Ok(set) = PicParameterSet::from_bits(&self.sets, bits) {
                    self.sets.put_pic_param_set(set);
                }
            }
            _ => {}
        }
    }

    /// The first of the parameter sets' coding tools that `refuse` names.
    pub(crate) fn tool(&self) -> Option<&'static str> {
        let order = |set: &SeqParameterSet| matches!(set.pic_order_cnt, PicOrderCntType::TypeOne { .. });
        if self.sets.sps().any(order) {
            return Some("picture order count type 1");
        }
        self.sets.pps().find_map(|set| match set {
            set if set.constrained_intra_pred_flag => Some("constrained intra prediction"),
            set if set.weighted_bipred_idc == 1 => Some("explicit weights in B pictures"),
            set if set.slice_groups.is_some() => Some("slice groups"),
            _ => None,
        })
    }

    /// Examines the first slice of a picture.
    pub(crate) fn follow(&mut self, slice: &[u8]) -> Result<(), Fault> {
        let head = &slice[..slice.len().min(LONGEST_HEADER)];
        let rbsp = decode_nal(head).map_err(|_| Fault::Damaged)?;
        let nal = head.first().and_then(|&header| NalHeader::new(header).ok()).ok_or(Fault::Damaged)?;
        let parsed = SliceHeader::from_bits(&self.sets, &mut BitReader::new(&*rbsp), nal, None);
        let (header, sps, _) = parsed.map_err(|error| match error {
            UndefinedPicParamSetId(_) | UndefinedSeqParamSetId(_) => Fault::NoParameterSets,
            _ => Fault::Damaged,
        })?;
        let (number, numbers) = (u32::from(header.frame_num), 1 << sps.log2_max_frame_num());
        let gaps_allowed = sps.gaps_in_frame_num_value_allowed_flag;
        let resets = matches!(&header.dec_ref_pic_marking, Some(DecRefPicMarking::Adaptive(operations))
            if operations.iter().any(|operation| matches!(operation, AllRefPicturesUnused)));
        let is_idr = NalKind::of(slice) == Some(NalKind::IdrSlice);
        let follows = number == self.last || number == (self.last + 1) % numbers;
        if !(is_idr || follows || gaps_allowed) {
            return Err(Fault::Missing);
        }
        if is_idr || resets {
            self.last = 0;
        } else if super::is_reference(slice) {
            self.last = number;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Main profile, level 3, 320×180, picture order count type 2, four bits for the numbers.
    const SPS: &[u8] = &[0x67, 0x4d, 0x00, 0x1e, 0xda, 0x05, 0x06, 0xc4];

    proptest! {
        #[test]
        fn arbitrary_bytes_are_no_danger(units in proptest::collection::vec(
            (any::<u8>(), proptest::collection::vec(any::<u8>(), 0..60)), 0..8)) {
            let mut references = References::new();
            references.learn(SPS);
            for (header, mut unit) in units {
                unit.insert(0, [0x67, 0x68, 0x65, 0x41, 0x01][usize::from(header % 5)]);
                references.learn(&unit);
                let _ = references.follow(&unit);
            }
            let _ = references.tool();
        }
    }
}
