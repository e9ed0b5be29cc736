//! The streams of a relay: one publisher each, any number of viewers, no I/O.

use super::cache::{Cache, Class, weight};
use crate::rtmp::chunk::Message;
use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// All streams, by application and name.
#[derive(Clone)]
pub(super) struct Hub {
    streams: Arc<Mutex<HashMap<String, Arc<Channel>>>>,
    max_streams: usize,
    backlog: usize,
    cache: usize,
}

/// Why a stream cannot be published or watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Denied {
    /// Somebody else publishes it.
    InUse,
    /// There are too many streams.
    Full,
}

/// One stream.
struct Channel {
    state: Mutex<State>,
}

struct State {
    published: bool,
    cache: Cache,
    viewers: Vec<Queue>,
    last_viewer: u64,
    backlog: usize,
}

/// What waits for one viewer.
struct Queue {
    id: u64,
    messages: VecDeque<Message>,
    bytes: usize,
    /// Media is left out until the next key frame.
    needs_key: bool,
    /// The stream was published since the viewer came, and has ended.
    ended: bool,
    waker: Option<Waker>,
}

impl Hub {
    pub(super) fn new(max_streams: usize, backlog: usize, cache: usize) -> Self {
        Self { streams: Arc::default(), max_streams, backlog, cache }
    }

    /// Begins a stream, unless somebody else publishes it. It ends when the publication is dropped.
    pub(super) fn publish(&self, key: &str) -> Result<Publication, Denied> {
        let channel = self.channel(key)?;
        {
            let mut state = channel.lock();
            if state.published {
                return Err(Denied::InUse);
            }
            state.published = true;
            state.wake_all();
        }
        Ok(Publication { seat: Seat { hub: self.clone(), key: key.to_owned(), channel } })
    }

    /// Watches a stream, also one that nobody publishes yet.
    pub(super) fn watch(&self, key: &str) -> Result<Viewer, Denied> {
        let channel = self.channel(key)?;
        let id = channel.lock().add_viewer();
        Ok(Viewer { seat: Seat { hub: self.clone(), key: key.to_owned(), channel }, id })
    }

    fn channel(&self, key: &str) -> Result<Arc<Channel>, Denied> {
        let mut streams = lock(&self.streams);
        if let Some(channel) = streams.get(key) {
            return Ok(Arc::clone(channel));
        }
        if streams.len() >= self.max_streams {
            return Err(Denied::Full);
        }
        let state = State {
            published: false,
            cache: Cache::new(self.cache),
            viewers: Vec::new(),
            last_viewer: 0,
            backlog: self.backlog,
        };
        let channel = Arc::new(Channel { state: Mutex::new(state) });
        streams.insert(key.to_owned(), Arc::clone(&channel));
        Ok(channel)
    }
}

/// Names no streams: their names are keys.
impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hub").field("streams", &lock(&self.streams).len()).finish()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // No code that can panic leaves the state half-changed.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Channel {
    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

impl State {
    fn add_viewer(&mut self) -> u64 {
        self.last_viewer += 1;
        self.seat(self.last_viewer);
        self.last_viewer
    }

    /// Gives viewer `id` a queue that begins with what is kept for those who come.
    fn seat(&mut self, id: u64) {
        let mut queue =
            Queue { id, messages: VecDeque::new(), bytes: 0, needs_key: true, ended: false, waker: None };
        for message in self.cache.replay() {
            queue.offer(&message, Class::of(&message), self.cache.has_video(), self.backlog);
        }
        self.viewers.push(queue);
    }

    fn unseat(&mut self, id: u64) {
        self.viewers.retain(|viewer| viewer.id != id);
    }

    fn viewer(&mut self, id: u64) -> Option<&mut Queue> {
        self.viewers.iter_mut().find(|viewer| viewer.id == id)
    }

    fn wake_all(&mut self) {
        self.viewers.iter_mut().for_each(Queue::wake);
    }
}

