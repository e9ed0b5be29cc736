//! Planar pictures whose memory is used again.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// Strides are multiples of this many bytes (one cache line, two AVX2 vectors), so that rows do not share lines.
const ALIGNMENT: usize = 64;

/// Pictures a [`PicturePool`] keeps for the next taker; the oldest of more is given back to the allocator.
const KEPT: usize = 16;

/// The planes of an [`I420`] picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Plane {
    /// Luma, full size.
    Y,
    /// Blue difference, half size rounded up in both directions.
    U,
    /// Red difference, half size rounded up in both directions.
    V,
}

impl Plane {
    /// All three, in memory order.
    pub const ALL: [Self; 3] = [Self::Y, Self::U, Self::V];
}

/// An 8-bit 4:2:0 picture with three planes. A clone shares the memory.
///
/// Rows may be followed by padding: row `r` of a plane starts at `r * stride`. Dimensions may be odd; chroma is then
/// rounded up.
#[derive(Clone)]
pub struct I420 {
    width: u32,
    height: u32,
    memory: Arc<Memory>,
}

/// One allocation for three planes, returned to its pool by the last owner.
struct Memory {
    bytes: Vec<u8>,
    home: Weak<Mutex<Vec<Vec<u8>>>>,
}

impl Drop for Memory {
    fn drop(&mut self) {
        if let Some(home) = self.home.upgrade() {
            let mut free = home.lock().unwrap_or_else(PoisonError::into_inner);
            // The one that waited longest may be of a size that is not made any more.
            let oldest = (free.len() >= KEPT).then(|| free.remove(0));
            free.push(std::mem::take(&mut self.bytes));
            drop(free);
            drop(oldest);
        }
    }
}

/// Memory of `total` bytes out of what came back to the pool, else a new allocation.
fn lend(home: &Weak<Mutex<Vec<Vec<u8>>>>, total: usize) -> Vec<u8> {
    let returned = home.upgrade().and_then(|home| {
        let mut free = home.lock().unwrap_or_else(PoisonError::into_inner);
        let fitting = free.iter().rposition(|bytes| bytes.len() == total)?;
        Some(free.remove(fitting))
    });
    returned.unwrap_or_else(|| vec![0; total])
}

/// Strides and the places where planes start, for one size.
#[derive(Clone, Copy)]
struct Layout {
    luma_stride: usize,
    chroma_stride: usize,
    luma_len: usize,
    chroma_len: usize,
}

impl Layout {
    fn of(width: u32, height: u32) -> Self {
        let luma_stride = (width as usize).next_multiple_of(ALIGNMENT);
        let chroma_stride = (width.div_ceil(2) as usize).next_multiple_of(ALIGNMENT);
        Self {
            luma_stride,
            chroma_stride,
            luma_len: luma_stride * height as usize,
            chroma_len: chroma_stride * height.div_ceil(2) as usize,
        }
    }

    fn total(self) -> usize {
        self.luma_len + 2 * self.chroma_len
    }
}

impl I420 {
    fn layout(&self) -> Layout {
        Layout::of(self.width, self.height)
    }

    /// Width in pixels.
    #[must_use]
    pub const fn width(&self) -> u32 {
        self.width
    }

    /// Height in pixels.
    #[must_use]
    pub const fn height(&self) -> u32 {
        self.height
    }

    /// Width and height of `plane` in samples.
    #[must_use]
    pub fn plane_size(&self, plane: Plane) -> (usize, usize) {
        match plane {
            Plane::Y => (self.width as usize, self.height as usize),
            Plane::U | Plane::V => (self.width.div_ceil(2) as usize, self.height.div_ceil(2) as usize),
        }
    }

    /// Bytes from one row of `plane` to the next.
    #[must_use]
    pub fn stride(&self, plane: Plane) -> usize {
        match plane {
            Plane::Y => self.layout().luma_stride,
            Plane::U | Plane::V => self.layout().chroma_stride,
        }
    }

    /// The rows of `plane`, padding included.
    #[must_use]
    pub fn plane(&self, plane: Plane) -> &[u8] {
        let layout = self.layout();
        let (luma, chroma) = self.memory.bytes.split_at(layout.luma_len);
        match plane {
            Plane::Y => luma,
            Plane::U => &chroma[..layout.chroma_len],
            Plane::V => &chroma[layout.chroma_len..layout.chroma_len * 2],
        }
    }

