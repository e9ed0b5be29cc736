//! What both sessions share: the handshake, the chunk stream, and the messages about the connection itself.

use super::aggregate::Aggregate;
use super::chunk::{self, CONTROL_STREAM, Message, MessageType};
use super::control::{self, UserControl};
use super::handshake::Handshake;
use super::{Error, Outgoing};
use bytes::BytesMut;

/// The acknowledgement window until the peer sets one: some peers wait for acknowledgements they never asked for.
const DEFAULT_WINDOW: u32 = 2_500_000;

/// A connection below the commands. Answers what needs no decision; gives out the rest.
#[derive(Debug)]
pub(super) struct Link {
    handshake: Handshake,
    reader: chunk::Reader,
    writer: chunk::Writer,
    aggregate: Option<Aggregate>,
    window: Window,
    /// The window we announced last.
    announced_window: Option<u32>,
    acknowledged: Acknowledged,
}

/// What the peer says it has received (RTMP section 5.4.3): the total modulo 2³², or, from some, the bytes since the
/// last time.
#[derive(Clone, Copy, Debug, Default)]
struct Acknowledged {
    last: u32,
    /// Not taken yet.
    news: u64,
}

impl Acknowledged {
    fn note(&mut self, said: u32) {
        let step = said.wrapping_sub(self.last);
        // A total that goes back by less than the half of its range is none.
        let since_last = if step <= u32::MAX / 2 { step } else { said };
        self.last = said;
        self.news += u64::from(since_last);
    }
}

/// When to acknowledge what was received (RTMP section 5.4.3).
#[derive(Clone, Copy, Debug)]
struct Window {
    size: u32,
    acknowledged: u64,
}

impl Window {
    /// The total to acknowledge, modulo 2³², once half the window is used: a peer that counts a little differently
    /// is then still within it.
    fn due(&mut self, received: u64) -> Option<u32> {
        if received - self.acknowledged < u64::from(self.size / 2).max(1) {
            return None;
        }
        self.acknowledged = received;
        // Truncation is the wrap.
        Some(received as u32)
    }
}

impl Link {
    pub(super) fn client(offer_digest: bool, limits: chunk::Limits) -> Self {
        let mut writer = chunk::Writer::default();
        let handshake = Handshake::client(offer_digest, writer.outgoing());
        Self::new(handshake, writer, limits)
    }

    pub(super) fn server(limits: chunk::Limits) -> Self {
        Self::new(Handshake::server(), chunk::Writer::default(), limits)
    }

    fn new(handshake: Handshake, writer: chunk::Writer, limits: chunk::Limits) -> Self {
        Self {
            handshake,
            reader: chunk::Reader::new(limits),
            writer,
            aggregate: None,
            window: Window { size: DEFAULT_WINDOW, acknowledged: 0 },
            announced_window: None,
            acknowledged: Acknowledged::default(),
        }
    }

    /// Goes on with the handshake; true when it is complete.
    pub(super) fn shake_hands(&mut self, input: &mut BytesMut) -> Result<bool, Error> {
        if !self.handshake.is_complete() {
            self.handshake.handle_input(input, self.writer.outgoing())?;
        }
        Ok(self.handshake.is_complete())
    }

    /// The next message that is not about the connection itself; user control comes out too, since some of it is
    /// about streams.
    pub(super) fn next_message(&mut self, input: &mut BytesMut) -> Result<Option<Message>, Error> {
        loop {
            if let Some(aggregate) = &mut self.aggregate {
                match aggregate.next() {
                    Some(part) => return Ok(Some(part)),
                    None => self.aggregate = None,
                }
            }
            let message = self.reader.read(input)?;
            if let Some(total) = self.window.due(self.reader.offset()) {
                self.send(CONTROL_STREAM, control::acknowledgement(total));
            }
            let Some(message) = message else { return Ok(None) };
            match message.kind {
                MessageType::USER_CONTROL => {
                    self.answer_ping(&message);
                    return Ok(Some(message));
                }
                MessageType::WINDOW_ACK_SIZE => {
                    self.window.size = control::word(&message).unwrap_or(self.window.size)
                }
                MessageType::SET_PEER_BANDWIDTH => self.follow_bandwidth(&message),
                MessageType::ACKNOWLEDGEMENT => {
                    control::word(&message).into_iter().for_each(|said| self.acknowledged.note(said))
                }
                MessageType::AGGREGATE => self.aggregate = Some(Aggregate::new(message)),
                _ => return Ok(Some(message)),
            }
        }
    }

