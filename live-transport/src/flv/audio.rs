//! The header of an audio tag's body (E.4.2).

use super::packetize::BodyHead;
use super::{ErrorKind, ForeignCodec};
use live_core::Codec;

/// `SoundFormat`, the upper four bits.
mod format {
    pub(super) const MP3: u8 = 2;
    /// The format of the extended header of Enhanced RTMP.
    pub(super) const EXTENDED: u8 = 9;
    pub(super) const AAC: u8 = 10;
    pub(super) const MP3_8_KHZ: u8 = 14;
}

/// `AACPacketType`.
mod packet_type {
    pub(super) const SEQUENCE_HEADER: u8 = 0;
    pub(super) const RAW: u8 = 1;
}

/// AAC is always announced as 44.1 kHz stereo with 16 bits: the truth is in its configuration.
const AAC_FIRST_BYTE: u8 = format::AAC << 4 | 0b1111;

/// What an audio body holds behind its header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Audio {
    Config(Codec),
    /// An access unit after a header of `head` bytes.
    Unit {
        codec: Codec,
        head: usize,
    },
    /// A packet type that does not exist.
    Nothing,
}

/// Bytes before an AAC payload.
pub(super) const AAC_HEAD_LEN: usize = 2;
const MP3_HEAD_LEN: usize = 1;

/// Reads the header of an audio body that is not empty.
pub(super) fn parse(body: &[u8]) -> Result<Audio, ErrorKind> {
    let first = *body.first().ok_or(ErrorKind::ShortTag)?;
    match first >> 4 {
        format::AAC => match *body.get(1).ok_or(ErrorKind::ShortTag)? {
            packet_type::SEQUENCE_HEADER => Ok(Audio::Config(Codec::Aac)),
            packet_type::RAW => Ok(Audio::Unit { codec: Codec::Aac, head: AAC_HEAD_LEN }),
            _ => Ok(Audio::Nothing),
        },
        format::MP3 | format::MP3_8_KHZ => Ok(Audio::Unit { codec: Codec::Mp3, head: MP3_HEAD_LEN }),
        format::EXTENDED => {
            let four_cc =
                body.get(1..5).and_then(|bytes| bytes.try_into().ok()).ok_or(ErrorKind::ShortTag)?;
            Err(ErrorKind::ForeignCodec(ForeignCodec::ExtendedAudio(four_cc)))
        }
        other => Err(ErrorKind::ForeignCodec(ForeignCodec::Audio(other))),
    }
}

/// The header of an AAC configuration.
pub(super) fn aac_config_head() -> BodyHead {
    BodyHead::new(&[AAC_FIRST_BYTE, packet_type::SEQUENCE_HEADER])
}

/// The header of an AAC access unit.
pub(super) fn aac_head() -> BodyHead {
    BodyHead::new(&[AAC_FIRST_BYTE, packet_type::RAW])
}

/// The header of an MP3 frame, which repeats what the frame's own header says (ISO/IEC 11172-3 section 2.4.2.3) as
/// far as two bits for the rate can. Players go by the frame.
pub(super) fn mp3_head(frame: &[u8]) -> BodyHead {
    let (version, rate) =
        frame.get(1..3).map_or((3, 0), |bytes| (bytes[0] >> 3 & 0b11, bytes[1] >> 2 & 0b11));
    let mono = frame.get(3).is_some_and(|byte| byte >> 6 == 0b11);
    let (sound_format, sound_rate) = match (version, rate) {
        (0, 2) => (format::MP3_8_KHZ, 0),
        (0, _) => (format::MP3, 1),
        (2, _) => (format::MP3, 2),
        _ => (format::MP3, 3),
    };
    BodyHead::new(&[sound_format << 4 | sound_rate << 2 | 0b10 | u8::from(!mono)])
}
