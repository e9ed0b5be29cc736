//! What a [`MediaQueue`](super::MediaQueue) holds and drops: pure.

use super::lane::{Lane, LaneState, is_unit};
use crate::pace::Pace;
use live_core::{Packet, PacketKind, Timestamp, Track};
use std::time::{Duration, Instant};

/// A finite source is read on at most this far ahead when its tracks are badly interleaved.
const WIDEST_INTERLEAVE: Duration = Duration::from_secs(10);

/// How much a queue holds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Media time a live stream may lie behind; past it the queue is cut to the newest key frame.
    pub(crate) live: Duration,
    /// Media time a finite source is read ahead.
    pub(crate) finite: Duration,
    /// Media time that is left of a stream without pictures when it is cut.
    pub(crate) keep: Duration,
    /// Payload bytes.
    pub(crate) bytes: usize,
    /// What comes later than this is an outage and not jitter.
    pub(crate) outage: Duration,
}

/// A live stream may lie this much further behind than `max-cache` while the presenter, which skips long before, makes up
/// its mind.
const SLACK: Duration = Duration::from_secs(30);

impl Limits {
    pub(crate) fn new(min_cache: Duration, max_cache: Duration) -> Self {
        let live = max_cache + SLACK;
        let outage = Pace::outage(max_cache);
        Self {
            live,
            finite: max_cache.max(Duration::from_millis(500)),
            keep: min_cache,
            bytes: 32 << 20,
            outage,
        }
    }
}

/// What a cut took away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cut {
    /// Video access units.
    pub(crate) video: u64,
    /// Audio access units.
    pub(crate) audio: u64,
}

/// Both tracks' packets.
#[derive(Debug)]
pub(crate) struct Lanes {
    limits: Limits,
    video: Lane,
    audio: Lane,
    bytes: usize,
    /// Video is passed over until a key frame comes.
    needs_key: bool,
    /// The source waits for room, so nothing has to be cut.
    pub(crate) finite: bool,
}

impl Lanes {
    pub(crate) fn new(limits: Limits) -> Self {
        let (video, audio) = (Lane::new(limits.outage), Lane::new(limits.outage));
        Self { limits, video, audio, bytes: 0, needs_key: true, finite: false }
    }

    /// Takes in a packet that came at `now`; tells what had to go for it.
    pub(crate) fn push(&mut self, packet: Packet, now: Instant) -> Option<Cut> {
        match packet.kind {
            PacketKind::Key => self.needs_key = false,
            PacketKind::Delta { .. } if self.needs_key => return None,
            PacketKind::Metadata(_) | PacketKind::Data => return None,
            _ => {}
        }
        self.bytes += packet.data.len();
        let lane = self.lane(packet.track)?;
        match packet.kind {
            PacketKind::EndOfSequence => lane.ended = true,
            PacketKind::Config(_) => lane.unplayable = false,
            _ => lane.note(&packet, now),
        }
        lane.packets.push_back(packet);
        self.keep_bounds()
    }

    /// The oldest packet of `track`.
    pub(crate) fn take(&mut self, track: Track) -> Option<Packet> {
        let lane = self.lane(track)?;
        let packet = lane.packets.pop_front();
        lane.in_hand = packet.is_some();
        self.bytes -= packet.as_ref().map_or(0, |packet| packet.data.len());
        packet
    }

    /// Whether a finite source should wait before it sends more.
    pub(crate) fn is_full(&self) -> bool {
        let known = |lane: &&Lane| lane.last_arrival.is_some() && !lane.ended && !lane.unplayable;
        let backlogs = || [&self.video, &self.audio].into_iter().filter(known).map(Lane::backlog);
        let (least, most) = (backlogs().min().unwrap_or_default(), backlogs().max().unwrap_or_default());
        least >= self.limits.finite
            || most >= self.limits.finite + WIDEST_INTERLEAVE
            || self.bytes >= self.limits.bytes
    }

    /// The connection starts again: what refers to pictures before this moment cannot be decoded.
    pub(crate) fn restart(&mut self) {
        self.needs_key = true;
        self.restart_timing();
    }

    /// When media came cannot be compared with when it comes from now on.
    pub(crate) fn restart_timing(&mut self) {
        self.video.lateness.restart();
        self.audio.lateness.restart();
    }

    /// Drops what lies before the newest key frame that is not after `leave`; tells where that is.
    ///
    /// `None`, and nothing is dropped, when no such key frame waits. Sound alone needs none.
    pub(crate) fn skip(&mut self, leave: Timestamp) -> Option<(Timestamp, Cut)> {
        let is_key = |packet: &Packet| packet.kind == PacketKind::Key && packet.pts <= leave;
        let key = self.video.packets.iter().rposition(is_key);
        let from = match key {
            Some(key) => self.video.packets[key].dts,
            None if self.video.newest.is_none() => leave,
            None => return None,
        };
        let to = key.map_or(leave, |key| self.video.packets[key].pts);
        let mut cut = Cut::default();
        self.cut_video(&mut cut, |packet| packet.dts >= from);
        self.cut_audio(&mut cut, from);
        Some((to, cut))
    }

