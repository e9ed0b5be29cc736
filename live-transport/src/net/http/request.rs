//! One request and the head of its answer.

use crate::net::connect::Connector;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::header::{
    ACCEPT, AUTHORIZATION, COOKIE, Entry, HOST, HeaderName, HeaderValue, LOCATION, USER_AGENT,
};
use hyper::{HeaderMap, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use live_core::{LinkEvent, Scheme, StreamUrl, SubscriptionCx, TransportError, TransportErrorKind};
use tokio::task::JoinSet;
use tokio::time::timeout;

/// The longest head of an answer; also what is read at a time.
const MAX_HEAD: usize = 64 * 1024;

/// Redirects followed before giving up.
const MAX_REDIRECTS: usize = 5;

/// What is asked of a server.
pub(in crate::net) struct Wanted<'a> {
    /// The ways it may be reached, plain and over TLS.
    pub(in crate::net) schemes: [Scheme; 2],
    /// The status of the answer that is good.
    pub(in crate::net) status: StatusCode,
    /// The application's headers.
    pub(in crate::net) headers: &'a HeaderMap,
    /// Headers that come before those.
    pub(in crate::net) more: HeaderMap,
}

/// The head of a good answer.
pub(in crate::net) struct Answer {
    /// Who gave it.
    pub(in crate::net) place: StreamUrl,
    pub(in crate::net) response: Response<Incoming>,
    /// The task that owns the socket.
    pub(in crate::net) io: JoinSet<hyper::Result<()>>,
}

impl Wanted<'_> {
    /// Asks `url`, and follows redirects until a server gives it.
    pub(in crate::net) async fn from(
        &self,
        connector: &Connector,
        url: &StreamUrl,
        cx: &SubscriptionCx,
    ) -> Result<Answer, TransportError> {
        let mut place = url.clone();
        for _ in 0..=MAX_REDIRECTS {
            let mut headers = headers(self.headers, &place, is_trusted(&place, url));
            headers.extend(self.more.clone());
            let request = to(self.schemes, &place, headers, String::new())?;
            let (response, io) = send(connector, &place, request, cx).await?;
            let status = response.status();
            if status == self.status {
                return Ok(Answer { place, response, io });
            }
            if !is_redirect(status) {
                return Err(refused(&place, status));
            }
            place = self.reached(redirect(&place, &response)?);
            (cx.events)(LinkEvent::Redirected { to: place.peer() });
        }
        let text = format!("the server redirects more than {MAX_REDIRECTS} times: check the address");
        Err(TransportError::new(TransportErrorKind::HttpStatus(302), place.peer(), text))
    }

    /// `place` by one of our ways: a web server that redirects a WebSocket writes `http`.
    fn reached(&self, place: StreamUrl) -> StreamUrl {
        let [plain, secure] = self.schemes;
        let (from, to) = match place.scheme() {
            Scheme::Http => (Scheme::Http, plain),
            Scheme::Https => (Scheme::Https, secure),
            _ => return place,
        };
        StreamUrl::parse(&place.reveal().replacen(from.as_str(), to.as_str(), 1)).unwrap_or(place)
    }
}

/// Whether `place` may hear what was meant for `first`: it is the same host, and nobody else can listen.
fn is_trusted(place: &StreamUrl, first: &StreamUrl) -> bool {
    place.authority() == first.authority() && (place.scheme().is_tls() || !first.scheme().is_tls())
}

/// The headers of a request to `place`: `wanted`, and what is missing. Credentials go where they were meant to.
pub(super) fn headers(wanted: &HeaderMap, place: &StreamUrl, is_trusted: bool) -> HeaderMap {
    let mut headers = wanted.clone();
    if !is_trusted {
        headers.remove(AUTHORIZATION);
        headers.remove(COOKIE);
    }
    let mut add = |name: HeaderName, value: Option<HeaderValue>| {
        if let (Entry::Vacant(entry), Some(value)) = (headers.entry(name), value) {
            entry.insert(value);
        }
    };
    add(HOST, HeaderValue::from_str(&place.authority()).ok());
    add(USER_AGENT, Some(HeaderValue::from_static(concat!("live-transport/", env!("CARGO_PKG_VERSION")))));
    add(ACCEPT, Some(HeaderValue::from_static("*/*")));
    add(AUTHORIZATION, basic_authorization(place));
    headers
}

