//! Flags about destinations.

use clap::{Arg, ArgAction, ArgMatches};
use live_core::backoff::RetryPolicy;
use live_core::config::Mode;
use live_pusher::Builder;

/// Where else the stream goes, and how often a lost connection is tried again.
pub(crate) struct Outputs {
    also: Vec<String>,
    retries: Option<Retries>,
    copy: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Retries {
    Times(u32),
    Endless,
}

/// The flags.
pub(super) fn flags() -> [Arg; 3] {
    [
        Arg::new("also")
            .long("also")
            .value_name("URL")
            .action(ArgAction::Append)
            .help("A further destination, server or FILE.flv; may be given again"),
        Arg::new("retries")
            .long("retries")
            .value_name("N|endless")
            .help("How often in a row a lost connection is tried again; 3 unless given"),
        Arg::new("copy")
            .long("copy")
            .action(ArgAction::SetTrue)
            .help("Pass --input on as it is, neither decoded nor encoded"),
    ]
}

impl Outputs {
    pub(super) fn read(matches: &ArgMatches) -> Result<Self, String> {
        let retries = matches.get_one::<String>("retries").map(|text| match text.parse() {
            _ if text == "endless" => Ok(Retries::Endless),
            Ok(times) => Ok(Retries::Times(times)),
            Err(_) => Err(format!("--retries: {text} is not allowed: expected a number, or endless")),
        });
        let also = matches.get_many::<String>("also").into_iter().flatten().cloned().collect();
        Ok(Self { also, retries: retries.transpose()?, copy: matches.get_flag("copy") })
    }

    /// The destinations beside the first one.
    pub(crate) fn also(&self) -> &[String] {
        &self.also
    }

    pub(crate) fn apply(self, mode: Mode, builder: Builder) -> Builder {
        let builder = self.also.into_iter().fold(builder, Builder::also).copy(self.copy);
        let policy = RetryPolicy::of_mode(mode);
        match self.retries {
            None => builder,
            Some(Retries::Times(times)) => builder.retry(policy.retries(times)),
            Some(Retries::Endless) => builder.retry(policy.endless()),
        }
    }
}
