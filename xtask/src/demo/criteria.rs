//! What has to be true for the demo to have succeeded.

use super::pictures::PictureLog;
use super::statistics::Summary;
use super::sync::Offset;
use super::watch::{SessionLog, Who};
use live_core::Severity;
use std::time::Duration;

/// The share of pictures that have to be good.
const GOOD_SHARE: f64 = 0.99;
/// The least likeness of a good picture to the pattern drawn again, dB.
const GOOD_PSNR: f64 = 30.0;
/// The share of the pictures pushed in the time that have to come out.
const SHOWN_SHARE: f64 = 0.8;
/// How far sound may be ahead of the picture and behind it before people notice, ms (ITU-R BT.1359).
const NOTICED_AHEAD: f64 = 45.0;
const NOTICED_BEHIND: f64 = -125.0;
/// How far apart sound and picture may start, ms.
const START_TOLERANCE: f64 = 100.0;
/// What the demo may take beyond the time it plays: connecting, loading, ending, and writing the report.
const OVERHEAD: Duration = Duration::from_secs(18);

/// Codes that come in this order when all is well.
const PUSHER_ORDERS: &[&[i32]] = &[&[1001, 1002], &[1003, 1007, 1008]];
const PLAYER_ORDERS: &[&[i32]] = &[&[2001, 2002, 2003, 2008, 2009, 2004, 2006], &[2002, 2007]];
/// Codes of a player that tell of trouble with the media.
const MEDIA_TROUBLE: &[i32] = &[2101, 2102, 2105];

/// One thing that has to be true.
#[derive(Clone, Debug, PartialEq)]
pub struct Criterion {
    /// Whose; `None`: the demo's.
    pub who: Option<Who>,
    /// What is asked for.
    pub wanted: String,
    /// What was found.
    pub found: String,
    /// Whether it is true.
    pub passed: bool,
}

/// How good a player's pictures were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Pictures that came out.
    pub shown: u64,
    /// Of these: readable, in order and like the pattern.
    pub good: u64,
    /// Without a readable strip.
    pub unreadable: u64,
    /// With a number that is not above the one before.
    pub out_of_order: u64,
    /// Not enough like the pattern.
    pub poor: u64,
    /// Not looked at.
    pub passed_over: u64,
    /// Numbers between the first and the last that did not come out.
    pub missing: u64,
}

impl Tally {
    /// Counts the pictures of a pattern.
    pub fn of(log: &PictureLog) -> Self {
        let mut tally = Self { passed_over: log.passed_over, ..Self::default() };
        tally.shown = log.records.len() as u64 + log.passed_over;
        let mut last = None;
        for record in &log.records {
            let Some(reading) = record.read else {
                tally.unreadable += 1;
                continue;
            };
            // Numbers go round after 2^32 pictures, which is years.
            let steps = last.map(|last| i64::from(reading.frame) - i64::from(last));
            let is_poor = reading.psnr_y.min(reading.psnr_yuv) < GOOD_PSNR;
            match steps {
                Some(steps) if steps <= 0 => tally.out_of_order += 1,
                _ if is_poor => tally.poor += 1,
                _ => tally.good += 1,
            }
            tally.missing += steps.map_or(0, |steps| (steps - 1).max(0).unsigned_abs());
            last = last.max(Some(reading.frame));
        }
        // A picture that was there without being read is not missing.
        tally.missing = tally.missing.saturating_sub(tally.unreadable + tally.passed_over);
        tally
    }

    fn good_share(&self) -> f64 {
        if self.shown == 0 { 0.0 } else { self.good as f64 / self.shown as f64 }
    }
}

/// The pattern's pictures came out as they went in.
pub fn pictures_are_good(who: Who, tally: &Tally) -> Criterion {
    let Tally { shown, good, unreadable, out_of_order, poor, passed_over, missing } = *tally;
    let share = (tally.good_share() * 1000.0).floor() / 10.0;
    let mut found = format!("{good} of {shown} ({share} %)");
    for (count, what) in [
        (unreadable, "unreadable"),
        (out_of_order, "out of order"),
        (poor, "under 30 dB"),
        (passed_over, "not looked at"),
        (missing, "missing"),
    ] {
        if count > 0 {
            found += &format!(", {count} {what}");
        }
    }
    Criterion {
        who: Some(who),
        wanted: "≥ 99 % of pictures have a readable strip, a number in order, and PSNR ≥ 30 dB".to_owned(),
        found,
        passed: tally.good_share() >= GOOD_SHARE,
    }
}

