//! A whole picture in a frame of another shape, with black bars.

use super::scale::scale;
use crate::frame::{Color, I420, PicturePool, Plane, Range};

/// The largest size with the aspect of `source` that fits into `target`, both sides at least 2 and even where the
/// target's are; each within a pixel of the exact aspect.
#[must_use]
pub fn contained(source: (u32, u32), target: (u32, u32)) -> (u32, u32) {
    let (width, height) = (u64::from(source.0.max(1)), u64::from(source.1.max(1)));
    let (most_width, most_height) = (u64::from(target.0), u64::from(target.1));
    // An even side is the nearest one: chroma then falls on whole samples.
    let even = |exact_double: u64, most: u32| {
        let side = u32::try_from(exact_double / 2).unwrap_or(most) / 2 * 2;
        side.clamp(2.min(most), most)
    };
    if width * most_height >= height * most_width {
        // As wide as the target.
        (target.0, even((2 * height * most_width + width) / width, target.1))
    } else {
        (even((2 * width * most_height + height) / height, target.0), target.1)
    }
}

/// The whole of `picture`, read as `color` says, scaled into the middle of a black frame of `width` × `height` pixels.
///
/// Never stretched. A picture that has that size already shares its memory.
#[must_use]
pub fn letterbox(picture: &I420, color: Color, width: u32, height: u32, pool: &PicturePool) -> I420 {
    let (inner_width, inner_height) = contained((picture.width(), picture.height()), (width, height));
    let inner = scale(picture, inner_width, inner_height, pool);
    if (inner_width, inner_height) == (width, height) {
        return inner;
    }
    let mut frame = pool.black(width, height);
    let left = ((width - inner_width) / 4 * 2) as usize;
    let top = ((height - inner_height) / 4 * 2) as usize;
    let strides = Plane::ALL.map(|plane| frame.stride(plane));
    for ((plane, rows), stride) in Plane::ALL.into_iter().zip(frame.planes_mut()).zip(strides) {
        let shift = usize::from(plane != Plane::Y);
        if plane == Plane::Y && color.range == Range::Full {
            rows.fill(0);
        }
        let (len, count) = inner.plane_size(plane);
        for row in 0..count {
            let start = ((top >> shift) + row) * stride + (left >> shift);
            rows[start..start + len].copy_from_slice(inner.row(plane, row));
        }
    }
    frame
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_whole_picture_is_seen_between_bars() {
        assert_eq!(contained((1920, 1080), (360, 640)), (360, 202));
        assert_eq!(contained((1080, 1920), (640, 360)), (202, 360));
        assert_eq!(contained((100, 100), (360, 640)), (360, 360));
        assert_eq!(contained((9, 16), (360, 640)), (360, 640));
        assert_eq!(contained((1920, 1), (360, 640)), (360, 2));
    }

    #[test]
    fn bars_are_black_and_the_middle_is_the_picture() {
        let pool = PicturePool::new();
        let mut white = pool.black(80, 40);
        white.planes_mut()[0].fill(235);
        for (color, black) in [(Color::BT601, 16), (Color { range: Range::Full, ..Color::BT601 }, 0)] {
            let frame = letterbox(&white, color, 40, 80, &pool);
            assert_eq!((frame.width(), frame.height()), (40, 80));
            assert!(frame.row(Plane::Y, 0).iter().all(|luma| *luma == black));
            assert!(frame.row(Plane::Y, 79).iter().all(|luma| *luma == black));
            assert!(frame.row(Plane::Y, 40).iter().all(|luma| *luma == 235));
        }
        let same = letterbox(&white, Color::BT601, 80, 40, &pool);
        assert_eq!(same.plane(Plane::Y).as_ptr(), white.plane(Plane::Y).as_ptr());
    }

    proptest! {
        #[test]
        fn any_picture_goes_into_any_frame(source in (1..200u32, 1..200u32), target in (1..100u32, 1..100u32)) {
            let (width, height) = contained(source, target);
            prop_assert!((1..=target.0).contains(&width) && (1..=target.1).contains(&height));
            let pool = PicturePool::new();
            let frame = letterbox(&pool.black(source.0, source.1), Color::BT601, target.0, target.1, &pool);
            prop_assert_eq!((frame.width(), frame.height()), target);
        }
    }
}
