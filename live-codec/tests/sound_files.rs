//! Sound files that ffmpeg has written, read back.
#![cfg(feature = "sound-files")]

use live_codec::sound_file::SoundFile;
use live_core::{CaptureErrorKind, Timestamp};
use std::f64::consts::TAU;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

const FORMATS: [(&str, &[&str]); 6] = [
    ("tone.wav", &["-c:a", "pcm_s16le"]),
    ("tone24.wav", &["-c:a", "pcm_s24le"]),
    ("tone.flac", &["-c:a", "flac"]),
    ("tone.mp3", &["-c:a", "libmp3lame", "-b:a", "128k"]),
    ("tone.m4a", &["-c:a", "aac", "-b:a", "128k"]),
    ("tone.aac", &["-c:a", "aac", "-b:a", "128k"]),
];

/// Two seconds of 500 Hz at half of full scale, 44.1 kHz stereo; `None` without ffmpeg.
fn tone(folder: &Path, (name, codec): (&str, &[&str])) -> Option<PathBuf> {
    let path = folder.join(name);
    let source = "aevalsrc=0.5*sin(2*PI*500*t)|0.5*sin(2*PI*500*t):s=44100:d=2";
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-y", "-f", "lavfi", "-i", source])
        .args(codec)
        .arg(&path)
        .status();
    match made {
        Ok(status) if status.success() => Some(path),
        Ok(status) => panic!("ffmpeg cannot write {name}: {status}"),
        Err(_) => {
            eprintln!("no ffmpeg here: {name} is not tried");
            None
        }
    }
}

fn read(file: &mut SoundFile) -> (Vec<f32>, Vec<Timestamp>) {
    let (mut samples, mut times) = (Vec::new(), Vec::new());
    while let Some(frame) = file.next_frame().unwrap() {
        times.push(frame.pts);
        samples.extend(frame.samples.iter().step_by(2));
    }
    (samples, times)
}

/// How much of the samples is a tone of 500 Hz: amplitude, and phase in samples.
fn fit(samples: &[f32]) -> (f64, f64) {
    let (mut s, mut c) = (0.0, 0.0);
    for (n, sample) in samples.iter().enumerate() {
        let (sin, cos) = (n as f64 * 500.0 * TAU / 44_100.0).sin_cos();
        s += f64::from(*sample) * sin;
        c += f64::from(*sample) * cos;
    }
    let scale = 2.0 / samples.len() as f64;
    ((s * s + c * c).sqrt() * scale, c.atan2(s) / TAU * 44_100.0 / 500.0)
}

#[test]
fn every_format_is_read_from_beginning_to_end() {
    let folder = tempfile::tempdir().unwrap();
    for format in FORMATS {
        let Some(path) = tone(folder.path(), format) else { return };
        let mut file = SoundFile::open(&path).unwrap();
        assert_eq!((file.spec().sample_rate, file.spec().channels), (44_100, 2), "{}", format.0);
        let (samples, times) = read(&mut file);
        // AAC's delay and padding are not told by every container.
        let off = samples.len().abs_diff(88_200);
        assert!(off <= 4096, "{}: {} samples", format.0, samples.len());
        if !format.0.ends_with("m4a") && !format.0.ends_with("aac") {
            assert!(off <= 1152, "{}: {} samples", format.0, samples.len());
            // From the first sample on it is where it was: delay and padding are left out.
            let (_, phase) = fit(&samples[8820..8820 * 3]);
            assert!(phase.abs() < 2.0, "{}: {phase} samples off", format.0);
        }
        let (amplitude, _) = fit(&samples[8820..8820 * 5]);
        // LAME writes 95 % of what it is given, so that nothing clips.
        assert!((amplitude - 0.5).abs() < 0.03, "{}: {amplitude}", format.0);
        assert_eq!(times[0], Timestamp::ZERO, "{}", format.0);
        if let Some(length) = file.duration() {
            assert!((length.as_secs_f64() - 2.0).abs() < 0.1, "{}: {length:?}", format.0);
        }
    }
}

#[test]
fn a_seek_is_exact_to_the_sample() {
    let folder = tempfile::tempdir().unwrap();
    for format in FORMATS {
        let Some(path) = tone(folder.path(), format) else { return };
        let mut file = SoundFile::open(&path).unwrap();
        let (whole, _) = read(&mut file);
        let at = Duration::from_millis(1234);
        if file.seek(at).is_err() {
            // Raw ADTS has no index.
            assert!(format.0.ends_with(".aac"), "{} can be searched", format.0);
            continue;
        }
        let (rest, times) = read(&mut file);
        assert_eq!(times.first(), Some(&Timestamp::from_millis(1234)), "{}", format.0);
        let skipped = whole.len() - rest.len();
        assert!(skipped.abs_diff(44_100 * 1234 / 1000) <= 1, "{}: {skipped}", format.0);
        let worst = whole[skipped..].iter().zip(&rest).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(worst < 0.01, "{}: {worst}", format.0);
        file.seek(Duration::from_secs(60)).unwrap();
        assert!(file.next_frame().unwrap().is_none(), "{}: behind the end is the end", format.0);
        file.seek(Duration::ZERO).unwrap();
        assert_eq!(read(&mut file).0.len(), whole.len(), "{}", format.0);
    }
}

#[test]
fn what_is_no_sound_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let missing = SoundFile::open(&folder.path().join("missing.wav")).unwrap_err();
    assert_eq!(missing.kind, CaptureErrorKind::NotFound);
    let path = folder.path().join("text.mp3");
    std::fs::write(&path, "words, words, words ".repeat(1000)).unwrap();
    let text = SoundFile::open(&path).unwrap_err();
    assert_eq!(text.kind, CaptureErrorKind::Malformed);
    assert!(text.to_string().contains("text.mp3"), "{text}");
    std::fs::write(&path, "").unwrap();
    assert_eq!(SoundFile::open(&path).unwrap_err().kind, CaptureErrorKind::Malformed);
}
