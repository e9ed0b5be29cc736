//! The looks of the beauty stages, as figures, on polygons that were drawn by hand.
//!
//! **High-frequency energy** of a polygon is the mean square of luma minus its Gaussian blur (σ = 2 pixels) over the
//! pixels whose centres are inside. **SSIM** is that of Wang et al. (2004) on luma: Gaussian windows (σ = 1.5, 11 × 11
//! pixels), K₁ = 0.01, K₂ = 0.03, L = 255, averaged over the same pixels. Flicker is told by the mean square of the second
//! difference in time, which a steady movement leaves out, over pixels whose colour is skin in all three pictures.

use live_capture::effect::{PlainStage, SkinStage, tone::SkinTone};
use live_core::pixels::convert::{RgbLayout, Rgba};
use live_core::pixels::scale::{Crop, Scaler};
use live_core::{
    BeautyLevels, BeautyStage, Color, I420, Matrix, PicturePool, Plane, Range, Timestamp, VideoFrame,
};

mod support;
use support::{Gray, Polygon, astronaut, carphone, ssim, tinted_astronaut};

/// Skin without features, in pixels of `astronaut.png`.
const SKIN: [(&str, Polygon); 4] = [
    ("forehead", &[(211, 84), (237, 84), (235, 91), (229, 96), (219, 96), (215, 90)]),
    ("left cheek", &[(184, 112), (200, 112), (208, 118), (205, 126), (196, 131), (190, 132), (184, 126)]),
    ("right cheek", &[(243, 116), (262, 112), (264, 120), (262, 130), (255, 134), (247, 130), (241, 123)]),
    ("chin", &[(210, 158), (240, 158), (235, 170), (215, 170)]),
];

/// What has to stay as it is.
const PROTECTED: [(&str, Polygon); 15] = [
    ("left eye", &[(191, 99), (198, 96), (206, 96), (213, 101), (206, 104), (197, 104)]),
    ("right eye", &[(234, 104), (240, 99), (249, 98), (259, 102), (252, 106), (241, 107)]),
    ("left brow", &[(189, 90), (199, 87), (213, 92), (212, 94), (199, 90), (190, 92)]),
    ("right brow", &[(238, 93), (250, 91), (262, 95), (261, 97), (250, 94), (239, 96)]),
    (
        "lips",
        &[
            (202, 138),
            (210, 140),
            (222, 141),
            (234, 141),
            (244, 140),
            (236, 150),
            (226, 155),
            (215, 154),
            (208, 148),
        ],
    ),
    ("hair above", &[(195, 45), (215, 30), (245, 28), (270, 45), (262, 62), (240, 68), (215, 66)]),
    ("hair left", &[(158, 65), (175, 55), (184, 60), (182, 90), (172, 105), (160, 90)]),
    ("hair right", &[(275, 50), (292, 60), (298, 85), (292, 105), (278, 105), (272, 80)]),
    (
        "text of the patch",
        &[(140, 365), (160, 348), (190, 350), (208, 370), (205, 400), (180, 420), (150, 415), (136, 392)],
    ),
    ("name tag", &[(281, 340), (327, 348), (326, 379), (280, 371)]),
    ("suit", &[(70, 270), (125, 270), (125, 340), (60, 330)]),
    ("background right", &[(310, 10), (372, 10), (372, 180), (330, 180), (310, 120)]),
    ("background left", &[(90, 20), (145, 20), (140, 120), (110, 180), (80, 120)]),
    ("flag", &[(0, 0), (55, 0), (95, 220), (60, 260), (20, 200), (0, 120)]),
    ("shuttle", &[(365, 160), (400, 0), (425, 0), (450, 160), (455, 270), (370, 270)]),
];

const FULL_709: Color = Color { matrix: Matrix::Bt709, range: Range::Full };

fn retouched(stage: &mut dyn BeautyStage, picture: &I420, color: Color, levels: (u8, u8)) -> I420 {
    let pool = PicturePool::new();
    let mut frame = VideoFrame::new(Timestamp::ZERO, color, picture.clone());
    stage.set_levels(BeautyLevels::new(levels.0, levels.1));
    stage.apply(&mut frame, &pool).unwrap();
    frame.surface.to_i420(&pool)
}

fn skin(picture: &I420, levels: (u8, u8)) -> Gray {
    Gray::of(&retouched(&mut SkinStage::new(), picture, Color::BT601, levels))
}

