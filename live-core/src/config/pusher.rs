//! What a pusher can be told.

use super::attribute::{Allowed, Attribute, AttributeValue, Configuration, attribute, serde_by_attributes};
use super::{
    Aspect, AudioQuality, ConfigError, DevicePosition, LocalMirror, Mistake, Mode, Orientation, Size,
};
use crate::url::{Scheme, StreamUrl};
use std::ops::Deref;
use std::path::PathBuf;

/// The attributes of a pusher, with the specification's defaults.
///
/// See the [module](super) for the ways to fill and check it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct PusherConfig {
    /// `url`: where the stream goes. Required. RTMP(S), HTTP(S), or a file whose name ends in `.flv`.
    pub url: Option<StreamUrl>,
    /// `mode`: picture sizes, start bitrate and key-frame interval; fixed while running. RTC.
    pub mode: Mode,
    /// `autopush`: pushing starts as soon as the pusher is built. `false`.
    pub autopush: bool,
    /// `muted`: silence is encoded in place of the sound, so that receivers keep their audio track. `false`.
    pub muted: bool,
    /// `enable-camera`: whether there is a picture; without, the stream is audio only. `true`.
    pub enable_camera: bool,
    /// `auto-focus`: continuous autofocus of the camera, for sources that have one. `true`.
    pub auto_focus: bool,
    /// `orientation`: portrait or landscape output. Vertical.
    pub orientation: Orientation,
    /// `beauty`: strength of the skin smoothing, 0–9. 0: no such stage runs.
    pub beauty: u32,
    /// `whiteness`: strength of the skin brightening, 0–9. 0: no such stage runs.
    pub whiteness: u32,
    /// `aspect`: short to long side of the picture. 9:16.
    pub aspect: Aspect,
    /// `min-bitrate`: floor of the adaptive video bitrate, kbit/s, 10–100 000, not over `max-bitrate`. 200.
    pub min_bitrate: u32,
    /// `max-bitrate`: ceiling of the adaptive video bitrate, kbit/s, 10–100 000. 1000.
    pub max_bitrate: u32,
    /// `waiting-image`: PNG or JPEG sent while the application is in the background. None: black.
    pub waiting_image: Option<PathBuf>,
    /// `waiting-image-md5`: MD5 of that file, 32 hexadecimal digits. None: not compared.
    pub waiting_image_md5: Option<String>,
    /// `background-mute`: whether the microphone is closed while in the background. `false`.
    pub background_mute: bool,
    /// `background-fps`: how often the waiting image is sent, 1–15 a second. 5. Ours; the specification is silent.
    pub background_fps: u32,
    /// `background-limit`: seconds in the background after which the stream ends, 1–86 400. 300. Ours.
    pub background_limit: u32,
    /// `enable-mic`: whether there is sound; without, the stream is video only. `true`.
    pub enable_mic: bool,
    /// `audio-quality`: 48 kHz, or 16 kHz mono. High.
    pub audio_quality: AudioQuality,
    /// `fps`: nominal pictures per second, 1–30. 15.
    pub fps: u32,
    /// `video-width`: with `video-height`, the first picture size in place of the mode's; even, 64–3840 pixels. None.
    pub video_width: Option<u32>,
    /// `video-height`: with `video-width`, the first picture size in place of the mode's; even, 64–3840 pixels. None.
    pub video_height: Option<u32>,
    /// `device-position`: which camera is opened first, for devices that have two. Front.
    pub device_position: DevicePosition,
    /// `mirror`: whether receivers get a mirrored picture. `false`.
    pub mirror: bool,
    /// `local-mirror`: whether the preview is mirrored. Auto: for the front camera only.
    pub local_mirror: LocalMirror,
    /// `zoom`: whether the camera's zoom may be changed. `false`.
    pub zoom: bool,
    /// `enable-agc`: whether quiet voices are raised and loud ones lowered. `false`.
    pub enable_agc: bool,
    /// `enable-ans`: whether steady background noise is suppressed. `false`.
    pub enable_ans: bool,
    /// `audio-reverb-type`: the room the voice is put into: 1 KTV, 2 small room, 3 great hall, 4 deep, 5 resonant, 6 metal,
    /// 7 magnetic. 0: none.
    pub audio_reverb_type: u32,
}