    /// Drops the pictures before the newest key frame, for a decoder that is too slow for all of them.
    pub(crate) fn catch_up(&mut self) -> Cut {
        let mut cut = Cut::default();
        if let Some(from) = self.video.newer_key() {
            self.cut_video(&mut cut, |packet| packet.dts >= from);
        }
        cut
    }

    /// Says that no decoder serves `track`.
    pub(crate) fn set_unplayable(&mut self, track: Track) {
        if let Some(lane) = self.lane(track) {
            lane.unplayable = true;
        }
    }

    pub(crate) fn state(&self, track: Track) -> LaneState {
        let lane = if track == Track::Audio { &self.audio } else { &self.video };
        lane.state()
    }

    fn lane(&mut self, track: Track) -> Option<&mut Lane> {
        match track {
            Track::Video => Some(&mut self.video),
            Track::Audio => Some(&mut self.audio),
            Track::Data => None,
        }
    }

    fn keep_bounds(&mut self) -> Option<Cut> {
        let too_many_bytes = self.bytes > self.limits.bytes;
        let too_long = self.video.backlog().max(self.audio.backlog()) > self.limits.live;
        if !too_many_bytes && (self.finite || !too_long) {
            return None;
        }
        let mut cut = Cut::default();
        if let Some(from) = self.video.newer_key() {
            self.cut_video(&mut cut, |packet| packet.dts >= from);
            self.cut_audio(&mut cut, from);
        } else if self.video.packets.iter().all(|packet| !is_unit(packet)) {
            let keep = self.limits.keep;
            let newest = self.audio.newest.unwrap_or_default();
            self.cut_audio(&mut cut, newest.checked_sub(keep).unwrap_or(newest));
        }
        // Without a newer key frame a long GOP is decoded through, as long as it fits.
        if self.bytes > self.limits.bytes {
            self.cut_video(&mut cut, |_| false);
            self.needs_key = true;
            let newest = self.audio.newest.unwrap_or_default();
            self.cut_audio(&mut cut, newest);
        }
        (cut != Cut::default()).then_some(cut)
    }

    fn cut_video(&mut self, cut: &mut Cut, keep: impl FnMut(&Packet) -> bool) {
        let (units, bytes) = self.video.retain(keep);
        cut.video += units;
        self.bytes -= bytes;
    }

