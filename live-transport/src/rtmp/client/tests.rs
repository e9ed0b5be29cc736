//! The client against a scripted server: the rules of the opening dialogue, of media and of leave-taking.

use super::*;
use crate::rtmp::chunk::{Limits, Reader, Writer};
use crate::rtmp::handshake::Handshake;
use bytes::Buf;
use live_core::{Codec, Metadata, Track};
use std::time::Duration;

/// A client session, and the other end of its chunk stream, which does what a test says.
struct Scene {
    now: Instant,
    client: ClientSession,
    reader: Reader,
    input: BytesMut,
    writer: Writer,
}

impl Scene {
    /// A connection behind the handshake.
    fn new(purpose: Purpose, url: &str) -> Self {
        let now = Instant::now();
        let client = ClientSession::new(now, ClientConfig::new(purpose, url.parse().unwrap()));
        let mut scene = Self {
            now,
            client,
            reader: Reader::new(Limits::default()),
            input: BytesMut::new(),
            writer: Writer::default(),
        };
        let mut handshake = Handshake::server();
        while !handshake.is_complete() {
            let mut from_client = scene.client_bytes();
            handshake.handle_input(&mut from_client, scene.writer.outgoing()).unwrap();
            scene.input.extend_from_slice(&from_client);
            scene.deliver().unwrap();
        }
        scene
    }

    fn publisher() -> Self {
        Self::new(Purpose::Publish, "rtmp://host/live/cam1?txSecret=s&txTime=5")
    }

    fn player() -> Self {
        Self::new(Purpose::Play, "rtmp://host/live/cam1")
    }

    /// With the stream accepted.
    fn accepted(mut self) -> Self {
        self.answer_all();
        let (code, step) = match self.client.config.purpose {
            Purpose::Publish => ("NetStream.Publish.Start", Step::Publish),
            Purpose::Play => ("NetStream.Play.Start", Step::Play),
        };
        assert_eq!(self.client.step, step);
        self.status("status", code).unwrap();
        assert_eq!(self.client.poll_event(), Some(ClientEvent::Accepted));
        self
    }

    fn client_bytes(&mut self) -> BytesMut {
        let out = self.client.outgoing();
        BytesMut::from(out.copy_to_bytes(out.remaining()))
    }

    /// What the client has sent.
    fn sent(&mut self) -> Vec<Message> {
        let bytes = self.client_bytes();
        self.input.extend_from_slice(&bytes);
        std::iter::from_fn(|| self.reader.read(&mut self.input).unwrap()).collect()
    }

    fn commands(&mut self) -> Vec<(u32, Command)> {
        let commands = self.sent().into_iter().filter(|message| message.kind == MessageType::COMMAND_AMF0);
        commands.map(|message| (message.stream_id, Command::parse(&message).unwrap())).collect()
    }

    fn names(&mut self) -> Vec<String> {
        self.commands().into_iter().map(|(_, command)| command.name).collect()
    }

    fn deliver(&mut self) -> Result<(), Error> {
        let out = self.writer.outgoing();
        let mut bytes = BytesMut::from(out.copy_to_bytes(out.remaining()));
        self.client.handle_input(self.now, &mut bytes)
    }

    fn say(&mut self, message: Message) -> Result<(), Error> {
        self.writer.write(3, message).unwrap();
        self.deliver()
    }

    fn answer(&mut self, name: &str, transaction: f64, argument: impl Into<Value>) -> Result<(), Error> {
        self.say(Command::new(name, transaction, [argument.into()]).message(0))
    }

    fn status(&mut self, level: &str, code: &str) -> Result<(), Error> {
        self.say(Command::on_status(level, code, "words").message(1))
    }

    /// Answers `connect` and `createStream`, whose stream is number 1.
    fn answer_all(&mut self) {
        let connect = self.commands().remove(0).1;
        self.answer("_result", connect.transaction, Value::Null).unwrap();
        let create = self.commands().into_iter().find(|(_, command)| command.name == "createStream").unwrap();
        self.answer("_result", create.1.transaction, 1.0).unwrap();
    }

    fn media(&mut self, kind: MessageType, timestamp: u32, body: &'static [u8]) -> Vec<ClientEvent> {
        let payload = Bytes::from_static(body);
        self.say(Message { timestamp, kind, stream_id: 1, payload }).unwrap();
        self.events()
    }

