//! Which encoder serves when the one before it refuses, breaks or writes too much. Pure: times are the pictures'.

use live_core::registry::{Provenance, VideoEncoderRow};
use live_core::{CodecErrorKind, Entropy, Timestamp};
use std::fmt;
use std::time::Duration;

/// Failures with no [`CALM`] between them after which an encoder is given up for the next one.
const MOST_FAILURES: u32 = 2;
/// The same for the last one, whose end is the session's.
const MOST_FAILURES_OF_THE_LAST: u32 = 5;
/// A failure is forgotten after so long without another one.
const CALM: Duration = Duration::from_secs(2);

/// More than this many times its target is too much, as soon as every one of [`SECONDS_OVER`] seconds has it.
const TOO_MUCH: f64 = 1.5;
const SECONDS_OVER: u32 = 3;

/// One way to encode: a backend, as it was asked for or in its plain profile.
#[derive(Clone, Debug)]
pub(super) struct Choice {
    pub(super) row: VideoEncoderRow,
    pub(super) entropy: Entropy,
    is_plain: bool,
}

impl Choice {
    pub(super) fn is_hardware(&self) -> bool {
        self.row.provenance == Provenance::Hardware
    }

    /// Whether `other` makes streams that are coded in another way, as far as can be known from here.
    fn differs_from(&self, other: &Self) -> bool {
        self.row.name != other.row.name || other.entropy == Entropy::Cabac
    }
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.row.name)?;
        if self.is_plain { f.write_str(" in its plain profile") } else { Ok(()) }
    }
}

/// What is to be done about a picture that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is lost; the same encoder is opened again for the next one.
    Reopen,
    /// The encoder is given up; the next one gets the same picture.
    GiveUp,
}

/// The encoders of a session in their order, and how far down it had to go. There is no way back up within a session.
#[derive(Debug)]
pub(super) struct Fallback {
    choices: Vec<Choice>,
    place: usize,
    failures: u32,
    last_failure: Option<Timestamp>,
    overrun: Overrun,
}

impl Fallback {
    /// Every row in the given order, then the plain profiles of those that are software.
    pub(super) fn new<'a>(rows: impl IntoIterator<Item = &'a VideoEncoderRow>, entropy: Entropy) -> Self {
        let choice = |row: &VideoEncoderRow| Choice { row: row.clone(), entropy, is_plain: false };
        let mut choices: Vec<Choice> = rows.into_iter().map(choice).collect();
        if entropy != Entropy::Cavlc {
            let plain =
                |choice: &Choice| Choice { entropy: Entropy::Cavlc, is_plain: true, ..choice.clone() };
            let software = choices.iter().filter(|choice| !choice.is_hardware()).map(plain);
            choices.extend(software.collect::<Vec<_>>());
        }
        Self { choices, place: 0, failures: 0, last_failure: None, overrun: Overrun::default() }
    }

    /// The encoder whose turn it is; `None` when every one was given up.
    pub(super) fn current(&self) -> Option<&Choice> {
        self.choices.get(self.place)
    }

    /// The next one's turn has come.
    pub(super) fn give_up(&mut self) {
        self.place += 1;
        self.failures = 0;
        self.overrun = Overrun::default();
    }

    /// The current encoder failed at the picture of `pts`.
    pub(super) fn failed(&mut self, kind: CodecErrorKind, pts: Timestamp) -> Verdict {
        let is_calm = self.last_failure.is_none_or(|last| pts.saturating_since(last) > CALM);
        self.last_failure = Some(pts);
        self.failures = if is_calm { 1 } else { self.failures + 1 };
        let has_next = self.place + 1 < self.choices.len();
        let most = if has_next { MOST_FAILURES } else { MOST_FAILURES_OF_THE_LAST };
        // One that says it is broken need not prove it twice.
        let is_broken = has_next && kind == CodecErrorKind::Fatal;
        if is_broken || self.failures >= most { Verdict::GiveUp } else { Verdict::Reopen }
    }

    /// The current encoder made `bytes` at `pts` and aims at `kbps`. Gives what it writes, in kbit/s, when that is too
    /// much and the next encoder may do better.
    pub(super) fn wrote(&mut self, bytes: usize, pts: Timestamp, kbps: u32) -> Option<u32> {
        let written = self.overrun.take(bytes, pts, kbps)?;
        let next = self.choices.get(self.place + 1)?;
        self.current().is_some_and(|current| next.differs_from(current)).then_some(written)
    }
}

/// Measures output against its target, second by second of media time.
#[derive(Debug, Default)]
struct Overrun {
    second: Option<Second>,
    over: u32,
}

#[derive(Debug)]
struct Second {
    start: Timestamp,
    bytes: usize,
    /// The highest target in it.
    kbps: u32,
}

