//! The picture that is sent while the application is in the background.

use image::{DynamicImage, ImageDecoder as _, ImageFormat, ImageReader, Limits};
use live_core::config::{CheckedPusherConfig, Size};
use live_core::pixels::convert::{RgbLayout, Rgba};
use live_core::pixels::letterbox::letterbox;
use live_core::{Color, I420, PicturePool};
use md5::{Digest as _, Md5};
use std::fmt::Write as _;
use std::io::{Cursor, Read as _};
use std::path::Path;

/// The longest side of a waiting image, in pixels.
const MOST_SIDE: u32 = 1920;

/// The largest file that is read: an uncompressed picture of the largest size, and its wrapping.
const MOST_BYTES: u64 = 24 << 20;

/// Memory a decoder may take.
const MOST_MEMORY: u64 = 64 << 20;

/// The waiting image, decoded; black when there is none.
#[derive(Debug, Default)]
pub(crate) struct WaitingImage {
    /// Width, height and RGBA, over black already.
    pixels: Option<(u32, u32, Vec<u8>)>,
    /// What was made of it last, for which size and colours.
    framed: Option<(Size, Color, I420)>,
}

impl WaitingImage {
    /// Reads, compares and decodes what the attributes name. Blocks for reading a file.
    ///
    /// The error says which file it is and what is wrong with it.
    pub(crate) fn of(config: &CheckedPusherConfig) -> Result<Self, String> {
        let Some(path) = &config.waiting_image else { return Ok(Self::default()) };
        let read = || {
            let bytes = read(path)?;
            check_digest(&bytes, config.waiting_image_md5.as_deref())?;
            decode(bytes)
        };
        let pixels = read().map_err(|problem: String| format!("{}: {problem}", path.display()))?;
        Ok(Self { pixels: Some(pixels), framed: None })
    }

    /// The whole image in the middle of a picture of this size, between black bars. The last one is kept.
    pub(crate) fn picture(&mut self, size: Size, color: Color, pool: &PicturePool) -> I420 {
        match &self.framed {
            Some((for_size, for_color, picture)) if (*for_size, *for_color) == (size, color) => {
                picture.clone()
            }
            _ => {
                let picture = self.frame(size, color, pool);
                self.framed = Some((size, color, picture.clone()));
                picture
            }
        }
    }

    fn frame(&self, size: Size, color: Color, pool: &PicturePool) -> I420 {
        let black = (1, 1, &[0, 0, 0, 255][..]);
        let (width, height, pixels) =
            self.pixels.as_ref().map_or(black, |(width, height, pixels)| (*width, *height, pixels));
        let picture = Rgba::new(RgbLayout::Rgba, width, height, width as usize * 4, pixels)
            .map_or_else(|_| pool.black(size.width, size.height), |rgba| rgba.to_i420(color, pool));
        letterbox(&picture, color, size.width, size.height, pool)
    }
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    let file = std::fs::File::open(path).map_err(|error| format!("cannot be opened: {error}"))?;
    let mut bytes = Vec::new();
    file.take(MOST_BYTES + 1).read_to_end(&mut bytes).map_err(|error| format!("cannot be read: {error}"))?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(format!("is larger than {} MiB; compress it", MOST_BYTES >> 20));
    }
    Ok(bytes)
}

fn check_digest(bytes: &[u8], wanted: Option<&str>) -> Result<(), String> {
    let Some(wanted) = wanted else { return Ok(()) };
    let found = Md5::digest(bytes).iter().fold(String::with_capacity(32), |mut text, byte| {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    });
    if found.eq_ignore_ascii_case(wanted) {
        return Ok(());
    }
    Err(format!("its MD5 is {found}, and waiting-image-md5 says {wanted}"))
}

