//! Chapters, pictures and charts over one time.

use super::line::Series;
use super::{Drawing, Scale, escape, tick_labels};
use std::fmt::Write as _;

/// The same as the timeline's, so that one lies below the other.
const WIDTH: f64 = 1060.0;
const LEFT: f64 = 130.0;
const RIGHT: f64 = 14.0;
/// Two rows of titles.
const TITLES: f64 = 38.0;
const PICTURES: f64 = 104.0;
const CHART: f64 = 118.0;
const GAP: f64 = 16.0;
const AXIS: f64 = 24.0;

/// A part of the time.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    /// What it is called.
    pub title: &'static str,
    /// When it begins, in seconds.
    pub from: f64,
    /// When it ends, in seconds.
    pub to: f64,
}

/// A picture at its moment.
#[derive(Clone, Debug)]
pub struct Picture {
    /// When, in seconds.
    pub at: f64,
    /// Width and height.
    pub size: (u32, u32),
    /// The picture itself, as an address.
    pub href: String,
    /// What it says when pointed at.
    pub tip: String,
}

/// Lines that share an axis.
#[derive(Clone, Debug)]
pub struct Rows {
    /// What is shown, at the left.
    pub title: &'static str,
    /// What the values are in.
    pub unit: &'static str,
    /// The lines.
    pub series: Vec<Series>,
    /// The axis ends here; values beyond lie on the edge.
    pub most: Option<f64>,
}

/// All of it over `seconds`.
#[derive(Clone, Debug)]
pub struct Storyboard<'a> {
    /// Seconds shown.
    pub seconds: f64,
    /// The parts of the time, in order.
    pub parts: &'a [Part],
    /// Pictures, in order.
    pub pictures: &'a [Picture],
    /// Charts below each other.
    pub rows: &'a [Rows],
}

impl Storyboard<'_> {
    /// Draws it.
    pub fn draw(&self) -> String {
        let charts = self.rows.len() as f64 * (CHART + GAP);
        let height = TITLES + PICTURES + GAP + charts + AXIS;
        let bottom = height - AXIS;
        let time = Scale::new((0.0, self.seconds), (LEFT, WIDTH - RIGHT));
        let mut drawing = Drawing::new(WIDTH, height, "The tour over time");
        for (index, part) in self.parts.iter().enumerate() {
            self.draw_part(&mut drawing, index, part, time, bottom);
        }
        drawing.label("lane", "start", [0.0, TITLES + 14.0], "The viewer sees");
        for picture in self.pictures {
            draw_picture(&mut drawing, picture, time);
        }
        let mut top = TITLES + PICTURES + GAP;
        for rows in self.rows {
            draw_rows(&mut drawing, rows, time, top);
            top += CHART + GAP;
        }
        let ticks = time.ticks(16);
        for (tick, label) in ticks.iter().zip(tick_labels(&ticks)) {
            drawing.label("tick", "middle", [time.at(*tick), height - 8.0], &format!("{label} s"));
        }
        drawing.finish()
    }

    fn draw_part(&self, drawing: &mut Drawing, index: usize, part: &Part, time: Scale, bottom: f64) {
        let (left, right) = (time.at(part.from), time.at(part.to));
        let is_even = index.is_multiple_of(2);
        let class = if is_even { "part" } else { "part odd" };
        drawing.add(format_args!(
            "<rect class=\"{class}\" x=\"{left:.1}\" y=\"0\" width=\"{:.1}\" height=\"{bottom:.1}\"/>",
            right - left
        ));
        // Neighbours need not share a line.
        let y = if is_even { 13.0 } else { 29.0 };
        drawing.label("code", "start", [left + 3.0, y], part.title);
    }
}

fn draw_picture(drawing: &mut Drawing, picture: &Picture, time: Scale) {
    let (width, height) = (f64::from(picture.size.0), f64::from(picture.size.1));
    let shown_height = PICTURES - 6.0;
    let shown_width = shown_height * width / height.max(1.0);
    let x = (time.at(picture.at) - shown_width / 2.0).min(WIDTH - RIGHT - shown_width);
    drawing.add(format_args!(
        "<image x=\"{x:.1}\" y=\"{TITLES}\" width=\"{shown_width:.1}\" height=\"{shown_height:.1}\" href=\"{}\">\
         <title>{}</title></image>",
        picture.href,
        escape(&picture.tip)
    ));
}

fn draw_rows(drawing: &mut Drawing, rows: &Rows, time: Scale, top: f64) {
    drawing.label("lane", "start", [0.0, top + 14.0], rows.title);
    drawing.label("tick", "start", [0.0, top + 29.0], rows.unit);
    for (index, series) in rows.series.iter().enumerate() {
        let y = top + 48.0 + 15.0 * index as f64;
        drawing.line(&format!("line {}", series.class), [0.0, y - 4.0], [16.0, y - 4.0]);
        drawing.label("tick", "start", [21.0, y], series.name);
    }
    let values = rows.series.iter().flat_map(|series| series.points.iter().map(|point| point.1));
    let highest = values.fold(0.0, f64::max);
    let highest = rows.most.map_or(highest, |most| highest.min(most)) * 1.05;
    let scale = Scale::new((0.0, highest), (top + CHART, top));
    let ticks = scale.ticks(4);
    for (tick, label) in ticks.iter().zip(tick_labels(&ticks)) {
        let y = scale.at(*tick);
        drawing.line("grid", [LEFT, y], [WIDTH - RIGHT, y]);
        drawing.label("tick", "end", [LEFT - 6.0, y + 3.5], &label);
    }
    for series in &rows.series {
        for run in runs(&series.points) {
            let places = run.iter().fold(String::new(), |mut places, (at, value)| {
                // Writing to a string cannot fail.
                let _ = write!(places, "{:.1},{:.1} ", time.at(*at), scale.at(value.min(highest)));
                places
            });
            drawing.add(format_args!(
                "<polyline class=\"line {}\" points=\"{}\"/>",
                series.class,
                places.trim_end()
            ));
        }
    }
}

/// Points without more than two seconds between them.
fn runs(points: &[(f64, f64)]) -> impl Iterator<Item = &[(f64, f64)]> {
    const LONGEST: f64 = 2.0;
    points.chunk_by(|before, after| after.0 - before.0 <= LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_on_one_time() {
        let part = |title, from, to| Part { title, from, to };
        let picture = Picture { at: 5.0, size: (36, 64), href: "data:,".to_owned(), tip: "a & b".to_owned() };
        let series =
            Series { class: "rtmp", name: "viewer", points: vec![(0.0, 1.0), (1.0, 2.0), (9.0, 3.0)] };
        let rows = Rows { title: "Latency", unit: "ms", series: vec![series], most: Some(2.0) };
        let svg = Storyboard {
            seconds: 10.0,
            parts: &[part("plain", 0.0, 5.0), part("effects", 5.0, 10.0)],
            pictures: &[picture],
            rows: &[rows],
        }
        .draw();
        assert!(svg.contains("plain") && svg.contains("effects") && svg.contains("a &amp; b"));
        assert_eq!(svg.matches("<polyline").count(), 2, "a line does not cross a gap");
        assert!(svg.starts_with("<svg") && svg.ends_with("</svg>"));
    }
}
