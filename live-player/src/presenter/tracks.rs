//! What each track asks of the cache.

use super::PATIENCE;
use crate::media_queue::QueueView;
use crate::media_queue::lane::LaneState;
use crate::pace::{Ahead, Tracks};
use std::time::{Duration, Instant};

/// A sound device takes sound by periods, and is supplied a little before it needs to be.
const DEVICE: Duration = Duration::from_millis(15);
/// A picture has to be decoded before its sound is heard.
const DECODING: Duration = Duration::from_millis(5);
/// Without sound, a picture that is this much late disturbs nobody.
const UNHEARD: Duration = Duration::from_millis(80);

/// The tracks that are waited for.
pub(super) fn of(now: Instant, queue: &QueueView) -> Tracks {
    let is_alive = |lane: &LaneState| !lane.ended && !lane.unplayable && brings_media(lane, now);
    let sound = Some(&queue.audio).filter(|lane| is_alive(lane));
    let pictures = Some(&queue.video).filter(|lane| is_alive(lane));
    let ahead = |lane: &LaneState, need: Duration| lane.end.map(|end| Ahead { end, need });
    [
        pictures.and_then(|lane| {
            let late = if sound.is_some() {
                lane.lateness + DECODING
            } else {
                lane.lateness.saturating_sub(UNHEARD)
            };
            ahead(lane, lane.step + late)
        }),
        sound.and_then(|lane| ahead(lane, lane.step + lane.lateness + DEVICE)),
    ]
}

/// Whether a track has brought something lately.
pub(super) fn brings_media(lane: &LaneState, now: Instant) -> bool {
    lane.last_arrival.is_some_and(|last| now.saturating_duration_since(last) < PATIENCE)
}
