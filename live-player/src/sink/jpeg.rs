//! Pictures as JPEG files. Feature `jpeg`, part of `embedded`.

use super::rgb::Rgb;
use image::ExtendedColorType;
use image::codecs::jpeg::JpegEncoder;
use live_core::VideoFrame;
use std::io;

/// `frame` as a JPEG file in memory, upright, converted by the frame's own matrix and range. `quality` is from 1, small, to
/// 100, into which it is clamped; 85 shows no difference to most eyes.
///
/// Takes some tens of milliseconds for a large picture: not for the presenter's thread.
///
/// # Errors
/// A side of more than 65 535 pixels, which the format does not have.
pub fn encode(frame: &VideoFrame, quality: u8) -> io::Result<Vec<u8>> {
    let Rgb { width, height, pixels } = Rgb::of(frame);
    let mut file = Vec::new();
    let mut encoder = JpegEncoder::new_with_quality(&mut file, quality.clamp(1, 100));
    encoder.encode(&pixels, width, height, ExtendedColorType::Rgb8).map_err(io::Error::other)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use live_core::{Color, PicturePool, Plane, Rotation, Timestamp};

    /// A picture of 64×32 pixels whose left half is white.
    fn half_white() -> VideoFrame {
        let mut picture = PicturePool::new().black(64, 32);
        let stride = picture.stride(Plane::Y);
        picture.planes_mut()[0].chunks_exact_mut(stride).for_each(|row| row[..32].fill(235));
        VideoFrame::new(Timestamp::ZERO, Color::BT709, picture)
    }

    #[test]
    fn a_picture_becomes_a_file_that_others_read() {
        let file = encode(&half_white(), 85).unwrap();
        let read = image::load_from_memory_with_format(&file, image::ImageFormat::Jpeg).unwrap().into_rgb8();
        assert_eq!(read.dimensions(), (64, 32));
        let near = |x, y, value: u8| read.get_pixel(x, y).0.iter().all(|sample| sample.abs_diff(value) < 6);
        assert!(near(5, 5, 255) && near(26, 30, 255) && near(60, 2, 0));
        assert!(encode(&half_white(), 1).unwrap().len() < encode(&half_white(), 100).unwrap().len());
    }

    #[test]
    fn a_picture_that_lies_on_its_side_is_turned_upright() {
        let frame = VideoFrame { rotation: Rotation::Clockwise90, ..half_white() };
        let file = encode(&frame, 90).unwrap();
        let read = image::load_from_memory_with_format(&file, image::ImageFormat::Jpeg).unwrap().into_rgb8();
        assert_eq!(read.dimensions(), (32, 64));
        assert!(read.get_pixel(5, 5).0[0] > 240 && read.get_pixel(5, 60).0[0] < 16);
    }
}