    /// One row of `plane`, without padding. Panics when there is no such row.
    #[must_use]
    pub fn row(&self, plane: Plane, row: usize) -> &[u8] {
        let (width, height) = self.plane_size(plane);
        assert!(row < height, "row {row} of a plane of {height} rows");
        let start = row * self.stride(plane);
        &self.plane(plane)[start..start + width]
    }

    /// The three planes `[Y, U, V]` for writing, padding included.
    ///
    /// Copies the picture first when its memory is shared with a clone, so a picture fresh from a pool is written in
    /// place.
    pub fn planes_mut(&mut self) -> [&mut [u8]; 3] {
        let layout = self.layout();
        if Arc::get_mut(&mut self.memory).is_none() {
            let mut bytes = lend(&self.memory.home, self.memory.bytes.len());
            bytes.copy_from_slice(&self.memory.bytes);
            self.memory = Arc::new(Memory { bytes, home: self.memory.home.clone() });
        }
        let memory = Arc::get_mut(&mut self.memory).expect("the memory was made unique above");
        let (luma, chroma) = memory.bytes.split_at_mut(layout.luma_len);
        let (u, v) = chroma.split_at_mut(layout.chroma_len);
        [luma, u, &mut v[..layout.chroma_len]]
    }
}

/// Prints the size, never the pixels.
impl fmt::Debug for I420 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "I420({}×{})", self.width, self.height)
    }
}

/// Lends pictures and takes their memory back when the last clone is dropped.
///
/// Clones share one store. It keeps at most 16 unused pictures, those that came back last.
#[derive(Clone, Default)]
pub struct PicturePool {
    free: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl PicturePool {
    /// An empty pool.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A picture of any size ≥ 1×1 whose samples have arbitrary values: the taker writes every one.
    ///
    /// Allocates only when no returned picture of that size is there.
    #[must_use]
    pub fn take(&self, width: u32, height: u32) -> I420 {
        let home = Arc::downgrade(&self.free);
        let bytes = lend(&home, Layout::of(width, height).total());
        I420 { width, height, memory: Arc::new(Memory { bytes, home }) }
    }

    /// A black picture (limited range).
    #[must_use]
    pub fn black(&self, width: u32, height: u32) -> I420 {
        let mut picture = self.take(width, height);
        let [y, u, v] = picture.planes_mut();
        y.fill(16);
        u.fill(128);
        v.fill(128);
        picture
    }
}

impl fmt::Debug for PicturePool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner).len();
        f.debug_struct("PicturePool").field("free", &free).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_returns_to_the_pool_and_is_lent_again() {
        let pool = PicturePool::new();
        let first = pool.take(64, 36);
        let place = first.plane(Plane::Y).as_ptr();
        let clone = first.clone();
        drop(first);
        assert_ne!(pool.take(64, 36).plane(Plane::Y).as_ptr(), place, "a clone still uses it");
        drop(clone);
        let again = [pool.take(64, 36), pool.take(64, 36)];
        assert!(again.iter().any(|picture| picture.plane(Plane::Y).as_ptr() == place));
    }

    #[test]
    fn writing_a_shared_picture_leaves_its_clone_alone() {
        let pool = PicturePool::new();
        let mut picture = pool.black(3, 3);
        let clone = picture.clone();
        picture.planes_mut()[0].fill(200);
        assert_eq!(clone.row(Plane::Y, 2), [16, 16, 16]);
        assert_eq!(picture.row(Plane::Y, 2), [200, 200, 200]);
    }

    #[test]
    fn a_copy_made_for_writing_is_lent_by_the_pool_as_well() {
        let pool = PicturePool::new();
        let spare = pool.take(64, 36);
        let place = spare.plane(Plane::Y).as_ptr();
        let mut picture = pool.black(64, 36);
        let _clone = picture.clone();
        drop(spare);
        assert_eq!(picture.planes_mut()[0].as_ptr(), place);
    }

    #[test]
    fn odd_sizes_round_chroma_up() {
        let picture = PicturePool::new().black(5, 3);
        assert_eq!(picture.plane_size(Plane::U), (3, 2));
        assert_eq!(picture.row(Plane::V, 1), [128, 128, 128]);
    }
}
