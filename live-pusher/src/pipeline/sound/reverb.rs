//! Rooms for the voice: `audio-reverb-type` 1–7.
//!
//! A feedback delay network: eight delay lines of different lengths whose outputs are mixed by a Householder reflection
//! and fed back, each a little quieter and duller. Where the lines are long it is a room, where they are very short it
//! rings like metal.

use live_core::AudioSpec;

/// Delay lines of a room.
const LINES: usize = 8;

/// The lines' lengths in parts of the room's size: no two have a common rhythm.
const LENGTHS: [f32; LINES] = [1.0, 0.917, 0.839, 0.773, 0.701, 0.631, 0.577, 0.523];

/// What a room sounds like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Room {
    /// What people call it.
    pub(crate) name: &'static str,
    /// Length of the longest line, in ms.
    size: f32,
    /// Until an echo has fallen by 60 dB, in seconds.
    pub(crate) decay: f32,
    /// Above this, in Hz, an echo becomes duller each time around.
    bright: f32,
    /// Before the first echo, in ms.
    distance: f32,
    /// How loud the room and the voice itself are.
    wet: f32,
    dry: f32,
    /// The voice below 250 Hz, as a factor: its body.
    body: f32,
}

/// The rooms, by the specification's number less one.
pub(crate) const ROOMS: [Room; 7] = [
    Room {
        name: "KTV",
        size: 61.0,
        decay: 1.3,
        bright: 6500.0,
        distance: 18.0,
        wet: 0.34,
        dry: 0.85,
        body: 1.0,
    },
    Room {
        name: "small room",
        size: 23.0,
        decay: 0.4,
        bright: 5000.0,
        distance: 4.0,
        wet: 0.40,
        dry: 0.85,
        body: 1.0,
    },
    Room {
        name: "great hall",
        size: 97.0,
        decay: 2.8,
        bright: 3800.0,
        distance: 32.0,
        wet: 0.38,
        dry: 0.75,
        body: 1.0,
    },
    Room {
        name: "deep",
        size: 41.0,
        decay: 0.7,
        bright: 1400.0,
        distance: 8.0,
        wet: 0.30,
        dry: 0.75,
        body: 2.0,
    },
    Room {
        name: "resonant",
        size: 53.0,
        decay: 1.0,
        bright: 9000.0,
        distance: 10.0,
        wet: 0.30,
        dry: 0.95,
        body: 1.15,
    },
    Room {
        name: "metal",
        size: 6.1,
        decay: 0.5,
        bright: 14_000.0,
        distance: 0.0,
        wet: 0.28,
        dry: 0.60,
        body: 0.7,
    },
    Room {
        name: "magnetic",
        size: 17.0,
        decay: 0.25,
        bright: 3000.0,
        distance: 2.0,
        wet: 0.25,
        dry: 0.85,
        body: 1.6,
    },
];

/// Where the voice's body ends, in Hz.
const BODY_HZ: f32 = 250.0;

/// What is quieter than this is silence: numbers that small are slow to reckon with.
const SILENCE: f32 = 1e-15;

/// The reverberation of a voice: nothing at level 0, one of the [`ROOMS`] at 1–7. The level may change at any block, and
/// the old room fades into the new one within it.
pub(crate) struct Reverb {
    spec: AudioSpec,
    level: u32,
    room: Option<Echoes>,
    before: Vec<f32>,
}

impl Reverb {
    pub(crate) fn new(spec: AudioSpec) -> Self {
        Self { spec, level: 0, room: None, before: Vec::new() }
    }

    /// Puts a block of interleaved samples into room `level`.
    pub(crate) fn apply(&mut self, level: u32, block: &mut [f32]) {
        if level == self.level {
            if let Some(room) = &mut self.room {
                room.apply(block);
            }
            return;
        }
        self.level = level;
        let mut old = self.room.take();
        let room = (level as usize).checked_sub(1).and_then(|index| ROOMS.get(index));
        self.room = room.map(|room| Echoes::new(room, self.spec));
        self.before.clear();
        self.before.extend_from_slice(block);
        if let Some(old) = &mut old {
            old.apply(&mut self.before);
        }
        if let Some(room) = &mut self.room {
            room.apply(block);
        }
        let last = block.len().max(1) as f32;
        for (index, (sample, before)) in block.iter_mut().zip(&self.before).enumerate() {
            let way = index as f32 / last;
            *sample = before + (*sample - before) * way;
        }
    }
}

