//! Which device, and in which layout: pure.

use cpal::SampleFormat;
use live_core::AudioSpec;

/// A layout a device offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Offer {
    pub(crate) channels: u16,
    pub(crate) rates: (u32, u32),
    pub(crate) format: SampleFormat,
}

/// How a device is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Choice {
    pub(crate) spec: AudioSpec,
    pub(crate) format: SampleFormat,
}

/// The formats the callback writes, the best first.
const FORMATS: [SampleFormat; 5] =
    [SampleFormat::F32, SampleFormat::I32, SampleFormat::I16, SampleFormat::U16, SampleFormat::U8];

/// The offer that changes sound of `wanted` least: its own rate before its own channels, before the best format.
/// Another rate is the nearest above, else the highest. `None` when nothing can be used.
pub(crate) fn choose(wanted: AudioSpec, offers: &[Offer]) -> Option<Choice> {
    let usable = offers.iter().filter(|offer| offer.channels > 0 && offer.rates.1 > 0);
    let ranked = usable.filter_map(|offer| {
        let format = FORMATS.iter().position(|format| *format == offer.format)?;
        let (least, most) = offer.rates;
        let sample_rate = wanted.sample_rate.clamp(least.max(1), most);
        // Fewer channels lose something, more cost something.
        let channels = match offer.channels {
            same if same == wanted.channels => 0,
            more if more > wanted.channels => u32::from(more),
            fewer => 1_000 - u32::from(fewer),
        };
        let rate = match sample_rate {
            same if same == wanted.sample_rate => 0,
            above if above > wanted.sample_rate => above,
            below => u32::MAX - below,
        };
        let choice =
            Choice { spec: AudioSpec { sample_rate, channels: offer.channels }, format: offer.format };
        Some(((rate, channels, format), choice))
    });
    ranked.min_by_key(|(rank, _)| *rank).map(|(_, choice)| choice)
}

/// ALSA's names of devices that are worth a try when the default one does not open, in their order. What swallows sound
/// at once (`null`) or is no card of its own is not.
pub(crate) fn candidates<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let mut found: Vec<&str> = names
        .into_iter()
        .filter(|name| ["sysdefault:", "plughw:"].iter().any(|prefix| name.starts_with(prefix)))
        .collect();
    // One of each card: `sysdefault` mixes with other programs.
    found.sort_by_key(|name| !name.starts_with("sysdefault:"));
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use SampleFormat::{F32, I16, I24, U8};

    #[test]
    fn the_layout_that_changes_least_is_taken() {
        let offer = |channels, least, most, format| Offer { channels, rates: (least, most), format };
        let stereo = AudioSpec { sample_rate: 48_000, channels: 2 };
        let chosen = |offers: &[Offer]| {
            choose(stereo, offers)
                .map(|chosen| (chosen.spec.channels, chosen.spec.sample_rate, chosen.format))
        };
        let all =
            [offer(2, 44_100, 44_100, F32), offer(6, 48_000, 48_000, F32), offer(2, 8_000, 96_000, I16)];
        assert_eq!(chosen(&all), Some((2, 48_000, I16)), "rate and channels count more than the format");
        assert_eq!(chosen(&all[..2]), Some((6, 48_000, F32)));
        assert_eq!(chosen(&all[..1]), Some((2, 44_100, F32)));
        assert_eq!(
            chosen(&[offer(1, 48_000, 48_000, I16), offer(8, 48_000, 48_000, I16)]),
            Some((8, 48_000, I16))
        );
        assert_eq!(
            chosen(&[offer(2, 44_100, 44_100, F32), offer(2, 96_000, 96_000, U8)]),
            Some((2, 96_000, U8))
        );
        assert_eq!(chosen(&[offer(2, 48_000, 48_000, I24)]), None);
        assert_eq!(chosen(&[]), None);
    }

    #[test]
    fn only_cards_are_candidates() {
        let names = [
            "null",
            "default",
            "plughw:CARD=1,DEV=0",
            "hw:CARD=1,DEV=0",
            "sysdefault:CARD=Loopback",
            "pulse",
        ];
        assert_eq!(candidates(names), ["sysdefault:CARD=Loopback", "plughw:CARD=1,DEV=0"]);
    }
}
