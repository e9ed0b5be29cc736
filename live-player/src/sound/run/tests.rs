use super::*;
use live_core::AudioFrame;

const RATE: u32 = 48_000;

/// Access units of 1024 frames of `wave`, given the time in seconds.
fn sound(index: u64, channels: u16, wave: impl Fn(f64) -> f32) -> Sound {
    let spec = AudioSpec { sample_rate: RATE, channels };
    let first = index * 1024;
    let frames = (first..first + 1024).map(|frame| wave(frame as f64 / f64::from(RATE)));
    let samples = frames.flat_map(|sample| std::iter::repeat_n(sample, usize::from(channels))).collect();
    Sound { spec, frame: AudioFrame { pts: Timestamp::from_index(first, RATE), samples } }
}

/// What is heard of `seconds` of `wave` at `rate`: samples of the first channel, and the media time of every piece.
fn play(
    rate: f64,
    seconds: u64,
    channels: u16,
    wave: impl Fn(f64) -> f32,
) -> (Vec<f32>, Vec<(usize, Timestamp)>) {
    let mut run = Run::new(AudioSpec { sample_rate: RATE, channels });
    let (mut heard, mut times) = (Vec::new(), Vec::new());
    for index in 0..seconds * u64::from(RATE) / 1024 {
        run.push(&sound(index, channels, &wave));
        while run.left() > run.wanted() {
            run.splice();
            let Some(piece) = run.piece() else { break };
            times.push((heard.len(), piece.media));
            let frames = (piece.samples.len() / usize::from(channels)).min(480);
            heard.extend(piece.samples.chunks(usize::from(channels)).take(frames).map(|frame| frame[0]));
            run.played(frames, rate);
        }
    }
    (heard, times)
}

/// The frequency of a tone, by its rising zero crossings.
fn frequency(samples: &[f32]) -> f64 {
    let crossings = samples.windows(2).filter(|pair| pair[0] < 0.0 && pair[1] >= 0.0).count();
    crossings as f64 * f64::from(RATE) / samples.len() as f64
}

fn tone(hertz: f64) -> impl Fn(f64) -> f32 {
    move |at| (at * hertz * std::f64::consts::TAU).sin() as f32 * 0.5
}

#[test]
fn a_tone_keeps_its_pitch_and_does_not_click_at_any_rate() {
    for hertz in [82.4, 220.0, 1000.0, 3333.0] {
        for (rate, channels) in [(1.1, 1), (1.03, 2), (0.95, 2), (0.99, 1)] {
            let (heard, _) = play(rate, 10, channels, tone(hertz));
            let pitch = frequency(&heard);
            assert!((pitch / hertz - 1.0).abs() < 0.01, "{hertz} Hz became {pitch} at {rate}");
            // A sine never steps by more than this from one sample to the next; a splice may bend it a little.
            let steepest = 0.5 * hertz * std::f64::consts::TAU / f64::from(RATE);
            let step = heard.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f32::max);
            assert!(
                f64::from(step) < steepest * 1.15 + 0.002,
                "{hertz} Hz at {rate}: a step of {step}, not {steepest}"
            );
            let quietest =
                heard.chunks(1200).map(|part| part.iter().fold(0.0f32, |most, s| most.max(s.abs())));
            assert!(quietest.fold(1.0, f32::min) > 0.42, "{hertz} Hz at {rate} fades");
        }
    }
}

#[test]
fn thirty_seconds_take_what_the_rate_says_and_silence_and_noise_too() {
    let noise = |at: f64| ((at * 48_000.0).round() * 12.9898).sin().fract() as f32;
    let waves: [(&str, &dyn Fn(f64) -> f32); 3] =
        [("tone", &tone(440.0)), ("silence", &|_| 0.0), ("noise", &noise)];
    for (name, wave) in waves {
        for rate in [1.1, 1.05, 0.95] {
            let (heard, times) = play(rate, 33, 1, wave);
            let seconds = heard.len() as f64 / f64::from(RATE);
            let media = times.last().unwrap().1.micros_since(times[0].1) as f64 / 1e6;
            assert!(media > 30.0);
            let lost = media - seconds;
            let should = seconds * (rate - 1.0);
            assert!((lost - should).abs() < 0.05, "{name} at {rate}: {lost} s instead of {should}");
        }
    }
}

#[test]
fn media_time_is_that_of_what_is_heard_and_never_goes_back() {
    // The amplitude says when it is: 1 % a second, on a tone.
    let wave = |at: f64| (0.2 + at * 0.01) as f32 * tone(500.0)(at) * 2.0;
    for rate in [1.1, 0.95] {
        let (heard, times) = play(rate, 30, 1, wave);
        assert!(times.windows(2).all(|pair| pair[0].1 <= pair[1].1), "{rate}");
        for (at, media) in times.iter().step_by(50).filter(|(at, _)| at + 960 < heard.len()) {
            let peak = heard[*at..at + 960].iter().fold(0.0f32, |most, sample| most.max(sample.abs()));
            let said = (f64::from(peak) - 0.2) * 100.0;
            let media = media.as_micros() as f64 / 1e6;
            assert!((said - media).abs() < 0.06, "{said} is heard when it should be {media}, at {rate}");
        }
    }
}

#[test]
fn at_one_nothing_is_touched_and_what_was_owed_is_forgotten() {
    let mut run = Run::new(AudioSpec { sample_rate: RATE, channels: 1 });
    for index in 0..8 {
        run.push(&sound(index, 1, tone(440.0)));
    }
    run.played(3_000, 1.1);
    run.played(96, 1.0);
    run.splice();
    let waits = run.left();
    run.splice();
    assert_eq!((run.left(), run.pts()), (waits, Some(Timestamp::from_index(3_096, RATE))));
}

#[test]
fn memory_is_not_asked_for_after_the_first_seconds() {
    let mut run = Run::new(AudioSpec { sample_rate: RATE, channels: 2 });
    let mut capacity = (0, 0);
    for index in 0..5_000 {
        run.push(&sound(index, 2, tone(300.0)));
        while run.left() > run.wanted() {
            run.splice();
            run.played(480, if index % 400 < 200 { 1.1 } else { 0.95 });
        }
        if index == 500 {
            capacity = (run.samples.capacity(), run.marks.capacity());
        }
    }
    assert_eq!(capacity, (run.samples.capacity(), run.marks.capacity()));
}
