//! Addresses of streams, parsed once, with their secrets kept out of sight.

mod parse;

pub use parse::UrlError;

use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// The ways a stream can travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Scheme {
    /// `rtmp://`
    Rtmp,
    /// `rtmps://`
    Rtmps,
    /// `http://`
    Http,
    /// `https://`
    Https,
    /// `ws://`
    Ws,
    /// `wss://`
    Wss,
    /// A path in the file system.
    File,
}

impl Scheme {
    /// The name before `://`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rtmp => "rtmp",
            Self::Rtmps => "rtmps",
            Self::Http => "http",
            Self::Https => "https",
            Self::Ws => "ws",
            Self::Wss => "wss",
            Self::File => "file",
        }
    }

    /// The port that is meant when an address names none; 0 for files.
    #[must_use]
    pub const fn default_port(self) -> u16 {
        match self {
            Self::Rtmp => 1935,
            Self::Http | Self::Ws => 80,
            Self::Rtmps | Self::Https | Self::Wss => 443,
            Self::File => 0,
        }
    }

    /// Whether the connection is wrapped in TLS.
    #[must_use]
    pub const fn is_tls(self) -> bool {
        matches!(self, Self::Rtmps | Self::Https | Self::Wss)
    }

    /// Whether the address names an application and a stream, as RTMP does.
    #[must_use]
    pub const fn is_rtmp(self) -> bool {
        matches!(self, Self::Rtmp | Self::Rtmps)
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The address of a stream: checked when it is parsed, and safe to print.
///
/// `Display` and `Debug` show where the stream goes and hide everything that grants access to it: user, password, the
/// stream name (the "stream key") and the query. What a transport has to put on the wire comes from the accessors;
/// [`reveal`](Self::reveal) and serialisation give the whole address.
///
/// # Application and stream name
///
/// RTMP addresses are divided as other senders divide them, so that one address reaches the same stream from all:
///
/// | path | application | stream name |
/// |---|---|---|
/// | `/app/name` | `app` | `name` |
/// | `/app/instance/name` | `app/instance` | `name` |
/// | `/app/instance/a/b` | `app/instance` | `a/b` |
/// | `/app/mp4:dir/file` | `app` | `mp4:dir/file` |
/// | `/app/name?token=…` | `app` | `name?token=…` |
/// | `/app?vhost=…/name` | `app?vhost=…` | `name` |
///
/// ```
/// # use live_core::StreamUrl;
/// let url: StreamUrl = "rtmp://push.example.com/live/cam1?txSecret=52c&txTime=5".parse()?;
/// assert_eq!((url.app(), url.stream_name()), ("live", "cam1?txSecret=52c&txTime=5"));
/// assert_eq!(url.tc_url(), "rtmp://push.example.com/live");
/// assert_eq!(url.to_string(), "rtmp://push.example.com/live/***?***");
/// # Ok::<(), live_core::UrlError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct StreamUrl {
    scheme: Scheme,
    user: Option<String>,
    password: Option<String>,
    host: String,
    port: Option<u16>,
    /// Path and query from the first slash on; for files the path itself.
    target: String,
    /// Where the stream name (RTMP) or the last path segment starts in `target`.
    name_at: usize,
}

