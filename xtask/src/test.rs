//! Everything CI runs, in steps that can be run alone.

mod features;
mod steps;

use crate::process::Problem;
use crate::project::Project;
use std::fmt::Write as _;
use std::time::{Duration, Instant};
pub use steps::node_media_server;
use steps::{STEPS, Step};

/// Options of `cargo xtask test`.
#[derive(clap::Args)]
pub struct Options {
    /// Run this step only; may be given several times
    #[arg(long, value_name = "STEP")]
    only: Vec<String>,
    /// List the steps and what they do
    #[arg(long)]
    list: bool,
}

/// How a step ended, with what it has to say.
pub type Outcome = Result<String, Problem>;

/// `cargo xtask test`.
pub fn run(options: &Options) -> Result<(), Problem> {
    if options.list {
        for step in STEPS {
            println!("{:<10} {}", step.name, step.about);
        }
        return Ok(());
    }
    let steps = chosen(&options.only)?;
    let project = Project::load()?;
    let start = Instant::now();
    let mut rows = Vec::new();
    for step in steps {
        eprintln!("\n=== {}: {}", step.name, step.about);
        let begun = Instant::now();
        let outcome = (step.run)(&project);
        if let Err(problem) = &outcome {
            eprintln!("{}: {problem}", step.name);
        }
        rows.push(Row { name: step.name, outcome, took: begun.elapsed() });
    }
    println!("\n{}", table(&rows, start.elapsed()));
    all_passed(&rows)
}

/// A failure that names what failed, or in CI what could not run.
pub fn all_passed(rows: &[Row]) -> Result<(), Problem> {
    verdict(rows, in_ci(std::env::var("CI").ok().as_deref()))
}

fn chosen(only: &[String]) -> Result<Vec<&'static Step>, Problem> {
    if only.is_empty() {
        return Ok(STEPS.iter().collect());
    }
    if let Some(unknown) = only.iter().find(|name| STEPS.iter().all(|step| step.name != **name)) {
        let names: Vec<&str> = STEPS.iter().map(|step| step.name).collect();
        return Err(Problem::Failed(format!(
            "there is no step \"{unknown}\"; there are {}",
            names.join(", ")
        )));
    }
    Ok(STEPS.iter().filter(|step| only.iter().any(|name| name == step.name)).collect())
}

/// Whether the machine is a CI machine: there a step that cannot run is a hole in the test and fails.
fn in_ci(variable: Option<&str>) -> bool {
    variable.is_some_and(|value| !matches!(value, "" | "0" | "false"))
}

/// A step that has been run.
pub struct Row {
    /// What it is called.
    pub name: &'static str,
    /// How it ended.
    pub outcome: Outcome,
    /// How long it took.
    pub took: Duration,
}

/// What ran, how it ended and how long it took.
pub fn table(rows: &[Row], total: Duration) -> String {
    let width = rows.iter().map(|row| row.name.len()).max().unwrap_or(0).max(10);
    let mut table = format!("{:<width$} {:<8} {:>8}  note\n", "step", "result", "time");
    for row in rows {
        let (result, note) = match &row.outcome {
            Ok(note) => ("ok", note.clone()),
            Err(Problem::Failed(reason)) => ("FAILED", reason.clone()),
            Err(Problem::CannotRun(reason)) => ("NOT RUN", reason.clone()),
        };
        let note = note.lines().next().unwrap_or_default();
        let _ = writeln!(table, "{:<width$} {result:<8} {:>6.1} s  {note}", row.name, row.took.as_secs_f64());
    }
    let _ = write!(table, "{:<width$} {:<8} {:>6.1} s", "total", "", total.as_secs_f64());
    table
}

fn verdict(rows: &[Row], ci: bool) -> Result<(), Problem> {
    let names = |wanted: fn(&Problem) -> bool| {
        let rows = rows.iter().filter(|row| row.outcome.as_ref().is_err_and(wanted));
        rows.map(|row| row.name).collect::<Vec<_>>().join(", ")
    };
    let failed = names(|problem| matches!(problem, Problem::Failed(_)));
    let not_run = names(|problem| matches!(problem, Problem::CannotRun(_)));
    if !failed.is_empty() {
        return Err(Problem::Failed(format!("failed: {failed}")));
    }
    if not_run.is_empty() {
        println!("everything passed");
    } else if ci {
        return Err(Problem::Failed(format!("could not run, which CI does not let pass: {not_run}")));
    } else {
        println!("passed, but not everything could be run here: {not_run} (see the notes above)");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &'static str, outcome: Outcome) -> Row {
        Row { name, outcome, took: Duration::from_millis(1250) }
    }

    #[test]
    fn the_table_has_a_line_for_each_step() {
        let rows =
            [row("fmt", Ok("fine".into())), row("deny", Err(Problem::CannotRun("no network\nmore".into())))];
        let table = table(&rows, Duration::from_secs(3));
        assert_eq!(
            table,
            "step       result       time  note\n\
             fmt        ok          1.2 s  fine\n\
             deny       NOT RUN     1.2 s  no network\n\
             total                  3.0 s"
        );
    }

    #[test]
    fn what_cannot_run_fails_in_ci_only_and_what_fails_fails_everywhere() {
        let not_run =
            || [row("fmt", Ok(String::new())), row("deny", Err(Problem::CannotRun("no network".into())))];
        assert!(verdict(&not_run(), false).is_ok());
        assert!(verdict(&not_run(), true).is_err_and(|problem| problem.to_string().contains("deny")));
        let failed = [row("fmt", Err(Problem::Failed("x".into())))];
        assert!(verdict(&failed, false).is_err_and(|problem| problem.to_string() == "failed: fmt"));
        assert!(verdict(&[row("fmt", Ok(String::new()))], true).is_ok());
    }

    #[test]
    fn the_environment_says_whether_this_is_ci() {
        let answers = [None, Some(""), Some("false"), Some("0"), Some("true"), Some("1")].map(in_ci);
        assert_eq!(answers, [false, false, false, false, true, true]);
    }

    #[test]
    fn steps_are_chosen_by_name() {
        assert_eq!(chosen(&[]).unwrap().len(), STEPS.len());
        assert_eq!(chosen(&["fmt".into()]).unwrap()[0].name, "fmt");
        assert!(
            chosen(&["nonsense".into()])
                .is_err_and(|problem| problem.to_string().contains("there are setup,"))
        );
    }
}
