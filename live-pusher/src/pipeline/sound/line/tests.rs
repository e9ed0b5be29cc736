use super::*;
use std::f64::consts::TAU;

const MONO: AudioSpec = AudioSpec { sample_rate: 48_000, channels: 1 };
const VOICE: AudioSpec = AudioSpec { sample_rate: 16_000, channels: 1 };
const STEREO_44: AudioSpec = AudioSpec { sample_rate: 44_100, channels: 2 };

fn frame(millis: i64, samples: Vec<f32>) -> AudioFrame {
    AudioFrame { pts: Timestamp::from_millis(millis), samples }
}

fn all(line: &mut Line) -> Vec<f32> {
    std::mem::take(&mut line.ready)
}

#[test]
fn counted_samples_pass_unchanged_whatever_the_jitter_of_their_times() {
    let mut line = Line::new(MONO, MONO, false).unwrap();
    for index in 0..100 {
        let jitter = if index == 0 { 0 } else { index * 7 % 30 - 15 };
        line.push(&frame(index * 20 + jitter, vec![0.1; 960]));
        assert_eq!(all(&mut line), [0.1; 960]);
    }
    assert_eq!(line.start(), Some(Timestamp::ZERO));
}

#[test]
fn a_hole_becomes_silence_and_an_overlap_is_cut() {
    let mut line = Line::new(MONO, MONO, false).unwrap();
    line.push(&frame(0, vec![0.5; 4800]));
    line.push(&frame(200, vec![0.5; 4800]));
    line.push(&frame(250, vec![0.5; 4800]));
    let out = all(&mut line);
    assert_eq!(out.len(), 4800 * 3 + 2400, "350 ms");
    assert!(out.iter().enumerate().all(|(n, sample)| (*sample == 0.0) == (4800..9600).contains(&n)));
}

#[test]
fn an_overlap_longer_than_a_frame_is_cut_exactly() {
    let mut line = Line::new(MONO, MONO, false).unwrap();
    line.push(&frame(0, vec![0.5; 48_000]));
    for millis in (800..1200).step_by(20) {
        line.push(&frame(millis, vec![0.25; 960]));
    }
    assert_eq!(all(&mut line).len(), 1200 * 48);
}

#[test]
fn silence_in_place_of_late_sound_is_not_followed_by_that_sound() {
    let mut line = Line::new(MONO, MONO, false).unwrap();
    line.push(&frame(0, vec![0.5; 960]));
    line.fill_to(Timestamp::from_millis(100));
    line.push(&frame(20, vec![0.5; 960]));
    line.push(&frame(90, vec![0.5; 960]));
    let out = all(&mut line);
    assert_eq!(out.len(), 110 * 48);
    assert_eq!(out.iter().filter(|sample| **sample != 0.0).count(), 960 + 480);
}

#[test]
fn nothing_is_lost_at_the_end() {
    for input in [MONO, STEREO_44] {
        let mut line = Line::new(input, MONO, true).unwrap();
        let samples = vec![0.5; input.sample_rate as usize * usize::from(input.channels)];
        line.push(&frame(0, samples));
        line.finish(100);
        let out = all(&mut line);
        assert!(out.len() >= 48_000 && out.len() <= 48_000 + 1440, "{} samples", out.len());
        assert!((out[47_000] - 0.5).abs() < 1e-3 && out[47_998].abs() > 0.1);
    }
}

#[test]
fn a_source_whose_timeline_begins_anew_goes_on() {
    let mut line = Line::new(MONO, MONO, false).unwrap();
    line.push(&frame(3_600_000, vec![0.5; 960]));
    line.push(&frame(0, vec![0.5; 960]));
    line.push(&frame(20, vec![0.5; 960]));
    assert_eq!(all(&mut line).len(), 3 * 960);
    assert_eq!(line.start(), Some(Timestamp::from_millis(3_600_000)));
}

