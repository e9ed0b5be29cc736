//! The words an attribute can be, and what they stand for.

use super::Mistake;
use super::attribute::{AttributeValue, Value};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// Makes an enum of the words of an attribute. Words are read in any case and written as the specification does.
macro_rules! words {
    (
        $(#[$meta:meta])*
        $name:ident, $attribute:literal;
        $( $(#[$doc:meta])* $variant:ident = $word:literal; )+
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
        pub enum $name {
            $( $(#[$doc])* $variant, )+
        }

        impl $name {
            /// The words, as the specification writes them.
            pub const WORDS: &'static [&'static str] = &[$( $word, )+];

            /// The word, as the specification writes it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $( Self::$variant => $word, )+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = Mistake;

            fn from_str(text: &str) -> Result<Self, Mistake> {
                [$( Self::$variant, )+]
                    .into_iter()
                    .find(|value| value.as_str().eq_ignore_ascii_case(text))
                    .ok_or_else(|| {
                        Mistake::new($attribute, format!("expected {}", Self::WORDS.join(", ")))
                            .with_value(format!("\"{text}\""))
                    })
            }
        }

        impl AttributeValue for $name {
            fn read(text: &str) -> Result<Self, Option<String>> {
                text.parse().map_err(|_: Mistake| None)
            }

            fn value(&self) -> Value {
                Value::Text(self.as_str().to_owned())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

words! {
    /// What the pusher aims at: SD, HD and FHD at clarity, RTC at latency and sound.
    Mode, "mode";
    /// Standard definition.
    Sd = "SD";
    /// High definition.
    Hd = "HD";
    /// Full high definition: the ladder's top is 720 lines wide.
    Fhd = "FHD";
    /// Conversation in real time.
    #[default]
    Rtc = "RTC";
}

words! {
    /// What the player aims at.
    PlayerMode, "mode";
    /// Watching: a cache of seconds smooths the network.
    #[default]
    Live = "live";
    /// Conversation: as little cache as the network allows.
    Rtc = "RTC";
}

words! {
    /// Which way up the picture is.
    Orientation, "orientation";
    /// The pusher's picture is higher than wide; the player shows it as it comes.
    #[default]
    Vertical = "vertical";
    /// The pusher's picture is wider than high; the player turns it by 90°.
    Horizontal = "horizontal";
}

words! {
    /// Short to long side of the pushed picture.
    Aspect, "aspect";
    /// 9 to 16.
    #[default]
    NineSixteen = "9:16";
    /// 3 to 4.
    ThreeFour = "3:4";
}

words! {
    /// How a picture is fitted into a window of another shape.
    ObjectFit, "object-fit";
    /// The whole picture, with black bars.
    #[default]
    Contain = "contain";
    /// The whole window; what is left over is cut off, the centre kept.
    FillCrop = "fillCrop";
}

words! {
    /// How much of the sound is kept.
    AudioQuality, "audio-quality";
    /// 48 kHz.
    #[default]
    High = "high";
    /// 16 kHz, mono.
    Low = "low";
}

words! {
    /// Which camera of a device that has two.
    DevicePosition, "device-position";
    /// The one that looks at the user.
    #[default]
    Front = "front";
    /// The one that looks away.
    Back = "back";
}

words! {
    /// Whether the preview is mirrored.
    LocalMirror, "local-mirror";
    /// For the front camera only.
    #[default]
    Auto = "auto";
    /// Always.
    Enable = "enable";
    /// Never.
    Disable = "disable";
}

/// Width and height in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Size {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
}

impl Size {
    /// A size of `width` by `height` pixels.
    #[must_use]
    pub const fn new(width: u32, height: u32) -> Self {
        Self { width, height }
    }

    /// The shorter side.
    #[must_use]
    pub fn short_side(self) -> u32 {
        self.width.min(self.height)
    }

    /// This shape with another short side, the long one rounded to even.
    #[must_use]
    pub fn with_short_side(self, short: u32) -> Self {
        let (own_short, own_long) = (self.short_side().max(1), self.width.max(self.height));
        let long = (short * own_long + own_short) / (own_short * 2) * 2;
        if self.width < self.height { Self::new(short, long) } else { Self::new(long, short) }
    }
}

/// `360×640`.
impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}×{}", self.width, self.height)
    }
}

impl Aspect {
    /// The picture with this `short` side; the long side follows from the ratio, rounded to even.
    #[must_use]
    pub fn size(self, short: u32, orientation: Orientation) -> Size {
        let shape = match self {
            Self::NineSixteen => Size::new(9, 16),
            Self::ThreeFour => Size::new(3, 4),
        };
        let Size { width, height } = shape.with_short_side(short);
        match orientation {
            Orientation::Vertical => Size::new(width, height),
            Orientation::Horizontal => Size::new(height, width),
        }
    }
}

impl Mode {
    /// Short sides of the picture sizes the bitrate controller steps through, largest first.
    #[must_use]
    pub const fn short_sides(self) -> &'static [u32] {
        match self {
            Self::Sd => &[360, 270],
            Self::Hd => &[540, 360],
            Self::Fhd => &[720, 540, 360],
            Self::Rtc => &[360, 270, 180],
        }
    }

    /// The picture sizes the bitrate controller steps through, largest first.
    #[must_use]
    pub fn ladder(self, aspect: Aspect, orientation: Orientation) -> Vec<Size> {
        self.short_sides().iter().map(|short| aspect.size(*short, orientation)).collect()
    }

    /// Video bitrate at the start, in kbit/s, before it is clamped into the configured floor and ceiling.
    #[must_use]
    pub const fn start_kbps(self) -> u32 {
        match self {
            Self::Sd | Self::Rtc => 500,
            Self::Hd => 900,
            Self::Fhd => 1200,
        }
    }

    /// Time from one key frame to the next.
    ///
    /// Shorter in RTC: a viewer who joins or recovers waits for the next key frame.
    #[must_use]
    pub const fn key_interval(self) -> Duration {
        match self {
            Self::Rtc => Duration::from_secs(2),
            Self::Sd | Self::Hd | Self::Fhd => Duration::from_secs(3),
        }
    }
}

impl PlayerMode {
    /// The default of `min-cache`: media held ahead of the playhead.
    #[must_use]
    pub const fn min_cache(self) -> Duration {
        match self {
            Self::Live => Duration::from_secs(1),
            Self::Rtc => Duration::from_millis(200),
        }
    }

    /// The default of `max-cache`.
    #[must_use]
    pub const fn max_cache(self) -> Duration {
        match self {
            Self::Live => Duration::from_secs(3),
            Self::Rtc => Duration::from_millis(800),
        }
    }
}

impl AudioQuality {
    /// Sampling rate of the encoded sound, in Hz.
    #[must_use]
    pub const fn sample_rate(self) -> u32 {
        match self {
            Self::High => 48_000,
            Self::Low => 16_000,
        }
    }

    /// How many of a source's channels are encoded.
    #[must_use]
    pub const fn channels(self, source: u16) -> u16 {
        match self {
            Self::High if source > 1 => 2,
            Self::High | Self::Low => 1,
        }
    }

    /// Bitrate of the encoded sound, in kbit/s.
    #[must_use]
    pub const fn kbps(self, channels: u16) -> u32 {
        match (self, channels) {
            (Self::Low, _) => 32,
            (Self::High, 0 | 1) => 64,
            (Self::High, _) => 128,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ladder(mode: Mode, aspect: Aspect, orientation: Orientation) -> String {
        let sizes: Vec<String> = mode.ladder(aspect, orientation).iter().map(Size::to_string).collect();
        sizes.join(" ")
    }

    #[test]
    fn ladders_are_those_of_the_table() {
        use Aspect::{NineSixteen, ThreeFour};
        use Orientation::{Horizontal, Vertical};
        for (mode, aspect, orientation, sizes) in [
            (Mode::Sd, NineSixteen, Vertical, "360×640 270×480"),
            (Mode::Hd, NineSixteen, Vertical, "540×960 360×640"),
            (Mode::Fhd, NineSixteen, Vertical, "720×1280 540×960 360×640"),
            (Mode::Rtc, NineSixteen, Vertical, "360×640 270×480 180×320"),
            (Mode::Fhd, ThreeFour, Vertical, "720×960 540×720 360×480"),
            (Mode::Rtc, ThreeFour, Horizontal, "480×360 360×270 240×180"),
            (Mode::Fhd, NineSixteen, Horizontal, "1280×720 960×540 640×360"),
        ] {
            assert_eq!(ladder(mode, aspect, orientation), sizes);
        }
    }

    #[test]
    fn every_step_has_even_sides() {
        for mode in [Mode::Sd, Mode::Hd, Mode::Fhd, Mode::Rtc] {
            for aspect in [Aspect::NineSixteen, Aspect::ThreeFour] {
                for size in mode.ladder(aspect, Orientation::Vertical) {
                    assert!(size.width % 2 == 0 && size.height % 2 == 0, "{size}");
                }
            }
        }
    }

    #[test]
    fn words_are_read_in_any_case_and_written_in_the_specification_s() {
        assert_eq!("FILLCROP".parse(), Ok(ObjectFit::FillCrop));
        assert_eq!(ObjectFit::FillCrop.to_string(), "fillCrop");
        assert_eq!(serde_json::to_string(&Aspect::ThreeFour).unwrap(), "\"3:4\"");
        assert_eq!(serde_json::from_str::<Mode>("\"rtc\"").unwrap(), Mode::Rtc);
        assert_eq!(
            "16:9".parse::<Aspect>().unwrap_err().to_string(),
            "aspect: \"16:9\" is not allowed: expected 9:16, 3:4"
        );
    }

    #[test]
    fn sound_follows_quality_and_source() {
        assert_eq!([0, 1, 2, 6].map(|n| AudioQuality::High.channels(n)), [1, 1, 2, 2]);
        assert_eq!([1, 2].map(|n| AudioQuality::High.kbps(n)), [64, 128]);
        assert_eq!((AudioQuality::Low.channels(2), AudioQuality::Low.sample_rate()), (1, 16_000));
    }
}
