//! The first seconds, and what goes wrong within a few.

use super::*;
use proptest::prelude::*;

#[test]
fn a_live_stream_is_a_still_at_once_and_moves_at_min_cache() {
    let seen = play(both(0, 8_000, live));
    let expected = [(0, Seen::Load), (0, Seen::Still(0)), (980, Seen::Start { tell: false })];
    assert_eq!(milestones(&seen)[..3], expected, "the last 20 ms are the frame that has just come");
    let pictures = shown(&seen);
    assert_eq!(pictures.len(), 199, "every one but the still");
    for (at, pts, heard) in pictures {
        assert!((0..=20).contains(&(at - 980 - pts)), "{pts} was shown at {at}");
        assert!((heard.unwrap() - pts).abs() <= 10, "{pts} was shown while {heard:?} was heard");
    }
    assert_eq!(milestones(&seen).len(), 4, "nothing but the end follows: {:?}", milestones(&seen));
}

#[test]
fn a_burst_is_decoded_through_to_the_target() {
    let seen = play(both(0, 8_000, |pts| u64::try_from(pts - 2_000).unwrap_or(0)));
    let started = milestones(&seen)[2].0;
    assert!(started < 250, "motion starts when the burst is over: {started}");
    let (at, first, heard) = shown(&seen)[0];
    assert!((first - at - 1_000).abs() < 60, "{first} at {at}: one second behind what comes");
    assert!((heard.unwrap() - first).abs() <= 10);
    assert!(!seen.iter().any(|(_, seen)| matches!(seen, Seen::Skip { .. })), "{:?}", milestones(&seen));
}

#[test]
fn starvation_loads_once_and_resumes_with_a_full_cache() {
    let seen = play(both(0, 8_000, |pts| live(pts) + if pts < 4_000 { 0 } else { 5_000 }));
    let milestones = milestones(&seen);
    let what: Vec<Seen> = milestones.iter().map(|(_, seen)| *seen).collect();
    let (start, still) = (Seen::Start { tell: false }, Seen::Still(0));
    assert_eq!(what, [Seen::Load, still, start, Seen::Load, Seen::Start { tell: true }, Seen::End]);
    let (dry, resumed) = (milestones[3].0, milestones[4].0);
    assert!((5_000..5_200).contains(&dry), "{dry}");
    assert!((9_900..10_100).contains(&resumed), "{resumed}");
    assert_eq!(shown(&seen).len(), 199, "a pause loses nothing");
}

#[test]
fn one_track_is_enough_after_a_second() {
    for only in [Track::Video, Track::Audio] {
        let seen = play(track(only, 0, 4_000, live));
        let start = milestones(&seen).iter().find(|(_, seen)| matches!(seen, Seen::Start { .. })).copied();
        let tell = only == Track::Audio;
        assert!(
            matches!(start, Some((900..1_100, Seen::Start { tell: told })) if told == tell),
            "{only:?}: {start:?}"
        );
        let end = seen.last().unwrap().0;
        assert!((4_800..5_100).contains(&end), "{only:?} ended at {end}");
    }
}

#[test]
fn a_track_that_dies_is_not_waited_for_and_may_return() {
    let sound = merge([track(Track::Audio, 0, 3_000, live), track(Track::Audio, 6_000, 9_000, live)]);
    let seen = play(merge([track(Track::Video, 0, 9_000, live), sound]));
    assert_eq!(shown(&seen).len(), 224, "{:?}", milestones(&seen));
    for (_, pts, heard) in shown(&seen).into_iter().filter(|(_, pts, _)| *pts > 6_200) {
        assert!((heard.unwrap() - pts).abs() <= 10, "{pts} was shown while {heard:?} was heard");
    }
    let seen = play(merge([track(Track::Audio, 0, 6_000, live), track(Track::Video, 0, 3_000, live)]));
    assert_eq!(shown(&seen).len(), 74);
    let loads = milestones(&seen).iter().filter(|(_, seen)| *seen == Seen::Load).count();
    assert_eq!(loads, 1, "sound goes on while the picture stands: {:?}", milestones(&seen));
}

