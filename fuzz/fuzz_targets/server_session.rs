//! Any bytes as a client's side of a connection, behind the handshake: no panic, whatever it asks or sends.
#![no_main]

use bytes::{Buf, BytesMut};
use libfuzzer_sys::fuzz_target;
use live_transport::rtmp::{ServerConfig, ServerEvent, ServerSession};
use std::time::{Duration, Instant};

fuzz_target!(|data: &[u8]| {
    let Some((&step, data)) = data.split_first() else { return };
    let mut now = Instant::now();
    let mut server = ServerSession::new(now, ServerConfig::default());
    let mut input = BytesMut::from(&[3][..]);
    input.resize(1 + 2 * 1536, 0);
    for piece in data.chunks(usize::from(step).max(1)) {
        input.extend_from_slice(piece);
        now += Duration::from_millis(10);
        if server.handle_input(now, &mut input).is_err() || server.handle_timeout(now).is_err() {
            return;
        }
        while let Some(event) = server.poll_event() {
            match event {
                ServerEvent::Publish { stream, .. } | ServerEvent::Play { stream, .. } => {
                    server.accept(now, stream)
                }
                ServerEvent::Media(message) => server.send_media(message.stream_id, &message),
                ServerEvent::Closed { stream } => server.end(now, stream),
                _ => {}
            }
        }
        let out = server.outgoing();
        out.advance(out.remaining());
    }
});
