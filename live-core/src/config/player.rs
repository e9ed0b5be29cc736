//! What a player can be told.

use super::attribute::{Allowed, Attribute, AttributeValue, Configuration, attribute, serde_by_attributes};
use super::{ConfigError, Mistake, ObjectFit, Orientation, PlayerMode};
use crate::url::StreamUrl;
use std::ops::Deref;
use std::time::Duration;

/// The attributes of a player, with the specification's defaults.
///
/// See the [module](super) for the ways to fill and check it.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct PlayerConfig {
    /// `src`: where the stream comes from. Required. RTMP(S), HTTP(S), WS(S) or a file.
    pub src: Option<StreamUrl>,
    /// `mode`: watching or conversation; decides the cache where that is not set. Live.
    pub mode: PlayerMode,
    /// `autoplay`: playing starts as soon as the player is built. `false`.
    pub autoplay: bool,
    /// `muted`: no sound is heard; picture and clock go on. `false`.
    pub muted: bool,
    /// `orientation`: horizontal turns the picture by 90°. Vertical.
    pub orientation: Orientation,
    /// `object-fit`: how a picture is fitted into a window of another shape. Contain.
    pub object_fit: ObjectFit,
    /// `background-mute`: no sound is heard while the application is in the background. `false`.
    pub background_mute: bool,
    /// `min-cache`: media ahead of the playhead before playing starts, 0–30 s, not over `max-cache`. None: 1 s, in RTC
    /// 0.2 s.
    pub min_cache: Option<Duration>,
    /// `max-cache`: media ahead of the playhead at most, 0–30 s. None: 3 s, in RTC 0.8 s.
    pub max_cache: Option<Duration>,
}

const CACHE: Allowed = Allowed::Seconds(0.0..=30.0);

impl Configuration for PlayerConfig {
    const ATTRIBUTES: &'static [Attribute<Self>] = &[
        attribute!(
            "src",
            src,
            Allowed::Text("rtmp(s)://, http(s)://, ws(s):// or a file"),
            "Where the stream comes from"
        ),
        attribute!("mode", mode, Allowed::Words(PlayerMode::WORDS), "Watching or conversation"),
        attribute!("autoplay", autoplay, Allowed::Bool, "Start playing at once"),
        attribute!("muted", muted, Allowed::Bool, "Play without sound"),
        attribute!(
            "orientation",
            orientation,
            Allowed::Words(Orientation::WORDS),
            "horizontal turns the picture by 90°"
        ),
        attribute!(
            "object-fit",
            object_fit,
            Allowed::Words(ObjectFit::WORDS),
            "Fit the picture into its window"
        ),
        attribute!("background-mute", background_mute, Allowed::Bool, "Silent while in the background"),
        attribute!("min-cache", min_cache, CACHE, "Media held before playing starts, seconds"),
        attribute!("max-cache", max_cache, CACHE, "Media held at most, seconds"),
    ];
}

serde_by_attributes!(PlayerConfig);

impl PlayerConfig {
    /// Every attribute with its name, help and allowed values, in the order of the specification.
    #[must_use]
    pub const fn attributes() -> &'static [Attribute<Self>] {
        Self::ATTRIBUTES
    }

    /// Sets one attribute by the specification's name, from text: `set("min-cache", "0.5")`.
    ///
    /// The mistake names the attribute, or says that there is none of this name.
    pub fn set(&mut self, name: &str, text: &str) -> Result<(), Mistake> {
        self.set_attribute(name, text)
    }

    /// The checked configuration, or every mistake in this one.
    pub fn check(self) -> Result<CheckedPlayerConfig, ConfigError> {
        self.validate()?;
        Ok(CheckedPlayerConfig(self))
    }

    /// Lists every mistake.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let mut mistakes = Vec::new();
        if self.src.is_none() {
            mistakes.push(Mistake::new("src", "is missing: give rtmp://host/app/stream"));
        }
        mistakes.extend(Self::ATTRIBUTES.iter().filter_map(|attribute| attribute.check(self)));
        let (min, max) = (self.effective_min_cache(), self.effective_max_cache());
        if min > max {
            let problem = format!("must not be over max-cache ({} s)", max.as_secs_f64());
            mistakes.push(Mistake::new("min-cache", problem).with_value(format!("{} s", min.as_secs_f64())));
        }
        ConfigError::unless_empty(mistakes)
    }

    fn effective_min_cache(&self) -> Duration {
        self.min_cache.unwrap_or(self.mode.min_cache())
    }

    fn effective_max_cache(&self) -> Duration {
        self.max_cache.unwrap_or(self.mode.max_cache())
    }
}

