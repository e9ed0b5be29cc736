//! A viewer that pulls the stream, decodes every picture and reads its strip.

use async_trait::async_trait;
use live_capture::pattern::read_stamp;
use live_codec::openh264::Decoder;
use live_core::net_status::LinkCounters;
use live_core::{
    MediaSender, Packet, PacketKind, PicturePool, Subscriber, SubscriptionCx, Track, VideoDecoder, VideoFrame,
};
use live_transport::net::rtmp::RtmpSubscriber;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

/// What was seen.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// When each picture arrived, and how long after its capture.
    pub pictures: Vec<(Instant, Duration)>,
    /// When the key frames were captured, in µs since the UNIX epoch.
    pub keys: Vec<u64>,
    /// When media arrived, and how much.
    pub media: Vec<(Instant, usize)>,
    /// What could not be decoded, or read.
    pub faults: Vec<String>,
}

/// A viewer at work; ends with its owner.
pub struct Viewer {
    seen: Arc<Mutex<Seen>>,
    task: tokio::task::JoinHandle<()>,
}

impl Viewer {
    /// Pulls `url`, again and again until there is something.
    pub fn start(url: &str) -> Self {
        let seen = Arc::<Mutex<Seen>>::default();
        let (sender, receiver) = channel();
        let decoding = Arc::clone(&seen);
        std::thread::spawn(move || decode(&receiver, &decoding));
        let url = url.parse().expect("an address of this program's making");
        let task = tokio::spawn(async move {
            let cx = SubscriptionCx { events: Arc::new(|_| {}), counters: Arc::<LinkCounters>::default() };
            loop {
                let mut media = Tap(sender.clone());
                let outcome = RtmpSubscriber::default().play(&url, &mut media, &cx).await;
                eprintln!("the viewer's connection ended: {outcome:?}");
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
        });
        Self { seen, task }
    }

    /// What was seen so far.
    pub fn seen(&self) -> Seen {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Viewer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Tap(Sender<(Instant, SystemTime, Packet)>);

#[async_trait]
impl MediaSender for Tap {
    fn send(&mut self, packet: Packet) {
        // Without a decoder the viewer is about to end.
        let _ = self.0.send((Instant::now(), SystemTime::now(), packet));
    }

    async fn room(&mut self) {}

    async fn closed(&self) {
        std::future::pending().await
    }
}

fn decode(packets: &Receiver<(Instant, SystemTime, Packet)>, seen: &Mutex<Seen>) {
    let pool = PicturePool::new();
    let mut decoder: Option<Decoder> = None;
    let mut frames: Vec<VideoFrame> = Vec::new();
    for (at, clock, packet) in packets {
        let mut faults = Vec::new();
        let (mut pictures, mut keys) = (Vec::new(), Vec::new());
        if packet.track == Track::Video {
            match (&packet.kind, &mut decoder) {
                (PacketKind::Config(_), place @ None) => match Decoder::open(&packet) {
                    Ok(opened) => *place = Some(opened),
                    Err(error) => faults.push(error.to_string()),
                },
                (_, Some(decoder)) => {
                    if let Err(error) = decoder.decode(&packet, &mut frames) {
                        faults.push(error.to_string());
                    }
                }
                _ => {}
            }
        }
        let micros = clock.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_micros() as u64;
        for frame in frames.drain(..) {
            match read_stamp(&frame.surface.to_i420(&pool)) {
                Some(stamp) => {
                    pictures.push((at, Duration::from_micros(micros.saturating_sub(stamp.micros))));
                    keys.extend((packet.kind == PacketKind::Key).then_some(stamp.micros));
                }
                None => {
                    faults.push(format!("a picture of {}×{} has no strip", frame.width(), frame.height()))
                }
            }
        }
        let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        if packet.is_video_unit() || packet.kind == PacketKind::Audio {
            seen.media.push((at, packet.data.len()));
        }
        seen.pictures.extend(pictures);
        seen.keys.extend(keys);
        seen.faults.extend(faults);
    }
}