impl StreamUrl {
    /// Parses an address: one of the [`Scheme`]s, or a path in the file system.
    ///
    /// White space around an address and its `#fragment` are dropped; a path is taken as it is.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        parse::parse(text)
    }

    /// The address of a media file.
    ///
    /// A path that is not Unicode is kept as far as it can be written down. A relative path that reads as another kind
    /// of address gets a `./` in front.
    #[must_use]
    pub fn from_path(path: &Path) -> Self {
        parse::path(path.to_string_lossy().into_owned())
    }

    /// How the stream travels.
    #[must_use]
    pub const fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// Host name or IP address (IPv6 without brackets); empty for files.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port to connect to: the one written, else the scheme's own.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port.unwrap_or(self.scheme.default_port())
    }

    /// The port, if the address writes one.
    #[must_use]
    pub const fn explicit_port(&self) -> Option<u16> {
        self.port
    }

    /// User name for authentication, percent-decoded.
    #[must_use]
    pub fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }

    /// Password for authentication, percent-decoded. Secret.
    #[must_use]
    pub fn password(&self) -> Option<&str> {
        self.password.as_deref()
    }

    /// `host` or `host:port` as written, IPv6 in brackets: what a `Host` header says. Empty for files.
    #[must_use]
    pub fn authority(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        self.port.map_or_else(|| host.clone(), |port| format!("{host}:{port}"))
    }

    /// The other end for people, without anything secret: `host:port`, or the file's path.
    #[must_use]
    pub fn peer(&self) -> String {
        match self.scheme {
            Scheme::File => self.target.clone(),
            _ if self.host.contains(':') => format!("[{}]:{}", self.host, self.port()),
            _ => format!("{}:{}", self.host, self.port()),
        }
    }

    /// The path with its leading slash, still percent-encoded; the file's path for files. Its last segment is secret.
    #[must_use]
    pub fn path(&self) -> &str {
        self.split_query().0
    }

    /// The query without its question mark, still percent-encoded. Secret.
    #[must_use]
    pub fn query(&self) -> Option<&str> {
        self.split_query().1
    }

    /// Path and query as they go into an HTTP request line. Secret.
    #[must_use]
    pub fn path_and_query(&self) -> &str {
        &self.target
    }

    /// The file, when the address is one.
    #[must_use]
    pub fn file_path(&self) -> Option<&Path> {
        (self.scheme == Scheme::File).then(|| Path::new(&self.target))
    }

    /// The RTMP application as `connect` names it, without slashes around it; empty for other schemes.
    #[must_use]
    pub fn app(&self) -> &str {
        if self.scheme.is_rtmp() { self.target[..self.name_at].trim_matches('/') } else { "" }
    }

    /// The RTMP stream name with its query, as `publish` and `play` name it; empty for other schemes. Secret.
    #[must_use]
    pub fn stream_name(&self) -> &str {
        if self.scheme.is_rtmp() { &self.target[self.name_at..] } else { "" }
    }

    /// The address of the RTMP application as `connect` names it: without user, fragment and stream, an explicit port
    /// kept. Empty for other schemes.
    #[must_use]
    pub fn tc_url(&self) -> String {
        if self.scheme.is_rtmp() {
            format!("{}://{}/{}", self.scheme, self.authority(), self.app())
        } else {
            String::new()
        }
    }

    /// The whole address with its secrets, for transports and for saving. Never log it.
    #[must_use]
    pub fn reveal(&self) -> String {
        if self.scheme == Scheme::File {
            return self.target.clone();
        }
        let mut userinfo = String::new();
        if let Some(user) = &self.user {
            userinfo += &parse::encode_userinfo(user);
            if let Some(password) = &self.password {
                userinfo.push(':');
                userinfo += &parse::encode_userinfo(password);
            }
            userinfo.push('@');
        }
        format!("{}://{userinfo}{}{}", self.scheme, self.authority(), self.target)
    }

    /// The address that a reference such as a redirect's `Location` means, seen from this one (RFC 3986 section 5.2).
    ///
    /// User and password go along only while host and port stay the same.
    pub fn join(&self, reference: &str) -> Result<Self, UrlError> {
        parse::join(self, reference)
    }

    /// `text` with everything in it that this address keeps secret replaced by `***`: what another program said about
    /// the address may repeat the stream name, the query or one of its values, the user or the password.
    ///
    /// ```
    /// # use live_core::StreamUrl;
    /// let url: StreamUrl = "rtmp://host/live/cam1?token=52c".parse()?;
    /// assert_eq!(url.redact("live/cam1 refused: token 52c is old"), "live/*** refused: token *** is old");
    /// # Ok::<(), live_core::UrlError>(())
    /// ```
    #[must_use]
    pub fn redact(&self, text: &str) -> String {
        if self.scheme == Scheme::File {
            return text.to_owned();
        }
        let name = &self.target[self.name_at..];
        let query = self.query().unwrap_or_default();
        let values = query.split('&').filter_map(|pair| pair.split_once('=')).map(|(_, value)| value);
        let bare = name.split('?').next().unwrap_or_default();
        let credentials = [self.user(), self.password()].into_iter().flatten();
        // The longest first: the others are parts of it.
        let whole = [name, query, bare, bare.strip_suffix(".flv").unwrap_or_default()];
        let mut shown = text.to_owned();
        for secret in whole.into_iter().chain(values).chain(credentials) {
            shown = replace_words(&shown, secret);
        }
        shown
    }

    fn split_query(&self) -> (&str, Option<&str>) {
        match self.target.split_once('?') {
            Some((path, query)) if self.scheme != Scheme::File => (path, Some(query)),
            _ => (&self.target, None),
        }
    }
}

