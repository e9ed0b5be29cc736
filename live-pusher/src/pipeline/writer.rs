//! Where encoders put their packets.

use super::preroll::{Preroll, Release};
use live_core::queue::PacketQueue;
use live_core::{Packet, Timestamp, Track, WireEpoch};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// Passes packets of all tracks through the preroll into the queue. Clones share it.
#[derive(Clone)]
pub(crate) struct StreamWriter {
    start: Arc<Mutex<Start>>,
    queue: PacketQueue,
    epoch: WireEpoch,
}

/// What has begun.
struct Start {
    preroll: Preroll,
    /// The decoding time of the newest picture.
    picture: Option<Timestamp>,
}

impl StreamWriter {
    /// Begins with `first`, the stream's description, and waits for the `awaited` tracks.
    pub(crate) fn new(first: Packet, awaited: Vec<Track>, queue: PacketQueue, epoch: WireEpoch) -> Self {
        let mut preroll = Preroll::new(awaited);
        // Stream information never releases the preroll.
        preroll.push(first, Instant::now());
        Self { start: Arc::new(Mutex::new(Start { preroll, picture: None })), queue, epoch }
    }

    /// Hands over packets of one track, in decoding order. Never waits for the network.
    pub(crate) fn write(&self, packets: impl IntoIterator<Item = Packet>) {
        let now = Instant::now();
        // The lock is held while pushing, so that nothing overtakes the start of the stream.
        let mut start = self.start.lock().unwrap_or_else(PoisonError::into_inner);
        for packet in packets {
            if packet.is_video_unit() {
                start.picture = start.picture.max(Some(packet.dts));
            }
            let release = start.preroll.push(packet, now);
            self.pass_on(release);
        }
    }

    /// Releases what is still held, ends the sequence of pictures and closes the queue.
    ///
    /// Some servers tell nobody that a publisher has left: from the end of the sequence a viewer knows, and its decoder
    /// gives out the pictures that it holds back.
    pub(crate) fn finish(&self) {
        let mut start = self.start.lock().unwrap_or_else(PoisonError::into_inner);
        self.pass_on(start.preroll.finish());
        if let Some(last) = start.picture.take() {
            self.queue.push(Packet::end_of_sequence(Track::Video, last));
        }
        self.queue.close();
    }

    /// Whether an output needs a key frame to go on. Asking clears the wish.
    pub(crate) fn take_key_request(&self) -> bool {
        self.queue.take_key_request()
    }

    fn pass_on(&self, release: Release) {
        match release {
            Release::Nothing => {}
            Release::PassOn(packet) => self.queue.push(packet),
            Release::Start { packets, epoch } => {
                self.epoch.get_or_set(epoch);
                packets.into_iter().for_each(|packet| self.queue.push(packet));
            }
        }
    }
}
