//! A subscriber that follows a script, and streams to play.

#![allow(dead_code, reason = "each test binary uses a part")]

#[cfg(target_os = "linux")]
pub mod leftovers;

use async_trait::async_trait;
use live_core::backoff::RetryPolicy;
use live_core::event::PlayerEvent;
use live_core::pixels::convert::{RgbLayout, Rgba};
use live_core::{
    AudioEncoderConfig, AudioFrame, AudioSpec, Codec, Color, Entropy, I420, LinkEvent, MediaSender, Outcome,
    Packet, PicturePool, PlayerCode, Registry, Selection, StreamUrl, Subscriber, SubscriptionCx, Timestamp,
    TransportError, TransportErrorKind, VideoEncoderConfig, VideoFrame,
};
use live_player::sink::Callback;
use live_player::{Builder, LivePlayer};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// One connection of a [`Script`].
#[derive(Clone)]
pub enum Connection {
    /// It cannot be made.
    Fails(TransportErrorKind),
    /// It is accepted, brings these packets at once, and ends as [`After`] says.
    Brings(Vec<Packet>, After),
    /// Brings what is before this time, in ms, and the rest at once so much later; stays open.
    Stalls(Vec<Packet>, i64, Duration),
}

/// How a connection ends.
#[derive(Clone, Copy)]
pub enum After {
    Ends,
    IsLost,
    StaysOpen,
}

/// Plays one [`Connection`] after the other; the last one again and again.
pub struct Script(Mutex<VecDeque<Connection>>);

impl Script {
    pub fn new(connections: impl IntoIterator<Item = Connection>) -> Arc<Self> {
        Arc::new(Self(Mutex::new(connections.into_iter().collect())))
    }
}

#[async_trait]
impl Subscriber for Script {
    async fn play(&self, _: &StreamUrl, media: &mut dyn MediaSender, cx: &SubscriptionCx) -> Outcome {
        let connection = {
            let mut left = self.0.lock().unwrap();
            if left.len() > 1 { left.pop_front() } else { left.front().cloned() }
        };
        let lost = |kind| Outcome::Lost(TransportError::new(kind, "server:1935", "as the script says"));
        let connection = connection.expect("a script has a connection");
        if !matches!(connection, Connection::Fails(_)) {
            (cx.events)(LinkEvent::Connected { peer: "server:1935".to_owned() });
            (cx.events)(LinkEvent::Accepted);
        }
        match connection {
            Connection::Fails(kind) => lost(kind),
            Connection::Stalls(packets, at, stall) => {
                let (before, after): (Vec<_>, Vec<_>) =
                    packets.into_iter().partition(|packet| packet.dts.as_millis() < at);
                before.into_iter().for_each(|packet| media.send(packet));
                tokio::time::sleep(stall).await;
                after.into_iter().for_each(|packet| media.send(packet));
                media.closed().await;
                Outcome::Ended
            }
            Connection::Brings(packets, after) => {
                let is_live = !matches!(after, After::Ends);
                let (begun, first) = (tokio::time::Instant::now(), packets.first().map(|packet| packet.dts));
                for packet in packets {
                    let due = packet.dts.saturating_since(first.unwrap_or_default()).saturating_sub(AHEAD);
                    tokio::select! {
                        () = tokio::time::sleep_until(begun + due), if is_live && !due.is_zero() => media.send(packet),
                        () = media.closed(), if is_live && !due.is_zero() => return Outcome::Ended,
                        else => media.send(packet),
                    }
                }
                match after {
                    After::Ends => Outcome::Ended,
                    After::IsLost => lost(TransportErrorKind::Io),
                    After::StaysOpen => {
                        media.closed().await;
                        Outcome::Ended
                    }
                }
            }
        }
    }
}

/// A stream that does not end comes as it would be captured, after a burst of this much.
const AHEAD: Duration = Duration::from_millis(200);

/// A player of what `connections` bring, which tries again quickly.
pub fn player_of(connections: impl IntoIterator<Item = Connection>) -> Builder {
    LivePlayer::builder("rtmp://server/live/stream")
        .subscriber(Script::new(connections))
        .retry(RetryPolicy::doubling(Duration::from_millis(5)))
        .min_cache(Duration::from_millis(100))
}

pub const SPEC: AudioSpec = AudioSpec { sample_rate: 48_000, channels: 1 };

pub fn registry() -> Registry {
    let mut registry = Registry::default();
    live_codec::register_enabled(&mut registry);
    registry
}

/// `count` pictures at 25 per second, a key frame every 10, beginning at `from` ms.
pub fn pictures(count: u64, from: i64) -> Vec<Packet> {
    pictures_of((64, 48), count, from)
}

