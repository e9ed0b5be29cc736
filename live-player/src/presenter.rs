//! Decides when pictures are shown and when the stream moves: pure.
//!
//! The driver polls with the time and a [`View`] of the queues, does what it is told, and polls again until it is told
//! to wait. While the stream moves, the sound device's clock is master; without sound it is the monotonic clock.
//!
//! The first picture is shown at once as a still. Motion starts when every track that is alive has the target of the
//! cache ahead of the playhead, and stops again when one has run dry. A track that has brought nothing for a second is
//! not waited for. How fast a live stream is played, and when it is skipped, is decided by [`Pace`]; a finite source is
//! played as it is.

mod action;
mod lag;
mod tracks;
mod view;

pub(crate) use action::Action;
pub(crate) use view::View;

use crate::media_queue::QueueView;
use crate::media_queue::lane::LaneState;
use crate::pace::{Pace, Tracks, micros};
use lag::Lag;
use live_core::Timestamp;
use std::time::{Duration, Instant};
use tracks::brings_media;

/// A track that brings nothing for this long is not waited for.
const PATIENCE: Duration = Duration::from_secs(1);
/// A burst at the start is waited for this long before motion starts.
const BURST_PATIENCE: Duration = Duration::from_millis(300);
/// What a burst that was not waited for leaves is passed over in the first moments.
const SETTLING: Duration = Duration::from_millis(500);
/// Less than this over the target is played out at the start.
const LEAST_LEAP_MICROS: i64 = 100_000;
/// A thread that was not asked for this long was suspended: the time has not passed for the stream.
const SUSPENDED: Duration = Duration::from_secs(1);
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

/// The state machine.
#[derive(Clone, Debug)]
pub(crate) struct Presenter {
    min_cache: Duration,
    pace: Pace,
    phase: Phase,
    /// The playhead.
    position: Timestamp,
    /// Pictures before this are passed over.
    floor: Option<Timestamp>,
    /// When motion first started.
    first_motion: Option<Instant>,
    last_poll: Instant,
    /// While paused, what waits is not looked at before this.
    next_trim: Instant,
    screen: Screen,
    next_progress: Instant,
}

/// What was shown last.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Screen {
    Nothing,
    /// It stands until motion comes to it, however long that takes.
    Still,
    /// A picture in motion, shown then.
    Moving(Instant),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Phase {
    Idle,
    Loading {
        since: Instant,
        /// A 2004 is owed when motion starts.
        owes_start: bool,
        /// Motion starts where the target is ahead, and not at what waits.
        at_edge: bool,
        /// What has been shown as a still meanwhile: motion starts there.
        still: Option<Timestamp>,
    },
    Playing(Motion),
    Ended,
}

/// The stream moves.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Motion {
    /// The monotonic clock: this media time was at that moment, and goes on at this rate.
    anchor: (Timestamp, Instant, f64),
    dry_since: Option<Instant>,
    lag: Lag,
}

impl Motion {
    /// The stream moves on from `position`.
    const fn from(position: Timestamp, now: Instant) -> Self {
        Self { anchor: (position, now, 1.0), dry_since: None, lag: Lag::NONE }
    }
}

impl Presenter {
    pub(crate) fn new(min_cache: Duration, max_cache: Duration, now: Instant) -> Self {
        Self {
            min_cache,
            pace: Pace::new(min_cache, max_cache, now),
            phase: Phase::Idle,
            position: Timestamp::ZERO,
            floor: None,
            first_motion: None,
            last_poll: now,
            next_trim: now,
            screen: Screen::Nothing,
            next_progress: now,
        }
    }

    /// The playhead.
    pub(crate) const fn position(&self) -> Timestamp {
        self.position
    }

    /// Seconds of media that are played in a second.
    pub(crate) const fn rate(&self) -> f64 {
        self.pace.rate()
    }

    /// Whether the stream moves.
    pub(crate) const fn is_playing(&self) -> bool {
        matches!(self.phase, Phase::Playing(_))
    }

    /// Whether silence has to stand in for the sound, so that a clock that hangs on it goes on.
    pub(crate) fn misses_sound(&self, now: Instant, view: &View) -> bool {
        view.misses_sound(now, self.position)
    }

    /// What to do at `now`. To be called again at once, until it says [`Action::Wait`] or [`Action::End`].
    pub(crate) fn poll(&mut self, now: Instant, view: &View) -> Action {
        let since_last = now.saturating_duration_since(std::mem::replace(&mut self.last_poll, now));
        if let (Phase::Playing(motion), true) = (&mut self.phase, since_last > SUSPENDED) {
            motion.anchor.1 += since_last;
        }
        if view.paused {
            return self.stand_still(now, view);
        }
        match self.phase {
            Phase::Idle if view.accepted || view.queue.finished => self.load(now),
            Phase::Idle => Action::Wait(IDLE_TICK),
            Phase::Loading { .. } => self.poll_loading(now, view),
            Phase::Playing(motion) => self.poll_playing(now, view, motion),
            Phase::Ended => Action::End,
        }
    }

