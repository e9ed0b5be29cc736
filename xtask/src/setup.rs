//! Finds what a build or a test needs from the system, and installs it where that is possible.

use crate::process::{self, Problem, find};
use std::path::Path;
use std::process::Command;

/// Options of `cargo xtask setup`.
#[derive(clap::Args)]
pub struct Options {
    /// Also what the tests run against: ffmpeg, nginx with its RTMP module, a virtual X server; and what all features
    /// need: ALSA's headers
    #[arg(long)]
    peers: bool,
}

/// Something a system has or has not.
pub struct Tool {
    /// What it is called.
    pub name: &'static str,
    /// What is missing without it.
    pub why: &'static str,
    /// The packages of Debian and its descendants, separated by spaces.
    package: &'static str,
    /// How other systems call it.
    elsewhere: &'static str,
    present: fn() -> bool,
}

/// Compiles openh264 and fdk-aac: nothing works without it.
pub const CPP: Tool = Tool {
    name: "C++ compiler",
    why: "openh264 and fdk-aac are built from their C++ sources",
    package: "g++",
    elsewhere: "gcc-c++ on Fedora, gcc on Arch, `xcode-select --install` on macOS",
    present: || {
        std::env::var_os("CXX").is_some() || ["c++", "g++", "clang++"].iter().any(|name| find(name).is_some())
    },
};

/// Assembles openh264's SIMD code: everything works without it, but slowly.
pub const NASM: Tool = Tool {
    name: "nasm",
    why: "without it H.264 encoding and decoding are 2.5 to 3 times slower",
    package: "nasm",
    elsewhere: "nasm on Fedora, Arch and in Homebrew",
    present: || find("nasm").is_some(),
};

/// The independent decoder and sender of the tests.
pub const FFMPEG: Tool = Tool {
    name: "ffmpeg",
    why: "tests push to it, pull with it and compare with its decoders",
    package: "ffmpeg",
    elsewhere: "ffmpeg-free on Fedora, ffmpeg on Arch and in Homebrew",
    present: || find("ffmpeg").is_some() && find("ffprobe").is_some(),
};

/// The RTMP server of the tests.
pub const NGINX: Tool = Tool {
    name: "nginx with its RTMP module",
    why: "tests push to it and pull from it",
    package: "libnginx-mod-rtmp",
    elsewhere: "nginx with nginx-rtmp-module",
    present: || {
        let folders = ["/usr/lib/nginx/modules", "/usr/lib64/nginx/modules", "/usr/share/nginx/modules"];
        find("nginx").is_some()
            && folders.iter().any(|folder| Path::new(folder).join("ngx_rtmp_module.so").exists())
    },
};

/// Finds the system's libraries.
pub const PKG_CONFIG: Tool = Tool {
    name: "pkg-config",
    why: "ALSA's headers are found by it",
    package: "pkg-config",
    elsewhere: "pkgconf on Fedora and Arch",
    present: || cfg!(not(target_os = "linux")) || find("pkg-config").is_some(),
};

/// What the loudspeaker is built with on Linux.
pub const ALSA: Tool = Tool {
    name: "ALSA's headers",
    why: "the feature `speaker` of live-player is built with them",
    package: "libasound2-dev",
    elsewhere: "alsa-lib-devel on Fedora, alsa-lib on Arch",
    present: || {
        let mut ask = Command::new("pkg-config");
        cfg!(not(target_os = "linux")) || process::succeeds(ask.args(["--exists", "alsa"]))
    },
};

/// The screen of the tests.
pub const XVFB: Tool = Tool {
    name: "Xvfb",
    why: "tests open windows on it and look at them",
    package: "xvfb",
    elsewhere: "xorg-x11-server-Xvfb on Fedora, xorg-server-xvfb on Arch",
    present: || cfg!(not(target_os = "linux")) || find("Xvfb").is_some(),
};

/// A player to compare with.
#[cfg(not(feature = "lab"))]
pub const MPV: Tool = Tool {
    name: "mpv",
    why: "latency is compared with its",
    package: "mpv",
    elsewhere: "mpv on Fedora, Arch and in Homebrew",
    present: || find("mpv").is_some(),
};

/// The window manager of the tests.
pub const ICEWM: Tool = Tool {
    name: "icewm",
    why: "a test asks it for full screen",
    package: "icewm",
    elsewhere: "icewm on Fedora and Arch",
    present: || cfg!(not(target_os = "linux")) || find("icewm").is_some(),
};

/// What windows load when the first one opens.
pub const X_LIBRARIES: Tool = Tool {
    name: "X11's libraries",
    why: "windows load them when they open",
    package: "libx11-6 libxcursor1 libxi6 libxrandr2 libxkbcommon-x11-0",
    elsewhere: "libX11, libXcursor, libXi, libXrandr and libxkbcommon-x11 on Fedora and Arch",
    present: || {
        let known = process::output(Command::new("ldconfig").arg("-p")).unwrap_or_default();
        let names =
            ["libX11.so.6", "libXcursor.so.1", "libXi.so.6", "libXrandr.so.2", "libxkbcommon-x11.so.0"];
        cfg!(not(target_os = "linux")) || names.iter().all(|name| known.contains(name))
    },
};

