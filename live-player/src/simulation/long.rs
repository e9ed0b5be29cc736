//! Hours, outages and bad networks.

use super::*;
use crate::pace::{FASTEST, SLOWEST};
use live_core::simnet::{Link, LinkConfig, Random, Trace};
use proptest::prelude::*;

/// Both tracks for `seconds`, sent over a link by a sender whose clock is `ppm` fast.
fn over(config: LinkConfig, seconds: i64, ppm: i64) -> Vec<Arrival> {
    let mut link = Link::new(config);
    let mut random = Random::new(7);
    let mut sent = VecDeque::new();
    let (mut written, mut waiting) = (0u64, 0usize);
    let mut arrivals = Vec::new();
    let mut packets = VecDeque::from(both(0, seconds * 1_000, live));
    let end = Duration::from_secs(seconds.unsigned_abs() + 60);
    while link.now() < end && (!packets.is_empty() || !sent.is_empty()) {
        let now = i64::try_from(link.now().as_millis()).unwrap();
        while packets
            .front()
            .is_some_and(|(_, packet)| packet.dts.as_millis() * (1_000_000 - ppm) / 1_000_000 <= now)
        {
            let (_, packet) = packets.pop_front().unwrap();
            let size = match packet.kind {
                PacketKind::Key => 20_000,
                PacketKind::Audio => 170,
                _ => random.between(1_000.0, 4_000.0) as usize,
            };
            waiting += size;
            written += size as u64;
            sent.push_back((written, packet));
        }
        waiting -= link.write(waiting);
        link.advance(link.now() + Duration::from_millis(2));
        while sent.front().is_some_and(|(end, _)| *end <= link.received()) {
            let (_, packet) = sent.pop_front().unwrap();
            arrivals.push((u64::try_from(link.now().as_millis()).unwrap(), packet));
        }
    }
    arrivals
}

fn run(min_cache: u64, arrivals: Vec<Arrival>, change: impl FnOnce(&mut Simulation)) -> Simulation {
    let mut simulation = Simulation::new(min_cache);
    change(&mut simulation);
    let limit = arrivals.last().unwrap().0 + 60_000;
    simulation.run(arrivals, limit);
    for sample in &simulation.samples {
        assert!((SLOWEST..=FASTEST).contains(&sample.rate), "{sample:?}");
    }
    for pair in simulation.samples.windows(2) {
        assert!((pair[0].rate - pair[1].rate).abs() < 0.12, "{pair:?}");
    }
    simulation
}

fn count(simulation: &Simulation, what: impl Fn(&Seen) -> bool) -> usize {
    simulation.seen.iter().filter(|(_, seen)| what(seen)).count()
}

fn loads(simulation: &Simulation) -> usize {
    count(simulation, |seen| *seen == Seen::Load)
}

/// How often it began to be played faster, or slower.
fn turns(simulation: &Simulation) -> usize {
    simulation.samples.windows(2).filter(|pair| pair[0].rate == 1.0 && pair[1].rate != 1.0).count()
}

#[test]
fn the_cache_stays_at_its_target_for_an_hour_with_a_sender_whose_clock_is_off() {
    for ppm in [200, -200] {
        for (min, only) in [(1_000, None), (1_000, Some(Track::Video)), (200, None)] {
            let drifted = |pts: i64| live(pts - pts * ppm / 1_000_000);
            let arrivals = match only {
                Some(only) => track(only, 0, 3_600_000, drifted),
                None => both(0, 3_600_000, drifted),
            };
            let simulation = run(min, arrivals, |_| {});
            assert_eq!(loads(&simulation), 1, "{ppm} {min} {only:?}");
            let target = min as i64;
            for sample in simulation.samples.iter().filter(|sample| sample.at < 3_590_000) {
                let bounds = target / 2 - 60..target * 11 / 10 + 80;
                assert!(bounds.contains(&sample.cache), "{ppm} {min} {only:?}: {sample:?}");
            }
            assert!(
                (1..40).contains(&turns(&simulation)),
                "{ppm} {min} {only:?}: {} turns",
                turns(&simulation)
            );
        }
    }
}

