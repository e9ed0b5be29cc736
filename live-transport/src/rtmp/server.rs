//! The server's side of a connection: takes and serves streams.

#[cfg(test)]
mod tests;

use super::chunk::{self, Limits, Message, MessageType};
use super::command::{self, Command};
use super::control::{self, UserControl};
use super::error::{Error, Step};
use super::link::Link;
use super::{Outgoing, chunk_stream};
use crate::amf0::{Reader, Value};
use bytes::{Buf, Bytes, BytesMut};
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Message streams a client may have open: real clients use one.
const MAX_STREAMS: usize = 8;

/// What a [`ServerSession`] allows, and how patiently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerConfig {
    /// How long a client may take for the handshake, for `connect`, and then until it publishes or plays. Default 10 s.
    pub answer: Duration,
    /// How long a publisher may be without media. Default 30 s.
    pub silence: Duration,
    /// Bytes of the chunks that are sent. Default 65 536, as in [`ClientConfig`](super::ClientConfig).
    pub chunk_size: u32,
    /// The acknowledgement window that is announced to the client. Default 2 500 000 bytes.
    pub window: u32,
    /// What the client may make this side hold.
    pub limits: Limits,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            answer: Duration::from_secs(10),
            silence: Duration::from_secs(30),
            chunk_size: 65_536,
            window: 2_500_000,
            limits: Limits::default(),
        }
    }
}

/// What a client asks for or does.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub enum ServerEvent {
    /// It wants to publish: answer with [`accept`](ServerSession::accept) or [`refuse`](ServerSession::refuse).
    Publish {
        /// The message stream.
        stream: u32,
        /// The application, as `connect` named it.
        app: String,
        /// The stream's name, with its tokens.
        name: String,
    },
    /// It wants to play: answer likewise.
    Play {
        /// The message stream.
        stream: u32,
        /// The application, as `connect` named it.
        app: String,
        /// The stream's name, with its tokens.
        name: String,
    },
    /// Audio, video or data of the stream it publishes. Data comes without `@setDataFrame`, as players expect it.
    Media(Message),
    /// It has ended what it published or played.
    Closed {
        /// The message stream.
        stream: u32,
    },
}

/// Hides stream names, which are keys.
impl std::fmt::Debug for ServerEvent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Publish { stream, app, .. } => write!(f, "Publish(stream {stream}, {app}/***)"),
            Self::Play { stream, app, .. } => write!(f, "Play(stream {stream}, {app}/***)"),
            Self::Media(message) => f.debug_tuple("Media").field(message).finish(),
            Self::Closed { stream } => write!(f, "Closed(stream {stream})"),
        }
    }
}

/// What a message stream is in use for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Idle,
    AsksToPublish,
    AsksToPlay,
    Publishes,
    Plays,
}

#[derive(Debug)]
struct Stream {
    id: u32,
    role: Role,
}

/// The server's side of an RTMP connection, without the connection.
///
/// To be fed and polled as [`ClientSession`](super::ClientSession). Every application is accepted; streams are
/// accepted or refused by the caller.
#[derive(Debug)]
pub struct ServerSession {
    config: ServerConfig,
    link: Link,
    step: Step,
    deadline: Option<Instant>,
    app: String,
    streams: Vec<Stream>,
    last_stream: u32,
    events: VecDeque<ServerEvent>,
}

impl ServerSession {
    /// A session on a connection that was accepted at `now`.
    #[must_use]
    pub fn new(now: Instant, config: ServerConfig) -> Self {
        Self {
            config,
            link: Link::server(config.limits),
            step: Step::Handshake,
            deadline: Some(now + config.answer),
            app: String::new(),
            streams: Vec::new(),
            last_stream: 0,
            events: VecDeque::new(),
        }
    }

