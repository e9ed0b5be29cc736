//! The destinations of a session that is active.

use super::destinations::{Destination, Destinations};
use super::fresh_url::FreshUrl;
use super::link::Link;
use super::verdict::Judge;
use super::voice::Voice;
use super::{DRAIN, Output};
use crate::codes::Failure;
use crate::pipeline::stats::{PipelineStats, StatusMeter};
use live_core::backoff::RetryPolicy;
use live_core::event::{EventSender, PusherEvent};
use live_core::output::OutputStep;
use live_core::queue::{DropRule, PacketQueue};
use live_core::{NetStatus, OutputId, OutputState, PusherCode, WireEpoch};
use std::sync::Arc;
use std::time::Instant;
use tokio::task::{AbortHandle, JoinError, JoinSet};
use tracing::Instrument as _;

/// What every destination of a session is given.
pub(crate) struct Common {
    pub(crate) queue: PacketQueue,
    pub(crate) epoch: WireEpoch,
    pub(crate) events: EventSender<PusherEvent>,
    pub(crate) stats: Arc<PipelineStats>,
    pub(crate) retry: RetryPolicy,
    pub(crate) fresh_url: Option<FreshUrl>,
    /// When a destination loses packets, unless it is a file.
    pub(crate) live_rule: DropRule,
}

/// The destinations of a session, each with a task of its own. They end with it.
pub(crate) struct Running {
    common: Common,
    destinations: Arc<Destinations>,
    tasks: JoinSet<(OutputId, Result<(), Failure>)>,
    open: Vec<Open>,
    /// How the first one ended; `None` while it goes on.
    primary: Option<Result<(), Failure>>,
    seed: u64,
}

/// One whose task was started.
struct Open {
    destination: Arc<Destination>,
    link: Arc<Link>,
    voice: Voice,
    meter: StatusMeter,
    task: AbortHandle,
}

impl Running {
    /// Opens every destination there is.
    pub(crate) fn open(destinations: Arc<Destinations>, common: Common) -> Self {
        // The address of a fresh allocation is random enough to keep a crowd of pushers apart.
        let seed = Arc::as_ptr(&common.stats).addr() as u64 ^ u64::from(std::process::id()) << 32;
        let mut running =
            Self { common, destinations, tasks: JoinSet::new(), open: Vec::new(), primary: None, seed };
        running.open_added();
        running
    }

    /// Opens those that were added since the last look.
    fn open_added(&mut self) {
        for destination in self.destinations.all() {
            if self.open.iter().all(|open| open.destination.id != destination.id) {
                let open = self.start(destination);
                self.open.push(open);
            }
        }
    }

    fn start(&mut self, destination: Arc<Destination>) -> Open {
        let mut reader = self.common.queue.reader(destination.drop_rule(self.common.live_rule));
        if !destination.is_file() {
            // Until the server accepts, what is captured is only worth keeping back to the newest key frame.
            reader.pause();
        }
        let link = destination.open();
        link.step(OutputStep::Open);
        link.set_reader(reader.watch());
        let id = destination.id;
        self.seed = self.seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let voice = Voice::new(self.common.events.clone(), id, &destination.url);
        let output = Output {
            destinations: Arc::clone(&self.destinations),
            url: destination.url.clone(),
            queue: self.common.queue.clone(),
            judge: Judge::new(self.common.retry, self.seed),
            voice: voice.clone(),
            link: Arc::clone(&link),
            epoch: self.common.epoch.clone(),
            fresh_url: self.common.fresh_url.clone(),
            live_rule: self.common.live_rule,
            destination: Arc::clone(&destination),
        };
        let span = tracing::info_span!("output", %id, url = %destination.url);
        let publishing = async move { (id, output.run(reader).await) };
        let task = self.tasks.spawn(publishing.instrument(span));
        let meter = StatusMeter::new(Arc::clone(&self.common.stats), Arc::clone(&link), Instant::now());
        Open { destination, link, voice, meter, task }
    }

    /// The one that decides about the bitrate: the first that is not over and goes to a network; the first of all when
    /// there is none.
    pub(crate) fn leading(&self) -> &Arc<Link> {
        let goes_on = |open: &&Open| open.link.state() != OutputState::Ended && !open.destination.is_file();
        let leading = self.open.iter().find(goes_on).or_else(|| self.open.first());
        &leading.expect("the first destination is opened with the session and never removed").link
    }

