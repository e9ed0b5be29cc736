//! nginx with its RTMP module as the independent server, with and without interleaving, and with a gatekeeper.
#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]
#![cfg(feature = "relay")]

mod support;

use live_core::{Outcome, Packet, Publisher, Subscriber, Track, TransportErrorKind};
use live_transport::net::rtmp::{RtmpPublisher, RtmpSubscriber};
use std::path::{Path, PathBuf};
use std::time::Duration;
use support::ffmpeg::*;
use support::*;
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

/// Where Debian has the module.
const MODULE: &str = "/usr/lib/nginx/modules/ngx_rtmp_module.so";

/// A server of our own, until it is dropped.
struct Nginx {
    port: u16,
    folder: PathBuf,
    _process: Child,
}

impl Nginx {
    async fn start() -> Self {
        assert!(
            Path::new(MODULE).exists(),
            "nginx is missing: apt-get install nginx-light libnginx-mod-rtmp"
        );
        let (port, gate) = (free_port(), free_port());
        let folder = std::env::temp_dir().join(format!("live-nginx-{}-{port}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join("nginx.conf");
        std::fs::write(&file, config(port, gate)).unwrap();
        let process = Command::new("nginx")
            .arg("-p")
            .arg(&folder)
            .arg("-c")
            .arg(&file)
            .args(["-e", "error.log"])
            .kill_on_drop(true)
            .spawn()
            .expect("nginx starts");
        while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            sleep(Duration::from_millis(20)).await;
        }
        Self { port, folder, _process: process }
    }

    fn url(&self, app: &str, name: &str) -> String {
        format!("rtmp://127.0.0.1:{}/{app}/{name}", self.port)
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn config(port: u16, gate: u16) -> String {
    let gatekeeper =
        format!("on_publish http://127.0.0.1:{gate}/gate; on_play http://127.0.0.1:{gate}/gate;");
    format!(
        "load_module {MODULE};
        daemon off; master_process off; worker_processes 1; pid nginx.pid; error_log error.log info;
        events {{ worker_connections 64; }}
        rtmp {{ access_log off; server {{ listen 127.0.0.1:{port}; chunk_size 4096; max_message 4M;
            application live {{ live on; publish_notify on; }}
            application mixed {{ live on; interleave on; publish_notify on; }}
            application guarded {{ live on; notify_method get; {gatekeeper} }}
        }} }}
        http {{ access_log off; client_body_temp_path t1; proxy_temp_path t2; fastcgi_temp_path t3;
            uwsgi_temp_path t4; scgi_temp_path t5;
            server {{ listen 127.0.0.1:{gate};
                location /gate {{ if ($arg_token = \"secret\") {{ return 200; }} return 403; }} }}
        }}"
    )
}

/// Plays until the stream ends; gives the outcome and the media.
async fn play(url: &str) -> (Outcome, Vec<Packet>) {
    let (mut sink, mut received) = sink();
    let events = Events::default();
    let subscriber = RtmpSubscriber::default();
    let (url, cx) = (url.parse().unwrap(), subscription_cx(&events));
    let outcome = timeout(PATIENCE, subscriber.play(&url, &mut sink, &cx)).await.expect("the stream ends");
    drop(sink);
    let mut packets = Vec::new();
    while let Some(packet) = received.recv().await {
        packets.push(bare(packet));
    }
    (outcome, packets)
}

/// Publishes at the speed of the stream, so that viewers can come in.
async fn publish_in_time(url: &str, packets: Vec<Packet>) -> Outcome {
    let (queue, mut reader) = queue();
    let feed = tokio::spawn(async move {
        let start = tokio::time::Instant::now();
        for packet in packets {
            tokio::time::sleep_until(start + packet.dts.saturating_since(live_core::Timestamp::ZERO)).await;
            queue.push(packet);
        }
        queue.close();
    });
    let events = Events::default();
    let outcome =
        RtmpPublisher::default().publish(&url.parse().unwrap(), &mut reader, &output_cx(&events)).await;
    feed.abort();
    outcome
}

/// Times and payloads of a track's access units.
fn units(packets: &[Packet], track: Track) -> Vec<(live_core::Timestamp, &[u8])> {
    packets.iter().filter(|p| p.track == track && is_media(p)).map(|p| (p.pts, &p.data[..])).collect()
}

#[tokio::test]
async fn streams_pass_through_unchanged_interleaved_or_not() {
    let nginx = Nginx::start().await;
    let (packets, _) = clip().await;
    for app in ["live", "mixed"] {
        let url = nginx.url(app, "a");
        let player = tokio::spawn({
            let url = url.clone();
            async move { play(&url).await }
        });
        sleep(Duration::from_millis(300)).await;
        let outcome = publish_in_time(&url, packets.clone()).await;
        assert!(matches!(outcome, Outcome::Ended), "{app}: {outcome:?}");
        let (outcome, got) = player.await.unwrap();
        assert!(matches!(outcome, Outcome::Ended), "{app}: {outcome:?}");
        for track in [Track::Video, Track::Audio] {
            let (got, sent) = (units(&got, track), units(&packets, track));
            assert!(!got.is_empty(), "{app} {track:?}");
            // The server may give a new viewer its first units late, but none after them is missing or changed.
            assert!(
                sent.ends_with(&got) && sent.len() - got.len() < 30,
                "{app} {track:?} {}/{}",
                got.len(),
                sent.len()
            );
        }
    }
}

#[tokio::test]
async fn ffmpeg_plays_what_we_publish_and_the_other_way_round() {
    let nginx = Nginx::start().await;
    let (packets, expected) = clip().await;
    let url = nginx.url("live", "ours");
    let server = ffmpeg(["-i", url.as_str()].into_iter().chain(HASHES).chain(["pipe:1"]));
    sleep(Duration::from_millis(1000)).await;
    let outcome = publish_in_time(&url, packets).await;
    assert!(matches!(outcome, Outcome::Ended), "{outcome:?}");
    assert_eq!(pictures(&output(server).await), expected);

    let url = nginx.url("live", "theirs");
    let player = tokio::spawn({
        let url = url.clone();
        async move { play(&url).await }
    });
    sleep(Duration::from_millis(300)).await;
    output(ffmpeg(["-re"].into_iter().chain(PATTERN).chain([url.as_str()]))).await;
    let (outcome, got) = player.await.unwrap();
    assert!(matches!(outcome, Outcome::Ended), "{outcome:?}");
    assert_eq!(units(&got, Track::Video).len(), PICTURES);
}

#[tokio::test]
async fn a_wrong_token_is_refused_and_the_right_one_accepted() {
    let nginx = Nginx::start().await;
    let mut packets = information();
    packets.extend(media(live_core::Timestamp::ZERO, 20));
    let outcome = publish_in_time(&nginx.url("guarded", "a?token=wrong"), packets.clone()).await;
    let Outcome::Lost(error) = outcome else { panic!("published with a wrong token") };
    assert_eq!(error.kind, TransportErrorKind::Refused, "{error:?}");
    assert!(!format!("{error:?}").contains("wrong"), "{error:?}");
    let (outcome, _) = play(&nginx.url("guarded", "a?token=wrong")).await;
    let Outcome::Lost(error) = outcome else { panic!("played with a wrong token") };
    assert_eq!(error.kind, TransportErrorKind::Refused, "{error:?}");
    let outcome = publish_in_time(&nginx.url("guarded", "a?token=secret"), packets).await;
    assert!(matches!(outcome, Outcome::Ended), "{outcome:?}");
}

#[tokio::test]
async fn a_name_in_use_is_told() {
    let nginx = Nginx::start().await;
    let url = nginx.url("live", "a");
    let mut packets = information();
    packets.extend(media(live_core::Timestamp::ZERO, 50));
    let first = tokio::spawn({
        let (url, packets) = (url.clone(), packets.clone());
        async move { publish_in_time(&url, packets).await }
    });
    sleep(Duration::from_millis(500)).await;
    let Outcome::Lost(error) = publish_in_time(&url, packets).await else { panic!("two publishers") };
    assert_eq!(error.kind, TransportErrorKind::NameInUse, "{error:?}");
    assert!(matches!(first.await.unwrap(), Outcome::Ended));
}
