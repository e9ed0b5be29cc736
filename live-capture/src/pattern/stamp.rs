//! The machine-readable strip: frame number and capture time as black and white cells.
//!
//! The strip lies along the upper edge, a margin of one cell around it: 26 columns and 4 rows in a portrait picture, 52
//! columns and 2 rows in a landscape one. Its place follows from the picture's size alone, so it is found again after
//! scaling. 104 cells, row by row, carry the frame number (32 bits), the capture time (56 bits) and a CRC-16, most
//! significant bit first, exclusive-ored with a fixed pattern so that cells of both colours are always there.

use live_core::{I420, Plane};

/// Cells of the strip.
const CELLS: usize = 104;
/// What the cells are exclusive-ored with: makes about half of them white whatever is written.
const WHITENING: u128 = 0x96_3c5a_6993_c5a6_0f33_c965_5aa9;
/// The least distance between the strip's black and white, in code values, that counts as a strip.
const LEAST_CONTRAST: f32 = 32.0;
/// How far each edge of the picture is moved, in pixels, to find a strip whose picture was cropped or padded.
const EDGE_SHIFTS: [f32; 5] = [0.0, 1.0, -1.0, 2.0, -2.0];

/// What the strip of one picture says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Stamp {
    /// The picture's number: its place on the grid of the session timeline, modulo 2^32.
    pub frame: u32,
    /// When it was captured, in µs since the UNIX epoch (56 bits: good until the year 4253).
    pub micros: u64,
}

impl Stamp {
    /// The largest [`micros`](Self::micros) that fits.
    pub const MAX_MICROS: u64 = (1 << 56) - 1;

    /// The cells, the first one in the most significant of 104 bits.
    fn to_cells(self) -> u128 {
        let payload = (u128::from(self.frame) << 56) | u128::from(self.micros & Self::MAX_MICROS);
        ((payload << 16) | u128::from(crc16(payload))) ^ WHITENING
    }

    fn from_cells(cells: u128) -> Option<Self> {
        let bits = cells ^ WHITENING;
        let payload = bits >> 16;
        let stamp =
            Self { frame: (payload >> 56) as u32, micros: (payload & u128::from(Self::MAX_MICROS)) as u64 };
        (crc16(payload) == bits as u16).then_some(stamp)
    }

    /// The colours of the cells, row by row: `true` is white.
    pub(super) fn cells(self) -> impl Iterator<Item = bool> {
        let bits = self.to_cells();
        (0..CELLS).rev().map(move |place| (bits >> place) & 1 == 1)
    }
}

/// CRC-16 (polynomial 0x1021, initially 0xffff) over the 88 bits of the payload.
fn crc16(payload: u128) -> u16 {
    (0..88).rev().fold(0xffff, |crc: u16, place| {
        let feedback = ((crc >> 15) ^ (payload >> place) as u16) & 1;
        (crc << 1) ^ (feedback * 0x1021)
    })
}

/// Where the cells are in a picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Geometry {
    pub(super) columns: usize,
    pub(super) rows: usize,
    /// The upper left corner of the first cell.
    left: f32,
    top: f32,
    /// Width and height of a cell.
    cell_width: f32,
    cell_height: f32,
}

impl Geometry {
    pub(super) fn of(width: usize, height: usize) -> Self {
        Self::within(0.0, 0.0, width as f32, height as f32)
    }

    /// The strip of a picture that spans the given rectangle, in pixels.
    fn within(left: f32, top: f32, right: f32, bottom: f32) -> Self {
        let (width, height) = (right - left, bottom - top);
        let (columns, rows) = if width > height { (52, 2) } else { (26, 4) };
        let cell_width = width / (columns + 2) as f32;
        let cell_height = width.min(height) / 28.0;
        Self { columns, rows, left: left + cell_width, top: top + cell_height, cell_width, cell_height }
    }

    /// The lower edge of the strip and its margin.
    pub(super) fn bottom(&self) -> f32 {
        self.top + self.cell_height * (self.rows + 1) as f32
    }

    /// The pixels of cell `index`: `[left, top, right, bottom]`, right and bottom exclusive.
    pub(super) fn cell(&self, index: usize) -> [usize; 4] {
        self.part_of_cell(index, 0.0).map(|edge| edge.round() as usize)
    }