/// A room with the echoes that are in it.
struct Echoes {
    channels: usize,
    lines: [DelayLine; LINES],
    distance: DelayLine,
    /// Of the voice below its body's end, for each channel.
    body: [LowPass; 2],
    more_body: f32,
    wet: f32,
    dry: f32,
}

impl Echoes {
    fn new(room: &Room, spec: AudioSpec) -> Self {
        let rate = spec.sample_rate as f32;
        let samples = |millis: f32| (millis * rate / 1000.0) as usize;
        let line = |part: f32| {
            let length = samples(room.size * part).max(1);
            // So quiet that after `decay` seconds of going around 60 dB are gone.
            let gain = 10.0_f32.powf(-3.0 * length as f32 / (room.decay * rate));
            DelayLine { samples: vec![0.0; length], place: 0, gain, dull: LowPass::at(room.bright, rate) }
        };
        let mut distance = line(0.0);
        distance.samples = vec![0.0; samples(room.distance).max(1)];
        Self {
            channels: usize::from(spec.channels),
            lines: LENGTHS.map(line),
            distance,
            body: [LowPass::at(BODY_HZ, rate); 2],
            more_body: room.body - 1.0,
            wet: room.wet,
            dry: room.dry,
        }
    }

    fn apply(&mut self, block: &mut [f32]) {
        for frame in block.chunks_exact_mut(self.channels) {
            let voice = frame.iter().sum::<f32>() / self.channels as f32;
            let arriving = self.distance.turn(voice);
            let echoes: [f32; LINES] = std::array::from_fn(|index| self.lines[index].heard());
            let reflected = echoes.iter().sum::<f32>() * 2.0 / LINES as f32;
            for (index, (line, echo)) in self.lines.iter_mut().zip(echoes).enumerate() {
                let side = if index % 4 < 2 { 1.0 } else { -1.0 };
                line.put(echo - reflected + arriving * side);
            }
            for (channel, sample) in frame.iter_mut().enumerate() {
                // Each ear hears lines of its own.
                let ear = |index: usize| if index % 4 < 2 { echoes[index] } else { -echoes[index] };
                let room = match self.channels {
                    1 => (0..LINES).map(ear).sum::<f32>() / 2.0,
                    _ => (0..LINES).skip(channel % 2).step_by(2).map(ear).sum::<f32>(),
                };
                let body = self.body[channel % 2].turn(*sample) * self.more_body;
                *sample = (*sample + body) * self.dry + room * self.wet;
            }
        }
    }
}

/// A ring of samples.
struct DelayLine {
    samples: Vec<f32>,
    place: usize,
    gain: f32,
    dull: LowPass,
}

impl DelayLine {
    /// What comes out now, quieter and duller than it went in.
    fn heard(&mut self) -> f32 {
        let out = self.samples[self.place];
        self.dull.turn(out) * self.gain
    }

    fn put(&mut self, sample: f32) {
        self.samples[self.place] = if sample.abs() < SILENCE { 0.0 } else { sample };
        self.place = (self.place + 1) % self.samples.len();
    }

    /// As it went in, later.
    fn turn(&mut self, sample: f32) -> f32 {
        let out = self.samples[self.place];
        self.put(sample);
        out
    }
}

/// A filter of the first order.
#[derive(Clone, Copy)]
struct LowPass {
    share: f32,
    state: f32,
}

impl LowPass {
    fn at(hz: f32, rate: f32) -> Self {
        Self { share: 1.0 - (-std::f32::consts::TAU * hz / rate).exp(), state: 0.0 }
    }

