//! Flags of the loudspeaker.

use clap::{Arg, ArgAction, ArgMatches};

/// What the user wants to hear.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Sound {
    pub(crate) speaker: bool,
    /// 0–1.
    pub(crate) volume: f32,
}

pub(crate) fn flags() -> [Arg; 2] {
    let heading = "Sound";
    [
        Arg::new("no-sound")
            .long("no-sound")
            .action(ArgAction::SetTrue)
            .help("Leave the loudspeaker alone, also where there is one")
            .help_heading(heading),
        Arg::new("volume")
            .long("volume")
            .value_name("FACTOR")
            .help("How loud it is, from 0 to 1 [1]")
            .help_heading(heading),
    ]
}

pub(crate) fn read(matches: &ArgMatches) -> Result<Sound, String> {
    let volume = matches.get_one::<String>("volume").map_or(Ok(1.0), |text| volume(text))?;
    Ok(Sound { speaker: !matches.get_flag("no-sound"), volume })
}

fn volume(text: &str) -> Result<f32, String> {
    let volume = text.parse().ok().filter(|volume| (0.0..=1.0).contains(volume));
    volume.ok_or_else(|| format!("--volume: {text} is not allowed: expected a number from 0 to 1"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sound_is_as_loud_as_asked_for() {
        let sound = |line: &str| {
            let command = clap::Command::new("live-play").args(flags());
            read(&command.try_get_matches_from(line.split(' ')).unwrap())
        };
        assert_eq!(sound("live-play"), Ok(Sound { speaker: true, volume: 1.0 }));
        assert_eq!(sound("live-play --no-sound --volume 0.3"), Ok(Sound { speaker: false, volume: 0.3 }));
        assert!(sound("live-play --volume 11").unwrap_err().contains("--volume: 11"));
        assert!(sound("live-play --volume NaN").is_err());
    }
}
