//! Flags of the window.

use clap::{Arg, ArgAction, ArgMatches};
use live_core::event::FullScreenDirection;

/// What the user wants to see.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Screen {
    pub(crate) window: bool,
    pub(crate) size: Size,
    pub(crate) full_screen: Option<FullScreenDirection>,
}

/// How large the window opens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Size {
    /// As the specification says.
    #[default]
    Default,
    /// Logical pixels.
    Logical(u32, u32),
    /// That of the picture.
    Picture,
}

pub(crate) fn flags() -> [Arg; 3] {
    let heading = "Window";
    [
        Arg::new("no-window")
            .long("no-window")
            .action(ArgAction::SetTrue)
            .help("Open none, also where there is a display")
            .help_heading(heading),
        Arg::new("window-size")
            .long("window-size")
            .value_name("W×H")
            .help("Its size, such as 640x360, or `picture`: that of the picture [300x225]")
            .help_heading(heading),
        // The equals sign keeps the address from being taken for it.
        Arg::new("full-screen")
            .long("full-screen")
            .value_name("DEGREES")
            .num_args(0..=1)
            .require_equals(true)
            .default_missing_value("0")
            .allow_hyphen_values(true)
            .help("Fill the screen, the picture turned by 0, 90 or -90")
            .help_heading(heading),
    ]
}

pub(crate) fn read(matches: &ArgMatches) -> Result<Screen, String> {
    let text = |name: &str| matches.get_one::<String>(name).map(String::as_str);
    Ok(Screen {
        window: !matches.get_flag("no-window"),
        size: text("window-size").map_or(Ok(Size::Default), size)?,
        full_screen: text("full-screen").map(direction).transpose()?,
    })
}

fn size(text: &str) -> Result<Size, String> {
    let problem =
        || format!("--window-size: {text} is not allowed: expected a size such as 640x360, or picture");
    if text == "picture" {
        return Ok(Size::Picture);
    }
    let (width, height) = text.split_once(['x', '×']).ok_or_else(problem)?;
    let side = |text: &str| text.parse().ok().filter(|side| (1..=16_384).contains(side)).ok_or_else(problem);
    Ok(Size::Logical(side(width)?, side(height)?))
}

fn direction(text: &str) -> Result<FullScreenDirection, String> {
    let degrees = text.parse().ok().and_then(FullScreenDirection::from_degrees);
    degrees.ok_or_else(|| format!("--full-screen: {text} is not allowed: expected 0, 90 or -90"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn screen(line: &str) -> Result<Screen, String> {
        let command = clap::Command::new("live-play").args(flags());
        read(&command.try_get_matches_from(line.split(' ')).map_err(|error| error.to_string())?)
    }

    #[test]
    fn a_window_has_a_size_and_may_fill_the_screen() {
        let plain = Screen { window: true, size: Size::Default, full_screen: None };
        assert_eq!(screen("live-play").unwrap(), plain);
        let turned = screen("live-play --full-screen=-90 --window-size 640x360").unwrap();
        assert_eq!(turned.full_screen, Some(FullScreenDirection::CounterClockwise));
        assert_eq!(turned.size, Size::Logical(640, 360));
        let upright = screen("live-play --full-screen --window-size picture --no-window").unwrap();
        assert_eq!(upright.full_screen, Some(FullScreenDirection::Upright));
        assert_eq!((upright.size, upright.window), (Size::Picture, false));
    }

    #[test]
    fn wrong_values_are_named() {
        for (line, expected) in [
            ("live-play --full-screen=45", "expected 0, 90 or -90"),
            ("live-play --window-size 0x3", "--window-size: 0x3"),
            ("live-play --window-size large", "640x360"),
        ] {
            assert!(screen(line).unwrap_err().contains(expected), "{line}");
        }
    }
}
