//! The steps of `cargo xtask test`, in the order they run.

use super::{Outcome, features};
use crate::process::{self, Problem, find};
use crate::project::Project;
use crate::{fuzz, interop, setup};
use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::Command;

/// One step.
pub struct Step {
    /// What it is called on the command line.
    pub name: &'static str,
    /// What it does.
    pub about: &'static str,
    /// Does it.
    pub run: fn(&Project) -> Outcome,
}

/// Every step.
pub const STEPS: &[Step] = &[
    Step {
        name: "setup",
        about: "C++ compiler, nasm and ALSA's headers, installed if missing",
        run: build_tools,
    },
    Step {
        name: "peers",
        about: "ffmpeg, nginx with its RTMP module and a virtual X server, installed if missing",
        run: peers,
    },
    Step {
        name: "node",
        about: "node-media-server, installed into the target folder if there is npm",
        run: node,
    },
    Step { name: "fmt", about: "formatting", run: fmt },
    Step { name: "clippy", about: "lints, with default and with all features", run: clippy },
    Step { name: "tests", about: "unit, property, golden and interoperation tests", run: tests },
    Step { name: "doctests", about: "the examples in the documentation", run: doctests },
    Step { name: "docs", about: "the documentation builds without warnings", run: docs },
    Step { name: "features", about: "combinations of features compile without warnings", run: feature_sets },
    Step { name: "deny", about: "licences, sources and bans of the dependencies", run: deny },
    Step { name: "package", about: "every crate can be packaged, without stray files", run: package },
    Step {
        name: "interop",
        about: "the programs against ffmpeg, nginx, node-media-server and the crate rtmp",
        run: interop,
    },
    Step { name: "demo", about: "the demo, shortened, with all its criteria", run: demo },
    Step { name: "soak", about: "a minute of pushing with a clock that is off", run: soak },
    Step {
        name: "uplink",
        about: "the bitrate follows a link that narrows and widens; needs root",
        run: uplink,
    },
    Step {
        name: "fuzz",
        about: "the fuzz corpora, and 20 s of new input for each target",
        run: fuzz_shortly,
    },
];

/// The version of node-media-server the tests know.
const NODE_MEDIA_SERVER: &str = "node-media-server@4.4.3";
/// Seconds each fuzz target gets.
const FUZZ_SECONDS: u64 = 20;
/// Seconds for which the demo plays.
const DEMO_SECONDS: u64 = 6;
/// Seconds for which CI soaks.
const SOAK_SECONDS: u64 = 60;
/// Seconds for which interop cases push a file: three times through it.
const INTEROP_SECONDS: u64 = 15;
/// The largest file a package may hold: sources and small recordings, no media.
const LARGEST_PACKAGED: u64 = 1 << 20;

fn build_tools(_: &Project) -> Outcome {
    Ok(format!("{}; {}", setup::for_build()?, setup::for_all_features()?))
}

fn peers(_: &Project) -> Outcome {
    let peers = setup::ensure(&[&setup::FFMPEG, &setup::NGINX])?;
    // Tests that look at a screen say so when there can be none.
    Ok(match setup::ensure(&[&setup::XVFB, &setup::X_LIBRARIES, &setup::ICEWM]) {
        Ok(screen) => format!("{peers}; {screen}"),
        Err(problem) => format!("{peers}; tests of windows may say that they are skipped: {problem}"),
    })
}

/// Where npm puts node-media-server, in the target folder.
fn node_media_server_folder(project: &Project) -> PathBuf {
    project.target.join("peers/node_modules/node-media-server")
}

fn node(project: &Project) -> Outcome {
    Ok(match node_media_server(project)? {
        Some(_) => "present".into(),
        None => "no Node.js here: the tests against node-media-server say so and pass".into(),
    })
}

/// Makes sure that node-media-server is there, and says where; `None` on machines without Node.js.
pub fn node_media_server(project: &Project) -> Result<Option<PathBuf>, Problem> {
    let installed = node_media_server_folder(project);
    if installed.exists() {
        return Ok(Some(installed));
    }
    let (Some(_), Some(npm)) = (find("node"), find("npm")) else { return Ok(None) };
    let folder = project.target.join("peers");
    let mut command = Command::new(npm);
    command
        .args(["install", "--no-audit", "--no-fund", "--no-save", "--prefix"])
        .arg(folder)
        .arg(NODE_MEDIA_SERVER);
    process::run(&mut command).map_err(|problem| Problem::CannotRun(problem.to_string()))?;
    Ok(Some(installed))
}

fn fmt(project: &Project) -> Outcome {
    process::run(project.cargo().args(["fmt", "--all", "--check"]))?;
    if let Some(manifest) = fuzz::manifest(project) {
        process::run(project.cargo().args(["fmt", "--check", "--manifest-path"]).arg(manifest))?;
    }
    Ok(String::new())
}

fn clippy(project: &Project) -> Outcome {
    for features in [&[][..], &["--all-features"]] {
        let mut command = project.cargo();
        command.args(["clippy", "--workspace", "--all-targets"]).args(features);
        process::run(command.args(["--", "-D", "warnings"]))?;
    }
    Ok(String::new())
}