impl Overrun {
    /// What was written in the last second, in kbit/s, when that and the seconds before were all too much.
    fn take(&mut self, bytes: usize, pts: Timestamp, kbps: u32) -> Option<u32> {
        let second = self.second.get_or_insert(Second { start: pts, bytes: 0, kbps });
        let length = pts.saturating_since(second.start);
        let mut written = None;
        if length >= Duration::from_secs(1) {
            let rate = second.bytes as f64 / 125.0 / length.as_secs_f64();
            self.over = if rate > TOO_MUCH * f64::from(second.kbps) { self.over + 1 } else { 0 };
            written = (self.over >= SECONDS_OVER).then_some(rate.round() as u32);
            *second = Second { start: pts, bytes: 0, kbps };
        }
        second.bytes += bytes;
        second.kbps = second.kbps.max(kbps);
        written
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use live_core::{Codec, CodecError};
    use proptest::prelude::*;

    fn row(name: &'static str, provenance: Provenance) -> VideoEncoderRow {
        VideoEncoderRow::new(name, provenance, Codec::H264, |_| {
            Err(CodecError::new(CodecErrorKind::Open, "none", "never opened"))
        })
    }

    fn fallback(entropy: Entropy) -> Fallback {
        let rows = [row("silicon", Provenance::Hardware), row("ffmpeg", Provenance::Ffmpeg)];
        Fallback::new(rows.iter().chain([&row("embedded", Provenance::Embedded)]), entropy)
    }

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn the_plain_profiles_of_software_come_last() {
        let order = |entropy| {
            let mut fallback = fallback(entropy);
            std::iter::from_fn(|| {
                let name = fallback.current()?.to_string();
                fallback.give_up();
                Some(name)
            })
            .collect::<Vec<_>>()
        };
        assert_eq!(
            order(Entropy::Auto),
            ["silicon", "ffmpeg", "embedded", "ffmpeg in its plain profile", "embedded in its plain profile"]
        );
        assert_eq!(order(Entropy::Cavlc), ["silicon", "ffmpeg", "embedded"], "there is nothing plainer");
    }

    #[test]
    fn one_failure_is_forgiven_and_two_without_calm_are_not() {
        let mut fallback = fallback(Entropy::Auto);
        assert_eq!(fallback.failed(CodecErrorKind::Frame, at(0)), Verdict::Reopen);
        assert_eq!(fallback.failed(CodecErrorKind::Frame, at(2100)), Verdict::Reopen);
        assert_eq!(fallback.failed(CodecErrorKind::Frame, at(4000)), Verdict::GiveUp);
        fallback.give_up();
        assert_eq!(fallback.failed(CodecErrorKind::Frame, at(4000)), Verdict::Reopen, "the next one is new");
        assert_eq!(fallback.failed(CodecErrorKind::Fatal, at(9000)), Verdict::GiveUp, "broken is broken");
    }

    #[test]
    fn the_last_one_gets_more_chances() {
        let mut fallback = Fallback::new([&row("embedded", Provenance::Embedded)], Entropy::Cavlc);
        let verdicts: Vec<_> =
            (0..5).map(|index| fallback.failed(CodecErrorKind::Fatal, at(66 * index))).collect();
        assert_eq!(verdicts[..4], [Verdict::Reopen; 4]);
        assert_eq!(verdicts[4], Verdict::GiveUp);
        fallback.give_up();
        assert!(fallback.current().is_none());
    }

    /// When an encoder that writes `factors` of its target, one for each second, is given up, in ms.
    fn given_up(fallback: &mut Fallback, factors: &[f64]) -> Option<i64> {
        (0..factors.len() as i64 * 25).find_map(|index| {
            let bytes = 400.0 * 125.0 / 25.0 * factors[index as usize / 25];
            fallback.wrote(bytes as usize, at(index * 40), 400).map(|_| index * 40)
        })
    }

    #[test]
    fn three_seconds_of_too_much_are_too_much_and_bursts_are_not() {
        assert_eq!(given_up(&mut fallback(Entropy::Auto), &[1.0, 1.0, 1.6, 1.6, 1.6, 1.0]), Some(5000));
        assert_eq!(given_up(&mut fallback(Entropy::Auto), &[4.0, 4.0, 1.0, 4.0, 4.0, 1.0, 4.0]), None);
    }

    #[test]
    fn an_encoder_that_writes_too_much_stays_when_nothing_else_would_do_better() {
        let only = row("embedded", Provenance::Embedded);
        let flood = [4.0; 20];
        assert_eq!(given_up(&mut Fallback::new([&only], Entropy::Cavlc), &flood), None);
        assert_eq!(
            given_up(&mut Fallback::new([&only], Entropy::Auto), &flood),
            None,
            "may well be the same"
        );
        assert_eq!(given_up(&mut Fallback::new([&only], Entropy::Cabac), &flood), Some(3000));
    }

    proptest! {
        /// Whatever fails and however often, there is an end to it, and the order is kept.
        #[test]
        fn failures_lead_down_and_never_up(failures in prop::collection::vec((any::<bool>(), 0i64..3000), 0..100)) {
            let mut fallback = fallback(Entropy::Auto);
            let (mut pts, mut place) = (0, 0);
            for (fatal, wait) in failures {
                pts += wait;
                let kind = if fatal { CodecErrorKind::Fatal } else { CodecErrorKind::Frame };
                if fallback.current().is_some() && fallback.failed(kind, at(pts)) == Verdict::GiveUp {
                    fallback.give_up();
                    place += 1;
                }
                prop_assert_eq!(fallback.place, place);
                prop_assert_eq!(fallback.current().is_none(), place == 5);
            }
        }
    }
}
