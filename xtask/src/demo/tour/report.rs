//! The tour's page, which needs nothing else.

use super::eye::Seen;
use super::run::Take;
use super::script::{Act, CHAPTERS, END, NARROW, SERVER_IS_DOWN, WIDE, span};
use crate::demo::criteria::Criterion;
use crate::demo::report::{STYLE, criteria_table, details, lane, section};
use crate::demo::svg::{Lane, Part, Picture, Rows, Series, Storyboard, escape, timeline};
use crate::demo::watch::SessionLog;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use live_core::NetStatus;
use live_player::sink::png;
use std::fmt::Write as _;
use std::time::Duration;

/// Fires with every change; one label tells enough for so long, in seconds.
const BITRATE_CHANGED: &str = "1006";
const QUIET: f64 = 6.0;
/// More of a latency is off the chart, ms.
const MOST_LATENCY: f64 = 6000.0;

/// The page about `take`.
pub fn page(take: &Take, criteria: &[Criterion]) -> String {
    let pictures: Vec<Picture> =
        take.view.samples.iter().filter_map(|(at, frame)| picture(*at, frame)).collect();
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <title>live tour</title><style>\n{STYLE}</style></head><body><main>\n"
    );
    page += &header(take, criteria);
    page += &section(
        "The tour",
        "One session from left to right. Above, what a viewer saw in each chapter; below it, at the same moments: what \
         the uplink could carry and what the encoder made of that, in bitrate and in size; how old pictures were when the viewer saw them; how \
         bright and how rough the skin in the portrait was; and every code as it fired. Point at pictures and dots for \
         particulars.",
        &format!("{}{}", storyboard(take, &pictures), codes(take)),
    );
    page += &section("What had to be true", "", &criteria_table(criteria));
    page += &section(
        "The pictures, larger",
        "As the viewer's sink got them, three and a half seconds into each chapter.",
        &shots(take, &pictures),
    );
    page += &section("Everything that was told", "", &details(&[&take.pusher, &take.player]));
    let _ = write!(
        page,
        "<footer>live {} · the tour took {:.1} s</footer>\n</main></body></html>\n",
        env!("CARGO_PKG_VERSION"),
        take.took.as_secs_f64()
    );
    page
}

