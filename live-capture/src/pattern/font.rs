//! A small stroke font: digits and the few letters the pattern writes, as lines with round ends.

/// Half the width of a stroke, in units.
const HALF_STROKE: f32 = 0.42;
/// Units around a glyph's box that strokes reach into.
const PAD: f32 = 0.6;
/// Height of a glyph in units.
pub(super) const HEIGHT: f32 = 6.0;

type Stroke = &'static [(f32, f32)];

/// The strokes of a character on a grid 4 units wide and 6 high, and the units to the next character.
fn glyph(character: char) -> (&'static [Stroke], f32) {
    const UPPER: Stroke =
        &[(1.0, 3.0), (0.0, 2.0), (0.0, 1.0), (1.0, 0.0), (3.0, 0.0), (4.0, 1.0), (4.0, 2.0), (3.0, 3.0)];
    const LOWER: Stroke =
        &[(1.0, 3.0), (0.0, 4.0), (0.0, 5.0), (1.0, 6.0), (3.0, 6.0), (4.0, 5.0), (4.0, 4.0), (3.0, 3.0)];
    let strokes: &'static [Stroke] = match character {
        '0' => &[&[
            (1.0, 0.0),
            (3.0, 0.0),
            (4.0, 1.0),
            (4.0, 5.0),
            (3.0, 6.0),
            (1.0, 6.0),
            (0.0, 5.0),
            (0.0, 1.0),
            (1.0, 0.0),
        ]],
        '1' => &[&[(0.8, 1.2), (2.2, 0.0), (2.2, 6.0)], &[(1.0, 6.0), (3.4, 6.0)]],
        '2' => &[&[(0.0, 1.0), (1.0, 0.0), (3.0, 0.0), (4.0, 1.0), (4.0, 2.2), (0.0, 6.0), (4.0, 6.0)]],
        '3' => &[
            &[
                (0.0, 1.0),
                (1.0, 0.0),
                (3.0, 0.0),
                (4.0, 1.0),
                (4.0, 2.0),
                (3.0, 2.9),
                (4.0, 3.8),
                (4.0, 5.0),
                (3.0, 6.0),
                (1.0, 6.0),
                (0.0, 5.0),
            ],
            &[(1.6, 2.9), (3.0, 2.9)],
        ],
        '4' => &[&[(3.0, 6.0), (3.0, 0.0), (0.0, 4.2), (4.0, 4.2)]],
        '5' => &[&[
            (3.8, 0.0),
            (0.2, 0.0),
            (0.0, 2.8),
            (1.0, 2.4),
            (3.0, 2.4),
            (4.0, 3.4),
            (4.0, 5.0),
            (3.0, 6.0),
            (1.0, 6.0),
            (0.0, 5.0),
        ]],
        '6' => &[&[
            (3.8, 0.8),
            (3.0, 0.0),
            (1.0, 0.0),
            (0.0, 1.0),
            (0.0, 5.0),
            (1.0, 6.0),
            (3.0, 6.0),
            (4.0, 5.0),
            (4.0, 3.6),
            (3.0, 2.6),
            (1.0, 2.6),
            (0.0, 3.6),
        ]],
        '7' => &[&[(0.0, 0.0), (4.0, 0.0), (1.4, 6.0)]],
        '8' => &[UPPER, LOWER, &[(1.0, 3.0), (3.0, 3.0)]],
        '9' => &[&[
            (0.2, 5.2),
            (1.0, 6.0),
            (3.0, 6.0),
            (4.0, 5.0),
            (4.0, 1.0),
            (3.0, 0.0),
            (1.0, 0.0),
            (0.0, 1.0),
            (0.0, 2.4),
            (1.0, 3.4),
            (3.0, 3.4),
            (4.0, 2.4),
        ]],
        'A' => &[&[(0.0, 6.0), (2.0, 0.0), (4.0, 6.0)], &[(0.8, 4.0), (3.2, 4.0)]],
        'C' => &[&[
            (4.0, 1.0),
            (3.0, 0.0),
            (1.0, 0.0),
            (0.0, 1.0),
            (0.0, 5.0),
            (1.0, 6.0),
            (3.0, 6.0),
            (4.0, 5.0),
        ]],
        'E' => &[&[(3.8, 0.0), (0.2, 0.0), (0.2, 6.0), (3.8, 6.0)], &[(0.2, 2.9), (3.2, 2.9)]],
        'F' => &[&[(3.8, 0.0), (0.2, 0.0), (0.2, 6.0)], &[(0.2, 2.9), (3.2, 2.9)]],
        'M' => &[&[(0.0, 6.0), (0.0, 0.0), (2.0, 3.0), (4.0, 0.0), (4.0, 6.0)]],
        'P' => &[&[(0.2, 6.0), (0.2, 0.0), (3.0, 0.0), (4.0, 1.0), (4.0, 2.3), (3.0, 3.3), (0.2, 3.3)]],
        'R' => &[
            &[(0.2, 6.0), (0.2, 0.0), (3.0, 0.0), (4.0, 1.0), (4.0, 2.1), (3.0, 3.1), (0.2, 3.1)],
            &[(2.2, 3.1), (4.0, 6.0)],
        ],
        'S' => &[&[
            (4.0, 1.0),
            (3.0, 0.0),
            (1.0, 0.0),
            (0.0, 1.0),
            (0.0, 2.0),
            (1.0, 2.9),
            (3.0, 2.9),
            (4.0, 3.9),
            (4.0, 5.0),
            (3.0, 6.0),
            (1.0, 6.0),
            (0.0, 5.0),
        ]],
        'T' => &[&[(0.0, 0.0), (4.0, 0.0)], &[(2.0, 0.0), (2.0, 6.0)]],
        'U' => &[&[(0.0, 0.0), (0.0, 5.0), (1.0, 6.0), (3.0, 6.0), (4.0, 5.0), (4.0, 0.0)]],
        '×' => &[&[(0.8, 2.6), (3.2, 5.0)], &[(3.2, 2.6), (0.8, 5.0)]],
        ':' => &[&[(0.4, 1.8), (0.4, 1.8)], &[(0.4, 4.4), (0.4, 4.4)]],
        '.' => &[&[(0.4, 5.9), (0.4, 5.9)]],
        _ => &[],
    };
    let advance = match character {
        ':' | '.' => 2.4,
        ' ' => 3.0,
        _ => 5.7,
    };
    (strokes, advance)
}

