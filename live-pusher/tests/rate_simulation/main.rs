//! The bitrate controller on simulated links, beside those of two well-known programs.

mod course;
mod opponents;
mod ours;
mod policy;
mod table;
mod traces;

#[test]
fn on_eleven_of_twelve_links_nobody_is_earlier_and_nobody_uses_much_more() {
    let rows = table::rows();
    println!("{}", table::shown(&rows));
    let (least, _, most) = policy::LIMITS;
    for row in &rows {
        assert!(
            row.scores.iter().all(|(_, score)| score.kbps.iter().all(|kbps| (least..=most).contains(kbps)))
        );
    }
    let won = rows.iter().filter(|row| row.is_won_by(0)).count();
    assert!(won >= 11, "{won} of 12\n{}", table::shown(&rows));
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(24))]

    /// A link of any capacity, delay and buffer: two thirds of it are used, and what is made is not late.
    #[test]
    fn on_any_steady_link_it_settles(
        kbps in 400u32..2800, delay in 5u64..80, buffer in 24usize..128, seed: u64, quick: bool,
    ) {
        use live_core::simnet::{LinkConfig, Trace};
        use std::time::Duration;
        let trace = Trace::starting_at(kbps).hold(Duration::from_secs(90));
        let delay = Duration::from_millis(delay);
        let link = LinkConfig { trace, delay, buffer: buffer * 1024, seed, ..LinkConfig::default() };
        let temper = if quick { live_pusher::rate::Temper::Quick } else { live_pusher::rate::Temper::Calm };
        let score = course::run(&mut ours::Ours::new(temper), &link);
        proptest::prop_assert!(score.utilisation > 0.66, "{:.2} of {kbps}", score.utilisation);
        proptest::prop_assert!(score.delay < delay + Duration::from_millis(1000), "{:?}", score.delay);
    }

    /// Whatever the link does, the bitrate stays between its bounds.
    #[test]
    fn on_any_link_the_bounds_hold(seed: u64, low in 0u32..600, factor in 1.1..4.0f64, loss in 0.0..0.05f64) {
        use live_core::simnet::{LinkConfig, Trace};
        use std::time::Duration;
        let every = Duration::from_millis(700);
        let trace = Trace::starting_at(800).wander((low, 5000), factor, every, Duration::from_secs(60), seed);
        let link = LinkConfig { trace, loss, seed, ..LinkConfig::default() };
        let score = course::run(&mut ours::Ours::new(live_pusher::rate::Temper::Quick), &link);
        let (least, _, most) = policy::LIMITS;
        proptest::prop_assert!(score.kbps.iter().all(|kbps| (least..=most).contains(kbps)));
    }
}