/// `text` with `***` for every `secret` that stands alone, and is not part of a word.
fn replace_words(text: &str, secret: &str) -> String {
    if secret.is_empty() || secret == "***" {
        return text.to_owned();
    }
    let (mut shown, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = rest.find(secret) {
        let (before, after) = (&rest[..at], &rest[at + secret.len()..]);
        let joins = |neighbour: Option<char>, edge: Option<char>| {
            neighbour.is_some_and(char::is_alphanumeric) && edge.is_some_and(char::is_alphanumeric)
        };
        let in_word =
            joins(before.chars().next_back().or_else(|| shown.chars().next_back()), secret.chars().next())
                || joins(after.chars().next(), secret.chars().next_back());
        shown.push_str(before);
        shown.push_str(if in_word { secret } else { "***" });
        rest = after;
    }
    shown + rest
}

impl FromStr for StreamUrl {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        Self::parse(text)
    }
}

impl From<&Path> for StreamUrl {
    fn from(path: &Path) -> Self {
        Self::from_path(path)
    }
}

impl From<PathBuf> for StreamUrl {
    fn from(path: PathBuf) -> Self {
        Self::from_path(&path)
    }
}

/// Hides user, password, stream name and query; see [`StreamUrl`].
impl fmt::Display for StreamUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.scheme == Scheme::File {
            return f.write_str(&self.target);
        }
        let credentials = if self.user.is_some() { "***@" } else { "" };
        write!(f, "{}://{credentials}{}", self.scheme, self.authority())?;
        let shown = &self.target[..self.name_at];
        match shown.split_once('?') {
            // The query stands before the stream name and is all that follows the application.
            Some((app, _)) => write!(f, "{app}?***"),
            None => write!(f, "{shown}***{}", if self.query().is_some() { "?***" } else { "" }),
        }
    }
}

/// As `Display`.
impl fmt::Debug for StreamUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StreamUrl({self})")
    }
}

/// Writes the whole address with its secrets, so that a saved configuration can be read back.
impl Serialize for StreamUrl {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.reveal())
    }
}

impl<'de> Deserialize<'de> for StreamUrl {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn url(text: &str) -> StreamUrl {
        StreamUrl::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn t30_application_and_stream_name_are_divided_as_documented() {
        for (text, app, name, tc_url) in [
            ("rtmp://h/app/name", "app", "name", "rtmp://h/app"),
            ("rtmp://h/app/instance/name", "app/instance", "name", "rtmp://h/app/instance"),
            ("rtmp://h/app/instance/a/b", "app/instance", "a/b", "rtmp://h/app/instance"),
            ("rtmp://h/vod/mp4:dir/file.mp4", "vod", "mp4:dir/file.mp4", "rtmp://h/vod"),
            ("rtmp://u:p@h/app/name#frag", "app", "name", "rtmp://h/app"),
            ("rtmp://h/app?vhost=v.com/name", "app?vhost=v.com", "name", "rtmp://h/app?vhost=v.com"),
            ("  rtmp://h/app/name\n", "app", "name", "rtmp://h/app"),
        ] {
            let url = url(text);
            assert_eq!((url.app(), url.stream_name(), &*url.tc_url()), (app, name, tc_url), "{text}");
        }
    }

    #[test]
    fn t31_an_explicit_port_stays_and_the_default_is_not_written() {
        assert_eq!(url("rtmp://h:1935/a/n").tc_url(), "rtmp://h:1935/a");
        assert_eq!(url("rtmp://h/a/n").port(), 1935);
        assert_eq!(url("rtmps://h/a/n").port(), 443);
        assert_eq!(url("rtmps://h:8443/a/n").explicit_port(), Some(8443));
        assert_eq!(url("https://h/a.flv").port(), 443);
        assert_eq!(url("ws://h/a.flv").port(), 80);
    }

    #[test]
    fn t32_tokens_travel_in_the_stream_name() {
        let url = url("rtmp://h/live/cam?txSecret=a/b==&txTime=5F");
        assert_eq!(url.app(), "live");
        assert_eq!(url.stream_name(), "cam?txSecret=a/b==&txTime=5F");
    }

