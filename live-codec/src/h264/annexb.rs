//! The byte stream format (ITU-T H.264 annex B): NAL units separated by start codes.

use super::SyntaxError;
use super::avcc::NalUnits;

/// What this crate writes before each NAL unit.
pub const START_CODE: [u8; 4] = [0, 0, 0, 1];

/// The NAL units of a byte stream, without start codes and zero padding.
///
/// Bytes before the first start code are passed over.
///
/// ```
/// # use live_codec::h264::annexb::nal_units;
/// let stream = [0, 0, 0, 1, 0x67, 0x42, 0, 0, 1, 0x68, 0xce, 0];
/// let units: Vec<_> = nal_units(&stream).collect();
/// assert_eq!(units, [&[0x67, 0x42][..], &[0x68, 0xce]]);
/// ```
pub fn nal_units(stream: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = after_start_code(stream);
    std::iter::from_fn(move || {
        loop {
            let unit_and_more = rest?;
            let end = find_start_code(unit_and_more).unwrap_or(unit_and_more.len());
            rest = after_start_code(&unit_and_more[end..]);
            // A NAL unit never ends in a zero byte (7.4.1): such bytes are padding, or the next start code's first.
            let unit = trim_zeros(&unit_and_more[..end]);
            if !unit.is_empty() {
                return Some(unit);
            }
        }
    })
}

/// Appends length-prefixed NAL units to `out` as a byte stream.
///
/// # Errors
/// When a length points past the end; what came before has been appended.
pub fn write_length_prefixed(units: NalUnits<'_>, out: &mut Vec<u8>) -> Result<(), SyntaxError> {
    for unit in units {
        write_unit(unit?, out);
    }
    Ok(())
}

/// Appends one NAL unit behind a start code.
pub fn write_unit(unit: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&START_CODE);
    out.extend_from_slice(unit);
}

/// Where the next `00 00 01` is.
fn find_start_code(data: &[u8]) -> Option<usize> {
    let mut at = 0;
    // The third byte of a candidate decides how far the window may move: three steps in most data.
    while let Some(window) = data.get(at..at + 3) {
        match window {
            [0, 0, 1] => return Some(at),
            [_, _, 0] => at += 1,
            [_, _, 1] => at += if window[1] == 0 { 1 } else { 3 },
            _ => at += 3,
        }
    }
    None
}

fn after_start_code(data: &[u8]) -> Option<&[u8]> {
    find_start_code(data).map(|at| &data[at + 3..])
}

fn trim_zeros(unit: &[u8]) -> &[u8] {
    let end = unit.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
    &unit[..end]
}

#[cfg(test)]
mod tests {
    use super::super::avcc::nal_units as length_prefixed;
    use super::*;
    use proptest::prelude::*;

    fn slow_find(data: &[u8]) -> Option<usize> {
        data.windows(3).position(|window| window == [0, 0, 1])
    }

    /// Bytes in which start codes, and almost start codes, are frequent.
    fn stream() -> impl Strategy<Value = Vec<u8>> {
        proptest::collection::vec(prop_oneof![4 => Just(0u8), 3 => Just(1u8), 2 => any::<u8>()], 0..200)
    }

    /// What an encoder makes: no emulated start code inside, no zero at the end.
    fn unit() -> impl Strategy<Value = Vec<u8>> {
        proptest::collection::vec(1..=255u8, 1..40)
    }

    proptest! {
        #[test]
        fn the_search_finds_what_a_plain_one_finds(data in stream()) {
            prop_assert_eq!(find_start_code(&data), slow_find(&data));
        }

        #[test]
        fn units_hold_no_start_code_and_no_trailing_zero(data in stream()) {
            for unit in nal_units(&data) {
                prop_assert!(slow_find(unit).is_none() && unit.last() != Some(&0));
            }
        }

        #[test]
        fn length_prefixed_units_survive_the_byte_stream(units in proptest::collection::vec(unit(), 0..6)) {
            let mut prefixed = Vec::new();
            for unit in &units {
                prefixed.extend((unit.len() as u32).to_be_bytes());
                prefixed.extend(unit);
            }
            let mut stream = Vec::new();
            write_length_prefixed(length_prefixed(&prefixed, 4), &mut stream).unwrap();
            prop_assert_eq!(nal_units(&stream).collect::<Vec<_>>(), units);
        }
    }
}
