//! Bytes on their way to the peer: small pieces gathered, large payloads passed by reference.

use bytes::{Buf, Bytes, BytesMut};
use std::collections::VecDeque;
use std::fmt;
use std::io::IoSlice;

/// Pieces up to this size are copied behind each other: below it a copy is cheaper than one more entry in the
/// vector of a system call and one more reference count.
const COPY_UP_TO: usize = 512;

/// How much is allocated at a time for the copied pieces.
const BLOCK: usize = 4096;

/// A queue of bytes that are to be sent, read through [`Buf`].
///
/// Headers and small payloads are gathered into blocks; a large payload goes through as the same reference-counted
/// [`Bytes`] that came in, so a video frame is never copied between the encoder and the system call.
#[derive(Default)]
pub struct Outgoing {
    /// Complete pieces, oldest first; none of them is empty.
    pieces: VecDeque<Bytes>,
    /// Gathered small pieces behind all of `pieces`.
    tail: BytesMut,
    /// Bytes in `pieces`.
    queued: usize,
    /// Bytes that have gone.
    taken: u64,
}

/// Prints how much there is, never what: commands carry names and tokens.
impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outgoing").field("bytes", &self.remaining()).finish()
    }
}

impl Outgoing {
    /// Appends a copy of `bytes`.
    pub fn put_slice(&mut self, bytes: &[u8]) {
        if self.tail.capacity() - self.tail.len() < bytes.len() {
            self.tail.reserve(bytes.len().max(BLOCK));
        }
        self.tail.extend_from_slice(bytes);
    }

    /// Appends `bytes`, by reference unless they are few.
    pub fn put(&mut self, bytes: Bytes) {
        if bytes.len() <= COPY_UP_TO {
            self.put_slice(&bytes);
            return;
        }
        if !self.tail.is_empty() {
            let gathered = self.tail.split().freeze();
            self.push(gathered);
        }
        self.push(bytes);
    }

    /// Bytes that have gone since the beginning.
    #[must_use]
    pub const fn taken(&self) -> u64 {
        self.taken
    }

    fn push(&mut self, piece: Bytes) {
        self.queued += piece.len();
        self.pieces.push_back(piece);
    }
}

impl Buf for Outgoing {
    fn remaining(&self) -> usize {
        self.queued + self.tail.len()
    }

    fn chunk(&self) -> &[u8] {
        self.pieces.front().map_or(&self.tail, |piece| piece)
    }

    fn chunks_vectored<'a>(&'a self, dst: &mut [IoSlice<'a>]) -> usize {
        let tail = (!self.tail.is_empty()).then_some(&self.tail[..]);
        let pieces = self.pieces.iter().map(|piece| &piece[..]).chain(tail);
        let mut filled = 0;
        for (slot, piece) in dst.iter_mut().zip(pieces) {
            *slot = IoSlice::new(piece);
            filled += 1;
        }
        filled
    }

    fn advance(&mut self, mut count: usize) {
        self.taken += count as u64;
        while let Some(front) = self.pieces.front_mut() {
            if count < front.len() {
                front.advance(count);
                self.queued -= count;
                return;
            }
            count -= front.len();
            self.queued -= front.len();
            self.pieces.pop_front();
        }
        self.tail.advance(count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled() -> Outgoing {
        let mut out = Outgoing::default();
        out.put_slice(b"ab");
        out.put(Bytes::from_static(b"cd"));
        out.put(Bytes::from(vec![b'x'; 1000]));
        out.put_slice(b"ef");
        out
    }

    #[test]
    fn large_payloads_pass_by_reference_and_small_ones_are_gathered() {
        let payload = Bytes::from(vec![1; 60_000]);
        let mut out = Outgoing::default();
        out.put_slice(&[0; 12]);
        out.put(payload.clone());
        out.put_slice(b"tail");
        let mut slices = [IoSlice::new(&[]); 8];
        assert_eq!(out.chunks_vectored(&mut slices), 3);
        assert_eq!(slices[1].as_ptr(), payload.as_ptr());
        assert_eq!(out.remaining(), 12 + 60_000 + 4);
    }

    #[test]
    fn any_way_of_advancing_gives_the_same_bytes() {
        let whole = filled().copy_to_bytes(1006);
        for step in [1, 3, 5, 999, 1006] {
            let mut out = filled();
            let mut got = Vec::new();
            while out.has_remaining() {
                let take = step.min(out.chunk().len());
                got.extend_from_slice(&out.chunk()[..take]);
                out.advance(take);
            }
            assert_eq!(got, whole, "in steps of {step}");
        }
    }

    #[test]
    fn advancing_across_pieces_keeps_count() {
        let mut out = filled();
        out.advance(1005);
        assert_eq!((out.remaining(), out.chunk()), (1, &b"f"[..]));
    }
}
