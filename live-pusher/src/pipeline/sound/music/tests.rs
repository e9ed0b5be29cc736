use super::*;
use live_core::formats::wav::{SampleFormat, Writer};
use std::io::BufWriter;
use std::path::Path;

const MONO: AudioSpec = AudioSpec { sample_rate: 48_000, channels: 1 };

/// Writes `seconds` of a ramp from 0 to 1, so that each sample tells its time.
fn ramp(path: &Path, spec: AudioSpec, seconds: u32) {
    let file = BufWriter::new(std::fs::File::create(path).unwrap());
    let mut writer = Writer::new(file, spec, SampleFormat::Float32).unwrap();
    let frames = spec.sample_rate * seconds;
    for n in 0..frames {
        writer.write(&vec![n as f32 / frames as f32; usize::from(spec.channels)]).unwrap();
    }
    writer.finish().unwrap();
}

/// Plays until it ends, for at most `seconds` of music; gives the samples and the events.
fn play(music: Bgm, seconds: usize) -> (Vec<f32>, Vec<MusicEvent>) {
    let wishes = Wishes::default();
    wishes.play(music);
    let mut player = MusicPlayer { patience: Duration::from_secs(20), ..MusicPlayer::new(MONO) };
    let (mut samples, mut events) = (Vec::new(), Vec::new());
    while samples.len() < seconds * 48_000 {
        let Some(block) = player.next(480, &wishes, |event| events.push(event)) else { break };
        if events.iter().any(|event| matches!(event, MusicEvent::Started { .. })) {
            samples.extend_from_slice(block);
        }
    }
    player.finish(&wishes, |event| events.push(event));
    (samples, events)
}

#[test]
fn a_piece_is_played_from_start_to_end_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ramp.wav");
    ramp(&path, MONO, 4);
    let (samples, events) =
        play(Bgm::new(&path).from(Duration::from_secs(1)).until(Duration::from_millis(3500)), 10);
    assert!((samples.len() as i64 - 120_000).abs() <= 480, "{}", samples.len());
    assert!((samples[0] - 0.25).abs() < 1e-5 && (samples[119_999] - 0.875).abs() < 1e-3);
    let file = path.display().to_string();
    assert_eq!(events[0], MusicEvent::Started { file: file.clone(), duration_ms: Some(2500) });
    let MusicEvent::Progress { position_ms, duration_ms, .. } = &events[1] else { panic!("{events:?}") };
    assert!((1980..=2020).contains(position_ms) && *duration_ms == Some(2500), "{events:?}");
    assert_eq!(events.last(), Some(&MusicEvent::Ended { file }));
    assert_eq!(events.len(), 4, "{events:?}");
}

#[test]
fn a_loop_has_no_gap() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ramp.wav");
    ramp(&path, MONO, 1);
    let (samples, events) = play(Bgm::new(&path).looping(true), 3);
    for (n, sample) in samples.iter().enumerate() {
        assert!((sample - (n % 48_000) as f32 / 48_000.0).abs() < 1e-5, "sample {n}");
    }
    assert!(matches!(events.last(), Some(MusicEvent::Stopped { .. })), "{events:?}");
}

#[test]
fn other_rates_and_channels_keep_their_time() {
    let folder = tempfile::tempdir().unwrap();
    for spec in
        [AudioSpec { sample_rate: 44_100, channels: 2 }, AudioSpec { sample_rate: 16_000, channels: 1 }]
    {
        let path = folder.path().join("ramp.wav");
        ramp(&path, spec, 2);
        let (samples, _) = play(Bgm::new(&path), 10);
        assert!((samples.len() as i64 - 96_000).abs() <= 960, "{spec:?}: {}", samples.len());
        for at in [9600, 48_000, 86_400] {
            let expected = at as f32 / 96_000.0;
            assert!((samples[at] - expected).abs() < 1e-3, "{spec:?} at {at}: {} {expected}", samples[at]);
        }
    }
}

#[test]
fn what_cannot_be_loaded_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let notes = folder.path().join("notes.mp3");
    std::fs::write(&notes, "not music at all, however long it goes on. ".repeat(100)).unwrap();
    let short = folder.path().join("short.wav");
    ramp(&short, MONO, 1);
    for (music, why) in [
        (Bgm::new(folder.path().join("missing.mp3")), "cannot be opened"),
        (Bgm::new(&notes), "not WAV, MP3, FLAC or AAC-LC"),
        (Bgm::new(&short).from(Duration::from_secs(2)), "cannot begin at"),
        (Bgm::new(&short).until(Duration::ZERO), "cannot begin at"),
    ] {
        let (samples, events) = play(music.clone(), 1);
        assert!(samples.is_empty(), "{music:?}");
        let [MusicEvent::Failed { reason, .. }] = events.as_slice() else { panic!("{music:?}: {events:?}") };
        assert!(reason.contains(why), "{reason}");
    }
}

#[test]
fn wishes_are_harmless_when_there_is_nothing_to_do() {
    let wishes = Wishes::default();
    assert!(!wishes.stop() && !wishes.pause(true) && !wishes.pause(false));
    wishes.play(Bgm::new("x.mp3"));
    assert!(!wishes.pause(false) && wishes.pause(true) && !wishes.pause(true) && wishes.pause(false));
    assert!(wishes.stop() && !wishes.stop());
}
