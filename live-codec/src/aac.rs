//! AAC's decoder configuration, the `AudioSpecificConfig` (ISO/IEC 14496-3 section 1.6.2.1).

#[cfg(any(feature = "fdk-aac", feature = "syom"))]
pub(crate) mod framing;

use crate::bits::BitReader;
use live_core::AudioSpec;

/// Audio object type of AAC Low Complexity (table 1.17).
pub const LOW_COMPLEXITY: u8 = 2;
/// Audio object type of spectral band replication: HE-AAC.
const SBR: u8 = 5;
/// Audio object type of parametric stereo: HE-AAC v2.
const PARAMETRIC_STEREO: u8 = 29;

/// Sampling rates by index (table 1.18).
const SAMPLE_RATES: [u32; 13] =
    [96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8000, 7350];

/// Rates up to which the samples that a plain AAC-LC configuration describes may be the lower half of an HE-AAC
/// stream that does not say so.
const IMPLICIT_SBR_MAX_RATE: u32 = 24_000;

/// A configuration that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AscError {
    /// It is cut short.
    #[error("the AudioSpecificConfig ends too early")]
    Truncated,
    /// It has a value that the specification reserves.
    #[error("the AudioSpecificConfig has the reserved {what} {value}")]
    Reserved {
        /// The field.
        what: &'static str,
        /// What it says.
        value: u32,
    },
}

/// What an `AudioSpecificConfig` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AudioSpecificConfig {
    /// Audio object type of the core: 2 for AAC-LC, also under HE-AAC.
    pub object_type: u8,
    /// Sampling rate of the core in Hz; HE-AAC usually doubles it.
    pub sample_rate: u32,
    /// Channels of the core; parametric stereo makes two of one.
    pub channels: u16,
    /// Samples per channel in an access unit of the core: 1024 or 960.
    pub frame_length: u16,
    /// The sampling rate with spectral band replication, when the stream says that it has one. `Some(None)` says
    /// that it has none; `None` leaves it open.
    pub sbr: Option<Option<u32>>,
    /// The stream has parametric stereo.
    pub parametric_stereo: bool,
}

impl AudioSpecificConfig {
    /// A configuration of AAC-LC.
    ///
    /// # Errors
    /// When the channels are not 1 to 6 or 8, the numbers that have a configuration of their own.
    pub fn low_complexity(spec: AudioSpec) -> Result<Self, AscError> {
        channel_configuration(spec.channels)?;
        Ok(Self {
            object_type: LOW_COMPLEXITY,
            sample_rate: spec.sample_rate,
            channels: spec.channels,
            frame_length: 1024,
            sbr: None,
            parametric_stereo: false,
        })
    }

    /// Reads a configuration.
    ///
    /// # Errors
    /// When it is cut short or holds reserved values.
    pub fn parse(data: &[u8]) -> Result<Self, AscError> {
        let mut bits = BitReader::new(data);
        let first_type = object_type(&mut bits)?;
        let sample_rate = sample_rate(&mut bits)?;
        let configuration = field(&mut bits, 4)?;
        let explicit = matches!(first_type, SBR | PARAMETRIC_STEREO);
        let (object_type, mut sbr) = if explicit {
            let extended_rate = self::sample_rate(&mut bits)?;
            (object_type(&mut bits)?, Some(Some(extended_rate)))
        } else {
            (first_type, None)
        };
        let mut config = Self {
            object_type,
            sample_rate,
            channels: 0,
            frame_length: 1024,
            sbr,
            parametric_stereo: first_type == PARAMETRIC_STEREO,
        };
        if !has_general_audio_config(object_type) {
            // Other object types describe themselves differently; no decoder here reads them.
            config.channels = channels_of(configuration)?;
            return Ok(config);
        }
        if flag(&mut bits)? {
            config.frame_length = 960;
        }
        if flag(&mut bits)? {
            field(&mut bits, 14)?;
        }
        flag(&mut bits)?;
        config.channels =
            if configuration == 0 { program_config(&mut bits)? } else { channels_of(configuration)? };
        if !explicit && let Some((extended_rate, parametric_stereo)) = sync_extension(&mut bits) {
            sbr = Some(extended_rate);
            config.parametric_stereo = parametric_stereo;
        }
        config.sbr = sbr;
        Ok(config)
    }

