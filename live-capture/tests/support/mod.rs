//! Material and measures for the looks of effects.

use live_core::formats::y4m;
use live_core::pixels::convert::{RgbLayout, Rgba};
use live_core::{Color, I420, PicturePool, Plane};
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Corners, in pixels.
pub type Polygon = &'static [(i32, i32)];

/// Where a piece of material is: in `LIVE_MEDIA`, else in `../shared/media` beside the workspace. Says so when it is not
/// there.
fn media(name: &str) -> Option<PathBuf> {
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/media");
    let folder = std::env::var_os("LIVE_MEDIA").map_or(beside, PathBuf::from);
    let path = folder.join(name);
    if !path.exists() {
        eprintln!("SKIPPED: {name} is not in {} (set LIVE_MEDIA)", folder.display());
        return None;
    }
    Some(path)
}

/// The portrait the polygons were drawn on.
pub fn astronaut(color: Color) -> Option<I420> {
    tinted_astronaut(color, [1.0; 3])
}

/// The portrait with red, green and blue multiplied: skin of another shade, and everything else with it.
pub fn tinted_astronaut(color: Color, tint: [f64; 3]) -> Option<I420> {
    let file = std::io::BufReader::new(std::fs::File::open(media("astronaut.png")?).unwrap());
    let mut decoder = png::Decoder::new(file);
    decoder.set_transformations(png::Transformations::ALPHA);
    let mut reader = decoder.read_info().unwrap();
    let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut bytes).unwrap();
    for pixel in bytes.chunks_exact_mut(4) {
        pixel
            .iter_mut()
            .zip(tint)
            .for_each(|(value, factor)| *value = (f64::from(*value) * factor).round() as u8);
    }
    let rgb = Rgba::new(RgbLayout::Rgba, info.width, info.height, info.line_size, &bytes).unwrap();
    Some(rgb.to_i420(color, &PicturePool::new()))
}

/// A talking face, decoded by ffmpeg.
pub fn carphone() -> Option<Vec<I420>> {
    let path = media("carphone_pristine.mp4")?;
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-i"]).arg(&path).args(["-pix_fmt", "yuv420p", "-f", "yuv4mpegpipe", "-"]);
    let Ok(output) = command.stdin(Stdio::null()).output() else {
        eprintln!("SKIPPED: there is no ffmpeg to decode the clip with");
        return None;
    };
    let mut reader = y4m::Reader::new(&output.stdout[..]).unwrap();
    let pool = PicturePool::new();
    Some(std::iter::from_fn(|| reader.read(&pool).unwrap()).collect())
}

/// A plane of real numbers.
pub struct Gray {
    width: usize,
    height: usize,
    samples: Vec<f64>,
}

impl Gray {
    pub fn of(picture: &I420) -> Self {
        let (width, height) = picture.plane_size(Plane::Y);
        let rows = (0..height).flat_map(|row| picture.row(Plane::Y, row).iter().map(|luma| f64::from(*luma)));
        Self { width, height, samples: rows.collect() }
    }

    fn with(&self, other: &Self, each: impl Fn(f64, f64) -> f64) -> Self {
        let samples = self.samples.iter().zip(&other.samples).map(|(a, b)| each(*a, *b)).collect();
        Self { samples, ..*self }
    }

    pub fn minus(&self, other: &Self) -> Self {
        self.with(other, |a, b| a - b)
    }

    /// Gaussian blur out to 3.5 σ; beyond the borders the last samples are repeated.
    pub fn blurred(&self, sigma: f64) -> Self {
        let reach = (3.5 * sigma + 0.5) as i64;
        let weights: Vec<f64> =
            (-reach..=reach).map(|at| (-0.5 * (at as f64 / sigma).powi(2)).exp()).collect();
        let total: f64 = weights.iter().sum();
        let pass = |samples: &[f64], down: bool| -> Vec<f64> {
            let at = |x: i64, y: i64| {
                let (x, y) = (x.clamp(0, self.width as i64 - 1), y.clamp(0, self.height as i64 - 1));
                samples[y as usize * self.width + x as usize]
            };
            let value = |place: usize| {
                let (x, y) = ((place % self.width) as i64, (place / self.width) as i64);
                let taps = weights.iter().zip(-reach..=reach);
                taps.map(|(weight, off)| weight * if down { at(x, y + off) } else { at(x + off, y) })
                    .sum::<f64>()
                    / total
            };
            (0..samples.len()).map(value).collect()
        };
        Self { samples: pass(&pass(&self.samples, false), true), ..*self }
    }

    fn inside(&self, polygon: &[(i32, i32)]) -> impl Iterator<Item = f64> {
        let place = |place: usize| ((place % self.width) as f64, (place / self.width) as f64);
        self.samples
            .iter()
            .enumerate()
            .filter(move |(at, _)| contains(polygon, place(*at)))
            .map(|(_, value)| *value)
    }

    /// The mean over the pixels inside of a polygon.
    pub fn mean(&self, polygon: &[(i32, i32)], each: impl Fn(f64) -> f64) -> f64 {
        let (sum, count) =
            self.inside(polygon).fold((0.0, 0), |(sum, count), value| (sum + each(value), count + 1));
        assert!(count > 20, "the polygon has pixels");
        sum / f64::from(count)
    }

    /// The largest value inside of a polygon.
    pub fn most(&self, polygon: &[(i32, i32)]) -> f64 {
        self.inside(polygon).fold(f64::MIN, f64::max)
    }
}

/// Whether a ray to the right crosses the border an odd number of times.
fn contains(polygon: &[(i32, i32)], (x, y): (f64, f64)) -> bool {
    let corners = polygon.iter().map(|(x, y)| (f64::from(*x), f64::from(*y)));
    let next = corners.clone().cycle().skip(1);
    corners
        .zip(next)
        .filter(|((ax, ay), (bx, by))| (*ay > y) != (*by > y) && x < (bx - ax) * (y - ay) / (by - ay) + ax)
        .count()
        % 2
        == 1
}

/// The structural similarity around each pixel.
pub fn ssim(a: &Gray, b: &Gray) -> Gray {
    let mean = |gray: &Gray| gray.blurred(1.5);
    let (mean_a, mean_b) = (mean(a), mean(b));
    let product = |a: &Gray, b: &Gray, mean_a: &Gray, mean_b: &Gray| {
        mean(&a.with(b, |a, b| a * b)).minus(&mean_a.with(mean_b, |a, b| a * b))
    };
    let (var_a, var_b) = (product(a, a, &mean_a, &mean_a), product(b, b, &mean_b, &mean_b));
    let both = product(a, b, &mean_a, &mean_b);
    let (c1, c2) = ((0.01_f64 * 255.0).powi(2), (0.03_f64 * 255.0).powi(2));
    let samples = (0..a.samples.len()).map(|at| {
        let (ma, mb) = (mean_a.samples[at], mean_b.samples[at]);
        (2.0 * ma * mb + c1) * (2.0 * both.samples[at] + c2)
            / ((ma * ma + mb * mb + c1) * (var_a.samples[at] + var_b.samples[at] + c2))
    });
    Gray { width: a.width, height: a.height, samples: samples.collect() }
}