/// `cargo xtask setup`.
pub fn run(options: &Options) -> Result<(), Problem> {
    println!("{}", for_build()?);
    if options.peers {
        println!("{}", ensure(&[&FFMPEG, &NGINX, &XVFB, &X_LIBRARIES, &ICEWM])?);
        println!("{}", for_all_features()?);
    }
    Ok(())
}

/// What a build needs. A missing nasm is warned about: the build goes on without it.
pub fn for_build() -> Result<String, Problem> {
    let compiler = ensure(&[&CPP])?;
    match ensure(&[&NASM]) {
        Ok(assembler) => Ok(format!("{compiler}; {assembler}")),
        Err(problem) => {
            eprintln!("warning: {problem}");
            Ok(format!("{compiler}; no nasm: {}", NASM.why))
        }
    }
}

/// What a build with all features needs besides.
pub fn for_all_features() -> Result<String, Problem> {
    ensure(&[&PKG_CONFIG, &ALSA])
}

/// Makes sure that `tools` are there, by installing what is missing. Says what was done, or what the user can do.
pub fn ensure(tools: &[&Tool]) -> Result<String, Problem> {
    let names = |tools: &[&Tool]| tools.iter().map(|tool| tool.name).collect::<Vec<_>>().join(", ");
    let missing = missing(tools);
    if missing.is_empty() {
        return Ok(format!("{} present", names(tools)));
    }
    for tool in &missing {
        eprintln!("{} is missing: {}", tool.name, tool.why);
    }
    let packages: Vec<&str> = missing.iter().flat_map(|tool| tool.package.split(' ')).collect();
    if let Some(apt) = Apt::find()
        && let Err(problem) = apt.install(&packages)
    {
        eprintln!("{problem}");
    }
    let still = self::missing(&missing);
    if still.is_empty() {
        Ok(format!("{} installed", names(&missing)))
    } else {
        Err(Problem::CannotRun(advice(&still, find("apt-get").is_some())))
    }
}

fn missing<'a>(tools: &[&'a Tool]) -> Vec<&'a Tool> {
    tools.iter().copied().filter(|tool| !(tool.present)()).collect()
}

/// What a user has to do to get `tools`.
fn advice(tools: &[&Tool], debian: bool) -> String {
    let names: Vec<&str> = tools.iter().map(|tool| tool.name).collect();
    let names = names.join(" and ");
    if debian {
        let packages: Vec<&str> = tools.iter().map(|tool| tool.package).collect();
        format!("{names} could not be installed; run: sudo apt-get install -y {}", packages.join(" "))
    } else {
        let elsewhere: Vec<&str> = tools.iter().map(|tool| tool.elsewhere).collect();
        format!("{names} missing; install {}", elsewhere.join(", and "))
    }
}

/// The package manager of Debian and its descendants, with the right to use it.
struct Apt {
    sudo: bool,
}

impl Apt {
    /// `None` where there is no apt, or no way to use it without asking for a password.
    fn find() -> Option<Self> {
        find("apt-get")?;
        let root = process::output(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0");
        if root {
            return Some(Self { sudo: false });
        }
        process::succeeds(Command::new("sudo").args(["-n", "true"])).then_some(Self { sudo: true })
    }

    fn install(&self, packages: &[&str]) -> Result<(), Problem> {
        let mut arguments = vec!["install", "-y", "--no-install-recommends"];
        arguments.extend(packages);
        if process::run(&mut self.command(&arguments)).is_ok() {
            return Ok(());
        }
        // A fresh image has no package lists, an old one has outdated ones.
        process::run(&mut self.command(&["update"]))?;
        process::run(&mut self.command(&arguments))
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(if self.sudo { "sudo" } else { "env" });
        if self.sudo {
            command.args(["-n", "env"]);
        }
        command.args(["DEBIAN_FRONTEND=noninteractive", "apt-get"]);
        // Another package manager may be at work, and a mirror may hang: wait for both, but not for ever.
        command.args([
            "-o",
            "DPkg::Lock::Timeout=120",
            "-o",
            "Acquire::http::Timeout=30",
            "-o",
            "Acquire::Retries=2",
        ]);
        command.args(arguments);
        command
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ABSENT: Tool = Tool {
        name: "unicorn",
        why: "tests ride it",
        package: "unicorn-bin",
        elsewhere: "unicorn on Arch",
        present: || false,
    };

    #[test]
    fn advice_is_a_command_on_debian_and_names_elsewhere() {
        assert_eq!(
            advice(&[&ABSENT, &NASM], true),
            "unicorn and nasm could not be installed; run: sudo apt-get install -y unicorn-bin nasm"
        );
        assert_eq!(advice(&[&ABSENT], false), "unicorn missing; install unicorn on Arch");
    }

    #[test]
    fn only_what_is_missing_is_asked_for() {
        let there = Tool { present: || true, ..ABSENT };
        assert_eq!(ensure(&[&there]).unwrap(), "unicorn present");
        assert_eq!(missing(&[&there, &ABSENT]).len(), 1);
    }
}