    /// Cell `index` without `inset` of its width and height on each side.
    fn part_of_cell(&self, index: usize, inset: f32) -> [f32; 4] {
        let (column, row) = ((index % self.columns) as f32, (index / self.columns) as f32);
        [
            self.left + self.cell_width * (column + inset),
            self.top + self.cell_height * (row + inset),
            self.left + self.cell_width * (column + 1.0 - inset),
            self.top + self.cell_height * (row + 1.0 - inset),
        ]
    }
}

/// The stamp of a picture that [`draw`](super::draw) made, also after compression, scaling and a crop of a few pixels.
///
/// `None` when there is no readable strip.
#[must_use]
pub fn read_stamp(picture: &I420) -> Option<Stamp> {
    let (width, height) = picture.plane_size(Plane::Y);
    read_stamp_luma(width, height, picture.stride(Plane::Y), picture.plane(Plane::Y))
}

/// As [`read_stamp`], from rows of brightness (luma, or the green of a screenshot) that are `stride` bytes apart.
///
/// `None` too when `luma` is shorter than the picture or the picture is less than 54 pixels wide or 28 high.
#[must_use]
pub fn read_stamp_luma(width: usize, height: usize, stride: usize, luma: &[u8]) -> Option<Stamp> {
    let needed = stride.checked_mul(height.checked_sub(1)?)?.checked_add(width)?;
    if width < 54 || height < 28 || stride < width || luma.len() < needed {
        return None;
    }
    let luma = Luma { width, height, stride, samples: luma };
    let upright = Geometry::of(width, height);
    read_at(&luma, &upright, 0.0).or_else(|| search(&luma))
}

/// Tries the picture's edges a few pixels off. So many tries would find a strip in anything, so cells must be clear.
fn search(luma: &Luma<'_>) -> Option<Stamp> {
    let (width, height) = (luma.width as f32, luma.height as f32);
    let edges = |left: f32, top: f32| {
        EDGE_SHIFTS.into_iter().flat_map(move |right| {
            EDGE_SHIFTS
                .into_iter()
                .map(move |bottom| Geometry::within(left, top, width + right, height + bottom))
        })
    };
    EDGE_SHIFTS
        .into_iter()
        .flat_map(|left| EDGE_SHIFTS.into_iter().map(move |top| (left, top)))
        .flat_map(|(left, top)| edges(left, top))
        .find_map(|geometry| read_at(luma, &geometry, 0.15))
}

/// Reads the strip at one place. Cells closer to the threshold than `margin` of the contrast count as unreadable.
fn read_at(luma: &Luma<'_>, geometry: &Geometry, margin: f32) -> Option<Stamp> {
    let mut means = [0.0; CELLS];
    for (index, mean) in means.iter_mut().enumerate() {
        *mean = luma.mean(geometry.part_of_cell(index, 0.25));
    }
    let mut sorted = means;
    sorted.sort_unstable_by(f32::total_cmp);
    let quarter = CELLS / 4;
    let average = |cells: &[f32]| cells.iter().sum::<f32>() / cells.len() as f32;
    let (black, white) = (average(&sorted[..quarter]), average(&sorted[CELLS - quarter..]));
    let (contrast, threshold) = (white - black, (white + black) / 2.0);
    if contrast < LEAST_CONTRAST || means.iter().any(|mean| (mean - threshold).abs() < margin * contrast) {
        return None;
    }
    Stamp::from_cells(means.iter().fold(0, |bits, &mean| (bits << 1) | u128::from(mean > threshold)))
}

/// Rows of brightness.
struct Luma<'a> {
    width: usize,
    height: usize,
    stride: usize,
    samples: &'a [u8],
}

impl Luma<'_> {
    /// The mean over the pixels whose centres lie in a rectangle, or of the pixel in its middle; outside the picture its edge is
    /// taken.
    fn mean(&self, [left, top, right, bottom]: [f32; 4]) -> f32 {
        let span = |from: f32, to: f32, end: usize| {
            let last = (end - 1) as f32;
            let (first, beyond) = ((from - 0.5).ceil(), (to - 0.5).ceil());
            let (first, beyond) =
                if beyond > first { (first, beyond) } else { (((from + to) / 2.0).floor(), 0.0) };
            let first = first.clamp(0.0, last) as usize;
            first..(beyond.clamp(0.0, last + 1.0) as usize).max(first + 1)
        };
        let (columns, rows) = (span(left, right, self.width), span(top, bottom, self.height));
        let count = columns.len() * rows.len();
        let sum: u32 = rows
            .flat_map(|row| &self.samples[row * self.stride..][columns.clone()])
            .map(|&sample| u32::from(sample))
            .sum();
        sum as f32 / count as f32
    }
}
