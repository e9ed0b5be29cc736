//! What the pattern looks like.

use super::canvas::{Canvas, Rect};
use super::font::{self, Font};
use super::stamp::{Geometry, Stamp};
use super::{PatternSpec, PatternStyle};
use live_core::{I420, PicturePool, Plane};
use std::f32::consts::TAU;

/// Colour bars at 75 %, in the customary order of falling brightness.
const BARS: [[u8; 3]; 7] =
    [[191, 191, 191], [191, 191, 0], [0, 191, 191], [0, 191, 0], [191, 0, 191], [191, 0, 0], [0, 0, 191]];
/// Steps of the grey scale under the bars.
const GREYS: usize = 11;
const PANEL: [u8; 3] = [14, 17, 26];
const WHITE: [u8; 3] = [255, 255, 255];
const SKY: [u8; 3] = [22, 30, 66];
const GROUND: [u8; 3] = [10, 14, 34];
const FLOOR: [u8; 3] = [86, 104, 168];
const BALL: [u8; 3] = [255, 138, 48];
const BALL_LIGHT: [u8; 3] = [255, 196, 130];
const DIAL: [u8; 3] = [16, 20, 36];
const HAND: [u8; 3] = [255, 210, 64];
/// White cells of the strip.
const CELL: [u8; 3] = [236, 240, 248];
/// Brightness of text.
const TEXT: u8 = 232;
/// Brightness of the small print.
const SMALL_PRINT: u8 = 150;
/// How long the flash lasts, as long as the tone's beep.
const FLASH_MICROS: u64 = crate::tone::BEEP_MICROS;

/// Draws the pictures of one pattern: everything that never changes is drawn once.
#[derive(Debug)]
pub struct Painter {
    spec: PatternSpec,
    layout: Layout,
    background: I420,
    clock: Font,
    label: Font,
}

/// Where things are, in pixels.
#[derive(Clone, Copy, Debug)]
struct Layout {
    strip: Geometry,
    bars: Rect,
    greys: Rect,
    stage: Rect,
    /// Centre and radius of the dial.
    dial: (f32, f32, f32),
    /// Where the ball touches down.
    floor: f32,
    ball_radius: f32,
    clock_unit: f32,
    clock_top: f32,
    label_unit: f32,
    label_top: f32,
}

impl Layout {
    fn of(width: f32, height: f32) -> Self {
        let strip = Geometry::of(width as usize, height as usize);
        let short = width.min(height);
        let down = |share: f32| strip.bottom() + (height - strip.bottom()) * share;
        let bars = Rect::new(0.0, strip.bottom(), width, down(0.44));
        let greys = Rect::new(0.0, bars.bottom, width, down(0.5));
        let stage = Rect::new(0.0, greys.bottom, width, height);
        let floor = down(0.74);
        let clock_unit = (width * 0.86 / 59.0).min(height * 0.0125);
        // The label is some 190 units long.
        let label_unit = (clock_unit * 0.42).min(width * 0.86 / 190.0);
        let clock_top = floor + (height - floor) * 0.2;
        Self {
            strip,
            bars,
            greys,
            stage,
            dial: (width / 2.0, (bars.top + bars.bottom) / 2.0, (short * 0.19).min(bars.height() * 0.42)),
            floor,
            ball_radius: short * 0.06,
            clock_unit,
            clock_top,
            label_unit,
            label_top: clock_top + font::HEIGHT * clock_unit * 1.6,
        }
    }
}

impl Painter {
    /// Draws the background of a pattern.
    #[must_use]
    pub fn new(spec: PatternSpec) -> Self {
        let layout = Layout::of(spec.width as f32, spec.height as f32);
        let mut background = PicturePool::new().take(spec.width, spec.height);
        draw_background(&mut Canvas::new(&mut background, spec.color()), &layout);
        let clock = Font::new("0123456789:.", layout.clock_unit);
        let label = Font::new("0123456789:. ×ACEFMPRSTU", layout.label_unit);
        Self { spec, layout, background, clock, label }
    }

    /// The picture with number `frame` whose strip and clock say `micros` (µs since the UNIX epoch).
    ///
    /// The same arguments give the same picture, whenever and wherever.
    #[must_use]
    pub fn draw(&self, stamp: Stamp, pool: &PicturePool) -> I420 {
        let mut picture = copy_of(&self.background, pool);
        let phase = self.spec.time_of(stamp.frame);
        let mut canvas = Canvas::new(&mut picture, self.spec.color());
        self.draw_dial(&mut canvas, phase);
        self.draw_ball(&mut canvas, phase);
        self.draw_text(&mut canvas, stamp);
        if self.spec.style == PatternStyle::Noise {
            let area = Rect { bottom: self.layout.floor, ..self.layout.bars };
            canvas.grain(area, u64::from(stamp.frame), 56);
        }
        for (index, white) in stamp.cells().enumerate() {
            if white {
                let [left, top, right, bottom] = self.layout.strip.cell(index).map(|edge| edge as f32);
                canvas.rect(Rect::new(left, top, right, bottom), CELL);
            }
        }
        picture
    }

