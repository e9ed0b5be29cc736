//! Decides when pictures are shown and when the stream moves: pure.
//!
//! The driver polls with the time and a [`View`] of the queues, does what it is told, and polls again until it is told
//! to wait. While the stream moves, the sound device's clock is master; without sound it is the monotonic clock.
//!
//! The first picture is shown at once as a still. Motion starts when every track that is alive has `min-cache` of media
//! ahead of the playhead, and stops again when one has run dry. A track that has brought nothing for a second is not
//! waited for.

use crate::media_queue::QueueView;
use crate::media_queue::lanes::LaneState;
use live_core::Timestamp;
use std::time::{Duration, Instant};

/// A track that brings nothing for this long is not waited for.
const PATIENCE: Duration = Duration::from_secs(1);
/// Nothing to play for this long is starvation.
const STARVED_AFTER: Duration = Duration::from_millis(100);
/// More time between two pictures is a stutter (behaviour §5, 2105).
const STUTTER: Duration = Duration::from_millis(800);
/// From one progress report to the next (behaviour §5, 2005).
const PROGRESS: Duration = Duration::from_secs(1);
/// The longest wait while the stream moves: a sound device wants to be supplied.
const TICK: Duration = Duration::from_millis(10);
/// The longest wait while it does not.
const IDLE_TICK: Duration = Duration::from_millis(20);

/// What the presenter sees of the player.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct View {
    /// The packets.
    pub(crate) queue: QueueView,
    /// The server accepted, or something has come.
    pub(crate) accepted: bool,
    /// The presentation times of the next two decoded pictures.
    pub(crate) pictures: [Option<Timestamp>; 2],
    /// When the next decoded sound is to be heard.
    pub(crate) sound: Option<Timestamp>,
    /// Media time by the sound device's clock, when there is one.
    pub(crate) heard: Option<Timestamp>,
    /// No sound waits to be written or heard.
    pub(crate) sound_is_dry: bool,
}

/// What the driver is to do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Action {
    /// Nothing plays: tell 2007 and supply no sound.
    Load,
    /// Show the next picture ahead of its time; tell 2004.
    ShowStill,
    /// Supply sound from this media time on; tell 2004 when `tell` says so.
    Start {
        from: Timestamp,
        /// Motion resumes, or begins without a picture.
        tell: bool,
    },
    /// Show the next picture; after this long without one, when that is a stutter.
    Show { stutter: Option<Duration> },
    /// Pass over the next picture: the one after it is due as well.
    DropLate,
    /// Tell the position.
    Progress(Timestamp),
    /// Everything has been played.
    End,
    /// Nothing of what came can be decoded.
    Unplayable,
    /// Poll again after this long, or when something has changed.
    Wait(Duration),
}

/// The state machine.
#[derive(Clone, Debug)]
pub(crate) struct Presenter {
    min_cache: Duration,
    phase: Phase,
    /// The playhead.
    position: Timestamp,
    /// The still on the screen before the first motion.
    still: Option<Timestamp>,
    last_shown: Option<Instant>,
    next_progress: Instant,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Phase {
    Idle,
    Loading {
        since: Instant,
        /// A 2004 is owed when motion starts.
        owes_start: bool,
    },
    Playing {
        /// The monotonic clock: this media time was at that moment.
        anchor: (Timestamp, Instant),
        dry_since: Option<Instant>,
    },
    Ended,
}

impl Presenter {
    pub(crate) const fn new(min_cache: Duration, now: Instant) -> Self {
        Self {
            min_cache,
            phase: Phase::Idle,
            position: Timestamp::ZERO,
            still: None,
            last_shown: None,
            next_progress: now,
        }
    }

    /// The playhead.
    pub(crate) const fn position(&self) -> Timestamp {
        self.position
    }

    /// Whether the stream moves.
    pub(crate) const fn is_playing(&self) -> bool {
        matches!(self.phase, Phase::Playing { .. })
    }