/// A character's coverage, drawn once.
#[derive(Debug)]
struct Mask {
    character: char,
    width: usize,
    coverage: Vec<u8>,
    /// Pixels to the next character.
    advance: f32,
}

/// The characters of the font at one size.
#[derive(Debug)]
pub(super) struct Font {
    unit: f32,
    masks: Vec<Mask>,
}

impl Font {
    /// Draws the characters of `alphabet`, `unit` pixels to a unit.
    pub(super) fn new(alphabet: &str, unit: f32) -> Self {
        Self { unit, masks: alphabet.chars().map(|character| mask(character, unit)).collect() }
    }

    fn mask(&self, character: char) -> Option<&Mask> {
        self.masks.iter().find(|mask| mask.character == character)
    }

    /// Width of `text` in pixels. Characters outside the alphabet have none.
    pub(super) fn width(&self, text: &str) -> f32 {
        text.chars().filter_map(|character| self.mask(character)).map(|mask| mask.advance).sum()
    }

    /// Calls `row(x, y, coverage)` for each row of each character of `text`, whose box's upper left corner is at `x`, `y`.
    pub(super) fn draw(&self, text: &str, x: f32, y: f32, mut row: impl FnMut(isize, isize, &[u8])) {
        let mut pen = x - PAD * self.unit;
        let top = (y - PAD * self.unit).round() as isize;
        for mask in text.chars().filter_map(|character| self.mask(character)) {
            for (line, coverage) in mask.coverage.chunks_exact(mask.width).enumerate() {
                row(pen.round() as isize, top + line as isize, coverage);
            }
            pen += mask.advance;
        }
    }
}

fn mask(character: char, unit: f32) -> Mask {
    let (strokes, advance) = glyph(character);
    let width = ((4.0 + 2.0 * PAD) * unit).ceil().max(1.0) as usize;
    let height = ((HEIGHT + 2.0 * PAD) * unit).ceil().max(1.0) as usize;
    let at = |place: usize| (place as f32 + 0.5) / unit - PAD;
    let coverage = (0..width * height)
        .map(|place| {
            let distance = distance_to(strokes, at(place % width), at(place / width));
            (((HALF_STROKE - distance) * unit + 0.5).clamp(0.0, 1.0) * 255.0) as u8
        })
        .collect();
    Mask { character, width, coverage, advance: advance * unit }
}

/// From a point to the nearest stroke, in units.
fn distance_to(strokes: &[Stroke], x: f32, y: f32) -> f32 {
    strokes
        .iter()
        .flat_map(|stroke| stroke.windows(2))
        .map(|line| distance_to_line(line[0], line[1], (x, y)))
        .fold(f32::INFINITY, f32::min)
}

fn distance_to_line(from: (f32, f32), to: (f32, f32), point: (f32, f32)) -> f32 {
    let (dx, dy) = (to.0 - from.0, to.1 - from.1);
    let (px, py) = (point.0 - from.0, point.1 - from.1);
    let length_squared = dx * dx + dy * dy;
    let along =
        if length_squared > 0.0 { ((px * dx + py * dy) / length_squared).clamp(0.0, 1.0) } else { 0.0 };
    (px - along * dx).hypot(py - along * dy)
}
