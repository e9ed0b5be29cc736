//! Every source sits the examination of `live_core::conformance`, and flash and beep fall together.

use live_capture::pattern::{Painter, Pattern, PatternSpec, PatternStyle, Stamp, read_stamp};
use live_capture::tone::{self, Tone};
use live_core::queue::frame_queue;
use live_core::{AudioSpec, I420, PicturePool, Plane, SessionClock, Surface, VideoSource};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

#[test]
fn the_pattern_keeps_the_promises_of_a_source() {
    live_core::conformance::video_source(&|| Ok(Box::new(Pattern::new(PatternSpec::new(180, 320, 60)))));
}

#[test]
fn the_tone_keeps_the_promises_of_a_source() {
    live_core::conformance::audio_source(&|| Ok(Box::new(Tone::default())));
}

#[test]
fn stamps_of_a_running_pattern_give_number_and_wall_clock() {
    let spec = PatternSpec::new(180, 320, 30);
    let clock = SessionClock::starting_at(Instant::now());
    let (sender, receiver) = frame_queue(4);
    let _guard = Box::new(Pattern::new(spec)).start(clock, sender).unwrap();
    for _ in 0..3 {
        let frame = receiver.receive(Duration::from_secs(30)).unwrap();
        let Surface::I420(picture) = &frame.surface else { panic!("the pattern is in memory") };
        let stamp = read_stamp(picture).unwrap();
        assert_eq!(frame.pts, spec.pts(stamp.frame));
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros() as u64;
        assert!(now.abs_diff(stamp.micros) < 30_000_000, "{now} and {}", stamp.micros);
    }
}

#[test]
fn impossible_patterns_are_refused_before_anything_starts() {
    for spec in [PatternSpec::new(0, 0, 30), PatternSpec::new(640, 360, 0), PatternSpec::new(50_000, 360, 30)]
    {
        let (sender, _receiver) = frame_queue(1);
        let clock = SessionClock::starting_at(Instant::now());
        let error = Box::new(Pattern::new(spec)).start(clock, sender).unwrap_err();
        assert!(error.to_string().contains("choose sides of 54 to 8192"), "{error}");
    }
}

/// Whether the dial of a picture is white in the middle.
fn flashes(picture: &I420) -> bool {
    let (width, height) = picture.plane_size(Plane::Y);
    // Above the centre of the dial, where neither hub nor hand are when it points down.
    let bright = |row: usize| picture.row(Plane::Y, row)[width / 2] > 230;
    (height / 5..height * 2 / 5).filter(|&row| bright(row)).count() > height / 10
}

#[test]
fn the_flash_is_on_while_the_beep_is_heard_and_starts_with_it() {
    let spec_of_sound = AudioSpec { sample_rate: 48_000, channels: 1 };
    let pool = PicturePool::new();
    for fps in [15, 24, 25, 30, 60] {
        for (width, height) in [(360, 640), (640, 360)] {
            let spec = PatternSpec::new(width, height, fps);
            let painter = Painter::new(spec);
            for frame in 0..fps * 3 {
                let micros = spec.pts(frame).as_micros().unsigned_abs();
                // A millisecond of sound from shortly after the picture's instant: the beep fades in.
                let mut sound = [0.0; 48];
                tone::samples(micros * 48 / 1000 + 48, spec_of_sound, &mut sound);
                let beeps = sound.iter().any(|sample| sample.abs() > 0.1);
                let flash = flashes(&painter.draw(Stamp { frame, micros }, &pool));
                // The picture whose instant falls on the beep's last millisecond may differ.
                if micros % 1_000_000 / 1000 != tone::BEEP_MICROS / 1000 - 1 {
                    assert_eq!(flash, beeps, "picture {frame} at {fps} per second, {width}×{height}");
                }
                assert!(flash || frame % fps != 0, "every second begins with a flash");
            }
        }
    }
}

#[test]
fn pictures_follow_from_number_and_stamp_alone() {
    let pool = PicturePool::new();
    for style in [PatternStyle::Bars, PatternStyle::Noise] {
        let spec = PatternSpec { style, ..PatternSpec::new(320, 180, 30) };
        let painter = Painter::new(spec);
        let stamp = Stamp { frame: 77, micros: 5_000_000 };
        let first = painter.draw(stamp, &pool);
        let between = painter.draw(Stamp { frame: 78, ..stamp }, &pool);
        let again = Painter::new(spec).draw(stamp, &PicturePool::new());
        let rows = |picture: &I420| -> Vec<Vec<u8>> {
            (0..180).map(|row| picture.row(Plane::Y, row).to_vec()).collect()
        };
        assert_eq!(rows(&first), rows(&again));
        assert_ne!(rows(&first), rows(&between));
    }
}
