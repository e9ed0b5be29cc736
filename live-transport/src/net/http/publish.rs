//! HTTP-FLV push: one `POST` whose body is the stream and does not end before it does.

use super::meter::{Meter, Metered};
use super::request;
use super::slot::{Feeder, Piece, RequestBody, slot};
use crate::flv::{ErrorKind, Header, Muxer};
use crate::net::connect::{Connector, most_of};
use crate::net::pace::Pace;
use async_trait::async_trait;
use bytes::BytesMut;
use hyper::body::{Body, Incoming};
use hyper::client::conn::http1;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{HeaderMap, Method, Response, StatusCode};
use hyper_util::rt::TokioIo;
use live_core::queue::PacketReader;
use live_core::{
    LinkEvent, Outcome, OutputCx, Packet, Publisher, Scheme, StreamUrl, TransportError, TransportErrorKind,
};
use std::fmt;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// hyper asks for the next packet only while less than this waits to be sent.
const LOW_WATER: usize = 16 * 1024;

/// HTTP has no word for "go on": a server that has not refused the request by then is taken to accept it.
const GRACE: Duration = Duration::from_millis(300);

/// Publishes FLV to web servers, by `POST` with a chunked body.
///
/// The next packet is taken only while little waits to be sent, as with RTMP. A user name in the address is sent as HTTP
/// Basic authentication. A redirect before the first packet is [`Outcome::Moved`].
#[derive(Clone, Default)]
pub struct HttpPublisher {
    /// How connections are made, and how long each step may take.
    pub connector: Connector,
    /// Sent with the request, over this crate's own: `Referer`, `User-Agent`, a token.
    pub headers: HeaderMap,
}

#[async_trait]
impl Publisher for HttpPublisher {
    async fn publish(&self, url: &StreamUrl, packets: &mut PacketReader, cx: &OutputCx) -> Outcome {
        match self.post(url, packets, cx).await {
            Ok(None) => Outcome::Ended,
            Ok(Some(place)) => {
                (cx.events)(LinkEvent::Redirected { to: place.peer() });
                Outcome::Moved(place)
            }
            Err(error) => Outcome::Lost(error),
        }
    }
}

impl HttpPublisher {
    /// Sends until `packets` ends; gives the place where the server wants the stream instead.
    async fn post(
        &self,
        url: &StreamUrl,
        packets: &mut PacketReader,
        cx: &OutputCx,
    ) -> Result<Option<StreamUrl>, TransportError> {
        let deadlines = &self.connector.deadlines;
        let mut headers = request::headers(&self.headers, url, true);
        headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static("video/x-flv"));
        let mut header = BytesMut::new();
        Header::default().write(&mut header);
        let (feeder, body) = slot(Box::new(header));
        let mut request = request::to([Scheme::Http, Scheme::Https], url, headers, body)?;
        *request.method_mut() = Method::POST;

        let connection = self.connector.connect(url, &cx.events).await?;
        connection.probe().inspect(|probe| cx.counters.set_probe(probe));
        let peer = connection.peer();
        let (connection, meter) = Metered::new(connection, Arc::clone(&cx.counters));
        let mut builder = http1::Builder::new();
        builder.max_buf_size(LOW_WATER);
        let opened = builder.handshake::<_, RequestBody>(TokioIo::new(connection)).await;
        let (mut sender, io) = opened.map_err(|reason| request::unanswered(url, reason))?;
        let mut post = Post { url, feeder, meter, io: JoinSet::new(), answer: None };
        post.io.spawn(io);
        let mut response = std::pin::pin!(sender.send_request(request));

        // A refusal is heard before the stream begins, so that no more than the file header was sent in vain.
        if let Ok(answered) = timeout(GRACE, response.as_mut()).await
            && let Some(place) = post.judge(answered)?
        {
            return Ok(Some(place));
        }
        (cx.events)(LinkEvent::Accepted);
        let sent = post.send(packets, cx, response.as_mut(), most_of(deadlines.silence)).await;
        self.connector.note(peer, sent.as_ref().err());
        let sent = sent?;
        if sent.is_some() {
            return Ok(sent);
        }
        post.leave(response, deadlines.leave).await.map(|()| None)
    }
}

