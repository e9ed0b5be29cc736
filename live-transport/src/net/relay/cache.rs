//! What a relay has to see in a message, and what it keeps for those who come later.

use crate::rtmp::chunk::{Message, MessageType};
use bytes::Bytes;
use std::collections::VecDeque;

/// What a message is to a relay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// `onMetaData` or other data.
    Data,
    /// A decoder configuration of the pictures.
    VideoConfig,
    /// A decoder configuration of the sound.
    AudioConfig,
    /// A picture that needs none before it.
    Key,
    /// Another picture, or anything else on the video track.
    Delta,
    /// Sound.
    Audio,
}

impl Class {
    /// Looks at the first two bytes of a body, in the plain form and in that of Enhanced RTMP.
    pub(super) fn of(message: &Message) -> Self {
        const EXTENDED_VIDEO: u8 = 0x80;
        const EXTENDED_AUDIO: u8 = 9;
        const AAC: u8 = 10;
        let (first, second) = match message.payload[..] {
            [] => (0, 1),
            [first] => (first, 1),
            [first, second, ..] => (first, second),
        };
        match message.kind {
            MessageType::VIDEO => {
                let (packet_type, key) = match first & EXTENDED_VIDEO {
                    0 if matches!(first & 0x0F, 7 | 12) => (second, first >> 4 == 1),
                    0 => (1, first >> 4 == 1),
                    _ => (first & 0x0F, first >> 4 & 0x07 == 1),
                };
                match (packet_type, key) {
                    (0, _) => Self::VideoConfig,
                    (_, true) => Self::Key,
                    _ => Self::Delta,
                }
            }
            MessageType::AUDIO => match (first >> 4, second) {
                (AAC, 0) => Self::AudioConfig,
                (EXTENDED_AUDIO, _) if first & 0x0F == 0 => Self::AudioConfig,
                _ => Self::Audio,
            },
            _ => Self::Data,
        }
    }

    /// Whether every viewer must get it, however slow.
    pub(super) const fn is_information(self) -> bool {
        matches!(self, Self::Data | Self::VideoConfig | Self::AudioConfig)
    }
}

/// Bytes that a message is counted with: its payload, and what keeping it costs besides.
pub(super) fn weight(message: &Message) -> usize {
    message.payload.len() + size_of::<Message>()
}

/// The stream information in force, and everything since the newest key frame.
#[derive(Debug)]
pub(super) struct Cache {
    limit: usize,
    metadata: Option<Message>,
    video: Option<Message>,
    audio: Option<Message>,
    group: VecDeque<Message>,
    group_bytes: usize,
}

impl Cache {
    pub(super) const fn new(limit: usize) -> Self {
        Self { limit, metadata: None, video: None, audio: None, group: VecDeque::new(), group_bytes: 0 }
    }

    /// Takes note of a message that goes to all viewers.
    pub(super) fn note(&mut self, message: &Message, class: Class) {
        match class {
            // Data that is not about the whole stream belongs to its moment.
            Class::Data if !is_metadata(message) => {}
            Class::Data => self.metadata = Some(detached(message)),
            Class::VideoConfig => self.video = Some(detached(message)),
            Class::AudioConfig => self.audio = Some(detached(message)),
            Class::Key => {
                self.clear_group();
                self.keep(message);
            }
            Class::Delta | Class::Audio if !self.group.is_empty() => self.keep(message),
            Class::Delta | Class::Audio => {}
        }
    }

    /// Whether the stream has pictures, as far as is known.
    pub(super) const fn has_video(&self) -> bool {
        self.video.is_some()
    }

    /// What a new viewer gets first. Stream information is stamped with the time of what follows it.
    pub(super) fn replay(&self) -> impl Iterator<Item = Message> {
        let at = self.group.front().map(|first| first.timestamp);
        let information = [&self.metadata, &self.video, &self.audio].into_iter().flatten().cloned();
        let stamped = information.map(move |message| {
            let timestamp = at.unwrap_or(message.timestamp);
            Message { timestamp, ..message }
        });
        stamped.chain(self.group.iter().cloned())
    }

    fn keep(&mut self, message: &Message) {
        self.group_bytes += weight(message);
        self.group.push_back(message.clone());
        if self.group_bytes > self.limit {
            self.clear_group();
        }
    }

