//! Queues, clock and presenter together, in simulated time: decoders take no time unless they are told to, the sound
//! device is the null sink's.

mod long;
mod seconds;

use crate::bell::Bell;
use crate::decoded::DecodedQueue;
use crate::media_queue::QueueView;
use crate::media_queue::lanes::{Lanes, Limits};
use crate::presenter::{Action, Presenter, View};
use crate::sink::null::Device;
use crate::sound::{Sound, SoundLine, Supply};
use bytes::Bytes;
use live_core::{
    AudioFrame, AudioPosition, AudioSink, AudioSpec, Packet, PacketKind, SinkError, Timestamp, Track,
};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const SPEC: AudioSpec = AudioSpec { sample_rate: 48_000, channels: 1 };
const STEP: Duration = Duration::from_millis(5);

/// What happened, as the application would see it; times in ms.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Seen {
    Load,
    Still(i64),
    Start { tell: bool },
    Show { pts: i64, heard: Option<i64> },
    Late(i64),
    Stutter,
    Skip { to: i64, tell: bool },
    CatchUp,
    End,
}

/// The null sink's device on a clock that the simulation moves.
struct Speaker(Arc<Mutex<(Instant, Option<Device>)>>);

impl AudioSink for Speaker {
    fn open(&mut self, spec: AudioSpec) -> Result<usize, SinkError> {
        let mut state = self.0.lock().unwrap();
        state.1 = Some(Device::open(spec, state.0));
        Ok(4_800)
    }

    fn write(&mut self, samples: &[f32]) -> Result<usize, SinkError> {
        let (now, device) = &mut *self.0.lock().unwrap();
        Ok(device.as_mut().unwrap().write(samples.len(), *now))
    }

    fn position(&self) -> Option<AudioPosition> {
        let (now, device) = *self.0.lock().unwrap();
        device.map(|device| device.position(now))
    }

    fn finish(&mut self) -> Result<(), SinkError> {
        Ok(())
    }
}

struct Simulation {
    start: Instant,
    now: Instant,
    speaker: Arc<Mutex<(Instant, Option<Device>)>>,
    lanes: Lanes,
    pictures: VecDeque<Timestamp>,
    sounds: DecodedQueue<Sound>,
    line: SoundLine,
    presenter: Presenter,
    seen: Vec<(i64, Seen)>,
    /// The decoder of pictures takes this long for each …
    picture_takes: Duration,
    /// … and has the newest one in hand until then.
    busy_until: Instant,
    /// The application pauses from one time to another, in ms.
    pause: std::ops::Range<i64>,
    /// The process is stopped at this time for so long, in ms.
    suspension: Option<(i64, u64)>,
    /// While the stream moves, ten times a second.
    samples: Vec<Sample>,
}

/// How far the player was behind what it had, and how fast it played.
#[derive(Clone, Copy, Debug)]
struct Sample {
    at: i64,
    /// In ms, on the track that is further behind.
    cache: i64,
    rate: f64,
}

/// A packet, and when it comes, in ms.
type Arrival = (u64, Packet);

fn video(pts: i64) -> Packet {
    let at = Timestamp::from_millis(pts);
    if pts % 1_000 == 0 || pts == 960 {
        Packet::key(at, at, Bytes::new())
    } else {
        Packet::delta(at, at, false, Bytes::new())
    }
}

fn audio(pts: i64) -> Packet {
    Packet::audio(Timestamp::from_millis(pts), Bytes::new())
}

/// Packets of `track` from `from` to `to` ms, each arriving when `arrives` says.
fn track(track: Track, from: i64, to: i64, arrives: impl Fn(i64) -> u64) -> Vec<Arrival> {
    let (step, make): (_, fn(i64) -> Packet) = if track == Track::Video { (40, video) } else { (20, audio) };
    (from..to).step_by(step).map(|pts| (arrives(pts), make(pts))).collect()
}

fn both(from: i64, to: i64, arrives: impl Fn(i64) -> u64 + Copy) -> Vec<Arrival> {
    merge([track(Track::Video, from, to, arrives), track(Track::Audio, from, to, arrives)])
}

fn merge<const N: usize>(tracks: [Vec<Arrival>; N]) -> Vec<Arrival> {
    let mut all = tracks.concat();
    all.sort_by_key(|(at, packet)| (*at, packet.dts));
    all
}

fn live(pts: i64) -> u64 {
    pts.unsigned_abs()
}

impl Simulation {
    fn new(min_cache_ms: u64) -> Self {
        let start = Instant::now();
        let speaker = Arc::new(Mutex::new((start, None)));
        let sounds = DecodedQueue::new(24, Bell::default());
        let min_cache = Duration::from_millis(min_cache_ms);
        let max_cache = min_cache.max(Duration::from_secs(3));
        Self {
            start,
            now: start,
            lanes: Lanes::new(Limits::new(min_cache, max_cache)),
            pictures: VecDeque::new(),
            line: SoundLine::new(Box::new(Speaker(Arc::clone(&speaker))), sounds.clone()),
            sounds,
            speaker,
            presenter: Presenter::new(min_cache, max_cache, start),
            seen: Vec::new(),
            picture_takes: Duration::ZERO,
            busy_until: start,
            pause: 0..0,
            suspension: None,
            samples: Vec::new(),
        }
    }

    /// Plays `arrivals`; the stream ends with the last one. What was seen until the end, within `limit` ms.
    fn play(mut self, arrivals: Vec<Arrival>, limit: u64) -> Vec<(i64, Seen)> {
        self.run(arrivals, limit);
        self.seen
    }

