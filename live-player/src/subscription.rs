//! The connection: receives, and tries again when it is lost.

use crate::accelerated::{Accelerator, Place, Subscribers};
use crate::codes::{self, Failure};
use crate::gauges::Gauges;
use crate::media_queue::MediaQueue;
use crate::shared::{Shared, lock};
use crate::timeline::Timeline;
use async_trait::async_trait;
use live_core::backoff::Backoff;
use live_core::net_status::{JitterEstimator, LinkCounters};
use live_core::queue::PacketQueue;
use live_core::{
    LinkEvent, MediaSender, Outcome, Packet, PacketKind, PlayerCode, SubscriptionCx, Track, TransportError,
    TransportErrorKind,
};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// A player that is sent elsewhere follows this often in a row.
const MOST_MOVES: usize = 5;
/// An open connection without media for this long is uneven (behaviour §5, 2104).
const UNEVEN: Duration = Duration::from_secs(1);
/// How often silence is looked for.
const WATCH: Duration = Duration::from_millis(250);

/// Now, by the clock that tests can move.
fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// What the session sees of the connection.
#[derive(Default)]
pub(crate) struct Link {
    pub(crate) counters: Arc<LinkCounters>,
    times: Mutex<Times>,
}

/// `None` while no connection stands.
#[derive(Default)]
struct Times {
    accepted: Option<Instant>,
    /// When the connection was accepted, or the newest media came over it.
    alive: Option<Instant>,
}

impl Link {
    /// Whether a connection stands and media may come.
    pub(crate) fn is_accepted(&self) -> bool {
        lock(&self.times).accepted.is_some()
    }

    /// When the connection was accepted, or the newest media came over it.
    fn alive(&self) -> Option<Instant> {
        lock(&self.times).alive
    }

    fn accept(&self) {
        *lock(&self.times) = Times { accepted: Some(now()), alive: Some(now()) };
    }

    fn note_media(&self) {
        lock(&self.times).alive = Some(now());
    }

    /// The stream is over: nothing more has to come.
    fn note_end(&self) {
        lock(&self.times).alive = None;
    }

    /// The connection is over; since when it stood.
    fn close(&self) -> Option<Instant> {
        std::mem::take(&mut *lock(&self.times)).accepted
    }
}

/// A stream's reception over any number of connections.
pub(crate) struct Subscription {
    pub(crate) place: Place,
    /// What is played when the accelerated address, which is played now, fails.
    pub(crate) plain: Option<Place>,
    pub(crate) accelerator: Option<Accelerator>,
    pub(crate) subscribers: Arc<Subscribers>,
    /// An open connection without media for this long is lost.
    pub(crate) silence: Duration,
    pub(crate) backoff: Backoff,
    pub(crate) link: Arc<Link>,
    pub(crate) inlet: Inlet,
}

impl Subscription {
    /// Receives until the stream ends or no retry is left.
    pub(crate) async fn run(mut self) -> Result<(), Failure> {
        self.accelerate().await;
        let mut moves = 0;
        loop {
            let outcome = self.connect().await;
            let up_since = self.link.close();
            let error = match outcome {
                Outcome::Ended => return Ok(()),
                Outcome::Moved(url) if moves < MOST_MOVES => {
                    moves += 1;
                    self.place.0 = url;
                    self.inlet.restart();
                    continue;
                }
                Outcome::Moved(_) => {
                    return Err(Failure::new(
                        PlayerCode::RetriesExhausted,
                        format!("{}: the server keeps sending the player elsewhere", self.place.0.peer()),
                    ));
                }
                Outcome::Lost(error) => error,
            };
            moves = 0;
            if let Some(plain) = self.plain.take_if(|_| up_since.is_none()) {
                self.place = plain;
                self.not_accelerated(&error.to_string());
                continue;
            }
            self.inlet.shared.tell(codes::of_transport(&error, up_since.is_some()), error.to_string());
            let last_reason = || Failure::new(PlayerCode::RetriesExhausted, error.to_string());
            if codes::is_final(&error) {
                return Err(last_reason());
            }
            let retry = self.backoff.failed(now(), up_since).ok_or_else(last_reason)?;
            let detail = format!("{retry}: {error}");
            self.inlet.shared.tell(PlayerCode::Reconnecting, detail);
            tokio::time::sleep(retry.wait).await;
            self.inlet.restart();
        }
    }

    /// Goes to the accelerated address, where the application gives one.
    async fn accelerate(&mut self) {
        let Some(accelerator) = self.accelerator.take() else { return };
        match accelerator.ask(&self.place.0, &*self.subscribers).await {
            Ok(place) => self.plain = Some(std::mem::replace(&mut self.place, place)),
            Err(reason) => self.not_accelerated(&reason),
        }
    }

    fn not_accelerated(&self, reason: &str) {
        let detail = format!("{reason}; the plain address is played");
        self.inlet.shared.tell(PlayerCode::AcceleratedAddressFailed, detail);
    }

    /// One connection, until it ends or falls silent.
    async fn connect(&mut self) -> Outcome {
        let cx = self.context();
        let silence = SilenceWatch {
            link: Arc::clone(&self.link),
            queue: self.inlet.queue.clone(),
            shared: Arc::clone(&self.inlet.shared),
            max_jitter: self.inlet.max_jitter,
            patience: self.silence,
        };
        let (url, subscriber) = &self.place;
        tokio::select! {
            outcome = subscriber.play(url, &mut self.inlet, &cx) => outcome,
            () = silence.run() => Outcome::Lost(TransportError::new(
                TransportErrorKind::Io,
                url.peer(),
                format!(
                    "connected, but no media came for {} s: is anybody publishing?",
                    self.silence.as_secs_f32()
                ),
            )),
        }
    }