    /// Writes a configuration of AAC-LC, without what [`sbr`](Self::sbr) says.
    ///
    /// # Errors
    /// When there is no channel configuration for its channels, or the rate needs more than 24 bits.
    pub fn build(&self) -> Result<Vec<u8>, AscError> {
        let configuration = u64::from(channel_configuration(self.channels)?);
        let index = SAMPLE_RATES.iter().position(|&rate| rate == self.sample_rate);
        let mut bits = BitWriter::default();
        bits.put(u64::from(self.object_type), 5);
        match index {
            Some(index) => bits.put(index as u64, 4),
            None if self.sample_rate < 1 << 24 => {
                bits.put(15, 4);
                bits.put(self.sample_rate.into(), 24);
            }
            None => return Err(AscError::Reserved { what: "sampling rate", value: self.sample_rate }),
        }
        bits.put(configuration, 4);
        bits.put(u64::from(self.frame_length == 960), 1);
        bits.put(0, 2);
        Ok(bits.finish())
    }

    /// The layout of the decoded sound, as far as the configuration tells.
    #[must_use]
    pub fn output(&self) -> AudioSpec {
        AudioSpec {
            sample_rate: self.sbr.flatten().unwrap_or(self.sample_rate),
            channels: if self.parametric_stereo { 2 } else { self.channels },
        }
    }

    /// Whether a decoder that knows AAC-LC and nothing else decodes the whole sound, going by what the stream says.
    #[must_use]
    pub fn is_plain_low_complexity(&self) -> bool {
        self.object_type == LOW_COMPLEXITY && self.sbr.flatten().is_none() && !self.parametric_stereo
    }

    /// Whether this may be the core of an HE-AAC stream that does not say so ("implicit signalling").
    #[must_use]
    pub fn may_hide_sbr(&self) -> bool {
        self.sbr.is_none() && self.sample_rate <= IMPLICIT_SBR_MAX_RATE
    }
}

/// Object types whose configuration is a `GASpecificConfig` (table 1.15).
const fn has_general_audio_config(object_type: u8) -> bool {
    matches!(object_type, 1..=4 | 6 | 7)
}

fn field(bits: &mut BitReader<'_>, count: u32) -> Result<u32, AscError> {
    bits.bits(count).ok_or(AscError::Truncated)
}

fn flag(bits: &mut BitReader<'_>) -> Result<bool, AscError> {
    bits.flag().ok_or(AscError::Truncated)
}

fn object_type(bits: &mut BitReader<'_>) -> Result<u8, AscError> {
    let short = field(bits, 5)?;
    let value = if short == 31 { 32 + field(bits, 6)? } else { short };
    if value == 0 {
        return Err(AscError::Reserved { what: "audio object type", value });
    }
    Ok(value as u8)
}

fn sample_rate(bits: &mut BitReader<'_>) -> Result<u32, AscError> {
    let index = field(bits, 4)?;
    let rate = if index == 15 { Some(field(bits, 24)?) } else { SAMPLE_RATES.get(index as usize).copied() };
    rate.filter(|&rate| rate > 0).ok_or(AscError::Reserved { what: "sampling frequency index", value: index })
}

/// Channels of a `channelConfiguration` (table 1.19).
fn channels_of(configuration: u32) -> Result<u16, AscError> {
    match configuration {
        1..=6 => Ok(configuration as u16),
        7 | 12 | 14 => Ok(8),
        11 => Ok(7),
        value => Err(AscError::Reserved { what: "channel configuration", value }),
    }
}

fn channel_configuration(channels: u16) -> Result<u8, AscError> {
    match channels {
        1..=6 => Ok(channels as u8),
        8 => Ok(7),
        other => Err(AscError::Reserved { what: "number of channels", value: other.into() }),
    }
}

/// Counts the channels of a `program_config_element` (section 4.4.1.1).
fn program_config(bits: &mut BitReader<'_>) -> Result<u16, AscError> {
    field(bits, 4 + 2 + 4)?;
    let [front, side, back] = [field(bits, 4)?, field(bits, 4)?, field(bits, 4)?];
    let [low, associated, coupling] = [field(bits, 2)?, field(bits, 3)?, field(bits, 4)?];
    for present_bits in [4, 4, 3] {
        // Mono and stereo mix-down element numbers, matrix mix-down index.
        if flag(bits)? {
            field(bits, present_bits)?;
        }
    }
    let mut channels = low as u16;
    for _ in 0..front + side + back {
        let is_pair = flag(bits)?;
        field(bits, 4)?;
        channels += if is_pair { 2 } else { 1 };
    }
    field(bits, 4 * low)?;
    for _ in 0..associated {
        field(bits, 4)?;
    }
    for _ in 0..coupling {
        field(bits, 5)?;
    }
    bits.align();
    let comment = field(bits, 8)?;
    for _ in 0..comment {
        field(bits, 8)?;
    }
    if channels == 0 {
        return Err(AscError::Reserved { what: "number of channels", value: 0 });
    }
    Ok(channels)
}