impl Queue {
    /// Queues a message, or leaves it out until the viewer has caught up.
    fn offer(&mut self, message: &Message, class: Class, has_video: bool, limit: usize) {
        if self.bytes + weight(message) > limit {
            self.messages.retain(|message| Class::of(message).is_information());
            self.bytes = self.messages.iter().map(weight).sum();
            self.needs_key = true;
        }
        if class == Class::Key || (class == Class::Audio && !has_video) {
            self.needs_key = false;
        }
        let wanted = class.is_information() || !self.needs_key;
        if wanted && self.bytes + weight(message) <= limit {
            self.bytes += weight(message);
            self.messages.push_back(message.clone());
            self.wake();
        }
    }

    fn take(&mut self) -> Option<Message> {
        let message = self.messages.pop_front()?;
        self.bytes -= weight(&message);
        Some(message)
    }

    fn wake(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

/// A hold on a stream; the last one to go takes the stream off the list.
struct Seat {
    hub: Hub,
    key: String,
    channel: Arc<Channel>,
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut streams = lock(&self.hub.streams);
        let unused = {
            let state = self.channel.lock();
            !state.published && state.viewers.is_empty()
        };
        let listed = streams.get(&self.key).is_some_and(|channel| Arc::ptr_eq(channel, &self.channel));
        // The list's own reference and this one: nobody is about to use it.
        if unused && listed && Arc::strong_count(&self.channel) == 2 {
            streams.remove(&self.key);
        }
    }
}

/// The right to publish a stream.
pub(super) struct Publication {
    seat: Seat,
}

impl Publication {
    /// Passes a message on to all viewers.
    pub(super) fn send(&self, message: &Message) {
        let class = Class::of(message);
        let mut guard = self.seat.channel.lock();
        let state = &mut *guard;
        state.cache.note(message, class);
        let (has_video, limit) = (state.cache.has_video() || class == Class::Key, state.backlog);
        // Who has not heard yet of the end of the stream before begins again behind it.
        for viewer in state.viewers.iter_mut().filter(|viewer| !viewer.ended) {
            viewer.offer(message, class, has_video, limit);
        }
    }
}

impl Drop for Publication {
    fn drop(&mut self) {
        let mut state = self.seat.channel.lock();
        state.published = false;
        let limit = self.seat.hub.cache;
        state.cache = Cache::new(limit);
        for viewer in &mut state.viewers {
            viewer.ended = true;
            viewer.wake();
        }
    }
}

/// A viewer's place at a stream.
pub(super) struct Viewer {
    seat: Seat,
    id: u64,
}

impl Viewer {
    /// Waits until somebody publishes the stream. Cancel-safe.
    pub(super) async fn published(&self) {
        poll_fn(|cx| {
            let mut state = self.seat.channel.lock();
            if state.published {
                return Poll::Ready(());
            }
            if let Some(queue) = state.viewer(self.id) {
                queue.waker = Some(cx.waker().clone());
            }
            Poll::Pending
        })
        .await;
    }

    /// Takes the place of somebody who has just come: behind the end of a stream, for its next publisher.
    pub(super) fn begin_again(&self) {
        let mut state = self.seat.channel.lock();
        state.unseat(self.id);
        state.seat(self.id);
    }

