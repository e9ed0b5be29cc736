//! An uplink that is too slow, over real sockets: the bitrate and the picture size follow it, and the codes tell.

use live_capture::pattern::{Pattern, PatternSpec, PatternStyle};
use live_core::PusherCode;
use live_core::config::Mode;
use live_core::event::{Delivery, EventStream, PusherEvent};
use live_pusher::{Builder, LivePusher};
use live_transport::net::relay::{Relay, RelayConfig};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

/// A relay behind a forwarder that takes so many kbit/s from its client. Its socket's buffer is small.
async fn narrow(kbps: Arc<AtomicU32>) -> SocketAddr {
    let relay = Relay::bind(RelayConfig::new("127.0.0.1:0".parse().unwrap())).await.unwrap();
    let server = relay.rtmp_addr();
    tokio::spawn(relay.run());
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(16 * 1024).unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = socket.local_addr().unwrap();
    let listener = socket.listen(8).unwrap();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let (mut from, mut to) = client.into_split();
            let (mut back, mut on) = TcpStream::connect(server).await.unwrap().into_split();
            tokio::spawn(async move { tokio::io::copy(&mut back, &mut to).await });
            let kbps = Arc::clone(&kbps);
            tokio::spawn(async move {
                let mut ticks = tokio::time::interval(Duration::from_millis(10));
                let mut buffer = vec![0; 64 * 1024];
                loop {
                    ticks.tick().await;
                    let most = (kbps.load(Relaxed) as usize * 10 / 8).min(buffer.len());
                    match from.read(&mut buffer[..most]).await {
                        Ok(0) | Err(_) => return,
                        Ok(read) => on.write_all(&buffer[..read]).await.unwrap(),
                    }
                }
            });
        }
    });
    address
}

fn noise_to(server: SocketAddr) -> Builder {
    LivePusher::builder(format!("rtmp://{server}/live/uplink"))
        .mode(Mode::Rtc)
        .bitrate(100, 2000)
        .video_size(640, 360)
        .fps(20)
        .video_source(|| {
            Pattern::new(PatternSpec { style: PatternStyle::Noise, ..PatternSpec::new(640, 360, 20) })
        })
}

/// Waits until a bitrate was told that is `wanted`.
async fn bitrate(events: &mut EventStream<PusherEvent>, why: &str, wanted: impl Fn(u32) -> bool) {
    let found = async {
        loop {
            if told(events, PusherCode::BitrateChanged).iter().any(|detail| wanted(kbps(detail))) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), found).await.expect(why);
}

/// What was told since the last time, by code.
fn told(events: &mut EventStream<PusherEvent>, wanted: PusherCode) -> Vec<String> {
    std::iter::from_fn(|| events.try_next())
        .filter_map(|delivery| match delivery {
            Delivery::Event(PusherEvent::State { code, detail }) if code == wanted => Some(detail),
            _ => None,
        })
        .collect()
}

fn kbps(detail: &str) -> u32 {
    detail.split(' ').next().unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_uplink_is_followed_down_and_up_and_told() {
    let link = Arc::new(AtomicU32::new(8000));
    let pusher = noise_to(narrow(Arc::clone(&link)).await).build().unwrap();
    let (mut rates, mut sizes, mut alarms) = (pusher.events(), pusher.events(), pusher.events());
    pusher.start();
    bitrate(&mut rates, "it climbs from 500 on a fast link", |kbps| kbps > 600).await;

    link.store(250, Relaxed);
    bitrate(&mut rates, "it falls", |kbps| kbps < 250).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    let alarm = told(&mut alarms, PusherCode::UplinkCongested);
    assert!(!alarm.is_empty() && alarm[0].starts_with("queue "), "{alarm:?}");
    let smaller = told(&mut sizes, PusherCode::ResolutionChanged);
    assert!((1..=2).contains(&smaller.len()) && smaller[0] != "640×360", "{smaller:?}");
    let status = pusher.net_status();
    assert!(status.net_speed < 320 && status.video_width < 640, "{status:?}");

    link.store(8000, Relaxed);
    bitrate(&mut rates, "it climbs again", |kbps| kbps > 400).await;
    pusher.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fixed_bitrate_stays_and_the_slow_uplink_is_told_all_the_same() {
    let server = narrow(Arc::new(AtomicU32::new(250))).await;
    let pusher = noise_to(server).adaptive_bitrate(false).build().unwrap();
    let (mut rates, mut alarms) = (pusher.events(), pusher.events());
    pusher.start();
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(told(&mut rates, PusherCode::BitrateChanged), Vec::<String>::new());
    assert!(!told(&mut alarms, PusherCode::UplinkCongested).is_empty());
    let status = pusher.net_status();
    assert!(status.dropped_frames > 0 && status.video_bitrate > 300, "{status:?}");
    drop(pusher);
}