    /// Takes what arrived off the front of `input`; leaves an incomplete rest there.
    ///
    /// # Errors
    /// The session is over: the peer does not speak the protocol, or breaks a limit.
    pub fn handle_input(&mut self, now: Instant, input: &mut BytesMut) -> Result<(), Error> {
        if !self.link.shake_hands(input)? {
            return Ok(());
        }
        if self.step == Step::Handshake {
            self.wait_for(now, Step::Connect);
        }
        while let Some(message) = self.link.next_message(input)? {
            self.handle_message(now, message)?;
        }
        Ok(())
    }

    /// Checks the deadlines.
    ///
    /// # Errors
    /// [`Error::Silent`] when the client has not done its part in time.
    pub fn handle_timeout(&mut self, now: Instant) -> Result<(), Error> {
        if self.deadline.is_none_or(|deadline| now < deadline) {
            return Ok(());
        }
        Err(Error::Silent { step: self.step, after: self.patience() })
    }

    /// When [`handle_timeout`](Self::handle_timeout) wants to be called. Changes with every input.
    #[must_use]
    pub const fn poll_timeout(&self) -> Option<Instant> {
        self.deadline
    }

    /// The next thing that happened.
    pub fn poll_event(&mut self) -> Option<ServerEvent> {
        self.events.pop_front()
    }

    /// The bytes to send, oldest first.
    pub fn outgoing(&mut self) -> &mut Outgoing {
        self.link.outgoing()
    }

    /// Grants what the client asked for on `stream`. Nothing happens when it did not ask, or has gone on.
    pub fn accept(&mut self, now: Instant, stream: u32) {
        let Some(entry) = self.streams.iter_mut().find(|entry| entry.id == stream) else { return };
        match entry.role {
            Role::AsksToPublish => {
                entry.role = Role::Publishes;
                self.link.send(chunk::CONTROL_STREAM, UserControl::StreamBegin(stream).message());
                self.status(stream, "status", "NetStream.Publish.Start", "Publishing.");
            }
            Role::AsksToPlay => {
                entry.role = Role::Plays;
                self.link.send(chunk::CONTROL_STREAM, UserControl::StreamBegin(stream).message());
                self.status(stream, "status", "NetStream.Play.Reset", "Playing from the start.");
                self.status(stream, "status", "NetStream.Play.Start", "Playing.");
            }
            _ => return,
        }
        self.wait_for_stream(now);
    }

    /// Refuses what the client asked for on `stream`, with a code such as `NetStream.Publish.BadName`.
    pub fn refuse(&mut self, now: Instant, stream: u32, code: &str, description: &str) {
        let Some(entry) = self.streams.iter_mut().find(|entry| entry.id == stream) else { return };
        entry.role = Role::Idle;
        self.status(stream, "error", code, description);
        self.wait_for_stream(now);
    }

    /// Sends media to a client that plays on `stream`; the payload is not copied.
    pub fn send_media(&mut self, stream: u32, message: &Message) {
        let chunk_stream = match message.kind {
            MessageType::AUDIO => chunk_stream::AUDIO,
            MessageType::VIDEO => chunk_stream::VIDEO,
            _ => chunk_stream::DATA,
        };
        let message = Message { stream_id: stream, ..message.clone() };
        if let Err(reason) = self.link.send_media(chunk_stream, &[], message) {
            tracing::debug!(%reason, "a message was passed over");
        }
    }

    /// Tells a client that plays on `stream` that the stream is over.
    pub fn end(&mut self, now: Instant, stream: u32) {
        self.pause(stream);
        let Some(entry) = self.streams.iter_mut().find(|entry| entry.id == stream) else { return };
        entry.role = Role::Idle;
        self.wait_for_stream(now);
    }

    /// Tells a client that plays on `stream` that its publisher has gone, and may come back: the client keeps its place.
    pub fn pause(&mut self, stream: u32) {
        if self.role(stream) == Some(Role::Plays) {
            let text = "The publisher has ended the stream.";
            self.status(stream, "status", "NetStream.Play.UnpublishNotify", text);
            self.link.send(chunk::CONTROL_STREAM, UserControl::StreamEof(stream).message());
        }
    }