    fn cut_audio(&mut self, cut: &mut Cut, from: Timestamp) {
        let (units, bytes) = self.audio.retain(|packet| packet.pts >= from);
        cut.audio += units;
        self.bytes -= bytes;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use live_core::Codec;
    use proptest::prelude::*;

    const LIMITS: Limits = Limits {
        live: Duration::from_secs(5),
        finite: Duration::from_secs(3),
        keep: Duration::from_secs(1),
        bytes: 100_000,
        outage: Duration::from_secs(4),
    };

    fn video(ms: i64, key: bool) -> Packet {
        let (at, data) = (Timestamp::from_millis(ms), Bytes::from_static(&[0; 100]));
        if key { Packet::key(at, at, data) } else { Packet::delta(at, at, false, data) }
    }

    fn audio(ms: i64) -> Packet {
        Packet::audio(Timestamp::from_millis(ms), Bytes::from_static(&[0; 10]))
    }

    fn drain(lanes: &mut Lanes, track: Track) -> Vec<Packet> {
        std::iter::from_fn(|| lanes.take(track)).collect()
    }

    #[test]
    fn a_live_stream_over_the_bound_is_cut_to_the_newest_key_frame_with_its_sound() {
        let (mut lanes, now) = (Lanes::new(LIMITS), Instant::now());
        let config = Packet::config(Codec::H264, Timestamp::ZERO, Bytes::from_static(b"avcC"));
        lanes.push(config.clone(), now);
        let cuts: Vec<Cut> = (0..=5_040)
            .step_by(40)
            .flat_map(|ms| [lanes.push(video(ms, ms % 2_000 == 0), now), lanes.push(audio(ms), now)])
            .flatten()
            .collect();
        assert_eq!(cuts, [Cut { video: 100, audio: 100 }]);
        let pictures = drain(&mut lanes, Track::Video);
        assert_eq!(pictures[..2], [config, video(4_000, true)]);
        assert_eq!(drain(&mut lanes, Track::Audio)[0], audio(4_000));
        assert_eq!(lanes.bytes, 0);
    }

    #[test]
    fn a_skip_goes_to_the_newest_key_frame_that_leaves_what_is_asked() {
        let (mut lanes, now) = (Lanes::new(LIMITS), Instant::now());
        for ms in (0..4_900).step_by(40) {
            lanes.push(video(ms, ms % 2_000 == 0), now);
            lanes.push(audio(ms), now);
        }
        let leave = Timestamp::from_millis(3_900);
        assert_eq!(lanes.skip(leave), Some((Timestamp::from_millis(2_000), Cut { video: 50, audio: 50 })));
        assert_eq!(drain(&mut lanes, Track::Video)[0], video(2_000, true));
        assert_eq!(lanes.skip(leave), None, "no key frame waits");
    }

    #[test]
    fn a_slow_decoder_goes_on_at_the_newest_key_frame_and_keeps_its_sound() {
        let (mut lanes, now) = (Lanes::new(LIMITS), Instant::now());
        for ms in (0..4_900).step_by(40) {
            lanes.push(video(ms, ms % 2_000 == 0), now);
            lanes.push(audio(ms), now);
        }
        assert!(lanes.state(Track::Video).has_newer_key);
        assert_eq!(lanes.catch_up(), Cut { video: 100, audio: 0 });
        assert_eq!(drain(&mut lanes, Track::Audio)[0], audio(0));
        assert!(!lanes.state(Track::Video).has_newer_key);
        assert_eq!(lanes.catch_up(), Cut::default(), "nothing is gained by going on where it is");
        assert_eq!(drain(&mut lanes, Track::Video)[0], video(4_000, true));
        assert_eq!(lanes.bytes, 0);
    }

    #[test]
    fn a_long_gop_is_decoded_through() {
        let (mut lanes, now) = (Lanes::new(LIMITS), Instant::now());
        for ms in (0..9_000).step_by(40) {
            assert_eq!(lanes.push(video(ms, ms == 0), now), None);
        }
        assert_eq!(lanes.push(video(9_000, true), now).map(|cut| cut.video), Some(225));
    }

    #[test]
    fn sound_alone_keeps_the_newest() {
        let (mut lanes, now) = (Lanes::new(LIMITS), Instant::now());
        let cuts: Vec<Cut> = (0..=5_020).step_by(20).filter_map(|ms| lanes.push(audio(ms), now)).collect();
        assert_eq!(cuts, [Cut { video: 0, audio: 201 }]);
        assert_eq!(drain(&mut lanes, Track::Audio)[0], audio(4_020));
    }

    #[test]
    fn pictures_begin_with_a_key_frame_also_after_a_new_connection() {
        let (mut lanes, now) = (Lanes::new(LIMITS), Instant::now());
        for (ms, key) in [(0, false), (40, true), (80, false)] {
            lanes.push(video(ms, key), now);
        }
        assert_eq!(drain(&mut lanes, Track::Video), [video(40, true), video(80, false)]);
        lanes.restart();
        lanes.push(video(120, false), now);
        lanes.push(video(160, true), now);
        assert_eq!(drain(&mut lanes, Track::Video), [video(160, true)]);
    }

    #[test]
    fn a_finite_source_waits_and_loses_nothing() {
        let (mut lanes, now) = (Lanes::new(LIMITS), Instant::now());
        lanes.finite = true;
        for ms in (0..20_000).step_by(40) {
            if lanes.is_full() {
                assert_eq!(ms, 3_040);
                return;
            }
            assert_eq!(lanes.push(video(ms, ms == 0), now), None);
            lanes.push(audio(ms), now);
        }
        panic!("never full");
    }

    #[test]
    fn a_badly_interleaved_file_is_read_on_for_the_missing_track_within_bounds() {
        let (mut lanes, now) = (Lanes::new(LIMITS), Instant::now());
        lanes.finite = true;
        lanes.push(audio(0), now);
        let mut ms = 0;
        while !lanes.is_full() {
            lanes.push(video(ms, ms == 0), now);
            ms += 40;
        }
        assert_eq!(ms, 13_040);
    }

    proptest! {
        /// Whatever comes and however slowly it is taken: the byte limit holds, a delta never follows a loss, and
        /// what is counted adds up.
        #[test]
        fn what_comes_out_decodes(steps in prop::collection::vec((0u8..12, any::<bool>(), 0usize..40_000), 1..300)) {
            let (mut lanes, now) = (Lanes::new(LIMITS), Instant::now());
            let (mut pushed, mut taken, mut cut) = (0, 0, 0);
            let mut last_cut = 0;
            let mut seen_at_cut = None;
            for (at, (kind, take, size)) in (0i64..).zip(steps) {
                let at = Timestamp::from_millis(at * 100);
                let data = Bytes::from(vec![0; size]);
                let packet = match kind {
                    0 => Packet::key(at, at, data),
                    1..7 => Packet::delta(at, at, false, data),
                    7 => Packet::config(Codec::H264, at, data),
                    _ => Packet::audio(at, data),
                };
                let waits = lanes.needs_key && matches!(packet.kind, PacketKind::Delta { .. });
                pushed += u64::from(packet.is_video_unit() && !waits);
                if let Some(lost) = lanes.push(packet, now) {
                    cut += lost.video;
                    last_cut = cut;
                }
                prop_assert!(lanes.bytes <= LIMITS.bytes + 40_000 * 5, "configurations alone stay");
                if !take {
                    continue;
                }
                if let Some(packet) = lanes.take(Track::Video).filter(Packet::is_video_unit) {
                    taken += 1;
                    if packet.kind == PacketKind::Key {
                        seen_at_cut = Some(last_cut);
                    } else {
                        prop_assert!(seen_at_cut.is_some());
                    }
                }
            }
            let rest = drain(&mut lanes, Track::Video).iter().filter(|packet| packet.is_video_unit()).count() as u64;
            prop_assert_eq!(pushed, taken + rest + cut);
        }
    }
}