    /// Whether silence has to stand in for the sound, so that a clock that hangs on it goes on.
    pub(crate) fn misses_sound(&self, now: Instant, view: &View) -> bool {
        let QueueView { video, audio, finished } = &view.queue;
        let missing = *finished || audio.ended || audio.unplayable || !brings_media(audio, now);
        // Only pictures still need the clock.
        missing && audio.drained && !self.is_dry(video, view.pictures[0].is_some())
    }

    /// What to do at `now`. To be called again at once, until it says [`Action::Wait`] or [`Action::End`].
    pub(crate) fn poll(&mut self, now: Instant, view: &View) -> Action {
        match self.phase {
            Phase::Idle if view.accepted || view.queue.finished => self.load(now, true),
            Phase::Idle => Action::Wait(IDLE_TICK),
            Phase::Loading { since, owes_start } => self.poll_loading(now, view, since, owes_start),
            Phase::Playing { anchor, dry_since } => self.poll_playing(now, view, anchor, dry_since),
            Phase::Ended => Action::End,
        }
    }

    fn load(&mut self, now: Instant, owes_start: bool) -> Action {
        self.phase = Phase::Loading { since: now, owes_start };
        Action::Load
    }

    fn end(&mut self) -> Action {
        self.phase = Phase::Ended;
        Action::End
    }

    fn poll_loading(&mut self, now: Instant, view: &View, since: Instant, owes_start: bool) -> Action {
        let [picture, _] = view.pictures;
        if let (Some(pts), None) = (picture, self.last_shown) {
            self.still = Some(pts);
            self.last_shown = Some(now);
            self.phase = Phase::Loading { since, owes_start: false };
            return Action::ShowStill;
        }
        let starts = [self.still.or(picture), view.sound].into_iter().flatten().min();
        let Some(from) = starts else {
            return self.nothing_to_play(now, view).unwrap_or(Action::Wait(IDLE_TICK));
        };
        if !self.is_ready(now, view, from, since) {
            return Action::Wait(IDLE_TICK);
        }
        self.phase = Phase::Playing { anchor: (from, now), dry_since: None };
        self.position = from;
        self.still = None;
        self.last_shown = self.last_shown.map(|_| now);
        self.next_progress = now + PROGRESS;
        Action::Start { from, tell: owes_start }
    }

    /// The end, when neither decoded nor undecoded media waits and no more is to come.
    fn nothing_to_play(&mut self, now: Instant, view: &View) -> Option<Action> {
        let QueueView { video, audio, finished } = &view.queue;
        let known = || [video, audio].into_iter().filter(|lane| lane.end.is_some());
        if known().next().is_some() && known().all(|lane| lane.unplayable) && !finished {
            // The other track may be playable.
            let first = known().filter_map(|lane| lane.last_arrival).min()?;
            let all = known().count() == 2;
            return (all || now.saturating_duration_since(first) > PATIENCE).then(|| self.unplayable());
        }
        if !known().all(|lane| lane.drained) {
            return None;
        }
        let over = *finished
            || (known().any(|lane| lane.ended) && known().all(|lane| lane.ended || !brings_media(lane, now)));
        if !over {
            return None;
        }
        let unplayable = known().next().is_some() && known().all(|lane| lane.unplayable);
        Some(if unplayable { self.unplayable() } else { self.end() })
    }

    fn unplayable(&mut self) -> Action {
        self.phase = Phase::Ended;
        Action::Unplayable
    }

    /// Whether motion may start at `from`.
    fn is_ready(&self, now: Instant, view: &View, from: Timestamp, since: Instant) -> bool {
        let QueueView { video, audio, finished } = &view.queue;
        let impatient = now.saturating_duration_since(since) >= PATIENCE;
        let ahead = |lane: &LaneState| lane.end.map_or(Duration::ZERO, |end| end.saturating_since(from));
        let longest = ahead(video).max(ahead(audio));
        let mut is_filled = false;
        for (lane, other) in [(video, audio), (audio, video)] {
            if lane.unplayable {
                continue;
            }
            if lane.end.is_none() {
                // A track that may exist is given a second, of real time or of the other track's media.
                let first_came = other.last_arrival.is_some();
                if first_came && !finished && !impatient && longest < PATIENCE.max(self.min_cache) {
                    return false;
                }
                continue;
            }
            let filled = ahead(lane) >= self.min_cache || lane.ended || *finished;
            if !filled && brings_media(lane, now) {
                return false;
            }
            is_filled |= filled;
        }
        // The first picture may still be in the decoder.
        let awaits_picture =
            video.end.is_some() && !video.unplayable && self.last_shown.is_none() && !impatient;
        is_filled && !awaits_picture
    }

