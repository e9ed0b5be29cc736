//! AMF0 and AMF3: the checks are shared with a test that replays the corpus on any toolchain.
#![no_main]

#[path = "../../live-transport/tests/checks/amf0.rs"]
mod amf0;

libfuzzer_sys::fuzz_target!(|data: &[u8]| amf0::check(data));
