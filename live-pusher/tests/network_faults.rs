//! What networks and servers do to a publisher: a real nginx that dies, stops, throws out, refuses; each with its code,
//! recovery where it is possible, and recordings of viewers that decode.
#![cfg(unix)]

#[path = "support/media.rs"]
mod media;
#[path = "support/nginx.rs"]
mod nginx;

use live_capture::pattern::{Pattern, PatternSpec};
use live_capture::tone::Tone;
use live_core::AudioSpec;
use live_core::backoff::RetryPolicy;
use live_core::state::SessionState;
use live_pusher::{Builder, LivePusher};
use live_transport::net::connect::Deadlines;
use media::pictures;
use nginx::{Nginx, Viewer, assert_decodes, codes_until};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Waits that a test can stand.
const QUICK: RetryPolicy = RetryPolicy {
    first: Duration::from_millis(500),
    longest: Duration::from_millis(500),
    name_taken_every: Duration::from_millis(500),
    ..RetryPolicy::doubling(Duration::from_millis(500))
};

/// Every picture of the sources is encoded: none is lost to a busy machine, as they come from a file's thread.
fn pusher_to(url: impl Into<String>) -> Builder {
    LivePusher::builder(url)
        .video_size(320, 180)
        .fps(25)
        .retry(QUICK)
        .video_source(|| Pattern::new(PatternSpec::new(320, 180, 25)))
        .audio_source(|| Tone::new(AudioSpec { sample_rate: 48_000, channels: 1 }))
}

/// A clip in `folder` and the number of its pictures.
async fn clip(folder: &Path) -> (std::path::PathBuf, usize) {
    let path = folder.join("clip.flv");
    let pusher = pusher_to(path.to_string_lossy()).build().unwrap();
    pusher.start();
    tokio::time::sleep(Duration::from_secs(2)).await;
    pusher.stop().await;
    let count = pictures(&path).len();
    (path, count)
}

