//! Addresses: what parses survives being written out and read back, and prints no secret.
#![no_main]

use libfuzzer_sys::fuzz_target;
use live_core::StreamUrl;

fuzz_target!(|text: &str| {
    let Ok(url) = StreamUrl::parse(text) else { return };
    assert_eq!(StreamUrl::parse(&url.reveal()).as_ref(), Ok(&url));
    if let Some(path) = url.file_path() {
        assert_eq!(StreamUrl::from_path(path), url);
        return;
    }
    let _ = (url.tc_url(), url.app(), url.peer(), url.path(), url.query());
    let _ = url.join("../x.flv?y");
    shows_no_stream_name(&url);
});

/// What is shown stays the same when the stream name is another one.
fn shows_no_stream_name(url: &StreamUrl) {
    let (whole, name) = (url.reveal(), url.stream_name());
    let Some(rest) = whole.strip_suffix(name).filter(|_| !name.is_empty()) else { return };
    let token = if name.contains('?') { "?t" } else { "" };
    let other = StreamUrl::parse(&format!("{rest}k{token}")).expect("another name is as good");
    assert_eq!(other.to_string(), url.to_string());
}
