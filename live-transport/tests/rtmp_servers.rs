//! Publishing to servers that do what a script says: logins, tokens, silence, addresses that do not work.
#![cfg(all(feature = "rtmp", feature = "relay"))]
#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod support;

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::{Buf, BytesMut};
use live_core::queue::PacketQueue;
use live_core::{LinkEvent, Outcome, Publisher, StreamUrl, Timestamp, TransportError, TransportErrorKind};
use live_transport::amf0::Value;
use live_transport::net::connect::{Connector, Deadlines, Resolve, Resolver};
use live_transport::net::rtmp::RtmpPublisher;
use live_transport::rtmp::chunk::{Limits, MessageType, Reader, Writer};
use live_transport::rtmp::handshake::Handshake;
use live_transport::rtmp::{Command, UserControl};
use md5::{Digest, Md5};
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use support::{Events, RunningRelay, information, media, output_cx, queue};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What a server demands, and does.
#[derive(Clone, Copy)]
enum Manner {
    /// Takes any stream.
    Open(OnPing),
    /// `authmod=adobe`, of this user and password.
    Adobe(&'static str, &'static str),
    /// `authmod=llnw`, likewise.
    Limelight(&'static str, &'static str),
    /// Refuses `publish` with this code and description.
    Refuses(&'static str, &'static str),
    /// Takes the connection and says nothing.
    Hangs,
}

/// What a server does when it is pinged.
#[derive(Clone, Copy, PartialEq, Eq)]
enum OnPing {
    Answers,
    SaysNothing,
    HangsUp,
}

/// A server on one address; what it was asked, and how long it goes on reading.
struct Server {
    address: SocketAddr,
    /// Applications that `connect` named, and names that `publish` did.
    asked: Arc<Mutex<Vec<String>>>,
    frozen: Arc<tokio::sync::Notify>,
    task: JoinHandle<()>,
}

impl Server {
    async fn start(manner: Manner) -> Self {
        Self::on("127.0.0.1:0", manner).await
    }