    fn context(&self) -> SubscriptionCx {
        let (shared, link) = (Arc::clone(&self.inlet.shared), Arc::clone(&self.link));
        let gauges = Arc::clone(&self.inlet.gauges);
        let on_event = move |event| match event {
            LinkEvent::Connected { peer } => shared.tell(PlayerCode::Connected, peer),
            LinkEvent::Accepted => {
                link.accept();
                shared.tell(PlayerCode::Pulling, "");
                gauges.accept();
            }
            _ => {}
        };
        SubscriptionCx { events: Arc::new(on_event), counters: Arc::clone(&self.link.counters) }
    }
}

/// Looks after an open connection that brings nothing.
struct SilenceWatch {
    link: Arc<Link>,
    queue: MediaQueue,
    shared: Arc<Shared>,
    max_jitter: Duration,
    patience: Duration,
}

impl SilenceWatch {
    /// Returns when no media has come for too long; tells unevenness before.
    async fn run(self) {
        let mut was_uneven = false;
        loop {
            tokio::time::sleep(WATCH.min(self.patience / 4)).await;
            // A finite source waits for the player, and not the other way round.
            let Some(alive) = self.link.alive().filter(|_| !self.queue.is_finite()) else { continue };
            let silent = now().saturating_duration_since(alive);
            if silent >= self.patience {
                return;
            }
            let uneven = self.unevenness(silent);
            let is_uneven = uneven.is_some();
            if let Some(detail) = uneven.filter(|_| !was_uneven) {
                self.shared.tell(PlayerCode::UnevenArrival, detail);
            }
            was_uneven = is_uneven;
        }
    }

    fn unevenness(&self, silent: Duration) -> Option<String> {
        let jitter = self.link.counters.jitter();
        if silent >= UNEVEN {
            Some(format!("no media for {:.1} s", silent.as_secs_f32()))
        } else {
            (jitter > self.max_jitter)
                .then(|| format!("media arrives with {} ms of jitter", jitter.as_millis()))
        }
    }
}

/// Where received packets come in: measured, put on one timeline, recorded and queued.
pub(crate) struct Inlet {
    pub(crate) shared: Arc<Shared>,
    pub(crate) queue: MediaQueue,
    pub(crate) link: Arc<Link>,
    pub(crate) gauges: Arc<Gauges>,
    pub(crate) recording: Option<PacketQueue>,
    /// Turns true when nobody wants the stream any more.
    pub(crate) leave: watch::Receiver<bool>,
    pub(crate) max_jitter: Duration,
    timeline: Timeline,
    jitter: JitterEstimator,
    has_key: bool,
    has_video: bool,
}

impl Inlet {
    pub(crate) fn new(
        shared: Arc<Shared>,
        queue: MediaQueue,
        link: Arc<Link>,
        gauges: Arc<Gauges>,
        leave: watch::Receiver<bool>,
        max_jitter: Duration,
    ) -> Self {
        let (timeline, jitter) = (Timeline::default(), JitterEstimator::new());
        let recording = None;
        Self {
            shared,
            queue,
            link,
            gauges,
            recording,
            leave,
            max_jitter,
            timeline,
            jitter,
            has_key: false,
            has_video: false,
        }
    }

    /// Another connection begins.
    fn restart(&mut self) {
        self.queue.restart();
        self.jitter.restart();
    }

    fn measure(&mut self, packet: &Packet, arrival: Instant) {
        self.gauges.media.count_packet(packet);
        if packet.kind == PacketKind::EndOfSequence {
            self.link.note_end();
        }
        let is_unit = packet.is_video_unit() || packet.kind == PacketKind::Audio;
        if !is_unit {
            return;
        }
        self.link.note_media();
        self.has_video |= packet.is_video_unit();
        // One track is measured: pictures where there are any.
        if (packet.track == Track::Video) == self.has_video {
            self.link.counters.set_jitter(self.jitter.record(arrival, packet.dts));
        }
    }
}

#[async_trait]
impl MediaSender for Inlet {
    fn send(&mut self, mut packet: Packet) {
        let arrival = *packet.arrival.get_or_insert_with(Instant::now);
        self.measure(&packet, arrival);
        if let PacketKind::Metadata(metadata) = &packet.kind {
            self.gauges.set_duration(metadata.duration);
        }
        if let Some(jump) = self.timeline.place(&mut packet, arrival) {
            self.queue.restart_timing();
            let seconds = jump.micros as f64 / 1e6;
            self.shared.tell(PlayerCode::Discontinuity, format!("timestamps jumped by {seconds:+.3} s"));
        }
        // A stream that is over may begin again, in the same file.
        if let Some(recording) = self.recording.as_ref().filter(|_| packet.kind != PacketKind::EndOfSequence)
        {
            recording.push(packet.clone());
        }
        if packet.kind == PacketKind::Key && !std::mem::replace(&mut self.has_key, true) {
            self.shared.tell(PlayerCode::FirstKeyFrame, format!("{} bytes", packet.data.len()));
        }
        if let Some(cut) = self.queue.push(packet, arrival) {
            self.gauges.count_dropped(cut.video);
            let detail =
                format!("too far behind: {} pictures and {} audio frames were dropped", cut.video, cut.audio);
            self.shared.tell(PlayerCode::Discontinuity, detail);
        }
    }

    async fn room(&mut self) {
        let mut leave = self.leave.clone();
        tokio::select! {
            () = self.queue.room() => {}
            // A session that is gone wants nothing either.
            _ = leave.wait_for(|leave| *leave) => {}
        }
    }

    async fn closed(&self) {
        let _ = self.leave.clone().wait_for(|leave| *leave).await;
    }
}
