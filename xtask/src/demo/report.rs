//! The report: one page that needs nothing else.

mod charts;
mod net_status;
mod shots;

use super::console::whose;
use super::criteria::Criterion;
use super::run::{Playback, Take};
use super::statistics::Summary;
use super::svg::{Event, Lane, escape, round_step, timeline};
use super::watch::{Entry, SessionLog, Who};
use live_core::Severity;
use std::fmt::Write as _;

/// The look of the pages.
pub const STYLE: &str = include_str!("report.css");
/// A code that comes once a second and needs no label.
const PROGRESS: i32 = 2005;
/// The first picture is shown, or motion resumes.
const STARTED: i32 = 2004;

/// The page about `take`.
pub fn page(take: &Take, criteria: &[Criterion]) -> String {
    let logs = logs(take);
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <title>live demo</title><style>\n{STYLE}</style></head><body><main>\n"
    );
    page += &header(take, criteria);
    page += &tiles(take);
    page += &section("What had to be true", "", &criteria_table(criteria));
    page += &section(
        "State codes",
        "Every code as it fired, from the moment the demo began: first until both players show a picture, then the \
         whole run. Small dots without a label in the players' lanes are 2005, the playback position. Point at a dot \
         for its particulars.",
        &codes(&logs, take.took.as_secs_f64()),
    );
    if take.pattern.is_some() {
        page += &section(
            "Latency",
            "From the moment a picture was captured, which is written into the strip along its upper edge, to the \
             moment the player's sink got it. The first picture is not counted: it is shown as a still, ahead of its \
             time.",
            &charts::latency(take),
        );
        page += &section(
            "Sound, picture and likeness",
            "The pattern flashes when the tone beeps, at every whole second. Positive: the sound is ahead. The shaded \
             range is what people do not notice (ITU-R BT.1359). Likeness is the PSNR of every picture shown against \
             the pattern drawn again for its number.",
            &charts::sync_and_likeness(take),
        );
    }
    page += &section(
        "Net status",
        "Each field as the sessions report it, once a second.",
        &net_status::charts(&logs, take.took.as_secs_f64()),
    );
    page += &section("Pictures as the players showed them", "", &shots::all(take));
    let _ = write!(
        page,
        "<footer>live {} · played for {} s · the demo took {:.1} s</footer>\n</main></body></html>\n",
        env!("CARGO_PKG_VERSION"),
        take.playing.as_secs(),
        take.took.as_secs_f64()
    );
    page
}

fn logs(take: &Take) -> Vec<&SessionLog> {
    std::iter::once(&take.pusher).chain(take.players.iter().map(|player| &player.log)).collect()
}

/// A part of a page.
pub fn section(title: &str, text: &str, content: &str) -> String {
    let text = if text.is_empty() { String::new() } else { format!("<p>{}</p>", escape(text)) };
    format!("<section><h2>{}</h2>{text}{content}</section>\n", escape(title))
}

/// The colours of some sessions.
fn legend(sessions: impl IntoIterator<Item = Who>) -> String {
    let keys = sessions
        .into_iter()
        .map(|who| format!("<span><i class=\"key {}\"></i>{}</span>", who.class(), who.name()));
    format!("<div class=\"legend\">{}</div>", keys.collect::<String>())
}

/// A chart with its caption.
fn figure(title: &str, note: &str, chart: &str) -> String {
    format!(
        "<figure><figcaption><h3>{}</h3><span>{}</span></figcaption>{chart}</figure>",
        escape(title),
        escape(note)
    )
}

fn header(take: &Take, criteria: &[Criterion]) -> String {
    let failed = criteria.iter().filter(|criterion| !criterion.passed).count();
    let (class, verdict) = match failed {
        0 => ("good", format!("✓ all {} criteria passed", criteria.len())),
        failed => ("bad", format!("✗ {failed} of {} criteria failed", criteria.len())),
    };
    let size = take.players.iter().find_map(|player| player.log.statuses.last()).map(|(_, status)| *status);
    let size = size.map_or_else(String::new, |status| {
        format!(", {}×{} pixels", status.video_width, status.video_height)
    });
    format!(
        "<header><h1>A live stream, end to end</h1><span class=\"badge {class}\">{verdict}</span>\
         <p>{subject} pushed over RTMP to the embedded relay{size}, and played over RTMP and HTTP-FLV at the same \
         time, in one process on one machine.</p></header>\
         <div class=\"path\"><b>{subject}</b>→<b>H.264 + AAC</b>→<b>RTMP</b>→<b>relay</b>→<b>RTMP · HTTP-FLV</b>→\
         <b>decoders</b>→<b>sinks</b></div>\n",
        subject = escape(&take.subject),
    )
}