#[test]
fn sound_that_joins_late_is_in_time() {
    let seen = play(merge([track(Track::Video, 0, 6_000, live), track(Track::Audio, 3_000, 6_000, live)]));
    for (_, pts, heard) in shown(&seen).into_iter().filter(|(_, pts, _)| *pts > 3_100) {
        assert!((heard.unwrap() - pts).abs() <= 10, "{pts} was shown while {heard:?} was heard");
    }
    assert_eq!(shown(&seen).len(), 149);
}

#[test]
fn pictures_that_join_late_begin_with_a_still() {
    let seen = play(merge([track(Track::Audio, 0, 6_000, live), track(Track::Video, 3_000, 6_000, live)]));
    let still = seen.iter().find(|(_, seen)| matches!(seen, Seen::Still(_))).unwrap();
    assert_eq!(*still, (3_000, Seen::Still(3_000)), "the first key frame is shown at once");
    let shown = shown(&seen);
    assert_eq!(shown.len(), 74);
    for (at, pts, heard) in shown {
        assert!((heard.unwrap() - pts).abs() <= 10, "{pts} was shown at {at} while {heard:?} was heard");
    }
    assert!(!seen.iter().any(|(_, seen)| *seen == Seen::Stutter), "the still has stood for a reason");
}

#[test]
fn a_still_that_waits_for_sound_from_before_it_is_no_stutter() {
    // The key frame comes just before sound would begin to play alone.
    let seen = play(merge([track(Track::Audio, 0, 6_000, live), track(Track::Video, 960, 6_000, live)]));
    assert!(!seen.iter().any(|(_, seen)| *seen == Seen::Stutter), "{:?}", milestones(&seen));
}

#[test]
fn a_clip_shorter_than_the_cache_is_played_in_full() {
    let seen = play(both(0, 400, |_| 0));
    let pictures = shown(&seen);
    assert_eq!(pictures.len(), 9);
    assert!((350..=420).contains(&seen.last().unwrap().0), "{seen:?}");
}

#[test]
fn a_picture_that_comes_too_late_is_dropped_for_its_successor() {
    // Pictures are held up for a second while sound goes on.
    let late = |pts: i64| if (2_000..2_800).contains(&pts) { 3_900 } else { live(pts) };
    let seen = Simulation::new(0)
        .play(merge([track(Track::Video, 0, 6_000, late), track(Track::Audio, 0, 6_000, live)]), 60_000);
    assert!(seen.iter().any(|(_, seen)| matches!(seen, Seen::Late(_))), "{seen:?}");
    assert!(seen.iter().any(|(_, seen)| *seen == Seen::Stutter || *seen == Seen::Load));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]
    /// However unevenly media comes: pictures are shown in order and never early, sound keeps to them, every loading
    /// ends, and so does the stream.
    #[test]
    fn any_arrival_is_survived(
        holds in prop::collection::vec((0i64..10_000, 0u64..3_000), 0..6),
        has_audio in any::<bool>(),
        min_cache in 0u64..1_500,
    ) {
        let arrives = |pts: i64| {
            let held = holds.iter().filter(|(from, _)| pts >= *from).map(|(_, hold)| hold).sum::<u64>();
            live(pts) + held
        };
        let sound = if has_audio { track(Track::Audio, 0, 10_000, arrives) } else { Vec::new() };
        let arrivals = merge([track(Track::Video, 0, 10_000, arrives), sound]);
        let seen = Simulation::new(min_cache).play(arrivals, 60_000);
        let pictures = shown(&seen);
        for pair in pictures.windows(2) {
            prop_assert!(pair[0].1 < pair[1].1);
        }
        for (_, pts, heard) in &pictures {
            if let Some(heard) = heard {
                prop_assert!(heard - pts >= -1, "{pts} was shown early, at {heard}");
            }
        }
        let milestones = milestones(&seen);
        for pair in milestones.windows(2) {
            prop_assert!(!matches!(pair, [(_, Seen::Load), (_, Seen::Load)]), "loading twice in a row");
        }
    }
}