/// When the pictures of a viewer's recording are decoded, in seconds on the wire's clock, as FFprobe reads them.
fn wire_times(file: &Path) -> Vec<f64> {
    let fields =
        ["-v", "error", "-select_streams", "v", "-show_entries", "packet=dts_time", "-of", "csv=p=0"];
    let probed = Command::new("ffprobe").args(fields).arg(file).output().expect("ffprobe comes with ffmpeg");
    let text = String::from_utf8_lossy(&probed.stdout);
    text.lines().filter_map(|line| line.trim_end_matches(',').parse().ok()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_server_that_is_killed_and_restarted_is_published_to_again_and_a_second_destination_notices_nothing()
 {
    let folder = tempfile::tempdir().unwrap();
    let (clip, count) = clip(folder.path()).await;
    let mut server = Nginx::start();
    let other = Nginx::start();
    let recording = folder.path().join("recording.flv");
    let url = server.url("live", "key");
    // Every loop has the same number of pictures, so that what a perfect recording holds is known.
    let pusher = LivePusher::builder(&url)
        .input_file(&clip)
        .looping(true)
        .copy(true)
        .retry(QUICK.endless())
        .also(recording.to_string_lossy())
        .also(other.url("live", "other"))
        .build()
        .unwrap();
    let mut events = pusher.events();
    pusher.start();
    codes_until(&mut events, 1002).await;
    let before = Viewer::start(&url, folder.path().join("before.flv"), &[]);
    let beside = Viewer::start(&other.url("live", "other"), folder.path().join("beside.flv"), &[]);
    before.has_recorded(60_000).await;
    beside.has_recorded(60_000).await;
    server.kill();
    let lost = codes_until(&mut events, 1102).await;
    assert!([[3004, 1102], [3005, 1102]].contains(&[lost[0], lost[1]]), "{lost:?}");
    let down = codes_until(&mut events, 1102).await;
    assert_eq!(down, [3002, 1102], "nobody listens");
    server.restart();
    let back = codes_until(&mut events, 1002).await;
    assert_eq!(back[back.len() - 2..], [1001, 1002]);
    let after = Viewer::start(&url, folder.path().join("after.flv"), &[]);
    after.has_recorded(60_000).await;
    assert_eq!(pusher.state(), SessionState::Running);
    let [before, after, beside] = [before, after, beside].map(|viewer| {
        let file = viewer.file.clone();
        viewer.end();
        file
    });
    pusher.stop().await;
    [&before, &after, &beside, &recording].into_iter().for_each(|file| assert_decodes(file));
    let (last, next) = (wire_times(&before).pop().unwrap(), wire_times(&after)[0]);
    assert!(next > last && next < last + 30.0, "the timeline goes on: {next} s after {last} s");
    // Both that were not lost have every picture: no step but that of the clip, and that from loop to loop.
    let exact = pictures(&recording);
    assert!(exact.len() > count, "{} pictures", exact.len());
    let expected: Vec<_> = pictures(&clip);
    for (index, time) in exact.iter().enumerate() {
        let in_clip = expected[index % count].micros_since(expected[0]);
        let beginning = exact[index - index % count];
        assert_eq!(time.micros_since(beginning) / 1000, in_clip / 1000, "picture {index} of {}", exact.len());
    }
    let seen = pictures(&beside);
    let steps = seen.windows(2).map(|pair| pair[1].micros_since(pair[0]) / 1000);
    let holes: Vec<_> = steps.filter(|step| !(39..=110).contains(step)).collect();
    assert!(holes.is_empty(), "{holes:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_publisher_that_is_thrown_out_comes_back_and_its_viewer_sees_one_stream() {
    let folder = tempfile::tempdir().unwrap();
    let server = Nginx::start();
    let url = server.url("live", "key");
    let pusher = pusher_to(&url).build().unwrap();
    let mut events = pusher.events();
    pusher.start();
    codes_until(&mut events, 1002).await;
    let viewer = Viewer::start(&url, folder.path().join("viewer.flv"), &[]);
    viewer.has_recorded(60_000).await;
    server.drop_publisher("key");
    assert_eq!(codes_until(&mut events, 1102).await, [3004, 1102]);
    assert_eq!(codes_until(&mut events, 1002).await, [1001, 1002]);
    let so_far = std::fs::metadata(&viewer.file).unwrap().len();
    viewer.has_recorded(so_far + 60_000).await;
    let file = viewer.file.clone();
    assert_eq!(viewer.end(), "", "times that go back would be complained of");
    pusher.stop().await;
    assert_decodes(&file);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_server_that_is_stopped_and_continued_is_left_and_found_again() {
    let folder = tempfile::tempdir().unwrap();
    let server = Nginx::start();
    let url = server.url("live", "key");
    let short = Duration::from_secs(2);
    let deadlines = Deadlines { answer: short, silence: Duration::from_secs(4), ..Deadlines::default() };
    let pusher = pusher_to(&url).bitrate(200, 8000).deadlines(deadlines).retry(QUICK.endless());
    let pusher = pusher.video_size(640, 360).build().unwrap();
    let mut events = pusher.events();
    pusher.start();
    codes_until(&mut events, 1002).await;
    let before = Viewer::start(&url, folder.path().join("before.flv"), &[]);
    before.has_recorded(60_000).await;
    server.signal("STOP");
    let stopped = Instant::now();
    assert_eq!(codes_until(&mut events, 1102).await, [3005, 1102]);
    let noticed = stopped.elapsed();
    assert!(noticed < Duration::from_secs(10), "a dead peer is noticed after {noticed:?}");
    // The kernel still takes connections for it; nobody answers.
    let silent = codes_until(&mut events, 1102).await;
    assert_eq!(silent, [1001, 3003, 1102]);
    server.signal("CONT");
    codes_until(&mut events, 1002).await;
    let after = Viewer::start(&url, folder.path().join("after.flv"), &[]);
    after.has_recorded(60_000).await;
    for viewer in [before, after] {
        let file = viewer.file.clone();
        viewer.end();
        assert_decodes(&file);
    }
    pusher.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_wrong_token_is_final_at_once() {
    let server = Nginx::start();
    let pusher = pusher_to(server.url("guarded", "key?token=wrong")).build().unwrap();
    let mut events = pusher.events();
    pusher.start();
    assert_eq!(codes_until(&mut events, -1307).await, [1001, 3004, -1307]);
    let failure = pusher.finished().await.unwrap_err();
    assert!(!failure.to_string().contains("wrong"), "the token is not told: {failure}");
    let pusher = pusher_to(server.url("guarded", "key?token=good")).build().unwrap();
    let mut events = pusher.events();
    pusher.start();
    assert_eq!(codes_until(&mut events, 1002).await, [1001, 1002]);
    pusher.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_name_that_somebody_publishes_under_is_final_at_once() {
    let server = Nginx::start();
    let first = pusher_to(server.url("live", "key")).build().unwrap();
    let mut events = first.events();
    first.start();
    codes_until(&mut events, 1002).await;
    let second = pusher_to(server.url("live", "key")).build().unwrap();
    let mut seconds = second.events();
    second.start();
    assert_eq!(codes_until(&mut seconds, -1307).await, [1001, 3004, -1307]);
    assert_eq!(first.state(), SessionState::Running);
    first.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_certificate_of_somebody_else_is_a_failed_connection() {
    let folder = tempfile::tempdir().unwrap();
    let server = tls_server(folder.path());
    let pusher = pusher_to(format!("rtmps://127.0.0.1:{}/live/key", server.port)).build().unwrap();
    let mut events = pusher.events();
    pusher.start();
    let codes = codes_until(&mut events, -1307).await;
    assert_eq!((codes[0], codes.contains(&1001)), (3002, false), "nothing is sent to it: {codes:?}");
    let failure = pusher.finished().await.unwrap_err();
    assert!(failure.message.contains("certificate"), "{failure}");
}

/// OpenSSL as a server whose certificate nobody has signed.
struct TlsServer {
    port: u16,
    process: Child,
}

fn tls_server(folder: &Path) -> TlsServer {
    let (key, certificate) = (folder.join("key.pem"), folder.join("certificate.pem"));
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=other.example"])
        .arg("-keyout")
        .arg(&key)
        .arg("-out")
        .arg(&certificate)
        .output()
        .expect("openssl is installed");
    assert!(made.status.success());
    let port = media::free_port().port();
    let mut command = Command::new("openssl");
    command.args(["s_server", "-quiet", "-accept", &port.to_string(), "-key"]).arg(&key);
    command.arg("-cert").arg(&certificate).stdin(Stdio::null());
    let process = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    nginx::until("openssl listens", || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok());
    TlsServer { port, process }
}

impl Drop for TlsServer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Two network namespaces with a cable between them, until it is dropped. This machine's own network is not touched.
#[cfg(target_os = "linux")]
struct Cable {
    near: String,
    far: String,
}

#[cfg(target_os = "linux")]
impl Cable {
    const NEAR: &str = "10.213.77.1";
    const FAR: &str = "10.213.77.2";

    fn lay() -> Self {
        let [near, far] = ["near", "far"].map(|end| format!("live-{end}-{}", std::process::id()));
        ip(&["netns", "add", &near]);
        ip(&["netns", "add", &far]);
        let cable = Self { near, far };
        let Self { near, far } = &cable;
        ip(&["link", "add", "cable", "netns", near, "type", "veth", "peer", "name", "cable", "netns", far]);
        for (end, address) in [(near, Self::NEAR), (far, Self::FAR)] {
            ip(&["-n", end, "address", "add", &format!("{address}/24"), "dev", "cable"]);
            ip(&["-n", end, "link", "set", "cable", "up"]);
            ip(&["-n", end, "link", "set", "lo", "up"]);
        }
        cable
    }

    /// What is sent to the near end disappears, without an answer to anybody.
    fn swallow(&self, on: bool) {
        let verb = if on { "add" } else { "del" };
        ip(&["-n", &self.far, "route", verb, "blackhole", &format!("{}/32", Self::NEAR)]);
    }
}

#[cfg(target_os = "linux")]
impl Drop for Cable {
    fn drop(&mut self) {
        for end in [&self.near, &self.far] {
            let _ = Command::new("ip").args(["netns", "del", end]).status();
        }
    }
}

#[cfg(target_os = "linux")]
#[track_caller]
fn ip(arguments: &[&str]) {
    let done = Command::new("ip").args(arguments).status().expect("iproute2 is installed");
    assert!(done.success(), "ip {arguments:?} needs root and network namespaces");
}

/// A program in the background, ended with the test.
#[cfg(target_os = "linux")]
struct Ended(Child);

#[cfg(target_os = "linux")]
impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_network_that_swallows_everything_is_noticed_and_left_and_found_again() {
    use std::io::{BufRead as _, BufReader};
    let folder = tempfile::tempdir().unwrap();
    let cable = Cable::lay();
    let server = Nginx::start_at(Cable::FAR, &["ip", "netns", "exec", &cable.far]);
    let url = format!("rtmp://{}:{}/live/key", Cable::FAR, server.rtmp);
    let recording = folder.path().join("recording.flv");
    let mut command = Command::new("ip");
    command.args(["netns", "exec", &cable.near, env!("CARGO_BIN_EXE_live-push")]);
    command.args(["--json", "--retries", "endless", "--fps", "25", "--also"]).arg(&recording).arg(&url);
    let mut pusher = Ended(command.stdout(Stdio::piped()).spawn().unwrap());
    let (line, codes) = std::sync::mpsc::channel();
    let output = BufReader::new(pusher.0.stdout.take().unwrap());
    std::thread::spawn(move || {
        for text in output.lines().map_while(Result::ok) {
            let event: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
            if event["type"] == "state"
                && let Some(code) =
                    event["code"].as_i64().filter(|code| matches!(code, 1001 | 1002 | 1102 | 3001..))
            {
                let _ = line.send((code, Instant::now()));
            }
        }
    });
    let until = |wanted: i64| {
        let mut seen = Vec::new();
        loop {
            let next = codes.recv_timeout(Duration::from_secs(60));
            let (code, at) = next.unwrap_or_else(|_| panic!("{wanted} after {seen:?}"));
            seen.push(code);
            if code == wanted {
                return (seen, at);
            }
        }
    };
    assert_eq!(until(1002).0, [1001, 1002]);
    let inside = ["ip", "netns", "exec", &cable.far];
    let before = Viewer::start(&url, folder.path().join("before.flv"), &inside);
    before.has_recorded(60_000).await;
    cable.swallow(true);
    let cut = Instant::now();
    let (seen, at) = until(1102);
    assert_eq!(seen, [3005, 1102]);
    let noticed = at.duration_since(cut);
    assert!(noticed < Duration::from_secs(12), "noticed after {noticed:?}");
    cable.swallow(false);
    // The server holds the old connection for alive for a while: the name is asked for again, and that does not count.
    let (back, _) = until(1002);
    assert_eq!(back[back.len() - 2..], [1001, 1002], "{back:?}");
    let after = Viewer::start(&url, folder.path().join("after.flv"), &inside);
    after.has_recorded(60_000).await;
    for viewer in [before, after] {
        let file = viewer.file.clone();
        viewer.end();
        assert_decodes(&file);
    }
    let _ = Command::new("kill").args(["-s", "TERM", &pusher.0.id().to_string()]).status();
    assert!(pusher.0.wait().unwrap().success(), "it was stopped as it should be");
    assert_decodes(&recording);
    // The pattern's pictures come every 40 ms, whatever the network does.
    let times = pictures(&recording);
    assert!(
        times.windows(2).all(|pair| (39..=41).contains(&(pair[1].micros_since(pair[0]) / 1000))),
        "no hole"
    );
}