/// The figures people look for first.
fn tiles(take: &Take) -> String {
    let mut tiles = String::new();
    let mut tile = |title: &str, value: &dyn Fn(&Playback) -> Option<(String, String)>| {
        let rows = take.players.iter().map(|player| {
            let (value, note) = value(player).unwrap_or_else(|| ("–".to_owned(), String::new()));
            let (class, name) = (player.log.who.class(), player.log.who.name());
            format!(
                "<div title=\"{name}\"><i class=\"key {class}\"></i><strong>{}</strong>{}</div>",
                escape(&value),
                escape(&note)
            )
        });
        let rows = rows.collect::<String>();
        let _ = write!(tiles, "<div class=\"tile\"><h3>{}</h3>{rows}</div>", escape(title));
    };
    if take.pattern.is_some() {
        tile("Latency, median", &|player| {
            let summary = Summary::of(&charts::latencies(player))?;
            Some((format!("{:.0} ms", summary.median), format!("p95 {:.0} ms", summary.p95)))
        });
        tile("Sound ahead of picture", &|player| {
            let offsets = take.offsets(&player.pictures, &player.sound);
            let values: Vec<f64> = offsets.iter().map(|offset| offset.ms).collect();
            let summary = Summary::of(&values)?;
            Some((
                format!("{:+.1} ms", summary.median),
                format!("{:+.1} to {:+.1}", summary.min, summary.max),
            ))
        });
        tile("Likeness (PSNR-Y), median", &|player| {
            let values: Vec<f64> = player.readings().map(|reading| reading.psnr_y).collect();
            let summary = Summary::of(&values)?;
            Some((format!("{:.1} dB", summary.median), format!("least {:.1} dB", summary.min)))
        });
    }
    tile("Pictures shown", &|player| {
        let count = player.pictures.records.len();
        Some((count.to_string(), format!("in {} s", take.playing.as_secs())))
    });
    format!(
        "<div class=\"tiles\">{tiles}</div><div class=\"legend\" style=\"margin:10px 2px 0\">{}</div>\n",
        legend(take.players.iter().map(|player| player.log.who))
    )
}

/// What had to be true, and what was.
pub fn criteria_table(criteria: &[Criterion]) -> String {
    let rows = criteria.iter().map(|criterion| {
        let (class, verdict) = if criterion.passed { ("good", "✓ passed") } else { ("bad", "✗ failed") };
        format!(
            "<tr><td class=\"result {class}\">{verdict}</td><td class=\"who\">{}</td><td>{}</td>\
             <td class=\"detail\">{}</td></tr>",
            whose(criterion.who),
            escape(&criterion.found),
            escape(&criterion.wanted)
        )
    });
    format!(
        "<table><tr><th>Result</th><th>Whose</th><th>Found</th><th>Wanted</th></tr>{}</table>",
        rows.collect::<String>()
    )
}

/// What fired when: the beginning, where most codes are, and all of it.
fn codes(logs: &[&SessionLog], seconds: f64) -> String {
    let beginning = round_step(beginning(logs).unwrap_or(seconds) * 1.2).min(seconds);
    let first: Vec<Lane> = logs.iter().map(|log| lane(log, 0.0, beginning)).collect();
    let all: Vec<Lane> = logs.iter().map(|log| lane(log, beginning, seconds)).collect();
    format!(
        "{}<div style=\"margin-top:22px\">{}</div>{}",
        figure("The beginning", "", &timeline(&first, beginning)),
        figure("The whole run", "", &timeline(&all, seconds)),
        details(logs)
    )
}

/// When the last player showed its first picture, in seconds.
fn beginning(logs: &[&SessionLog]) -> Option<f64> {
    let first = |log: &&SessionLog| {
        let entry = log.entries.iter().find(|entry| entry.code == Some(STARTED))?;
        Some(entry.at.as_secs_f64())
    };
    logs.iter().filter_map(first).reduce(f64::max)
}

/// The codes of a session until `end`, with labels from `labelled` on.
pub fn lane(log: &SessionLog, labelled: f64, end: f64) -> Lane {
    let event = |entry: &Entry| {
        let (code, at) = (entry.code?, entry.at.as_secs_f64());
        let is_labelled = code != PROGRESS && at >= labelled;
        let label = if is_labelled { format!("{code} {}", shortened(&entry.text)) } else { String::new() };
        let tip = format!("{code} {} {} (at {at:.3} s)", entry.text, entry.detail);
        (at <= end).then(|| Event { at, label, tip, class: severity_class(entry.severity) })
    };
    Lane {
        name: log.who.name(),
        class: log.who.class(),
        events: log.entries.iter().filter_map(event).collect(),
    }
}

