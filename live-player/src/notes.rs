//! What the publisher wrote beside its pictures: messages and wall-clock stamps, given out when the picture is shown.

use bytes::Bytes;
use live_codec::h264::{avcc::DecoderConfig, sei};
use live_core::{Codec, Packet, PacketKind, Timestamp};
use std::collections::VecDeque;

/// Notes that may wait for their pictures; the oldest of more are lost.
const MOST: usize = 256;

/// One note.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Note {
    /// The application's message.
    Message(Bytes),
    /// The publisher's wall clock when the picture was captured, in UNIX µs.
    WallClock(u64),
}

/// Finds notes in the packets of a stream.
#[derive(Debug, Default)]
pub(crate) struct NoteReader {
    /// Bytes of the length before each NAL unit; `None` for streams that carry no notes.
    length_size: Option<usize>,
}

impl NoteReader {
    /// The notes in `packet`.
    pub(crate) fn read(&mut self, packet: &Packet) -> Vec<Note> {
        if let PacketKind::Config(codec) = packet.kind
            && packet.track == live_core::Track::Video
        {
            let config = (codec == Codec::H264).then(|| DecoderConfig::parse(&packet.data).ok()).flatten();
            self.length_size = config.map(|config| config.length_size);
        }
        let Some(length_size) = self.length_size.filter(|_| packet.is_video_unit()) else {
            return Vec::new();
        };
        sei::read(&packet.data, length_size)
            .into_iter()
            .filter_map(|found| note(found.uuid, found.data))
            .collect()
    }
}

fn note(uuid: [u8; 16], data: Bytes) -> Option<Note> {
    match uuid {
        sei::MESSAGE => Some(Note::Message(data)),
        sei::WALL_CLOCK => Some(Note::WallClock(u64::from_be_bytes(*data.first_chunk()?))),
        _ => None,
    }
}

/// Notes that wait until their pictures are shown.
#[derive(Debug, Default)]
pub(crate) struct Notes(VecDeque<(Timestamp, Note)>);

impl Notes {
    /// Keeps a note for the picture of `pts`.
    pub(crate) fn add(&mut self, pts: Timestamp, note: Note) {
        if self.0.len() >= MOST {
            self.0.pop_front();
        }
        self.0.push_back((pts, note));
    }

    /// The notes of the picture of `pts` and of those before it that were not shown, in the order of the stream.
    pub(crate) fn take(&mut self, pts: Timestamp) -> Vec<(Timestamp, Note)> {
        if self.0.is_empty() {
            return Vec::new();
        }
        let (due, later) = self.0.drain(..).partition::<VecDeque<_>, _>(|(at, _)| *at <= pts);
        self.0 = later;
        due.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::BytesMut;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn notes_wait_for_their_picture_and_do_not_pile_up() {
        let message = |text: &'static str| Note::Message(Bytes::from_static(text.as_bytes()));
        let mut notes = Notes::default();
        notes.add(at(0), message("a"));
        notes.add(at(80), message("b"));
        notes.add(at(40), message("c"));
        assert_eq!(notes.take(at(50)), [(at(0), message("a")), (at(40), message("c"))]);
        assert_eq!(notes.take(at(80)), [(at(80), message("b"))]);
        (0..2 * MOST).for_each(|number| notes.add(at(0), Note::WallClock(number as u64)));
        assert_eq!(notes.take(at(0)).len(), MOST);
    }

    #[test]
    fn only_streams_that_can_carry_notes_are_read() {
        let mut unit = BytesMut::new();
        assert!(sei::write(&sei::WALL_CLOCK, &7u64.to_be_bytes(), 4, &mut unit));
        assert!(sei::write(&[9; 16], b"somebody else's", 4, &mut unit));
        assert!(sei::write(&sei::WALL_CLOCK, b"short", 4, &mut unit));
        unit.extend_from_slice(&[0, 0, 0, 2, 0x65, 0x88]);
        let picture = Packet::key(at(0), at(0), unit.freeze());
        let mut reader = NoteReader::default();
        assert_eq!(reader.read(&picture), [], "no configuration yet");
        let config = Bytes::from_static(&[1, 66, 0, 30, 0xff, 0xe0, 0]);
        assert_eq!(reader.read(&Packet::config(Codec::H264, at(0), config)), []);
        assert_eq!(reader.read(&picture), [Note::WallClock(7)]);
        reader.read(&Packet::config(Codec::Hevc, at(0), Bytes::new()));
        assert_eq!(reader.read(&picture), []);
    }
}
