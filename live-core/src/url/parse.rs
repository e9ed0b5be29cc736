//! The text form of a [`StreamUrl`]: RFC 3986, as far as streams need it.

use super::{Scheme, StreamUrl};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use std::net::Ipv6Addr;

/// Longest address taken, in bytes: tokens are a few hundred, and names go into 16-bit length fields on the wire.
const MAX_LEN: usize = 8192;

/// Why a text is not the address of a stream. Says what is allowed; quotes nothing that could be secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UrlError {
    /// Nothing was given.
    #[error("the address is empty: give rtmp://host/app/stream, http://host/path.flv or a file")]
    Empty,
    /// The address is longer than any server takes.
    #[error("the address is {0} bytes long; at most {MAX_LEN} are allowed")]
    TooLong(usize),
    /// White space or a control character inside an address.
    #[error("the address contains a space or control character; write it percent-encoded (a space is %20)")]
    Character,
    /// A way to travel that is not known.
    #[error("unknown scheme \"{0}\": allowed are rtmp, rtmps, http, https, ws, wss, file, or a file's path")]
    Scheme(String),
    /// No host between `//` and the path.
    #[error("the {0} address has no host: expected {0}://host/…")]
    Host(Scheme),
    /// The host is neither a name nor an IP address.
    #[error(
        "the host of the {0} address is not valid: expected letters, digits, dots and hyphens (an international name \
         in its xn-- form), or an IPv6 address in brackets"
    )]
    HostName(Scheme),
    /// The port is not a number a port can have.
    #[error("the port of the {0} address is not a number from 1 to 65535")]
    Port(Scheme),
    /// The address names no application.
    #[error("the {0} address names no application: expected {0}://host/app/stream")]
    App(Scheme),
    /// The address names a server, but no stream on it.
    #[error("the {0} address names no stream: expected {example}", example = example(*.0))]
    StreamName(Scheme),
    /// A `file://` address of another machine, or a path that is not text.
    #[error("a file address must name a local file: file:///path, or just the path")]
    FilePath,
}

fn example(scheme: Scheme) -> String {
    if scheme.is_rtmp() { format!("{scheme}://host/app/stream") } else { format!("{scheme}://host/path.flv") }
}

/// The address of a file.
pub(super) const fn file(path: String) -> StreamUrl {
    StreamUrl {
        scheme: Scheme::File,
        user: None,
        password: None,
        host: String::new(),
        port: None,
        target: path,
        name_at: 0,
    }
}

pub(super) fn encode_userinfo(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

/// The address of a file whose path may look like another kind of address.
pub(super) fn path(path: String) -> StreamUrl {
    let relative = std::path::Path::new(&path).is_relative();
    let url = file(path);
    if relative && parse(&url.target).as_ref() != Ok(&url) { file(format!("./{}", url.target)) } else { url }
}

pub(super) fn parse(text: &str) -> Result<StreamUrl, UrlError> {
    let address = text.trim();
    if address.is_empty() {
        return Err(UrlError::Empty);
    }
    within_limit(text.len())?;
    match address.split_once("://") {
        Some((scheme, rest)) if is_scheme(scheme) => match scheme_named(scheme)? {
            Scheme::File => file_address(rest),
            scheme => network(scheme, rest),
        },
        // Spaces around a path belong to it.
        _ => Ok(file(text.to_owned())),
    }
}

const fn within_limit(len: usize) -> Result<(), UrlError> {
    if len > MAX_LEN { Err(UrlError::TooLong(len)) } else { Ok(()) }
}

/// Whether `text` can be a scheme at all (RFC 3986 section 3.1); a path that merely contains `://` is a path.
fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
}

fn scheme_named(name: &str) -> Result<Scheme, UrlError> {
    use Scheme::{File, Http, Https, Rtmp, Rtmps, Ws, Wss};
    [Rtmp, Rtmps, Http, Https, Ws, Wss, File]
        .into_iter()
        .find(|scheme| scheme.as_str().eq_ignore_ascii_case(name))
        .ok_or_else(|| UrlError::Scheme(name.chars().take(16).collect()))
}

fn file_address(rest: &str) -> Result<StreamUrl, UrlError> {
    let path = rest.strip_prefix("localhost").filter(|path| path.starts_with('/')).unwrap_or(rest);
    if !path.starts_with('/') || path.len() == 1 {
        return Err(UrlError::FilePath);
    }
    let path = percent_decode_str(path).decode_utf8().map_err(|_| UrlError::FilePath)?;
    Ok(file(path.into_owned()))
}

