//! The server against our own client, and against scripted ones.

use super::*;
use crate::rtmp::chunk::{Reader as ChunkReader, Writer};
use crate::rtmp::handshake::Handshake;
use crate::rtmp::{ClientConfig, ClientEvent, ClientSession, Purpose};
use live_core::{Codec, Metadata, Packet, PacketKind, Timestamp};

fn take(out: &mut Outgoing) -> BytesMut {
    BytesMut::from(out.copy_to_bytes(out.remaining()))
}

/// A client and a server, wired together; bytes travel `step` at a time.
struct Pair {
    now: Instant,
    client: ClientSession,
    server: ServerSession,
    step: usize,
    to_client: BytesMut,
    to_server: BytesMut,
}

impl Pair {
    fn new(purpose: Purpose, step: usize) -> Self {
        let now = Instant::now();
        let mut config = ClientConfig::new(purpose, "rtmp://host/live/cam1?token=5".parse().unwrap());
        config.chunk_size = 1000;
        Self {
            now,
            client: ClientSession::new(now, config),
            server: ServerSession::new(now, ServerConfig { chunk_size: 333, ..ServerConfig::default() }),
            step,
            to_client: BytesMut::new(),
            to_server: BytesMut::new(),
        }
    }

    /// Lets bytes travel until both sides are quiet.
    fn run(&mut self) {
        loop {
            let (up, down) = (take(self.client.outgoing()), take(self.server.outgoing()));
            if up.is_empty() && down.is_empty() {
                return;
            }
            for piece in up.chunks(self.step) {
                self.to_server.extend_from_slice(piece);
                self.server.handle_input(self.now, &mut self.to_server).unwrap();
            }
            for piece in down.chunks(self.step) {
                self.to_client.extend_from_slice(piece);
                self.client.handle_input(self.now, &mut self.to_client).unwrap();
            }
        }
    }

    /// Opened up to the server's decision.
    fn asked(purpose: Purpose, step: usize) -> Self {
        let mut pair = Self::new(purpose, step);
        pair.run();
        let (app, name) = ("live".to_owned(), "cam1?token=5".to_owned());
        let wish = match purpose {
            Purpose::Publish => ServerEvent::Publish { stream: 1, app, name },
            Purpose::Play => ServerEvent::Play { stream: 1, app, name },
        };
        assert_eq!(pair.server.poll_event(), Some(wish));
        pair
    }

    fn accepted(purpose: Purpose, step: usize) -> Self {
        let mut pair = Self::asked(purpose, step);
        pair.server.accept(pair.now, 1);
        pair.run();
        assert_eq!(pair.client.poll_event(), Some(ClientEvent::Accepted));
        pair
    }

    fn server_events(&mut self) -> Vec<ServerEvent> {
        std::iter::from_fn(|| self.server.poll_event()).collect()
    }

    fn client_events(&mut self) -> Vec<ClientEvent> {
        std::iter::from_fn(|| self.client.poll_event()).collect()
    }
}

fn stream() -> Vec<Packet> {
    let at = Timestamp::from_millis;
    vec![
        Packet::metadata(at(0), Metadata { width: Some(640), ..Metadata::default() }),
        Packet::config(Codec::H264, at(0), Bytes::from_static(&[1, 66, 0, 30, 0xFF, 0xE0, 0])),
        Packet::config(Codec::Aac, at(0), Bytes::from_static(&[0x11, 0x90])),
        Packet::key(at(80), at(0), Bytes::from(vec![5; 5000])),
        Packet::audio(at(3), Bytes::from(vec![6; 300])),
        Packet::delta(at(40), at(40), false, Bytes::from(vec![0; 999])),
    ]
}

#[test]
fn a_published_stream_comes_out_of_a_player_for_any_split() {
    for step in [1, 13, 4096, usize::MAX] {
        let mut publisher = Pair::accepted(Purpose::Publish, step);
        let mut player = Pair::accepted(Purpose::Play, step);
        publisher.client.set_epoch(Timestamp::ZERO);
        for packet in stream() {
            publisher.client.send(&packet).unwrap();
        }
        publisher.run();
        for event in publisher.server_events() {
            let ServerEvent::Media(message) = event else { panic!("{event:?}") };
            player.server.send_media(1, &message);
        }
        player.run();
        let got = player.client_events().into_iter().map(|event| match event {
            ClientEvent::Packet(packet) => packet,
            other => panic!("{other:?}"),
        });
        let (got, sent) = (got.collect::<Vec<_>>(), stream());
        assert!(matches!(&got[0].kind, PacketKind::Metadata(metadata) if metadata.width == Some(640)));
        assert_eq!(got[1..], sent[1..], "in steps of {step}");
    }
}

#[test]
fn a_publisher_that_finishes_is_closed_and_a_player_is_told_the_end() {
    let mut publisher = Pair::accepted(Purpose::Publish, 100);
    publisher.client.finish();
    publisher.run();
    assert_eq!(publisher.server_events(), [ServerEvent::Closed { stream: 1 }]);

    let mut player = Pair::accepted(Purpose::Play, 100);
    player.server.end(player.now, 1);
    player.run();
    assert_eq!(player.client_events(), [ClientEvent::Ended]);
    player.client.finish();
    player.run();
    assert_eq!(player.server_events(), []);
}

#[test]
fn a_refusal_reaches_the_client_with_its_code() {
    let mut pair = Pair::asked(Purpose::Publish, usize::MAX);
    pair.server.refuse(pair.now, 1, "NetStream.Publish.BadName", "taken");
    let mut bytes = take(pair.server.outgoing());
    let error = pair.client.handle_input(pair.now, &mut bytes).unwrap_err();
    assert!(matches!(error, Error::Refused { refusal, .. } if refusal.is_name_in_use()));
}

