//! One picture, now.

use super::{ControlError, LivePusherHandle};
use crate::pipeline::video::VideoOrder;
use crate::pipeline::video::tap::SnapshotOf;
use image::codecs::{jpeg::JpegEncoder, png::PngEncoder};
use image::{ExtendedColorType, ImageEncoder as _};
use live_core::pixels::convert::{RgbLayout, i420_to_rgb};
use live_core::pixels::rotate::rotate;
use live_core::{PicturePool, VideoFrame};
use std::time::Duration;

/// How long a snapshot waits for its picture.
const DEADLINE: Duration = Duration::from_secs(2);

/// A picture taken by [`LivePusherHandle::snapshot`].
#[derive(Clone, Debug)]
pub struct Snapshot {
    frame: VideoFrame,
}

impl Snapshot {
    /// The picture itself; it shares its memory with the stream.
    #[must_use]
    pub const fn frame(&self) -> &VideoFrame {
        &self.frame
    }

    /// The picture, upright, as a PNG file in memory. Takes some tens of milliseconds for a large one.
    ///
    /// # Errors
    /// What the encoder says.
    pub fn png(&self) -> std::io::Result<Vec<u8>> {
        let mut file = Vec::new();
        let (width, height, pixels) = self.rgb();
        PngEncoder::new(&mut file)
            .write_image(&pixels, width, height, ExtendedColorType::Rgb8)
            .map_err(std::io::Error::other)?;
        Ok(file)
    }

    /// The picture, upright, as a JPEG file in memory; `quality` 1–100.
    ///
    /// # Errors
    /// What the encoder says.
    pub fn jpeg(&self, quality: u8) -> std::io::Result<Vec<u8>> {
        let mut file = Vec::new();
        let (width, height, pixels) = self.rgb();
        JpegEncoder::new_with_quality(&mut file, quality.clamp(1, 100))
            .write_image(&pixels, width, height, ExtendedColorType::Rgb8)
            .map_err(std::io::Error::other)?;
        Ok(file)
    }

    fn rgb(&self) -> (u32, u32, Vec<u8>) {
        let pool = PicturePool::new();
        let picture = rotate(&self.frame.surface.to_i420(&pool), self.frame.rotation, &pool);
        let (width, height) = (picture.width(), picture.height());
        let stride = width as usize * RgbLayout::Rgb.bytes();
        let mut pixels = vec![0; stride * height as usize];
        i420_to_rgb(&picture, self.frame.color, RgbLayout::Rgb, &mut pixels, stride);
        (width, height, pixels)
    }
}

impl LivePusherHandle {
    /// The next picture of the stream or of its source; waits for it for at most two seconds. Also works in the preview.
    ///
    /// # Errors
    /// [`NotRunning`](ControlError::NotRunning) without a session or preview, or with one that has no picture;
    /// [`Failed`](ControlError::Failed) when no picture comes in time, as for the source in the background.
    pub async fn snapshot(&self, of: SnapshotOf) -> Result<Snapshot, ControlError> {
        let asked = self.ask(|answer| VideoOrder::Snapshot(of, answer));
        // The deadline needs the pusher's runtime, whatever executor this runs on.
        let late = self.inner.runtime.spawn(tokio::time::sleep(DEADLINE));
        let frame = tokio::select! {
            frame = asked => frame?,
            _ = late => return Err(ControlError::Failed(format!("no picture came within {DEADLINE:?}"))),
        };
        Ok(Snapshot { frame })
    }
}
