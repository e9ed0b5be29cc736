//! From the encoders to any number of outputs: one writer side, readers that drop on their own.

use crate::packet::{Packet, PacketKind, Track};
use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;

/// How much a [`PacketQueue`] keeps of the current GOP for readers that join later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueLimits {
    /// Payload bytes of the kept GOP and of each reader's backlog.
    pub bytes: usize,
}

impl Default for QueueLimits {
    /// 32 MiB: ten seconds at 25 Mbit/s.
    fn default() -> Self {
        Self { bytes: 32 << 20 }
    }
}

/// When a reader that falls behind loses packets. Backlog is measured in media time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DropRule {
    /// A longer video backlog is cut to the newest key frame.
    pub video_after: Duration,
    /// A longer audio backlog loses its oldest packets. Larger than `video_after`: sound goes last.
    pub audio_after: Duration,
}

impl Default for DropRule {
    /// Video after 2 s, audio after 5 s.
    fn default() -> Self {
        Self { video_after: Duration::from_secs(2), audio_after: Duration::from_secs(5) }
    }
}

impl DropRule {
    /// Nothing is dropped before the byte limit: for recordings.
    pub const NEVER: Self = Self { video_after: Duration::MAX, audio_after: Duration::MAX };
}

/// Packets a reader lost by its [`DropRule`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    /// Video access units.
    pub video: u64,
    /// Audio access units.
    pub audio: u64,
}

impl Dropped {
    fn count(&mut self, packet: &Packet) {
        self.video += u64::from(packet.is_video_unit());
        self.audio += u64::from(packet.kind == PacketKind::Audio);
    }
}

/// What waits for one reader.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueueState {
    /// Packets of any kind.
    pub packets: usize,
    /// Video access units among them.
    pub video: usize,
    /// Payload bytes.
    pub bytes: usize,
    /// Media time from the oldest waiting packet to the newest one pushed.
    pub backlog: Duration,
    /// Lost so far.
    pub dropped: Dropped,
}

/// A bounded queue of packets with one writing side and any number of readers.
///
/// Clones share the queue. Each reader has a cursor and a [`DropRule`] of its own, so a slow destination never
/// disturbs the others. The decoder configurations, the metadata and the current GOP are kept and replayed to a reader
/// that joins. After a lost access unit a reader gets no video before the next key frame: what it gives out always
/// decodes.
#[derive(Clone)]
pub struct PacketQueue {
    shared: Arc<Mutex<Shared>>,
}

struct Shared {
    limits: QueueLimits,
    information: StreamInformation,
    /// Everything since the newest key frame (since the start, for a stream without pictures: nothing).
    gop: VecDeque<Packet>,
    gop_bytes: usize,
    readers: Vec<Cursor>,
    next_id: u64,
    key_wanted: bool,
    closed: bool,
}

/// The newest packet of each kind that describes the stream.
#[derive(Default)]
struct StreamInformation {
    metadata: Option<Packet>,
    video: Option<Packet>,
    audio: Option<Packet>,
}

impl StreamInformation {
    fn update(&mut self, packet: &Packet) {
        let place = match packet.kind {
            PacketKind::Metadata(_) => &mut self.metadata,
            PacketKind::Config(codec) if codec.track() == Track::Video => &mut self.video,
            PacketKind::Config(_) => &mut self.audio,
            _ => return,
        };
        *place = Some(packet.clone());
    }

    fn packets(&self) -> impl Iterator<Item = Packet> {
        [&self.metadata, &self.video, &self.audio].into_iter().flatten().cloned()
    }
}

