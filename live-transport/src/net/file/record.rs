//! A stream into a file.

use super::FlvWriter;
use async_trait::async_trait;
use live_core::queue::PacketReader;
use live_core::{
    LinkEvent, Outcome, OutputCx, Packet, PacketKind, Publisher, StreamUrl, Timestamp, TransportError,
    TransportErrorKind,
};
use std::fs::File;
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};
use tokio::sync::{mpsc, oneshot};

/// Packets between the task and the thread that writes. Past it the queue of the reader grows, where it can be seen.
const IN_FLIGHT: usize = 64;
/// Media packets that are held back to find out when the recording starts: both tracks are among them.
const OPENING: usize = 16;

/// Writes a stream into an FLV file: the [`Publisher`] for addresses that are files.
///
/// The file begins at zero whenever the recording does. It is complete when [`publish`](Publisher::publish) returns,
/// and also when that future is dropped. An existing file is replaced.
#[derive(Clone, Copy, Debug, Default)]
pub struct Recorder;

#[async_trait]
impl Publisher for Recorder {
    async fn publish(&self, url: &StreamUrl, packets: &mut PacketReader, cx: &OutputCx) -> Outcome {
        match record(url, packets, cx).await {
            Ok(()) => Outcome::Ended,
            Err(error) => Outcome::Lost(error),
        }
    }
}

async fn record(url: &StreamUrl, packets: &mut PacketReader, cx: &OutputCx) -> Result<(), TransportError> {
    let peer = url.peer();
    let Some(path) = url.file_path() else {
        let text = format!("a recording needs a file, and this is an address of {}", url.scheme());
        return Err(TransportError::new(TransportErrorKind::Address, peer, text).permanent());
    };
    let failed = |error: io::Error| {
        let text = "the file cannot be written: check the path, the rights and the space that is left";
        // Another try would begin the file anew and lose what is in it.
        TransportError::new(TransportErrorKind::File, &peer, text).permanent().because(error)
    };
    let (to_disk, done) = start(path).map_err(failed)?;
    (cx.events)(LinkEvent::Connected { peer: peer.clone() });
    (cx.events)(LinkEvent::Accepted);
    while let Some(packet) = packets.next().await {
        let bytes = packet.data.len() as u64;
        if to_disk.send(packet).await.is_err() {
            break;
        }
        cx.counters.add_sent(bytes);
        cx.counters.add_packets(1);
    }
    drop(to_disk);
    // The thread ends by answering; if it cannot, it has panicked.
    done.await.unwrap_or_else(|_| Err(io::Error::other("the writing thread has failed"))).map_err(failed)
}

type Done = oneshot::Receiver<io::Result<()>>;

/// Creates the file and starts the thread that writes it until the sender is dropped.
fn start(path: &Path) -> io::Result<(mpsc::Sender<Packet>, Done)> {
    let file = File::create(path)?;
    let (sender, receiver) = mpsc::channel(IN_FLIGHT);
    let (answer, done) = oneshot::channel();
    let path: PathBuf = path.to_owned();
    std::thread::Builder::new().name("flv-recorder".to_owned()).spawn(move || {
        let result = write(file, receiver);
        if let Err(error) = &result {
            tracing::warn!(file = %path.display(), %error, "the recording has failed");
        }
        // Nobody waits for the answer when the publication was cancelled.
        let _ = answer.send(result);
    })?;
    Ok((sender, done))
}

fn write(file: File, mut packets: mpsc::Receiver<Packet>) -> io::Result<()> {
    let opening = read_opening(&mut packets);
    let media = opening.iter().filter(|packet| is_media(packet));
    let epoch = media.map(|packet| packet.dts).min().unwrap_or(Timestamp::ZERO);
    let mut writer = FlvWriter::new(BufWriter::new(file), epoch)?;
    let rest = std::iter::from_fn(|| packets.blocking_recv());
    for packet in opening.into_iter().chain(rest) {
        match writer.write(&packet) {
            Err(error) if error.kind() == io::ErrorKind::Unsupported => {
                tracing::warn!(%error, "a packet cannot be recorded");
            }
            result => result?,
        }
    }
    writer.finish().map(drop)
}

fn read_opening(packets: &mut mpsc::Receiver<Packet>) -> Vec<Packet> {
    let (mut opening, mut media) = (Vec::new(), 0);
    while media < OPENING {
        let Some(packet) = packets.blocking_recv() else { break };
        media += usize::from(is_media(&packet));
        opening.push(packet);
    }
    opening
}

fn is_media(packet: &Packet) -> bool {
    packet.is_video_unit() || packet.kind == PacketKind::Audio
}
