//! Pictures as PNG files.

use super::rgb::Rgb;
use live_core::VideoFrame;
use std::io;

/// `frame` as a PNG file in memory: 8-bit RGB, upright, converted by the frame's own matrix and range.
///
/// Takes some tens of milliseconds for a large picture: not for the presenter's thread.
///
/// # Errors
/// None that is known: a picture always fits.
pub fn encode(frame: &VideoFrame) -> io::Result<Vec<u8>> {
    let Rgb { width, height, pixels } = Rgb::of(frame);
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Fast);
    encoder
        .write_header()
        .and_then(|mut writer| writer.write_image_data(&pixels))
        .map_err(io::Error::other)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use live_core::{Color, PicturePool, Timestamp};

    #[test]
    fn a_picture_becomes_a_file_that_says_its_size() {
        let picture = PicturePool::new().black(5, 3);
        let file = encode(&VideoFrame::new(Timestamp::ZERO, Color::BT601, picture)).unwrap();
        let mut reader = png::Decoder::new(io::Cursor::new(file)).read_info().unwrap();
        let mut pixels = vec![1; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        assert_eq!((info.width, info.height), (5, 3));
        assert_eq!(pixels, [0; 5 * 3 * 3]);
    }
}
