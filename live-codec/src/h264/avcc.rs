//! Length-prefixed NAL units and their `AVCDecoderConfigurationRecord` (ISO/IEC 14496-15 section 5.3.3.1, "avcC").

use super::sps::SpsInfo;
use super::{NalKind, SyntaxError, annexb};
use bytes::{BufMut, Bytes, BytesMut};

/// Bytes before the first parameter set.
const HEADER_LEN: usize = 6;
/// Most sequence parameter sets: five bits count them. Picture parameter sets have eight bits.
const MAX_SPS: usize = 31;

/// A decoder configuration record: how packets are cut into NAL units, and the parameter sets they refer to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecoderConfig {
    /// `AVCProfileIndication`, `profile_compatibility` and `AVCLevelIndication`.
    pub profile_and_level: [u8; 3],
    /// Bytes of the length before each NAL unit: 1, 2 or 4.
    pub length_size: usize,
    /// Sequence parameter sets, header byte included.
    pub sps: Vec<Bytes>,
    /// Picture parameter sets, header byte included.
    pub pps: Vec<Bytes>,
    /// What follows the picture parameter sets: for High profiles the chroma format and bit depths.
    pub extension: Bytes,
}

impl DecoderConfig {
    /// A record for packets with four-byte lengths that refer to these parameter sets.
    ///
    /// # Errors
    /// When the first sequence parameter set cannot be read.
    pub fn new(sps: Vec<Bytes>, pps: Vec<Bytes>) -> Result<Self, SyntaxError> {
        let first = sps.first().map_or(&[][..], |unit| unit);
        let &[_, profile, compatibility, level, ..] = first else {
            return Err(SyntaxError::Truncated { what: "sequence parameter set", offset: 0 });
        };
        let extension = match profile {
            // The profiles whose record ends with the sample format (5.3.3.1.2).
            100 | 110 | 122 | 144 | 244 => {
                let info = SpsInfo::parse(first)?;
                let depth = info.bit_depth.saturating_sub(8) & 7;
                Bytes::copy_from_slice(&[0xfc | info.chroma_format, 0xf8 | depth, 0xf8 | depth, 0])
            }
            _ => Bytes::new(),
        };
        Ok(Self { profile_and_level: [profile, compatibility, level], length_size: 4, sps, pps, extension })
    }

    /// Reads a record. The parameter sets share the memory of `record`.
    ///
    /// # Errors
    /// When it is cut short, or its version or length size is not one that exists.
    pub fn parse(record: &Bytes) -> Result<Self, SyntaxError> {
        let Some(&[version, profile, compatibility, level, size, counts]) =
            record.first_chunk::<HEADER_LEN>()
        else {
            return Err(SyntaxError::Truncated { what: "AVCDecoderConfigurationRecord header", offset: 0 });
        };
        if version != 1 {
            return Err(SyntaxError::Invalid { what: "configurationVersion", value: version.into() });
        }
        let length_size = usize::from(size & 3) + 1;
        if length_size == 3 {
            return Err(SyntaxError::Invalid { what: "lengthSizeMinusOne", value: 2 });
        }
        let mut at = HEADER_LEN;
        let sps = read_sets(record, &mut at, usize::from(counts & 0x1f))?;
        let &count = record
            .get(at)
            .ok_or(SyntaxError::Truncated { what: "picture parameter set count", offset: at })?;
        at += 1;
        let pps = read_sets(record, &mut at, count.into())?;
        let profile_and_level = [profile, compatibility, level];
        Ok(Self { profile_and_level, length_size, sps, pps, extension: record.slice(at..) })
    }

    /// Writes the record.
    ///
    /// # Errors
    /// [`SyntaxError::TooLong`] when there are more than 31 sequence or 255 picture parameter sets, or one is longer
    /// than 65 535 bytes.
    pub fn build(&self) -> Result<Bytes, SyntaxError> {
        let size = u8::try_from(self.length_size.wrapping_sub(1)).unwrap_or(u8::MAX);
        if !matches!(size, 0 | 1 | 3) {
            return Err(SyntaxError::Invalid { what: "lengthSizeMinusOne", value: size.into() });
        }
        if self.sps.len() > MAX_SPS || self.pps.len() > usize::from(u8::MAX) {
            return Err(SyntaxError::TooLong { what: "the number of parameter sets" });
        }
        let sets: usize = self.sps.iter().chain(&self.pps).map(|set| set.len() + 2).sum();
        let mut out = BytesMut::with_capacity(HEADER_LEN + 1 + sets + self.extension.len());
        out.put_u8(1);
        out.put_slice(&self.profile_and_level);
        out.put_u8(0xfc | size);
        out.put_u8(0xe0 | self.sps.len() as u8);
        write_sets(&self.sps, &mut out)?;
        out.put_u8(self.pps.len() as u8);
        write_sets(&self.pps, &mut out)?;
        out.put_slice(&self.extension);
        Ok(out.freeze())
    }

    /// Appends all parameter sets to `out` as a byte stream.
    pub fn write_annexb(&self, out: &mut Vec<u8>) {
        for set in self.sps.iter().chain(&self.pps) {
            annexb::write_unit(set, out);
        }
    }
}