/// A code's text, no longer than a lane can show.
fn shortened(text: &str) -> String {
    const MOST: usize = 60;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn severity_class(severity: Severity) -> Option<&'static str> {
    match severity {
        Severity::Info => None,
        Severity::Warning => Some("warning"),
        Severity::Error | Severity::Fatal => Some("error"),
    }
}

/// Everything that was told, to be unfolded.
pub fn details(logs: &[&SessionLog]) -> String {
    let mut all: Vec<(Who, &Entry)> =
        logs.iter().flat_map(|log| log.entries.iter().map(|entry| (log.who, entry))).collect();
    all.sort_by_key(|(_, entry)| entry.at);
    let rows = all.iter().map(|(who, entry)| {
        format!(
            "<tr class=\"{}\"><td class=\"number\">{:.3} s</td><td class=\"who\"><i class=\"key {}\"></i> {}</td>\
             <td class=\"number\">{}</td><td>{}</td><td class=\"detail\">{}</td></tr>",
            severity_class(entry.severity).unwrap_or_default(),
            entry.at.as_secs_f64(),
            who.class(),
            who.name(),
            entry.code.map_or_else(|| "–".to_owned(), |code| code.to_string()),
            escape(&entry.text),
            escape(&entry.detail)
        )
    });
    format!(
        "<details><summary>All {} events with their particulars</summary><table><tr><th>Time</th><th>Whose</th>\
         <th>Code</th><th>Says</th><th>Particulars</th></tr>{}</table></details>",
        all.len(),
        rows.collect::<String>()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::pictures::{PictureLog, Reading, Record, Sample};
    use crate::demo::sound::SoundLog;
    use live_capture::pattern::PatternSpec;
    use live_core::{Color, NetStatus, PicturePool, Timestamp, VideoFrame};
    use std::time::{Duration, Instant};

    fn session(who: Who) -> SessionLog {
        let entry = Entry {
            at: Duration::from_millis(90),
            code: Some(STARTED),
            text: "playback started".to_owned(),
            detail: String::new(),
            severity: Severity::Info,
        };
        SessionLog {
            who,
            entries: vec![entry],
            statuses: vec![(Duration::from_secs(1), NetStatus::default())],
        }
    }

    /// A demo of one picture, or of none.
    fn take(pictures: PictureLog) -> Take {
        let player = Playback { log: session(Who::Rtmp), pictures, sound: SoundLog::default() };
        Take {
            subject: "Test pattern".to_owned(),
            pattern: Some(PatternSpec::new(64, 64, 25)),
            fps: 25.0,
            playing: Duration::from_secs(3),
            pusher: session(Who::Pusher),
            players: vec![player],
            failures: Vec::new(),
            began: Instant::now(),
            took: Duration::from_secs(4),
        }
    }

    #[test]
    fn the_page_needs_nothing_else_and_has_everything() {
        let reading = Reading { frame: 7, latency_ms: 251.0, psnr_y: 44.0, psnr_yuv: 45.0, flash: false };
        let record = Record { at: Duration::from_secs(1), pts: Timestamp::ZERO, read: Some(reading) };
        let frame = VideoFrame::new(Timestamp::ZERO, Color::BT601, PicturePool::new().black(64, 64));
        let pictures =
            PictureLog { records: vec![record; 2], samples: vec![Sample { frame, record }], passed_over: 0 };
        let page = page(&take(pictures), &[]);
        for foreign in ["http://", "https://", "<script", "<link", "url("] {
            assert!(!page.contains(foreign), "{foreign}");
        }
        for part in
            ["2004 playback started", "median 251 ms", "videoFPS", "data:image/png;base64,", "44.0 dB"]
        {
            assert!(page.contains(part), "{part}");
        }
    }

    #[test]
    fn a_demo_without_pictures_still_has_a_report() {
        assert!(page(&take(PictureLog::default()), &[]).ends_with("</html>\n"));
    }

    #[test]
    fn long_texts_are_shortened_at_a_letter() {
        assert_eq!(shortened("pulling"), "pulling");
        let long = "网".repeat(80);
        assert_eq!(shortened(&long).chars().count(), 61);
    }

    #[test]
    fn what_sessions_say_cannot_become_markup() {
        let criterion =
            Criterion { who: None, wanted: "<script>".to_owned(), found: "a & b".to_owned(), passed: false };
        let table = criteria_table(&[criterion]);
        assert!(
            table.contains("&lt;script&gt;") && table.contains("a &amp; b") && table.contains("✗ failed")
        );
    }
}
