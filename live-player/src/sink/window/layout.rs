//! Where a picture goes in a window: pure.

use live_core::Rotation;
use live_core::config::ObjectFit;
use live_core::pixels::fit::cover;
use live_core::pixels::letterbox::contained;
use live_core::pixels::scale::Crop;

/// Which part of a picture is drawn where. All numbers are pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    /// The part of the picture that is drawn, before it is turned.
    pub(crate) crop: Crop,
    /// The size that part is scaled to, before it is turned.
    pub(crate) scaled: (u32, u32),
    /// Columns of the window left of the picture.
    pub(crate) left: u32,
    /// Rows of the window above the picture.
    pub(crate) top: u32,
    /// The size of the picture in the window.
    pub(crate) size: (u32, u32),
}

/// Lays a picture of `picture` pixels, which is to be turned by `rotation`, into a window of `window` pixels. No side may
/// be zero.
///
/// Contain: all of the picture, as large as it fits, in the middle. FillCrop: the window's shape cut from the picture's
/// middle, so that no part of the window is left.
pub(crate) fn layout(picture: (u32, u32), rotation: Rotation, window: (u32, u32), fit: ObjectFit) -> Layout {
    let turned = |(width, height)| if rotation.swaps_sides() { (height, width) } else { (width, height) };
    let (crop, size) = match fit {
        ObjectFit::Contain => (Crop::whole(picture.0, picture.1), contained(turned(picture), window)),
        ObjectFit::FillCrop => (cover(picture, rotation, window), window),
    };
    Layout { crop, scaled: turned(size), left: (window.0 - size.0) / 2, top: (window.1 - size.1) / 2, size }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TURNS: [Rotation; 4] =
        [Rotation::None, Rotation::Clockwise90, Rotation::Half, Rotation::Clockwise270];

    #[test]
    fn each_fit_and_turn_has_its_rectangles() {
        use ObjectFit::{Contain, FillCrop};
        use Rotation::{Clockwise90, Half, None};
        let whole = (0, 0, 640, 360);
        for (window, fit, rotation, crop, place) in [
            ((640, 360), Contain, None, whole, (0, 0, 640, 360)),
            ((300, 225), Contain, None, whole, (0, 28, 300, 168)),
            ((640, 480), Contain, None, whole, (0, 60, 640, 360)),
            ((1000, 360), Contain, Half, whole, (180, 0, 640, 360)),
            ((640, 480), Contain, Clockwise90, whole, (185, 0, 270, 480)),
            ((640, 480), FillCrop, None, (80, 0, 480, 360), (0, 0, 640, 480)),
            ((360, 640), FillCrop, Clockwise90, whole, (0, 0, 360, 640)),
            ((640, 480), FillCrop, Clockwise90, (184, 0, 270, 360), (0, 0, 640, 480)),
        ] {
            let laid = layout((640, 360), rotation, window, fit);
            let Crop { x, y, width, height } = laid.crop;
            assert_eq!((x, y, width, height), crop, "{fit:?} {rotation:?} in {window:?}");
            assert_eq!(
                (laid.left, laid.top, laid.size.0, laid.size.1),
                place,
                "{fit:?} {rotation:?} in {window:?}"
            );
        }
    }

    proptest! {
        #[test]
        fn pictures_are_inside_centred_and_not_stretched(
            width in 2_u32..4000, height in 2_u32..4000, across in 1_u32..4000, down in 1_u32..4000,
            turn in 0..4_usize, fills in any::<bool>(),
        ) {
            let rotation = TURNS[turn];
            let fit = if fills { ObjectFit::FillCrop } else { ObjectFit::Contain };
            let laid = layout((width, height), rotation, (across, down), fit);
            prop_assert!(laid.left + laid.size.0 <= across && laid.top + laid.size.1 <= down);
            prop_assert!((across - laid.size.0).abs_diff(2 * laid.left) <= 1);
            prop_assert!((down - laid.size.1).abs_diff(2 * laid.top) <= 1);
            prop_assert!(laid.crop.x + laid.crop.width <= width && laid.crop.y + laid.crop.height <= height);
            let touches = laid.size.0 == across || laid.size.1 == down;
            prop_assert!(touches && (!fills || laid.size == (across, down)));
            // Both sides are scaled alike, but for the rounding of one of them to even pixels.
            let scales = [
                (laid.scaled.0, laid.crop.width),
                (laid.scaled.1, laid.crop.height),
            ].map(|(to, from)| (f64::from(to), f64::from(from)));
            let error = scales[0].0 * scales[1].1 - scales[1].0 * scales[0].1;
            let most = 2.0 * scales.iter().map(|(to, from)| to.max(*from)).fold(0.0, f64::max);
            prop_assert!(error.abs() <= most, "{laid:?}");
        }
    }
}
