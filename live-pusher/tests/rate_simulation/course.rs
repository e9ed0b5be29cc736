//! One run of a policy over a link: encoders, the packet queue, the kernel, the receiver.

use super::policy::{AUDIO_KBPS, FPS, LIMITS, Policy, Target, View};
use bytes::Bytes;
use live_core::queue::{PacketQueue, QueueLimits};
use live_core::simnet::{Link, LinkConfig, Random};
use live_core::{Packet, Timestamp, Track};
use std::collections::VecDeque;
use std::time::Duration;

/// How often anything happens.
const TICK: Duration = Duration::from_millis(5);
/// How often the policy is asked.
const SAMPLE: Duration = Duration::from_millis(100);
/// The next packet leaves the queue only while less than this has not been taken by the kernel.
const LOW_WATER: u64 = 16 * 1024;
/// Time between key frames.
const KEY_INTERVAL: Duration = Duration::from_secs(2);
/// A key frame is this many times as large as other pictures.
const KEY_SIZE: f64 = 4.0;
/// A sound packet: 1024 samples at 48 kHz.
const SOUND: Duration = Duration::from_micros(21_333);

/// What became of a run.
#[derive(Clone, Debug)]
pub struct Score {
    /// 95th percentile of the time from capture to arrival, over all pictures that arrived.
    pub delay: Duration,
    /// 95th percentile of the age of the newest picture at the receiver, over time: dropped pictures count here.
    pub age: Duration,
    /// Media that arrived, as a part of what the link could have carried, up to the greatest bitrate.
    pub utilisation: f64,
    /// Pictures that were made and never arrived.
    pub dropped: u64,
    /// The policy's decisions, once a second.
    pub kbps: Vec<u32>,
}

/// A packet that the kernel has begun to take.
struct Sent {
    end: u64,
    captured: Duration,
    video: bool,
}

/// Encoders of a given bitrate, with the unevenness of real ones.
struct Encoders {
    random: Random,
    next_picture: Duration,
    next_key: Duration,
    next_sound: Duration,
    video: u64,
    audio: u64,
    pictures: u64,
}

impl Encoders {
    fn run(&mut self, now: Duration, target: Target, queue: &PacketQueue, policy: &mut dyn Policy) {
        while self.next_sound <= now {
            let bytes = (f64::from(AUDIO_KBPS) * 125.0 * SOUND.as_secs_f64()) as usize;
            self.audio += bytes as u64;
            queue.push(Packet::audio(stamp(self.next_sound), zeroes(bytes)));
            self.next_sound += SOUND;
        }
        while self.next_picture <= now {
            let wanted = (queue.take_key_request() && policy.asks_for_keys()) || policy.wants_key();
            let key = wanted || self.next_picture >= self.next_key;
            let per_gop = target.fps * KEY_INTERVAL.as_secs_f64();
            let mean = f64::from(target.kbps) * 125.0 / target.fps;
            let usual = mean * per_gop / (per_gop + KEY_SIZE - 1.0);
            let size = usual * if key { KEY_SIZE } else { 1.0 } * self.random.between(0.75, 1.25);
            let (at, data) = (stamp(self.next_picture), zeroes(size as usize));
            self.video += data.len() as u64;
            self.pictures += 1;
            queue.push(if key { Packet::key(at, at, data) } else { Packet::delta(at, at, false, data) });
            if key {
                self.next_key = self.next_picture + KEY_INTERVAL;
            }
            self.next_picture += Duration::from_secs_f64(1.0 / target.fps);
        }
    }
}

fn stamp(at: Duration) -> Timestamp {
    Timestamp::from_micros(at.as_micros() as i64)
}

fn zeroes(bytes: usize) -> Bytes {
    static ZEROES: [u8; 1 << 20] = [0; 1 << 20];
    Bytes::from_static(&ZEROES[..bytes.clamp(1, 1 << 20)])
}

/// Lets `policy` push over `config`'s link until the trace is over.
pub fn run(policy: &mut dyn Policy, config: &LinkConfig) -> Score {
    let length = config.trace.length();
    let mut link = Link::new(config.clone());
    let queue = PacketQueue::new(QueueLimits::default());
    let mut reader = queue.reader(policy.drop_rule());
    let mut encoders = Encoders {
        random: Random::new(config.seed ^ 0x5eed),
        next_picture: Duration::ZERO,
        next_key: Duration::ZERO,
        next_sound: Duration::ZERO,
        video: 0,
        audio: 0,
        pictures: 0,
    };
    let mut target = Target { kbps: LIMITS.1, fps: f64::from(FPS) };
    let (mut pending, mut queued_for_kernel, mut taken) = (0u64, 0u64, 0u64);
    let mut in_kernel: VecDeque<Sent> = VecDeque::new();
    let (mut delays, mut ages, mut kbps) = (Vec::new(), Vec::new(), Vec::new());
    let mut newest = Duration::ZERO;
    let (mut now, mut next_sample) = (Duration::ZERO, SAMPLE);
    while now < length {
        encoders.run(now, target, &queue, policy);
        loop {
            let taken_now = link.write(pending as usize) as u64;
            (pending, taken) = (pending - taken_now, taken + taken_now);
            if pending >= LOW_WATER
                || policy.allowance().is_some_and(|allowance| link.info().held() >= allowance)
            {
                break;
            }
            let Some(packet) = reader.try_next() else { break };
            let video = packet.track == Track::Video;
            pending += packet.data.len() as u64;
            queued_for_kernel += packet.data.len() as u64;
            let captured = Duration::from_micros(packet.dts.as_micros() as u64);
            in_kernel.push_back(Sent { end: queued_for_kernel, captured, video });
        }
        now += TICK;
        link.advance(now);
        while let Some(delivery) = link.poll_delivery() {
            while let Some(sent) = in_kernel.front().filter(|sent| sent.end <= delivery.total) {
                if sent.video {
                    delays.push(delivery.at.saturating_sub(sent.captured));
                    newest = sent.captured;
                }
                in_kernel.pop_front();
            }
        }
        ages.push(now - newest);
        if now >= next_sample {
            next_sample += SAMPLE;
            let view = View {
                now,
                queue: reader.state(),
                pending,
                video: encoders.video,
                audio: encoders.audio,
                taken,
                info: link.info(),
            };
            target = policy.decide(&view);
            if view.now.subsec_millis() < 100 {
                kbps.push(target.kbps);
            }
        }
    }
    let most = f64::from(LIMITS.2 + AUDIO_KBPS) * 125.0;
    let tenths = (0..length.as_millis() as u64 / 100).map(|n| Duration::from_millis(n * 100));
    let usable: f64 =
        tenths.map(|at| config.trace.bytes_between(at, at + SAMPLE).min(most * SAMPLE.as_secs_f64())).sum();
    Score {
        delay: percentile(&mut delays, 95),
        age: percentile(&mut ages, 95),
        utilisation: link.received() as f64 / usable,
        dropped: encoders.pictures - delays.len() as u64,
        kbps,
    }
}

/// Sorts, too.
fn percentile(values: &mut [Duration], percent: usize) -> Duration {
    values.sort_unstable();
    values.get(values.len().saturating_sub(1) * percent / 100).copied().unwrap_or(Duration::MAX)
}