    fn run(&mut self, arrivals: Vec<Arrival>, limit: u64) {
        let mut arrivals = VecDeque::from(arrivals);
        while self.elapsed() < i64::try_from(limit).unwrap() {
            while arrivals.front().is_some_and(|(at, _)| i64::try_from(*at).unwrap() <= self.elapsed()) {
                let (_, packet) = arrivals.pop_front().unwrap();
                let _ = self.lanes.push(packet, self.now);
            }
            if self.present(arrivals.is_empty()) {
                return;
            }
            self.now += STEP;
            if let Some((_, length)) = self
                .suspension
                .take_if(|(at, _)| *at <= i64::try_from((self.now - self.start).as_millis()).unwrap())
            {
                self.now += Duration::from_millis(length);
            }
            self.speaker.lock().unwrap().0 = self.now;
        }
        panic!("no end within {limit} ms: {:?}", self.seen);
    }

    fn elapsed(&self) -> i64 {
        i64::try_from((self.now - self.start).as_millis()).unwrap()
    }

    fn sample(&mut self, position: Timestamp) {
        let at = self.elapsed();
        if self.samples.last().is_none_or(|last| at - last.at >= 100) {
            let ends = [Track::Video, Track::Audio].map(|track| self.lanes.state(track).end);
            let end = ends.into_iter().flatten().min().unwrap();
            let cache = end.micros_since(position) / 1000;
            self.samples.push(Sample { at, cache, rate: self.presenter.rate() });
        }
    }

    fn decode(&mut self) {
        while self.pictures.len() < 8 && self.busy_until <= self.now {
            let Some(packet) = self.lanes.take(Track::Video) else { break };
            if packet.is_video_unit() {
                self.pictures.push_back(packet.pts);
                self.busy_until = self.busy_until.max(self.now - STEP) + self.picture_takes;
            }
        }
        while self.sounds.len() < 24 {
            let Some(packet) = self.lanes.take(Track::Audio) else { break };
            if packet.kind == PacketKind::Audio {
                self.sounds.push(Sound {
                    spec: SPEC,
                    frame: AudioFrame { pts: packet.pts, samples: vec![0.0; 960] },
                });
            }
        }
    }

    fn present(&mut self, finished: bool) -> bool {
        loop {
            self.decode();
            let view = View {
                queue: QueueView {
                    video: self.lanes.state(Track::Video),
                    audio: self.lanes.state(Track::Audio),
                    finished,
                    finite: false,
                },
                accepted: true,
                pictures: [self.pictures.front().copied(), self.pictures.get(1).copied()],
                sound: self.line.front(),
                heard: if self.presenter.is_playing() { self.line.heard(self.now) } else { None },
                sound_is_dry: self.line.is_dry(self.now),
                paused: self.pause.contains(&self.elapsed()),
            };
            let seen = match self.presenter.poll(self.now, &view) {
                Action::Load => Seen::Load,
                Action::ShowStill => Seen::Still(self.pictures.pop_front().unwrap().as_millis()),
                Action::Start { from, tell } => {
                    self.line.start(from);
                    Seen::Start { tell }
                }
                Action::Freeze => {
                    self.line.freeze();
                    continue;
                }
                Action::Skip { leave, exact, tell } => {
                    let key = self.lanes.skip(leave).map(|(key, _)| key);
                    let Some(to) = self.presenter.land(self.now, key, leave, exact) else { continue };
                    self.line.start(to);
                    Seen::Skip { to: to.as_millis(), tell }
                }
                Action::CatchUp { .. } => {
                    assert_ne!(self.lanes.catch_up().video, 0);
                    Seen::CatchUp
                }
                Action::Show { stutter } => {
                    if stutter.is_some() {
                        self.seen.push((self.elapsed(), Seen::Stutter));
                    }
                    let heard = self.line.heard(self.now).map(Timestamp::as_millis);
                    Seen::Show { pts: self.pictures.pop_front().unwrap().as_millis(), heard }
                }
                Action::DropLate => Seen::Late(self.pictures.pop_front().unwrap().as_millis()),
                Action::Progress(_) => continue,
                Action::Unplayable => panic!("everything is playable"),
                Action::End => {
                    self.seen.push((self.elapsed(), Seen::End));
                    return true;
                }
                Action::Wait(_) => {
                    if self.presenter.is_playing() {
                        let silence = self.presenter.misses_sound(self.now, &view);
                        let position = self.presenter.position();
                        let supply = Supply {
                            position,
                            picture: view.pictures[0],
                            silence,
                            rate: self.presenter.rate(),
                        };
                        self.line.supply(self.now, &supply).unwrap();
                        self.sample(position);
                    }
                    return false;
                }
            };
            self.seen.push((self.elapsed(), seen));
        }
    }
}

fn play(arrivals: Vec<Arrival>) -> Vec<(i64, Seen)> {
    Simulation::new(1_000).play(arrivals, 60_000)
}

/// The pictures that were seen, with the time and the sound heard then.
fn shown(seen: &[(i64, Seen)]) -> Vec<(i64, i64, Option<i64>)> {
    let show = |(at, seen): &(i64, Seen)| match seen {
        Seen::Show { pts, heard } => Some((*at, *pts, *heard)),
        _ => None,
    };
    seen.iter().filter_map(show).collect()
}

/// Everything but the pictures.
fn milestones(seen: &[(i64, Seen)]) -> Vec<(i64, Seen)> {
    seen.iter().filter(|(_, seen)| !matches!(seen, Seen::Show { .. })).copied().collect()
}
