//! Programs that run beside the task, and end with it.

use crate::process::Problem;
use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How often a program is asked whether it has ended or listens.
const TICK: Duration = Duration::from_millis(10);
/// How long a server may take until it listens.
const STARTUP: Duration = Duration::from_secs(15);

/// A running program. Its output goes into files; dropping it ends it.
pub struct Peer {
    name: String,
    child: Child,
    stdout: PathBuf,
    stderr: PathBuf,
}

/// How a program ended.
pub struct Ended {
    /// Its exit status.
    pub status: ExitStatus,
    /// What it wrote to standard output.
    pub stdout: String,
    /// What it wrote to standard error.
    pub stderr: String,
}

impl Peer {
    /// Starts `command`; what it writes goes to `NAME.out` and `NAME.err` in `folder`.
    pub fn start(name: impl Into<String>, folder: &Path, command: &mut Command) -> Result<Self, Problem> {
        let name = name.into();
        let (stdout, stderr) = (folder.join(format!("{name}.out")), folder.join(format!("{name}.err")));
        let opened = File::create(&stdout).and_then(|out| Ok((out, File::create(&stderr)?)));
        let (out, err) = opened.map_err(|error| Problem::Failed(format!("{}: {error}", folder.display())))?;
        let child = command.stdin(Stdio::null()).stdout(out).stderr(err).spawn();
        let child = child.map_err(|error| Problem::CannotRun(format!("{name}: {error}")))?;
        Ok(Self { name, child, stdout, stderr })
    }

    /// Waits for the program's own end; it is a failure when that has not come after `deadline`.
    pub fn ended(mut self, deadline: Duration) -> Result<Ended, Problem> {
        let start = Instant::now();
        loop {
            let status = self.child.try_wait().map_err(|error| self.failed(&error.to_string()))?;
            if let Some(status) = status {
                return Ok(Ended { status, stdout: read(&self.stdout), stderr: read(&self.stderr) });
            }
            if start.elapsed() > deadline {
                return Err(self.failed(&format!("had not ended after {deadline:?}")));
            }
            sleep(TICK);
        }
    }

    /// As [`ended`](Self::ended); an exit status other than success is a failure.
    pub fn succeeded(self, deadline: Duration) -> Result<Ended, Problem> {
        let (name, log) = (self.name.clone(), self.stderr.clone());
        let ended = self.ended(deadline)?;
        if ended.status.success() {
            return Ok(ended);
        }
        let words = ended.stderr.lines().last().unwrap_or("without a word");
        Err(Problem::Failed(format!("{name} ended with {}: {words} ({})", ended.status, log.display())))
    }

    /// As [`succeeded`](Self::succeeded); a word on standard error is a failure too.
    pub fn succeeded_silently(self, deadline: Duration) -> Result<Ended, Problem> {
        let (name, log) = (self.name.clone(), self.stderr.clone());
        let ended = self.succeeded(deadline)?;
        match ended.stderr.lines().next() {
            None => Ok(ended),
            Some(line) => Err(Problem::Failed(format!("{name} complains: {line} ({})", log.display()))),
        }
    }

    /// Waits until something listens on `port`.
    pub fn listening(mut self, port: u16) -> Result<Self, Problem> {
        let start = Instant::now();
        while TcpStream::connect_timeout(&local(port), STARTUP).is_err() {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(self.failed(&format!("ended with {status} instead of listening")));
            }
            if start.elapsed() > STARTUP {
                return Err(self.failed(&format!("does not listen on port {port} after {STARTUP:?}")));
            }
            sleep(TICK);
        }
        Ok(self)
    }

    fn failed(&self, what: &str) -> Problem {
        Problem::Failed(format!("{} {what} (see {})", self.name, self.stderr.display()))
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // Both fail when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read(path: &Path) -> String {
    fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}

/// An address on this machine.
pub fn local(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

/// A port that was free a moment ago.
pub fn free_port() -> Result<u16, Problem> {
    let port = TcpListener::bind(local(0)).and_then(|listener| Ok(listener.local_addr()?.port()));
    port.map_err(|error| Problem::CannotRun(format!("no port is free on 127.0.0.1: {error}")))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn shell(script: &str) -> Peer {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        let folder = std::env::temp_dir();
        Peer::start(format!("xtask-peer-{}", std::process::id()), &folder, &mut command)
            .expect("there is a shell")
    }

    #[test]
    fn ends_are_told_apart() {
        let deadline = Duration::from_secs(20);
        let ended = shell("echo out; echo err >&2").succeeded(deadline).unwrap();
        assert_eq!((ended.stdout.as_str(), ended.stderr.as_str()), ("out\n", "err\n"));
        let words = |result: Result<Ended, Problem>| result.err().unwrap().to_string();
        assert!(words(shell("echo oh no >&2; exit 3").succeeded(deadline)).contains("exit status: 3: oh no"));
        assert!(words(shell("echo hm >&2").succeeded_silently(deadline)).contains("complains: hm"));
        assert!(
            words(shell("sleep 60").ended(Duration::from_millis(50))).contains("had not ended after 50ms")
        );
    }
}
