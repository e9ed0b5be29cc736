//! What holds for any bytes that are read as FLV.

use bytes::BytesMut;
use live_core::Packet;
use live_transport::flv::{Demuxer, Depacketizer};

/// Reading never panics, and how the bytes arrive makes no difference. The first byte says in what pieces they do.
pub fn check(data: &[u8]) {
    let Some((&pieces, bytes)) = data.split_first() else { return };
    let whole = read(bytes, bytes.len().max(1));
    assert_eq!(read(bytes, usize::from(pieces) + 1), whole);
    // Bodies come without the file around them, too: in RTMP messages.
    assert!(whole.0.iter().all(|packet| packet.data.len() <= bytes.len()));
}

/// The packets of `bytes` that arrive in pieces of `len`, and whether they end as they should.
fn read(bytes: &[u8], len: usize) -> (Vec<Packet>, bool) {
    let (mut demuxer, mut depacketizer) = (Demuxer::new(), Depacketizer::new());
    let (mut input, mut packets) = (BytesMut::new(), Vec::new());
    for piece in bytes.chunks(len) {
        input.extend_from_slice(piece);
        loop {
            match demuxer.read(&mut input) {
                Ok(Some(tag)) => depacketizer.read_tag(tag, &mut packets).unwrap_or_default(),
                Ok(None) => break,
                Err(_) => return (packets, false),
            }
        }
    }
    let whole = demuxer.finish(&input).is_ok();
    (packets, whole)
}