#[test]
fn resampling_keeps_time_and_pitch() {
    let mut line = Line::new(STEREO_44, MONO, false).unwrap();
    for block in 0..100u32 {
        let samples = (0..441u32).flat_map(|n| {
            let t = f64::from(block * 441 + n) / 44_100.0;
            [(t * 1000.0 * TAU).sin() as f32 * 0.5; 2]
        });
        line.push(&frame(i64::from(block) * 10, samples.collect()));
    }
    let out = all(&mut line);
    assert!(out.len() > 47_000, "a second less the resampler's delay: {}", out.len());
    let error = |(n, sample): (usize, &f32)| {
        let t = n as f64 / 48_000.0;
        (f64::from(*sample) - (t * 1000.0 * TAU).sin() * 0.5).abs()
    };
    let worst = out.iter().enumerate().skip(1000).take(44_000).map(error).fold(0.0, f64::max);
    // The filter's delay is not a whole number of samples: up to half a sample, 10 µs, remains.
    let half_a_sample = 0.5 * 1000.0 * TAU * 0.5 / 48_000.0;
    assert!(worst < half_a_sample + 1e-3, "the tone is where it was: worst error {worst}");
}

/// A device whose clock is off by `ppm`, with capture times that jitter by ± 4 ms, for `seconds`. Gives the largest
/// error of the sequence's time after the first minute, in ms, and the last ten seconds of the sound.
fn device(ppm: f64, seconds: u64, wave: impl Fn(f64) -> f64) -> (f64, Vec<f32>) {
    let mut line = Line::new(VOICE, VOICE, true).unwrap();
    let rate = 16_000.0 * (1.0 + ppm / 1e6);
    let (mut worst, mut given, mut tail) = (0.0_f64, 0_u64, Vec::new());
    let mut noise = 1_u64;
    for block in 0..seconds * 50 {
        let first = block * 320;
        let samples = (0..320).map(|n| wave((first + n) as f64 / rate) as f32).collect();
        noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let jitter = (noise >> 33) % 8000;
        let captured = first as f64 / rate * 1e6 + jitter as f64 - 4000.0;
        line.push(&AudioFrame { pts: Timestamp::from_micros(captured as i64), samples });
        // What lies behind the samples taken is the true time of the next one.
        let truth = (first + 320) as f64 / rate * 1e6;
        let error = line.end().unwrap().as_micros() as f64 - truth;
        if block >= 60 * 50 {
            worst = worst.max(error.abs() / 1000.0);
        }
        given += line.ready.len() as u64;
        tail.append(&mut line.ready);
        if tail.len() > 320_000 {
            tail.drain(..160_000);
        }
    }
    // As many samples as the session's clock counts, give or take what is inside the resampler.
    let due = (seconds as f64 * 16_000.0 / (1.0 + ppm / 1e6)) as u64;
    assert!(given.abs_diff(due) < 480, "{given} samples in place of {due}");
    (worst, tail.split_off(tail.len() - 160_000))
}

#[test]
fn an_hour_of_a_device_that_is_200_ppm_off_stays_within_20_ms() {
    for (ppm, seconds) in [(200.0, 3600), (-200.0, 600)] {
        let (worst, _) = device(ppm, seconds, |t| (t * 300.0 * TAU).sin() * 0.5);
        assert!(worst < 20.0, "{ppm} ppm: {worst} ms");
        println!("{ppm} ppm: at most {worst:.1} ms off after the first minute");
    }
}

#[test]
fn correcting_a_clock_is_not_heard() {
    for hz in [440.0, 3000.0] {
        let (_, out) = device(200.0, 120, |t| (t * hz * TAU).sin() * 0.5);
        // In each tenth of a second, what is not the tone itself: at the pitch that fits best there.
        for window in out.chunks_exact(1600) {
            let residual = |hz: f64| {
                let (mut ss, mut cc, mut sc, mut s, mut c, mut energy) = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0);
                for (n, sample) in window.iter().enumerate() {
                    let (sin, cos) = (n as f64 * hz * TAU / 16_000.0).sin_cos();
                    (ss, cc, sc) = (ss + sin * sin, cc + cos * cos, sc + sin * cos);
                    s += f64::from(*sample) * sin;
                    c += f64::from(*sample) * cos;
                    energy += f64::from(*sample).powi(2);
                }
                // Least squares of a sine and a cosine.
                let det = ss * cc - sc * sc;
                let (a, b) = ((s * cc - c * sc) / det, (c * ss - s * sc) / det);
                (energy - a * s - b * c) / energy
            };
            let best =
                (-40..=40).map(|step| residual(hz * (1.0 + f64::from(step) * 1e-6))).fold(1.0, f64::min);
            let db = 10.0 * best.abs().log10();
            assert!(db < -60.0, "{hz} Hz: {db:.1} dB beside the tone");
        }
    }
}
