//! Flags about the way to the server.

use clap::{Arg, ArgAction, ArgMatches, value_parser};
use live_pusher::Builder;
use std::path::PathBuf;

/// Proxy, certificates and headers.
pub(crate) struct Network {
    proxy: Option<String>,
    tls_ca: Option<PathBuf>,
    tls_insecure: bool,
    headers: Vec<(String, String)>,
}

/// The flags.
pub(super) fn flags() -> [Arg; 4] {
    [
        Arg::new("proxy").long("proxy").value_name("URL").help(
            "http://[user:password@]host[:port], socks5://…, or none; unless given as http_proxy, https_proxy, all_proxy and no_proxy say",
        ),
        Arg::new("tls-ca")
            .long("tls-ca")
            .value_name("FILE")
            .value_parser(value_parser!(PathBuf))
            .help("Trust the certificate authorities in this PEM file, in place of the system's"),
        Arg::new("tls-insecure")
            .long("tls-insecure")
            .action(ArgAction::SetTrue)
            .help("Do not verify certificates: whoever is on the way can read and change the stream"),
        Arg::new("header")
            .long("header")
            .value_name("NAME: VALUE")
            .action(ArgAction::Append)
            .help("Send this header with HTTP requests, such as \"Referer: https://example.com/\"; may be given again"),
    ]
}

impl Network {
    pub(super) fn read(matches: &ArgMatches) -> Result<Self, String> {
        let headers = matches.get_many::<String>("header").into_iter().flatten().map(|text| {
            let (name, value) = text.split_once(':').ok_or("--header: expected NAME: VALUE")?;
            Ok((name.to_owned(), value.to_owned()))
        });
        let tls_insecure = matches.get_flag("tls-insecure");
        if tls_insecure {
            eprintln!("live-push: WARNING: certificates are not verified (--tls-insecure)");
        }
        Ok(Self {
            proxy: matches.get_one("proxy").cloned(),
            tls_ca: matches.get_one("tls-ca").cloned(),
            tls_insecure,
            headers: headers.collect::<Result<_, &str>>()?,
        })
    }

    pub(crate) fn apply(self, mut builder: Builder) -> Builder {
        builder = match self.proxy {
            None => builder.proxy_from_environment(),
            Some(none) if none == "none" => builder,
            Some(proxy) => builder.proxy(proxy),
        };
        if let Some(path) = self.tls_ca {
            builder = builder.tls_roots_file(path);
        }
        if self.tls_insecure {
            builder = builder.tls_insecure();
        }
        self.headers.into_iter().fold(builder, |builder, (name, value)| builder.header(name, value))
    }
}