/// A request under way.
struct Post<'a> {
    url: &'a StreamUrl,
    feeder: Feeder,
    meter: Arc<Meter>,
    /// The task that owns the socket; it ends with the request.
    io: JoinSet<hyper::Result<()>>,
    /// A server's yes that came before the end.
    answer: Option<Incoming>,
}

type Answered = hyper::Result<Response<Incoming>>;

impl Post<'_> {
    /// Sends packets until they end, the server refuses, or the connection breaks. Gives the place where the server
    /// wants the stream instead.
    async fn send(
        &mut self,
        packets: &mut PacketReader,
        cx: &OutputCx,
        mut response: Pin<&mut impl Future<Output = Answered>>,
        patience: Duration,
    ) -> Result<Option<StreamUrl>, TransportError> {
        let mut stream = Stream::default();
        let mut pace = Pace::default();
        loop {
            let is_unanswered = self.answer.is_none();
            let next = async {
                self.feeder.wanted().await;
                packets.next().await
            };
            let packet = tokio::select! {
                biased;
                answered = response.as_mut(), if is_unanswered => match self.judge(answered)? {
                    Some(place) => return Ok(Some(place)),
                    None => continue,
                },
                Some(ended) = self.io.join_next() => return Err(self.broken(ended)),
                () = self.meter.stall(patience) => {
                    let text = format!("the server has taken nothing for {} s", patience.as_secs_f32());
                    return Err(self.error(TransportErrorKind::Io, text));
                }
                _ = drain(&mut self.answer) => continue,
                packet = next => packet,
            };
            let Some(packet) = packet else { return Ok(None) };
            if let Some(piece) = stream.piece(&packet, cx).map_err(|reason| self.unusable(&reason))? {
                self.meter.handed(piece.remaining());
                self.feeder.put(piece);
            }
            if !packet.is_stream_information() {
                cx.counters.add_packets(1);
                cx.counters.set_jitter(pace.taken(&packet, Instant::now()));
            }
        }
    }

    /// Ends the body and hears what the server says to it, for at most `patience`.
    async fn leave(
        &mut self,
        response: Pin<&mut impl Future<Output = Answered>>,
        patience: Duration,
    ) -> Result<(), TransportError> {
        self.feeder.finish();
        if self.answer.is_none() {
            let Ok(answered) = timeout(patience, response).await else {
                tracing::debug!(peer = %self.url.peer(), "the server says nothing to the end of the stream");
                return self.all_sent();
            };
            // A server that just hangs up behind the end has got all of it.
            return match answered {
                Err(_) if self.feeder.is_over() => Ok(()),
                answered => self.judge(answered).map(drop),
            };
        }
        let sent = async {
            while !self.feeder.is_over() {
                sleep(Duration::from_millis(5)).await;
            }
            self.meter.flushed().await;
        };
        // What cannot be sent is told below.
        let _ = timeout(patience, sent).await;
        self.all_sent()
    }

    fn all_sent(&self) -> Result<(), TransportError> {
        if self.feeder.is_over() {
            return Ok(());
        }
        Err(self.error(TransportErrorKind::Io, "the end of the stream could not be sent in time".to_owned()))
    }

    /// What the status of an answer means for a stream: nothing for a yes, another place, or an error.
    fn judge(&mut self, answered: Answered) -> Result<Option<StreamUrl>, TransportError> {
        let response = answered.map_err(|reason| self.unanswered(reason))?;
        match response.status() {
            status if status.is_success() => {
                self.answer = Some(response.into_body());
                Ok(None)
            }
            status if request::is_redirect(status) => request::redirect(self.url, &response).map(Some),
            status => Err(self.refused(status)),
        }
    }

    fn refused(&self, status: StatusCode) -> TransportError {
        let hint = match status.as_u16() {
            401 | 403 => ": check user, password and token",
            404 | 405 | 501 => ": it takes no stream at this address",
            409 => ": somebody else publishes this stream",
            500.. => ": the server has a problem of its own",
            _ => "",
        };
        let kind = match status {
            StatusCode::CONFLICT => TransportErrorKind::NameInUse,
            status => TransportErrorKind::HttpStatus(status.as_u16()),
        };
        let error = self.error(kind, format!("the server answered {status}{hint}"));
        // Of what is said about the request, only these may be different the next time.
        let may_pass = matches!(status.as_u16(), 408 | 409 | 423 | 425 | 429);
        if status.is_client_error() && !may_pass { error.permanent() } else { error }
    }

    fn unanswered(&self, reason: hyper::Error) -> TransportError {
        if reason.is_parse() {
            return request::unanswered(self.url, reason);
        }
        self.lost(reason)
    }

    fn broken(&self, ended: Result<hyper::Result<()>, tokio::task::JoinError>) -> TransportError {
        match ended {
            Ok(Err(reason)) => self.lost(reason),
            _ => self.closed(),
        }
    }

    fn lost(&self, reason: hyper::Error) -> TransportError {
        use std::error::Error;
        let cause = reason.source().and_then(|cause| cause.downcast_ref::<io::Error>()).map(io::Error::kind);
        let hung_up = matches!(cause, Some(io::ErrorKind::UnexpectedEof | io::ErrorKind::BrokenPipe));
        if hung_up || reason.is_incomplete_message() || reason.is_canceled() {
            return self.closed().because(reason);
        }
        self.error(TransportErrorKind::Io, "the connection broke".to_owned()).because(reason)
    }

    fn closed(&self) -> TransportError {
        self.error(TransportErrorKind::Closed, "the server closed the connection".to_owned())
    }

    fn unusable(&self, reason: &ErrorKind) -> TransportError {
        self.error(TransportErrorKind::Malformed, format!("the media cannot be sent: {reason}")).permanent()
    }

    fn error(&self, kind: TransportErrorKind, text: String) -> TransportError {
        TransportError::new(kind, self.url.peer(), text)
    }
}