/// Enough pictures came out, for the time played.
pub fn pictures_came_out(who: Who, shown: u64, playing: Duration, fps: f64) -> Criterion {
    let pushed = playing.as_secs_f64() * fps;
    Criterion {
        who: Some(who),
        wanted: format!("≥ 80 % of {fps:.0} pictures a second come out"),
        found: format!("{shown} in {} s", playing.as_secs()),
        passed: shown as f64 >= pushed * SHOWN_SHARE,
    }
}

/// The codes that belong to a good session came, in their order, and none of an error.
pub fn codes_are_right(log: &SessionLog) -> Criterion {
    let orders = if log.who == Who::Pusher { PUSHER_ORDERS } else { PLAYER_ORDERS };
    let absent: Vec<i32> = orders.iter().filter_map(|order| first_absent(order, log.codes())).collect();
    let errors = log.entries.iter().filter(|entry| entry.severity >= Severity::Error);
    let errors: Vec<String> =
        errors.map(|entry| entry.code.map_or_else(|| entry.text.clone(), |code| code.to_string())).collect();
    let wanted = orders.iter().map(|order| join(order, " < ")).collect::<Vec<_>>().join(", ");
    let found = match (absent.as_slice(), errors.as_slice()) {
        ([], []) => "all there, in order".to_owned(),
        ([], errors) => errors.join(", "),
        (absent, _) => format!("{} not there, or not in its place", join(absent, ", ")),
    };
    let passed = absent.is_empty() && errors.is_empty();
    Criterion { who: Some(log.who), wanted: format!("codes {wanted}; no error"), found, passed }
}

/// Nothing failed to decode, and playback did not stutter.
pub fn media_has_no_trouble(log: &SessionLog) -> Criterion {
    let trouble: Vec<i32> = log.codes().filter(|code| MEDIA_TROUBLE.contains(code)).collect();
    Criterion {
        who: Some(log.who),
        wanted: format!("no {}", join(MEDIA_TROUBLE, ", no ")),
        found: if trouble.is_empty() { "none".to_owned() } else { join(&trouble, ", ") },
        passed: trouble.is_empty(),
    }
}

/// Flash and beep come together.
pub fn lips_are_in_sync(who: Who, offsets: &[Offset]) -> Criterion {
    let values: Vec<f64> = offsets.iter().map(|offset| offset.ms).collect();
    let median = Summary::of(&values).map(|summary| summary.median);
    Criterion {
        who: Some(who),
        wanted: format!("sound {} ms behind to {NOTICED_AHEAD} ms ahead of the picture", -NOTICED_BEHIND),
        found: median.map_or_else(
            || "no flash with a beep".to_owned(),
            |median| format!("{median:+.1} ms, median of {}", values.len()),
        ),
        passed: median.is_some_and(|median| (NOTICED_BEHIND..=NOTICED_AHEAD).contains(&median)),
    }
}

/// Sound and picture of a file start together; `offset` is `None` for a file that has only one of them.
pub fn start_is_together(who: Who, offset: Option<f64>) -> Criterion {
    Criterion {
        who: Some(who),
        wanted: format!("sound and picture start within {START_TOLERANCE} ms"),
        found: offset.map_or_else(
            || "only one of them came".to_owned(),
            |offset| format!("sound {offset:+.1} ms after the picture"),
        ),
        passed: offset.is_none_or(|offset| offset.abs() <= START_TOLERANCE),
    }
}

/// A session ended when it was asked to, or with its stream, and not before.
pub fn ended_well(who: Who, failure: Option<&str>) -> Criterion {
    Criterion {
        who: Some(who),
        wanted: "runs until the end".to_owned(),
        found: failure.unwrap_or("yes").to_owned(),
        passed: failure.is_none(),
    }
}

/// The demo does not keep people waiting.
pub fn is_quick(took: Duration, playing: Duration) -> Criterion {
    let limit = playing + OVERHEAD;
    Criterion {
        who: None,
        wanted: format!("done in {} s", limit.as_secs()),
        found: format!("{:.1} s", took.as_secs_f64()),
        passed: took <= limit,
    }
}

/// The first number of `order` that does not come after the ones before it.
fn first_absent(order: &[i32], mut codes: impl Iterator<Item = i32>) -> Option<i32> {
    order.iter().copied().find(|wanted| !codes.any(|code| code == *wanted))
}

