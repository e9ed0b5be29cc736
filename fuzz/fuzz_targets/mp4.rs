//! MP4 and FLV files as packet sources: the checks are shared with a test that replays the corpus on any toolchain.
#![no_main]

#[path = "../../live-transport/tests/checks/mp4.rs"]
mod mp4;

libfuzzer_sys::fuzz_target!(|data: &[u8]| mp4::check(data));