/// Reads what a server says to a stream that it takes, which nobody needs to know, so that it does not wait for us.
async fn drain(answer: &mut Option<Incoming>) {
    let Some(body) = answer else { return std::future::pending().await };
    loop {
        match poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).await {
            Some(Ok(_)) => {}
            // The answer stays: it says that there was one.
            _ => return std::future::pending().await,
        }
    }
}

/// Packets as the tags of an FLV body.
#[derive(Default)]
struct Stream {
    muxer: Option<Muxer>,
    /// Stream information waits for the first media packet, which sets the zero of the wire's clock.
    information: Vec<Packet>,
}

impl Stream {
    /// What to send for `packet`, if anything yet. A packet that is too large is passed over; a codec that cannot be
    /// carried is an error.
    fn piece(&mut self, packet: &Packet, cx: &OutputCx) -> Result<Option<Piece>, ErrorKind> {
        if self.muxer.is_none() && packet.is_stream_information() {
            self.information.push(packet.clone());
            return Ok(None);
        }
        let muxer = self.muxer.get_or_insert_with(|| Muxer::new(cx.epoch.get_or_set(packet.dts)));
        if self.information.is_empty() {
            return Ok(passed(muxer.mux(packet))?.flatten().map(|tag| Box::new(tag.into_buf()) as Piece));
        }
        let mut first = BytesMut::new();
        for packet in self.information.drain(..).chain([packet.clone()]) {
            passed(muxer.write(&packet, &mut first))?;
        }
        Ok((!first.is_empty()).then(|| Box::new(first) as Piece))
    }
}

fn passed<T>(muxed: Result<T, ErrorKind>) -> Result<Option<T>, ErrorKind> {
    match muxed {
        Ok(muxed) => Ok(Some(muxed)),
        Err(reason @ ErrorKind::CannotCarry(_)) => Err(reason),
        Err(reason) => {
            tracing::warn!(%reason, "a packet was not sent");
            Ok(None)
        }
    }
}

/// Names the headers and hides what they say.
impl fmt::Debug for HttpPublisher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpPublisher")
            .field("connector", &self.connector)
            .field("headers", &self.headers.keys().collect::<Vec<_>>())
            .finish()
    }
}
