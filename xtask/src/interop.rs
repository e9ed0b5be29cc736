//! The programs against independent ones: FFmpeg, nginx, node-media-server and the crate `rtmp`.
//!
//! The judges share no code with what they judge: FFmpeg decodes, and the comparisons are a few lines each.

mod lab;
mod listing;
mod mistakes;
pub mod peer;
mod picture;
mod pull;
mod push;
pub mod server;
mod sound;
mod source;
mod timing;
mod web;
mod xiu;

use crate::process::Problem;
use crate::project::Project;
use crate::test::{self, Outcome};
use lab::Lab;
use std::time::Instant;

/// Options of `cargo xtask interop`.
#[derive(clap::Args)]
pub struct Options {
    /// Cases to run; all when none is named
    #[arg(value_name = "CASE")]
    cases: Vec<String>,
    /// How long files are pushed in the cases that loop them
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Use the programs as they were built last
    #[arg(long)]
    no_build: bool,
    /// List the cases and what they show
    #[arg(long)]
    list: bool,
}

/// One case.
struct Case {
    name: &'static str,
    about: &'static str,
    run: fn(&Lab<'_>) -> Outcome,
}

const CASES: &[Case] = &[
    Case {
        name: "push-mp4",
        about: "a looping 720p MP4 with 5.1 sound through nginx: no picture missing, sound and picture together",
        run: push::with_surround_sound,
    },
    Case {
        name: "push-silent",
        about: "a looping MP4 with B-frames and no sound through nginx",
        run: push::without_sound,
    },
    Case {
        name: "push-relay",
        about: "the MP4 through our relay, pulled by FFmpeg over RTMP and HTTP-FLV",
        run: push::through_relay,
    },
    Case {
        name: "push-listener",
        about: "the MP4 to FFmpeg as a server for one publisher",
        run: push::to_listener,
    },
    Case {
        name: "push-http",
        about: "the MP4 by HTTP POST to node-media-server, pulled over RTMP and HTTP-FLV, and to FFmpeg as a web server",
        run: push::over_http,
    },
    Case {
        name: "push-rtmps",
        about: "the MP4 over TLS to node-media-server; certificates that are unknown or for another host are refused",
        run: push::over_tls,
    },
    Case {
        name: "pull-high",
        about: "x264 High with CABAC, B-frames and slices, by nginx and node-media-server, decoded as FFmpeg does",
        run: pull::high,
    },
    Case {
        name: "pull-presets",
        about: "the presets medium and slow of x264 with grain, through our relay, identical to FFmpeg's decode",
        run: pull::presets,
    },
    Case { name: "pull-main", about: "the same from x264 zerolatency, without B-frames", run: pull::main },
    Case { name: "pull-video", about: "the same without sound", run: pull::video_only },
    Case { name: "pull-audio", about: "the same without pictures", run: pull::audio_only },
    Case {
        name: "pull-flags",
        about: "FLV over HTTP whose header lies about its tracks",
        run: pull::wrong_flags,
    },
    Case {
        name: "pull-relay",
        about: "FFmpeg through our relay, over RTMP, HTTP-FLV and WS-FLV",
        run: pull::through_relay,
    },
    Case {
        name: "pull-ours",
        about: "live-push through nginx, node-media-server and our relay, copied and encoded, played without trouble",
        run: pull::pushed_by_us,
    },
    Case {
        name: "xiu",
        about: "the server of the crate rtmp takes our pusher and serves our player",
        run: xiu::in_process,
    },
    Case {
        name: "bad-input",
        about: "what users and peers get wrong: exit codes, messages and deadlines",
        run: mistakes::all,
    },
];

/// `cargo xtask interop`.
pub fn run(options: &Options) -> Result<(), Problem> {
    if options.list {
        for case in CASES {
            println!("{:<16} {}", case.name, case.about);
        }
        return Ok(());
    }
    let cases = chosen(&options.cases)?;
    let project = Project::load()?;
    let set_up = if options.no_build { Lab::as_built } else { Lab::set_up };
    println!("{}", run_cases(&cases, &set_up(&project, options.seconds)?)?);
    Ok(())
}

/// Builds the programs and runs every case, files being pushed for `seconds`. Says how many cases there were.
pub fn run_all(project: &Project, seconds: u64) -> Outcome {
    run_cases(&chosen(&[])?, &Lab::set_up(project, seconds)?)
}

/// Runs cases and prints what each measured.
fn run_cases(cases: &[&Case], lab: &Lab<'_>) -> Outcome {
    let start = Instant::now();
    let mut rows = Vec::new();
    for case in cases {
        eprintln!("--- {}: {}", case.name, case.about);
        let begun = Instant::now();
        let outcome = (case.run)(lab);
        match &outcome {
            Ok(note) => eprintln!("{note}"),
            Err(problem) => eprintln!("{}: {problem}", case.name),
        }
        rows.push(test::Row { name: case.name, outcome, took: begun.elapsed() });
    }
    println!("\n{}", test::table(&rows, start.elapsed()));
    test::all_passed(&rows)?;
    Ok(format!("{} cases", cases.len()))
}

fn chosen(named: &[String]) -> Result<Vec<&'static Case>, Problem> {
    if let Some(unknown) = named.iter().find(|name| CASES.iter().all(|case| case.name != **name)) {
        let names: Vec<&str> = CASES.iter().map(|case| case.name).collect();
        return Err(Problem::Failed(format!(
            "there is no case \"{unknown}\"; there are {}",
            names.join(", ")
        )));
    }
    let is_wanted = |case: &&Case| named.is_empty() || named.iter().any(|name| name == case.name);
    Ok(CASES.iter().filter(is_wanted).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases_are_chosen_by_name() {
        assert_eq!(chosen(&[]).unwrap().len(), CASES.len());
        assert_eq!(chosen(&["push-mp4".into()]).unwrap()[0].name, "push-mp4");
        assert!(
            chosen(&["x".into()]).is_err_and(|problem| problem.to_string().contains("there are push-mp4,"))
        );
    }
}