    fn clear_group(&mut self) {
        self.group.clear();
        self.group_bytes = 0;
    }
}

fn is_metadata(message: &Message) -> bool {
    // An AMF0 string: marker, length, text.
    message.payload.starts_with(b"\x02\x00\x0aonMetaData")
}

/// The message with memory of its own: kept for long, it must not keep a block of input alive.
fn detached(message: &Message) -> Message {
    Message { payload: Bytes::copy_from_slice(&message.payload), ..message.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: MessageType, timestamp: u32, payload: &'static [u8]) -> Message {
        Message { timestamp, kind, stream_id: 1, payload: Bytes::from_static(payload) }
    }

    fn note(cache: &mut Cache, message: &Message) {
        cache.note(message, Class::of(message));
    }

    #[test]
    fn classes_are_seen_in_plain_and_enhanced_messages() {
        for (kind, body, class) in [
            (MessageType::VIDEO, &[0x17, 0][..], Class::VideoConfig),
            (MessageType::VIDEO, &[0x17, 1], Class::Key),
            (MessageType::VIDEO, &[0x27, 1], Class::Delta),
            (MessageType::VIDEO, &[0x1C, 0], Class::VideoConfig),
            (MessageType::VIDEO, &[0x12, 0], Class::Key),
            (MessageType::VIDEO, &[0x17, 2], Class::Key),
            (MessageType::VIDEO, &[0x90, b'h'], Class::VideoConfig),
            (MessageType::VIDEO, &[0x91, b'h'], Class::Key),
            (MessageType::VIDEO, &[0xA3, b'h'], Class::Delta),
            (MessageType::VIDEO, &[], Class::Delta),
            (MessageType::AUDIO, &[0xAF, 0], Class::AudioConfig),
            (MessageType::AUDIO, &[0xAF, 1], Class::Audio),
            (MessageType::AUDIO, &[0x90, b'O'], Class::AudioConfig),
            (MessageType::AUDIO, &[0x91, b'O'], Class::Audio),
            (MessageType::AUDIO, &[], Class::Audio),
            (MessageType::DATA_AMF0, &[2], Class::Data),
        ] {
            let message = Message { payload: Bytes::copy_from_slice(body), ..message(kind, 0, b"") };
            assert_eq!(Class::of(&message), class, "{kind:?} {body:02x?}");
        }
    }

    #[test]
    fn a_new_viewer_gets_information_and_the_newest_group() {
        let mut cache = Cache::new(1000);
        let metadata = message(MessageType::DATA_AMF0, 0, b"\x02\x00\x0aonMetaData");
        let config = message(MessageType::VIDEO, 0, &[0x17, 0, 1]);
        for message in [&metadata, &config] {
            note(&mut cache, message);
        }
        note(&mut cache, &message(MessageType::AUDIO, 5, &[0xAF, 1]));
        note(&mut cache, &message(MessageType::VIDEO, 10, &[0x17, 1]));
        note(&mut cache, &message(MessageType::VIDEO, 50, &[0x27, 1]));
        note(&mut cache, &message(MessageType::VIDEO, 90, &[0x17, 1]));
        note(&mut cache, &message(MessageType::AUDIO, 95, &[0xAF, 1]));
        let times: Vec<_> = cache.replay().map(|message| (message.kind.0, message.timestamp)).collect();
        assert_eq!(times, [(18, 90), (9, 90), (9, 90), (8, 95)]);
    }

    #[test]
    fn a_group_over_the_limit_is_not_kept() {
        let mut cache = Cache::new(2 * size_of::<Message>() + 8);
        note(&mut cache, &message(MessageType::VIDEO, 0, &[0x17, 1, 1]));
        assert_eq!(cache.replay().count(), 1);
        note(&mut cache, &message(MessageType::VIDEO, 40, &[0x27, 1, 1]));
        note(&mut cache, &message(MessageType::VIDEO, 80, &[0x27, 1, 1]));
        assert_eq!(cache.replay().count(), 0);
        note(&mut cache, &message(MessageType::VIDEO, 120, &[0x17, 1, 1]));
        assert_eq!(cache.replay().count(), 1);
    }
}