fn decode(bytes: Vec<u8>) -> Result<(u32, u32, Vec<u8>), String> {
    let mut reader = ImageReader::new(Cursor::new(bytes))
        .with_guessed_format()
        .map_err(|error| format!("cannot be read: {error}"))?;
    if !matches!(reader.format(), Some(ImageFormat::Png | ImageFormat::Jpeg)) {
        return Err("is neither PNG nor JPEG".to_owned());
    }
    let mut limits = Limits::default();
    limits.max_alloc = Some(MOST_MEMORY);
    reader.limits(limits);
    let cannot = |error| format!("cannot be decoded: {error}");
    let mut decoder = reader.into_decoder().map_err(cannot)?;
    let (width, height) = decoder.dimensions();
    if width.max(height) > MOST_SIDE {
        return Err(format!("is {width}×{height}; at most {MOST_SIDE}×{MOST_SIDE} pixels are allowed"));
    }
    let orientation = decoder.orientation().map_err(cannot)?;
    let mut image = DynamicImage::from_decoder(decoder).map_err(cannot)?;
    image.apply_orientation(orientation);
    let mut rgba = image.into_rgba8();
    for pixel in rgba.pixels_mut().filter(|pixel| pixel.0[3] < 255) {
        let alpha = u32::from(pixel.0[3]);
        let over_black = |value: u8| ((u32::from(value) * alpha + 127) / 255) as u8;
        pixel.0 = [over_black(pixel.0[0]), over_black(pixel.0[1]), over_black(pixel.0[2]), 255];
    }
    let (width, height) = rgba.dimensions();
    Ok((width, height, rgba.into_raw()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{Rgba as Pixel, RgbaImage};
    use live_core::{Plane, PusherConfig};

    fn png(width: u32, height: u32, pixel: [u8; 4]) -> Vec<u8> {
        let mut file = Cursor::new(Vec::new());
        RgbaImage::from_pixel(width, height, Pixel(pixel)).write_to(&mut file, ImageFormat::Png).unwrap();
        file.into_inner()
    }

    fn load(bytes: &[u8], md5: Option<&str>) -> Result<WaitingImage, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("waiting.bin");
        std::fs::write(&path, bytes).unwrap();
        let mut config = PusherConfig::default();
        config.url = Some("x.flv".parse().unwrap());
        config.waiting_image = Some(path);
        config.waiting_image_md5 = md5.map(str::to_owned);
        WaitingImage::of(&config.check().unwrap())
    }

    fn middle(image: &mut WaitingImage) -> u8 {
        image.picture(Size::new(40, 80), Color::BT601, &PicturePool::new()).row(Plane::Y, 40)[20]
    }

    #[test]
    fn the_image_is_shown_whole_between_bars_and_kept() {
        let mut image = load(&png(200, 100, [255, 255, 255, 255]), None).unwrap();
        let pool = PicturePool::new();
        let picture = image.picture(Size::new(40, 80), Color::BT601, &pool);
        assert_eq!((picture.row(Plane::Y, 0)[20], picture.row(Plane::Y, 40)[20]), (16, 235));
        let again = image.picture(Size::new(40, 80), Color::BT601, &pool);
        assert_eq!(again.plane(Plane::Y).as_ptr(), picture.plane(Plane::Y).as_ptr(), "nothing is made twice");
        assert_eq!(
            image.picture(Size::new(20, 40), Color::BT601, &pool).width(),
            20,
            "the stream's size changed"
        );
    }

    #[test]
    fn what_is_transparent_lies_over_black_and_no_image_is_black() {
        assert_eq!(middle(&mut load(&png(8, 8, [255, 255, 255, 0]), None).unwrap()), 16);
        assert_eq!(middle(&mut WaitingImage::default()), 16);
    }

    #[test]
    fn jpeg_is_read_too() {
        let mut file = Cursor::new(Vec::new());
        let grey = image::RgbImage::from_pixel(64, 64, image::Rgb([128; 3]));
        grey.write_to(&mut file, ImageFormat::Jpeg).unwrap();
        let luma = middle(&mut load(&file.into_inner(), None).unwrap());
        assert!((124..=128).contains(&luma), "{luma}");
    }

    #[test]
    fn every_way_to_be_wrong_is_named() {
        let file = png(4, 4, [1, 2, 3, 255]);
        let digest = Md5::digest(&file).iter().map(|byte| format!("{byte:02X}")).collect::<String>();
        assert!(load(&file, Some(&digest)).is_ok(), "upper case is fine");
        for (bytes, md5, expected) in [
            (&file[..], Some("0".repeat(32)), "its MD5 is"),
            (&file[..file.len() / 2], None, "cannot be decoded"),
            (b"GIF89a..........", None, "neither PNG nor JPEG"),
            (&png(1921, 2, [0; 4]), None, "is 1921×2; at most 1920×1920"),
        ] {
            let problem = load(bytes, md5.as_deref()).unwrap_err();
            assert!(problem.contains(expected) && problem.contains("waiting.bin"), "{problem}");
        }
    }
}
