//! Headers that an application adds to HTTP requests.

use hyper::HeaderMap;
use hyper::header::{HeaderName, HeaderValue};
use live_core::config::Mistake;

/// Headers about the connection and the length of the message, which are not the application's to say.
const OURS: [&str; 8] =
    ["connection", "content-length", "expect", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"];

/// The headers of `pairs`; what is wrong goes to `mistakes`, by name, the values unquoted.
pub(super) fn check(pairs: &[(String, String)], mistakes: &mut Vec<Mistake>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        match header(name, value) {
            Ok((name, value)) => {
                headers.append(name, value);
            }
            Err(problem) => mistakes.push(Mistake::new("header", problem)),
        }
    }
    headers
}

fn header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), String> {
    let parsed: HeaderName = name.trim().parse().map_err(|_| {
        "expected a name of letters, digits and hyphens, such as Referer, and a value".to_owned()
    })?;
    if OURS.contains(&parsed.as_str()) {
        return Err(format!("{parsed} is set by the protocol itself"));
    }
    let mut value = HeaderValue::from_bytes(value.trim().as_bytes())
        .map_err(|_| format!("the value of {name} has line breaks or control characters"))?;
    value.set_sensitive(true);
    Ok((parsed, value))
}