    fn poll_playing(
        &mut self,
        now: Instant,
        view: &View,
        anchor: (Timestamp, Instant),
        dry_since: Option<Instant>,
    ) -> Action {
        let by_clock = anchor.0.saturating_add(now.saturating_duration_since(anchor.1));
        self.position = self.position.max(view.heard.unwrap_or(by_clock));
        // Should the sound device fail, the monotonic clock goes on from here.
        let anchor = if view.heard.is_some() { (self.position, now) } else { anchor };
        self.phase = Phase::Playing { anchor, dry_since };
        let [picture, next] = view.pictures;
        let is_due = |pts: Option<Timestamp>| pts.is_some_and(|pts| pts <= self.position);
        if is_due(picture) {
            if is_due(next) {
                return Action::DropLate;
            }
            let gap = self.last_shown.map(|last| now.saturating_duration_since(last));
            self.last_shown = Some(now);
            return Action::Show { stutter: gap.filter(|gap| *gap > STUTTER) };
        }
        if now >= self.next_progress {
            self.next_progress += PROGRESS;
            return Action::Progress(self.position);
        }
        if self.has_played_out(now, view) {
            return self.end();
        }
        let dry_since = self.is_starved(now, view).then(|| dry_since.unwrap_or(now));
        self.phase = Phase::Playing { anchor, dry_since };
        if dry_since.is_some_and(|since| now.saturating_duration_since(since) >= STARVED_AFTER) {
            return self.load(now, true);
        }
        let until_picture = picture.map_or(TICK, |pts| pts.saturating_since(self.position));
        Action::Wait(until_picture.clamp(Duration::from_millis(1), TICK))
    }

    /// Whether a track has nothing left to be shown or heard.
    fn is_dry(&self, lane: &LaneState, decoded: bool) -> bool {
        lane.drained && !decoded && lane.end.is_none_or(|end| end <= self.position)
    }

    fn dryness(&self, view: &View) -> [(LaneState, bool); 2] {
        let QueueView { video, audio, .. } = view.queue;
        // A decoder's delay may keep the last few samples from ever being heard.
        let audio_is_dry = if view.heard.is_some() && view.sound_is_dry {
            audio.drained
        } else {
            self.is_dry(&audio, view.sound.is_some())
        };
        [(video, self.is_dry(&video, view.pictures[0].is_some())), (audio, audio_is_dry)]
    }

    fn is_starved(&self, now: Instant, view: &View) -> bool {
        if view.queue.finished {
            return false;
        }
        let tracks = self.dryness(view);
        let is_known = |lane: &LaneState| lane.end.is_some() && !lane.unplayable;
        let awaited = |lane: &LaneState| is_known(lane) && !lane.ended && brings_media(lane, now);
        tracks.iter().any(|(lane, dry)| *dry && awaited(lane))
            || tracks.iter().filter(|(lane, _)| is_known(lane)).all(|(_, dry)| *dry)
    }

    fn has_played_out(&self, now: Instant, view: &View) -> bool {
        let tracks = self.dryness(view);
        let known = || tracks.iter().filter(|(lane, _)| lane.end.is_some() && !lane.unplayable);
        let over = |lane: &LaneState| view.queue.finished || lane.ended;
        known().any(|(lane, _)| over(lane))
            && known().all(|(lane, dry)| *dry && (over(lane) || !brings_media(lane, now)))
    }
}

/// Whether a track has brought something lately.
fn brings_media(lane: &LaneState, now: Instant) -> bool {
    lane.last_arrival.is_some_and(|last| now.saturating_duration_since(last) < PATIENCE)
}