impl PacketQueue {
    /// An empty queue without readers.
    #[must_use]
    pub fn new(limits: QueueLimits) -> Self {
        Self {
            shared: Arc::new(Mutex::new(Shared {
                limits,
                information: StreamInformation::default(),
                gop: VecDeque::new(),
                gop_bytes: 0,
                readers: Vec::new(),
                next_id: 0,
                key_wanted: false,
                closed: false,
            })),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives `packet` to every reader. Never waits. Ignored after [`close`](Self::close).
    pub fn push(&self, packet: Packet) {
        let mut shared = self.lock();
        if shared.closed {
            return;
        }
        shared.information.update(&packet);
        if packet.track == Track::Video && packet.is_stream_information() {
            // What was encoded under another configuration does not decode under this one.
            shared.gop.clear();
            shared.gop_bytes = 0;
        }
        shared.keep_in_gop(&packet);
        let limit = shared.limits.bytes;
        shared.relieve(&packet);
        let mut key_wanted = false;
        for cursor in &mut shared.readers {
            key_wanted |= cursor.push(packet.clone(), limit);
        }
        shared.key_wanted |= key_wanted;
    }

    /// A reader that begins with the stream information and the current GOP.
    #[must_use]
    pub fn reader(&self, rule: DropRule) -> PacketReader {
        let mut shared = self.lock();
        let id = shared.next_id;
        shared.next_id += 1;
        let mut cursor = Cursor::new(id, rule, Arc::new(Notify::new()));
        cursor.replay(&shared.information, &shared.gop);
        let notify = Arc::clone(&cursor.notify);
        shared.readers.push(cursor);
        PacketReader { id, queue: self.clone(), notify }
    }

    /// Ends the stream: readers get what waits for them, then `None`.
    pub fn close(&self) {
        let mut shared = self.lock();
        shared.closed = true;
        for cursor in &shared.readers {
            cursor.notify.notify_one();
        }
    }

    /// Whether [`close`](Self::close) was called.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// Whether a reader needs a key frame to go on. Asking clears the wish.
    #[must_use]
    pub fn take_key_request(&self) -> bool {
        std::mem::take(&mut self.lock().key_wanted)
    }

    fn state_of(&self, id: u64) -> QueueState {
        self.lock().cursor(id).map_or_else(QueueState::default, |cursor| QueueState {
            packets: cursor.waiting.len(),
            video: cursor.waiting.iter().filter(|packet| packet.is_video_unit()).count(),
            bytes: cursor.bytes,
            backlog: cursor.backlog(|packet| !packet.is_stream_information()),
            dropped: cursor.dropped,
        })
    }
}

impl fmt::Debug for PacketQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shared = self.lock();
        f.debug_struct("PacketQueue")
            .field("readers", &shared.readers.len())
            .field("gop_bytes", &shared.gop_bytes)
            .field("closed", &shared.closed)
            .finish()
    }
}

impl Shared {
    fn keep_in_gop(&mut self, packet: &Packet) {
        if packet.is_stream_information() {
            return;
        }
        let starts = packet.kind == PacketKind::Key;
        if starts || self.gop_bytes + packet.data.len() > self.limits.bytes {
            // Past the limit a joining reader waits for the next key frame instead.
            self.gop.clear();
            self.gop_bytes = 0;
        }
        if starts || !self.gop.is_empty() {
            self.gop_bytes += packet.data.len();
            self.gop.push_back(packet.clone());
        }
    }

    fn cursor(&mut self, id: u64) -> Option<&mut Cursor> {
        self.readers.iter_mut().find(|cursor| cursor.id == id)
    }

    /// Lets successors take over where `packet`, which is about to be pushed, begins something new.
    fn relieve(&mut self, packet: &Packet) {
        let begins = match packet.kind {
            PacketKind::Key => true,
            PacketKind::Audio => self.information.video.is_none(),
            _ => false,
        };
        if !begins {
            return;
        }
        for index in 0..self.readers.len() {
            let Some(successor) = self.readers[index].successor.take() else { continue };
            // One that has gone takes over nothing.
            if let Some(next) = self.cursor(successor) {
                next.follows = false;
                self.readers[index].close();
            }
        }
    }

