//! Pixel work at 720p, one thread, with two yardsticks: copying the picture's bytes, and `fast_image_resize`.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use live_core::pixels::convert::{Nv12, RgbLayout, Rgba, Yuyv, i420_to_rgb};
use live_core::pixels::rotate::{mirror, rotate};
use live_core::pixels::scale::{Crop, Scaler};
use live_core::{Color, I420, PicturePool, Plane, Rotation};
use std::hint::black_box;

const WIDTH: u32 = 1280;
const HEIGHT: u32 = 720;
const PIXELS: usize = (WIDTH * HEIGHT) as usize;

fn bytes(len: usize) -> Vec<u8> {
    (0..len).map(|place| (place * place / 7 + place) as u8).collect()
}

fn picture(pool: &PicturePool) -> I420 {
    let data = bytes(PIXELS * 3 / 2);
    Nv12::contiguous(WIDTH, HEIGHT, WIDTH as usize, &data).expect("the buffer has its size").to_i420(pool)
}

fn conversions(criterion: &mut Criterion) {
    let pool = PicturePool::new();
    let mut group = criterion.benchmark_group("720p");
    group.throughput(Throughput::Elements(PIXELS as u64));

    let planar = bytes(PIXELS * 3 / 2);
    let mut copy = planar.clone();
    group.bench_function("memcpy of an I420", |b| b.iter(|| copy.copy_from_slice(black_box(&planar))));

    let packed = bytes(PIXELS * 4);
    let yuyv = Yuyv::new(WIDTH, HEIGHT, WIDTH as usize * 2, &packed).expect("enough bytes");
    group.bench_function("YUYV to I420", |b| b.iter(|| black_box(yuyv).to_i420(&pool)));
    let nv12 = Nv12::contiguous(WIDTH, HEIGHT, WIDTH as usize, &planar).expect("enough bytes");
    group.bench_function("NV12 to I420", |b| b.iter(|| black_box(nv12).to_i420(&pool)));
    let rgba = Rgba::new(RgbLayout::Bgra, WIDTH, HEIGHT, WIDTH as usize * 4, &packed).expect("enough bytes");
    group.bench_function("BGRA to I420", |b| b.iter(|| black_box(rgba).to_i420(Color::BT709, &pool)));

    let source = picture(&pool);
    for layout in [RgbLayout::Rgba, RgbLayout::Rgb] {
        let stride = WIDTH as usize * layout.bytes();
        let mut out = vec![0; stride * HEIGHT as usize];
        group.bench_function(format!("I420 to {layout:?}"), |b| {
            b.iter(|| i420_to_rgb(black_box(&source), Color::BT709, layout, &mut out, stride));
        });
    }
    group.bench_function("turn by 90°", |b| {
        b.iter(|| rotate(black_box(&source), Rotation::Clockwise90, &pool))
    });
    group.bench_function("mirror", |b| b.iter(|| mirror(black_box(&source), &pool)));
    group.finish();
}

fn scaling(criterion: &mut Criterion) {
    let (source_pool, pool) = (PicturePool::new(), PicturePool::new());
    let source = picture(&source_pool);
    let mut group = criterion.benchmark_group("720p scaled to");
    group.throughput(Throughput::Elements(PIXELS as u64));
    let whole = Crop::whole(WIDTH, HEIGHT);
    let portrait = Crop { x: 436, y: 0, width: 405, height: 720 };
    for (name, crop, target) in [
        ("640×360, 2:1", whole, (640, 360)),
        ("852×480, 3:2", Crop { width: 1278, ..whole }, (852, 480)),
        ("960×540, 4:3", whole, (960, 540)),
        ("900×506", whole, (900, 506)),
        ("360×640 from its middle", portrait, (360, 640)),
        ("1920×1080", whole, (1920, 1080)),
    ] {
        let mut scaler = Scaler::new((WIDTH, HEIGHT), crop, target);
        group.bench_function(name, |b| b.iter(|| scaler.scale(black_box(&source), &pool)));
    }
    for target in [(960, 540), (900, 506)] {
        let name = format!("{}×{} by fast_image_resize", target.0, target.1);
        group.bench_function(name, |b| yardstick(b, &source, target));
    }
    group.finish();
}

/// The same box filter on the three planes by another crate.
fn yardstick(bencher: &mut criterion::Bencher<'_>, source: &I420, target: (u32, u32)) {
    let mut resizer = Resizer::new();
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Box));
    // 1280 and 640 are multiples of the alignment: rows have no padding.
    let planes = Plane::ALL.map(|plane| {
        let (width, height) = source.plane_size(plane);
        let image = ImageRef::new(width as u32, height as u32, source.plane(plane), PixelType::U8);
        let (width, height) = if plane == Plane::Y { target } else { (target.0 / 2, target.1 / 2) };
        (image.expect("no padding"), Image::new(width, height, PixelType::U8))
    });
    let mut planes = planes;
    bencher.iter(|| {
        for (from, to) in &mut planes {
            resizer.resize(from, to, &options).expect("the same pixel type");
        }
    });
}

criterion_group!(benches, conversions, scaling);
criterion_main!(benches);