fn network(scheme: Scheme, rest: &str) -> Result<StreamUrl, UrlError> {
    if rest.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err(UrlError::Character);
    }
    let rest = rest.split_once('#').map_or(rest, |(before, _)| before);
    let (authority, target) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    // The last `@` divides: passwords with an unescaped one are common.
    let (userinfo, host_port) =
        authority.rsplit_once('@').map_or((None, authority), |(userinfo, host)| (Some(userinfo), host));
    let (user, password) = userinfo.map_or(Ok((None, None)), credentials)?;
    let (host, port) = host_and_port(scheme, host_port)?;
    let target = if target.starts_with('/') { target.to_owned() } else { format!("/{target}") };
    let name_at =
        if scheme.is_rtmp() { stream_name_at(scheme, &target)? } else { last_segment_at(scheme, &target)? };
    let url = StreamUrl { scheme, user, password, host, port, target, name_at };
    // Longer than it came where a password had to be percent-encoded, or a reference was resolved.
    within_limit(url.reveal().len())?;
    Ok(url)
}

/// User and password, if there are any.
type Credentials = (Option<String>, Option<String>);

fn credentials(userinfo: &str) -> Result<Credentials, UrlError> {
    let decode = |text: &str| {
        let decoded = percent_decode_str(text).decode_utf8().map_err(|_| UrlError::Character)?;
        Ok(decoded.into_owned())
    };
    let (user, password) =
        userinfo.split_once(':').map_or((userinfo, None), |(user, password)| (user, Some(password)));
    Ok((Some(decode(user)?), password.map(decode).transpose()?))
}

fn host_and_port(scheme: Scheme, text: &str) -> Result<(String, Option<u16>), UrlError> {
    let (host, port) = if let Some(literal) = text.strip_prefix('[') {
        let (address, port) = literal.split_once(']').ok_or(UrlError::HostName(scheme))?;
        let without_zone = address.split_once('%').map_or(address, |(address, _)| address);
        without_zone.parse::<Ipv6Addr>().map_err(|_| UrlError::HostName(scheme))?;
        (address, port)
    } else {
        let (host, port) = text.split_at(text.find(':').unwrap_or(text.len()));
        if host.is_empty() {
            return Err(UrlError::Host(scheme));
        }
        if !host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_')) {
            return Err(UrlError::HostName(scheme));
        }
        (host, port)
    };
    let port = match port.strip_prefix(':') {
        None if port.is_empty() => None,
        Some(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => {
            Some(digits.parse().ok().filter(|port| *port != 0).ok_or(UrlError::Port(scheme))?)
        }
        _ => return Err(UrlError::Port(scheme)),
    };
    Ok((host.to_owned(), port))
}

/// Where the RTMP stream name starts in `/app/name`, by the table at [`StreamUrl`].
fn stream_name_at(scheme: Scheme, target: &str) -> Result<usize, UrlError> {
    let path_end = target.find('?').unwrap_or(target.len());
    let slash_after = |from: usize| target[from..path_end].find('/').map(|at| from + at);
    let app_end = slash_after(1).unwrap_or(path_end);
    if app_end == 1 {
        return Err(UrlError::App(scheme));
    }
    let name_at = if app_end == path_end {
        // One segment: the stream may follow a query that belongs to the application.
        target.rfind('/').filter(|slash| *slash > path_end).map(|slash| slash + 1)
    } else {
        let second = app_end + 1;
        let name_at = slash_after(second).filter(|slash| !target[second..*slash].contains(':'));
        Some(name_at.map_or(second, |slash| slash + 1))
    };
    name_at
        .filter(|at| *at < target.len() && target.as_bytes()[*at] != b'?')
        .ok_or(UrlError::StreamName(scheme))
}

/// Where the last segment of an HTTP path starts.
fn last_segment_at(scheme: Scheme, target: &str) -> Result<usize, UrlError> {
    let path = target.split_once('?').map_or(target, |(path, _)| path);
    if path == "/" && path.len() == target.len() {
        return Err(UrlError::StreamName(scheme));
    }
    Ok(path.rfind('/').map_or(0, |slash| slash + 1))
}

pub(super) fn join(base: &StreamUrl, reference: &str) -> Result<StreamUrl, UrlError> {
    let reference = reference.trim();
    let absolute = reference.split_once("://").is_some_and(|(scheme, _)| is_scheme(scheme));
    let mut joined = if absolute {
        parse(reference)?
    } else if let Some(rest) = reference.strip_prefix("//") {
        network(base.scheme, rest)?
    } else {
        let target = merge(base.path(), base.query(), reference);
        network(base.scheme, &format!("{}{target}", base.authority()))?
    };
    let same_place = (joined.scheme, &joined.host, joined.port()) == (base.scheme, &base.host, base.port());
    if same_place && joined.user.is_none() {
        joined.user.clone_from(&base.user);
        joined.password.clone_from(&base.password);
    }
    Ok(joined)
}

