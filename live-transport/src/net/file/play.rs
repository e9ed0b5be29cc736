//! A file played like a stream.

use super::open;
use async_trait::async_trait;
use live_core::{
    CaptureError, CaptureErrorKind, LinkEvent, MediaSender, Outcome, Packet, StreamUrl, Subscriber,
    SubscriptionCx, TransportError, TransportErrorKind,
};
use std::io;
use std::path::PathBuf;
use std::time::Instant;
use tokio::sync::mpsc;

/// Packets that are read ahead.
const READ_AHEAD: usize = 32;

/// Plays FLV and MP4 files: the [`Subscriber`] for addresses that are files. They are read as fast as they are played.
#[derive(Clone, Copy, Debug, Default)]
pub struct Player;

#[async_trait]
impl Subscriber for Player {
    async fn play(&self, url: &StreamUrl, media: &mut dyn MediaSender, cx: &SubscriptionCx) -> Outcome {
        match play(url, media, cx).await {
            Ok(()) => Outcome::Ended,
            Err(error) => Outcome::Lost(error),
        }
    }
}

async fn play(
    url: &StreamUrl,
    media: &mut dyn MediaSender,
    cx: &SubscriptionCx,
) -> Result<(), TransportError> {
    let peer = url.peer();
    let Some(path) = url.file_path() else {
        let text = format!("this address is one of {} and not a file", url.scheme());
        return Err(TransportError::new(TransportErrorKind::Address, peer, text).permanent());
    };
    let mut packets = read(path.to_owned()).map_err(|error| {
        TransportError::new(TransportErrorKind::File, &peer, "no thread to read the file").because(error)
    })?;
    let mut accepted = false;
    loop {
        tokio::select! {
            biased;
            () = media.closed() => return Ok(()),
            packet = packets.recv() => {
                let Some(packet) = packet else { return Ok(()) };
                let packet = packet.map_err(|error| unreadable(&peer, error))?;
                if !accepted {
                    accepted = true;
                    (cx.events)(LinkEvent::Connected { peer: peer.clone() });
                    (cx.events)(LinkEvent::Accepted);
                }
                cx.counters.add_received(packet.data.len() as u64);
                cx.counters.add_packets(1);
                media.send(Packet { arrival: Some(Instant::now()), ..packet });
            }
        }
        media.room().await;
    }
}

/// Reads `path` on a thread of its own, which ends when nobody takes packets any more.
fn read(path: PathBuf) -> io::Result<mpsc::Receiver<Result<Packet, CaptureError>>> {
    let (sender, receiver) = mpsc::channel(READ_AHEAD);
    std::thread::Builder::new().name("file-reader".to_owned()).spawn(move || {
        let mut source = match open(&path) {
            Ok(source) => source,
            Err(error) => {
                // Nobody hears it when the player has left already.
                let _ = sender.blocking_send(Err(error));
                return;
            }
        };
        while let Some(packet) = source.next_packet().transpose() {
            let failed = packet.is_err();
            if sender.blocking_send(packet).is_err() || failed {
                return;
            }
        }
    })?;
    Ok(receiver)
}

/// Damage in the middle of a file is no reason to try again.
fn unreadable(peer: &str, error: CaptureError) -> TransportError {
    let kind = match error.kind {
        CaptureErrorKind::UnsupportedFormat | CaptureErrorKind::Malformed => TransportErrorKind::Malformed,
        _ => TransportErrorKind::File,
    };
    let mut unreadable = TransportError::new(kind, peer, error.message).permanent();
    unreadable.source = error.source;
    unreadable
}