/// The same in this size.
pub fn pictures_of(size: (u32, u32), count: u64, from: i64) -> Vec<Packet> {
    let pool = PicturePool::new();
    let grey = |number: u64| {
        let mut picture = pool.black(size.0, size.1);
        picture.planes_mut()[0].fill(20 + u8::try_from(number * 7 % 200).unwrap());
        picture
    };
    encoded((0..count).map(grey), from, VideoEncoderConfig { kbps: 300, gop: 10, ..encoding(size) })
}

/// One second of a picture of `size` whose quarters are red, green, blue and yellow, read as `color` says.
pub fn quarters(size: (u32, u32), color: Color) -> Vec<Packet> {
    let (width, height) = size;
    let colours = [[230, 20, 20], [20, 200, 20], [20, 20, 230], [220, 220, 20]];
    let pixels: Vec<u8> = (0..width * height)
        .flat_map(|index| {
            let (x, y) = (index % width, index / width);
            let [red, green, blue] = colours[usize::from(x >= width / 2) + 2 * usize::from(y >= height / 2)];
            [red, green, blue, 255]
        })
        .collect();
    let picture = Rgba::new(RgbLayout::Rgba, width, height, width as usize * 4, &pixels).unwrap();
    let picture = picture.to_i420(color, &PicturePool::new());
    encoded(std::iter::repeat_n(picture, 25), 0, VideoEncoderConfig { color, ..encoding(size) })
}

fn encoding((width, height): (u32, u32)) -> VideoEncoderConfig {
    VideoEncoderConfig {
        width,
        height,
        frame_rate: 25.0,
        kbps: 1000,
        gop: 25,
        color: Color::BT601,
        entropy: Entropy::Auto,
        threads: 1,
        slices: 1,
    }
}

/// `pictures`, the first of them at `from` ms.
fn encoded(pictures: impl Iterator<Item = I420>, from: i64, config: VideoEncoderConfig) -> Vec<Packet> {
    let mut encoder = registry().video_encoders.open(Codec::H264, &Selection::Auto, &config).unwrap().codec;
    let mut packets = Vec::new();
    for (number, picture) in (0..).zip(pictures) {
        let pts = Timestamp::from_index(number, 25).offset_micros(from * 1000);
        encoder.encode(&VideoFrame::new(pts, config.color, picture), &mut packets).unwrap();
    }
    encoder.flush(&mut packets).unwrap();
    packets
}

/// `millis` of a tone, beginning at `from` ms.
pub fn tone(millis: u64, from: i64) -> Vec<Packet> {
    let config = AudioEncoderConfig { spec: SPEC, kbps: 64 };
    let mut encoder = registry().audio_encoders.open(Codec::Aac, &Selection::Auto, &config).unwrap().codec;
    let samples = (0..millis * 48).map(|index| (index as f32 * 0.0576).sin() * 0.3).collect();
    let mut packets = Vec::new();
    let pts = Timestamp::from_millis(from);
    encoder.encode(&AudioFrame { pts, samples }, &mut packets).unwrap();
    encoder.flush(&mut packets).unwrap();
    packets
}

/// Both tracks, in the order of their decoding times.
pub fn stream(count: u64, from: i64) -> Vec<Packet> {
    let mut packets = pictures(count, from);
    packets.extend(tone(count * 40, from));
    packets.sort_by_key(|packet| packet.dts);
    packets
}

/// Notes the presentation times, in ms, of the pictures that are shown.
pub fn noting(builder: Builder) -> (Builder, Arc<Mutex<Vec<i64>>>) {
    let shown = Arc::<Mutex<Vec<i64>>>::default();
    let notes = Arc::clone(&shown);
    let builder = builder.video_sink(move || {
        let notes = Arc::clone(&notes);
        Callback::new(move |picture: &VideoFrame| notes.lock().unwrap().push(picture.pts.as_millis()))
    });
    (builder, shown)
}

/// How often `code` is among `codes`.
pub fn count(codes: &[i32], code: i32) -> usize {
    codes.iter().filter(|found| **found == code).count()
}

/// Starts `player` and returns the numbers of its state codes when its session has ended, without 2005.
pub async fn codes(player: &LivePlayer) -> Vec<i32> {
    let mut events = player.events();
    assert!(player.start());
    let ended = tokio::time::timeout(Duration::from_secs(20), player.finished()).await;
    assert!(ended.is_ok(), "the session does not end");
    let deliveries = std::iter::from_fn(|| events.try_next()).filter_map(live_core::event::Delivery::event);
    let state = |event| match event {
        PlayerEvent::State { code, .. } if code != PlayerCode::Progress => Some(code.number()),
        _ => None,
    };
    deliveries.filter_map(state).collect()
}

/// Waits until `done`, for at most 10 s.
pub async fn until(what: &str, done: impl Fn() -> bool) {
    for _ in 0..2000 {
        if done() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("not within 10 s: {what}");
}
