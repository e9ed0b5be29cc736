//! Values over time.

use super::{Drawing, Scale, tick_labels};

const LEFT: f64 = 46.0;
const RIGHT: f64 = 10.0;
const TOP: f64 = 8.0;
const BOTTOM: f64 = 22.0;

/// One line.
#[derive(Clone, Debug)]
pub struct Series {
    /// Its class in the style sheet, which gives it its colour.
    pub class: &'static str,
    /// Whose values they are.
    pub name: &'static str,
    /// Seconds and value.
    pub points: Vec<(f64, f64)>,
}

/// A range of values that is good.
#[derive(Clone, Copy, Debug)]
pub struct Band {
    /// From here.
    pub low: f64,
    /// To here.
    pub high: f64,
}

/// Lines over a common time.
#[derive(Clone, Debug)]
pub struct LineChart<'a> {
    /// What is shown.
    pub title: &'a str,
    /// What the values are in.
    pub unit: &'a str,
    /// The lines.
    pub series: &'a [Series],
    /// Seconds shown.
    pub seconds: f64,
    /// Width and height in user units.
    pub size: (f64, f64),
    /// Every value gets a dot that tells it.
    pub dots: bool,
    /// A range of values that is good.
    pub band: Option<Band>,
    /// The axis begins at zero.
    pub from_zero: bool,
}

impl LineChart<'_> {
    /// Draws it.
    pub fn draw(&self) -> String {
        let (width, height) = self.size;
        let mut drawing = Drawing::new(width, height, &format!("{} over time", self.title));
        let time = Scale::new((0.0, self.seconds), (LEFT, width - RIGHT));
        let value = Scale::new(self.range(), (height - BOTTOM, TOP));
        if let Some(Band { low, high }) = self.band {
            let (top, bottom) = (value.at(high.min(value.values.1)), value.at(low.max(value.values.0)));
            drawing.add(format_args!(
                "<rect class=\"band\" x=\"{LEFT}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"{:.1}\"/>",
                width - LEFT - RIGHT,
                (bottom - top).max(0.0)
            ));
        }
        let ticks = value.ticks(4);
        for (tick, label) in ticks.iter().zip(tick_labels(&ticks)) {
            let y = value.at(*tick);
            drawing.line("grid", [LEFT, y], [width - RIGHT, y]);
            drawing.label("tick", "end", [LEFT - 6.0, y + 3.5], &label);
        }
        let ticks = time.ticks((width / 70.0) as usize);
        for (tick, label) in ticks.iter().zip(tick_labels(&ticks)) {
            drawing.label("tick", "middle", [time.at(*tick), height - 6.0], &format!("{label} s"));
        }
        for series in self.series {
            self.draw_series(&mut drawing, series, time, value);
        }
        drawing.finish()
    }

    fn draw_series(&self, drawing: &mut Drawing, series: &Series, time: Scale, value: Scale) {
        let places: Vec<String> =
            series.points.iter().map(|(at, y)| format!("{:.1},{:.1}", time.at(*at), value.at(*y))).collect();
        drawing.add(format_args!(
            "<polyline class=\"line {}\" points=\"{}\"/>",
            series.class,
            places.join(" ")
        ));
        for (at, y) in series.points.iter().filter(|_| self.dots) {
            let tip = format!("{}: {y:.1} {} at {at:.1} s", series.name, self.unit);
            drawing.dot(&format!("dot {}", series.class), [time.at(*at), value.at(*y)], 2.6, &tip);
        }
    }

    /// The values on the axis: all there are, the band, and some air.
    fn range(&self) -> (f64, f64) {
        let values = self.series.iter().flat_map(|series| series.points.iter().map(|point| point.1));
        let band = self.band.into_iter().flat_map(|band| [band.low, band.high]);
        let zero = self.from_zero.then_some(0.0);
        let (low, high) = values
            .chain(band)
            .chain(zero)
            .filter(|value| value.is_finite())
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
        if low > high || (self.from_zero && low >= 0.0 && high <= 0.0) {
            return (0.0, 1.0);
        }
        let air = ((high - low) * 0.08).max(high.abs() * 0.01).max(0.1);
        (if self.from_zero && low >= 0.0 { 0.0 } else { low - air }, high + air)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(series: &[Series]) -> LineChart<'_> {
        LineChart {
            title: "rate",
            unit: "kbps",
            series,
            seconds: 10.0,
            size: (300.0, 100.0),
            dots: true,
            band: None,
            from_zero: true,
        }
    }

    #[test]
    fn every_value_is_inside_the_chart_and_tells_itself() {
        let points = vec![(0.0, 0.0), (5.0, 480.0), (10.0, 500.0)];
        let series = [Series { class: "rtmp", name: "RTMP player", points }];
        let svg = chart(&series).draw();
        assert_eq!(svg.matches("<circle").count(), 3);
        assert!(svg.contains("<title>RTMP player: 480.0 kbps at 5.0 s</title>"));
        assert!(svg.starts_with("<svg") && svg.ends_with("</svg>"));
        let (low, high) = chart(&series).range();
        assert!(low == 0.0 && high > 500.0);
    }

    #[test]
    fn nothing_and_what_is_not_finite_still_give_an_axis() {
        assert_eq!(chart(&[]).range(), (0.0, 1.0));
        let series = [Series { class: "rtmp", name: "", points: vec![(1.0, f64::INFINITY), (2.0, 5.0)] }];
        assert!(chart(&series).range().1.is_finite());
    }
}
