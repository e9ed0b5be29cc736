//! The links that policies are compared on. They were fixed before anything was tuned to them.

use live_core::simnet::{LinkConfig, Trace};
use std::time::Duration;

/// A link with a name.
pub struct Case {
    pub name: &'static str,
    pub link: LinkConfig,
}

const fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn case(name: &'static str, delay: u64, buffer: usize, seed: u64, trace: Trace) -> Case {
    let link = LinkConfig { trace, delay: ms(delay), buffer: buffer * 1024, seed, ..LinkConfig::default() };
    Case { name, link }
}

/// The twelve links, each of two minutes.
pub fn all() -> Vec<Case> {
    let at = Trace::starting_at;
    let mut all = vec![
        case(
            "step down and up",
            20,
            32,
            11,
            at(2000).hold(s(40)).step(600).hold(s(40)).step(2000).hold(s(40)),
        ),
        case(
            "stairs down",
            15,
            48,
            12,
            [2000, 1500, 1000, 700, 500]
                .iter()
                .fold(at(2500).hold(s(20)), |t, kbps| t.step(*kbps).hold(s(20))),
        ),
        case(
            "stairs up",
            30,
            32,
            13,
            [800, 1200, 1700, 2300, 2800]
                .iter()
                .fold(at(500).hold(s(20)), |t, kbps| t.step(*kbps).hold(s(20))),
        ),
        case("slow fall", 25, 32, 14, at(2500).hold(s(10)).ramp(500, s(60)).hold(s(50))),
        case("up and down", 20, 64, 15, at(600).ramp(2400, s(20)).ramp(600, s(20)).repeat(3)),
        case("short outages", 20, 32, 16, at(1500).hold(s(28)).step(0).hold(s(2)).step(1500).repeat(4)),
        case("long outage", 40, 64, 17, at(1800).hold(s(50)).step(0).hold(s(8)).step(1800).hold(s(62))),
        case("slow oscillation", 20, 32, 18, at(1800).hold(s(10)).step(900).hold(s(10)).repeat(6)),
        case("fast oscillation", 30, 48, 19, at(1600).hold(s(2)).step(800).hold(s(2)).repeat(30)),
        case("walking", 35, 64, 20, at(1500).wander((350, 3000), 1.35, s(1), s(120), 20)),
        case("driving", 45, 96, 21, at(1200).wander((150, 4000), 1.9, ms(1500), s(120), 21)),
        case("losses", 30, 48, 22, at(1500).hold(s(60)).step(900).hold(s(60))),
    ];
    if let Some(losses) = all.last_mut() {
        losses.link.loss = 0.01;
    }
    all
}