fn header(take: &Take, criteria: &[Criterion]) -> String {
    let failed = criteria.iter().filter(|criterion| !criterion.passed).count();
    let (class, verdict) = match failed {
        0 => ("good", format!("✓ all {} criteria passed", criteria.len())),
        failed => ("bad", format!("✗ {failed} of {} criteria failed", criteria.len())),
    };
    format!(
        "<header><h1>A tour of the pusher</h1><span class=\"badge {class}\">{verdict}</span>\
         <p>{} in the test pattern, pushed over RTMP through an uplink of {WIDE} kbit/s that shrinks to {NARROW} and \
         recovers, to the embedded relay, which is killed and returns after {:.1} s. Skin is smoothed and brightened \
         while it runs, and the application goes into the background and comes back. Everything runs in one process \
         on one machine.</p></header>\
         <div class=\"path\"><b>camera</b>→<b>effects</b>→<b>H.264 + AAC</b>→<b>RTMP</b>→<b>uplink, {WIDE} or {NARROW} kbit/s</b>→\
         <b>relay</b>→<b>viewer</b></div>\n",
        escape(&capitalised(take.subject)),
        SERVER_IS_DOWN.as_secs_f64()
    )
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn picture(at: Duration, frame: &live_core::VideoFrame) -> Option<Picture> {
    let file = png::encode(frame).ok()?;
    let size = (frame.width(), frame.height());
    let at = at.as_secs_f64();
    let tip = format!("{}×{} at {at:.1} s", size.0, size.1);
    Some(Picture { at, size, href: format!("data:image/png;base64,{}", STANDARD.encode(file)), tip })
}

/// Seconds since the demo began until the end of the tour.
fn seconds(take: &Take) -> f64 {
    take.at(END as f64)
}

fn storyboard(take: &Take, pictures: &[Picture]) -> String {
    let parts: Vec<Part> = CHAPTERS
        .iter()
        .enumerate()
        .map(|(place, chapter)| {
            let (from, to) = span(place);
            Part { title: chapter.title, from: take.at(from), to: take.at(to) }
        })
        .collect();
    let rows = [bitrate(take), size(take), latency(take), skin(take)];
    Storyboard { seconds: seconds(take), parts: &parts, pictures, rows: &rows }.draw()
}

fn bitrate(take: &Take) -> Rows {
    let of = |value: fn(&NetStatus) -> u32| {
        let statuses = take.pusher.statuses.iter();
        statuses.map(|(at, status)| (at.as_secs_f64(), f64::from(value(status)))).collect()
    };
    let encoded =
        Series { class: "pusher", name: "video encoded", points: of(|status| status.video_bitrate) };
    let sent = Series { class: "sent", name: "sent", points: of(|status| status.net_speed) };
    let series = vec![capacity(take), sent, encoded];
    Rows { title: "Bitrate", unit: "kbit/s", series, most: Some(1500.0) }
}

/// What the uplink carries, as steps.
fn capacity(take: &Take) -> Series {
    let mut points = Vec::new();
    let mut kbps = WIDE;
    let mut from = 0.0;
    let changes = CHAPTERS.iter().filter_map(|chapter| match chapter.act {
        Act::Uplink(kbps) => Some((take.at(chapter.at as f64), kbps)),
        _ => None,
    });
    for (at, next) in changes.chain([(seconds(take), 0)]) {
        // Close enough together to be one line.
        let steps = ((at - from) as usize).max(1);
        points.extend(
            (0..=steps).map(|step| (from + (at - from) * step as f64 / steps as f64, f64::from(kbps))),
        );
        (from, kbps) = (at, next);
    }
    Series { class: "capacity", name: "uplink", points }
}

fn seen(take: &Take, value: impl Fn(&Seen) -> Option<f64>) -> Vec<(f64, f64)> {
    take.view.seen.iter().filter_map(|seen| Some((seen.at.as_secs_f64(), value(seen)?))).collect()
}

fn size(take: &Take) -> Rows {
    let points = seen(take, |seen| Some(f64::from(seen.size.1)));
    let series = vec![Series { class: "rtmp", name: "height", points }];
    Rows { title: "Picture", unit: "pixels", series, most: None }
}

fn latency(take: &Take) -> Rows {
    let points = seen(take, |seen| seen.latency_ms);
    let series = vec![Series { class: "rtmp", name: "viewer", points }];
    Rows { title: "Latency", unit: "ms", series, most: Some(MOST_LATENCY) }
}

/// Brightness and detail of the skin, as shares of what they are at first.
fn skin(take: &Take) -> Rows {
    let share = |value: fn(&super::eye::Skin) -> f64| {
        let points = seen(take, |seen| seen.skin.as_ref().map(value));
        let early: Vec<f64> = points.iter().take(100).map(|point| point.1).collect();
        let first = early.iter().sum::<f64>() / early.len().max(1) as f64;
        points.into_iter().map(|(at, value)| (at, value / first.max(1e-9) * 100.0)).collect()
    };
    let luma = Series { class: "bright", name: "brightness", points: share(|skin| skin.luma) };
    let detail = Series { class: "http", name: "detail", points: share(|skin| skin.detail) };
    Rows { title: "Skin", unit: "% of plain", series: vec![luma, detail], most: Some(200.0) }
}

fn codes(take: &Take) -> String {
    let end = seconds(take);
    let lanes = [&take.pusher, &take.player].map(|log| labelled(log, end));
    timeline(&lanes, end)
}

/// The codes of a session; what fires again and again is labelled now and then.
fn labelled(log: &SessionLog, end: f64) -> Lane {
    let mut lane = lane(log, 0.0, end);
    let mut last = f64::NEG_INFINITY;
    for event in lane.events.iter_mut().filter(|event| event.label.starts_with(BITRATE_CHANGED)) {
        if event.at - last < QUIET {
            event.label.clear();
        } else {
            last = event.at;
        }
    }
    lane
}

fn shots(take: &Take, pictures: &[Picture]) -> String {
    let shots = pictures.iter().map(|picture| {
        let title = CHAPTERS.iter().rfind(|chapter| take.at(chapter.at as f64) <= picture.at);
        let caption = format!("{}: {}", title.map_or("", |chapter| chapter.title), picture.tip);
        format!(
            "<figure><img width=\"{}\" height=\"{}\" alt=\"{caption}\" src=\"{}\"><figcaption>{caption}</figcaption></figure>",
            picture.size.0, picture.size.1, picture.href
        )
    });
    format!("<div class=\"shots\">{}</div>", shots.collect::<String>())
}
