//! Coverage-guided fuzzing on the stable toolchain.
//!
//! The `fuzz` folder is laid out as cargo-fuzz wants it, so that tool works too. It is not needed: libFuzzer comes with
//! a crate, and the compiler flags that make a program report its coverage are a handful. Only sanitizers would need a
//! nightly compiler, and code without `unsafe` gains little from them.

use crate::process::{self, Problem};
use crate::project::Project;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// Options of `cargo xtask fuzz`.
#[derive(clap::Args)]
pub struct Options {
    /// How long each target gets, in seconds; 0 only replays the corpora
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Targets to run; all when none is named
    #[arg(value_name = "TARGET")]
    targets: Vec<String>,
}

/// What libFuzzer needs to see of a program: its edges, counters and comparisons.
const COVERAGE: &[&str] = &[
    "--cfg",
    "fuzzing",
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Ccodegen-units=1",
    "-Cdebug-assertions",
    "-Coverflow-checks",
];

/// Largest input that is made up.
const MAX_INPUT: u32 = 1 << 16;
/// An input that needs more memory than this, in MiB, is a finding.
const MAX_MEMORY: u32 = 512;
/// An input that takes longer than this, in seconds, is a finding.
const MAX_TIME: u32 = 10;

/// `cargo xtask fuzz`.
pub fn run(options: &Options) -> Result<(), Problem> {
    let summary = run_in(&Project::load()?, &options.targets, options.seconds)?;
    println!("{summary}");
    Ok(())
}

/// The manifest of the fuzz targets, where there are any.
pub fn manifest(project: &Project) -> Option<PathBuf> {
    Some(project.root.join("fuzz/Cargo.toml")).filter(|manifest| manifest.exists())
}

/// Runs the named targets, or all, for `seconds` each after their corpora. Says how many inputs were tried.
pub fn run_in(project: &Project, named: &[String], seconds: u64) -> Result<String, Problem> {
    let Some(manifest) = manifest(project) else {
        return Err(Problem::Failed("there is no fuzz/Cargo.toml".into()));
    };
    let targets = chosen(&known(&project.root.join("fuzz/fuzz_targets"))?, named)?;
    let binaries = build(project, &manifest)?;
    let mut tried = 0;
    for target in &targets {
        tried += attack(project, &binaries.join(target), target, seconds)?;
    }
    Ok(format!("{} targets, {tried} inputs, no findings", targets.len()))
}

/// Every target: one source file each.
fn known(folder: &Path) -> Result<Vec<String>, Problem> {
    let entries =
        folder.read_dir().map_err(|error| Problem::Failed(format!("{}: {error}", folder.display())))?;
    let files = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|ext| ext == "rs"));
    let mut names: Vec<String> =
        files.filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned())).collect();
    names.sort();
    Ok(names)
}

fn chosen(known: &[String], named: &[String]) -> Result<Vec<String>, Problem> {
    match named.iter().find(|name| !known.contains(name)) {
        Some(unknown) => Err(Problem::Failed(format!(
            "there is no fuzz target \"{unknown}\"; there are {}",
            known.join(", ")
        ))),
        None if named.is_empty() => Ok(known.to_vec()),
        None => Ok(named.to_vec()),
    }
}

/// Builds every target and returns the folder the programs are in.
fn build(project: &Project, manifest: &Path) -> Result<PathBuf, Problem> {
    let host = host()?;
    let folder = project.target.join("fuzz");
    let mut command = project.cargo();
    // Naming the target keeps the coverage flags away from build scripts and procedural macros.
    command.args(["build", "--release", "--bins", "--target", &host, "--manifest-path"]).arg(manifest);
    command.arg("--target-dir").arg(&folder).env("CARGO_ENCODED_RUSTFLAGS", COVERAGE.join("\u{1f}"));
    process::run(&mut command)?;
    Ok(folder.join(host).join("release"))
}

/// The triple this machine's compiler builds for.
fn host() -> Result<String, Problem> {
    let version =
        process::output(Command::new(std::env::var_os("RUSTC").unwrap_or("rustc".into())).arg("-vV"))?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).ok_or_else(|| Problem::Failed("`rustc -vV` names no host".into()))
}

/// Runs one target and returns how many inputs it tried.
fn attack(project: &Project, program: &Path, target: &str, seconds: u64) -> Result<u64, Problem> {
    let seeds = project.root.join("fuzz/corpus").join(target);
    let found = project.target.join("fuzz/corpus").join(target);
    let artifacts = project.root.join("fuzz/artifacts").join(target);
    for folder in [&found, &artifacts] {
        std::fs::create_dir_all(folder)
            .map_err(|error| Problem::Failed(format!("{}: {error}", folder.display())))?;
    }
    let mut command = Command::new(program);
    // New inputs go into the first folder: the target folder and not the repository.
    command.arg(found).args(seeds.exists().then_some(seeds));
    command.arg(if seconds == 0 { "-runs=0".to_owned() } else { format!("-max_total_time={seconds}") });
    command
        .arg(format!("-artifact_prefix={}/", artifacts.display()))
        .args(["-print_final_stats=1", "-verbosity=0"]);
    command.args([
        format!("-max_len={MAX_INPUT}"),
        format!("-rss_limit_mb={MAX_MEMORY}"),
        format!("-timeout={MAX_TIME}"),
    ]);
    // The replay of a large corpus comes on top.
    let deadline = Duration::from_secs(seconds) + process::DEADLINE;
    let mut lines = Vec::new();
    process::run_observing(&mut command, deadline, |line| lines.push(line.to_owned())).map_err(
        |problem| {
            eprintln!("{}", lines.join("\n"));
            Problem::Failed(format!("{target}: {problem}; the input is in {}", artifacts.display()))
        },
    )?;
    let tried = lines.iter().find_map(|line| executed(line)).unwrap_or(0);
    eprintln!("{target}: {tried} inputs");
    Ok(tried)
}

/// The number of inputs, if this is the line of libFuzzer's statistics that tells it.
fn executed(line: &str) -> Option<u64> {
    line.strip_prefix("stat::number_of_executed_units:")?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statistics_are_read_from_libfuzzer() {
        assert_eq!(executed("stat::number_of_executed_units: 1234"), Some(1234));
        assert_eq!(executed("stat::average_exec_per_sec:     617"), None);
    }

    #[test]
    fn an_unknown_target_is_refused_with_the_known_ones() {
        let known = ["amf0".to_owned(), "flv".to_owned()];
        assert_eq!(chosen(&known, &[]).unwrap(), known);
        assert_eq!(chosen(&known, &["flv".into()]).unwrap(), ["flv"]);
        assert!(
            chosen(&known, &["h265".into()]).is_err_and(|problem| problem.to_string().contains("amf0, flv"))
        );
    }
}