    /// The connection that decides about the bitrate: that of the leading destination, unless it is a file.
    pub(crate) fn uplink(&self) -> Option<&Arc<Link>> {
        let leading = self.leading();
        let open = self.open.iter().find(|open| Arc::ptr_eq(&open.link, leading));
        open.filter(|open| !open.destination.is_file()).map(|open| &open.link)
    }

    /// Measures every destination; the status of the session is that of the leading one.
    pub(crate) fn measure(&mut self, now: Instant) -> NetStatus {
        let leading = Arc::clone(self.leading());
        let mut status = NetStatus::default();
        for open in &mut self.open {
            let net = open.meter.measure(now);
            open.link.set_net(net);
            if Arc::ptr_eq(&open.link, &leading) {
                status = net;
            }
        }
        status
    }

    /// Waits until media flows to the leading destination. Cancel-safe.
    pub(crate) fn on_accepted(&self) -> impl Future<Output = ()> + use<> {
        let leading = Arc::clone(self.leading());
        async move { leading.on_accepted.notified().await }
    }

    /// Waits until the last destination is over, and opens those that are added meanwhile. For ever when that is over
    /// already. Cancel-safe.
    pub(crate) async fn ended(&mut self) -> Result<(), Failure> {
        let destinations = Arc::clone(&self.destinations);
        loop {
            tokio::select! {
                Some(ended) = self.tasks.join_next() => {
                    self.note(ended);
                    if self.tasks.is_empty() {
                        return self.primary.clone().unwrap_or(Ok(()));
                    }
                }
                () = destinations.on_added.notified() => self.open_added(),
            }
        }
    }

    /// Notes the end of a task, and tells of it where the session does not.
    fn note(&mut self, ended: Result<(OutputId, Result<(), Failure>), JoinError>) {
        let (id, result) = ended.unwrap_or_else(|error| {
            let panicked = "the output's task panicked; please report this as a bug";
            let id = self.open.iter().find(|open| open.task.id() == error.id());
            let id = id.map_or(OutputId::PRIMARY, |open| open.destination.id);
            (id, Err(Failure::internal(panicked.into())))
        });
        let Some(index) = self.open.iter().position(|open| open.destination.id == id) else { return };
        let open = &self.open[index];
        let state = open.link.step(OutputStep::Ended);
        match &result {
            Err(failure) if id != OutputId::PRIMARY || !self.tasks.is_empty() => {
                let code = failure.code.unwrap_or(PusherCode::RetriesExhausted);
                open.voice.own(Some(code), state, failure.message.clone());
            }
            Ok(()) if id != OutputId::PRIMARY => open.voice.own(None, state, "ended"),
            _ => {}
        }
        if id == OutputId::PRIMARY {
            self.primary = Some(result);
        } else if !self.destinations.all().iter().any(|destination| destination.id == id) {
            // Taken away by the application. One that failed stays, so that it is not opened again.
            self.open.remove(index);
        }
    }

    /// Waits until what is queued was sent and leave was taken, by all that are connected, and by the first one also
    /// when it is not, unless `stopped`: the application wants the end. Gives how the first one ended; `None` when the
    /// network does not take it in time.
    pub(crate) async fn drain(&mut self, stopped: bool) -> Option<Result<(), Failure>> {
        for open in &self.open {
            let is_waited_for = !stopped && open.destination.id == OutputId::PRIMARY;
            // Without a connection nothing has been sent, and nobody waits for it.
            if !open.link.is_accepted() && !open.destination.is_file() && !is_waited_for {
                open.task.abort();
            }
        }
        let all = async {
            while let Some(ended) = self.tasks.join_next().await {
                if ended.as_ref().is_err_and(JoinError::is_cancelled) {
                    continue;
                }
                self.note(ended);
            }
        };
        if tokio::time::timeout(DRAIN, all).await.is_err() {
            tracing::warn!("not everything that was queued could be sent");
        }
        self.primary.clone()
    }

    /// Ends all at once, and returns when they have let go of their connections.
    pub(crate) async fn close(mut self) -> NetStatus {
        self.tasks.shutdown().await;
        let status = self.measure(Instant::now());
        for open in &self.open {
            open.link.step(OutputStep::Ended);
        }
        status
    }
}