impl Default for PusherConfig {
    fn default() -> Self {
        Self {
            url: None,
            mode: Mode::Rtc,
            autopush: false,
            muted: false,
            enable_camera: true,
            auto_focus: true,
            orientation: Orientation::Vertical,
            beauty: 0,
            whiteness: 0,
            aspect: Aspect::NineSixteen,
            min_bitrate: 200,
            max_bitrate: 1000,
            waiting_image: None,
            waiting_image_md5: None,
            background_mute: false,
            background_fps: 5,
            background_limit: 300,
            enable_mic: true,
            audio_quality: AudioQuality::High,
            fps: 15,
            video_width: None,
            video_height: None,
            device_position: DevicePosition::Front,
            mirror: false,
            local_mirror: LocalMirror::Auto,
            zoom: false,
            enable_agc: false,
            enable_ans: false,
            audio_reverb_type: 0,
        }
    }
}

const KBPS: Allowed = Allowed::Number(10..=100_000);
const LEVEL: Allowed = Allowed::Number(0..=9);
const SIDE: Allowed = Allowed::Number(64..=3840);

impl Configuration for PusherConfig {
    const ATTRIBUTES: &'static [Attribute<Self>] = &[
        attribute!(
            "url",
            url,
            Allowed::Text("rtmp(s)://, http(s):// or a path ending in .flv"),
            "Where the stream goes"
        ),
        attribute!(
            "mode",
            mode,
            Allowed::Words(Mode::WORDS),
            "Picture sizes, start bitrate, key-frame interval"
        ),
        attribute!("autopush", autopush, Allowed::Bool, "Start pushing at once"),
        attribute!("muted", muted, Allowed::Bool, "Encode silence"),
        attribute!("enable-camera", enable_camera, Allowed::Bool, "Whether there is a picture"),
        attribute!("auto-focus", auto_focus, Allowed::Bool, "Continuous autofocus"),
        attribute!("orientation", orientation, Allowed::Words(Orientation::WORDS), "Portrait or landscape"),
        attribute!("beauty", beauty, LEVEL, "Skin smoothing"),
        attribute!("whiteness", whiteness, LEVEL, "Skin brightening"),
        attribute!("aspect", aspect, Allowed::Words(Aspect::WORDS), "Short to long side of the picture"),
        attribute!("min-bitrate", min_bitrate, KBPS, "Floor of the adaptive video bitrate, kbit/s"),
        attribute!("max-bitrate", max_bitrate, KBPS, "Ceiling of the adaptive video bitrate, kbit/s"),
        attribute!(
            "waiting-image",
            waiting_image,
            Allowed::Text("a file's path"),
            "Picture sent while in the background"
        ),
        attribute!(
            "waiting-image-md5",
            waiting_image_md5,
            Allowed::Text("32 hexadecimal digits"),
            "MD5 of the waiting image's file"
        ),
        attribute!(
            "background-mute",
            background_mute,
            Allowed::Bool,
            "Close the microphone while in the background"
        ),
        attribute!(
            "background-fps",
            background_fps,
            Allowed::Number(1..=15),
            "How often the waiting image is sent, per second"
        ),
        attribute!(
            "background-limit",
            background_limit,
            Allowed::Number(1..=86_400),
            "Seconds in the background after which the stream ends"
        ),
        attribute!("enable-mic", enable_mic, Allowed::Bool, "Whether there is sound"),
        attribute!(
            "audio-quality",
            audio_quality,
            Allowed::Words(AudioQuality::WORDS),
            "48 kHz, or 16 kHz mono"
        ),
        attribute!("fps", fps, Allowed::Number(1..=30), "Pictures per second"),
        attribute!("video-width", video_width, SIDE, "Picture width in place of the mode's, even"),
        attribute!("video-height", video_height, SIDE, "Picture height in place of the mode's, even"),
        attribute!("device-position", device_position, Allowed::Words(DevicePosition::WORDS), "Which camera"),
        attribute!("mirror", mirror, Allowed::Bool, "Receivers get a mirrored picture"),
        attribute!("local-mirror", local_mirror, Allowed::Words(LocalMirror::WORDS), "Mirror the preview"),
        attribute!("zoom", zoom, Allowed::Bool, "Let the camera's zoom be changed"),
        attribute!("enable-agc", enable_agc, Allowed::Bool, "Raise quiet voices"),
        attribute!("enable-ans", enable_ans, Allowed::Bool, "Suppress background noise"),
        attribute!(
            "audio-reverb-type",
            audio_reverb_type,
            Allowed::Number(0..=7),
            "Room the voice is put into"
        ),
    ];
}