#[test]
fn after_ten_seconds_of_outage_the_latency_is_back_by_one_skip_and_what_the_rate_allows() {
    let second = Duration::from_secs(1);
    let trace =
        Trace::starting_at(8_000).hold(30 * second).step(0).hold(10 * second).step(8_000).hold(60 * second);
    for min in [200, 1_000] {
        let config = LinkConfig { trace: trace.clone(), ..LinkConfig::default() };
        let simulation = run(min, over(config, 100, 0), |_| {});
        let skips = count(&simulation, |seen| matches!(seen, Seen::Skip { tell: true, .. }));
        assert_eq!((skips, loads(&simulation)), (1, 2), "{min}: {:?}", milestones(&simulation.seen));
        // The skip leaves up to the second between two key frames over the target: 1.1× takes ten times as long for it.
        let late = |sample: &&Sample| sample.at > 41_500 + 12_000 && sample.at < 95_000;
        let target = min as i64;
        for sample in simulation.samples.iter().filter(late) {
            assert!(sample.cache <= target * 11 / 10 + 120, "{min}: {sample:?}");
        }
    }
}

#[test]
fn a_stall_within_the_cache_is_not_noticed_and_one_beyond_it_is_caught_up() {
    let held = |hold: u64| move |pts: i64| live(pts).max(if pts >= 20_000 { 20_000 + hold } else { 0 });
    let simulation = run(1_000, both(0, 60_000, held(700)), |_| {});
    assert_eq!(loads(&simulation), 1);
    let simulation = run(1_000, both(0, 120_000, held(3_000)), |_| {});
    assert_eq!((loads(&simulation), count(&simulation, |seen| matches!(seen, Seen::Skip { .. }))), (2, 0));
    let last = simulation.samples.iter().rfind(|sample| sample.at < 115_000).unwrap();
    assert!((900..1_250).contains(&last.cache), "{last:?}");
}

#[test]
fn a_suspended_process_goes_on_at_the_target() {
    for only in [None, Some(Track::Video)] {
        let arrivals = match only {
            Some(only) => track(only, 0, 90_000, live),
            None => both(0, 90_000, live),
        };
        let simulation = run(1_000, arrivals, |simulation| simulation.suspension = Some((30_000, 20_000)));
        for sample in simulation.samples.iter().filter(|sample| (65_000..85_000).contains(&sample.at)) {
            assert!((800..1_250).contains(&sample.cache), "{only:?}: {sample:?}");
        }
        let skips = count(&simulation, |seen| matches!(seen, Seen::Skip { tell: true, .. }));
        assert_eq!(skips, 1, "{only:?}: {:?}", milestones(&simulation.seen));
    }
}

#[test]
fn after_a_pause_the_newest_is_played_at_the_target() {
    for only in [None, Some(Track::Video)] {
        let arrivals = match only {
            Some(only) => track(only, 0, 60_000, live),
            None => both(0, 60_000, live),
        };
        let simulation = run(1_000, arrivals, |simulation| simulation.pause = 10_000..40_000);
        let pictures = shown(&simulation.seen);
        assert!(!pictures.iter().any(|(at, ..)| (10_100..40_000).contains(at)), "{only:?}");
        let (at, first, _) = pictures.iter().find(|(at, ..)| *at >= 40_000).unwrap();
        assert!(at - first < 1_150 && *at < 40_200, "{only:?}: {first} is shown at {at}");
        assert_eq!(loads(&simulation), 1, "{only:?}");
        for sample in simulation.samples.iter().filter(|sample| (40_500..59_000).contains(&sample.at)) {
            assert!((850..1_150).contains(&sample.cache), "{only:?}: {sample:?}");
        }
    }
}