fn read_sets(record: &Bytes, at: &mut usize, count: usize) -> Result<Vec<Bytes>, SyntaxError> {
    let mut sets = Vec::with_capacity(count.min(4));
    for _ in 0..count {
        let truncated = SyntaxError::Truncated { what: "parameter set", offset: *at };
        let length = record.get(*at..*at + 2).ok_or_else(|| truncated.clone())?;
        let start = *at + 2;
        let end = start + usize::from(u16::from_be_bytes([length[0], length[1]]));
        if end > record.len() {
            return Err(truncated);
        }
        sets.push(record.slice(start..end));
        *at = end;
    }
    Ok(sets)
}

fn write_sets(sets: &[Bytes], out: &mut BytesMut) -> Result<(), SyntaxError> {
    for set in sets {
        let length =
            u16::try_from(set.len()).map_err(|_| SyntaxError::TooLong { what: "a parameter set" })?;
        out.put_u16(length);
        out.put_slice(set);
    }
    Ok(())
}

/// The NAL units of a packet; see [`nal_units`].
#[derive(Clone, Debug)]
pub struct NalUnits<'a> {
    data: &'a [u8],
    offset: usize,
    length_size: usize,
}

/// The NAL units of `data`, each behind a big-endian length of `length_size` (1 to 4) bytes.
///
/// Empty units are passed over. The first error is the last item.
///
/// ```
/// # use live_codec::h264::avcc::nal_units;
/// let packet = [0, 0, 0, 2, 0x65, 0x88, 0, 0, 0, 9, 0x41];
/// let mut units = nal_units(&packet, 4);
/// assert_eq!(units.next().unwrap().unwrap(), [0x65, 0x88]);
/// assert!(units.next().unwrap().is_err(), "nine bytes are promised and one is there");
/// assert!(units.next().is_none());
/// ```
#[must_use]
pub fn nal_units(data: &[u8], length_size: usize) -> NalUnits<'_> {
    NalUnits { data, offset: 0, length_size: length_size.clamp(1, 4) }
}

impl<'a> Iterator for NalUnits<'a> {
    type Item = Result<&'a [u8], SyntaxError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let rest = &self.data[self.offset..];
            if rest.is_empty() {
                return None;
            }
            let unit = rest.split_at_checked(self.length_size).and_then(|(length, units)| {
                let length = length.iter().fold(0, |length, &byte| length << 8 | usize::from(byte));
                units.get(..length)
            });
            match unit {
                Some([]) => self.offset += self.length_size,
                Some(unit) => {
                    self.offset += self.length_size + unit.len();
                    return Some(Ok(unit));
                }
                None => {
                    let offset = std::mem::replace(&mut self.offset, self.data.len());
                    return Some(Err(SyntaxError::Truncated { what: "NAL unit", offset }));
                }
            }
        }
    }
}

/// Whether an access unit holds an IDR picture. Damaged units count as far as they can be read.
#[must_use]
pub fn is_idr(data: &[u8], length_size: usize) -> bool {
    nal_units(data, length_size)
        .map_while(Result::ok)
        .any(|unit| NalKind::of(unit) == Some(NalKind::IdrSlice))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn set() -> impl Strategy<Value = Bytes> {
        proptest::collection::vec(any::<u8>(), 0..60).prop_map(Bytes::from)
    }

    proptest! {
        #[test]
        fn a_record_survives_being_written_and_read(
            profile_and_level in any::<[u8; 3]>(),
            length_size in prop_oneof![Just(1usize), Just(2), Just(4)],
            sps in proptest::collection::vec(set(), 0..4),
            pps in proptest::collection::vec(set(), 0..4),
            extension in set(),
        ) {
            let record = DecoderConfig { profile_and_level, length_size, sps, pps, extension };
            prop_assert_eq!(DecoderConfig::parse(&record.build().unwrap()).unwrap(), record);
        }

        #[test]
        fn arbitrary_bytes_are_read_or_refused(data in proptest::collection::vec(any::<u8>(), 0..300)) {
            let data = Bytes::from(data);
            if let Ok(record) = DecoderConfig::parse(&data) {
                let held: usize = record.sps.iter().chain(&record.pps).map(Bytes::len).sum();
                prop_assert!(held <= data.len());
            }
            for size in 0..6 {
                let held: usize = nal_units(&data, size).filter_map(Result::ok).map(<[u8]>::len).sum();
                prop_assert!(held <= data.len());
            }
        }
    }

    #[test]
    fn lengths_of_three_bytes_and_other_versions_are_refused() {
        let mut record = vec![1, 66, 0, 30, 0xfe, 0xe0, 0];
        let invalid = |record: &[u8]| DecoderConfig::parse(&Bytes::copy_from_slice(record)).unwrap_err();
        assert_eq!(invalid(&record), SyntaxError::Invalid { what: "lengthSizeMinusOne", value: 2 });
        record[0] = 0;
        assert_eq!(invalid(&record), SyntaxError::Invalid { what: "configurationVersion", value: 0 });
    }

    #[test]
    fn more_sets_than_the_count_can_say_are_refused() {
        let record = DecoderConfig {
            profile_and_level: [66, 0, 30],
            length_size: 4,
            sps: vec![Bytes::new(); 32],
            pps: Vec::new(),
            extension: Bytes::new(),
        };
        assert!(matches!(record.build(), Err(SyntaxError::TooLong { .. })));
    }
}
