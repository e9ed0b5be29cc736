//! The verdict on the terminal.

use super::criteria::Criterion;
use super::watch::Who;
use std::fmt::Write as _;

/// Whose criterion it is, for people.
pub fn whose(who: Option<Who>) -> &'static str {
    who.map_or("Demo", Who::name)
}

/// The criteria as a table.
pub fn table(criteria: &[Criterion]) -> String {
    let width = |cell: fn(&Criterion) -> &str| {
        criteria.iter().map(|criterion| cell(criterion).chars().count()).max().unwrap_or(0)
    };
    let (who, found) = (width(|criterion| whose(criterion.who)), width(|criterion| &criterion.found));
    let mut table = String::new();
    for criterion in criteria {
        let verdict = if criterion.passed { "ok    " } else { "FAILED" };
        let line = format!(
            "{verdict}  {:<who$}  {:<found$}  {}",
            whose(criterion.who),
            criterion.found,
            criterion.wanted
        );
        let _ = writeln!(table, "{line}");
    }
    table.trim_end().to_owned()
}

/// What failed, in a line.
pub fn reasons(criteria: &[Criterion]) -> String {
    let failed = criteria.iter().filter(|criterion| !criterion.passed);
    failed
        .map(|criterion| {
            format!("{}: {} (wanted: {})", whose(criterion.who), criterion.found, criterion.wanted)
        })
        .collect::<Vec<_>>()
        .join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_stand_out_and_give_their_reasons() {
        let criterion = |who, passed| Criterion {
            who,
            wanted: "no 2105".to_owned(),
            found: if passed { "none".to_owned() } else { "2105, 2105".to_owned() },
            passed,
        };
        let criteria = [criterion(Some(Who::Rtmp), false), criterion(None, true)];
        assert_eq!(
            table(&criteria),
            "FAILED  RTMP player  2105, 2105  no 2105\nok      Demo         none        no 2105"
        );
        assert_eq!(reasons(&criteria), "RTMP player: 2105, 2105 (wanted: no 2105)");
    }
}