    fn load(&mut self, now: Instant) -> Action {
        let at_edge = self.first_motion.is_none();
        self.phase = Phase::Loading { since: now, owes_start: true, at_edge, still: None };
        self.pace.restart();
        Action::Load
    }

    /// Motion starts, or goes on after a pause: the time in between is no stutter.
    fn resume(&mut self, now: Instant) {
        if let Screen::Moving(shown) = &mut self.screen {
            *shown = now;
        }
        self.next_progress = now + PROGRESS;
    }

    /// The application has paused: a finite source goes on from here, a live one from the newest.
    fn stand_still(&mut self, now: Instant, view: &View) -> Action {
        match &mut self.phase {
            Phase::Playing(motion) if view.queue.finite => {
                self.position = self.position.max(view.heard.unwrap_or(self.position));
                motion.anchor = (self.position, now, 1.0);
                self.resume(now);
            }
            Phase::Playing(_) => {
                self.phase = Phase::Loading { since: now, owes_start: false, at_edge: true, still: None };
                self.pace.restart();
                return Action::Freeze;
            }
            Phase::Loading { at_edge, .. } if !view.queue.finite => {
                *at_edge = true;
                let tracks = tracks::of(now, &view.queue);
                self.pace.observe(now, &tracks);
                let oldest = [view.queue.video.oldest, view.queue.audio.oldest].into_iter().flatten().min();
                let newest = tracks.iter().flatten().map(|track| track.end).min();
                let waiting = oldest.zip(newest).map_or(0, |(oldest, newest)| newest.micros_since(oldest));
                if self.pace.wants_skip(now, waiting)
                    && now >= self.next_trim
                    && let Some(leave) = self.edge(&tracks)
                {
                    self.next_trim = now + PATIENCE;
                    return Action::Skip { leave, exact: true, tell: false };
                }
            }
            _ => {}
        }
        Action::Wait(IDLE_TICK)
    }

    /// Where the target is ahead on every track that is waited for.
    fn edge(&self, tracks: &Tracks) -> Option<Timestamp> {
        let edges = tracks.iter().enumerate().filter_map(|(index, track)| {
            let target = micros(self.pace.target_of(index));
            track.map(|track| track.end.offset_micros(target.saturating_neg()))
        });
        edges.min()
    }

    fn poll_loading(&mut self, now: Instant, view: &View) -> Action {
        let Phase::Loading { since, owes_start, at_edge, still } = self.phase else { return Action::End };
        let tracks = tracks::of(now, &view.queue);
        self.pace.observe(now, &tracks);
        let [picture, _] = view.pictures;
        if picture.is_some() && self.screen == Screen::Nothing {
            self.screen = Screen::Still;
            self.phase = Phase::Loading { since, owes_start: false, at_edge, still: picture };
            return Action::ShowStill;
        }
        let starts = [still.or(picture), view.sound].into_iter().flatten().min();
        let Some(mut from) = starts else {
            let Some(end) = view.end(now) else { return Action::Wait(IDLE_TICK) };
            self.phase = Phase::Ended;
            return end;
        };
        if !self.is_ready(now, view, from, since) {
            return Action::Wait(IDLE_TICK);
        }
        let is_live = !view.queue.finite && !view.queue.finished;
        if is_live && self.pace.is_burst(now) && now.saturating_duration_since(since) < BURST_PATIENCE {
            return Action::Wait(TICK);
        }
        if let Some(edge) = self.edge(&tracks).filter(|_| is_live && at_edge)
            && edge.micros_since(from) > LEAST_LEAP_MICROS
        {
            from = edge;
            self.floor = Some(edge);
        }
        self.phase = Phase::Playing(Motion::from(from, now));
        self.pace.restart();
        self.position = from;
        self.first_motion.get_or_insert(now);
        self.resume(now);
        Action::Start { from, tell: owes_start }
    }

    /// After [`Action::Skip`]: `key` is where the packets begin now, when there was such a key frame. Where sound is to be
    /// supplied from; `None` while nothing moves.
    pub(crate) fn land(
        &mut self,
        now: Instant,
        key: Option<Timestamp>,
        leave: Timestamp,
        exact: bool,
    ) -> Option<Timestamp> {
        let Phase::Playing(motion) = &mut self.phase else { return None };
        // Without a key frame to go to, what lies between is decoded and not shown.
        let to = key.filter(|key| !exact && *key > self.position).unwrap_or(leave);
        self.position = self.position.max(to);
        self.floor = Some(self.position);
        *motion = Motion::from(self.position, now);
        self.pace.restart();
        Some(self.position)
    }

