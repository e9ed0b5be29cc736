//! Prints how the bitrate controller does on twelve simulated links, beside the rules of OBS and HaishinKit:
//! `cargo run --release -p live-pusher --example rate_table`. With a link's name, its bitrates second by second.

#[path = "../tests/rate_simulation/course.rs"]
mod course;
#[path = "../tests/rate_simulation/opponents.rs"]
mod opponents;
#[path = "../tests/rate_simulation/ours.rs"]
mod ours;
#[path = "../tests/rate_simulation/policy.rs"]
mod policy;
#[path = "../tests/rate_simulation/table.rs"]
mod table;
#[path = "../tests/rate_simulation/traces.rs"]
mod traces;

use std::time::Duration;

fn main() {
    let rows = table::rows();
    println!("{}", table::shown(&rows));
    for wanted in std::env::args().skip(1) {
        let Some(row) = rows.iter().find(|row| row.case.name == wanted) else { continue };
        let names: Vec<_> = row.scores.iter().map(|(name, _)| *name).collect();
        println!("\n{wanted}: kbit/s of the link, of {}", names.join(", of "));
        for second in 0..row.case.link.trace.length().as_secs() {
            let link = row.case.link.trace.rate_at(Duration::from_secs(second));
            let kbps =
                row.scores.iter().map(|(_, score)| score.kbps.get(second as usize).copied().unwrap_or(0));
            println!("{second:>4} {link:>6} {}", kbps.map(|kbps| format!("{kbps:>6}")).collect::<String>());
        }
    }
}
