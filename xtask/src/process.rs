//! Other programs, run where the user can see them.

use std::ffi::OsStr;
use std::fmt;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// Why a task did not come to its end.
#[derive(Debug)]
pub enum Problem {
    /// It ran, and something is wrong.
    Failed(String),
    /// It could not run here; says what would have to be done.
    CannotRun(String),
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(reason) => f.write_str(reason),
            Self::CannotRun(reason) => write!(f, "cannot run here: {reason}"),
        }
    }
}

/// Longest time a program may take that is not given its own: a hung download or test must not hang the run.
pub const DEADLINE: Duration = Duration::from_secs(30 * 60);

/// Runs `command` with its output shown. An exit status other than success is [`Problem::Failed`].
pub fn run(command: &mut Command) -> Result<(), Problem> {
    announce(command);
    let child = spawn(command)?;
    succeeded(command, wait(child, DEADLINE))
}

/// As [`run`], but each line of the program's error stream goes to `observe`, which shows what is worth it,
/// and the program is ended after `deadline`.
pub fn run_observing(
    command: &mut Command,
    deadline: Duration,
    mut observe: impl FnMut(&str) + Send,
) -> Result<(), Problem> {
    announce(command);
    let mut child = spawn(command.stderr(Stdio::piped()))?;
    let stderr = child.stderr.take();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            for line in stderr.into_iter().flat_map(lines) {
                observe(&line);
            }
        });
        succeeded(command, wait(child, deadline))
    })
}

/// The standard output of `command`, which has to succeed.
pub fn output(command: &mut Command) -> Result<String, Problem> {
    let mut child = spawn(command.stdout(Stdio::piped()))?;
    let mut text = String::new();
    if let Some(mut stdout) = child.stdout.take() {
        stdout
            .read_to_string(&mut text)
            .map_err(|error| Problem::Failed(format!("{}: {error}", shown(command))))?;
    }
    succeeded(command, wait(child, DEADLINE))?;
    Ok(text)
}

/// Whether `command` exists and succeeds; its output is not shown.
pub fn succeeds(command: &mut Command) -> bool {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    spawn(command).is_ok_and(|child| wait(child, DEADLINE).is_ok_and(|status| status.success()))
}

/// The program of this name on PATH, or where servers are kept, which is not on every user's PATH.
pub fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let servers = ["/usr/sbin", "/usr/local/sbin", "/sbin"].map(PathBuf::from);
    std::env::split_paths(&path)
        .chain(servers)
        .map(|folder| folder.join(program).with_extension(std::env::consts::EXE_EXTENSION))
        .find(|candidate| candidate.is_file())
}

fn announce(command: &Command) {
    eprintln!("$ {}", shown(command));
}

/// The command as a user would type it: the program without its folder.
fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let words = std::iter::once(program.file_name().unwrap_or(program.as_os_str())).chain(command.get_args());
    words.map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ")
}

fn spawn(command: &mut Command) -> Result<Child, Problem> {
    command.spawn().map_err(|error| Problem::CannotRun(format!("{}: {error}", shown(command))))
}

fn lines(stream: impl Read) -> impl Iterator<Item = String> {
    BufReader::new(stream)
        .split(b'\n')
        .map_while(Result::ok)
        .map(|line| String::from_utf8_lossy(&line).into_owned())
}

/// Waits for the end of `child`, and ends it when `deadline` has passed.
fn wait(mut child: Child, deadline: Duration) -> std::io::Result<ExitStatus> {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        if start.elapsed() > deadline {
            child.kill()?;
            child.wait()?;
            return Err(std::io::Error::new(
                std::io::ErrorKind::TimedOut,
                format!("not done after {deadline:?}"),
            ));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn succeeded(command: &Command, status: std::io::Result<ExitStatus>) -> Result<(), Problem> {
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(Problem::Failed(format!("`{}` ended with {status}", shown(command)))),
        Err(error) => Err(Problem::Failed(format!("`{}`: {error}", shown(command)))),
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn a_failing_program_is_a_failure_and_a_missing_one_cannot_run() {
        assert!(
            matches!(run(&mut shell("exit 3")), Err(Problem::Failed(reason)) if reason.contains("exit status: 3"))
        );
        assert!(matches!(run(&mut Command::new("no-such-program")), Err(Problem::CannotRun(_))));
        assert!(!succeeds(&mut Command::new("no-such-program")));
    }

    #[test]
    fn every_line_is_observed() {
        let mut seen = Vec::new();
        run_observing(&mut shell("echo one >&2; printf two >&2"), DEADLINE, |line| {
            seen.push(line.to_owned());
        })
        .unwrap();
        assert_eq!(seen, ["one", "two"]);
        assert_eq!(output(&mut shell("echo out")).unwrap(), "out\n");
    }

    #[test]
    fn a_program_past_its_deadline_is_ended() {
        let child = shell("sleep 60").spawn().unwrap();
        let error = wait(child, Duration::from_millis(30)).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
    }

    #[test]
    fn programs_are_found_by_name() {
        assert!(find("sh").is_some_and(|path| path.ends_with("sh")));
        assert_eq!(find("no-such-program"), None);
    }
}
