//! RTMP over the network: a [`Publisher`] and a [`Subscriber`].

use super::connect::{Connection, Connector, Deadlines};
use super::drive::{Driver, Stop, Turn};
use super::pace::Pace;
use crate::rtmp::auth::{self, Credentials};
use crate::rtmp::{ClientConfig, ClientEvent, ClientSession, Error, Purpose, Refusal, Step};
use async_trait::async_trait;
use live_core::queue::PacketReader;
use live_core::{
    LinkEvent, MediaSender, Outcome, OutputCx, Packet, Publisher, StreamUrl, Subscriber, SubscriptionCx,
    Track, TransportError, TransportErrorKind,
};
use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant};

/// Publishes to RTMP servers.
#[derive(Clone, Debug, Default)]
pub struct RtmpPublisher {
    /// How connections are made, and how long each step may take.
    pub connector: Connector,
}

/// Plays from RTMP servers.
#[derive(Clone, Debug, Default)]
pub struct RtmpSubscriber {
    /// How connections are made, and how long each step may take.
    pub connector: Connector,
    /// How long a connection whose stream is over is kept, in case its publisher comes back. Meanwhile the end is told
    /// by an [end of sequence](live_core::PacketKind::EndOfSequence) on each track. Default zero.
    pub linger: Duration,
}

type ClientDriver = Driver<Connection, ClientSession>;

#[async_trait]
impl Publisher for RtmpPublisher {
    async fn publish(&self, url: &StreamUrl, packets: &mut PacketReader, cx: &OutputCx) -> Outcome {
        let deadlines = &self.connector.deadlines;
        let mut login = String::new();
        let mut connections = 0;
        loop {
            connections += 1;
            let connection = match self.connector.connect(url, &cx.events).await {
                Ok(connection) => connection,
                Err(error) => return Outcome::Lost(error),
            };
            connection.probe().inspect(|probe| cx.counters.set_probe(probe));
            let peer = connection.peer();
            let pings =
                deadlines.pings && !peer.is_some_and(|peer| self.connector.not_to_ping.contains(peer));
            let session = session(Purpose::Publish, url, login, &Deadlines { pings, ..*deadlines });
            let mut driver = Driver::new(connection, session, cx.counters.clone(), deadlines);
            let Err(stop) = publish(&mut driver, packets, cx, deadlines).await else {
                self.connector.note(peer, None);
                return Outcome::Ended;
            };
            match next_login(url, &stop).filter(|_| connections < auth::MAX_CONNECTIONS) {
                Some(next) => login = next,
                None => {
                    let hung_up =
                        matches!(stop, Stop::Closed | Stop::Io(_)) && driver.session.pinged_in_vain();
                    peer.filter(|_| hung_up).inspect(|peer| self.connector.not_to_ping.add(*peer));
                    let error = lost(url, driver.session.step(), stop);
                    self.connector.note(peer, Some(&error));
                    return Outcome::Lost(error);
                }
            }
        }
    }
}

/// What to add to the next `connect`, when the server refused this one because it wants a login and we have one.
fn next_login(url: &StreamUrl, stop: &Stop) -> Option<String> {
    let Stop::Session(Error::Refused { step: Step::Connect, refusal }) = stop else { return None };
    let credentials = Credentials { user: url.user()?, password: url.password()? };
    let challenge = format!("{:016x}", RandomState::new().hash_one(url.port()));
    auth::answer(credentials, url.app(), &refusal.description, &challenge)
}

/// Goes through the opening dialogue, sends until `packets` ends, and takes leave.
async fn publish(
    driver: &mut ClientDriver,
    packets: &mut PacketReader,
    cx: &OutputCx,
    deadlines: &Deadlines,
) -> Result<(), Stop> {
    while !driver.session.is_accepted() {
        driver.wait().await?;
    }
    (cx.events)(LinkEvent::Accepted);
    // Stream information waits for the first media packet, which sets the zero of the wire's clock.
    let mut information = Vec::new();
    let mut started = false;
    let mut pace = Pace::default();
    loop {
        while driver.session.poll_event().is_some() {}
        cx.counters.add_acknowledged(driver.session.take_acknowledged());
        match driver.turn(packets.next()).await? {
            Turn::Progress => {}
            Turn::Source(None) => break,
            Turn::Source(Some(packet)) if !started && packet.is_stream_information() => {
                information.push(packet)
            }
            Turn::Source(Some(packet)) => {
                if !started {
                    started = true;
                    driver.session.set_epoch(cx.epoch.get_or_set(packet.dts));
                    for packet in information.drain(..) {
                        send(&mut driver.session, &packet)?;
                    }
                }
                send(&mut driver.session, &packet)?;
                cx.counters.add_packets(1);
                cx.counters.set_jitter(pace.taken(&packet, Instant::now()));
            }
        }
    }
    driver.session.finish();
    driver.leave(deadlines.leave).await
}

