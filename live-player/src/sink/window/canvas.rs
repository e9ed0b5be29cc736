//! Draws pictures into a window's memory.

use super::layout::{Layout, layout};
use live_core::config::ObjectFit;
use live_core::pixels::convert::{RgbLayout, i420_to_rgb};
use live_core::pixels::rotate::rotate;
use live_core::pixels::scale::{Crop, Scaler};
use live_core::{PicturePool, Rotation, VideoFrame};

/// A pixel in a window: blue, green, red, and a byte that is not looked at.
const LAYOUT: RgbLayout = RgbLayout::Bgra;
const PIXEL: usize = LAYOUT.bytes();

/// How pictures lie in a window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct View {
    pub(crate) fit: ObjectFit,
    /// The turn that is asked for, after the one that brings a picture upright.
    pub(crate) rotation: Rotation,
}

/// Scales, turns and converts pictures, with memory that is used again.
#[derive(Debug, Default)]
pub(crate) struct Canvas {
    pool: PicturePool,
    scaler: Option<Scaler>,
}

impl Canvas {
    /// Fills `pixels`, the rows of a window of `window` pixels without padding, with `frame` and black bars.
    pub(crate) fn paint(
        &mut self,
        frame: Option<&VideoFrame>,
        view: View,
        window: (u32, u32),
        pixels: &mut [u8],
    ) {
        let Some(frame) = frame else { return pixels.fill(0) };
        let size = (frame.width(), frame.height());
        let rotation = frame.rotation.then(view.rotation);
        let laid = layout(size, rotation, window, view.fit);
        let mut picture = frame.surface.to_i420(&self.pool);
        if laid.scaled != size || laid.crop != Crop::whole(size.0, size.1) {
            let scaler = match self.scaler.take() {
                Some(scaler) if scaler.is_for(size, laid.crop, laid.scaled) => self.scaler.insert(scaler),
                _ => self.scaler.insert(Scaler::new(size, laid.crop, laid.scaled)),
            };
            picture = scaler.scale(&picture, &self.pool);
        }
        // Turning after scaling: mostly there is less to turn.
        picture = rotate(&picture, rotation, &self.pool);
        let stride = window.0 as usize * PIXEL;
        blacken_around(&laid, stride, pixels);
        let start = laid.top as usize * stride + laid.left as usize * PIXEL;
        i420_to_rgb(&picture, frame.color, LAYOUT, &mut pixels[start..], stride);
    }
}

/// Fills what the picture leaves of the window.
fn blacken_around(laid: &Layout, stride: usize, pixels: &mut [u8]) {
    let (above, rest) = pixels.split_at_mut(laid.top as usize * stride);
    let (beside, below) = rest.split_at_mut(laid.size.1 as usize * stride);
    above.fill(0);
    below.fill(0);
    let (from, to) = (laid.left as usize * PIXEL, (laid.left + laid.size.0) as usize * PIXEL);
    if from == 0 && to == stride {
        return;
    }
    for row in beside.chunks_exact_mut(stride) {
        row[..from].fill(0);
        row[to..].fill(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use live_core::{Color, I420, Matrix, Plane, Range, Timestamp};

    /// A picture of 40×20 pixels whose left half is bright.
    fn half_bright(color: Color) -> VideoFrame {
        let mut picture: I420 = PicturePool::new().black(40, 20);
        let stride = picture.stride(Plane::Y);
        let [luma, ..] = picture.planes_mut();
        let (black, white) = if color.range == Range::Full { (0, 255) } else { (16, 235) };
        for row in luma.chunks_exact_mut(stride) {
            row[..20].fill(white);
            row[20..].fill(black);
        }
        VideoFrame::new(Timestamp::ZERO, color, picture)
    }

    /// What is seen at each `(x, y)`: bright, dark, or something else.
    fn seen(window: (u32, u32), view: View, color: Color, points: &[(usize, usize)]) -> String {
        let mut pixels = vec![99; (window.0 * window.1) as usize * PIXEL];
        Canvas::default().paint(Some(&half_bright(color)), view, window, &mut pixels);
        let tell = |&(x, y): &(usize, usize)| match pixels[(y * window.0 as usize + x) * PIXEL..][..3] {
            [255, 255, 255] => '#',
            [0, 0, 0] => '.',
            _ => '?',
        };
        points.iter().map(tell).collect()
    }

    #[test]
    fn pictures_are_drawn_where_the_view_says() {
        let full = Color { matrix: Matrix::Bt709, range: Range::Full };
        let view = |fit, rotation| View { fit, rotation };
        for color in [Color::BT601, Color::BT709, full] {
            let contain = view(ObjectFit::Contain, Rotation::None);
            let points = [(1, 9), (1, 11), (18, 20), (22, 20), (39, 29), (1, 31)];
            assert_eq!(seen((40, 40), contain, color, &points), ".##...");
            let turned = view(ObjectFit::Contain, Rotation::Clockwise90);
            // Clockwise, the left half is above.
            assert_eq!(
                seen((40, 40), turned, color, &[(9, 5), (11, 5), (28, 5), (31, 5), (20, 25)]),
                ".##.."
            );
            let back = view(ObjectFit::Contain, Rotation::Clockwise270);
            assert_eq!(seen((40, 40), back, color, &[(20, 5), (20, 25)]), ".#");
            let fill = view(ObjectFit::FillCrop, Rotation::None);
            assert_eq!(seen((40, 40), fill, color, &[(0, 0), (17, 39), (22, 0), (39, 39)]), "##..");
        }
    }

    #[test]
    fn every_size_of_window_is_filled() {
        for window in [(1, 1), (1, 7), (3, 2), (41, 40), (7, 200), (640, 3)] {
            for fit in [ObjectFit::Contain, ObjectFit::FillCrop] {
                for rotation in [Rotation::None, Rotation::Clockwise90] {
                    let mut pixels = vec![99; (window.0 * window.1) as usize * PIXEL];
                    let view = View { fit, rotation };
                    Canvas::default().paint(Some(&half_bright(Color::BT601)), view, window, &mut pixels);
                    assert!(
                        pixels.chunks_exact(PIXEL).all(|pixel| pixel[..3] != [99; 3]),
                        "{window:?} {view:?}"
                    );
                }
            }
        }
    }
}
