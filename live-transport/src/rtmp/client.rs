//! The client's side of a connection: publishes or plays one stream.

mod config;
mod pulse;
#[cfg(test)]
mod tests;

pub use config::{ClientConfig, Purpose};

use super::chunk::{Message, MessageType};
use super::command::{self, Command};
use super::control::UserControl;
use super::error::{Error, Refusal, Step};
use super::link::Link;
use super::{Outgoing, chunk_stream};
use crate::amf0::Value;
use crate::flv::{self, Depacketizer, Packetizer, TagKind};
use bytes::{Buf, Bytes, BytesMut};
use live_core::{Packet, PacketKind, Timestamp};
use pulse::{Beat, Pulse};
use std::collections::VecDeque;
use std::time::Instant;

/// What a player says it buffers, so that servers which pace by it send at once.
const PLAY_BUFFER_MILLIS: u32 = 3000;

/// `play`'s start argument for "live if there is such a stream, else recorded".
const LIVE_OR_RECORDED: f64 = -2000.0;

/// What a ping carries: a time in milliseconds, which nobody compares.
const PING: u32 = 0;

/// What happens on a [`ClientSession`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ClientEvent {
    /// The server accepted `publish` or `play`: media may go.
    Accepted,
    /// A packet of the stream that is played.
    Packet(Packet),
    /// The stream that is played is over.
    Ended,
}

/// The client's side of an RTMP connection, without the connection.
///
/// Feed what arrives to [`handle_input`](Self::handle_input) and send what [`outgoing`](Self::outgoing) holds. After
/// either, or after [`handle_timeout`](Self::handle_timeout), take the events until
/// [`poll_event`](Self::poll_event) gives none, and ask [`poll_timeout`](Self::poll_timeout) again. An error is final.
#[derive(Debug)]
pub struct ClientSession {
    config: ClientConfig,
    link: Link,
    step: Step,
    /// When the peer must have done its part of `step`.
    deadline: Option<Instant>,
    /// Whether the server lives, while publishing.
    pulse: Option<Pulse>,
    /// Calls whose answers count, by transaction.
    calls: Vec<(f64, Step)>,
    last_transaction: f64,
    stream_id: u32,
    packetizer: Option<Packetizer>,
    depacketizer: Depacketizer,
    /// Why media that came was of no use.
    unusable: Option<flv::ErrorKind>,
    packets: Vec<Packet>,
    events: VecDeque<ClientEvent>,
}

impl ClientSession {
    /// A session on a connection that stands since `now`. Its first bytes are ready to be sent.
    #[must_use]
    pub fn new(now: Instant, config: ClientConfig) -> Self {
        let link = Link::client(config.offer_digest, config.limits);
        let mut session = Self {
            config,
            link,
            step: Step::Handshake,
            deadline: None,
            pulse: None,
            calls: Vec::new(),
            last_transaction: 0.0,
            stream_id: 0,
            packetizer: None,
            depacketizer: Depacketizer::new(),
            unusable: None,
            packets: Vec::new(),
            events: VecDeque::new(),
        };
        session.go_to(now, Step::Handshake);
        session
    }

    /// Takes what arrived off the front of `input`; leaves an incomplete rest there.
    ///
    /// # Errors
    /// The session is over: the peer refused something, or does not speak the protocol.
    pub fn handle_input(&mut self, now: Instant, input: &mut BytesMut) -> Result<(), Error> {
        if let Some(pulse) = &mut self.pulse {
            pulse.heard(now);
        }
        if !self.link.shake_hands(input)? {
            return Ok(());
        }
        if self.step == Step::Handshake {
            self.connect(now);
        }
        while let Some(message) = self.link.next_message(input)? {
            self.handle_message(now, message)?;
        }
        Ok(())
    }

    /// Bytes that the peer has acknowledged (RTMP section 5.4.3) since the last call. Peers tell seldom or never.
    pub fn take_acknowledged(&mut self) -> u64 {
        self.link.take_acknowledged()
    }

