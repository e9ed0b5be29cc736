//! What has to be true for the tour to have succeeded.

use super::eye::{Seen, Skin};
use super::run::Take;
use super::script::{Act, NARROW, SERVER_IS_DOWN, WIDE, place_of, span};
use crate::demo::criteria::{Criterion, ended_well};
use crate::demo::statistics::Summary;
use crate::demo::watch::Who;
use live_core::NetStatus;

/// An effect, or a change of the picture, may take so long to arrive at the viewer, seconds.
const ARRIVES: f64 = 1.5;
/// Beauty 9 has to take at least this share off the skin's detail; what compression leaves is little to begin with.
const SMOOTHED: f64 = 0.1;
/// Whiteness 9 has to brighten the skin by at least so much, code values.
const BRIGHTENED: f64 = 5.0;
/// The longest the viewer may wait for the next picture while nothing is wrong with the network, seconds.
const LONGEST_WAIT: f64 = 1.0;
/// How soon the bitrate has to follow, seconds.
const FOLLOWS: f64 = 5.0;
/// Pictures that may wait in the pusher once it has followed.
const MOST_WAITING: u32 = 10;
/// The bitrate has to come back to at least so many times what it was on the narrow uplink.
const RECOVERS: f64 = 1.5;
/// How soon after the server's return the viewer has to see new pictures, seconds.
const RETURNS: f64 = 8.0;

/// Everything that has to be true of `take`.
pub fn all(take: &Take) -> Vec<Criterion> {
    let mut list =
        vec![in_order(take), smoothed(take), brightened(take), waiting_image(take), unbroken(take)];
    list.extend([followed(take), nothing_waits(take), recovered(take), no_disconnect(take), returned(take)]);
    list.extend(take.failures.iter().map(|(who, failure)| ended_well(*who, failure.as_deref())));
    list
}

fn criterion(who: Who, passed: bool, found: String, wanted: impl Into<String>) -> Criterion {
    Criterion { who: Some(who), wanted: wanted.into(), found, passed }
}

/// Seconds since the demo began, from and to, of the chapter that begins with `act`; its first moments left out.
fn chapter(take: &Take, act: Act) -> (f64, f64) {
    let (from, to) = span(place_of(act));
    (take.at(from) + ARRIVES, take.at(to))
}

fn seen(take: &Take, (from, to): (f64, f64)) -> impl Iterator<Item = &Seen> {
    take.view.seen.iter().filter(move |seen| (from..to).contains(&seen.at.as_secs_f64()))
}

fn statuses(take: &Take, (from, to): (f64, f64)) -> impl Iterator<Item = &NetStatus> {
    let inside = move |at: f64| (from..to).contains(&at);
    take.pusher.statuses.iter().filter(move |(at, _)| inside(at.as_secs_f64())).map(|(_, status)| status)
}

/// When codes of the pusher fired in a span, seconds.
fn fired(take: &Take, code: i32, (from, to): (f64, f64)) -> impl Iterator<Item = f64> {
    let entries = take.pusher.entries.iter().filter(move |entry| entry.code == Some(code));
    entries.map(|entry| entry.at.as_secs_f64()).filter(move |at| (from..to).contains(at))
}

fn in_order(take: &Take) -> Criterion {
    let codes: Vec<i32> = take.pusher.codes().collect();
    let place = |wanted| codes.iter().position(|code| *code == wanted);
    let comes = |first, second| place(first).is_some() && place(first) < place(second);
    let passed = comes(1001, 1002) && comes(1003, 1007) && comes(1007, 1008);
    let found = if passed { "in order" } else { "not in order" };
    criterion(Who::Pusher, passed, found.to_owned(), "1001, 1002 and 1003, 1007, 1008 in order")
}

/// The median of something about the skin in a chapter.
fn skin(take: &Take, act: Act, value: impl Fn(&Skin) -> f64) -> Option<f64> {
    let values: Vec<f64> =
        seen(take, chapter(take, act)).filter_map(|seen| seen.skin.as_ref().map(&value)).collect();
    Summary::of(&values).map(|summary| summary.median)
}

const PLAIN: Act = Act::Effects { beauty: 0, whiteness: 0 };
const SMOOTH: Act = Act::Effects { beauty: 9, whiteness: 0 };
const BRIGHT: Act = Act::Effects { beauty: 9, whiteness: 9 };

fn smoothed(take: &Take) -> Criterion {
    let detail = |act| skin(take, act, |skin| skin.detail);
    let share = detail(PLAIN).zip(detail(SMOOTH)).map(|(plain, smooth)| 1.0 - smooth / plain.max(1e-9));
    let found =
        share.map_or_else(|| "no skin was seen".to_owned(), |share| format!("{:.0} % less", share * 100.0));
    let wanted = format!("beauty 9 takes {:.0} % off the skin's detail", SMOOTHED * 100.0);
    criterion(Who::Rtmp, share.is_some_and(|share| share >= SMOOTHED), found, wanted)
}

