//! Compares what was seen with what was heard.

use super::pictures::Record;
use std::time::Duration;

/// A flash and a beep further apart than this do not belong together.
const FURTHEST: Duration = Duration::from_millis(500);

/// A flash with its beep.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Offset {
    /// When the flash was shown, since the demo began.
    pub at: Duration,
    /// How far the sound was ahead of the picture, ms; negative when it was behind.
    pub ms: f64,
}

/// When flashes began. One that the pictures begin with does not count: the first picture is shown ahead of its time.
pub fn flashes(records: &[Record]) -> Vec<Duration> {
    let is_lit = |record: &Record| record.read.is_some_and(|reading| reading.flash);
    let pairs = records.windows(2);
    pairs.filter(|pair| !is_lit(&pair[0]) && is_lit(&pair[1])).map(|pair| pair[1].at).collect()
}

/// Every flash with the beep nearest to it.
pub fn offsets(flashes: &[Duration], beeps: &[Duration]) -> Vec<Offset> {
    let with_nearest = |&flash: &Duration| {
        let nearest = beeps.iter().copied().min_by_key(|beep| beep.abs_diff(flash))?;
        let ms = (flash.as_secs_f64() - nearest.as_secs_f64()) * 1000.0;
        (nearest.abs_diff(flash) <= FURTHEST).then_some(Offset { at: flash, ms })
    };
    flashes.iter().filter_map(with_nearest).collect()
}

/// How much later than the picture the sound started, ms; negative when it started earlier. `None` when there was no
/// motion.
///
/// The first picture is shown ahead of its time, so its time is told by the second.
pub fn start_offset(records: &[Record], first_sound: Duration) -> Option<f64> {
    let [first, second, ..] = records else { return None };
    let start = second.at.as_secs_f64() - second.pts.micros_since(first.pts) as f64 / 1e6;
    Some((first_sound.as_secs_f64() - start) * 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::pictures::Reading;
    use live_core::Timestamp;

    fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn record(at: u64, pts: i64, flash: bool) -> Record {
        let read = Reading { frame: 0, latency_ms: 0.0, psnr_y: 40.0, psnr_yuv: 40.0, flash };
        Record { at: ms(at), pts: Timestamp::from_millis(pts), read: Some(read) }
    }

    #[test]
    fn a_flash_begins_where_the_picture_before_was_dark() {
        let lit = [true, true, false, true, true, false, false, true];
        let records: Vec<Record> =
            lit.iter().zip(0..).map(|(&lit, index)| record(index * 10, 0, lit)).collect();
        assert_eq!(flashes(&records), [ms(30), ms(70)]);
    }

    #[test]
    fn each_flash_takes_the_nearest_beep_and_none_that_is_too_far() {
        let found = offsets(&[ms(1000), ms(2010), ms(5000)], &[ms(990), ms(2030), ms(3000)]);
        let found: Vec<(u128, i64)> =
            found.iter().map(|offset| (offset.at.as_millis(), offset.ms.round() as i64)).collect();
        assert_eq!(found, [(1000, 10), (2010, -20)]);
        assert!(offsets(&[ms(1)], &[]).is_empty());
    }

    #[test]
    fn the_start_is_reckoned_from_the_second_picture() {
        let records = [record(100, 0, false), record(540, 40, false)];
        assert!((start_offset(&records, ms(512)).unwrap() - 12.0).abs() < 1e-6);
        assert_eq!(start_offset(&records[..1], ms(512)), None);
    }
}
