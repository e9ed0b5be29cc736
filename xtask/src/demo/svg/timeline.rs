//! What happened when, in one lane for each side.

use super::{Drawing, Scale, tick_labels};

const WIDTH: f64 = 1060.0;
const LEFT: f64 = 130.0;
const RIGHT: f64 = 14.0;
/// From one row of labels to the next.
const ROW: f64 = 16.0;
/// Rows of labels in a lane at most; what does not fit has its dot only.
const MOST_ROWS: usize = 12;
/// The customary width of a letter of the labels.
const LETTER: f64 = 5.9;
const AXIS: f64 = 24.0;

/// A row of events.
#[derive(Clone, Debug)]
pub struct Lane {
    /// Whose.
    pub name: &'static str,
    /// Its class in the style sheet.
    pub class: &'static str,
    /// The events, in order.
    pub events: Vec<Event>,
}

/// Something that happened.
#[derive(Clone, Debug)]
pub struct Event {
    /// When, in seconds.
    pub at: f64,
    /// What is written beside it; empty: a dot only.
    pub label: String,
    /// What it says when pointed at.
    pub tip: String,
    /// A class in place of the lane's: how bad the news is.
    pub class: Option<&'static str>,
}

/// Where a label is written.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Place {
    /// Counted from the top of the lane.
    row: usize,
    /// On the left of its line: there is no room on the right.
    left: bool,
}

/// Draws lanes below each other over a common time of `seconds`.
pub fn timeline(lanes: &[Lane], seconds: f64) -> String {
    let time = Scale::new((0.0, seconds), (LEFT, WIDTH - RIGHT));
    let rows: Vec<Vec<Option<Place>>> = lanes.iter().map(|lane| place_labels(&lane.events, time)).collect();
    let height_of = |places: &[Option<Place>]| {
        places.iter().flatten().map(|place| place.row + 1).max().unwrap_or(0) as f64 * ROW + 26.0
    };
    let height = rows.iter().map(|rows| height_of(rows)).sum::<f64>() + AXIS;
    let mut drawing = Drawing::new(WIDTH, height, "State codes over time");
    let ticks = time.ticks(14);
    for (tick, label) in ticks.iter().zip(tick_labels(&ticks)) {
        let x = time.at(*tick);
        drawing.line("grid", [x, 4.0], [x, height - AXIS]);
        drawing.label("tick", "middle", [x, height - 8.0], &format!("{label} s"));
    }
    let mut top = 0.0;
    for (lane, rows) in lanes.iter().zip(&rows) {
        let bottom = top + height_of(rows) - 12.0;
        drawing.line("base", [LEFT, bottom], [WIDTH - RIGHT, bottom]);
        drawing.label(&format!("lane {}", lane.class), "start", [0.0, bottom + 4.0], lane.name);
        for (event, row) in lane.events.iter().zip(rows) {
            draw_event(&mut drawing, lane, event, time, *row, (top, bottom));
        }
        top += height_of(rows);
    }
    drawing.finish()
}

fn draw_event(
    drawing: &mut Drawing,
    lane: &Lane,
    event: &Event,
    time: Scale,
    place: Option<Place>,
    (top, bottom): (f64, f64),
) {
    let x = time.at(event.at);
    if let Some(Place { row, left }) = place {
        let y = top + ROW * (row as f64 + 1.0);
        let (anchor, beside) = if left { ("end", x - 4.0) } else { ("start", x + 4.0) };
        drawing.line("leader", [x, y - 9.0], [x, bottom]);
        drawing.label("code", anchor, [beside, y], &event.label);
    }
    let class = format!("dot {}", event.class.unwrap_or(lane.class));
    drawing.dot(&class, [x, bottom], if place.is_some() { 4.0 } else { 2.6 }, &event.tip);
}

/// The place of each event's label.
///
/// A label hangs on a line that goes down to the lane's base. It lies below all earlier labels that reach past it, so
/// that no line crosses a label.
fn place_labels(events: &[Event], time: Scale) -> Vec<Option<Place>> {
    let mut ends: Vec<f64> = Vec::new();
    let place = |event: &Event| {
        let width = event.label.chars().count() as f64 * LETTER + 14.0;
        let x = time.at(event.at);
        let left = x + width > time.positions.1 + RIGHT && x - width > time.positions.0;
        let (from, to) = if left { (x - width, x) } else { (x, x + width) };
        let row = ends.iter().rposition(|end| *end > from).map_or(0, |lowest| lowest + 1);
        if event.label.is_empty() || row >= MOST_ROWS {
            return None;
        }
        ends.truncate(row);
        ends.push(to);
        Some(Place { row, left })
    };
    events.iter().map(place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(at: f64, label: &str) -> Event {
        Event { at, label: label.to_owned(), tip: format!("{label}!"), class: None }
    }

    #[test]
    fn labels_that_would_touch_go_below_each_other() {
        let time = Scale::new((0.0, 100.0), (0.0, 1000.0));
        let events = [
            event(0.0, "a label of thirty letters or so"),
            event(1.0, "2002"),
            event(2.0, ""),
            event(3.0, "2003"),
            event(10.0, "2004"),
            event(60.0, "2005"),
        ];
        // The fifth has room beside the second, but its line would not cross the first: it goes below that.
        let rows: Vec<Option<usize>> =
            place_labels(&events, time).iter().map(|place| place.map(|place| place.row)).collect();
        assert_eq!(rows, [Some(0), Some(1), None, Some(2), Some(1), Some(0)]);
    }

    #[test]
    fn a_label_without_room_on_the_right_goes_to_the_left() {
        let time = Scale::new((0.0, 100.0), (0.0, 1000.0));
        let places = place_labels(&[event(90.0, "2005"), event(99.9, "2006 playback ended")], time);
        let expected = [Place { row: 0, left: false }, Place { row: 1, left: true }];
        assert_eq!(places, expected.map(Some));
    }

    #[test]
    fn every_event_has_a_dot_that_tells_it() {
        let events = (0..40).map(|index| event(0.01 * f64::from(index), "2001 connected")).collect();
        let svg = timeline(&[Lane { name: "Pusher", class: "pusher", events }], 10.0);
        assert_eq!(svg.matches("<circle").count(), 40);
        assert_eq!(svg.matches("class=\"code\"").count(), MOST_ROWS);
    }
}
