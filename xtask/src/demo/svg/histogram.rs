//! How often which values were measured.

use super::{Drawing, Scale, shown, tick_labels};
use crate::demo::statistics::Histogram;

const LEFT: f64 = 46.0;
const RIGHT: f64 = 10.0;
/// Room for the markers' labels.
const TOP: f64 = 26.0;
const BOTTOM: f64 = 22.0;
/// Between two bars.
const GAP: f64 = 1.5;

/// A value worth pointing out.
#[derive(Clone, Copy, Debug)]
pub struct Marker<'a> {
    /// Where.
    pub value: f64,
    /// What it is.
    pub name: &'a str,
}

/// Bars over intervals.
#[derive(Clone, Copy, Debug)]
pub struct HistogramChart<'a> {
    /// What was measured.
    pub title: &'a str,
    /// In what.
    pub unit: &'a str,
    /// The bars' class in the style sheet.
    pub class: &'a str,
    /// The bars.
    pub histogram: &'a Histogram,
    /// Two values in rising order: the first is labelled on its left, the second on its right.
    pub markers: [Marker<'a>; 2],
    /// Width and height in user units.
    pub size: (f64, f64),
}

impl HistogramChart<'_> {
    /// Draws it.
    pub fn draw(&self) -> String {
        let (width, height) = self.size;
        let Histogram { start, width: interval, ref counts } = *self.histogram;
        let end = start + interval * counts.len() as f64;
        let most = counts.iter().copied().max().unwrap_or(0).max(1);
        let across = Scale::new((start, end), (LEFT, width - RIGHT));
        let up = Scale::new((0.0, most as f64), (height - BOTTOM, TOP));
        let mut drawing = Drawing::new(width, height, &format!("{} as a histogram", self.title));
        let ticks = up.ticks(3);
        for (tick, label) in ticks.iter().zip(tick_labels(&ticks)) {
            drawing.line("grid", [LEFT, up.at(*tick)], [width - RIGHT, up.at(*tick)]);
            drawing.label("tick", "end", [LEFT - 6.0, up.at(*tick) + 3.5], &label);
        }
        for (index, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
            let from = start + interval * index as f64;
            let (left, right, top) = (across.at(from), across.at(from + interval), up.at(*count as f64));
            drawing.add(format_args!(
                "<rect class=\"bar {}\" x=\"{:.1}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"{:.1}\" rx=\"1.5\">\
                 <title>{count} from {} to {} {}</title></rect>",
                self.class,
                left + GAP / 2.0,
                (right - left - GAP).max(0.5),
                height - BOTTOM - top,
                shown(from, interval),
                shown(from + interval, interval),
                self.unit,
            ));
        }
        let ticks = across.ticks(8);
        for (tick, label) in ticks.iter().zip(tick_labels(&ticks)) {
            let text = format!("{label} {}", self.unit);
            drawing.label("tick", "middle", [across.at(*tick), height - 6.0], &text);
        }
        for (marker, (anchor, shift)) in self.markers.iter().zip([("end", -5.0), ("start", 5.0)]) {
            let x = across.at(marker.value);
            drawing.line("marker", [x, 6.0], [x, height - BOTTOM]);
            let text = format!("{} {:.0} {}", marker.name, marker.value, self.unit);
            drawing.label("marker-label", anchor, [x + shift, 15.0], &text);
        }
        drawing.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_a_bar_for_each_interval_that_has_something() {
        let histogram = Histogram { start: 200.0, width: 10.0, counts: vec![3, 0, 5, 1] };
        let markers = [Marker { value: 221.0, name: "median" }, Marker { value: 231.0, name: "p95" }];
        let chart = HistogramChart {
            title: "latency",
            unit: "ms",
            class: "rtmp",
            histogram: &histogram,
            markers,
            size: (400.0, 120.0),
        };
        let svg = chart.draw();
        assert_eq!(svg.matches("class=\"bar rtmp\"").count(), 3);
        assert!(svg.contains("5 from 220 to 230 ms") && svg.contains("median 221 ms"));
    }
}