/// Queues a packet. One that is too large is passed over; a codec that cannot be carried ends the stream.
fn send(session: &mut ClientSession, packet: &Packet) -> Result<(), Stop> {
    match session.send(packet) {
        Err(reason @ crate::flv::ErrorKind::CannotCarry(_)) => Err(Error::Unusable(reason).into()),
        Err(reason) => {
            tracing::warn!(%reason, ?packet, "a packet was not sent");
            Ok(())
        }
        Ok(()) => Ok(()),
    }
}

#[async_trait]
impl Subscriber for RtmpSubscriber {
    async fn play(&self, url: &StreamUrl, media: &mut dyn MediaSender, cx: &SubscriptionCx) -> Outcome {
        let connection = match self.connector.connect(url, &cx.events).await {
            Ok(connection) => connection,
            Err(error) => return Outcome::Lost(error),
        };
        let deadlines = &self.connector.deadlines;
        connection.probe().inspect(|probe| cx.counters.set_probe(probe));
        let peer = connection.peer();
        let session = session(Purpose::Play, url, String::new(), deadlines);
        let mut driver = Driver::new(connection, session, cx.counters.clone(), deadlines);
        match play(&mut driver, media, cx, self.linger).await {
            Ok(()) => {
                driver.session.finish();
                if let Err(error) = driver.leave(deadlines.leave).await {
                    tracing::debug!(%error, "the server did not wait for the leave-taking");
                }
                Outcome::Ended
            }
            Err(stop) => {
                let error = lost(url, driver.session.step(), stop);
                self.connector.note(peer, Some(&error));
                Outcome::Lost(error)
            }
        }
    }
}

/// Receives until the stream ends or nobody wants it any more.
async fn play(
    driver: &mut ClientDriver,
    media: &mut dyn MediaSender,
    cx: &SubscriptionCx,
    linger: Duration,
) -> Result<(), Stop> {
    // Until when a stream that is over may begin again.
    let mut over: Option<tokio::time::Instant> = None;
    let mut last = None;
    loop {
        while let Some(event) = driver.session.poll_event() {
            match event {
                ClientEvent::Accepted => (cx.events)(LinkEvent::Accepted),
                ClientEvent::Packet(mut packet) => {
                    packet.arrival = Some(Instant::now());
                    cx.counters.add_packets(1);
                    if !packet.is_stream_information() {
                        (last, over) = (Some(packet.dts), None);
                    }
                    media.send(packet);
                }
                ClientEvent::Ended => {
                    let Some(at) = last.filter(|_| !linger.is_zero()) else { return Ok(()) };
                    over = Some(tokio::time::Instant::now() + linger);
                    for track in [Track::Video, Track::Audio] {
                        media.send(Packet::end_of_sequence(track, at));
                    }
                }
            }
        }
        let given_up = async {
            match over {
                Some(over) => tokio::time::sleep_until(over).await,
                None => std::future::pending().await,
            }
        };
        let closed = media.closed();
        let unwanted = async {
            tokio::select! {
                () = closed => {}
                () = given_up => {}
            }
        };
        match driver.turn(unwanted).await {
            Ok(Turn::Progress) => {}
            Ok(Turn::Source(())) => return Ok(()),
            // What ends a connection whose stream is over does no harm.
            Err(_) if over.is_some() => return Ok(()),
            Err(stop) => return Err(stop),
        }
    }
}

fn session(purpose: Purpose, url: &StreamUrl, login: String, deadlines: &Deadlines) -> ClientSession {
    let mut config = ClientConfig::new(purpose, url.clone());
    config.login = login;
    config.answer = deadlines.answer;
    config.silence = deadlines.silence;
    config.pings = deadlines.pings;
    ClientSession::new(tokio::time::Instant::now().into_std(), config)
}

/// The error for people and for the retry policy, of a session that had come to `step`.
fn lost(url: &StreamUrl, step: Step, stop: Stop) -> TransportError {
    use TransportErrorKind as Kind;
    let kind = match &stop {
        Stop::Session(Error::Refused { refusal, .. }) if refusal.is_name_in_use() => Kind::NameInUse,
        Stop::Session(Error::Refused { refusal, .. }) if refusal.is_expired() => Kind::Expired,
        Stop::Session(Error::Refused { step: Step::Media, .. }) => Kind::Closed,
        Stop::Session(Error::Refused { refusal, .. }) if refusal.is_unauthorized() => Kind::Unauthorized,
        Stop::Session(Error::Refused { .. }) => Kind::Refused,
        Stop::Session(Error::Silent { step: Step::Media, .. }) => Kind::Io,
        Stop::Session(Error::Silent { .. } | Error::Version(_)) => Kind::Handshake,
        Stop::Session(_) => Kind::Malformed,
        _ if step == Step::Handshake => Kind::Handshake,
        // Servers that hang up instead of answering mean a name or token they do not like.
        Stop::Closed if matches!(step, Step::Publish | Step::Play) => Kind::Refused,
        Stop::Closed => Kind::Closed,
        Stop::Io(_) | Stop::Stalled(_) => Kind::Io,
    };
    let permanent = match &stop {
        _ if matches!(kind, Kind::Unauthorized | Kind::Expired) => true,
        Stop::Session(Error::Refused { step, refusal }) => is_final(*step, refusal),
        Stop::Session(Error::Unusable(_) | Error::Version(_)) => true,
        _ => false,
    };
    let text = match stop {
        // These say it themselves.
        Stop::Session(_) => stop.to_string(),
        _ if step == Step::Media => stop.to_string(),
        _ => format!("{stop}, in {step}"),
    };
    let error = TransportError::new(kind, url.peer(), url.redact(&text));
    if permanent { error.permanent() } else { error }
}

