//! FLV, file and tag bodies: the checks are shared with a test that replays the corpus on any toolchain.
#![no_main]

#[path = "../../live-transport/tests/checks/flv.rs"]
mod flv;

libfuzzer_sys::fuzz_target!(|data: &[u8]| flv::check(data));
