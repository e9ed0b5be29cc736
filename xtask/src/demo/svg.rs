//! Charts as SVG text, coloured by the page's style sheet.

mod histogram;
mod line;
mod storyboard;
mod timeline;

pub use histogram::{HistogramChart, Marker};
pub use line::{Band, LineChart, Series};
pub use storyboard::{Part, Picture, Rows, Storyboard};
pub use timeline::{Event, Lane, timeline};

use std::fmt::{self, Write as _};

/// An SVG under construction.
struct Drawing {
    text: String,
}

impl Drawing {
    /// An empty drawing of this size, in user units; `label` says what it shows to those who cannot see it.
    fn new(width: f64, height: f64, label: &str) -> Self {
        let mut drawing = Self { text: String::new() };
        drawing.add(format_args!(
            "<svg viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{}\">",
            escape(label)
        ));
        drawing
    }

    fn add(&mut self, markup: fmt::Arguments<'_>) {
        // Writing to a string cannot fail.
        let _ = self.text.write_fmt(markup);
    }

    fn line(&mut self, class: &str, [x1, y1]: [f64; 2], [x2, y2]: [f64; 2]) {
        self.add(format_args!(
            "<line class=\"{class}\" x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\"/>"
        ));
    }

    /// Text whose anchor (`start`, `middle`, `end`) is at a point.
    fn label(&mut self, class: &str, anchor: &str, [x, y]: [f64; 2], text: &str) {
        self.add(format_args!(
            "<text class=\"{class}\" text-anchor=\"{anchor}\" x=\"{x:.1}\" y=\"{y:.1}\">{}</text>",
            escape(text)
        ));
    }

    /// A dot that says `tip` when pointed at.
    fn dot(&mut self, class: &str, [x, y]: [f64; 2], radius: f64, tip: &str) {
        self.add(format_args!(
            "<circle class=\"{class}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius}\"><title>{}</title></circle>",
            escape(tip)
        ));
    }

    fn finish(mut self) -> String {
        self.text += "</svg>";
        self.text
    }
}

/// `text` as content or attribute value of HTML and SVG.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// From values to positions.
#[derive(Clone, Copy, Debug)]
struct Scale {
    values: (f64, f64),
    positions: (f64, f64),
}

impl Scale {
    /// A scale from a range of values, which may be empty, to positions.
    fn new((low, high): (f64, f64), positions: (f64, f64)) -> Self {
        let high = if high > low { high } else { low + 1.0 };
        Self { values: (low, high), positions }
    }

    fn at(&self, value: f64) -> f64 {
        let share = (value - self.values.0) / (self.values.1 - self.values.0);
        self.positions.0 + share * (self.positions.1 - self.positions.0)
    }

    /// Round values in the range, `most` at most and two at least.
    fn ticks(&self, most: usize) -> Vec<f64> {
        let (low, high) = self.values;
        let step = round_step((high - low) / most.max(2) as f64);
        let first = (low / step).ceil() as i64;
        (first..).map(|index| index as f64 * step).take_while(|tick| *tick <= high + step * 1e-6).collect()
    }
}

/// The smallest of 1, 2, 5, 10, 20, 50 and so on that is not below `least`.
pub fn round_step(least: f64) -> f64 {
    let power = 10_f64.powf(least.max(1e-9).log10().floor());
    // The tolerance keeps 0.2 a 0.2 after it was divided and multiplied.
    [1.0, 2.0, 5.0, 10.0]
        .map(|factor| factor * power)
        .into_iter()
        .find(|step| *step >= least * (1.0 - 1e-9))
        .unwrap_or(power)
}

/// A value with as many decimals as it needs beside its neighbours, which are `step` away.
fn shown(value: f64, step: f64) -> String {
    let decimals = (-step.max(1e-9).log10().floor()).clamp(0.0, 4.0) as usize;
    // No minus before zero.
    let value = if value.abs() < step * 1e-6 { 0.0 } else { value };
    format!("{value:.decimals$}")
}

/// The labels of some ticks.
fn tick_labels(ticks: &[f64]) -> Vec<String> {
    let step = ticks.windows(2).map(|pair| pair[1] - pair[0]).fold(f64::INFINITY, f64::min);
    ticks.iter().map(|tick| shown(*tick, if step.is_finite() { step } else { 1.0 })).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_in_text_is_text() {
        assert_eq!(escape("<b a=\"1\"> & c"), "&lt;b a=&quot;1&quot;&gt; &amp; c");
    }

    #[test]
    fn ticks_are_round_and_inside() {
        let ticks = |low, high, most| Scale::new((low, high), (0.0, 1.0)).ticks(most);
        assert_eq!(ticks(0.0, 12.3, 6), [0.0, 5.0, 10.0]);
        assert_eq!(ticks(-30.0, 45.0, 5), [-20.0, 0.0, 20.0, 40.0]);
        assert_eq!(tick_labels(&ticks(0.0, 1.0, 5)), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(ticks(7.0, 7.0, 2).len(), 3, "an empty range is made one wide");
    }

    #[test]
    fn steps_are_one_two_or_five() {
        for (least, step) in [(0.3, 0.5), (1.0, 1.0), (2.1, 5.0), (7.0, 10.0), (130.0, 200.0)] {
            assert!((round_step(least) - step).abs() < 1e-9, "{least}");
        }
    }

    #[test]
    fn scales_map_linearly_and_may_run_backwards() {
        let scale = Scale::new((10.0, 20.0), (100.0, 0.0));
        assert_eq!([10.0, 15.0, 20.0].map(|value| scale.at(value)), [100.0, 50.0, 0.0]);
    }
}
