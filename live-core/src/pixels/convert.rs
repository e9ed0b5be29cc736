//! From the layouts of cameras, screens and windows to I420 and back.
//!
//! Y′CbCr layouts are only sorted, their samples keep their meaning (matrix and range travel in
//! [`VideoFrame::color`](crate::VideoFrame)). R′G′B′ is converted with the matrix and range asked for, to within one
//! code value of the exact result. Chroma is averaged over the samples it stands for, and repeated on the way back.

mod rgb;
mod yuv;

pub use rgb::{RgbLayout, i420_to_rgb};

use crate::frame::{Color, I420, PicturePool};

/// A picture in memory that does not have the size it should have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a picture of {width}×{height} pixels, {stride} bytes to a row, needs {needed} bytes, not {len}")]
pub struct SizeError {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Bytes from one row to the next.
    pub stride: usize,
    /// Bytes there should be; `usize::MAX` when a row is longer than the stride or the picture is empty.
    pub needed: usize,
    /// Bytes there are.
    pub len: usize,
}

/// Rows of bytes in somebody else's memory, checked to be all there.
#[derive(Clone, Copy)]
struct Rows<'a> {
    data: &'a [u8],
    stride: usize,
    /// Bytes of a row that belong to the picture.
    len: usize,
    count: usize,
}

impl<'a> Rows<'a> {
    /// `count` rows of `len` bytes each, `stride` bytes apart. The last row needs no padding.
    fn new(
        (width, height): (u32, u32),
        len: usize,
        count: usize,
        stride: usize,
        data: &'a [u8],
    ) -> Result<Self, SizeError> {
        let fits = width > 0 && height > 0 && len <= stride;
        let end = if fits {
            (count - 1).checked_mul(stride).and_then(|start| start.checked_add(len))
        } else {
            None
        };
        let needed = end.unwrap_or(usize::MAX);
        if needed > data.len() {
            return Err(SizeError { width, height, stride, needed, len: data.len() });
        }
        Ok(Self { data, stride, len, count })
    }

    /// Row `index`, or the last one when there are not so many.
    #[inline(always)]
    fn row(&self, index: usize) -> &'a [u8] {
        let start = index.min(self.count - 1) * self.stride;
        &self.data[start..start + self.len]
    }
}

/// A picture of packed 4:2:2 samples: Y′ Cb Y′ Cr (`YUYV`, `YUY2`), two bytes to a pixel.
#[derive(Clone, Copy)]
pub struct Yuyv<'a> {
    size: (u32, u32),
    rows: Rows<'a>,
}

impl<'a> Yuyv<'a> {
    /// A picture in `data`, its rows `stride` bytes apart.
    pub fn new(width: u32, height: u32, stride: usize, data: &'a [u8]) -> Result<Self, SizeError> {
        let len = width.div_ceil(2) as usize * 4;
        Ok(Self {
            size: (width, height),
            rows: Rows::new((width, height), len, height as usize, stride, data)?,
        })
    }

    /// The same picture in planes.
    #[must_use]
    pub fn to_i420(&self, pool: &PicturePool) -> I420 {
        yuv::from_yuyv(self.size, self.rows, pool)
    }
}

/// A picture with a plane of luma and one of interleaved chroma (`NV12`).
#[derive(Clone, Copy)]
pub struct Nv12<'a> {
    size: (u32, u32),
    luma: Rows<'a>,
    chroma: Rows<'a>,
}

impl<'a> Nv12<'a> {
    /// A picture in two planes, their rows the given numbers of bytes apart.
    pub fn new(
        width: u32,
        height: u32,
        luma: (&'a [u8], usize),
        chroma: (&'a [u8], usize),
    ) -> Result<Self, SizeError> {
        let size = (width, height);
        let (half_width, half_height) = (width.div_ceil(2) as usize, height.div_ceil(2) as usize);
        Ok(Self {
            size,
            luma: Rows::new(size, width as usize, height as usize, luma.1, luma.0)?,
            chroma: Rows::new(size, half_width * 2, half_height, chroma.1, chroma.0)?,
        })
    }

    /// A picture in one buffer, chroma directly behind `height` rows of luma, all rows `stride` bytes apart.
    pub fn contiguous(width: u32, height: u32, stride: usize, data: &'a [u8]) -> Result<Self, SizeError> {
        let luma_len = stride.saturating_mul(height as usize).min(data.len());
        let (luma, chroma) = data.split_at(luma_len);
        Self::new(width, height, (luma, stride), (chroma, stride))
    }

    /// The same picture in three planes.
    #[must_use]
    pub fn to_i420(&self, pool: &PicturePool) -> I420 {
        yuv::from_nv12(self.size, self.luma, self.chroma, pool)
    }
}

/// A picture in three planes of somebody else's memory.
#[derive(Clone, Copy)]
pub struct Planar<'a> {
    size: (u32, u32),
    planes: [Rows<'a>; 3],
}

impl<'a> Planar<'a> {
    /// A 4:2:0 picture in the planes Y, U, V, their rows the given numbers of bytes apart.
    pub fn new(width: u32, height: u32, planes: [(&'a [u8], usize); 3]) -> Result<Self, SizeError> {
        let size = (width, height);
        let (half_width, half_height) = (width.div_ceil(2) as usize, height.div_ceil(2) as usize);
        let [y, u, v] = planes;
        Ok(Self {
            size,
            planes: [
                Rows::new(size, width as usize, height as usize, y.1, y.0)?,
                Rows::new(size, half_width, half_height, u.1, u.0)?,
                Rows::new(size, half_width, half_height, v.1, v.0)?,
            ],
        })
    }

    /// A copy in memory from `pool`.
    #[must_use]
    pub fn to_i420(&self, pool: &PicturePool) -> I420 {
        yuv::from_planes(self.size, self.planes, pool)
    }
}

/// A picture of R′G′B′ with four bytes to a pixel.
#[derive(Clone, Copy)]
pub struct Rgba<'a> {
    size: (u32, u32),
    rows: Rows<'a>,
    layout: RgbLayout,
}

impl<'a> Rgba<'a> {
    /// A picture in `data`, its rows `stride` bytes apart; the fourth byte of a pixel is passed over.
    ///
    /// # Panics
    /// When `layout` has not four bytes to a pixel.
    pub fn new(
        layout: RgbLayout,
        width: u32,
        height: u32,
        stride: usize,
        data: &'a [u8],
    ) -> Result<Self, SizeError> {
        assert_eq!(layout.bytes(), 4, "pixels of four bytes are read, not {layout:?}");
        let size = (width, height);
        Ok(Self { size, rows: Rows::new(size, width as usize * 4, height as usize, stride, data)?, layout })
    }

    /// The same picture as Y′CbCr that is to be read as `color` says.
    #[must_use]
    pub fn to_i420(&self, color: Color, pool: &PicturePool) -> I420 {
        rgb::from_rgba(self.size, self.rows, self.layout, color, pool)
    }
}

/// Strides and sizes of the picture's planes, for kernels that write them.
fn luma_and_chroma_strides(picture: &I420) -> (usize, usize) {
    (picture.stride(crate::Plane::Y), picture.stride(crate::Plane::U))
}
