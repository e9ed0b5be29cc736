//! One hour of a session in simulated time: the sound's clock is off, and the pictures are not.

use super::sound::mix::{Feed, Gains, Mixer};
use super::writer::StreamWriter;
use bytes::Bytes;
use live_core::queue::{DropRule, PacketQueue, PacketReader, QueueLimits};
use live_core::{AudioFrame, AudioSpec, Metadata, Packet, PacketKind, Timestamp, Track, WireEpoch};

const VOICE: AudioSpec = AudioSpec { sample_rate: 16_000, channels: 1 };
const FPS: u64 = 25;
const SECONDS: u64 = 3600;
/// The sound's clock is this much too fast, in millionths.
const PPM: f64 = 200.0;
/// Samples of an access unit.
const UNIT: usize = 1024;

/// What a receiver finds out.
#[derive(Default)]
struct Receiver {
    pictures: u64,
    units: u64,
    next_picture: u64,
    next_sound: Option<Timestamp>,
    flashes: Vec<Timestamp>,
    beeps: Vec<Timestamp>,
    last_loud: Option<Timestamp>,
}

impl Receiver {
    fn take(&mut self, packet: &Packet) {
        match packet.kind {
            PacketKind::Audio => self.hear(packet),
            _ if packet.is_video_unit() => {
                let number = u64::from_le_bytes(packet.data[..].try_into().unwrap());
                assert_eq!(number, self.next_picture, "every picture comes once and in order");
                self.next_picture += 1;
                self.pictures += 1;
                if number.is_multiple_of(FPS) {
                    self.flashes.push(packet.pts);
                }
            }
            _ => {}
        }
    }

    fn hear(&mut self, packet: &Packet) {
        let samples = packet.data.chunks_exact(4).map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap()));
        let due = self.next_sound.unwrap_or(packet.pts);
        assert!(
            packet.pts.micros_since(due).abs() <= 1,
            "sound has no hole: {:?} in place of {due:?}",
            packet.pts
        );
        self.next_sound = Some(packet.pts.offset_micros(UNIT as i64 * 1_000_000 / 16_000));
        self.units += 1;
        for (index, sample) in samples.enumerate() {
            if sample.abs() < 0.25 {
                continue;
            }
            let at = packet.pts.offset_micros(index as i64 * 1_000_000 / 16_000);
            if self.last_loud.is_none_or(|last| at.micros_since(last) > 200_000) {
                self.beeps.push(at);
            }
            self.last_loud = Some(at);
        }
    }
}

/// The device's sample: a beep of 60 ms at every whole second, by true time.
fn beep(t: f64) -> f32 {
    let into = t.fract();
    if into < 0.06 { ((into * 1000.0 * std::f64::consts::TAU).cos() * 0.5) as f32 } else { 0.0 }
}

/// Memory this process holds, in KiB. Linux only.
fn resident_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse().ok()
}

fn drain(reader: &mut PacketReader, receiver: &mut Receiver) {
    while let Some(packet) = reader.try_next() {
        receiver.take(&packet);
    }
}

#[test]
fn an_hour_with_a_clock_that_is_200_ppm_off_keeps_lips_in_sync_and_loses_nothing() {
    let queue = PacketQueue::new(QueueLimits::default());
    let mut reader = queue.reader(DropRule::default());
    let first = Packet::metadata(Timestamp::ZERO, Metadata::default());
    let awaited = vec![Track::Video, Track::Audio];
    let writer = StreamWriter::new(first, awaited, queue, WireEpoch::default());
    let gains = Gains { mic: 1.0, music: 1.0, master: 1.0 };
    let mut mixer = Mixer::new(VOICE, VOICE, Feed::Device, gains).unwrap();
    mixer.source_opened(Timestamp::ZERO);
    let mut receiver = Receiver::default();
    let rate = f64::from(VOICE.sample_rate) * (1.0 + PPM / 1e6);
    let (mut captured, mut pictures) = (0_u64, 0_u64);
    let (mut block, mut pending, mut unit_pts) = (Vec::new(), Vec::<f32>::new(), None);
    let mut early = None;
    // The clock moves by one block of the device at a time, and wakes the worker a little late.
    while captured < (SECONDS as f64 * rate) as u64 {
        let pts = Timestamp::from_micros((captured as f64 / rate * 1e6) as i64);
        let samples = (captured..captured + 160).map(|n| beep(n as f64 / rate)).collect();
        captured += 160;
        let now = Timestamp::from_micros((captured as f64 / rate * 1e6) as i64 + 300);
        let jitter = (captured * 7919 % 3000) as i64 - 1500;
        mixer.push(&AudioFrame { pts: pts.offset_micros(jitter), samples }, now);
        while let Some(pts) = mixer.pull(now, &mut block) {
            mixer.mix(&mut block, None, gains);
            unit_pts.get_or_insert(pts);
            pending.extend_from_slice(&block);
            while pending.len() >= UNIT {
                let at: Timestamp = unit_pts.unwrap();
                let data: Bytes = pending.drain(..UNIT).flat_map(f32::to_le_bytes).collect::<Vec<_>>().into();
                writer.write([Packet::audio(at, data)]);
                unit_pts = Some(pts.offset_micros((block.len() - pending.len()) as i64 * 1_000_000 / 16_000));
            }
        }
        while Timestamp::from_index(pictures, FPS as u32) <= now && pictures < SECONDS * FPS {
            let pts = Timestamp::from_index(pictures, FPS as u32);
            let data = Bytes::copy_from_slice(&pictures.to_le_bytes());
            let make = if pictures.is_multiple_of(2 * FPS) { Packet::key } else { delta };
            writer.write([make(pts, pts, data)]);
            pictures += 1;
        }
        drain(&mut reader, &mut receiver);
        if early.is_none() && now > Timestamp::from_millis(600_000) {
            early = Some(resident_kib());
        }
    }
    let late = resident_kib();
    assert_eq!(receiver.pictures, SECONDS * FPS, "frame count exact");
    assert!(receiver.units.abs_diff(SECONDS * 16_000 / UNIT as u64) <= 2, "{} access units", receiver.units);
    let offsets: Vec<f64> = (receiver.flashes.iter().zip(&receiver.beeps))
        .map(|(flash, beep)| flash.micros_since(*beep) as f64 / 1000.0)
        .collect();
    assert!(offsets.len() as u64 + 1 >= SECONDS, "{} beeps", receiver.beeps.len());
    let worst = offsets.iter().fold(0.0_f64, |worst, ms| worst.max(ms.abs()));
    assert!(worst <= 20.0, "{worst} ms apart");
    let (mean, count) = (offsets[60..].iter().sum::<f64>(), offsets.len() - 60);
    println!("at worst {worst:.1} ms apart, {:+.2} ms on average after a minute", mean / count as f64);
    if let (Some(Some(early)), Some(late)) = (early, late) {
        // The receiver's own notes are 100 KiB.
        assert!(late < early + 2048, "memory: {early} KiB after ten minutes, {late} KiB after an hour");
    }
}

fn delta(pts: Timestamp, dts: Timestamp, data: Bytes) -> Packet {
    Packet::delta(pts, dts, false, data)
}