fn tests(project: &Project) -> Outcome {
    let nextest = tool(project, "cargo-nextest").is_ok();
    let mut command = project.cargo();
    if nextest {
        let color = if std::io::stderr().is_terminal() { "always" } else { "never" };
        command.args(["nextest", "run", "--no-fail-fast", "--color", color]);
    } else {
        command.args(["test", "--no-fail-fast", "--lib", "--bins", "--tests"]);
    }
    command.args(["--workspace", "--all-features"]);
    let node_media_server = node_media_server_folder(project);
    if node_media_server.exists() {
        command.env("LIVE_NODE_MEDIA_SERVER", node_media_server);
    }
    let mut summary = String::new();
    let ran = process::run_observing(&mut command, process::DEADLINE, |line| {
        eprintln!("{line}");
        if line.contains("Summary") {
            line.trim().clone_into(&mut summary);
        }
    });
    match ran {
        Ok(()) if nextest => Ok(summary),
        Ok(()) => Ok("ran with cargo test: cargo-nextest could not be installed".into()),
        Err(Problem::Failed(_)) if !summary.is_empty() => Err(Problem::Failed(summary)),
        Err(problem) => Err(problem),
    }
}

fn doctests(project: &Project) -> Outcome {
    process::run(project.cargo().args(["test", "--doc", "--workspace", "--all-features"]))?;
    Ok(String::new())
}

fn docs(project: &Project) -> Outcome {
    let mut command = project.cargo();
    command.args(["doc", "--workspace", "--no-deps", "--all-features"]).env("RUSTDOCFLAGS", "-D warnings");
    process::run(&mut command)?;
    Ok(String::new())
}

fn feature_sets(project: &Project) -> Outcome {
    let mut count = 0;
    for package in project.packages.iter().filter(|package| !package.features.is_empty()) {
        for set in features::combinations(&package.features) {
            let mut command = project.cargo();
            command.args(["clippy", "--quiet", "--package", &package.name, "--no-default-features"]);
            command.args(["--features", &set.join(","), "--", "-D", "warnings"]);
            process::run(&mut command)?;
            count += 1;
        }
    }
    Ok(format!("{count} combinations"))
}

fn deny(project: &Project) -> Outcome {
    tool(project, "cargo-deny")?;
    let mut command = project.cargo();
    command.args([
        "deny",
        "--all-features",
        "check",
        "--hide-inclusion-graph",
        "bans",
        "licenses",
        "sources",
    ]);
    process::run(&mut command)?;
    Ok(String::new())
}

fn package(project: &Project) -> Outcome {
    let mut count = 0;
    for package in project.packages.iter().filter(|package| package.published) {
        let mut command = project.cargo();
        let list = process::output(command.args([
            "package",
            "--list",
            "--allow-dirty",
            "--package",
            &package.name,
        ]))?;
        for file in list.lines() {
            let path = project.root.join(&package.name).join(file);
            // Files that cargo makes while packaging do not exist here.
            if path.metadata().is_ok_and(|metadata| metadata.len() > LARGEST_PACKAGED) {
                let name = &package.name;
                return Err(Problem::Failed(format!(
                    "{name} would ship {file}, which is over {LARGEST_PACKAGED} bytes"
                )));
            }
            count += 1;
        }
    }
    let mut command = project.cargo();
    command.args(["package", "--workspace", "--no-verify", "--allow-dirty", "--quiet"]);
    for package in project.packages.iter().filter(|package| !package.published) {
        command.args(["--exclude", &package.name]);
    }
    process::run(&mut command)?;
    Ok(format!("{count} files"))
}

fn interop(project: &Project) -> Outcome {
    interop::run_all(project, INTEROP_SECONDS)
}

fn demo(project: &Project) -> Outcome {
    let mut command = project.cargo();
    command.args(["run", "--release", "--package=xtask", "--features=lab", "--", "demo"]);
    process::run(command.arg(format!("--seconds={DEMO_SECONDS}")))?;
    Ok(format!("{DEMO_SECONDS} s"))
}

fn uplink(project: &Project) -> Outcome {
    let is_root = process::output(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0");
    if !is_root {
        return Ok("NOT RUN: needs root, to make a network namespace".into());
    }
    let mut build = project.cargo();
    build.args(["build", "--release", "--package=live-pusher", "--bin=live-push"]);
    process::run(build.arg("--features=live-pusher/cli"))?;
    let mut command = project.cargo();
    command.args(["run", "--release", "--package=xtask", "--features=lab", "--", "uplink"]);
    process::run(&mut command)?;
    Ok("2000, 600 and 2000 kbit/s".into())
}

fn soak(project: &Project) -> Outcome {
    let mut command = project.cargo();
    command.args(["run", "--release", "--package=xtask", "--features=lab", "--", "soak"]);
    process::run(command.arg(format!("--seconds={SOAK_SECONDS}")))?;
    Ok(format!("{SOAK_SECONDS} s"))
}

fn fuzz_shortly(project: &Project) -> Outcome {
    fuzz::run_in(project, &[], FUZZ_SECONDS)
}

/// Makes sure that a cargo subcommand is there; what is missing is built into the target folder.
///
/// Unoptimised and without debug information: these programs run for seconds, building them optimised takes minutes.
fn tool(project: &Project, name: &str) -> Result<(), Problem> {
    let mine = project.tools().join("bin").join(name).with_extension(std::env::consts::EXE_EXTENSION);
    if find(name).is_some() || mine.exists() {
        return Ok(());
    }
    let mut command = project.cargo();
    command.args(["install", "--locked", "--debug", "--root"]).arg(project.tools()).arg(name);
    command.env("CARGO_PROFILE_DEV_DEBUG", "false");
    process::run(&mut command).map_err(|problem| {
        Problem::CannotRun(format!(
            "{name} is missing and could not be installed ({problem}); run: cargo install {name}"
        ))
    })
}