fn join(codes: &[i32], between: &str) -> String {
    codes.iter().map(ToString::to_string).collect::<Vec<_>>().join(between)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::pictures::{Reading, Record};
    use crate::demo::watch::Entry;
    use live_core::Timestamp;

    fn picture(frame: u32, psnr: f64) -> Record {
        let read = Reading { frame, latency_ms: 250.0, psnr_y: psnr, psnr_yuv: psnr + 1.0, flash: false };
        Record { at: Duration::ZERO, pts: Timestamp::ZERO, read: Some(read) }
    }

    fn log_of(records: Vec<Record>) -> PictureLog {
        PictureLog { records, ..PictureLog::default() }
    }

    fn session(who: Who, codes: &[(i32, Severity)]) -> SessionLog {
        let entry = |&(code, severity): &(i32, Severity)| Entry {
            at: Duration::ZERO,
            code: Some(code),
            text: String::new(),
            detail: String::new(),
            severity,
        };
        SessionLog { who, entries: codes.iter().map(entry).collect(), statuses: Vec::new() }
    }

    fn told(who: Who, codes: &[i32]) -> SessionLog {
        session(who, &codes.iter().map(|&code| (code, Severity::Info)).collect::<Vec<_>>())
    }

    #[test]
    fn one_bad_picture_in_a_hundred_passes_and_two_do_not() {
        let mut records: Vec<Record> = (0..100).map(|frame| picture(frame, 36.0)).collect();
        records[40] = picture(40, 29.9);
        let tally = Tally::of(&log_of(records.clone()));
        assert_eq!(tally, Tally { shown: 100, good: 99, poor: 1, ..Tally::default() });
        assert!(pictures_are_good(Who::Rtmp, &tally).passed);
        records[50].read = None;
        let tally = Tally::of(&log_of(records));
        assert_eq!(tally, Tally { shown: 100, good: 98, poor: 1, unreadable: 1, ..Tally::default() });
        let criterion = pictures_are_good(Who::Rtmp, &tally);
        assert!(!criterion.passed);
        assert_eq!(criterion.found, "98 of 100 (98 %), 1 unreadable, 1 under 30 dB");
    }

    #[test]
    fn repeated_and_earlier_numbers_are_out_of_order_and_gaps_are_counted() {
        let frames = [5, 6, 6, 9, 8, 10];
        let tally = Tally::of(&log_of(frames.iter().map(|&frame| picture(frame, 40.0)).collect()));
        assert_eq!(tally, Tally { shown: 6, good: 4, out_of_order: 2, missing: 2, ..Tally::default() });
    }

    #[test]
    fn nothing_to_look_at_is_not_good() {
        assert!(!pictures_are_good(Who::Rtmp, &Tally::default()).passed);
        let all_passed_over = PictureLog { passed_over: 10, ..PictureLog::default() };
        assert!(!pictures_are_good(Who::Rtmp, &Tally::of(&all_passed_over)).passed);
        assert!(!pictures_came_out(Who::Rtmp, 199, Duration::from_secs(10), 25.0).passed);
        assert!(pictures_came_out(Who::Rtmp, 200, Duration::from_secs(10), 25.0).passed);
    }

    #[test]
    fn codes_have_to_be_there_in_their_order_and_without_an_error() {
        let good = [2001, 2002, 2007, 2003, 2008, 2009, 2004, 2005, 2006];
        assert!(codes_are_right(&told(Who::Rtmp, &good)).passed);
        let late = [2001, 2002, 2007, 2008, 2003, 2009, 2004, 2006];
        assert!(codes_are_right(&told(Who::Rtmp, &late)).found.starts_with("2008 not there"));
        assert!(codes_are_right(&told(Who::Pusher, &[1003, 1001, 1007, 1002, 1008])).passed);
        let failed = session(
            Who::Pusher,
            &[1001, 1002, 1003, 1007, 1008]
                .map(|code| (code, Severity::Info))
                .into_iter()
                .chain([(-1302, Severity::Error)])
                .collect::<Vec<_>>(),
        );
        let criterion = codes_are_right(&failed);
        assert_eq!((criterion.found.as_str(), criterion.passed), ("-1302", false));
    }

    #[test]
    fn trouble_with_the_media_is_named() {
        let criterion = media_has_no_trouble(&told(Who::HttpFlv, &[2004, 2105, 2101]));
        assert_eq!((criterion.found.as_str(), criterion.passed), ("2105, 2101", false));
        assert!(media_has_no_trouble(&told(Who::HttpFlv, &[2004, 2005])).passed);
    }

    #[test]
    fn sound_may_be_as_far_from_the_picture_as_nobody_notices() {
        let sync = |ms| lips_are_in_sync(Who::Rtmp, &[Offset { at: Duration::ZERO, ms }]).passed;
        assert_eq!([-126.0, -125.0, 0.0, 45.0, 46.0].map(sync), [false, true, true, true, false]);
        assert!(!lips_are_in_sync(Who::Rtmp, &[]).passed, "a tone that is not heard");
        assert!(start_is_together(Who::Rtmp, None).passed, "a silent film");
        assert!(!start_is_together(Who::Rtmp, Some(-101.0)).passed);
    }
}