    /// Forgets a reader. Who was to take over from it begins now.
    fn remove(&mut self, id: u64) {
        if let Some(successor) = self.cursor(id).and_then(|cursor| cursor.successor)
            && let Some(next) = self.cursor(successor)
        {
            next.follows = false;
        }
        self.readers.retain(|cursor| cursor.id != id);
    }
}

/// One reader's place in the stream: the packets it has not taken yet.
struct Cursor {
    id: u64,
    rule: DropRule,
    notify: Arc<Notify>,
    waiting: VecDeque<Packet>,
    bytes: usize,
    dropped: Dropped,
    /// Video is passed over until a key frame comes.
    needs_key: bool,
    /// Nobody takes packets for the moment: only the newest GOP is kept.
    paused: bool,
    /// Nothing more is put in: what waits is the rest.
    closed: bool,
    /// The cursor that takes over at the next key frame.
    successor: Option<u64>,
    /// It gets media when the one before it has ended.
    follows: bool,
}

impl Cursor {
    fn new(id: u64, rule: DropRule, notify: Arc<Notify>) -> Self {
        Self {
            id,
            rule,
            notify,
            waiting: VecDeque::new(),
            bytes: 0,
            dropped: Dropped::default(),
            needs_key: true,
            paused: false,
            closed: false,
            successor: None,
            follows: false,
        }
    }

    fn replay(&mut self, information: &StreamInformation, gop: &VecDeque<Packet>) {
        for packet in information.packets().chain(gop.iter().cloned()) {
            self.append(packet);
        }
    }

    /// Ends after what waits.
    fn close(&mut self) {
        self.closed = true;
        self.notify.notify_one();
    }

    /// Takes `packet` and keeps the drop rule; `true` when a key frame is needed to go on.
    fn push(&mut self, packet: Packet, byte_limit: usize) -> bool {
        if self.closed || (self.follows && !packet.is_stream_information()) {
            return false;
        }
        if self.paused && packet.kind == PacketKind::Key {
            self.retain(Packet::is_stream_information);
        }
        let had_key = !self.needs_key;
        self.append(packet);
        if self.backlog(Packet::is_video_unit) > self.rule.video_after || self.bytes > byte_limit {
            self.drop_video();
        }
        while self.backlog(|packet| packet.kind == PacketKind::Audio) > self.rule.audio_after
            || self.bytes > byte_limit
        {
            if !self.drop_oldest_audio() {
                break;
            }
        }
        had_key && self.needs_key
    }

    fn append(&mut self, packet: Packet) {
        match packet.kind {
            PacketKind::Key => self.needs_key = false,
            PacketKind::Delta { .. } if self.needs_key => {
                self.dropped.count(&packet);
                return;
            }
            _ => {}
        }
        self.bytes += packet.data.len();
        self.waiting.push_back(packet);
        self.notify.notify_one();
    }

    /// Media time between the oldest and the newest waiting packet that `counts`.
    fn backlog(&self, counts: impl Fn(&Packet) -> bool) -> Duration {
        let first = self.waiting.iter().find(|packet| counts(packet));
        let last = self.waiting.iter().rev().find(|packet| counts(packet));
        match (first, last) {
            (Some(first), Some(last)) => last.dts.saturating_since(first.dts),
            _ => Duration::ZERO,
        }
    }

    /// Drops the video before the newest waiting key frame; all of it when that is where the backlog starts.
    fn drop_video(&mut self) {
        let first = self.waiting.iter().position(Packet::is_video_unit);
        let newest_key = self.waiting.iter().rposition(|packet| packet.kind == PacketKind::Key);
        let keep_from = match (first, newest_key) {
            (None, _) => return,
            (Some(first), Some(key)) if key > first => key,
            _ => {
                self.needs_key = true;
                self.waiting.len()
            }
        };
        let mut index = 0;
        self.retain(|packet| {
            index += 1;
            index > keep_from || !packet.is_video_unit()
        });
    }