/// RFC 7617.
fn basic_authorization(place: &StreamUrl) -> Option<HeaderValue> {
    let credentials = format!("{}:{}", place.user()?, place.password().unwrap_or_default());
    let mut value = HeaderValue::from_str(&format!("Basic {}", STANDARD.encode(credentials))).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// Connects to `place`, sends the request and reads the head of the answer.
async fn send(
    connector: &Connector,
    place: &StreamUrl,
    request: Request<String>,
    cx: &SubscriptionCx,
) -> Result<(Response<Incoming>, JoinSet<hyper::Result<()>>), TransportError> {
    let connection = connector.connect(place, &cx.events).await?;
    let mut builder = http1::Builder::new();
    builder.max_buf_size(MAX_HEAD);
    let mut io = JoinSet::new();
    let answered = timeout(connector.deadlines.answer, async {
        let (mut sender, connection) = builder.handshake(TokioIo::new(connection)).await?;
        io.spawn(connection.with_upgrades());
        sender.send_request(request).await
    });
    let response = answered.await.map_err(|_| {
        let text = format!("the server did not answer within {} s", connector.deadlines.answer.as_secs_f32());
        TransportError::new(TransportErrorKind::Handshake, place.peer(), text)
    })?;
    Ok((response.map_err(|reason| unanswered(place, reason))?, io))
}

/// A request to `place`, which is reached by one of `schemes`.
pub(super) fn to<B>(
    schemes: [Scheme; 2],
    place: &StreamUrl,
    headers: HeaderMap,
    body: B,
) -> Result<Request<B>, TransportError> {
    if !schemes.contains(&place.scheme()) {
        let [plain, _] = schemes;
        let text =
            format!("a stream over {plain} is asked for, and this is an address of {}", place.scheme());
        return Err(TransportError::new(TransportErrorKind::Address, place.peer(), text).permanent());
    }
    let mut request = Request::new(body);
    *request.uri_mut() = place.path_and_query().parse().map_err(|_| {
        let text = "the path of this address has characters that HTTP does not allow: percent-encode them";
        TransportError::new(TransportErrorKind::Address, place.peer(), text).permanent()
    })?;
    *request.headers_mut() = headers;
    Ok(request)
}

/// There was no answer, or none that is HTTP.
pub(super) fn unanswered(place: &StreamUrl, reason: hyper::Error) -> TransportError {
    let (kind, text) = match &reason {
        reason if reason.is_parse() => {
            (TransportErrorKind::Malformed, "this is no web server: its answer is not HTTP")
        }
        reason if reason.is_incomplete_message() => {
            (TransportErrorKind::Handshake, "the server closed the connection instead of answering")
        }
        _ => (TransportErrorKind::Handshake, "the request was not answered"),
    };
    TransportError::new(kind, place.peer(), text).because(reason)
}

/// Whether the answer says where else to ask.
pub(super) fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

/// Where the answer says.
pub(super) fn redirect(
    place: &StreamUrl,
    response: &Response<Incoming>,
) -> Result<StreamUrl, TransportError> {
    let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
    let failed = |text| TransportError::new(TransportErrorKind::Malformed, place.peer(), text);
    let location = location.ok_or_else(|| failed("the server redirects and does not say where to"))?;
    place.join(location).map_err(|error| failed("the server redirects to what is no address").because(error))
}

/// Says what a status other than the wanted one means.
fn refused(place: &StreamUrl, status: StatusCode) -> TransportError {
    let hint = match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => ": check user, password and token",
        StatusCode::NOT_FOUND => ": nobody publishes this stream, or the address is wrong",
        status if status.is_server_error() => ": the server has a problem of its own",
        _ => "",
    };
    let error = TransportError::new(
        TransportErrorKind::HttpStatus(status.as_u16()),
        place.peer(),
        format!("the server answered {status}{hint}"),
    );
    // Another try with the same credentials gets the same answer.
    if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) { error.permanent() } else { error }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_go_to_no_other_host_and_not_in_clear_where_they_were_secret() {
        for (first, place, trusted) in [
            ("http://a/x.flv", "http://a/y.flv", true),
            ("http://a/x.flv", "https://a/x.flv", true),
            ("wss://a/x.flv", "wss://a/y.flv", true),
            ("https://a/x.flv", "http://a/x.flv", false),
            ("wss://a/x.flv", "ws://a/x.flv", false),
            ("http://a/x.flv", "http://a:8080/x.flv", false),
            ("http://a/x.flv", "http://b/x.flv", false),
        ] {
            let [first, place] = [first, place].map(|url| StreamUrl::parse(url).unwrap());
            assert_eq!(is_trusted(&place, &first), trusted, "{first} to {place}");
        }
    }
}
