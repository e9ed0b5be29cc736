//! How much memory this process holds.

use std::time::Duration;

/// Growth that is no leak: allocators and the recording's buffers breathe.
const BREATH_KIB: u64 = 4096;

/// Resident memory of this process in KiB; `None` where the system does not tell.
pub fn resident_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Readings over the run.
#[derive(Debug, Default)]
pub struct MemoryLog(Vec<(Duration, u64)>);

impl MemoryLog {
    /// Notes what is held now.
    pub fn note(&mut self, at: Duration) {
        self.0.extend(resident_kib().map(|kib| (at, kib)));
    }

    /// Medians of the second and of the last quarter of the run, in KiB: the first is for warming up.
    pub fn quarters(&self) -> Option<(u64, u64)> {
        let (end, _) = self.0.last()?;
        let median = |from: f64, to: f64| {
            let inside = |at: &Duration| {
                at.as_secs_f64() >= end.as_secs_f64() * from && at.as_secs_f64() <= end.as_secs_f64() * to
            };
            let mut values: Vec<u64> =
                self.0.iter().filter(|(at, _)| inside(at)).map(|(_, kib)| *kib).collect();
            values.sort_unstable();
            values.get(values.len() / 2).copied()
        };
        Some((median(0.25, 0.5)?, median(0.75, 1.0)?))
    }

    /// Whether nothing grew between them.
    pub fn is_flat(&self) -> Option<bool> {
        self.quarters().map(|(early, late)| late <= early + BREATH_KIB.max(early / 20))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(kib: impl Fn(u64) -> u64) -> MemoryLog {
        MemoryLog((0..=600).map(|second| (Duration::from_secs(second), kib(second))).collect())
    }

    #[test]
    fn warming_up_is_no_leak_and_a_slow_leak_is_one() {
        assert_eq!(log(|second| 60_000 + second.min(100) * 200).is_flat(), Some(true));
        assert_eq!(log(|second| 60_000 + second % 7 * 300).is_flat(), Some(true));
        assert_eq!(log(|second| 60_000 + second * 20).is_flat(), Some(false));
        assert_eq!(MemoryLog::default().is_flat(), None);
    }
}