    /// Tells a client that plays on `stream`, and was [told](Self::pause) that the publisher had gone, that it is back.
    pub fn resume(&mut self, stream: u32) {
        if self.role(stream) == Some(Role::Plays) {
            self.link.send(chunk::CONTROL_STREAM, UserControl::StreamBegin(stream).message());
            self.status(stream, "status", "NetStream.Play.PublishNotify", "The publisher is back.");
        }
    }

    fn status(&mut self, stream: u32, level: &str, code: &str, description: &str) {
        self.link.send(chunk_stream::COMMAND, Command::on_status(level, code, description).message(stream));
    }

    fn patience(&self) -> Duration {
        if self.step == Step::Media { self.config.silence } else { self.config.answer }
    }

    fn wait_for(&mut self, now: Instant, step: Step) {
        self.step = step;
        self.deadline = Some(now + self.patience());
    }

    /// Sets the deadline that follows from what the streams are in use for.
    fn wait_for_stream(&mut self, now: Instant) {
        let has = |role| self.streams.iter().any(|stream| stream.role == role);
        if has(Role::Publishes) {
            self.wait_for(now, Step::Media);
        } else if has(Role::Plays) || has(Role::AsksToPublish) || has(Role::AsksToPlay) {
            // It is not the client's turn.
            self.step = Step::Media;
            self.deadline = None;
        } else {
            self.wait_for(now, Step::CreateStream);
        }
    }

    fn role(&self, stream: u32) -> Option<Role> {
        self.streams.iter().find(|entry| entry.id == stream).map(|entry| entry.role)
    }

    fn handle_message(&mut self, now: Instant, message: Message) -> Result<(), Error> {
        match message.kind {
            MessageType::COMMAND_AMF0 | MessageType::COMMAND_AMF3 => {
                let command = Command::parse(&message)?;
                self.handle_command(now, message.stream_id, &command)?;
            }
            MessageType::AUDIO | MessageType::VIDEO
                if self.role(message.stream_id) == Some(Role::Publishes) =>
            {
                self.wait_for(now, Step::Media);
                self.events.push_back(ServerEvent::Media(message));
            }
            MessageType::DATA_AMF0 | MessageType::DATA_AMF3
                if self.role(message.stream_id) == Some(Role::Publishes) =>
            {
                let payload = without_set_data_frame(command::amf0_bytes(&message));
                let data = Message { kind: MessageType::DATA_AMF0, payload, ..message };
                self.events.push_back(ServerEvent::Media(data));
            }
            _ => {}
        }
        Ok(())
    }

    fn handle_command(&mut self, now: Instant, on: u32, command: &Command) -> Result<(), Error> {
        let text = |index: usize| command.arguments.get(index).and_then(Value::as_str).unwrap_or_default();
        match command.name.as_str() {
            "connect" => self.connect(now, command),
            "createStream" => self.create_stream(command)?,
            "publish" => self.ask(now, on, Role::AsksToPublish, text(0)),
            "play" => self.ask(now, on, Role::AsksToPlay, text(0)),
            "deleteStream" => {
                let id = command.arguments.first().and_then(Value::as_number).unwrap_or_default();
                // Truncation gives an id that exists or one that does not; the latter is passed over.
                self.close(now, id as u32);
                self.streams.retain(|stream| stream.id != id as u32);
            }
            "closeStream" => self.close(now, on),
            "FCUnpublish" => {
                let publishing = self.streams.iter().find(|stream| stream.role == Role::Publishes);
                if let Some(id) = publishing.map(|stream| stream.id) {
                    self.close(now, id);
                }
                self.answer(command, Value::Null);
            }
            "releaseStream" | "FCPublish" | "FCSubscribe" | "_checkbw" => self.answer(command, Value::Null),
            "getStreamLength" => self.answer(command, 0.0.into()),
            _ => self.answer_unknown(command),
        }
        Ok(())
    }

