//! What criterion has written, as ratios.

use crate::process::Problem;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

/// Which bench is held against which: the group's beginning, ours, the yardstick, and what the ratio says.
struct Pair {
    group: &'static str,
    ours: &'static str,
    yardstick: &'static str,
}

const PAIRS: [Pair; 12] = [
    Pair { group: "flv", ours: "demux, tags only", yardstick: "demux by scuffle-flv" },
    Pair { group: "flv", ours: "demux", yardstick: "demux by scuffle-flv" },
    Pair { group: "chunk write", ours: "ours", yardstick: "rml_rtmp" },
    Pair { group: "chunk write", ours: "ours", yardstick: "scuffle" },
    Pair { group: "chunk read", ours: "ours", yardstick: "rml_rtmp" },
    Pair { group: "chunk read", ours: "ours", yardstick: "scuffle" },
    Pair { group: "encode path", ours: "behind the encoder", yardstick: "encoder" },
    Pair { group: "encode path", ours: "whole path", yardstick: "encoder" },
    Pair { group: "aac", ours: "encode/fdk-aac", yardstick: "encode/syom" },
    Pair { group: "aac", ours: "decode/symphonia", yardstick: "decode/fdk-aac" },
    Pair { group: "720p", ours: "YUYV to I420", yardstick: "memcpy of an I420" },
    Pair { group: "720p", ours: "NV12 to I420", yardstick: "memcpy of an I420" },
];

/// Mean nanoseconds by group and bench.
pub struct Results(BTreeMap<String, BTreeMap<String, f64>>);

impl Results {
    /// Reads every result below criterion's folder.
    pub fn read(folder: &Path) -> Result<Self, Problem> {
        let mut results = Self(BTreeMap::new());
        results.collect(folder).map_err(|error| Problem::Failed(format!("{}: {error}", folder.display())))?;
        Ok(results)
    }

    fn collect(&mut self, folder: &Path) -> std::io::Result<()> {
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            if !path.is_dir() {
                continue;
            }
            if path.ends_with("new") {
                self.add(&path);
            } else {
                self.collect(&path)?;
            }
        }
        Ok(())
    }

    /// Adds one bench; a file that is not as criterion writes it is passed over.
    fn add(&mut self, folder: &Path) {
        let read = |name: &str| -> Option<Value> {
            serde_json::from_str(&std::fs::read_to_string(folder.join(name)).ok()?).ok()
        };
        let (Some(bench), Some(estimates)) = (read("benchmark.json"), read("estimates.json")) else { return };
        let (group, name) = (bench["group_id"].as_str(), bench["function_id"].as_str());
        if let (Some(group), Some(name), Some(mean)) =
            (group, name, estimates["mean"]["point_estimate"].as_f64())
        {
            self.0.entry(group.to_owned()).or_default().insert(name.to_owned(), mean);
        }
    }

    /// The table of ratios, in Markdown.
    pub fn table(&self) -> String {
        let mut table =
            String::from("| bench | time | against | its time | ratio |\n|---|---:|---|---:|---:|\n");
        for (group, benches) in &self.0 {
            for pair in PAIRS.iter().filter(|pair| group.starts_with(pair.group)) {
                if let (Some(ours), Some(yardstick)) = (benches.get(pair.ours), benches.get(pair.yardstick)) {
                    let (time, its_time, ratio) = (duration(*ours), duration(*yardstick), ours / yardstick);
                    let bench = pair.ours;
                    let _ = writeln!(
                        table,
                        "| {group}: {bench} | {time} | {} | {its_time} | {ratio:.4} |",
                        pair.yardstick
                    );
                }
            }
        }
        table
    }
}

fn duration(nanos: f64) -> String {
    match nanos {
        ..1e3 => format!("{nanos:.0} ns"),
        1e3..1e6 => format!("{:.2} µs", nanos / 1e3),
        1e6..1e9 => format!("{:.2} ms", nanos / 1e6),
        _ => format!("{:.2} s", nanos / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_of_one_group_become_rows() {
        let benches = [("ours", 500.0), ("rml_rtmp", 2000.0), ("something else", 1.0)];
        let benches = benches.map(|(name, mean)| (name.to_owned(), mean)).into();
        let table = Results([("chunk write, 4096".to_owned(), benches)].into()).table();
        assert!(
            table.contains("| chunk write, 4096: ours | 500 ns | rml_rtmp | 2.00 µs | 0.2500 |"),
            "{table}"
        );
        assert_eq!(table.lines().count(), 3, "no row without its yardstick");
    }
}