    /// The next message; `None` when the stream is over and everything was given out. Cancel-safe.
    pub(super) async fn next(&self) -> Option<Message> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// As [`next`](Self::next).
    pub(super) fn poll_next(&self, cx: &mut Context<'_>) -> Poll<Option<Message>> {
        let mut state = self.seat.channel.lock();
        let Some(queue) = state.viewer(self.id) else { return Poll::Ready(None) };
        if let Some(message) = queue.take() {
            return Poll::Ready(Some(message));
        }
        if queue.ended {
            return Poll::Ready(None);
        }
        queue.waker = Some(cx.waker().clone());
        Poll::Pending
    }
}

impl Drop for Viewer {
    fn drop(&mut self) {
        self.seat.channel.lock().unseat(self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rtmp::chunk::MessageType;

    fn hub() -> Hub {
        Hub::new(2, 10 * weight(&key(0)), 100_000)
    }

    fn message(kind: MessageType, timestamp: u32, first: [u8; 2], size: usize) -> Message {
        let mut payload = first.to_vec();
        payload.resize(size.max(2), 0);
        Message { timestamp, kind, stream_id: 1, payload: payload.into() }
    }

    fn key(timestamp: u32) -> Message {
        message(MessageType::VIDEO, timestamp, [0x17, 1], 10)
    }

    fn delta(timestamp: u32) -> Message {
        message(MessageType::VIDEO, timestamp, [0x27, 1], 10)
    }

    fn config(timestamp: u32) -> Message {
        message(MessageType::VIDEO, timestamp, [0x17, 0], 10)
    }

    fn audio(timestamp: u32) -> Message {
        message(MessageType::AUDIO, timestamp, [0xAF, 1], 10)
    }

    /// Timestamps of what waits for a viewer, and whether the stream is over behind it.
    fn waiting(viewer: &Viewer) -> (Vec<u32>, bool) {
        let mut cx = Context::from_waker(Waker::noop());
        let mut times = Vec::new();
        loop {
            match viewer.poll_next(&mut cx) {
                Poll::Ready(Some(message)) => times.push(message.timestamp),
                Poll::Ready(None) => return (times, true),
                Poll::Pending => return (times, false),
            }
        }
    }

    #[test]
    fn a_viewer_starts_at_the_newest_key_frame_and_sees_the_end() {
        let hub = hub();
        let publication = hub.publish("live/a").unwrap();
        for message in [config(0), key(0), delta(40), key(80), delta(120)] {
            publication.send(&message);
        }
        let viewer = hub.watch("live/a").unwrap();
        publication.send(&audio(121));
        assert_eq!(waiting(&viewer), (vec![80, 80, 120, 121], false));
        publication.send(&delta(160));
        drop(publication);
        assert_eq!(waiting(&viewer), (vec![160], true));
    }

    #[test]
    fn an_early_viewer_waits_for_the_first_key_frame() {
        let hub = hub();
        let viewer = hub.watch("live/a").unwrap();
        assert_eq!(waiting(&viewer), (vec![], false));
        let publication = hub.publish("live/a").unwrap();
        for message in [config(0), delta(0), audio(5), key(40), audio(45)] {
            publication.send(&message);
        }
        assert_eq!(waiting(&viewer), (vec![0, 40, 45], false));
    }

    #[test]
    fn sound_alone_needs_no_key_frame() {
        let hub = hub();
        let publication = hub.publish("live/a").unwrap();
        let viewer = hub.watch("live/a").unwrap();
        publication.send(&audio(0));
        publication.send(&audio(21));
        assert_eq!(waiting(&viewer).0, [0, 21]);
    }

    #[test]
    fn a_slow_viewer_is_moved_to_the_next_key_frame_and_keeps_the_information() {
        let hub = hub();
        let publication = hub.publish("live/a").unwrap();
        let (slow, fast) = (hub.watch("live/a").unwrap(), hub.watch("live/a").unwrap());
        publication.send(&config(0));
        publication.send(&key(0));
        for time in 1..20 {
            publication.send(&delta(time));
            assert_eq!(waiting(&fast).0.last(), Some(&time));
        }
        publication.send(&key(20));
        publication.send(&audio(21));
        assert_eq!(waiting(&slow).0, [0, 20, 21]);
    }

    #[test]
    fn a_viewer_begins_again_with_the_next_publisher() {
        let hub = hub();
        let first = hub.publish("live/a").unwrap();
        let viewer = hub.watch("live/a").unwrap();
        first.send(&key(7));
        drop(first);
        let second = hub.publish("live/a").unwrap();
        for message in [config(0), key(0), delta(40)] {
            second.send(&message);
        }
        assert_eq!(waiting(&viewer), (vec![7], true), "slow as it is, it sees the end where it is");
        viewer.begin_again();
        assert_eq!(waiting(&viewer), (vec![0, 0, 40], false));
        drop(second);
        assert_eq!(waiting(&viewer), (vec![], true));
    }

    #[test]
    fn a_name_has_one_publisher_and_streams_are_bounded_and_forgotten() {
        let hub = hub();
        let first = hub.publish("live/a").unwrap();
        assert_eq!(hub.publish("live/a").err(), Some(Denied::InUse));
        let viewer = hub.watch("live/b").unwrap();
        assert_eq!(hub.watch("live/c").err(), Some(Denied::Full));
        drop(viewer);
        drop(hub.watch("live/c").unwrap());
        drop(first);
        let _again = hub.publish("live/a").unwrap();
        assert_eq!(lock(&hub.streams).len(), 1);
    }
}