    #[test]
    fn t95_ipv6_literals_lose_their_brackets_only_where_they_must() {
        let url = url("rtmp://[2001:db8::1]:1936/a/n");
        assert_eq!((url.host(), url.port()), ("2001:db8::1", 1936));
        assert_eq!(url.tc_url(), "rtmp://[2001:db8::1]:1936/a");
        assert_eq!(url.peer(), "[2001:db8::1]:1936");
    }

    #[test]
    fn credentials_are_decoded_and_written_back_encoded() {
        let url = url("rtmp://me%40home:p%3Aw%2F@h/a/n");
        assert_eq!((url.user(), url.password()), (Some("me@home"), Some("p:w/")));
        assert_eq!(StreamUrl::parse(&url.reveal()), Ok(url));
    }

    #[test]
    fn what_others_say_about_an_address_is_shown_without_its_secrets() {
        let url = url("rtmp://me:pass@host/live/cam?txSecret=a1b2&txTime=5F");
        for (text, shown) in [
            ("live/cam?txSecret=a1b2&txTime=5F is taken", "live/*** is taken"),
            ("Stream 'cam' (txSecret=a1b2&txTime=5F)", "Stream '***' (***)"),
            ("a1b2 of me: pass", "*** of ***: ***"),
            ("the camera is same5F", "the camera is same5F"),
        ] {
            assert_eq!(url.redact(text), shown);
        }
        assert_eq!(self::url("http://h/live/é.flv").redact("é.flv é"), "*** ***");
        assert_eq!(self::url("a/b.flv").redact("a/b.flv"), "a/b.flv");
    }

    #[test]
    fn paths_and_file_addresses_are_files() {
        assert_eq!(url("a b/c?d.flv").file_path(), Some(Path::new("a b/c?d.flv")));
        assert_eq!(url("file:///a%20b.flv").file_path(), Some(Path::new("/a b.flv")));
        assert_eq!(url("file://localhost/a.flv").file_path(), Some(Path::new("/a.flv")));
        assert_eq!(url("/tmp/x.flv").to_string(), "/tmp/x.flv");
        assert_eq!(url("rtmp://h/a/n").file_path(), None);
        let odd = StreamUrl::from_path(Path::new("rtmp://h/a/n"));
        assert_eq!(odd.file_path(), Some(Path::new("./rtmp://h/a/n")));
        assert_eq!(StreamUrl::parse(&odd.reveal()), Ok(odd));
    }

    #[test]
    fn serde_keeps_the_whole_address() {
        let json = r#""rtmp://u:p@h/live/key?token=1""#;
        let url: StreamUrl = serde_json::from_str(json).unwrap();
        assert_eq!(serde_json::to_string(&url).unwrap(), json);
        assert!(serde_json::from_str::<StreamUrl>(r#""gopher://h/""#).is_err());
    }

    proptest! {
        #[test]
        fn secrets_are_never_printed(
            scheme in prop::sample::select(vec!["rtmp", "rtmps", "http", "https", "ws", "wss"]),
            host in "(host|10\\.1\\.1\\.1|\\[::1\\])(:[1-9][0-9]{0,3})?",
            app in "[abc]{1,4}(/[abc]{1,4})?",
            key in "SECRET[0-9]{1,6}(\\.flv)?",
            query in "(\\?t=SECRET/[0-9]{1,5})?",
            user in "(SECRET[0-9]?:SECRET[0-9@]{0,4}@)?",
            vhost in any::<bool>(),
        ) {
            let text = match vhost {
                true if scheme.starts_with("rtmp") => format!("{scheme}://{user}{host}/app?v=SECRET/{key}"),
                _ => format!("{scheme}://{user}{host}/{app}/{key}{query}"),
            };
            let url = StreamUrl::parse(&text).unwrap();
            for shown in [format!("{url}"), format!("{url:?}"), url.peer()] {
                prop_assert!(!shown.contains("SECRET"), "{shown}");
            }
            prop_assert_eq!(StreamUrl::parse(&url.reveal()).unwrap(), url);
        }

        #[test]
        fn arbitrary_text_never_panics_and_errors_never_quote_it(tail in "\\PC{0,60}", scheme in "(rtmp|http|xyz)://") {
            if let Err(error) = StreamUrl::parse(&format!("{scheme}SECRET{tail}")) {
                prop_assert!(!error.to_string().contains("SECRET"), "{}", error);
            }
            let _ = StreamUrl::parse(&tail);
            let _ = url("http://h/a/b.flv").join(&tail);
        }
    }
}
