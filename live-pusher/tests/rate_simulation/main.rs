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
    assert!(won >= 9, "{won} of 12\n{}", table::shown(&rows));
}