    fn events(&mut self) -> Vec<ClientEvent> {
        std::iter::from_fn(|| self.client.poll_event()).collect()
    }

    fn pass(&mut self, time: Duration) -> Result<(), Error> {
        self.now += time;
        self.client.handle_timeout(self.now)
    }
}

fn refusal(result: Result<(), Error>) -> (Step, String) {
    match result {
        Err(Error::Refused { step, refusal }) => (step, refusal.code),
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn t30_connect_names_app_and_tc_url_without_user_and_stream() {
    let mut scene = Scene::new(Purpose::Publish, "rtmp://user:pw@host/app/instance/cam1#part");
    let (stream, connect) = scene.commands().remove(0);
    assert_eq!((stream, connect.name.as_str(), connect.transaction), (0, "connect", 1.0));
    assert_eq!(connect.object.get("app"), Some(&"app/instance".into()));
    assert_eq!(connect.object.get("tcUrl"), Some(&"rtmp://host/app/instance".into()));
}

#[test]
fn t31_an_explicit_port_stays_in_tc_url() {
    let mut scene = Scene::new(Purpose::Play, "rtmp://host:1935/live/cam1");
    let (_, connect) = scene.commands().remove(0);
    assert_eq!(connect.object.get("tcUrl"), Some(&"rtmp://host:1935/live".into()));
}

#[test]
fn t32_tokens_belong_to_the_stream_name() {
    let mut scene = Scene::publisher();
    scene.answer_all();
    let (stream, publish) = scene.commands().remove(0);
    assert_eq!((stream, publish.name.as_str()), (1, "publish"));
    assert_eq!(publish.arguments, ["cam1?txSecret=s&txTime=5".into(), "live".into()]);
    let shown = format!("{:?} {publish:?}", scene.client);
    assert!(!shown.contains("txSecret") && !shown.contains("116, 120, 83"), "{shown}");
}

#[test]
fn t33_a_player_says_which_codecs_it_takes() {
    let (_, connect) = Scene::player().commands().remove(0);
    assert_eq!(connect.object.get("videoCodecs"), Some(&128.0.into()));
    assert_eq!(connect.object.get("audioCodecs"), Some(&1028.0.into()));
}

#[test]
fn t34_object_encoding_is_left_out_which_means_amf0() {
    let (_, connect) = Scene::publisher().commands().remove(0);
    assert_eq!(connect.object.get("objectEncoding"), None);
}

#[test]
fn t36_leave_is_taken_with_fcunpublish_and_then_delete_stream_on_stream_0() {
    let mut scene = Scene::publisher().accepted();
    scene.sent();
    scene.client.finish();
    let commands = scene.commands();
    let shape: Vec<_> = commands.iter().map(|(stream, command)| (*stream, command.name.as_str())).collect();
    assert_eq!(shape, [(0, "FCUnpublish"), (0, "deleteStream")]);
    assert_eq!(commands[1].1.arguments, [1.0.into()]);
    scene.client.finish();
    assert_eq!(scene.names(), [""; 0], "once is enough");
}

#[test]
fn t37_release_stream_and_fcpublish_may_fail_or_stay_unanswered() {
    for fails in [true, false] {
        let mut scene = Scene::publisher();
        let connect = scene.commands().remove(0).1;
        scene.answer("_result", connect.transaction, Value::Null).unwrap();
        let commands = scene.commands();
        let names: Vec<_> = commands.iter().map(|(_, command)| command.name.as_str()).collect();
        assert_eq!(names, ["releaseStream", "FCPublish", "createStream"]);
        if fails {
            scene.answer("_error", commands[0].1.transaction, Value::Null).unwrap();
            scene.answer("_error", commands[1].1.transaction, Value::Null).unwrap();
        }
        scene.answer("_result", commands[2].1.transaction, 1.0).unwrap();
        assert_eq!(scene.names(), ["publish"]);
    }
}

#[test]
fn t38_answers_are_matched_by_transaction_and_not_by_order() {
    let mut scene = Scene::publisher();
    let connect = scene.commands().remove(0).1;
    scene.answer("_result", connect.transaction, Value::Null).unwrap();
    let calls = scene.commands();
    let create = &calls[2].1;
    scene.answer("_result", create.transaction, 7.0).unwrap();
    // The others' answers come late; a stranger's answer never had a call.
    scene.answer("_result", calls[0].1.transaction, 99.0).unwrap();
    scene.answer("_error", 1234.0, Value::Null).unwrap();
    let (stream, publish) = scene.commands().remove(0);
    assert_eq!((stream, publish.name.as_str()), (7, "publish"));
}

#[test]
fn t39_unknown_commands_are_passed_over() {
    let mut scene = Scene::player().accepted();
    for name in ["onBWDone", "_checkbw", "|RtmpSampleAccess", "onFCPublish", "@setDataFrame", "close"] {
        scene.answer(name, 0.0, 8192.0).unwrap();
    }
    assert_eq!(scene.events(), []);
}

#[test]
fn t40_no_media_goes_before_publish_start() {
    let mut scene = Scene::publisher();
    scene.client.set_epoch(Timestamp::ZERO);
    let packet = Packet::audio(Timestamp::ZERO, Bytes::from_static(b"sound"));
    scene.answer_all();
    scene.sent();
    scene.client.send(&packet).unwrap();
    assert_eq!(scene.sent(), []);
    scene.status("status", "NetStream.Publish.Start").unwrap();
    scene.client.send(&packet).unwrap();
    assert_eq!(scene.sent().len(), 1);
}

#[test]
fn t40_stream_begin_is_not_waited_for() {
    // `accepted` never sends it.
    Scene::publisher().accepted();
    Scene::player().accepted();
}

#[test]
fn t41_a_status_of_level_error_is_a_refusal_with_the_servers_words() {
    let mut scene = Scene::publisher();
    scene.answer_all();
    let Err(error) = scene.status("error", "NetStream.Publish.BadName") else { panic!("accepted") };
    assert_eq!(error.to_string(), "publish was refused: NetStream.Publish.BadName: words");
    let Error::Refused { refusal, .. } = error else { panic!("{error}") };
    assert!(refusal.is_name_in_use());

    let mut scene = Scene::player();
    scene.answer_all();
    let result = scene.status("status", "NetStream.Play.StreamNotFound");
    assert_eq!(refusal_step(result), Step::Play);
}

fn refusal_step(result: Result<(), Error>) -> Step {
    refusal(result).0
}

#[test]
fn t41_connect_and_create_stream_can_be_refused() {
    let mut scene = Scene::publisher();
    let info = Command::on_status("error", "NetConnection.Connect.Rejected", "").arguments.remove(0);
    let result = scene.answer("_error", 1.0, info);
    assert_eq!(refusal(result), (Step::Connect, "NetConnection.Connect.Rejected".into()));

    let mut scene = Scene::publisher();
    scene.answer("_result", 1.0, Value::Null).unwrap();
    let result = scene.answer("_error", 4.0, Value::Null);
    assert_eq!(refusal_step(result), Step::CreateStream);

    let mut scene = Scene::publisher();
    scene.answer("_result", 1.0, Value::Null).unwrap();
    let result = scene.answer("_result", 4.0, "not a number");
    assert_eq!(refusal_step(result), Step::CreateStream);
}

#[test]
fn t42_an_error_right_after_publish_start_ends_the_session() {
    let mut scene = Scene::publisher().accepted();
    assert_eq!(refusal_step(scene.status("error", "NetStream.Publish.Denied")), Step::Media);
}

#[test]
fn t44_connect_carries_nothing_that_a_server_could_refuse_enhanced_rtmp_for() {
    for mut scene in [Scene::publisher(), Scene::player()] {
        let (_, connect) = scene.commands().remove(0);
        for name in ["fourCcList", "videoFourCcInfoMap", "audioFourCcInfoMap", "capsEx"] {
            assert_eq!(connect.object.get(name), None, "{name}");
        }
    }
}

#[test]
fn t45_information_and_a_key_frame_go_first_and_timestamps_go_on() {
    let late = Timestamp::from_millis(20_000_000);
    let mut scene = Scene::publisher().accepted();
    scene.sent();
    scene.client.set_epoch(Timestamp::ZERO);
    let metadata = Packet::metadata(late, Metadata { width: Some(640), ..Metadata::default() });
    let config = Packet::config(Codec::H264, late, Bytes::from_static(&[1, 66, 0, 30, 0xFF, 0xE0, 0]));
    let key = Packet::key(late, late, Bytes::from_static(&[0, 0, 0, 2, 0x65, 1]));
    for packet in [&metadata, &config, &key] {
        scene.client.send(packet).unwrap();
    }
    let sent = scene.sent();
    let kinds: Vec<_> = sent.iter().map(|message| message.kind).collect();
    assert_eq!(kinds, [MessageType::DATA_AMF0, MessageType::VIDEO, MessageType::VIDEO]);
    assert!(sent.iter().all(|message| message.timestamp == 20_000_000 && message.stream_id == 1));
    assert!(sent[0].payload.starts_with(b"\x02\x00\x0d@setDataFrame\x02\x00\x0aonMetaData"));
    assert_eq!((&sent[1].payload[..2], &sent[2].payload[..2]), (&[0x17, 0][..], &[0x17, 1][..]));
}

#[test]
fn a_large_payload_is_sent_without_being_copied() {
    let mut scene = Scene::publisher().accepted();
    scene.sent();
    scene.client.set_epoch(Timestamp::ZERO);
    let payload = Bytes::from(vec![0; 60_000]);
    let key = Packet::key(Timestamp::ZERO, Timestamp::ZERO, payload.clone());
    scene.client.send(&key).unwrap();
    let mut slices = [std::io::IoSlice::new(&[]); 8];
    let out = scene.client.outgoing();
    let filled = out.chunks_vectored(&mut slices);
    assert!(slices[..filled].iter().any(|slice| slice.as_ptr() == payload.as_ptr()));
}

#[test]
fn t26_sound_may_overtake_pictures() {
    let mut scene = Scene::player().accepted();
    let mut dts = Vec::new();
    for (kind, time, body) in [
        (MessageType::VIDEO, 100, &[0x17, 1, 0, 0, 0, 0, 0, 0, 1, 0x65][..]),
        (MessageType::AUDIO, 160, &[0xAF, 1, 1]),
        (MessageType::VIDEO, 140, &[0x27, 1, 0, 0, 0, 0, 0, 0, 1, 0x41]),
        (MessageType::AUDIO, 120, &[0xAF, 1, 1]),
    ] {
        for event in scene.media(kind, time, body) {
            let ClientEvent::Packet(packet) = event else { panic!("{event:?}") };
            dts.push((packet.track, packet.dts.as_millis()));
        }
    }
    let expected = [(Track::Video, 100), (Track::Audio, 160), (Track::Video, 140), (Track::Audio, 120)];
    assert_eq!(dts, expected);
}

#[test]
fn t35_data_of_type_15_is_read_behind_its_format_byte() {
    let mut scene = Scene::player().accepted();
    let events = scene.media(
        MessageType::DATA_AMF3,
        0,
        b"\0\x02\0\x0aonMetaData\x03\0\x05width\0\x40\x84\0\0\0\0\0\0\0\0\x09",
    );
    let [ClientEvent::Packet(packet)] = &events[..] else { panic!("{events:?}") };
    assert!(matches!(&packet.kind, PacketKind::Metadata(metadata) if metadata.width == Some(640)));
}

#[test]
fn the_end_of_a_stream_is_told_once() {
    for notice in ["NetStream.Play.UnpublishNotify", "NetStream.Play.Complete", "NetStream.Play.Stop"] {
        let mut scene = Scene::player().accepted();
        scene.status("status", notice).unwrap();
        scene.say(UserControl::StreamEof(1).message()).unwrap();
        assert_eq!(scene.events(), [ClientEvent::Ended]);
        assert_eq!(scene.client.poll_timeout(), None);
    }
    let mut scene = Scene::player().accepted();
    scene.say(UserControl::StreamEof(2).message()).unwrap();
    assert_eq!(scene.events(), []);
}

#[test]
fn media_that_comes_without_play_start_is_accepted() {
    let mut scene = Scene::player();
    scene.answer_all();
    let events = scene.media(MessageType::AUDIO, 0, &[0xAF, 1, 1]);
    assert_eq!((events.len(), &events[0]), (2, &ClientEvent::Accepted));
}

#[test]
fn t92_a_server_that_says_nothing_runs_into_a_deadline_at_every_step() {
    let silent = |scene: &mut Scene| {
        let patience = Duration::from_secs(10);
        scene.pass(patience - Duration::from_millis(1)).unwrap();
        match scene.pass(Duration::from_millis(1)) {
            Err(Error::Silent { step, after }) if after == patience => step,
            other => panic!("{other:?}"),
        }
    };
    let now = Instant::now();
    let config = ClientConfig::new(Purpose::Play, "rtmp://host/live/x".parse().unwrap());
    let mut virgin = ClientSession::new(now, config);
    assert_eq!(virgin.poll_timeout(), Some(now + Duration::from_secs(10)));
    let result = virgin.handle_timeout(now + Duration::from_secs(10));
    assert!(matches!(result, Err(Error::Silent { step: Step::Handshake, .. })));

    let mut scene = Scene::publisher();
    assert_eq!(silent(&mut scene), Step::Connect);
    let mut scene = Scene::publisher();
    scene.answer("_result", 1.0, Value::Null).unwrap();
    assert_eq!(silent(&mut scene), Step::CreateStream);
    for (mut scene, step) in [(Scene::publisher(), Step::Publish), (Scene::player(), Step::Play)] {
        scene.answer_all();
        assert_eq!(silent(&mut scene), step);
    }
    assert_eq!(silent(&mut Scene::player().accepted()), Step::Media);
    let mut scene = Scene::publisher().accepted();
    for _ in 0..360 {
        scene
            .pass(Duration::from_secs(10))
            .expect("a server that never answered a ping owes a publisher nothing");
    }
}

#[test]
fn t92_a_server_that_answers_pings_and_falls_silent_is_given_up_while_publishing() {
    let mut scene = Scene::publisher().accepted();
    scene.pass(Duration::from_secs(1)).unwrap();
    let pings = |scene: &mut Scene| {
        let sent = scene.sent();
        sent.iter().filter(|message| **message == UserControl::PingRequest(0).message()).count()
    };
    assert_eq!(pings(&mut scene), 1);
    scene.say(UserControl::PingResponse(0).message()).unwrap();
    let mut silent = 0;
    let result = loop {
        match scene.pass(Duration::from_secs(1)) {
            Ok(()) => silent += 1,
            Err(error) => break error,
        }
        pings(&mut scene);
    };
    assert!(matches!(result, Error::Silent { step: Step::Media, .. }), "{result:?}");
    assert!((6..10).contains(&silent), "after {silent} s");
}

#[test]
fn t92_media_and_not_chatter_keeps_a_player_patient() {
    let mut scene = Scene::player().accepted();
    for _ in 0..5 {
        scene.pass(Duration::from_secs(9)).unwrap();
        scene.media(MessageType::AUDIO, 0, &[0xAF, 1, 1]);
    }
    scene.pass(Duration::from_secs(9)).unwrap();
    scene.say(UserControl::PingRequest(1).message()).unwrap();
    assert!(matches!(scene.pass(Duration::from_secs(1)), Err(Error::Silent { step: Step::Media, .. })));
}

#[test]
fn a_stream_of_foreign_codecs_says_so_instead_of_silence() {
    let mut scene = Scene::player().accepted();
    scene.media(MessageType::VIDEO, 0, &[0x14, 1, 2, 3]);
    let Err(error @ Error::Unusable(_)) = scene.pass(Duration::from_secs(10)) else { panic!("patient") };
    assert!(error.to_string().starts_with("the media cannot be used: "), "{error}");
}

#[test]
fn timestamps_pass_2_to_the_24_and_2_to_the_32_in_both_directions() {
    for start in [(1_i64 << 24) - 50, (1 << 32) - 50] {
        let mut publisher = Scene::publisher().accepted();
        publisher.sent();
        publisher.client.set_epoch(Timestamp::ZERO);
        let mut player = Scene::player().accepted();
        // A player that has followed the stream from before.
        player.media(MessageType::AUDIO, (start - 10_000) as u32, &[0xAF, 1, 1]);
        let first = (start - 10_000) as u32;
        for step in 0..10 {
            let at = Timestamp::from_millis(start + 21 * step);
            publisher.client.send(&Packet::audio(at, Bytes::from_static(&[7; 700]))).unwrap();
            let message = publisher.sent().remove(0);
            assert_eq!(message.timestamp, (start + 21 * step) as u32);
            player.say(message).unwrap();
            let events = player.events();
            let [ClientEvent::Packet(packet)] = &events[..] else { panic!("{events:?}") };
            let wanted = i64::from(first) + 10_000 + 21 * step;
            assert_eq!(packet.pts, Timestamp::from_millis(wanted));
        }
    }
}