/// The extension behind the configuration that old decoders pass over: the SBR rate, if there is SBR, and whether
/// there is parametric stereo. `None` when there is no extension, or it is cut short.
fn sync_extension(bits: &mut BitReader<'_>) -> Option<(Option<u32>, bool)> {
    if bits.remaining() < 16 || bits.bits(11)? != 0x2b7 || bits.bits(5)? != u32::from(SBR) {
        return None;
    }
    if !bits.flag()? {
        return Some((None, false));
    }
    let rate = sample_rate(bits).ok()?;
    let parametric_stereo =
        bits.remaining() >= 12 && bits.bits(11) == Some(0x548) && bits.flag() == Some(true);
    Some((Some(rate), parametric_stereo))
}

/// Collects bit fields, most significant first.
#[derive(Default)]
struct BitWriter {
    value: u64,
    count: u32,
}

impl BitWriter {
    fn put(&mut self, value: u64, count: u32) {
        self.value = self.value << count | value;
        self.count += count;
    }

    /// The bytes, padded with zeros.
    fn finish(self) -> Vec<u8> {
        let bytes = self.count.div_ceil(8);
        let padded = self.value << (bytes * 8 - self.count);
        padded.to_be_bytes()[8 - bytes as usize..].to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn plain_low_complexity_says_nothing_about_sbr() {
        let config = AudioSpecificConfig::parse(&[0x11, 0x90]).unwrap();
        assert_eq!(config.output(), AudioSpec { sample_rate: 48_000, channels: 2 });
        assert!(config.is_plain_low_complexity() && !config.may_hide_sbr());
        let low = AudioSpecificConfig::parse(&[0x14, 0x08]).unwrap();
        assert_eq!(low.output(), AudioSpec { sample_rate: 16_000, channels: 1 });
        assert!(low.is_plain_low_complexity() && low.may_hide_sbr());
    }

    #[test]
    fn he_aac_is_recognised_in_both_signalling_forms() {
        // AOT 5, core 24 kHz, stereo, extended to 48 kHz, AOT 2.
        let explicit = AudioSpecificConfig::parse(&[0x2b, 0x11, 0x88, 0x00]).unwrap();
        assert_eq!(explicit.sample_rate, 24_000);
        assert_eq!(explicit.output(), AudioSpec { sample_rate: 48_000, channels: 2 });
        assert!(!explicit.is_plain_low_complexity());
        // AOT 2, 22.05 kHz, mono; sync extension: SBR at 44.1 kHz and parametric stereo.
        let compatible = AudioSpecificConfig::parse(&[0x13, 0x88, 0x56, 0xe5, 0xa5, 0x48, 0x80]).unwrap();
        assert_eq!(compatible.sbr, Some(Some(44_100)));
        assert_eq!(compatible.output(), AudioSpec { sample_rate: 44_100, channels: 2 });
    }

    #[test]
    fn a_stream_can_say_that_it_hides_nothing() {
        let config = AudioSpecificConfig::parse(&[0x13, 0x88, 0x56, 0xe5, 0x00]).unwrap();
        assert_eq!(config.sbr, Some(None));
        assert!(config.is_plain_low_complexity() && !config.may_hide_sbr());
    }

    proptest! {
        #[test]
        fn a_configuration_survives_being_written_and_read(
            sample_rate in prop_oneof![proptest::sample::select(&SAMPLE_RATES[..]), 1..1u32 << 24],
            channels in prop_oneof![1..=6u16, Just(8)],
        ) {
            let config = AudioSpecificConfig::low_complexity(AudioSpec { sample_rate, channels }).unwrap();
            prop_assert_eq!(AudioSpecificConfig::parse(&config.build().unwrap()).unwrap(), config);
        }

        #[test]
        fn arbitrary_bytes_are_read_or_refused(data in proptest::collection::vec(any::<u8>(), 0..64)) {
            if let Ok(config) = AudioSpecificConfig::parse(&data) {
                prop_assert!(config.output().sample_rate > 0 && config.output().channels > 0);
            }
        }
    }
}
