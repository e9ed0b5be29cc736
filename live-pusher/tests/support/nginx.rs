//! nginx with its RTMP module as the independent server, FFmpeg as viewer and judge.

#![allow(dead_code)]

use live_core::event::{Delivery, EventStream, PusherEvent};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Where Debian has the module.
const MODULE: &str = "/usr/lib/nginx/modules/ngx_rtmp_module.so";

/// How long anything may take on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(40);

/// A server of our own, until it is dropped.
pub struct Nginx {
    /// Where it listens for RTMP.
    pub rtmp: u16,
    http: u16,
    folder: PathBuf,
    process: Option<Child>,
    /// What comes before its command: nothing, or what leads into a network namespace.
    inside: Vec<String>,
}

impl Nginx {
    /// A server on this machine's loopback device.
    pub fn start() -> Self {
        Self::start_at("127.0.0.1", &[])
    }

    /// A server at `address`, started by way of `inside`.
    pub fn start_at(address: &str, inside: &[&str]) -> Self {
        assert!(
            Path::new(MODULE).exists(),
            "nginx is missing: apt-get install nginx-light libnginx-mod-rtmp"
        );
        let [rtmp, http] = [(); 2].map(|()| super::media::free_port().port());
        let folder = std::env::temp_dir().join(format!("live-pusher-nginx-{}-{rtmp}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("nginx.conf"), config(address, rtmp, http)).unwrap();
        let inside = inside.iter().map(|word| (*word).to_owned()).collect();
        let mut server = Self { rtmp, http, folder, process: None, inside };
        server.restart();
        server
    }

    /// Starts it again, at the same place.
    pub fn restart(&mut self) {
        let mut words = self.inside.iter().map(String::as_str).chain(["nginx"]);
        let mut command = Command::new(words.next().expect("there is nginx at least"));
        command.args(words).arg("-p").arg(&self.folder).args(["-c", "nginx.conf", "-e", "error.log"]);
        self.process = Some(command.stderr(Stdio::null()).spawn().expect("nginx starts"));
        if self.inside.is_empty() {
            until("nginx listens", || TcpStream::connect(("127.0.0.1", self.rtmp)).is_ok());
        }
    }

    /// Kills it, as a crash does.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    /// Sends it a signal, by its name.
    pub fn signal(&self, name: &str) {
        let id = self.process.as_ref().expect("it runs").id().to_string();
        assert!(Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
    }

    /// The address of a stream.
    pub fn url(&self, app: &str, name: &str) -> String {
        format!("rtmp://127.0.0.1:{}/{app}/{name}", self.rtmp)
    }

    /// Throws a publisher out, by the server's control interface.
    pub fn drop_publisher(&self, name: &str) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.http)).unwrap();
        let path = format!("/control/drop/publisher?app=live&name={name}");
        write!(stream, "GET {path} HTTP/1.0\r\nHost: x\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.contains("200 OK") && answer.trim_end().ends_with('1'), "one was dropped: {answer}");
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        self.kill();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn config(address: &str, rtmp: u16, http: u16) -> String {
    format!(
        "load_module {MODULE};
        daemon off; master_process off; worker_processes 1; pid nginx.pid; error_log error.log info;
        events {{ worker_connections 64; }}
        rtmp {{ access_log off; server {{ listen {address}:{rtmp}; chunk_size 4096; max_message 4M;
            application live {{ live on; wait_key on; drop_idle_publisher 14s; }}
            application guarded {{ live on; notify_method get; on_publish http://{address}:{http}/gate; }}
        }} }}
        http {{ access_log off; client_body_temp_path t1; proxy_temp_path t2; fastcgi_temp_path t3;
            uwsgi_temp_path t4; scgi_temp_path t5;
            server {{ listen {address}:{http};
                location /control {{ rtmp_control all; }}
                location /gate {{ if ($arg_token = \"good\") {{ return 200; }} return 403; }} }}
        }}"
    )
}

/// Waits, on this thread, until something is true.
pub fn until(what: &str, mut is_true: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_true() {
        assert!(start.elapsed() < PATIENCE, "{what} within {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// FFmpeg that pulls a stream and records it as it comes.
pub struct Viewer {
    process: Child,
    /// What it records.
    pub file: PathBuf,
}

impl Viewer {
    /// Begins to pull `url` into `file`, by way of `inside`.
    pub fn start(url: &str, file: PathBuf, inside: &[&str]) -> Self {
        let mut words = inside.iter().copied().chain(["ffmpeg"]);
        let mut command = Command::new(words.next().expect("there is ffmpeg at least"));
        command.args(words).args(["-hide_banner", "-nostdin", "-y", "-v", "warning", "-copyts", "-i", url]);
        command.args(["-c", "copy", "-flush_packets", "1", "-f", "flv"]).arg(&file);
        let process = command.stderr(Stdio::piped()).spawn();
        Self { process: process.expect("ffmpeg is installed: apt-get install ffmpeg"), file }
    }

    /// Waits until this much is recorded.
    pub async fn has_recorded(&self, bytes: u64) {
        let start = Instant::now();
        while std::fs::metadata(&self.file).map_or(0, |file| file.len()) < bytes {
            assert!(start.elapsed() < PATIENCE, "the viewer gets media within {PATIENCE:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Ends it while media comes, and gives what it complained of while it recorded.
    pub fn end(mut self) -> String {
        let id = self.process.id().to_string();
        let interrupt = || Command::new("kill").args(["-s", "INT", &id]).output();
        let _ = interrupt();
        let start = Instant::now();
        while self.process.try_wait().unwrap().is_none() {
            // FFmpeg sees the first signal between two packets only.
            if start.elapsed() > Duration::from_secs(3) {
                let _ = interrupt();
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let mut complaints = String::new();
        if let Some(mut stderr) = self.process.stderr.take() {
            stderr.read_to_string(&mut complaints).unwrap();
        }
        self.process.wait().unwrap();
        complaints
    }
}

/// A recording decodes from the first picture to the last without a word from FFmpeg, and its times increase.
#[track_caller]
pub fn assert_decodes(file: &Path) {
    let judge = ["-hide_banner", "-nostdin", "-v", "warning", "-xerror", "-i"];
    let judged = Command::new("ffmpeg").args(judge).arg(file).args(["-f", "null", "-"]).output().unwrap();
    let complaints = String::from_utf8_lossy(&judged.stderr);
    assert!(judged.status.success() && complaints.is_empty(), "{}: {complaints}", file.display());
    let packets = super::media::packets(file);
    for track in [live_core::Track::Video, live_core::Track::Audio] {
        let units = packets.iter().filter(|packet| packet.track == track && !packet.is_stream_information());
        let times: Vec<_> = units.map(|packet| packet.dts).collect();
        assert!(!times.is_empty(), "{track:?} in {}", file.display());
        assert!(
            times.windows(2).all(|pair| pair[0] <= pair[1]),
            "{track:?} times increase in {}",
            file.display()
        );
    }
}

/// Reads on until `code`; gives the state codes up to it, without those of the devices.
pub async fn codes_until(events: &mut EventStream<PusherEvent>, code: i32) -> Vec<i32> {
    let mut codes = Vec::new();
    let read = async {
        while codes.last() != Some(&code) {
            if let Some(Delivery::Event(PusherEvent::State { code, detail })) = events.next().await
                && ![1003, 1005, 1006, 1007, 1008, 1101].contains(&i32::from(code))
            {
                eprintln!("{} {detail}", i32::from(code));
                codes.push(i32::from(code));
            }
        }
    };
    let found = tokio::time::timeout(PATIENCE, read).await;
    assert!(found.is_ok(), "{code} within {PATIENCE:?}, after {codes:?}");
    codes
}