    /// Checks the deadlines.
    ///
    /// # Errors
    /// [`Error::Silent`] when the peer has not done its part in time, or is dead.
    pub fn handle_timeout(&mut self, now: Instant) -> Result<(), Error> {
        self.beat(now)?;
        if self.deadline.is_none_or(|deadline| now < deadline) {
            return Ok(());
        }
        match (self.step, self.unusable.take()) {
            (Step::Media, Some(reason)) => Err(Error::Unusable(reason)),
            (step, _) => Err(Error::Silent { step, after: self.config.patience(step) }),
        }
    }

    /// When [`handle_timeout`](Self::handle_timeout) wants to be called. Changes with every input.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.deadline.into_iter().chain(self.pulse.as_ref().map(Pulse::next)).min()
    }

    /// The next thing that happened.
    pub fn poll_event(&mut self) -> Option<ClientEvent> {
        self.events.pop_front()
    }

    /// The bytes to send, oldest first.
    pub fn outgoing(&mut self) -> &mut Outgoing {
        self.link.outgoing()
    }

    /// The step the peer has to do its part of.
    #[must_use]
    pub const fn step(&self) -> Step {
        self.step
    }

    /// Whether the server accepted the stream.
    #[must_use]
    pub fn is_accepted(&self) -> bool {
        self.step == Step::Media
    }

    /// Says which instant of the session is zero on the wire, before the first [`send`](Self::send).
    pub fn set_epoch(&mut self, epoch: Timestamp) {
        self.packetizer = Some(Packetizer::new(epoch));
    }

    /// Queues a packet, after [`ClientEvent::Accepted`]; its payload is not copied. Before that, and without an
    /// [epoch](Self::set_epoch), nothing is sent.
    ///
    /// # Errors
    /// This packet cannot be carried; the session goes on.
    pub fn send(&mut self, packet: &Packet) -> Result<(), flv::ErrorKind> {
        if !self.is_accepted() {
            return Ok(());
        }
        let Some(packetizer) = &mut self.packetizer else { return Ok(()) };
        let Some(tag) = packetizer.packetize(packet)? else { return Ok(()) };
        let (kind, chunk_stream) = match tag.kind {
            TagKind::Audio => (MessageType::AUDIO, chunk_stream::AUDIO),
            TagKind::Video => (MessageType::VIDEO, chunk_stream::VIDEO),
            _ => (MessageType::DATA_AMF0, chunk_stream::DATA),
        };
        let mut head = BytesMut::new();
        let head = match packet.kind {
            PacketKind::Metadata(_) => {
                // Tells the server to keep it for those who come later.
                Value::from("@setDataFrame").write(&mut head);
                head.extend_from_slice(tag.head.as_slice());
                &head
            }
            _ => tag.head.as_slice(),
        };
        let message =
            Message { timestamp: tag.timestamp, kind, stream_id: self.stream_id, payload: tag.payload };
        let size = tag.head.as_slice().len() + message.payload.len();
        self.link.send_media(chunk_stream, head, message).map_err(|_| flv::ErrorKind::TooLarge(size))
    }

    /// Whether the server was pinged, and has never answered: should it have hung up, then perhaps because of that.
    #[must_use]
    pub fn pinged_in_vain(&self) -> bool {
        self.pulse.is_some_and(|pulse| pulse.asked_in_vain())
    }

    /// Takes leave: tells the server that the stream is over. What is queued is still to be sent.
    pub fn finish(&mut self) {
        (self.deadline, self.pulse) = (None, None);
        if self.stream_id == 0 {
            return;
        }
        if self.config.purpose == Purpose::Publish {
            self.call("FCUnpublish", [self.config.url.stream_name().into()]);
        }
        let id = Value::from(self.stream_id);
        self.call("deleteStream", [id]);
        self.stream_id = 0;
    }

    /// Asks a server that is silent for a sign of life, and gives up one that owes it.
    fn beat(&mut self, now: Instant) -> Result<(), Error> {
        let Some(pulse) = self.pulse.as_mut().filter(|pulse| now >= pulse.next()) else { return Ok(()) };
        let out = self.link.outgoing();
        match pulse.beat(now, out.taken(), out.remaining()) {
            Beat::Wait => Ok(()),
            Beat::Ping => {
                // Any number will do; servers give it back.
                self.link.send(super::chunk::CONTROL_STREAM, UserControl::PingRequest(PING).message());
                Ok(())
            }
            Beat::Dead => Err(Error::Silent { step: self.step, after: self.config.silence }),
        }
    }

    fn go_to(&mut self, now: Instant, step: Step) {
        self.step = step;
        if step == Step::Media && self.config.purpose == Purpose::Publish && self.config.pings {
            self.pulse = Some(Pulse::new(now, self.config.silence));
        }
        let waits = step != Step::Media || self.config.purpose == Purpose::Play;
        self.deadline = waits.then(|| now + self.config.patience(step));
    }

    /// Sends a command on the connection itself; returns its transaction.
    fn call(&mut self, name: &str, arguments: impl Into<Vec<Value>>) -> f64 {
        self.call_on(0, name, Value::Null, arguments)
    }

    fn call_on(&mut self, stream: u32, name: &str, object: Value, arguments: impl Into<Vec<Value>>) -> f64 {
        self.last_transaction += 1.0;
        let transaction = self.last_transaction;
        let command = Command { object, ..Command::new(name, transaction, arguments) };
        self.link.send(chunk_stream::COMMAND, command.message(stream));
        transaction
    }

    fn connect(&mut self, now: Instant) {
        let transaction = self.call_on(0, "connect", self.config.connect_object(), []);
        self.calls.push((transaction, Step::Connect));
        self.go_to(now, Step::Connect);
    }

    fn create_stream(&mut self, now: Instant) {
        if self.config.purpose == Purpose::Publish {
            self.link.set_chunk_size(self.config.chunk_size);
            // Servers that know the two may insist on them; the others' errors, or silence, mean nothing.
            let name = self.config.url.stream_name().to_owned();
            self.call("releaseStream", [name.as_str().into()]);
            self.call("FCPublish", [name.into()]);
        }
        let transaction = self.call("createStream", []);
        self.calls.push((transaction, Step::CreateStream));
        self.go_to(now, Step::CreateStream);
    }

    fn open_stream(&mut self, now: Instant) {
        let name = Value::from(self.config.url.stream_name());
        match self.config.purpose {
            Purpose::Publish => {
                self.call_on(self.stream_id, "publish", Value::Null, [name, "live".into()]);
                self.go_to(now, Step::Publish);
            }
            Purpose::Play => {
                self.call_on(self.stream_id, "play", Value::Null, [name, LIVE_OR_RECORDED.into()]);
                let buffer =
                    UserControl::SetBufferLength { stream: self.stream_id, millis: PLAY_BUFFER_MILLIS };
                self.link.send(super::chunk::CONTROL_STREAM, buffer.message());
                self.go_to(now, Step::Play);
            }
        }
    }

    fn handle_message(&mut self, now: Instant, message: Message) -> Result<(), Error> {
        match message.kind {
            MessageType::COMMAND_AMF0 | MessageType::COMMAND_AMF3 => self.handle_command(now, &message),
            MessageType::USER_CONTROL => {
                match UserControl::parse(&message.payload) {
                    Some(UserControl::StreamEof(id)) if id == self.stream_id => self.end(),
                    Some(UserControl::PingResponse(_)) => {
                        self.pulse.iter_mut().for_each(Pulse::answered);
                    }
                    _ => {}
                }
                Ok(())
            }
            MessageType::AUDIO => {
                self.receive(now, TagKind::Audio, message.timestamp, message.payload);
                Ok(())
            }
            MessageType::VIDEO => {
                self.receive(now, TagKind::Video, message.timestamp, message.payload);
                Ok(())
            }
            MessageType::DATA_AMF0 | MessageType::DATA_AMF3 => {
                self.receive_data(message.timestamp, command::amf0_bytes(&message));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn handle_command(&mut self, now: Instant, message: &Message) -> Result<(), Error> {
        let command = Command::parse(message)?;
        match command.name.as_str() {
            "_result" | "_error" => self.handle_answer(now, &command),
            "onStatus" => self.handle_status(now, &command),
            _ => Ok(()),
        }
    }

    /// Pairs an answer with its call; answers come in any order, and not every call's answer counts.
    fn handle_answer(&mut self, now: Instant, answer: &Command) -> Result<(), Error> {
        let Some(at) = self.calls.iter().position(|(transaction, _)| *transaction == answer.transaction)
        else {
            return Ok(());
        };
        let (_, step) = self.calls.swap_remove(at);
        if answer.name == "_error" {
            return Err(refused(step, answer));
        }
        match step {
            Step::Connect => self.create_stream(now),
            _ => {
                let id = answer.arguments.first().and_then(Value::as_number).unwrap_or_default();
                // Truncation of a number that is no stream id gives 0 or the nearest one; both are refused or harmless.
                self.stream_id = id as u32;
                if self.stream_id == 0 {
                    return Err(refused(step, answer));
                }
                self.open_stream(now);
            }
        }
        Ok(())
    }

    fn handle_status(&mut self, now: Instant, status: &Command) -> Result<(), Error> {
        let info = status.info();
        if info.level == "error" || means_refusal(info.code) {
            return Err(refused(self.step, status));
        }
        match (self.step, info.code) {
            (Step::Publish, "NetStream.Publish.Start") | (Step::Play, "NetStream.Play.Start") => {
                self.accept(now)
            }
            (
                Step::Media,
                "NetStream.Play.UnpublishNotify" | "NetStream.Play.Stop" | "NetStream.Play.Complete",
            ) => self.end(),
            _ => {}
        }
        Ok(())
    }

    fn accept(&mut self, now: Instant) {
        self.go_to(now, Step::Media);
        self.events.push_back(ClientEvent::Accepted);
    }

    fn end(&mut self) {
        if self.config.purpose == Purpose::Play && self.step == Step::Media && self.deadline.take().is_some()
        {
            self.events.push_back(ClientEvent::Ended);
        }
    }

    /// Media of the stream that is played.
    fn receive(&mut self, now: Instant, kind: TagKind, timestamp: u32, body: Bytes) {
        if self.config.purpose != Purpose::Play {
            return;
        }
        // Some servers let media speak for itself.
        if self.step == Step::Play {
            self.accept(now);
        }
        let before = self.events.len();
        self.depacketize(kind, timestamp, body);
        // Also after an end: the publisher has come back.
        if self.events.len() > before {
            self.go_to(now, Step::Media);
        }
    }

    /// Data of the stream that is played. Says nothing about whether media flows.
    fn receive_data(&mut self, timestamp: u32, body: Bytes) {
        if self.step == Step::Media && self.config.purpose == Purpose::Play {
            self.depacketize(TagKind::Script, timestamp, body);
        }
    }

    fn depacketize(&mut self, kind: TagKind, timestamp: u32, body: Bytes) {
        if let Err(reason) = self.depacketizer.read(kind, timestamp, body, &mut self.packets) {
            tracing::debug!(%reason, "a message was passed over");
            self.unusable = Some(reason);
        }
        self.events.extend(self.packets.drain(..).map(ClientEvent::Packet));
    }
}

fn refused(step: Step, answer: &Command) -> Error {
    let info = answer.info();
    let refusal = Refusal { code: info.code.to_owned(), description: info.description.to_owned() };
    Error::Refused { step, refusal }
}

/// Codes that mean a refusal whatever level they come with.
fn means_refusal(code: &str) -> bool {
    let last = code.rsplit('.').next().unwrap_or_default();
    code.starts_with("Net")
        && matches!(last, "BadName" | "Rejected" | "Denied" | "StreamNotFound" | "InvalidApp")
}