#[test]
fn deadlines_follow_what_the_client_does() {
    let server = ServerSession::new(Instant::now(), ServerConfig::default());
    assert_eq!(server.step, Step::Handshake);
    for (purpose, silence) in [(Purpose::Publish, Some(30)), (Purpose::Play, None)] {
        let mut pair = Pair::asked(purpose, usize::MAX);
        assert_eq!(pair.server.poll_timeout(), None, "the caller has to answer");
        pair.server.accept(pair.now, 1);
        assert_eq!(pair.server.poll_timeout(), silence.map(|s| pair.now + Duration::from_secs(s)));
        pair.run();
        pair.client.finish();
        pair.run();
        let after = pair.now + Duration::from_secs(10);
        let result = pair.server.handle_timeout(after);
        assert!(matches!(result, Err(Error::Silent { step: Step::CreateStream, .. })), "{result:?}");
    }
}

/// A server behind the handshake, and a client that says what a test wants.
struct Scripted {
    server: ServerSession,
    reader: ChunkReader,
    writer: Writer,
}

impl Scripted {
    fn new() -> Self {
        let now = Instant::now();
        let mut scripted = Self {
            server: ServerSession::new(now, ServerConfig::default()),
            reader: ChunkReader::new(Limits::default()),
            writer: Writer::default(),
        };
        let mut handshake = Handshake::client(true, scripted.writer.outgoing());
        while !handshake.is_complete() {
            let mut bytes = take(scripted.writer.outgoing());
            scripted.server.handle_input(now, &mut bytes).unwrap();
            let mut bytes = take(scripted.server.outgoing());
            handshake.handle_input(&mut bytes, scripted.writer.outgoing()).unwrap();
        }
        scripted
    }

    fn say(&mut self, message: Message) -> Result<(), Error> {
        self.writer.write(3, message).unwrap();
        let mut bytes = take(self.writer.outgoing());
        self.server.handle_input(Instant::now(), &mut bytes)
    }

    fn call(
        &mut self,
        stream: u32,
        name: &str,
        transaction: f64,
        arguments: impl Into<Vec<Value>>,
    ) -> Vec<Command> {
        self.say(Command::new(name, transaction, arguments).message(stream)).unwrap();
        self.answers()
    }

    fn answers(&mut self) -> Vec<Command> {
        let mut bytes = take(self.server.outgoing());
        let messages = std::iter::from_fn(|| self.reader.read(&mut bytes).unwrap());
        let commands = messages.filter(|message| message.kind == MessageType::COMMAND_AMF0);
        commands.map(|message| Command::parse(&message).unwrap()).collect()
    }
}

#[test]
fn t34_a_client_that_names_no_object_encoding_is_answered_in_amf0() {
    let mut scripted = Scripted::new();
    let answers = scripted.call(0, "connect", 1.0, []);
    assert_eq!((answers[0].name.as_str(), answers[0].transaction), ("_result", 1.0));
    assert_eq!(answers[0].arguments[0].get("objectEncoding"), Some(&0.0.into()));
}

#[test]
fn t39_unknown_calls_are_answered_so_that_nobody_waits() {
    let mut scripted = Scripted::new();
    scripted.call(0, "connect", 1.0, []);
    assert_eq!(scripted.call(0, "_checkbw", 2.0, [])[0].name, "_result");
    assert_eq!(scripted.call(0, "whatIsThis", 3.0, [])[0].name, "_error");
    assert_eq!(scripted.call(0, "whatIsThis", 0.0, []), []);
    assert_eq!(scripted.call(0, "_error", 4.0, []), []);
}

#[test]
fn t35_commands_of_type_17_are_understood() {
    let mut scripted = Scripted::new();
    let mut message = Command::new("createStream", 2.0, []).message(0);
    message.kind = MessageType::COMMAND_AMF3;
    message.payload = [&[0][..], &message.payload].concat().into();
    scripted.say(message).unwrap();
    assert_eq!(scripted.answers()[0].arguments, [1.0.into()]);
}

#[test]
fn streams_are_bounded_and_must_exist() {
    let mut scripted = Scripted::new();
    let answers = scripted.call(9, "publish", 0.0, ["x".into()]);
    assert_eq!(answers[0].info().code, "NetStream.Failed");
    for _ in 0..MAX_STREAMS {
        scripted.call(0, "createStream", 2.0, []);
    }
    let result = scripted.say(Command::new("createStream", 2.0, []).message(0));
    assert_eq!(result, Err(Error::TooManyStreams(MAX_STREAMS)));
}

#[test]
fn media_of_a_stream_that_was_not_accepted_is_passed_over() {
    let mut scripted = Scripted::new();
    scripted.call(0, "createStream", 2.0, []);
    scripted.call(1, "publish", 0.0, ["x".into()]);
    let audio =
        Message { timestamp: 0, kind: MessageType::AUDIO, stream_id: 1, payload: Bytes::from_static(b"a") };
    scripted.say(audio).unwrap();
    assert!(matches!(scripted.server.poll_event(), Some(ServerEvent::Publish { .. })));
    assert_eq!(scripted.server.poll_event(), None);
}

#[test]
fn events_do_not_print_stream_names() {
    let event = ServerEvent::Play { stream: 1, app: "live".into(), name: "secret".into() };
    assert_eq!(format!("{event:?}"), "Play(stream 1, live/***)");
}