/// A [`PlayerConfig`] without mistakes; reads as one.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckedPlayerConfig(PlayerConfig);

impl Deref for CheckedPlayerConfig {
    type Target = PlayerConfig;

    fn deref(&self) -> &PlayerConfig {
        &self.0
    }
}

impl CheckedPlayerConfig {
    /// Where the stream comes from.
    #[must_use]
    pub fn stream_url(&self) -> &StreamUrl {
        self.src.as_ref().expect("a configuration without src has not passed the check")
    }

    /// Media ahead of the playhead before playing starts: as set, else the mode's.
    #[must_use]
    pub fn min_cache(&self) -> Duration {
        self.0.effective_min_cache()
    }

    /// Media ahead of the playhead at most: as set, else the mode's.
    #[must_use]
    pub fn max_cache(&self) -> Duration {
        self.0.effective_max_cache()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> PlayerConfig {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn json_speaks_the_specification_s_names() {
        let config = parse(
            r#"{"src":"http://h/a.flv","mode":"RTC","object-fit":"fillCrop","min-cache":0.5,"max-cache":2,
                "background-mute":true,"autoplay":true,"orientation":"horizontal"}"#,
        );
        assert_eq!(config.min_cache, Some(Duration::from_millis(500)));
        assert_eq!((config.mode, config.object_fit), (PlayerMode::Rtc, ObjectFit::FillCrop));
        assert_eq!(parse(&serde_json::to_string(&config).unwrap()), config);
    }

    #[test]
    fn the_cache_follows_the_mode_unless_it_is_set() {
        for (json, min, max) in [
            (r#"{"src":"a.flv"}"#, 1000, 3000),
            (r#"{"src":"a.flv","mode":"RTC"}"#, 200, 800),
            (r#"{"src":"a.flv","mode":"RTC","max-cache":5}"#, 200, 5000),
            (r#"{"src":"a.flv","min-cache":0,"max-cache":0}"#, 0, 0),
        ] {
            let checked = parse(json).check().unwrap();
            assert_eq!(checked.min_cache(), Duration::from_millis(min), "{json}");
            assert_eq!(checked.max_cache(), Duration::from_millis(max), "{json}");
        }
    }

    #[test]
    fn each_mistake_names_attribute_value_and_what_is_allowed() {
        for (json, expected) in [
            (r#"{}"#, "src: is missing"),
            (
                r#"{"src":"a.flv","max-cache":31}"#,
                "max-cache: 31 is not allowed: expected seconds from 0 to 30",
            ),
            (
                r#"{"src":"a.flv","min-cache":5}"#,
                "min-cache: 5 s is not allowed: must not be over max-cache (3 s)",
            ),
            (r#"{"src":"a.flv","min-cache":1,"mode":"RTC"}"#, "must not be over max-cache (0.8 s)"),
        ] {
            let error = parse(json).check().unwrap_err();
            assert!(error.to_string().contains(expected), "{expected}\nnot in\n{error}");
            assert_eq!(error.mistakes.len(), 1, "{error}");
        }
        let error =
            serde_json::from_str::<PlayerConfig>(r#"{"min-cache":-1,"max-cache":"NaN"}"#).unwrap_err();
        assert!(
            error.to_string().contains("min-cache: \"-1\" is not allowed: expected seconds from 0 to 30")
        );
        assert!(error.to_string().contains("max-cache: \"NaN\" is not allowed"));
    }

    #[test]
    fn every_attribute_reads_what_it_writes() {
        let config = parse(r#"{"src":"rtmp://h/a/k?t=1","min-cache":0.1,"max-cache":0.3}"#);
        for attribute in PlayerConfig::attributes() {
            let mut copy = config.clone();
            copy.set(attribute.name, &(attribute.value)(&config).to_string()).unwrap();
            assert_eq!(copy, config, "{}", attribute.name);
        }
    }
}