    fn answer_ping(&mut self, message: &Message) {
        if let Some(UserControl::PingRequest(number)) = UserControl::parse(&message.payload) {
            self.send(CONTROL_STREAM, UserControl::PingResponse(number).message());
        }
    }

    fn follow_bandwidth(&mut self, message: &Message) {
        if let Some(size) = control::word(message).filter(|&size| self.announced_window != Some(size)) {
            self.announce_window(size);
        }
    }

    /// Tells the peer how much it may receive before it acknowledges.
    pub(super) fn announce_window(&mut self, size: u32) {
        self.announced_window = Some(size);
        self.send(CONTROL_STREAM, control::window_ack_size(size));
    }

    /// Bytes that the peer has said it received, since the last call.
    pub(super) fn take_acknowledged(&mut self) -> u64 {
        std::mem::take(&mut self.acknowledged.news)
    }

    pub(super) fn set_chunk_size(&mut self, size: u32) {
        self.writer.set_chunk_size(size);
    }

    /// Sends a message made here, which is small.
    pub(super) fn send(&mut self, chunk_stream: u32, message: Message) {
        self.writer.write(chunk_stream, message).expect("our own messages are within the limit");
    }

    /// Sends a message whose body is `head` and then the payload.
    ///
    /// # Errors
    /// The body is over the format's limit.
    pub(super) fn send_media(
        &mut self,
        chunk_stream: u32,
        head: &[u8],
        message: Message,
    ) -> Result<(), chunk::ErrorKind> {
        self.writer.write_with_head(chunk_stream, head, message)
    }