/// The share of high-frequency energy that is gone.
fn removed(before: &Gray, after: &Gray, polygon: &[(i32, i32)]) -> f64 {
    let energy = |gray: &Gray| {
        let fine = gray.minus(&gray.blurred(2.0));
        fine.mean(polygon, |value| value * value)
    };
    1.0 - energy(after) / energy(before)
}

#[test]
fn smoothing_takes_detail_from_skin_and_more_with_each_level() {
    let Some(picture) = astronaut(Color::BT601) else { return };
    let before = Gray::of(&picture);
    let levels: Vec<Gray> = (0..=9).map(|level| skin(&picture, (level, 0))).collect();
    for (name, polygon) in SKIN {
        let shares: Vec<f64> = levels.iter().map(|after| removed(&before, after, polygon)).collect();
        println!("{name}: {shares:.3?}");
        assert!(shares[0] == 0.0 && shares.windows(2).all(|pair| pair[1] > pair[0]), "{name}: {shares:.3?}");
        assert!(shares[5] >= 0.25 && shares[9] >= 0.5, "{name}: {shares:.3?}");
    }
}

#[test]
fn smoothing_leaves_eyes_brows_lips_hair_text_and_background_sharp() {
    let Some(picture) = astronaut(Color::BT601) else { return };
    let (before, after) = (Gray::of(&picture), skin(&picture, (9, 0)));
    let map = ssim(&before, &after);
    for (name, polygon) in PROTECTED {
        let similarity = map.mean(polygon, |value| value);
        println!("{name}: {similarity:.4}");
        assert!(similarity >= 0.98, "{name}: {similarity:.4}");
    }
}

#[test]
fn whitening_lifts_skin_and_nothing_else() {
    let Some(picture) = astronaut(Color::BT601) else { return };
    let before = Gray::of(&picture);
    let means: Vec<f64> = (0..=9)
        .map(|level| {
            let lift = skin(&picture, (0, level)).minus(&before);
            SKIN.iter().map(|(_, polygon)| lift.mean(polygon, |value| value)).sum::<f64>() / SKIN.len() as f64
        })
        .collect();
    println!("mean lift by level: {means:.1?}");
    assert!(means.windows(2).all(|pair| pair[1] > pair[0]), "{means:.1?}");
    assert!((15.0..=35.0).contains(&means[9]), "{means:.1?}");
    let after = skin(&picture, (0, 9));
    let lift = after.minus(&before);
    for (name, polygon) in SKIN {
        let brightest = after.most(polygon);
        println!("{name}: {:.1}, brightest {brightest}", lift.mean(polygon, |value| value));
        assert!(brightest < 235.0, "{name}: {brightest} is clipped");
    }
    for (name, polygon) in PROTECTED {
        let change = lift.mean(polygon, f64::abs);
        println!("{name}: {change:.2}");
        assert!(change <= 2.0, "{name}: {change:.2}");
    }
}

/// From 540 pixels on the stage looks at a quarter of the width and height: a face that fills much of such a picture, and one
/// that does not.
#[test]
fn large_pictures_are_treated_as_small_ones_are() {
    let Some(picture) = astronaut(Color::BT601) else { return };
    let pool = PicturePool::new();
    let whole = Crop { x: 0, y: 0, width: 512, height: 512 };
    let face = Crop { x: 66, y: 20, width: 320, height: 180 };
    for (part, size) in [(whole, (720, 720)), (face, (1280, 720))] {
        let picture = Scaler::new((512, 512), part, size).scale(&picture, &pool);
        let factor = f64::from(size.1) / f64::from(part.height);
        let scaled = |polygon: Polygon| -> Vec<(i32, i32)> {
            let place = |at: i32, start: u32| ((f64::from(at) - f64::from(start)) * factor).round() as i32;
            polygon.iter().map(|(x, y)| (place(*x, part.x), place(*y, part.y))).collect()
        };
        let before = Gray::of(&picture);
        let (five, nine) = (skin(&picture, (5, 0)), skin(&picture, (9, 0)));
        let lift = skin(&picture, (0, 9)).minus(&before);
        let mut lifts = Vec::new();
        for (name, polygon) in SKIN {
            let polygon = scaled(polygon);
            let [half, most] = [&five, &nine].map(|after| removed(&before, after, &polygon));
            lifts.push(lift.mean(&polygon, |value| value));
            println!("{size:?}, {name}: {half:.3}, {most:.3}, {:.1}", lifts[lifts.len() - 1]);
            assert!(half >= 0.25 && most >= 0.5, "{size:?}, {name}: {half:.3}, {most:.3}");
        }
        let mean = lifts.iter().sum::<f64>() / lifts.len() as f64;
        assert!((15.0..=35.0).contains(&mean), "{size:?}: {mean:.1}");
        let map = ssim(&before, &nine);
        for (name, polygon) in &PROTECTED[..8] {
            let polygon = scaled(polygon);
            let (similarity, change) = (map.mean(&polygon, |value| value), lift.mean(&polygon, f64::abs));
            println!("{size:?}, {name}: {similarity:.4}, {change:.2}");
            assert!(similarity >= 0.98 && change <= 2.0, "{size:?}, {name}: {similarity:.4}, {change:.2}");
        }
    }
}