    async fn on(address: &str, manner: Manner) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let frozen = Arc::<tokio::sync::Notify>::default();
        let (log, freeze) = (Arc::clone(&asked), Arc::clone(&frozen));
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let mut peer = Peer::new(stream, manner, Arc::clone(&log));
                let freeze = Arc::clone(&freeze);
                tokio::spawn(async move {
                    tokio::select! {
                        // A client that hangs up ends it.
                        _ = peer.serve() => {}
                        () = freeze.notified() => std::future::pending().await,
                    }
                });
            }
        });
        Self { address, asked, frozen, task }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    /// Stops to read and to answer; the kernel goes on acknowledging, as with a stopped process.
    fn freeze(&self) {
        self.frozen.notify_waiters();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// One connection of a server, written down from the published dialogues.
struct Peer {
    stream: TcpStream,
    manner: Manner,
    asked: Arc<Mutex<Vec<String>>>,
    reader: Reader,
    writer: Writer,
    input: BytesMut,
}

impl Peer {
    fn new(stream: TcpStream, manner: Manner, asked: Arc<Mutex<Vec<String>>>) -> Self {
        Self {
            stream,
            manner,
            asked,
            reader: Reader::new(Limits::default()),
            writer: Writer::default(),
            input: BytesMut::new(),
        }
    }

    async fn serve(&mut self) -> io::Result<()> {
        if matches!(self.manner, Manner::Hangs) {
            std::future::pending::<()>().await;
        }
        let mut handshake = Handshake::server();
        while !handshake.is_complete() {
            self.receive().await?;
            handshake.handle_input(&mut self.input, self.writer.outgoing()).map_err(io::Error::other)?;
            self.send().await?;
        }
        loop {
            while let Some(message) = self.reader.read(&mut self.input).map_err(io::Error::other)? {
                match message.kind {
                    MessageType::COMMAND_AMF0 => self.answer(&Command::parse(&message).unwrap()),
                    MessageType::USER_CONTROL => {
                        if let (Manner::Open(on_ping), Some(UserControl::PingRequest(number))) =
                            (self.manner, UserControl::parse(&message.payload))
                        {
                            match on_ping {
                                OnPing::Answers => {
                                    self.writer
                                        .write(2, UserControl::PingResponse(number).message())
                                        .unwrap();
                                }
                                OnPing::SaysNothing => {}
                                OnPing::HangsUp => return Err(io::ErrorKind::InvalidData.into()),
                            }
                        }
                    }
                    _ => {}
                }
            }
            self.send().await?;
            self.receive().await?;
        }
    }

    async fn receive(&mut self) -> io::Result<()> {
        match self.stream.read_buf(&mut self.input).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }

    async fn send(&mut self) -> io::Result<()> {
        let out = self.writer.outgoing();
        let bytes = out.copy_to_bytes(out.remaining());
        self.stream.write_all(&bytes).await
    }

    fn say(&mut self, name: &str, transaction: f64, arguments: Vec<Value>, stream: u32) {
        self.writer.write(3, Command::new(name, transaction, arguments).message(stream)).unwrap();
    }

    fn answer(&mut self, command: &Command) {
        match command.name.as_str() {
            "connect" => {
                let app = command.object.get("app").and_then(Value::as_str).unwrap().to_owned();
                self.asked.lock().unwrap().push(app.clone());
                match self.objection(&app) {
                    None => self.say("_result", command.transaction, vec![Value::Null], 0),
                    Some(description) => {
                        let info = Value::object([
                            ("level", "error".into()),
                            ("code", "NetConnection.Connect.Rejected".into()),
                            ("description", description.into()),
                        ]);
                        self.say("_error", command.transaction, vec![info], 0);
                    }
                }
            }
            "createStream" => self.say("_result", command.transaction, vec![1.0.into()], 0),
            "publish" => {
                let name = command.arguments[0].as_str().unwrap().to_owned();
                self.asked.lock().unwrap().push(name);
                let (level, code, description) = match self.manner {
                    Manner::Refuses(code, description) => ("error", code, description),
                    _ => ("status", "NetStream.Publish.Start", ""),
                };
                self.writer.write(5, Command::on_status(level, code, description).message(1)).unwrap();
            }
            _ => {}
        }
    }

    /// What is wrong with the login behind the application's name.
    fn objection(&self, app: &str) -> Option<String> {
        let (module, user, password) = match self.manner {
            Manner::Adobe(user, password) => ("adobe", user, password),
            Manner::Limelight(user, password) => ("llnw", user, password),
            _ => return None,
        };
        let reject = format!("[ AccessManager.Reject ] : [ authmod={module} ] : ");
        let field = |name: &str| {
            let pairs = app.split_once('?')?.1.split('&').filter_map(|pair| pair.split_once('='));
            pairs.filter(|(key, _)| *key == name).map(|(_, value)| value.to_owned()).next()
        };
        let Some(named) = field("user") else {
            return Some(format!("[ AccessManager.Reject ] : [ code=403 need auth; authmod={module} ] : "));
        };
        assert_eq!(field("authmod").as_deref(), Some(module));
        if named != user {
            return Some(format!("{reject}?reason=nosuchuser"));
        }
        let Some(response) = field("response") else {
            return Some(match module {
                "adobe" => {
                    format!("{reject}?reason=needauth&user={user}&salt=5alt&challenge=ch1&opaque=0paq")
                }
                _ => format!("{reject}?reason=needauth&user={user}&nonce=n0nce"),
            });
        };
        let expected = match module {
            "adobe" => {
                let secret = BASE64.encode(Md5::digest(format!("{user}5alt{password}")));
                let ours = field("challenge").unwrap();
                assert_eq!(field("opaque").as_deref(), Some("0paq"));
                BASE64.encode(Md5::digest(format!("{secret}0paq{ours}")))
            }
            _ => {
                let hex = |text: String| {
                    Md5::digest(text).iter().map(|byte| format!("{byte:02x}")).collect::<String>()
                };
                let (nc, ours) = (field("nc").unwrap(), field("cnonce").unwrap());
                let who = hex(format!("{user}:live:{password}"));
                let what = hex("publish:/live/_definst_".to_owned());
                hex(format!("{who}:n0nce:{nc}:{ours}:auth:{what}"))
            }
        };
        (response != expected).then(|| format!("{reject}?reason=authfailed"))
    }
}

fn connector(silence: Duration) -> Connector {
    let answer = Duration::from_millis(700);
    Connector::from(Deadlines { silence, answer, ..Deadlines::default() })
}

/// A publication of a short stream, or of one without an end.
async fn publish(connector: Connector, url: &str) -> (Outcome, Events) {
    let (queue, mut reader) = queue();
    information().into_iter().chain(media(Timestamp::ZERO, 10)).for_each(|packet| queue.push(packet));
    queue.close();
    let events = Events::default();
    let url: StreamUrl = url.parse().unwrap();
    let outcome = RtmpPublisher { connector }.publish(&url, &mut reader, &output_cx(&events)).await;
    (outcome, events)
}

fn error((outcome, events): (Outcome, Events)) -> TransportError {
    let Outcome::Lost(error) = outcome else { panic!("{outcome:?}") };
    assert!(!events.accepted());
    for shown in [error.to_string(), format!("{error:?}"), format!("{:?}", events.list())] {
        assert!(!shown.contains("SECRET"), "{shown}");
    }
    error
}

#[tokio::test]
async fn t43_a_login_is_made_with_either_family_of_servers() {
    for (manner, module) in
        [(Manner::Adobe("me", "SECRETpw"), "adobe"), (Manner::Limelight("me", "SECRETpw"), "llnw")]
    {
        let server = Server::start(manner).await;
        let (outcome, events) =
            publish(Connector::default(), &format!("rtmp://me:SECRETpw@{}/live/cam", server.address)).await;
        assert!(matches!(outcome, Outcome::Ended), "{outcome:?}");
        assert!(events.accepted());
        let asked = server.asked();
        assert_eq!(asked.len(), 4, "refused, challenged, let in, published: {asked:?}");
        assert_eq!(asked[..2], ["live".to_owned(), format!("live?authmod={module}&user=me")]);
        assert!(!format!("{asked:?}").contains("SECRET"), "the password does not travel");
        assert_eq!(asked[3], "cam");
    }
}

#[tokio::test]
async fn t43_a_wrong_or_missing_login_is_final_and_told() {
    for manner in [Manner::Adobe("me", "SECRETpw"), Manner::Limelight("me", "SECRETpw")] {
        for (login, connections) in [("", 1), ("me:SECRETwrong@", 3), ("other:SECRETpw@", 2)] {
            let server = Server::start(manner).await;
            let url = format!("rtmp://{login}{}/live/SECRETkey", server.address);
            let error = error(publish(Connector::default(), &url).await);
            assert_eq!((error.kind, error.permanent), (TransportErrorKind::Unauthorized, true), "{error}");
            assert_eq!(server.asked().len(), connections, "{login}");
        }
    }
}

#[tokio::test]
async fn t32_a_token_travels_in_the_name_and_an_expired_one_is_told_without_being_shown() {
    let server = Server::start(Manner::Open(OnPing::SaysNothing)).await;
    let path = "live/SECRETkey?txSecret=SECRETa1&txTime=5F";
    let (outcome, _) = publish(Connector::default(), &format!("rtmp://{}/{path}", server.address)).await;
    assert!(matches!(outcome, Outcome::Ended), "{outcome:?}");
    assert_eq!(server.asked(), ["live", "SECRETkey?txSecret=SECRETa1&txTime=5F"]);

    use TransportErrorKind::{Expired, NameInUse, Unauthorized};
    for (code, description, kind, permanent) in [
        ("NetStream.Publish.Unauthorized", "token SECRETa1 of SECRETkey has expired", Expired, true),
        ("NetStream.Publish.Rejected", "bad signature in txSecret=SECRETa1&txTime=5F", Unauthorized, true),
        ("NetStream.Publish.BadName", "live/SECRETkey is published already", NameInUse, false),
    ] {
        let server = Server::start(Manner::Refuses(code, description)).await;
        let error = error(publish(Connector::default(), &format!("rtmp://{}/{path}", server.address)).await);
        assert_eq!((error.kind, error.permanent), (kind, permanent), "{error}");
    }
}

/// A publication without an end, in the background.
struct Running {
    queue: PacketQueue,
    events: Events,
    task: JoinHandle<Outcome>,
}

impl Running {
    fn start(connector: Connector, url: &str) -> Self {
        let (queue, mut reader) = queue();
        information().into_iter().chain(media(Timestamp::ZERO, 10)).for_each(|packet| queue.push(packet));
        let (events, url) = (Events::default(), url.parse::<StreamUrl>().unwrap());
        let cx = output_cx(&events);
        let task =
            tokio::spawn(async move { RtmpPublisher { connector }.publish(&url, &mut reader, &cx).await });
        Self { queue, events, task }
    }

    async fn accepted(&self) {
        while !self.events.accepted() {
            assert!(!self.task.is_finished());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// How long the publication goes on, of a server that is dead from now on; `steady` pushes meanwhile.
    async fn lasts(self, steady: bool) -> (Duration, TransportError) {
        let from = Instant::now();
        let queue = self.queue.clone();
        let feeding = tokio::spawn(async move {
            for round in 1_i64.. {
                if steady {
                    let at = Timestamp::ZERO.offset_micros(round * 400_000);
                    media(at, 10).into_iter().for_each(|packet| queue.push(packet));
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        });
        let outcome =
            tokio::time::timeout(Duration::from_secs(30), self.task).await.expect("it ends").unwrap();
        feeding.abort();
        let Outcome::Lost(error) = outcome else { panic!("{outcome:?}") };
        (from.elapsed(), error)
    }
}

/// Stands for the ten seconds of the default.
const SILENCE: Duration = Duration::from_secs(2);

#[tokio::test]
async fn a_server_that_hangs_up_when_it_is_pinged_is_not_pinged_again() {
    let server = Server::start(Manner::Open(OnPing::HangsUp)).await;
    let (url, connector) = (format!("rtmp://{}/live/key", server.address), connector(SILENCE));
    let first = Running::start(connector.clone(), &url);
    let (_, error) = first.lasts(true).await;
    assert_eq!(error.kind, TransportErrorKind::Closed, "{error}");
    // The publisher of the next attempt is another one, of the same output.
    let second = Running::start(connector, &url);
    second.accepted().await;
    assert!(tokio::time::timeout(2 * SILENCE, second.task).await.is_err(), "it goes on");
}

#[tokio::test]
async fn a_server_that_hangs_is_given_up_in_time_whether_much_is_pushed_or_nothing() {
    for steady in [true, false] {
        let server = Server::start(Manner::Open(OnPing::Answers)).await;
        let running = Running::start(connector(SILENCE), &format!("rtmp://{}/live/x", server.address));
        running.accepted().await;
        // Longer than any deadline: a server that answers pings and says nothing else lives.
        tokio::time::sleep(SILENCE + SILENCE / 2).await;
        assert!(!running.task.is_finished());
        server.freeze();
        let (time, error) = running.lasts(steady).await;
        assert_eq!(error.kind, TransportErrorKind::Io, "{error}");
        assert!(time <= SILENCE + Duration::from_millis(300), "{time:?}, pushing: {steady}");
    }
}

#[tokio::test]
async fn a_server_that_answers_no_pings_is_given_up_once_it_takes_nothing_and_never_while_nothing_is_pushed()
{
    let server = Server::start(Manner::Open(OnPing::SaysNothing)).await;
    let running = Running::start(connector(SILENCE), &format!("rtmp://{}/live/x", server.address));
    running.accepted().await;
    tokio::time::sleep(SILENCE * 2).await;
    assert!(!running.task.is_finished(), "silence is no proof of death");
    server.freeze();
    let (time, error) = running.lasts(true).await;
    assert_eq!(error.kind, TransportErrorKind::Io, "{error}");
    // The kernel's buffers at both ends fill within a second at this rate.
    assert!(time <= SILENCE + Duration::from_secs(1), "{time:?}");
}

/// Takes an address from the loopback device or gives it one; false where that is not allowed.
fn address(action: &str, address: &str) -> bool {
    let address = format!("{address}/32");
    let status = std::process::Command::new("ip").args(["addr", action, &address, "dev", "lo"]).output();
    status.is_ok_and(|output| output.status.success())
}

/// An address goes away below an open connection: nothing is answered any more, not even a reset.
#[tokio::test]
async fn a_peer_whose_address_is_gone_is_given_up_in_time_whether_much_is_pushed_or_nothing() {
    for (steady, place) in [(true, "10.213.77.1"), (false, "10.213.77.2")] {
        if !address("add", place) {
            eprintln!("skipped: addresses of this machine cannot be changed here");
            return;
        }
        let server = Server::on(&format!("{place}:0"), Manner::Open(OnPing::SaysNothing)).await;
        let running = Running::start(connector(SILENCE), &format!("rtmp://{}/live/x", server.address));
        running.accepted().await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert!(address("del", place));
        let (time, error) = running.lasts(steady).await;
        assert_eq!(error.kind, TransportErrorKind::Io, "{error}");
        // Keep-alive counts in whole seconds; with the default of ten they matter less.
        assert!(time <= SILENCE + Duration::from_millis(1300), "{time:?}, pushing: {steady}");
    }
}

/// Answers each question with the next list; the last one again and again.
struct Lists {
    lists: Mutex<Vec<Vec<SocketAddr>>>,
    asked: Arc<Mutex<Vec<String>>>,
}

#[async_trait]
impl Resolve for Lists {
    async fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        self.asked.lock().unwrap().push(format!("{host}:{port}"));
        let mut lists = self.lists.lock().unwrap();
        Ok(if lists.len() > 1 { lists.remove(0) } else { lists[0].clone() })
    }
}

fn resolving(lists: Vec<Vec<SocketAddr>>) -> (Connector, Arc<Mutex<Vec<String>>>) {
    let mut connector = connector(SILENCE);
    let asked = Arc::<Mutex<Vec<String>>>::default();
    connector.resolver = Resolver::new(Lists { lists: Mutex::new(lists), asked: Arc::clone(&asked) });
    (connector, asked)
}

/// An address that nobody listens on any more.
async fn dead() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
}

#[tokio::test]
async fn t96_every_address_of_a_name_is_tried_and_the_name_is_asked_for_anew_each_time() {
    let relay = RunningRelay::start().await;
    let gone = vec![dead().await, dead().await];
    let (connector, asked) =
        resolving(vec![gone, vec![dead().await, "[::1]:1".parse().unwrap(), relay.rtmp]]);
    let url = "rtmp://stream.example/live/SECRETkey";
    let error = error(publish(connector.clone(), url).await);
    assert_eq!(error.kind, TransportErrorKind::Connect);
    assert!(error.to_string().contains("any of 2 addresses"), "{error}");
    let (outcome, events) = publish(connector, url).await;
    assert!(matches!(outcome, Outcome::Ended), "{outcome:?}");
    assert_eq!(events.list()[0], LinkEvent::Connected { peer: relay.rtmp.to_string() });
    assert_eq!(*asked.lock().unwrap(), ["stream.example:1935"; 2]);
}

#[tokio::test]
async fn t96_an_address_whose_server_hangs_gives_way_to_the_other_one() {
    let relay = RunningRelay::start().await;
    let hung = Server::start(Manner::Hangs).await;
    let (connector, _) = resolving(vec![vec![hung.address, relay.rtmp]]);
    let url = "rtmp://stream.example/live/SECRETkey";
    let error = error(publish(connector.clone(), url).await);
    assert_eq!(error.kind, TransportErrorKind::Handshake, "{error}");
    let (outcome, _) = publish(connector, url).await;
    assert!(matches!(outcome, Outcome::Ended), "{outcome:?}");
}