/// Path and query of a relative reference against a base path (RFC 3986 section 5.2.2, last branch).
fn merge(base_path: &str, base_query: Option<&str>, reference: &str) -> String {
    let reference = reference.split_once('#').map_or(reference, |(before, _)| before);
    let (path, query) =
        reference.split_once('?').map_or((reference, None), |(path, query)| (path, Some(query)));
    let (path, query) = if path.is_empty() {
        (base_path.to_owned(), query.or(base_query))
    } else if path.starts_with('/') {
        (without_dot_segments(path), query)
    } else {
        let folder = &base_path[..=base_path.rfind('/').unwrap_or(0)];
        (without_dot_segments(&format!("{folder}{path}")), query)
    };
    query.map_or_else(|| path.clone(), |query| format!("{path}?{query}"))
}

/// RFC 3986 section 5.2.4 for a path that starts with a slash.
fn without_dot_segments(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = path.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        match segment {
            "." | ".." => {
                if segment == ".." {
                    kept.pop();
                }
                if segments.peek().is_none() {
                    kept.push("");
                }
            }
            segment => kept.push(segment),
        }
    }
    format!("/{}", kept.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistakes_are_named_with_what_is_allowed() {
        for (text, expected) in [
            ("", "the address is empty"),
            ("gopher://h/a", "unknown scheme \"gopher\": allowed are rtmp, rtmps"),
            ("rtmp:///live/name", "the rtmp address has no host"),
            ("rtmp://:1935/live/name", "the rtmp address has no host"),
            ("rtmp://h/", "names no application"),
            ("rtmp://h", "names no application"),
            ("rtmp://h//name", "names no application"),
            ("rtmp://h/live", "names no stream: expected rtmp://host/app/stream"),
            ("rtmp://h/live/", "names no stream"),
            ("rtmp://h/live/?token=1", "names no stream"),
            ("rtmp://h/live/instance/", "names no stream"),
            ("http://h", "names no stream: expected http://host/path.flv"),
            ("rtmp://h:0/a/n", "port of the rtmp address"),
            ("rtmp://h:65536/a/n", "port of the rtmp address"),
            ("rtmp://user:secret/a/n", "port of the rtmp address"),
            ("rtmp://[::1/a/n", "host of the rtmp address is not valid"),
            ("rtmp://[zz]/a/n", "host of the rtmp address is not valid"),
            ("rtmp://h\u{e4}/a/n", "host of the rtmp address is not valid"),
            ("http://h/a b.flv", "space or control character"),
            ("rtmp://h/a/n\r\nx", "space or control character"),
            ("file://other/a.flv", "a file address must name a local file"),
        ] {
            let error = StreamUrl::parse(text).expect_err(text).to_string();
            assert!(error.contains(expected), "{text}: {error}");
            assert!(!error.contains("secret"), "{error}");
        }
        assert_eq!(StreamUrl::parse(&"x".repeat(9000)), Err(UrlError::TooLong(9000)));
        let grows = format!("rtmp://{}@h/a/n", "@".repeat(3000));
        assert_eq!(StreamUrl::parse(&grows), Err(UrlError::TooLong(9013)));
    }

    #[test]
    fn t59_relative_locations_are_resolved_against_the_request() {
        let base = StreamUrl::parse("http://u:p@h:8080/a/b/c.flv?x=1").expect("valid");
        for (reference, expected) in [
            ("/d.flv?t=2", "http://u:p@h:8080/d.flv?t=2"),
            ("d.flv", "http://u:p@h:8080/a/b/d.flv"),
            ("../d.flv", "http://u:p@h:8080/a/d.flv"),
            ("../../../d.flv", "http://u:p@h:8080/d.flv"),
            ("./", "http://u:p@h:8080/a/b/"),
            ("?y=2", "http://u:p@h:8080/a/b/c.flv?y=2"),
            ("", "http://u:p@h:8080/a/b/c.flv?x=1"),
            ("//other/d.flv", "http://other/d.flv"),
            ("https://h:8080/d.flv", "https://h:8080/d.flv"),
            ("http://h:8080/d.flv#f", "http://u:p@h:8080/d.flv"),
        ] {
            assert_eq!(base.join(reference).expect(reference).reveal(), expected, "{reference}");
        }
        assert!(base.join("ftp://h/d.flv").is_err());
    }
}
