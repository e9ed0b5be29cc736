//! Any bytes as a chunk stream, whole and in pieces: no panic, the same messages, bounded memory.
#![no_main]

use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use live_transport::rtmp::chunk::{Error, Limits, Message, Reader};

const LIMITS: Limits = Limits { message: 1 << 20, unfinished: 1 << 20, chunk_streams: 16 };

fn read(data: &[u8], step: usize) -> (Vec<Message>, Option<Error>) {
    let mut reader = Reader::new(LIMITS);
    let mut input = BytesMut::new();
    let mut messages = Vec::new();
    for piece in data.chunks(step) {
        input.extend_from_slice(piece);
        loop {
            match reader.read(&mut input) {
                Ok(Some(message)) => messages.push(message),
                Ok(None) => break,
                Err(error) => return (messages, Some(error)),
            }
        }
    }
    (messages, None)
}

fuzz_target!(|data: &[u8]| {
    let Some((&step, data)) = data.split_first() else { return };
    let (whole, error) = read(data, usize::MAX);
    let (pieces, piecewise) = read(data, usize::from(step).max(1));
    assert_eq!(whole, pieces);
    assert_eq!(error.map(|error| error.kind), piecewise.map(|error| error.kind));
});
