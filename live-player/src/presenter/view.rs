//! What the presenter sees of the player, and what follows from it alone.

use super::tracks::brings_media;
use super::{Action, PATIENCE};
use crate::media_queue::QueueView;
use crate::media_queue::lane::LaneState;
use live_core::Timestamp;
use std::time::Instant;

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
    /// The application has paused.
    pub(crate) paused: bool,
}

impl View {
    /// Whether silence has to stand in for the sound, so that a clock that hangs on it goes on.
    pub(super) fn misses_sound(&self, now: Instant, position: Timestamp) -> bool {
        let QueueView { video, audio, finished, .. } = &self.queue;
        let missing = *finished || audio.ended || audio.unplayable || !brings_media(audio, now);
        // Only pictures still need the clock.
        missing && audio.drained && !is_dry(video, self.pictures[0].is_some(), position)
    }

    /// How it ends, when neither decoded nor undecoded media waits and no more is to come.
    pub(super) fn end(&self, now: Instant) -> Option<Action> {
        let QueueView { video, audio, finished, .. } = &self.queue;
        let known = || [video, audio].into_iter().filter(|lane| lane.end.is_some());
        let unplayable = known().next().is_some() && known().all(|lane| lane.unplayable);
        if unplayable && !finished {
            // The other track may be playable.
            let first = known().filter_map(|lane| lane.last_arrival).min()?;
            let all = known().count() == 2;
            return (all || now.saturating_duration_since(first) > PATIENCE).then_some(Action::Unplayable);
        }
        let ends = *finished
            || (known().any(|lane| lane.ended) && known().all(|lane| lane.ended || !brings_media(lane, now)));
        let over = ends && known().all(|lane| lane.drained);
        over.then_some(if unplayable { Action::Unplayable } else { Action::End })
    }

    /// Whether each track has nothing left to be shown or heard after `position`.
    fn dryness(&self, position: Timestamp) -> [(&LaneState, bool); 2] {
        let QueueView { video, audio, .. } = &self.queue;
        // A decoder's delay may keep the last few samples from ever being heard.
        let audio_is_dry = if self.heard.is_some() && self.sound_is_dry {
            audio.drained
        } else {
            is_dry(audio, self.sound.is_some(), position)
        };
        [(video, is_dry(video, self.pictures[0].is_some(), position)), (audio, audio_is_dry)]
    }

    /// Whether the player has to wait for media.
    pub(super) fn is_starved(&self, now: Instant, position: Timestamp) -> bool {
        if self.queue.finished {
            return false;
        }
        let tracks = self.dryness(position);
        let is_known = |lane: &LaneState| lane.end.is_some() && !lane.unplayable;
        let awaited = |lane: &LaneState| is_known(lane) && !lane.ended && brings_media(lane, now);
        tracks.iter().any(|(lane, dry)| *dry && awaited(lane))
            || tracks.iter().filter(|(lane, _)| is_known(lane)).all(|(_, dry)| *dry)
    }

    /// Whether all there was has been played.
    pub(super) fn has_played_out(&self, now: Instant, position: Timestamp) -> bool {
        let tracks = self.dryness(position);
        let known = || tracks.iter().filter(|(lane, _)| lane.end.is_some() && !lane.unplayable);
        let over = |lane: &LaneState| self.queue.finished || lane.ended;
        known().any(|(lane, _)| over(lane))
            && known().all(|(lane, dry)| *dry && (over(lane) || !brings_media(lane, now)))
    }
}

/// Whether a track has nothing left to be shown or heard after `position`; `decoded`: something waits.
fn is_dry(lane: &LaneState, decoded: bool, position: Timestamp) -> bool {
    lane.drained && !decoded && lane.end.is_none_or(|end| end <= position)
}