#[test]
fn dark_skin_is_smoothed_and_its_fainter_features_stay() {
    for tint in [[0.62, 0.47, 0.40], [0.40, 0.29, 0.24]] {
        let Some(picture) = tinted_astronaut(Color::BT601, tint) else { return };
        let (before, after) = (Gray::of(&picture), skin(&picture, (9, 0)));
        let lift = skin(&picture, (0, 9)).minus(&before);
        let of_skin = |each: &dyn Fn(Polygon) -> f64| {
            SKIN.iter().map(|(_, polygon)| each(polygon)).sum::<f64>() / SKIN.len() as f64
        };
        let share = of_skin(&|polygon| removed(&before, &after, polygon));
        let lifted = of_skin(&|polygon| lift.mean(polygon, |value| value));
        println!("{tint:?}: {share:.2} of the detail, {lifted:.1} brighter");
        assert!(share >= 0.5 && (15.0..=35.0).contains(&lifted), "{tint:?}: {share:.2}, {lifted:.1}");
        let map = ssim(&before, &after);
        for (name, polygon) in &PROTECTED[..5] {
            let similarity = map.mean(polygon, |value| value);
            println!("{tint:?}, {name}: {similarity:.4}");
            assert!(similarity >= 0.98, "{tint:?}, {name}: {similarity:.4}");
        }
    }
}

#[test]
fn the_result_is_the_same_whatever_matrix_and_range_the_picture_has() {
    let Some(limited) = astronaut(Color::BT601) else { return };
    let Some(full) = astronaut(FULL_709) else { return };
    let lift = |picture: &I420, color: Color, span: f64| {
        let after = retouched(&mut SkinStage::new(), picture, color, (0, 9));
        let lift = Gray::of(&after).minus(&Gray::of(picture));
        SKIN.iter().map(|(_, polygon)| lift.mean(polygon, |value| value / span)).collect::<Vec<_>>()
    };
    let (a, b) = (lift(&limited, Color::BT601, 219.0), lift(&full, FULL_709, 255.0));
    for ((a, b), (name, _)) in a.into_iter().zip(b).zip(SKIN) {
        assert!((a - b).abs() < 0.025, "{name}: {a:.3} of the range, and {b:.3}");
    }
}

#[test]
fn the_plainer_stage_smooths_and_brightens_skin_too_and_leaves_what_has_another_colour() {
    let Some(picture) = astronaut(Color::BT601) else { return };
    let before = Gray::of(&picture);
    let after = Gray::of(&retouched(&mut PlainStage::new(), &picture, Color::BT601, (9, 0)));
    let lift = Gray::of(&retouched(&mut PlainStage::new(), &picture, Color::BT601, (0, 9))).minus(&before);
    for (name, polygon) in SKIN {
        assert!(removed(&before, &after, polygon) >= 0.1, "{name}: {:.2}", removed(&before, &after, polygon));
        let lift = lift.mean(polygon, |value| value);
        assert!(lift > 8.0, "{name}: {lift:.1}");
    }
    for (name, polygon) in
        PROTECTED.iter().filter(|(name, _)| ["text of the patch", "suit", "background right"].contains(name))
    {
        assert!(lift.mean(polygon, f64::abs) <= 2.0, "{name}");
    }
}