    fn turn(&mut self, sample: f32) -> f32 {
        self.state += (sample - self.state) * self.share;
        if self.state.abs() < SILENCE {
            self.state = 0.0;
        }
        self.state
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEREO: AudioSpec = AudioSpec { sample_rate: 48_000, channels: 2 };

    /// What becomes of `seconds` of stereo sound at `level`.
    fn heard(level: u32, seconds: usize, sound: impl Fn(usize) -> f32) -> Vec<f32> {
        let mut reverb = Reverb::new(STEREO);
        // The change to the level takes a block.
        reverb.apply(level, &mut [0.0; 960]);
        let mut samples: Vec<f32> = (0..seconds * 48_000).flat_map(|n| [sound(n); 2]).collect();
        samples.chunks_mut(960).for_each(|block| reverb.apply(level, block));
        samples
    }

    fn energy(samples: &[f32]) -> f64 {
        samples.iter().map(|sample| f64::from(*sample).powi(2)).sum()
    }

    fn noise(n: usize) -> f32 {
        let mixed = (n as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        ((mixed ^ mixed >> 29).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 40) as f32 / 16_777_216.0 - 0.5
    }

    #[test]
    fn level_0_changes_nothing() {
        let out = heard(0, 1, noise);
        assert!(out.iter().step_by(2).enumerate().all(|(n, sample)| *sample == noise(n)));
    }

    #[test]
    fn each_room_decays_as_it_says_and_none_rings_for_ever() {
        for (index, room) in ROOMS.iter().enumerate() {
            let out = heard(index as u32 + 1, 5, |n| if n == 0 { 1.0 } else { 0.0 });
            // Between an early and a late part of the tail, above the point where nothing is left.
            let part = |from: f32| {
                let start = (from * 48_000.0) as usize * 2;
                energy(&out[start..start + 4800])
            };
            let (early, late) = (room.decay * 0.2, room.decay * 0.5);
            let fell = 10.0 * (part(early) / part(late)).log10();
            let expected = 60.0 * f64::from((late - early) / room.decay);
            // High tones fall faster than the room's figure, which is that of the low ones.
            assert!(
                fell > expected * 0.8 && fell < expected * 2.5,
                "{}: {fell:.1} of {expected:.1} dB",
                room.name
            );
            assert!(energy(&out[4 * 96_000..]) < 1e-4, "{} rings on", room.name);
        }
    }

    #[test]
    fn a_voice_stays_about_as_loud_and_never_runs_away() {
        for level in 1..=7 {
            let out = heard(level, 3, noise);
            let ratio = 10.0 * (energy(&out[96_000..]) / energy(&heard(0, 3, noise)[96_000..])).log10();
            assert!(ratio.abs() < 4.0, "{}: {ratio:.1} dB", ROOMS[level as usize - 1].name);
            assert!(out.iter().all(|sample| sample.abs() < 4.0));
        }
    }

    #[test]
    fn no_two_rooms_sound_alike() {
        let rooms: Vec<_> = (1..=7).map(|level| heard(level, 1, noise)).collect();
        for (a, b) in (0..7).flat_map(|a| (a + 1..7).map(move |b| (a, b))) {
            let difference: Vec<f32> = rooms[a].iter().zip(&rooms[b]).map(|(a, b)| a - b).collect();
            assert!(
                energy(&difference) > 0.02 * energy(&rooms[a]),
                "{} and {}",
                ROOMS[a].name,
                ROOMS[b].name
            );
        }
    }

    #[test]
    fn changing_the_room_does_not_click() {
        let mut reverb = Reverb::new(STEREO);
        let mut last = 0.0_f32;
        for block in 0..400_usize {
            let tone = |n: usize| ((block * 480 + n) as f32 * 0.02).sin() * 0.3;
            let mut samples: Vec<f32> = (0..480).flat_map(|n| [tone(n); 2]).collect();
            reverb.apply((block / 25 % 8) as u32, &mut samples);
            for frame in samples.chunks(2) {
                assert!((frame[0] - last).abs() < 0.05, "block {block}: {last} to {}", frame[0]);
                last = frame[0];
            }
        }
    }
}