    /// Answers a call, if it wants an answer.
    fn answer(&mut self, call: &Command, value: Value) {
        if call.transaction != 0.0 {
            let answer = Command::new("_result", call.transaction, [value]);
            self.link.send(chunk_stream::COMMAND, answer.message(0));
        }
    }

    fn answer_unknown(&mut self, call: &Command) {
        if call.transaction != 0.0 && call.name != "_result" && call.name != "_error" {
            let info = Command::on_status("error", "NetConnection.Call.Failed", "There is no such command.");
            let answer = Command::new("_error", call.transaction, info.arguments);
            self.link.send(chunk_stream::COMMAND, answer.message(0));
        }
    }

    fn connect(&mut self, now: Instant, command: &Command) {
        let app = command.object.get("app").and_then(Value::as_str).unwrap_or_default();
        self.app = app.trim_matches('/').to_owned();
        self.link.announce_window(self.config.window);
        self.link.send(chunk::CONTROL_STREAM, control::set_peer_bandwidth(self.config.window));
        self.link.set_chunk_size(self.config.chunk_size);
        let mut answer = Command::new("_result", command.transaction, []);
        answer.object =
            Value::object([("fmsVer", "FMS/3,5,7,7009".into()), ("capabilities", Value::from(31.0))]);
        answer.arguments.push(Value::object([
            ("level", "status".into()),
            ("code", "NetConnection.Connect.Success".into()),
            ("description", "Connection succeeded.".into()),
            // Commands are answered in AMF0, whatever the client would prefer; absent means the same.
            ("objectEncoding", Value::from(0.0)),
        ]));
        self.link.send(chunk_stream::COMMAND, answer.message(0));
        self.wait_for_stream(now);
    }

    fn create_stream(&mut self, command: &Command) -> Result<(), Error> {
        if self.streams.len() >= MAX_STREAMS {
            return Err(Error::TooManyStreams(MAX_STREAMS));
        }
        self.last_stream += 1;
        self.streams.push(Stream { id: self.last_stream, role: Role::Idle });
        self.answer(command, self.last_stream.into());
        Ok(())
    }

    /// Passes the wish to publish or play on to the caller.
    fn ask(&mut self, now: Instant, stream: u32, role: Role, name: &str) {
        let Some(entry) = self.streams.iter_mut().find(|entry| entry.id == stream) else {
            self.status(stream, "error", "NetStream.Failed", "There is no such message stream.");
            return;
        };
        if entry.role != Role::Idle {
            self.status(stream, "error", "NetStream.Failed", "The message stream is in use.");
            return;
        }
        entry.role = role;
        let (app, name) = (self.app.clone(), name.to_owned());
        self.events.push_back(match role {
            Role::AsksToPublish => ServerEvent::Publish { stream, app, name },
            _ => ServerEvent::Play { stream, app, name },
        });
        self.wait_for_stream(now);
    }

    fn close(&mut self, now: Instant, stream: u32) {
        let Some(entry) = self.streams.iter_mut().find(|entry| entry.id == stream) else { return };
        let role = std::mem::replace(&mut entry.role, Role::Idle);
        if role == Role::Idle {
            return;
        }
        if role == Role::Publishes {
            self.status(stream, "status", "NetStream.Unpublish.Success", "The stream has ended.");
        }
        self.events.push_back(ServerEvent::Closed { stream });
        self.wait_for_stream(now);
    }
}

/// Takes the name of the command that asks a server to keep the data off its front.
fn without_set_data_frame(mut body: Bytes) -> Bytes {
    let mut reader = Reader::new(&body);
    if reader.read().is_ok_and(|name| name.as_str() == Some("@setDataFrame")) {
        let behind = reader.position();
        body.advance(behind);
    }
    body
}