serde_by_attributes!(PusherConfig);

impl PusherConfig {
    /// Every attribute with its name, help and allowed values, in the order of the specification.
    #[must_use]
    pub const fn attributes() -> &'static [Attribute<Self>] {
        Self::ATTRIBUTES
    }

    /// Sets one attribute by the specification's name, from text: `set("min-bitrate", "300")`.
    ///
    /// The mistake names the attribute, or says that there is none of this name.
    pub fn set(&mut self, name: &str, text: &str) -> Result<(), Mistake> {
        self.set_attribute(name, text)
    }

    /// The checked configuration, or every mistake in this one.
    pub fn check(self) -> Result<CheckedPusherConfig, ConfigError> {
        self.validate()?;
        Ok(CheckedPusherConfig(self))
    }

    /// Lists every mistake.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let mut mistakes: Vec<Mistake> = self.check_url().into_iter().collect();
        mistakes.extend(Self::ATTRIBUTES.iter().filter_map(|attribute| attribute.check(self)));
        if self.min_bitrate > self.max_bitrate {
            let problem = format!("must not be over max-bitrate ({})", self.max_bitrate);
            mistakes.push(Mistake::new("min-bitrate", problem).with_value(self.min_bitrate.to_string()));
        }
        mistakes.extend(self.check_md5());
        if !self.enable_camera && !self.enable_mic {
            mistakes.push(Mistake::new(
                "enable-mic",
                "must be true when enable-camera is false: nothing is left to push",
            ));
        }
        mistakes.extend(self.check_size());
        ConfigError::unless_empty(mistakes)
    }

    fn check_url(&self) -> Option<Mistake> {
        let Some(url) = &self.url else {
            return Some(Mistake::new("url", "is missing: give rtmp://host/app/stream"));
        };
        let problem = match url.scheme() {
            Scheme::Ws | Scheme::Wss => "streams are pushed over rtmp(s) or http(s), not over WebSocket",
            Scheme::File if !has_extension(url, "flv") => {
                "a stream is recorded to a file whose name ends in .flv"
            }
            _ => return None,
        };
        Some(Mistake::new("url", problem).with_value(url.to_string()))
    }

    fn check_md5(&self) -> Option<Mistake> {
        let digest = self.waiting_image_md5.as_ref()?;
        let problem = if digest.len() != 32 || !digest.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            "expected 32 hexadecimal digits"
        } else if self.waiting_image.is_none() {
            "there is no waiting-image it could belong to"
        } else {
            return None;
        };
        Some(Mistake::new("waiting-image-md5", problem).with_value(format!("\"{digest}\"")))
    }

    fn check_size(&self) -> Vec<Mistake> {
        let sides = [("video-width", self.video_width), ("video-height", self.video_height)];
        let mut mistakes: Vec<Mistake> = sides
            .iter()
            .filter_map(|(name, side)| side.filter(|side| side % 2 == 1).map(|side| (name, side)))
            .map(|(name, side)| Mistake::new(*name, "must be even").with_value(side.to_string()))
            .collect();
        if self.video_width.is_some() != self.video_height.is_some() {
            let missing = if self.video_width.is_none() { "video-width" } else { "video-height" };
            mistakes.push(Mistake::new(missing, "is missing: video-width and video-height go together"));
        }
        mistakes
    }
}

fn has_extension(url: &StreamUrl, extension: &str) -> bool {
    url.file_path()
        .and_then(|path| path.extension())
        .is_some_and(|found| found.eq_ignore_ascii_case(extension))
}

/// A [`PusherConfig`] without mistakes; reads as one.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckedPusherConfig(PusherConfig);

impl Deref for CheckedPusherConfig {
    type Target = PusherConfig;