#[test]
fn a_decoder_too_slow_for_the_stream_keeps_up_by_key_frames_and_sound_goes_on() {
    for (min, takes) in [(1_000, 50), (200, 50), (1_000, 120)] {
        let simulation = run(min, both(0, 60_000, live), |simulation| {
            simulation.picture_takes = Duration::from_millis(takes);
        });
        assert_eq!(loads(&simulation), 1, "{min} {takes}: {:?}", milestones(&simulation.seen));
        // Half a second late, a second of patience, and the second from one key frame to the next. At its end the stream
        // is decoded to the last picture.
        for (at, pts, heard) in shown(&simulation.seen).into_iter().filter(|(at, ..)| *at < 60_000) {
            let late = heard.unwrap() - pts;
            assert!(late < 2_600, "{min} {takes}: {pts} is shown at {at}, {late} ms late");
        }
        let caught_up = count(&simulation, |seen| *seen == Seen::CatchUp);
        assert!((5..60).contains(&caught_up), "no more than one a second, {min} {takes}: {caught_up}");
    }
    let simulation = run(1_000, both(0, 60_000, live), |simulation| {
        simulation.picture_takes = Duration::from_millis(35);
    });
    assert_eq!(count(&simulation, |seen| *seen == Seen::CatchUp), 0);
    assert!(shown(&simulation.seen).iter().all(|(_, pts, heard)| heard.unwrap() - pts < 60));
}

#[test]
fn jitter_raises_the_target_until_nothing_starves_and_calm_lowers_it() {
    let mut random = Random::new(3);
    let late: Vec<u64> = (0..6_000).map(|_| random.between(0.0, 400.0) as u64).collect();
    // As over TCP: what is behind a late packet is late as well.
    let mut last = 0;
    let arrives: Vec<u64> = (0..6_000)
        .map(|index| {
            let jitter = if index < 3_000 { late[index as usize] } else { 0 };
            last = last.max(20 * index + jitter);
            last
        })
        .collect();
    let arrivals = both(0, 120_000, |pts| arrives[(pts / 20) as usize]);
    let simulation = run(200, arrivals, |_| {});
    let starved: Vec<i64> =
        simulation.seen.iter().filter(|(_, seen)| *seen == Seen::Load).map(|(at, _)| *at).collect();
    assert!(starved.iter().all(|at| *at < 6_000), "{starved:?}");
    let calm = simulation.samples.iter().filter(|sample| (100_000..118_000).contains(&sample.at));
    for sample in calm {
        assert!(sample.cache < 320, "{sample:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]
    /// Whatever the network does that can carry the stream on the whole: the cache stays in bounds, and what starves had
    /// to.
    #[test]
    fn any_network_leaves_the_cache_in_bounds(seed: u64, low in 200u32..900, min in prop_oneof![Just(200u64), Just(1_000)]) {
        let second = Duration::from_secs(1);
        let trace = Trace::starting_at(3_000).wander((low, 4_000), 2.0, 2 * second, 240 * second, seed).step(4_000);
        let config = LinkConfig { trace, seed, ..LinkConfig::default() };
        let arrivals = over(config, 240, 0);
        // By how much each came later than the earliest.
        let late: Vec<i64> = arrivals.iter().map(|(at, packet)| *at as i64 - packet.dts.as_millis()).collect();
        let worst = late.iter().max().unwrap() - late.iter().min().unwrap();
        let end = arrivals.last().unwrap().0 as i64;
        let simulation = run(min, arrivals, |_| {});
        if worst < min as i64 - 80 {
            prop_assert_eq!(loads(&simulation), 1, "nothing came later than {} ms", worst);
        }
        let mut over = 0;
        for sample in simulation.samples.iter().filter(|sample| sample.at < end) {
            over = if sample.cache > 4_000 { over + 1 } else { 0 };
            prop_assert!(over < 60, "a burst is waited for, and may go on after a skip: {:?}", sample);
        }
    }
}
