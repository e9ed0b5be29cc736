//! A network namespace with a narrow way out.

use crate::process::{self, Problem, find};
use std::process::Command;

/// Bytes the bottleneck holds: 437 ms at 600 kbit/s.
const BUFFER: u32 = 32 * 1024;
/// Bytes that pass at once: some packets, so that the rate is kept.
const BURST: u32 = 6 * 1024;

/// A namespace, joined to this one by a pair of interfaces. Taken down when dropped.
pub struct Bottleneck {
    namespace: String,
    outer: String,
    inner: String,
    subnet: u32,
}

impl Bottleneck {
    /// Sets it up; what is sent out of the namespace passes at `kbps`.
    pub fn set_up(kbps: u32) -> Result<Self, Problem> {
        for program in ["ip", "tc"] {
            if find(program).is_none() {
                return Err(Problem::CannotRun(format!("{program} is missing; install iproute2")));
            }
        }
        let id = std::process::id();
        let bottleneck = Self {
            namespace: format!("live-uplink-{id}"),
            outer: format!("lvo{id}"),
            inner: format!("lvi{id}"),
            subnet: id % 16_000,
        };
        let made = run("ip", &["netns", "add", &bottleneck.namespace]);
        made.map_err(|problem| {
            Problem::CannotRun(format!("no network namespace can be made ({problem}): needs root"))
        })?;
        bottleneck.join(kbps)?;
        Ok(bottleneck)
    }

    fn join(&self, kbps: u32) -> Result<(), Problem> {
        let Self { namespace, outer, inner, .. } = self;
        run(
            "ip",
            &[
                "link", "add", outer, "mtu", "1500", "type", "veth", "peer", "name", inner, "mtu", "1500",
                "netns", namespace,
            ],
        )?;
        run("ip", &["address", "add", &format!("{}/30", self.address(1)), "dev", outer])?;
        run("ip", &["link", "set", outer, "up"])?;
        run("ip", &["-n", namespace, "address", "add", &format!("{}/30", self.address(2)), "dev", inner])?;
        run("ip", &["-n", namespace, "link", "set", inner, "up"])?;
        run("ip", &["-n", namespace, "link", "set", "lo", "up"])?;
        self.shape("add", kbps)
    }

    /// From now on `kbps` pass.
    pub fn set_rate(&self, kbps: u32) -> Result<(), Problem> {
        self.shape("change", kbps)
    }

    fn shape(&self, verb: &str, kbps: u32) -> Result<(), Problem> {
        let (rate, burst, limit) = (format!("{kbps}kbit"), BURST.to_string(), BUFFER.to_string());
        let device = ["-n", &self.namespace, "qdisc", verb, "dev", &self.inner, "root"];
        let filter = ["tbf", "rate", &rate, "burst", &burst, "limit", &limit];
        run("tc", &[&device[..], &filter[..]].concat())
    }

    /// The address of this side, as seen from the namespace.
    pub fn server(&self) -> String {
        self.address(1)
    }

    fn address(&self, host: u32) -> String {
        // 10.64.0.0/10, in subnets of four.
        let place = self.subnet * 4 + host;
        format!("10.{}.{}.{}", 64 + (place >> 16), place >> 8 & 0xff, place & 0xff)
    }

    /// `program`, to be run in the namespace.
    pub fn command(&self, program: &std::path::Path) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.namespace]).arg(program);
        command
    }
}

impl Drop for Bottleneck {
    fn drop(&mut self) {
        // Taking one end away takes both; what was never made cannot be taken away.
        for arguments in [["link", "delete", &self.outer], ["netns", "delete", &self.namespace]] {
            let _ = Command::new("ip").args(arguments).stderr(std::process::Stdio::null()).status();
        }
    }
}

fn run(program: &str, arguments: &[&str]) -> Result<(), Problem> {
    process::output(Command::new(program).args(arguments)).map(drop)
}