    fn drop_oldest_audio(&mut self) -> bool {
        let Some(oldest) = self.waiting.iter().position(|packet| packet.kind == PacketKind::Audio) else {
            return false;
        };
        if let Some(packet) = self.waiting.remove(oldest) {
            self.bytes -= packet.data.len();
            self.dropped.count(&packet);
        }
        true
    }

    /// Keeps the packets that `keep` wants, in order, and counts the rest as dropped.
    fn retain(&mut self, mut keep: impl FnMut(&Packet) -> bool) {
        let Self { waiting, bytes, dropped, .. } = self;
        waiting.retain(|packet| {
            let keeps = keep(packet);
            if !keeps {
                *bytes -= packet.data.len();
                dropped.count(packet);
            }
            keeps
        });
    }

    /// Forgets what waits, without counting it.
    fn begin_again(&mut self) {
        self.waiting.clear();
        self.bytes = 0;
        self.needs_key = true;
        self.paused = false;
        self.follows = false;
    }

    fn take(&mut self) -> Option<Packet> {
        let packet = self.waiting.pop_front()?;
        self.bytes -= packet.data.len();
        self.paused = false;
        Some(packet)
    }
}

/// One destination's view of a [`PacketQueue`]; leaves the queue when dropped.
pub struct PacketReader {
    id: u64,
    queue: PacketQueue,
    notify: Arc<Notify>,
}

impl PacketReader {
    /// The next packet; waits for one. `None` when the queue is closed and everything was given out.
    ///
    /// Cancel-safe: a dropped future has taken nothing.
    pub async fn next(&mut self) -> Option<Packet> {
        loop {
            // Registered before looking, so a packet pushed in between wakes it.
            let notify = Arc::clone(&self.notify);
            let pushed = notify.notified();
            {
                let mut shared = self.queue.lock();
                let closed = shared.closed;
                let cursor = shared.cursor(self.id)?;
                // Who asks is connected: nothing that comes from now on is to be lost.
                cursor.paused = false;
                if let Some(packet) = cursor.take() {
                    return Some(packet);
                }
                if closed || cursor.closed {
                    return None;
                }
            }
            pushed.await;
        }
    }

    /// The next packet if one is waiting.
    pub fn try_next(&mut self) -> Option<Packet> {
        self.queue.lock().cursor(self.id).and_then(Cursor::take)
    }

    /// Whether the queue is closed, or this reader was [ended](QueueWatch::end); packets may still be waiting.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        let mut shared = self.queue.lock();
        shared.closed || shared.cursor(self.id).is_none_or(|cursor| cursor.closed)
    }

    /// What waits for this reader.
    #[must_use]
    pub fn state(&self) -> QueueState {
        self.queue.state_of(self.id)
    }

    /// A handle that reads [`state`](Self::state) from elsewhere, while the reader itself is with its output.
    #[must_use]
    pub fn watch(&self) -> QueueWatch {
        QueueWatch { id: self.id, queue: self.queue.clone() }
    }

    /// Says that nobody takes packets for the moment, as the destination is not connected: from now on the newest GOP
    /// at most is kept. Asking for a packet ends it.
    pub fn pause(&mut self) {
        if let Some(cursor) = self.queue.lock().cursor(self.id) {
            cursor.paused = true;
        }
    }

    /// Starts again for a new connection: the stream information first, then the newest key frame (one is requested)
    /// with the sound that goes with it. Timestamps go on.
    pub fn restart(&mut self) {
        let mut guard = self.queue.lock();
        let shared = &mut *guard;
        shared.key_wanted = true;
        let Some(cursor) = shared.readers.iter_mut().find(|cursor| cursor.id == self.id) else { return };
        // What is replayed below is not lost.
        let replayed_from = shared.gop.front().map(|key| key.dts);
        let lost = |packet: &&Packet| replayed_from.is_none_or(|from| packet.dts < from);
        cursor.waiting.iter().filter(lost).for_each(|packet| cursor.dropped.count(packet));
        cursor.begin_again();
        cursor.replay(&shared.information, &shared.gop);
    }
}

