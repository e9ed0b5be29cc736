//! What holds for any bytes that are read as a media file.

use live_core::{Packet, PacketKind, Track};
use live_transport::net::file::from_reader;
use std::io::Cursor;

/// Reading never panics; packets come in decoding order and never hold more than the file does.
pub fn check(data: &[u8]) {
    let Ok(mut source) = from_reader("fuzz", Cursor::new(data.to_vec())) else { return };
    let mut last = [None; 2];
    let mut bytes = 0;
    while let Ok(Some(packet)) = source.next_packet() {
        bytes += packet.data.len();
        if data.get(4..8) == Some(b"ftyp") && is_media(&packet) {
            let last = &mut last[usize::from(packet.track == Track::Audio)];
            assert!(last.is_none_or(|last| last <= packet.dts), "{last:?} before {packet:?}");
            *last = Some(packet.dts);
        }
    }
    assert!(bytes <= data.len() * 2 + 1024, "the media of one pass are in the file, once per track");
}

fn is_media(packet: &Packet) -> bool {
    packet.is_video_unit() || packet.kind == PacketKind::Audio
}
