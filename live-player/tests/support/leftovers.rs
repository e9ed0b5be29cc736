//! Threads and descriptors of this process.

use std::time::{Duration, Instant};

fn entries(folder: &str) -> usize {
    std::fs::read_dir(folder).unwrap().count()
}

/// How many threads and descriptors there are.
pub fn count() -> (usize, usize) {
    (entries("/proc/self/task"), entries("/proc/self/fd"))
}

/// Waits until no more than `before` are there; for at most 10 s.
pub fn settle(before: (usize, usize)) -> bool {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let (threads, descriptors) = count();
        if threads <= before.0 && descriptors <= before.1 {
            return true;
        }
        if Instant::now() > deadline {
            return false;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}
