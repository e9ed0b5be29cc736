//! Any bytes as a server's side of a connection, behind the handshake: no panic, whatever it answers or sends.
#![no_main]

use bytes::{Buf, BytesMut};
use libfuzzer_sys::fuzz_target;
use live_core::{Packet, Timestamp};
use live_transport::rtmp::{ClientConfig, ClientSession, Purpose};
use std::time::{Duration, Instant};

fuzz_target!(|data: &[u8]| {
    let Some((&first, data)) = data.split_first() else { return };
    let purpose = if first & 1 == 0 { Purpose::Play } else { Purpose::Publish };
    let mut now = Instant::now();
    let url = "rtmp://host/live/name".parse().expect("a good address");
    let mut client = ClientSession::new(now, ClientConfig::new(purpose, url));
    client.set_epoch(Timestamp::ZERO);
    let mut input = BytesMut::from(&[3][..]);
    input.resize(1 + 2 * 1536, 0);
    let sound = Packet::audio(Timestamp::ZERO, vec![0; 300].into());
    for piece in data.chunks(usize::from(first >> 1).max(1)) {
        input.extend_from_slice(piece);
        now += Duration::from_millis(10);
        if client.handle_input(now, &mut input).is_err() || client.handle_timeout(now).is_err() {
            return;
        }
        while client.poll_event().is_some() {}
        client.send(&sound).expect("sound can be carried");
        let out = client.outgoing();
        out.advance(out.remaining());
    }
    client.finish();
});
