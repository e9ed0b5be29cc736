use super::*;

const MONO: AudioSpec = AudioSpec { sample_rate: 48_000, channels: 1 };
const PLAIN: Gains = Gains { mic: 1.0, music: 1.0, master: 1.0 };

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn mixer(feed: Feed) -> Mixer {
    Mixer::new(MONO, MONO, feed, PLAIN).unwrap()
}

fn frame(millis: i64) -> AudioFrame {
    AudioFrame { pts: at(millis), samples: vec![0.5; 960] }
}

/// Everything that is due at `now`: the times, and how many of the samples are not silent.
fn due(mixer: &mut Mixer, now: Timestamp) -> (Vec<i64>, usize) {
    let (mut times, mut loud, mut block) = (Vec::new(), 0, Vec::new());
    while let Some(pts) = mixer.pull(now, &mut block) {
        assert_eq!(block.len(), mixer.block_frames());
        times.push(pts.as_micros());
        loud += block.iter().filter(|sample| sample.abs() > 0.1).count();
    }
    (times, loud)
}

fn is_gapless(times: &[i64]) -> bool {
    times.windows(2).all(|pair| pair[1] - pair[0] == 10_000)
}

#[test]
fn a_source_that_gives_sound_leads() {
    let mut mixer = mixer(Feed::Counted);
    mixer.source_opened(at(0));
    let mut times = Vec::new();
    for millis in (100..2000).step_by(20) {
        mixer.push(&frame(millis), at(millis + 25));
        let (some, loud) = due(&mut mixer, at(millis + 25));
        assert_eq!((some.len(), loud), (2, 960));
        times.extend(some);
    }
    assert!(is_gapless(&times) && times[0] == 100_000);
}

#[test]
fn a_source_that_is_lost_leaves_silence_and_no_hole() {
    let mut mixer = mixer(Feed::Device);
    mixer.source_opened(at(0));
    let mut times = Vec::new();
    for millis in (0..1000).step_by(20) {
        mixer.push(&frame(millis), at(millis + 20));
        times.extend(due(&mut mixer, at(millis + 20)).0);
    }
    mixer.source_gone();
    for now in (1020..3000).step_by(10) {
        let (some, loud) = due(&mut mixer, at(now));
        assert!(now < 1100 || loud == 0);
        times.extend(some);
    }
    // It is there again.
    mixer.source_opened(at(3000));
    for millis in (3000..4000).step_by(20) {
        mixer.push(&frame(millis), at(millis + 20));
        times.extend(due(&mut mixer, at(millis + 20)).0);
    }
    assert!(is_gapless(&times), "{times:?}");
    assert!((3960..=4000).contains(&(times.last().unwrap() / 1000)), "{}", times.last().unwrap());
}

#[test]
fn a_source_that_falls_silent_without_a_word_is_waited_for_half_a_second() {
    let mut mixer = mixer(Feed::Device);
    mixer.source_opened(at(0));
    mixer.push(&frame(0), at(20));
    due(&mut mixer, at(20));
    for now in (30..=520).step_by(10) {
        assert!(due(&mut mixer, at(now)).0.is_empty(), "{now}");
    }
    let (times, _) = due(&mut mixer, at(530));
    assert!(times.len() > 40 && is_gapless(&times), "everything that was waited for: {times:?}");
    assert_eq!(due(&mut mixer, at(540)).0.len(), 1, "and then at the clock's pace");
}

#[test]
fn a_device_that_never_begins_is_silence_after_two_seconds() {
    let mut mixer = mixer(Feed::Device);
    mixer.source_opened(at(0));
    assert!(due(&mut mixer, at(2000)).0.is_empty());
    due(&mut mixer, at(2010));
    let times: Vec<_> = (2020..3000).step_by(10).flat_map(|now| due(&mut mixer, at(now)).0).collect();
    assert!(times.len() > 90 && is_gapless(&times));
}

#[test]
fn without_a_source_silence_flows_from_the_start() {
    let mut mixer = mixer(Feed::Device);
    let times: Vec<_> = (50..1050).step_by(10).flat_map(|now| due(&mut mixer, at(now)).0).collect();
    assert!((95..=100).contains(&times.len()) && is_gapless(&times), "{}", times.len());
}

#[test]
fn a_mute_fades_within_a_block_and_is_exact_silence_from_the_next_one() {
    let mut mixer = mixer(Feed::Counted);
    let muted = Gains { master: 0.0, ..PLAIN };
    let mut block = vec![0.5; 480];
    mixer.mix(&mut block, None, muted);
    assert!(block.windows(2).all(|pair| pair[1] <= pair[0] && pair[0] - pair[1] < 0.01));
    let mut block = vec![0.5; 480];
    mixer.mix(&mut block, Some(&[0.5; 480]), muted);
    assert!(block.iter().all(|sample| *sample == 0.0));
}

#[test]
fn voices_are_added_with_their_gains_and_nothing_clips() {
    let gains = Gains { mic: 0.5, music: 0.25, master: 1.0 };
    let mut mixer = Mixer::new(MONO, MONO, Feed::Counted, gains).unwrap();
    let mut block = vec![0.4; 480];
    mixer.mix(&mut block, Some(&[0.8; 480]), gains);
    assert!(block.iter().all(|sample| (sample - 0.4).abs() < 1e-6), "0.2 and 0.2");
    let loud = Gains { mic: 2.0, music: 2.0, master: 1.0 };
    for _ in 0..10 {
        let mut block = vec![0.9; 480];
        mixer.mix(&mut block, Some(&[0.9; 480]), loud);
        assert!(block.iter().all(|sample| *sample <= 1.0));
    }
}
