//! What a sequence parameter set says about the pictures (ITU-T H.264 section 7.4.2.1.1 and annex E).

use super::SyntaxError;
use h264_reader::nal::sps::{ChromaFormat, FrameMbsFlags, PicOrderCntType, SeqParameterSet};
use h264_reader::rbsp::{BitReader, decode_nal};
use live_core::{Color, Matrix, Range};

/// The facts of a sequence parameter set that a player needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpsInfo {
    /// `profile_idc`: 66 Baseline, 77 Main, 100 High, …
    pub profile: u8,
    /// Width in pixels after cropping.
    pub width: u32,
    /// Height in pixels after cropping.
    pub height: u32,
    /// Macroblocks of a coded picture, before cropping.
    pub macroblocks: u32,
    /// Columns cut from the left, in pixels.
    pub crop_left: u32,
    /// Rows cut from the top, in pixels.
    pub crop_top: u32,
    /// `chroma_format_idc`: 0 grey, 1 4:2:0, 2 4:2:2, 3 4:4:4.
    pub chroma_format: u8,
    /// The larger of the luma and chroma sample depths in bits.
    pub bit_depth: u8,
    /// Pictures may be coded as fields.
    pub interlaced: bool,
    /// How samples are to be read, when the stream says so.
    pub color: Option<Color>,
    /// Pictures that may come before, and be shown after, another one; `None` when the stream does not say.
    pub reorder_depth: Option<u8>,
    /// The most pictures that the level allows to be held back.
    pub max_reorder_depth: u8,
}

impl SpsInfo {
    /// Reads a sequence parameter set NAL unit, header byte included.
    ///
    /// # Errors
    /// When it is damaged, or its picture has no pixels.
    pub fn parse(unit: &[u8]) -> Result<Self, SyntaxError> {
        if super::NalKind::of(unit) != Some(super::NalKind::Sps) {
            let value = unit.first().map_or(0, |header| u32::from(header & 0x1f));
            return Err(SyntaxError::Invalid { what: "nal_unit_type of a sequence parameter set", value });
        }
        let rbsp = decode_nal(unit).map_err(|error| SyntaxError::Sps(error.to_string()))?;
        let sps = SeqParameterSet::from_bits(BitReader::new(&*rbsp))
            .map_err(|error| SyntaxError::Sps(format!("{error:?}")))?;
        let (width, height) =
            sps.pixel_dimensions().map_err(|error| SyntaxError::Sps(format!("{error:?}")))?;
        if width == 0 || height == 0 {
            return Err(SyntaxError::Invalid { what: "picture size in pixels", value: 0 });
        }
        let interlaced = sps.frame_mbs_flags != FrameMbsFlags::Frames;
        let chroma_format = chroma_format(sps.chroma_info.chroma_format);
        let (unit_x, unit_y) = crop_units(chroma_format, interlaced);
        let crop = sps.frame_cropping.as_ref();
        let depth = sps.chroma_info.bit_depth_luma_minus8.max(sps.chroma_info.bit_depth_chroma_minus8);
        Ok(Self {
            profile: u8::from(sps.profile_idc),
            width,
            height,
            macroblocks: macroblocks(&sps),
            crop_left: crop.map_or(0, |crop| crop.left_offset.saturating_mul(unit_x)),
            crop_top: crop.map_or(0, |crop| crop.top_offset.saturating_mul(unit_y)),
            chroma_format,
            bit_depth: depth.saturating_add(8),
            interlaced,
            color: color(&sps),
            reorder_depth: reorder_depth(&sps),
            max_reorder_depth: max_dpb_frames(&sps),
        })
    }

    /// What keeps decoders for progressive 4:2:0 video of 8 bits from it, in words.
    #[cfg(any(feature = "openh264", feature = "rusty-h264"))]
    pub(crate) fn exotic(&self) -> Option<String> {
        if self.interlaced {
            return Some("interlaced video".into());
        }
        match (self.chroma_format, self.bit_depth) {
            (1, 8) => None,
            (0, _) => Some("video without colour (4:0:0)".into()),
            (2, _) => Some("4:2:2 video".into()),
            (3, _) => Some("4:4:4 video".into()),
            (_, depth) => Some(format!("video of {depth} bits")),
        }
    }
}

const fn chroma_format(format: ChromaFormat) -> u8 {
    match format {
        ChromaFormat::Monochrome => 0,
        ChromaFormat::YUV420 | ChromaFormat::Invalid(_) => 1,
        ChromaFormat::YUV422 => 2,
        ChromaFormat::YUV444 => 3,
    }
}

/// Pixels per unit of the cropping offsets (equations 7-19 to 7-22).
const fn crop_units(chroma_format: u8, interlaced: bool) -> (u32, u32) {
    let (x, y) = match chroma_format {
        1 => (2, 2),
        2 => (2, 1),
        _ => (1, 1),
    };
    (x, if interlaced { y * 2 } else { y })
}

/// The colour reading of the VUI. A stream that gives the range and not the matrix is read with the matrix customary
/// for its size.
fn color(sps: &SeqParameterSet) -> Option<Color> {
    let signal = sps.vui_parameters.as_ref()?.video_signal_type.as_ref()?;
    let range = if signal.video_full_range_flag { Range::Full } else { Range::Limited };
    let coefficients = signal.colour_description.as_ref().map(|description| description.matrix_coefficients);
    let matrix = match coefficients {
        Some(1) => Matrix::Bt709,
        // FCC, BT.470BG, SMPTE 170M: BT.601 in all but name.
        Some(4..=6) => Matrix::Bt601,
        _ => {
            let (width, height) = sps.pixel_dimensions().ok()?;
            Color::assumed_for(width, height).matrix
        }
    };
    Some(Color { matrix, range })
}

/// How many pictures are held back, where the stream tells: in words, or because its profile or picture order count
/// leaves nothing to reorder.
fn reorder_depth(sps: &SeqParameterSet) -> Option<u8> {
    let baseline = u8::from(sps.profile_idc) == 66;
    if baseline || matches!(sps.pic_order_cnt, PicOrderCntType::TypeTwo) {
        return Some(0);
    }
    let restrictions = sps.vui_parameters.as_ref()?.bitstream_restrictions.as_ref()?;
    Some(restrictions.max_num_reorder_frames.min(16) as u8)
}

/// Macroblocks of a frame (equations 7-13 to 7-18).
fn macroblocks(sps: &SeqParameterSet) -> u32 {
    let fields = if sps.frame_mbs_flags == FrameMbsFlags::Frames { 1 } else { 2 };
    (sps.pic_width_in_mbs_minus1.saturating_add(1))
        .saturating_mul(sps.pic_height_in_map_units_minus1.saturating_add(1))
        .saturating_mul(fields)
}

/// `MaxDpbFrames` of the level (section A.3.1, table A-1).
fn max_dpb_frames(sps: &SeqParameterSet) -> u8 {
    let max_dpb_mbs: u32 = match sps.level_idc {
        ..=10 => 396,
        11 => 900,
        12 | 13 | 20 => 2376,
        21 => 4752,
        22 | 30 => 8100,
        31 => 18_000,
        32 => 20_480,
        40 | 41 => 32_768,
        42 => 34_816,
        50 => 110_400,
        51 | 52 => 184_320,
        _ => 696_320,
    };
    (max_dpb_mbs / macroblocks(sps).max(1)).clamp(1, 16) as u8
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn arbitrary_bytes_are_read_or_refused(mut data in proptest::collection::vec(any::<u8>(), 0..80)) {
            if let Some(header) = data.first_mut() {
                *header = 0x67;
            }
            let _ = SpsInfo::parse(&data);
        }
    }
}