/// Whether the same request will be refused again: a name or token. A name in use, or a stream that nobody publishes
/// yet, may do later.
fn is_final(step: Step, refusal: &Refusal) -> bool {
    match step {
        Step::Connect | Step::Publish => !refusal.is_name_in_use(),
        Step::Play => !refusal.code.ends_with(".StreamNotFound"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;
    use std::time::Duration;

    fn refused(step: Step, code: &str) -> Stop {
        let refusal = Refusal { code: code.to_owned(), description: String::new() };
        Error::Refused { step, refusal }.into()
    }

    fn silent(step: Step) -> Stop {
        Error::Silent { step, after: Duration::from_secs(10) }.into()
    }

    #[test]
    fn every_way_to_lose_a_server_has_its_kind() {
        use TransportErrorKind as Kind;
        let url: StreamUrl = "rtmp://host/live/secretname?token=secrettoken".parse().unwrap();
        for (step, stop, kind, permanent) in [
            (Step::Handshake, silent(Step::Handshake), Kind::Handshake, false),
            (Step::Handshake, Stop::Closed, Kind::Handshake, false),
            (Step::Handshake, io::Error::from(io::ErrorKind::ConnectionReset).into(), Kind::Handshake, false),
            (
                Step::Handshake,
                Error::Version(crate::rtmp::handshake::VersionError(b'H')).into(),
                Kind::Handshake,
                true,
            ),
            (Step::Connect, silent(Step::Connect), Kind::Handshake, false),
            (Step::Connect, refused(Step::Connect, "NetConnection.Connect.Rejected"), Kind::Refused, true),
            (Step::Connect, Stop::Closed, Kind::Closed, false),
            (Step::CreateStream, silent(Step::CreateStream), Kind::Handshake, false),
            (Step::Publish, refused(Step::Publish, "NetStream.Publish.BadName"), Kind::NameInUse, false),
            (Step::Publish, refused(Step::Publish, "NetStream.Publish.Denied"), Kind::Refused, true),
            (
                Step::Publish,
                refused(Step::Publish, "NetStream.Publish.Unauthorized"),
                Kind::Unauthorized,
                true,
            ),
            (Step::Publish, refused(Step::Publish, "token secrettoken expired"), Kind::Expired, true),
            (Step::Media, refused(Step::Media, "NetStream.Publish.TokenExpired"), Kind::Expired, true),
            (Step::Play, refused(Step::Play, "no right to play: wrong signature"), Kind::Unauthorized, true),
            (Step::Publish, Stop::Closed, Kind::Refused, false),
            (Step::Play, refused(Step::Play, "NetStream.Play.StreamNotFound"), Kind::Refused, false),
            (Step::Play, refused(Step::Play, "NetStream.Play.Failed"), Kind::Refused, true),
            // T42: the server may close right after it accepted.
            (Step::Media, Stop::Closed, Kind::Closed, false),
            (Step::Media, silent(Step::Media), Kind::Io, false),
            (Step::Media, Stop::Stalled(Duration::from_secs(10)), Kind::Io, false),
            (Step::Media, io::Error::from(io::ErrorKind::ConnectionReset).into(), Kind::Io, false),
            (Step::Media, refused(Step::Media, "NetStream.Publish.Denied"), Kind::Closed, false),
        ] {
            let case = format!("{step:?} {stop:?}");
            let error = lost(&url, step, stop);
            assert_eq!((error.kind, error.permanent), (kind, permanent), "{case}");
            assert!(!format!("{error} {error:?}").contains("secret"), "{error:?}");
        }
    }

    #[test]
    fn t43_a_login_is_tried_only_with_credentials_and_for_a_refused_connect() {
        let description = "[ code=403 need auth; authmod=adobe ]".to_owned();
        let stop = |step| {
            let refusal =
                Refusal { code: "NetConnection.Connect.Rejected".into(), description: description.clone() };
            Stop::Session(Error::Refused { step, refusal })
        };
        let with: StreamUrl = "rtmp://me:pw@host/live/x".parse().unwrap();
        let without: StreamUrl = "rtmp://host/live/x".parse().unwrap();
        assert_eq!(next_login(&with, &stop(Step::Connect)).as_deref(), Some("?authmod=adobe&user=me"));
        assert_eq!(next_login(&without, &stop(Step::Connect)), None);
        assert_eq!(next_login(&with, &stop(Step::Publish)), None);
    }
}
