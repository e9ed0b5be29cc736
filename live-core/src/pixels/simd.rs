//! The one place where code is compiled for more than the baseline processor.
//!
//! Loops are written plainly, in a [`Kernel`]. Each kernel is compiled twice, for the target's baseline and for AVX2,
//! where the compiler's vectoriser handles 32 samples at a time; which one runs is decided when the program runs. Both
//! come from the same source and work on integers, so their results are the same to the bit. On AArch64 the baseline
//! has NEON already.
//!
//! Effects and sources of other crates may use it for their own loops:
//!
//! ```
//! use live_core::pixels::simd::{self, Kernel};
//!
//! struct Brighten<'a>(&'a mut [u8], u8);
//!
//! impl Kernel for Brighten<'_> {
//!     #[inline(always)]
//!     fn run(self) {
//!         self.0.iter_mut().for_each(|sample| *sample = sample.saturating_add(self.1));
//!     }
//! }
//!
//! let mut row = [1, 100, 250];
//! simd::run(Brighten(&mut row, 10));
//! assert_eq!(row, [11, 110, 255]);
//! ```

#![allow(unsafe_code)]

/// A loop worth vectorising. `run` and every function of ours it calls are `#[inline(always)]`: what is not inlined is
/// compiled for the baseline.
pub trait Kernel {
    /// Does the work.
    fn run(self);
}

/// Runs a kernel with the widest vectors this processor has.
pub fn run<K: Kernel>(kernel: K) {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") && !portable::is_forced() {
        // SAFETY: the processor has AVX2, as the line above asked it.
        return unsafe { run_with_avx2(kernel) };
    }
    kernel.run();
}

/// Calls `kernel.run()` where the compiler may use AVX2.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn run_with_avx2<K: Kernel>(kernel: K) {
    kernel.run();
}

/// Lets tests compare both ways on one machine.
mod portable {
    #[cfg(test)]
    thread_local! {
        pub(super) static FORCED: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
    }

    #[cfg(all(target_arch = "x86_64", not(test)))]
    pub(super) const fn is_forced() -> bool {
        false
    }

    #[cfg(all(target_arch = "x86_64", test))]
    pub(super) fn is_forced() -> bool {
        FORCED.get()
    }
}

/// Runs `work` with baseline code only, on this thread.
#[cfg(test)]
pub(super) fn portably<T>(work: impl FnOnce() -> T) -> T {
    portable::FORCED.set(true);
    let result = work();
    portable::FORCED.set(false);
    result
}