    fn deref(&self) -> &PusherConfig {
        &self.0
    }
}

impl CheckedPusherConfig {
    /// Where the stream goes.
    #[must_use]
    pub fn stream_url(&self) -> &StreamUrl {
        self.url.as_ref().expect("a configuration without url has not passed the check")
    }

    /// The picture sizes the bitrate controller steps through, largest first; at least one.
    ///
    /// `video-width` and `video-height` are taken as they are, whatever the orientation; the steps below then keep
    /// their shape.
    #[must_use]
    pub fn ladder(&self) -> Vec<Size> {
        let (Some(width), Some(height)) = (self.video_width, self.video_height) else {
            return self.mode.ladder(self.aspect, self.orientation);
        };
        let first = Size::new(width, height);
        let below = self.mode.short_sides().iter().skip(1).filter(|short| **short < first.short_side());
        std::iter::once(first).chain(below.map(|short| first.with_short_side(*short))).collect()
    }

    /// Video bitrate at the start, in kbit/s: the mode's, clamped into floor and ceiling.
    #[must_use]
    pub fn start_kbps(&self) -> u32 {
        self.mode.start_kbps().clamp(self.min_bitrate, self.max_bitrate)
    }

    /// Pictures from one key frame to the next.
    #[must_use]
    pub fn gop(&self) -> u32 {
        // At most 30 pictures a second times 3 seconds.
        self.fps * u32::try_from(self.mode.key_interval().as_secs()).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_url() -> PusherConfig {
        PusherConfig { url: Some("rtmp://h/live/key".parse().unwrap()), ..PusherConfig::default() }
    }

    fn parse(json: &str) -> Result<PusherConfig, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    #[test]
    fn json_speaks_the_specification_s_names() {
        let config = parse(
            r#"{"url":"rtmp://h/live/key","mode":"FHD","min-bitrate":300,"max-bitrate":"1500","aspect":"3:4",
                "orientation":"horizontal","enable-mic":false,"waiting-image":"a.png","waiting-image-md5":null}"#,
        )
        .unwrap();
        assert_eq!((config.min_bitrate, config.max_bitrate), (300, 1500));
        assert_eq!(
            (config.mode, config.aspect, config.orientation),
            (Mode::Fhd, Aspect::ThreeFour, Orientation::Horizontal)
        );
        assert!(!config.enable_mic && config.waiting_image_md5.is_none());
        let written = serde_json::to_string(&config).unwrap();
        assert!(
            written.contains(r#""min-bitrate":300"#) && written.contains(r#""enable-mic":false"#),
            "{written}"
        );
        assert_eq!(parse(&written).unwrap(), config);
    }

    #[test]
    fn a_document_s_mistakes_are_reported_together_and_by_name() {
        let error =
            parse(r#"{"min-bitrat":1,"max-bitrate":-5,"mode":"UHD","muted":2,"url":"gopher://SECRET/x"}"#)
                .unwrap_err();
        for expected in [
            "min-bitrat: there is no such attribute; there are url, mode, autopush,",
            "max-bitrate: \"-5\" is not allowed: expected a whole number from 10 to 100000",
            "mode: \"UHD\" is not allowed: expected SD, HD, FHD, RTC",
            "muted: \"2\" is not allowed: expected true or false",
            "url: unknown scheme \"gopher\"",
        ] {
            assert!(error.contains(expected), "{expected}\nnot in\n{error}");
        }
        assert!(!error.contains("SECRET"));
    }

    #[test]
    fn each_mistake_names_attribute_value_and_what_is_allowed() {
        type Change = fn(&mut PusherConfig);
        let cases: &[(Change, &str)] = &[
            (|c| c.url = None, "url: is missing: give rtmp://host/app/stream"),
            (
                |c| c.url = Some("ws://h/key.flv".parse().unwrap()),
                "url: ws://h/*** is not allowed: streams are pushed",
            ),
            (
                |c| c.url = Some("out.mp4".parse().unwrap()),
                "url: out.mp4 is not allowed: a stream is recorded",
            ),
            (|c| c.beauty = 10, "beauty: 10 is not allowed: expected a whole number from 0 to 9"),
            (|c| c.whiteness = 10, "whiteness: 10 is not allowed: expected a whole number from 0 to 9"),
            (
                |c| c.min_bitrate = 2000,
                "min-bitrate: 2000 is not allowed: must not be over max-bitrate (1000)",
            ),
            (
                |c| c.max_bitrate = 200_000,
                "max-bitrate: 200000 is not allowed: expected a whole number from 10",
            ),
            (|c| c.fps = 0, "fps: 0 is not allowed: expected a whole number from 1 to 30"),
            (|c| c.fps = 60, "fps: 60 is not allowed: expected a whole number from 1 to 30"),
            (
                |c| c.audio_reverb_type = 8,
                "audio-reverb-type: 8 is not allowed: expected a whole number from 0 to 7",
            ),
            (
                |c| c.video_width = Some(640),
                "video-height: is missing: video-width and video-height go together",
            ),
            (
                |c| (c.video_width, c.video_height) = (Some(641), Some(360)),
                "video-width: 641 is not allowed: must be even",
            ),
            (
                |c| (c.video_width, c.video_height) = (Some(640), Some(10)),
                "video-height: 10 is not allowed: expected a whole",
            ),
            (
                |c| c.waiting_image_md5 = Some("x".into()),
                "waiting-image-md5: \"x\" is not allowed: expected 32",
            ),
            (|c| c.waiting_image_md5 = Some("0".repeat(32)), "there is no waiting-image it could belong to"),
            (
                |c| (c.enable_camera, c.enable_mic) = (false, false),
                "enable-mic: must be true when enable-camera is false",
            ),
        ];
        for (change, expected) in cases {
            let mut config = with_url();
            change(&mut config);
            let error = config.check().expect_err(expected);
            assert!(error.to_string().contains(expected), "{expected}\nnot in\n{error}");
            assert_eq!(error.mistakes.len(), 1, "{error}");
        }
    }

    #[test]
    fn the_defaults_are_the_specification_s_and_need_only_an_address() {
        let checked = with_url().check().unwrap();
        assert_eq!((checked.min_bitrate, checked.max_bitrate, checked.start_kbps()), (200, 1000, 500));
        assert_eq!(checked.ladder(), Mode::Rtc.ladder(Aspect::NineSixteen, Orientation::Vertical));
        assert_eq!((checked.gop(), checked.fps), (30, 15));
        assert!(checked.enable_camera && checked.auto_focus && !checked.autopush && !checked.muted);
    }

    #[test]
    fn the_start_bitrate_is_clamped_into_floor_and_ceiling() {
        for (mode, min, max, start) in
            [(Mode::Fhd, 200, 1000, 1000), (Mode::Sd, 600, 1000, 600), (Mode::Hd, 200, 1000, 900)]
        {
            let config = PusherConfig { mode, min_bitrate: min, max_bitrate: max, ..with_url() };
            assert_eq!(config.check().unwrap().start_kbps(), start);
        }
    }

    #[test]
    fn a_given_size_replaces_the_first_step_and_the_others_keep_its_shape() {
        let config =
            PusherConfig { mode: Mode::Fhd, video_width: Some(1280), video_height: Some(720), ..with_url() };
        let ladder = config.check().unwrap().ladder();
        assert_eq!(ladder, [Size::new(1280, 720), Size::new(960, 540), Size::new(640, 360)]);
        let small = PusherConfig { video_width: Some(176), video_height: Some(144), ..with_url() };
        assert_eq!(small.check().unwrap().ladder(), [Size::new(176, 144)]);
    }

    #[test]
    fn every_attribute_reads_what_it_writes() {
        let mut config = with_url();
        (config.video_width, config.video_height) = (Some(640), Some(480));
        config.waiting_image = Some("a.png".into());
        config.waiting_image_md5 = Some("0".repeat(32));
        for attribute in PusherConfig::attributes() {
            let text = (attribute.value)(&config).to_string();
            let mut copy = config.clone();
            copy.set(attribute.name, &text).unwrap();
            assert_eq!(copy, config, "{}", attribute.name);
        }
        assert!(
            config
                .set("no-such", "1")
                .unwrap_err()
                .to_string()
                .starts_with("no-such: there is no such attribute")
        );
    }
}