    /// A hand that goes round once a second, and the flash when it points up.
    fn draw_dial(&self, canvas: &mut Canvas<'_>, micros: u64) {
        let (x, y, radius) = self.layout.dial;
        if micros % 1_000_000 < FLASH_MICROS {
            canvas.disc(x, y, radius * 0.9, WHITE);
            return;
        }
        let (sine, cosine) = turn(micros, 1_000_000).sin_cos();
        let (length, half_width) = (radius * 0.74, radius * 0.045);
        canvas.shape(Rect::around(x, y, radius), HAND, |px, py| {
            let (dx, dy) = (px - x, py - y);
            let along = (dx * sine - dy * cosine).clamp(0.0, length);
            (dx - along * sine).hypot(dy + along * cosine) - half_width
        });
        canvas.disc(x, y, radius * 0.11, HAND);
    }

    /// A ball that wanders to and fro and touches the floor at every whole second.
    fn draw_ball(&self, canvas: &mut Canvas<'_>, micros: u64) {
        let Layout { stage, floor, ball_radius: radius, .. } = self.layout;
        let reach = stage.width() / 2.0 - radius * 2.0;
        let x = stage.width() / 2.0 - reach * turn(micros, 8_000_000).cos();
        let bounce = (micros % 1_000_000) as f32 / 1_000_000.0;
        let height = (floor - stage.top - radius * 2.6) * 4.0 * bounce * (1.0 - bounce);
        let y = floor - radius - height;
        canvas.disc(x, y, radius, BALL);
        canvas.disc(x - radius * 0.3, y - radius * 0.32, radius * 0.36, BALL_LIGHT);
    }

    fn draw_text(&self, canvas: &mut Canvas<'_>, stamp: Stamp) {
        let layout = &self.layout;
        let millis = stamp.micros / 1000;
        let (seconds, minutes, hours) = (millis / 1000 % 60, millis / 60_000 % 60, millis / 3_600_000 % 24);
        let clock = format!("{hours:02}:{minutes:02}:{seconds:02}.{:03}", millis % 1000);
        let PatternSpec { width, height, fps, .. } = self.spec;
        let label = format!("UTC  FRAME {:06}  {width}×{height}  {fps} FPS", stamp.frame);
        let centred = |font: &Font, text: &str| (width as f32 - font.width(text)) / 2.0;
        canvas.text(&self.clock, &clock, centred(&self.clock, &clock), layout.clock_top, TEXT);
        canvas.text(&self.label, &label, centred(&self.label, &label), layout.label_top, SMALL_PRINT);
    }
}

/// How far round something is that takes `period` for a turn, in radians.
fn turn(micros: u64, period: u64) -> f32 {
    (micros % period) as f32 / period as f32 * TAU
}

fn draw_background(canvas: &mut Canvas<'_>, layout: &Layout) {
    let Layout { bars, greys, stage, floor, .. } = *layout;
    canvas.rect(Rect { top: 0.0, bottom: bars.top, ..bars }, PANEL);
    columns(bars, BARS.len()).zip(BARS).for_each(|(rect, rgb)| canvas.rect(rect, rgb));
    for (step, rect) in columns(greys, GREYS).enumerate() {
        let grey = (step * 255 / (GREYS - 1)) as u8;
        canvas.rect(rect, [grey; 3]);
    }
    canvas.gradient(Rect { bottom: floor, ..stage }, GROUND, SKY);
    canvas.gradient(Rect { top: floor, ..stage }, PANEL, GROUND);
    let line = (stage.width().min(stage.height()) / 160.0).max(1.0).round();
    canvas.rect(Rect { top: floor, bottom: floor + line, ..stage }, FLOOR);

    let (x, y, radius) = layout.dial;
    canvas.disc(x, y, radius, DIAL);
    canvas.ring(x, y, radius, radius * 0.05, WHITE);
    for hour in 0..12 {
        let (sine, cosine) = (hour as f32 / 12.0 * TAU).sin_cos();
        let size = if hour % 3 == 0 { 0.05 } else { 0.028 };
        canvas.disc(x + radius * 0.84 * sine, y - radius * 0.84 * cosine, radius * size, FLOOR);
    }
}

/// `rect` cut into `count` columns of the same width.
fn columns(rect: Rect, count: usize) -> impl Iterator<Item = Rect> {
    let edge = move |column: usize| rect.left + rect.width() * column as f32 / count as f32;
    (0..count).map(move |column| Rect { left: edge(column), right: edge(column + 1), ..rect })
}

/// A copy in memory of its own. Both have the same strides, as they are of the same size.
fn copy_of(picture: &I420, pool: &PicturePool) -> I420 {
    let mut copy = pool.take(picture.width(), picture.height());
    for (to, plane) in copy.planes_mut().into_iter().zip(Plane::ALL) {
        to.copy_from_slice(picture.plane(plane));
    }
    copy
}