    /// Whether motion may start at `from`.
    fn is_ready(&self, now: Instant, view: &View, from: Timestamp, since: Instant) -> bool {
        let QueueView { video, audio, finished, .. } = &view.queue;
        let impatient = now.saturating_duration_since(since) >= PATIENCE;
        let ahead = |lane: &LaneState| lane.end.map_or(Duration::ZERO, |end| end.saturating_since(from));
        let longest = ahead(video).max(ahead(audio));
        let mut is_filled = false;
        for (index, (lane, other)) in [(video, audio), (audio, video)].into_iter().enumerate() {
            let target = if view.queue.finite { self.min_cache } else { self.pace.target_of(index) };
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
            let filled = ahead(lane) >= target || lane.ended || *finished;
            if !filled && brings_media(lane, now) {
                return false;
            }
            is_filled |= filled;
        }
        // The first picture may still be in the decoder.
        let awaits_picture =
            video.end.is_some() && !video.unplayable && self.screen == Screen::Nothing && !impatient;
        is_filled && !awaits_picture
    }

    fn poll_playing(&mut self, now: Instant, view: &View, mut motion: Motion) -> Action {
        let (media, at, rate) = motion.anchor;
        let passed = now.saturating_duration_since(at).as_secs_f64() * rate;
        let by_clock = media.saturating_add(Duration::from_secs_f64(passed));
        self.position = self.position.max(view.heard.unwrap_or(by_clock));
        let tracks = tracks::of(now, &view.queue);
        if view.queue.finished {
            // What is left is played as it is.
            self.pace.restart();
        } else if !view.queue.finite
            && let Some(skip) = self.steer(now, &tracks).or_else(|| {
                let behind = motion.lag.too_long(now, self.position, &view.queue.video)?;
                Some(Action::CatchUp { behind })
            })
        {
            self.phase = Phase::Playing(motion);
            return skip;
        }
        // Should the sound device fail, the monotonic clock goes on from here; and so it does at another rate.
        let new_rate = self.pace.rate();
        if view.heard.is_some() || new_rate != rate {
            motion.anchor = (self.position, now, new_rate);
        }
        self.phase = Phase::Playing(motion);
        let [picture, next] = view.pictures;
        let is_due = |pts: Option<Timestamp>| pts.is_some_and(|pts| pts <= self.position);
        if is_due(picture) {
            if is_due(next) || picture < self.floor {
                return Action::DropLate;
            }
            let last = std::mem::replace(&mut self.screen, Screen::Moving(now));
            let Screen::Moving(last) = last else { return Action::Show { stutter: None } };
            let gap = now.saturating_duration_since(last);
            return Action::Show { stutter: Some(gap).filter(|gap| *gap > STUTTER) };
        }
        if picture.is_some() && self.screen == Screen::Nothing {
            // Sound alone has moved until now.
            self.screen = Screen::Still;
            return Action::ShowStill;
        }
        if now >= self.next_progress {
            self.next_progress += PROGRESS;
            return Action::Progress(self.position);
        }
        if view.has_played_out(now, self.position) {
            self.phase = Phase::Ended;
            return Action::End;
        }
        let dry_since = view.is_starved(now, self.position).then(|| motion.dry_since.unwrap_or(now));
        self.phase = Phase::Playing(Motion { dry_since, ..motion });
        if dry_since.is_some_and(|since| now.saturating_duration_since(since) >= STARVED_AFTER) {
            return self.load(now);
        }
        let until_picture = picture.map_or(TICK, |pts| pts.saturating_since(self.position));
        Action::Wait(until_picture.clamp(Duration::from_millis(1), TICK))
    }

    /// Decides the rate, and whether something is passed over.
    fn steer(&mut self, now: Instant, tracks: &Tracks) -> Option<Action> {
        if self.pace.steer(now, self.position, tracks) {
            let target = micros(self.pace.target(tracks));
            let end = tracks.iter().flatten().map(|track| track.end).min()?;
            let leave = end.offset_micros(target.saturating_neg());
            return Some(Action::Skip { leave, exact: false, tell: true });
        }
        let is_new = self.first_motion.is_some_and(|at| now.saturating_duration_since(at) < SETTLING);
        let surplus = self.pace.surplus(now, self.position, tracks).filter(|_| is_new)?;
        let leave = self.edge(tracks)?;
        let leaps = surplus > LEAST_LEAP_MICROS
            && leave.micros_since(self.position) > LEAST_LEAP_MICROS
            && !self.pace.is_burst(now);
        leaps.then_some(Action::Skip { leave, exact: true, tell: false })
    }
}