impl Drop for PacketReader {
    fn drop(&mut self) {
        self.queue.lock().remove(self.id);
    }
}

impl fmt::Debug for PacketReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PacketReader").field("state", &self.state()).finish()
    }
}

/// Reads a [`PacketReader`]'s state from another task or thread, and ends it or hands it over from there.
#[derive(Clone, Debug)]
pub struct QueueWatch {
    id: u64,
    queue: PacketQueue,
}

impl QueueWatch {
    /// Says that a key frame would help: [`PacketQueue::take_key_request`] answers true once.
    pub fn request_key(&self) {
        self.queue.lock().key_wanted = true;
    }

    /// What waits for the reader; empty when it is gone.
    #[must_use]
    pub fn state(&self) -> QueueState {
        self.queue.state_of(self.id)
    }

    /// Ends the stream for this reader alone: it gets what waits for it, then `None`.
    pub fn end(&self) {
        if let Some(cursor) = self.queue.lock().cursor(self.id) {
            cursor.close();
        }
    }

    /// Lets the reader of `next` go on in place of this one, without a packet lost or given out twice: at the next key
    /// frame (one is requested), or at the next sound where there are no pictures, this reader [ends](Self::end) and the
    /// other begins, with the stream information first. What it lost counts on.
    ///
    /// Nothing happens when either of them is gone.
    pub fn hand_over(&self, next: &Self) {
        let mut guard = self.queue.lock();
        let shared = &mut *guard;
        let Some(dropped) = shared.cursor(self.id).map(|cursor| cursor.dropped) else { return };
        let Some(successor) = shared.readers.iter_mut().find(|cursor| cursor.id == next.id) else { return };
        successor.begin_again();
        successor.follows = true;
        successor.dropped = dropped;
        successor.replay(&shared.information, &VecDeque::new());
        shared.key_wanted = true;
        if let Some(cursor) = shared.cursor(self.id) {
            cursor.successor = Some(next.id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::Codec;
    use crate::time::Timestamp;
    use bytes::Bytes;
    use proptest::prelude::*;

    fn video(millis: i64, key: bool) -> Packet {
        let at = Timestamp::from_millis(millis);
        let data = Bytes::from_static(&[0; 100]);
        if key { Packet::key(at, at, data) } else { Packet::delta(at, at, false, data) }
    }

    fn audio(millis: i64) -> Packet {
        Packet::audio(Timestamp::from_millis(millis), Bytes::from_static(&[0; 10]))
    }

    fn config() -> Packet {
        Packet::config(Codec::H264, Timestamp::ZERO, Bytes::from_static(b"avcC"))
    }

    fn drain(reader: &mut PacketReader) -> Vec<Packet> {
        std::iter::from_fn(|| reader.try_next()).collect()
    }

    #[test]
    fn a_late_reader_gets_configuration_and_the_current_gop() {
        let queue = PacketQueue::new(QueueLimits::default());
        queue.push(config());
        for at in 0..25 {
            queue.push(video(at * 40, at % 10 == 0));
        }
        let got = drain(&mut queue.reader(DropRule::default()));
        assert_eq!(got.len(), 1 + 5);
        assert_eq!(got[0], config());
        assert_eq!(got[1], video(800, true));
    }

    #[test]
    fn a_new_configuration_is_never_replayed_with_older_pictures() {
        let queue = PacketQueue::new(QueueLimits::default());
        queue.push(config());
        queue.push(video(0, true));
        queue.push(Packet::config(Codec::H264, Timestamp::ZERO, Bytes::from_static(b"other")));
        let mut between = queue.reader(DropRule::default());
        queue.push(video(40, true));
        let got = drain(&mut between);
        assert_eq!(got.len(), 2);
        assert_eq!((&got[0].data[..], &got[1]), (&b"other"[..], &video(40, true)));
    }

    #[test]
    fn overflow_cuts_video_to_the_newest_key_frame_and_keeps_sound_and_configuration() {
        let queue = PacketQueue::new(QueueLimits::default());
        let mut slow = queue.reader(DropRule { video_after: Duration::from_secs(1), ..DropRule::default() });
        let mut recording = queue.reader(DropRule::NEVER);
        queue.push(config());
        for at in 0..40 {
            queue.push(video(at * 40, at % 15 == 0));
            queue.push(audio(at * 40));
        }
        let got = drain(&mut slow);
        assert_eq!(got.iter().filter(|packet| packet.kind == PacketKind::Audio).count(), 40);
        assert_eq!(got[0], config());
        let first = got.iter().find(|packet| packet.is_video_unit()).unwrap();
        assert_eq!(first.kind, PacketKind::Key);
        assert_eq!(slow.state().dropped, Dropped { video: 15, audio: 0 });
        assert_eq!(drain(&mut recording).len(), 81, "another reader is not disturbed");
    }

    #[test]
    fn without_a_newer_key_frame_all_video_goes_and_one_is_requested() {
        let queue = PacketQueue::new(QueueLimits::default());
        let mut reader =
            queue.reader(DropRule { video_after: Duration::from_secs(1), ..DropRule::default() });
        for at in 0..30 {
            queue.push(video(at * 40, at == 0));
        }
        assert!(queue.take_key_request());
        assert!(!queue.take_key_request(), "asking clears the wish");
        assert_eq!(drain(&mut reader), []);
        queue.push(video(1200, false));
        queue.push(video(1240, true));
        assert_eq!(drain(&mut reader), [video(1240, true)]);
    }

    #[test]
    fn sound_goes_last() {
        let queue = PacketQueue::new(QueueLimits::default());
        let reader = queue.reader(DropRule::default());
        for at in 0..300 {
            queue.push(audio(at * 20));
        }
        assert_eq!(reader.state().backlog, Duration::from_secs(5));
        assert_eq!(reader.state().dropped.audio, 300 - 251);
    }

    #[test]
    fn a_paused_reader_keeps_the_newest_gop_and_restarts_with_stream_information() {
        let queue = PacketQueue::new(QueueLimits::default());
        let mut reader = queue.reader(DropRule::default());
        queue.push(config());
        queue.push(video(0, true));
        reader.pause();
        for at in 1..100 {
            queue.push(video(at * 40, at % 25 == 0));
            queue.push(audio(at * 40));
        }
        assert!(reader.state().video <= 25);
        reader.restart();
        let got = drain(&mut reader);
        assert_eq!(got[..2], [config(), video(3000, true)]);
        assert!(got.iter().all(|packet| packet.is_stream_information() || packet.dts >= got[1].dts));
        assert!(queue.take_key_request());
    }

    #[test]
    fn a_hand_over_happens_at_a_key_frame_and_loses_and_repeats_nothing() {
        let queue = PacketQueue::new(QueueLimits::default());
        let mut old = queue.reader(DropRule::default());
        queue.push(config());
        let packets: Vec<_> = (0..20).flat_map(|at| [video(at * 40, at % 8 == 0), audio(at * 40)]).collect();
        let mut new = None;
        for (index, packet) in packets.iter().enumerate() {
            if index == 5 {
                let reader = queue.reader(DropRule::default());
                old.watch().hand_over(&reader.watch());
                assert!(queue.take_key_request());
                new = Some(reader);
            }
            queue.push(packet.clone());
        }
        assert!(old.is_closed());
        let (before, after) = (drain(&mut old), drain(&mut new.unwrap()));
        assert_eq!(after[..2], [config(), video(320, true)]);
        assert_eq!([&before[1..], &after[1..]].concat(), packets);
    }

    #[test]
    fn without_pictures_a_hand_over_happens_at_once() {
        let queue = PacketQueue::new(QueueLimits::default());
        let mut old = queue.reader(DropRule::default());
        queue.push(audio(0));
        let mut new = queue.reader(DropRule::default());
        old.watch().hand_over(&new.watch());
        queue.push(audio(20));
        assert_eq!((drain(&mut old), drain(&mut new)), (vec![audio(0)], vec![audio(20)]));
    }

    #[test]
    fn a_hand_over_survives_the_end_of_either_side() {
        let queue = PacketQueue::new(QueueLimits::default());
        let mut old = queue.reader(DropRule::default());
        old.watch().hand_over(&queue.reader(DropRule::default()).watch());
        queue.push(video(0, true));
        assert_eq!(drain(&mut old), [video(0, true)], "who is gone takes over nothing");
        let mut new = queue.reader(DropRule::default());
        old.watch().hand_over(&new.watch());
        drop(old);
        queue.push(video(40, false));
        queue.push(video(80, true));
        assert_eq!(drain(&mut new), [video(80, true)], "and who is left goes on");
    }

    #[test]
    fn one_reader_ends_and_the_others_go_on() {
        let queue = PacketQueue::new(QueueLimits::default());
        let (mut ended, mut other) = (queue.reader(DropRule::NEVER), queue.reader(DropRule::NEVER));
        queue.push(audio(0));
        ended.watch().end();
        queue.push(audio(20));
        assert!(ended.is_closed() && !other.is_closed());
        assert_eq!((drain(&mut ended).len(), drain(&mut other).len()), (1, 2));
    }

    #[test]
    fn who_waits_for_a_packet_is_not_paused_any_more() {
        let queue = PacketQueue::new(QueueLimits::default());
        let mut reader = queue.reader(DropRule::default());
        reader.pause();
        let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(std::pin::pin!(reader.next()).poll(&mut cx).is_pending());
        queue.push(audio(0));
        queue.push(video(20, true));
        assert_eq!(drain(&mut reader), [audio(0), video(20, true)]);
    }

    #[test]
    fn a_closed_queue_is_drained_first() {
        let queue = PacketQueue::new(QueueLimits::default());
        let mut reader = queue.reader(DropRule::NEVER);
        queue.push(audio(0));
        queue.close();
        queue.push(audio(20));
        let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
        let mut poll = |reader: &mut PacketReader| match std::pin::pin!(reader.next()).poll(&mut cx) {
            std::task::Poll::Ready(packet) => packet,
            std::task::Poll::Pending => panic!("a closed queue never makes anybody wait"),
        };
        assert_eq!(poll(&mut reader), Some(audio(0)));
        assert_eq!(poll(&mut reader), None);
    }

    proptest! {
        /// Whatever is pushed and however slowly it is read: no delta comes out whose predecessors were lost, and the
        /// byte limit holds.
        #[test]
        fn what_comes_out_decodes(steps in prop::collection::vec((0u8..10, any::<bool>()), 1..400)) {
            let limits = QueueLimits { bytes: 2_000 };
            let queue = PacketQueue::new(limits);
            let mut reader = queue.reader(DropRule { video_after: Duration::from_millis(300), ..DropRule::default() });
            let mut expected_next = None;
            for (at, (kind, read)) in (0i64..).zip(steps) {
                match kind {
                    0 => queue.push(video(at * 20, true)),
                    1..6 => queue.push(video(at * 20, false)),
                    _ => queue.push(audio(at * 20)),
                }
                prop_assert!(reader.state().bytes <= limits.bytes);
                if !read {
                    continue;
                }
                if let Some(packet) = reader.try_next().filter(Packet::is_video_unit) {
                    let dropped = reader.state().dropped.video;
                    if packet.kind != PacketKind::Key {
                        prop_assert_eq!(Some(dropped), expected_next, "a delta after a loss");
                    }
                    expected_next = Some(dropped);
                }
            }
        }
    }
}