#[test]
fn pictures_in_motion_do_not_flicker() {
    let Some(pictures) = carphone() else { return };
    let tone = SkinTone::of(Color::BT601);
    let (width, height) = (pictures[0].width() as usize, pictures[0].height() as usize);
    let is_skin = |picture: &I420, x: usize, y: usize| {
        tone.membership(picture.row(Plane::U, y / 2)[x / 2], picture.row(Plane::V, y / 2)[x / 2]) >= 200
    };
    // Skin with nothing but skin within two pixels, and no edge: there luma changes by noise and flicker alone.
    let is_even = |picture: &I420, x: usize, y: usize| {
        let mut range = (255, 0);
        let inside = x >= 2 && y >= 2 && x + 2 < width && y + 2 < height;
        inside
            && (0..25).all(|at| {
                let (x, y) = (x + at % 5 - 2, y + at / 5 - 2);
                let luma = picture.row(Plane::Y, y)[x];
                range = (luma.min(range.0), luma.max(range.1));
                is_skin(picture, x, y)
            })
            && range.1 - range.0 <= 24
    };
    let everywhere = Places::new(&pictures, is_skin);
    let even = Places::new(&pictures, is_even);
    let (all_before, even_before) = (everywhere.flicker(&pictures), even.flicker(&pictures));
    for levels in [(1, 0), (3, 0), (9, 0), (9, 9), (0, 9), (0, 6), (0, 3), (0, 1), (1, 9)] {
        let mut stage = SkinStage::new();
        let made: Vec<I420> =
            pictures.iter().map(|picture| retouched(&mut stage, picture, Color::BT601, levels)).collect();
        let (all, even) = (everywhere.flicker(&made), even.flicker(&made));
        println!("{levels:?}: {all:.2} of {all_before:.2}, on even skin {even:.2} of {even_before:.2}");
        assert!(all <= all_before && even <= even_before, "{levels:?}");
    }
}

/// Places that are of interest in each three successive pictures.
struct Places(Vec<Vec<(usize, usize)>>);

impl Places {
    fn new(pictures: &[I420], is_one: impl Fn(&I420, usize, usize) -> bool) -> Self {
        let (width, height) = (pictures[0].width() as usize, pictures[0].height() as usize);
        let all = |picture: &I420| -> Vec<bool> {
            (0..width * height).map(|place| is_one(picture, place % width, place / width)).collect()
        };
        let single: Vec<Vec<bool>> = pictures.iter().map(all).collect();
        let common = |three: &[Vec<bool>]| -> Vec<(usize, usize)> {
            let places = (0..width * height).filter(|place| three.iter().all(|picture| picture[*place]));
            places.map(|place| (place % width, place / width)).collect()
        };
        Self(single.windows(3).map(common).collect())
    }

    /// The mean square of the second difference in time.
    fn flicker(&self, pictures: &[I420]) -> f64 {
        let (mut sum, mut count) = (0.0, 0_u32);
        for (three, places) in pictures.windows(3).zip(&self.0) {
            for (x, y) in places {
                let [a, b, c] = [0, 1, 2].map(|at| f64::from(three[at].row(Plane::Y, *y)[*x]));
                sum += (a - 2.0 * b + c).powi(2);
                count += 1;
            }
        }
        assert!(count > 10_000, "the clip has only {count} such places");
        sum / f64::from(count)
    }
}

#[test]
fn any_size_is_taken_and_a_picture_without_skin_stays_as_it_is() {
    let pool = PicturePool::new();
    let sizes = [(1, 1), (2, 2), (3, 5), (17, 9), (64, 1), (1, 64), (130, 66), (176, 144), (361, 641)];
    for (width, height) in sizes {
        let skin: Vec<u8> = [205, 150, 125, 255].repeat((width * height) as usize);
        let grey: Vec<u8> = [128, 128, 128, 255].repeat((width * height) as usize);
        let picture = |bytes: &[u8]| {
            let rgba = Rgba::new(RgbLayout::Rgba, width, height, width as usize * 4, bytes).unwrap();
            rgba.to_i420(Color::BT709, &pool)
        };
        let stages: [Box<dyn BeautyStage>; 2] = [Box::new(SkinStage::new()), Box::new(PlainStage::new())];
        for mut stage in stages {
            for bytes in [&skin, &grey] {
                let before = picture(bytes);
                let after = retouched(&mut *stage, &before, Color::BT709, (9, 9));
                let rows = |picture: &I420| -> Vec<Vec<u8>> {
                    (0..height as usize).map(|row| picture.row(Plane::Y, row).to_vec()).collect()
                };
                if std::ptr::eq(bytes, &grey) {
                    assert_eq!(rows(&after), rows(&before));
                }
                let spread = rows(&after)
                    .concat()
                    .iter()
                    .map(|luma| i32::from(*luma))
                    .fold((255, 0), |(low, high), luma| (low.min(luma), high.max(luma)));
                assert!(
                    spread.1 - spread.0 <= 20,
                    "an even picture stays even: {spread:?} at {width}×{height}"
                );
            }
        }
    }
}
