//! As much of H.264 as a transport has to know: which access units nothing refers to.

use bytes::Buf;

/// The size in bytes of the lengths before NAL units, from an `AVCDecoderConfigurationRecord`
/// (ISO/IEC 14496-15 section 5.3.3.1).
pub(crate) fn length_size(config: &[u8]) -> usize {
    config.get(4).map_or(4, |byte| usize::from(byte & 0b11) + 1)
}

/// Whether no other picture refers to this access unit. All slices of a picture agree about it (ITU-T H.264 section
/// 7.4.1), so the first one decides. Damaged units count as needed.
pub(crate) fn is_disposable(mut unit: &[u8], length_size: usize) -> bool {
    while unit.len() > length_size {
        let length = unit.get_uint(length_size) as usize;
        let Some(&header) = unit.first() else { return false };
        if matches!(header & 0x1F, 1..=5) {
            return header & 0x60 == 0;
        }
        if length > unit.len() {
            return false;
        }
        unit.advance(length);
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_slice_decides() {
        let delimiter = [0, 0, 0, 2, 0x09, 0xF0];
        let needed = [0, 0, 0, 1, 0x41];
        let disposable = [0, 0, 0, 1, 0x01];
        assert!(!is_disposable(&[&delimiter[..], &needed].concat(), 4));
        assert!(is_disposable(&[&delimiter[..], &disposable].concat(), 4));
        assert!(is_disposable(&[0, 1, 0x01], 2));
    }

    #[test]
    fn damaged_units_are_needed() {
        assert!(!is_disposable(&[], 4));
        assert!(!is_disposable(&[0, 0, 0, 9, 0x09], 4));
        assert!(!is_disposable(&[0, 0, 0, 0, 0x06, 0, 0, 0], 4));
    }
}
