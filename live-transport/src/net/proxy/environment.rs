//! The proxy that the environment names.

use super::{Proxy, ProxyError};
use live_core::{Scheme, StreamUrl};
use std::net::IpAddr;

/// The proxy for `url` by the variables that `get` reads; an error names the variable.
pub(super) fn proxy(
    url: &StreamUrl,
    get: impl Fn(&str) -> Option<String>,
) -> Result<Option<Proxy>, (&'static str, ProxyError)> {
    let own: &[&str] = match url.scheme() {
        Scheme::Http | Scheme::Ws => &["http_proxy"],
        Scheme::Https | Scheme::Wss => &["https_proxy", "HTTPS_PROXY"],
        _ => &[],
    };
    let names = own.iter().copied().chain(["all_proxy", "ALL_PROXY"]);
    let read = |name: &str| get(name).filter(|value| !value.trim().is_empty());
    let Some((name, value)) = names.into_iter().find_map(|name| Some((name, read(name)?))) else {
        return Ok(None);
    };
    let exceptions = read("no_proxy").or_else(|| read("NO_PROXY")).unwrap_or_default();
    if is_local(url.host()) || is_excepted(url.host(), &exceptions) {
        return Ok(None);
    }
    // A host without a scheme is an HTTP proxy, as everywhere.
    let value = if value.contains("://") { value } else { format!("http://{value}") };
    value.parse().map(Some).map_err(|error| (name, error))
}

fn is_local(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost") || host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

/// Whether `host` is in the list: itself, below a domain in it, or anything for `*`.
fn is_excepted(host: &str, list: &str) -> bool {
    let host = host.to_ascii_lowercase();
    list.split([',', ' ']).map(str::trim).filter(|entry| !entry.is_empty()).any(|entry| {
        let entry = entry.trim_start_matches("*.").trim_start_matches('.').to_ascii_lowercase();
        entry == "*" || host == entry || host.strip_suffix(&entry).is_some_and(|front| front.ends_with('.'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(url: &str, variables: &[(&str, &str)]) -> Result<Option<String>, &'static str> {
        let get =
            |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        let proxy = proxy(&url.parse().unwrap(), get);
        proxy.map(|proxy| proxy.map(|proxy| proxy.to_string())).map_err(|(name, _)| name)
    }

    #[test]
    fn each_scheme_has_its_variable_and_all_of_them_one() {
        let all = [("all_proxy", "socks5://a"), ("http_proxy", "h:1"), ("HTTPS_PROXY", "http://s:2")];
        let expected = |text: &str| Ok(Some(text.to_owned()));
        assert_eq!(chosen("rtmp://host/a/n", &all), expected("a:1080"));
        assert_eq!(chosen("rtmps://host/a/n", &all), expected("a:1080"));
        assert_eq!(chosen("http://host/a.flv", &all), expected("h:1"));
        assert_eq!(chosen("https://host/a.flv", &all), expected("s:2"));
        assert_eq!(chosen("http://host/a.flv", &all[..1]), expected("a:1080"));
        assert_eq!(chosen("http://host/a.flv", &[("HTTP_PROXY", "http://h")]), Ok(None));
        assert_eq!(chosen("rtmp://host/a/n", &[("ALL_PROXY", " ")]), Ok(None));
        assert_eq!(chosen("rtmp://host/a/n", &[("ALL_PROXY", "ftp://x")]), Err("ALL_PROXY"));
    }

    #[test]
    fn this_machine_and_excepted_hosts_are_reached_directly() {
        let all = [("all_proxy", "http://p"), ("no_proxy", "example.com, .lan,10.0.0.1")];
        for host in ["localhost", "127.0.0.1", "[::1]", "example.com", "a.Example.com", "tv.lan", "10.0.0.1"]
        {
            assert_eq!(chosen(&format!("rtmp://{host}/a/n"), &all), Ok(None), "{host}");
        }
        for host in ["badexample.com", "lan.com", "10.0.0.11"] {
            assert_eq!(chosen(&format!("rtmp://{host}/a/n"), &all), Ok(Some("p:80".into())), "{host}");
        }
        assert_eq!(chosen("rtmp://host/a/n", &[("all_proxy", "http://p"), ("no_proxy", "*")]), Ok(None));
    }
}
