//! Whether the bitrate control did its work.

use super::viewer::Seen;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

/// After a change of the rate, the latency has this long to come back.
const BACK_WITHIN: Duration = Duration::from_secs(5);
/// It may then be this much over what it was on the fast link.
const OVER_BASELINE: Duration = Duration::from_millis(500);
/// The rate is judged over the end of each phase.
const JUDGED: Duration = Duration::from_secs(20);
/// The part of the link that has to be media.
const LEAST_USE: f64 = 0.85;

/// A time during which the link had one rate.
#[derive(Clone, Copy, Debug)]
pub struct Phase {
    /// When it began.
    pub begins: Instant,
    /// When it ended.
    pub ends: Instant,
    /// What the link carried.
    pub kbps: u32,
}

/// A table for people, and what is wrong.
pub fn judge(phases: &[Phase], seen: &Seen, codes: &[i64]) -> (String, Vec<String>) {
    let mut wrong = Vec::new();
    let mut table = String::from(
        "| link, kbit/s | media, kbit/s | of the link | latency: median, 95 %, worst after 5 s |\n|---|---|---|---|\n",
    );
    let baseline = percentile(&latencies(seen, phases[0].ends - JUDGED, phases[0].ends), 50);
    for (number, phase) in phases.iter().enumerate() {
        let judged_from = phase.ends - JUDGED;
        let inside = |at: Instant| at >= judged_from && at < phase.ends;
        let bytes: usize = seen.media.iter().filter(|(at, _)| inside(*at)).map(|(_, bytes)| bytes).sum();
        let kbps = bytes as f64 / 125.0 / JUDGED.as_secs_f64();
        let share = kbps / f64::from(phase.kbps);
        if share < LEAST_USE {
            wrong.push(format!(
                "phase {}: only {:.0} % of {} kbit/s were media",
                number + 1,
                share * 100.0,
                phase.kbps
            ));
        }
        let after = latencies(seen, phase.begins + BACK_WITHIN, phase.ends);
        let worst = percentile(&after, 100);
        // The fast link before the drop is what the others are measured by.
        if number > 0 && worst > baseline + OVER_BASELINE {
            wrong.push(format!(
                "phase {}: {} ms of latency later than 5 s after the change, {} ms before the drop",
                number + 1,
                worst.as_millis(),
                baseline.as_millis()
            ));
        }
        let (median, most) = (percentile(&after, 50).as_millis(), percentile(&after, 95).as_millis());
        let _ = writeln!(
            table,
            "| {} | {kbps:.0} | {:.0} % | {median}, {most}, {} ms |",
            phase.kbps,
            share * 100.0,
            worst.as_millis()
        );
    }
    for fault in seen.faults.iter().take(5) {
        wrong.push(format!("not decodable: {fault}"));
    }
    if codes.iter().any(|code| *code == 1102 || *code < 0)
        || codes.iter().filter(|code| **code == 1002).count() != 1
    {
        wrong.push(format!("the connection did not hold: {codes:?}"));
    }
    (table, wrong)
}

fn latencies(seen: &Seen, from: Instant, to: Instant) -> Vec<Duration> {
    let mut latencies: Vec<_> =
        seen.pictures.iter().filter(|(at, _)| *at >= from && *at < to).map(|(_, latency)| *latency).collect();
    latencies.sort_unstable();
    latencies
}

/// Of sorted values; for ever when there are none.
fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    sorted.get(sorted.len().saturating_sub(1) * percent / 100).copied().unwrap_or(Duration::from_secs(3600))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pictures at 20 a second with a latency in ms by second, and media at a part of the link.
    fn seen(begun: Instant, latency: impl Fn(u64) -> u64, part: f64) -> (Vec<Phase>, Seen) {
        let at = |second: u64| begun + Duration::from_secs(second);
        let phases = [2000, 600, 2000].iter().zip([0, 40, 80]);
        let phases: Vec<_> = phases
            .map(|(kbps, second)| Phase { begins: at(second), ends: at(second + 40), kbps: *kbps })
            .collect();
        let mut seen = Seen::default();
        for n in 0..2400 {
            let now = begun + Duration::from_millis(n * 50);
            let phase = &phases[(n / 800) as usize];
            seen.pictures.push((now, Duration::from_millis(latency(n / 20))));
            seen.media.push((now, (f64::from(phase.kbps) * part * 125.0 / 20.0) as usize));
        }
        (phases, seen)
    }

    #[test]
    fn what_holds_passes_and_each_lapse_is_named() {
        let begun = Instant::now();
        let wrong = |latency: fn(u64) -> u64, part, codes: &[i64]| {
            let (phases, seen) = seen(begun, latency, part);
            judge(&phases, &seen, codes).1
        };
        let well = |second| if (40..44).contains(&second) { 2000 } else { 100 };
        assert_eq!(wrong(well, 0.9, &[1001, 1002, 1006]), Vec::<String>::new());
        assert_eq!(wrong(well, 0.8, &[1002]).len(), 3);
        assert!(
            wrong(|second| if second == 60 { 700 } else { 100 }, 0.9, &[1002])[0].contains("phase 2: 700 ms")
        );
        assert!(wrong(well, 0.9, &[1002, 1102, 1002])[0].contains("did not hold"));
    }
}