    pub(super) fn outgoing(&mut self) -> &mut Outgoing {
        self.writer.outgoing()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::{Buf, Bytes};

    /// A link past its handshake, and the other end.
    struct Scene {
        link: Link,
        reader: chunk::Reader,
        writer: chunk::Writer,
    }

    fn scene() -> Scene {
        let mut link = Link::server(chunk::Limits::default());
        let mut input = BytesMut::from(&[3][..]);
        input.resize(1 + 2 * 1536, 0);
        assert!(link.shake_hands(&mut input).unwrap());
        bytes(link.outgoing());
        Scene { link, reader: chunk::Reader::new(chunk::Limits::default()), writer: chunk::Writer::default() }
    }

    fn bytes(out: &mut Outgoing) -> BytesMut {
        BytesMut::from(out.copy_to_bytes(out.remaining()))
    }

    impl Scene {
        /// What the link has sent.
        fn sent(&mut self) -> Vec<Message> {
            let mut bytes = bytes(self.link.outgoing());
            std::iter::from_fn(|| self.reader.read(&mut bytes).unwrap()).collect()
        }

        /// What the link gives out of `messages`.
        fn receive(&mut self, messages: impl IntoIterator<Item = Message>) -> Vec<Message> {
            for message in messages {
                self.writer.write(2, message).unwrap();
            }
            let mut input = bytes(self.writer.outgoing());
            std::iter::from_fn(|| self.link.next_message(&mut input).unwrap()).collect()
        }
    }

    fn audio(size: usize) -> Message {
        Message { timestamp: 0, kind: MessageType::AUDIO, stream_id: 1, payload: vec![0; size].into() }
    }

    #[test]
    fn t20_acknowledgements_carry_the_total_with_headers_before_the_window_is_exceeded() {
        let mut scene = scene();
        scene.receive([control::window_ack_size(1000)]);
        let mut acknowledged = 0;
        for _ in 0..50 {
            scene.receive([audio(90)]);
            let received = scene.link.reader.offset();
            for ack in scene.sent() {
                assert_eq!(
                    (ack.kind, control::word(&ack)),
                    (MessageType::ACKNOWLEDGEMENT, Some(received as u32))
                );
                acknowledged = received;
            }
            assert!(received - acknowledged < 1000);
            assert!(received >= 16 + 90, "headers count");
        }
    }

    #[test]
    fn t20_acknowledgements_go_on_past_4_gib() {
        let mut window = Window { size: 1 << 20, acknowledged: 0 };
        let mut received = (1_u64 << 32) - (3 << 20);
        window.acknowledged = received;
        let mut acks = Vec::new();
        for _ in 0..12 {
            received += 1 << 19;
            acks.extend(window.due(received));
        }
        assert_eq!(acks.len(), 12);
        assert_eq!((acks[5], acks[6]), (0, 1 << 19));
    }

    #[test]
    fn t20_a_window_of_nothing_does_not_flood() {
        let mut scene = scene();
        scene.receive([control::window_ack_size(0)]);
        scene.receive([audio(10), audio(10)]);
        assert!(scene.sent().len() <= 3);
    }

    #[test]
    fn t21_strange_acknowledgements_change_nothing() {
        let mut scene = scene();
        let acks = [0, 5, u32::MAX, 3].map(control::acknowledgement);
        assert_eq!(scene.receive(acks), []);
        let cut = Message { payload: Bytes::new(), ..control::acknowledgement(1) };
        assert_eq!(scene.receive([cut]), []);
        assert_eq!(scene.sent(), []);
    }

    #[test]
    fn t22_set_peer_bandwidth_is_answered_with_a_different_window_only() {
        let mut scene = scene();
        scene.receive([control::set_peer_bandwidth(500_000)]);
        assert_eq!(scene.sent(), [control::window_ack_size(500_000)]);
        scene.receive([control::set_peer_bandwidth(500_000)]);
        assert_eq!(scene.sent(), []);
        scene.receive([control::set_peer_bandwidth(600_000)]);
        assert_eq!(scene.sent(), [control::window_ack_size(600_000)]);
    }

    #[test]
    fn t23_a_ping_is_answered_with_the_same_four_bytes() {
        let mut scene = scene();
        scene.receive([UserControl::PingRequest(0xDEAD_BEEF).message()]);
        assert_eq!(scene.sent(), [UserControl::PingResponse(0xDEAD_BEEF).message()]);
    }

    #[test]
    fn t24_unknown_user_control_is_passed_over() {
        let mut scene = scene();
        let odd =
            Message { payload: Bytes::from_static(&[0, 99, 1]), ..UserControl::StreamBegin(1).message() };
        let media = audio(3);
        assert_eq!(scene.receive([odd.clone(), media.clone()]), [odd, media]);
        assert_eq!(scene.sent(), []);
    }

    #[test]
    fn t25_the_parts_of_an_aggregate_come_out_one_by_one() {
        let mut part = vec![8, 0, 0, 1, 0, 0, 9, 0, 0, 0, 0, 0x77, 0, 0, 0, 12];
        part.extend_from_slice(&[9, 0, 0, 1, 0, 0, 29, 0, 0, 0, 0, 0x88, 0, 0, 0, 12]);
        let aggregate =
            Message { kind: MessageType::AGGREGATE, timestamp: 1000, payload: part.into(), ..audio(0) };
        let parts = scene().receive([aggregate, audio(2)]);
        let seen: Vec<_> =
            parts.iter().map(|part| (part.kind.0, part.timestamp, part.payload.len())).collect();
        assert_eq!(seen, [(8, 1000, 1), (9, 1020, 1), (8, 0, 2)]);
    }

    #[test]
    fn acknowledgements_count_in_total_over_the_wrap_or_since_the_last_time() {
        let counted = |said: &[u32]| {
            let mut acknowledged = Acknowledged::default();
            said.iter().for_each(|said| acknowledged.note(*said));
            acknowledged.news
        };
        assert_eq!(counted(&[1000, 2500, 2500]), 2500);
        assert_eq!(counted(&[u32::MAX / 2, u32::MAX - 9, 10]), u64::from(u32::MAX) + 11, "over the wrap");
        assert_eq!(
            counted(&[5000, 4000, 4500]),
            9500,
            "a count since the last time, as well as it can be told"
        );
    }
}