fn brightened(take: &Take) -> Criterion {
    let luma = |act| skin(take, act, |skin| skin.luma);
    let lift = luma(SMOOTH).zip(luma(BRIGHT)).map(|(before, after)| after - before);
    let found = lift.map_or_else(|| "no skin was seen".to_owned(), |lift| format!("{lift:+.0}"));
    let wanted = format!("whiteness 9 brightens the skin by {BRIGHTENED:.0} code values");
    criterion(Who::Rtmp, lift.is_some_and(|lift| lift >= BRIGHTENED), found, wanted)
}

fn waiting_image(take: &Take) -> Criterion {
    let without_strip = |act| {
        let all: Vec<&Seen> = seen(take, chapter(take, act)).collect();
        (all.iter().filter(|seen| seen.latency_ms.is_none()).count(), all.len())
    };
    let ((image, away), (image_after, back)) = (without_strip(Act::Pause), without_strip(Act::Resume));
    let passed = away >= 10 && image == away && back >= 10 && image_after * 20 <= back;
    let found = format!("{image} of {away} in the background, {image_after} of {back} after it");
    criterion(Who::Rtmp, passed, found, "the waiting image in the background, the camera after it")
}

fn unbroken(take: &Take) -> Criterion {
    let times: Vec<f64> = seen(take, (0.0, chapter(take, Act::Uplink(NARROW)).0 - ARRIVES))
        .map(|seen| seen.at.as_secs_f64())
        .collect();
    // The first picture is shown as a still until motion starts.
    let wait = times.windows(2).skip(1).map(|pair| pair[1] - pair[0]).fold(0.0, f64::max);
    let wanted = format!("at most {LONGEST_WAIT:.0} s between pictures, through the background and back");
    criterion(Who::Rtmp, times.len() > 100 && wait <= LONGEST_WAIT, format!("{wait:.2} s"), wanted)
}

fn followed(take: &Take) -> Criterion {
    let (from, _) = span(place_of(Act::Uplink(NARROW)));
    let from = take.at(from);
    let first = fired(take, 1006, (from, from + FOLLOWS)).next().map(|at| at - from);
    let found = first.map_or_else(|| "no 1006".to_owned(), |after| format!("1006 after {after:.1} s"));
    let wanted = format!("the bitrate falls within {FOLLOWS:.0} s of the uplink");
    criterion(Who::Pusher, first.is_some(), found, wanted)
}

/// The last seconds on the narrow uplink.
fn settled(take: &Take) -> (f64, f64) {
    let (_, to) = chapter(take, Act::Uplink(NARROW));
    (to - 5.0, to)
}

fn video_kbps(take: &Take, span: (f64, f64)) -> f64 {
    let values: Vec<f64> = statuses(take, span).map(|status| f64::from(status.video_bitrate)).collect();
    Summary::of(&values).map_or(0.0, |summary| summary.median)
}

fn nothing_waits(take: &Take) -> Criterion {
    let waiting = statuses(take, settled(take)).map(|status| status.video_cache).max();
    let kbps = video_kbps(take, settled(take));
    let passed = waiting.is_some_and(|waiting| waiting <= MOST_WAITING) && kbps <= f64::from(NARROW);
    let found = format!("{kbps:.0} kbit/s, {} pictures wait", waiting.unwrap_or_default());
    let wanted = format!("under {NARROW} kbit/s, and at most {MOST_WAITING} pictures wait");
    criterion(Who::Pusher, passed, found, wanted)
}

fn recovered(take: &Take) -> Criterion {
    let (_, to) = chapter(take, Act::Uplink(WIDE));
    let (narrow, wide) = (video_kbps(take, settled(take)), video_kbps(take, (to - 4.0, to)));
    let found = format!("from {narrow:.0} to {wide:.0} kbit/s");
    let wanted = format!("the bitrate climbs to {RECOVERS} times on the wide uplink");
    criterion(Who::Pusher, narrow > 0.0 && wide >= RECOVERS * narrow, found, wanted)
}

fn no_disconnect(take: &Take) -> Criterion {
    let (kill, _) = span(place_of(Act::Kill));
    let count = fired(take, 1102, (0.0, take.at(kill))).count();
    criterion(
        Who::Pusher,
        count == 0,
        format!("{count} times 1102"),
        "no disconnection before the server dies",
    )
}

fn returned(take: &Take) -> Criterion {
    let (kill, end) = span(place_of(Act::Kill));
    let (kill, end) = (take.at(kill), take.at(end));
    let back = kill + SERVER_IS_DOWN.as_secs_f64();
    let codes = [1102, 1001, 1002].map(|code| fired(take, code, (kill, end)).last());
    let in_order = codes.iter().all(Option::is_some) && codes.windows(2).all(|pair| pair[0] <= pair[1]);
    let shown = seen(take, (back, end)).map(|seen| seen.at.as_secs_f64() - back).next();
    let found = match (in_order, shown) {
        (true, Some(after)) => format!("published again, a picture {after:.1} s after the return"),
        (true, None) => "published again, but no picture was shown".to_owned(),
        _ => "not published again".to_owned(),
    };
    let wanted = format!("1102, 1001, 1002, and a picture {RETURNS:.0} s after the server's return");
    criterion(Who::Rtmp, in_order && shown.is_some_and(|after| after <= RETURNS), found, wanted)
}
