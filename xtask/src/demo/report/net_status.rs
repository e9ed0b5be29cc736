//! Every field of the net status over time.

use super::{figure, legend};
use crate::demo::svg::{LineChart, Series};
use crate::demo::watch::{SessionLog, Who};
use live_core::NetStatus;

/// Whose values share a chart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Both,
    Pusher,
    Players,
}

/// A field by its name in JSON, with what it is in.
struct Field {
    name: &'static str,
    unit: &'static str,
    side: Side,
}

const fn field(name: &'static str, unit: &'static str, side: Side) -> Field {
    Field { name, unit, side }
}

const FIELDS: &[Field] = &[
    field("videoBitrate", "kbps", Side::Both),
    field("audioBitrate", "kbps", Side::Both),
    field("netSpeed", "kbps", Side::Both),
    field("videoFPS", "pictures/s", Side::Both),
    field("videoGOP", "s", Side::Both),
    field("netJitter", "ms", Side::Both),
    field("videoCache", "ms waiting", Side::Players),
    field("audioCache", "ms waiting", Side::Players),
    field("avOffset", "ms, sound ahead", Side::Players),
    field("videoCache", "frames waiting", Side::Pusher),
    field("audioCache", "frames waiting", Side::Pusher),
    field("rtt", "ms", Side::Both),
    field("videoWidth", "px", Side::Both),
    field("videoHeight", "px", Side::Both),
    field("droppedFrames", "pictures", Side::Both),
    field("netQualityLevel", "1 best, 6 worst", Side::Both),
];

impl Side {
    fn has(self, who: Who) -> bool {
        match self {
            Self::Both => true,
            Self::Pusher => who == Who::Pusher,
            Self::Players => who != Who::Pusher,
        }
    }
}

/// A chart for each field that was reported.
pub fn charts(logs: &[&SessionLog], seconds: f64) -> String {
    let charts = FIELDS.iter().filter_map(|field| {
        let series: Vec<Series> = logs
            .iter()
            .filter(|log| field.side.has(log.who))
            .map(|log| series(log, field.name))
            .filter(|series| !series.points.is_empty())
            .collect();
        if series.is_empty() {
            return None;
        }
        let chart = LineChart {
            title: field.name,
            unit: field.unit,
            series: &series,
            seconds,
            size: (340.0, 130.0),
            dots: true,
            band: None,
            from_zero: true,
        };
        let title = if field.side == Side::Pusher {
            format!("{}, pusher", field.name)
        } else {
            field.name.to_owned()
        };
        Some(figure(&title, field.unit, &chart.draw()))
    });
    let charts: String = charts.collect();
    format!("{}<div class=\"many\">{charts}</div>", legend(logs.iter().map(|log| log.who)))
}

/// The values of a field; empty when it was never told.
fn series(log: &SessionLog, name: &str) -> Series {
    let value = |status: &NetStatus| serde_json::to_value(status).ok()?.get(name)?.as_f64();
    let points =
        log.statuses.iter().filter_map(|(at, status)| Some((at.as_secs_f64(), value(status)?))).collect();
    Series { class: log.who.class(), name: log.who.name(), points }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    /// A status in which everything that can be told is told.
    fn full() -> NetStatus {
        let json = r#"{"netQualityLevel":1,"rtt":2.5,"avOffset":-3.0,"videoBitrate":500}"#;
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn every_field_of_the_net_status_has_a_chart() {
        let told = serde_json::to_value(full()).unwrap();
        for name in told.as_object().unwrap().keys() {
            assert!(FIELDS.iter().any(|field| field.name == name), "{name}");
        }
    }

    #[test]
    fn fields_that_nobody_tells_have_none() {
        let statuses = vec![(Duration::from_secs(1), NetStatus::default())];
        let log = SessionLog { who: Who::Pusher, entries: Vec::new(), statuses };
        let page = charts(&[&log], 10.0);
        assert!(page.contains("videoBitrate") && page.contains("videoCache, pusher"));
        assert!(!page.contains("rtt") && !page.contains("avOffset"));
    }
}
