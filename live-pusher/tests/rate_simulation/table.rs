//! Every policy over every link.

use super::course::{self, Score};
use super::opponents::{HaishinKit, Obs};
use super::ours::Ours;
use super::policy::Policy;
use super::traces::{self, Case};
use live_pusher::rate::Temper;
use std::fmt::Write as _;

/// What each policy did on one link.
pub struct Row {
    pub case: Case,
    /// Ours for conversation, ours for broadcasting, OBS, HaishinKit.
    pub scores: [(&'static str, Score); 4],
}

impl Row {
    pub fn new(case: Case) -> Self {
        let policies: [Box<dyn Policy>; 4] = [
            Box::new(Ours::new(Temper::Quick)),
            Box::new(Ours::new(Temper::Calm)),
            Box::new(Obs::default()),
            Box::new(HaishinKit::default()),
        ];
        let scores = policies.map(|mut policy| (policy.name(), course::run(policy.as_mut(), &case.link)));
        Self { case, scores }
    }

    /// Whether ours at `index` is at most as late as both opponents and uses at least 0.95 of the better's share.
    pub fn is_won_by(&self, index: usize) -> bool {
        let ours = &self.scores[index].1;
        let opponents = &self.scores[2..];
        let best = opponents.iter().map(|(_, score)| score.utilisation).fold(0.0, f64::max);
        opponents.iter().all(|(_, score)| ours.delay <= score.delay) && ours.utilisation >= 0.95 * best
    }
}

pub fn rows() -> Vec<Row> {
    traces::all().into_iter().map(Row::new).collect()
}

/// The table for people, in Markdown.
pub fn shown(rows: &[Row]) -> String {
    let mut text = String::from("| link |");
    for (name, _) in &rows[0].scores {
        let _ = write!(text, " {name} |");
    }
    text += " won |\n|---|";
    text += &"---|".repeat(5);
    for row in rows {
        let _ = write!(text, "\n| {} |", row.case.name);
        for (_, score) in &row.scores {
            let _ = write!(
                text,
                " {} ms, {:.0} %, age {} ms, {} lost |",
                score.delay.as_millis(),
                score.utilisation * 100.0,
                score.age.as_millis(),
                score.dropped
            );
        }
        let won: Vec<_> = [(0, "RTC"), (1, "others")]
            .iter()
            .filter(|(index, _)| row.is_won_by(*index))
            .map(|(_, name)| *name)
            .collect();
        let _ = write!(text, " {} |", won.join(", "));
    }
    text
}
