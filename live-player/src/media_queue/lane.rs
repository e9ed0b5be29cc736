//! One track's packets: pure.

use crate::jitter::Lateness;
use live_core::{Packet, PacketKind, Timestamp};
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// One track's packets, and what is known of the track.
#[derive(Debug)]
pub(super) struct Lane {
    pub(super) packets: VecDeque<Packet>,
    /// A worker has the packet it took last in hand.
    pub(super) in_hand: bool,
    /// Where the newest unit ends, by the distance of the last two.
    end: Option<Timestamp>,
    pub(super) newest: Option<Timestamp>,
    /// The distance of the last two units.
    step: Duration,
    pub(super) lateness: Lateness,
    pub(super) last_arrival: Option<Instant>,
    pub(super) ended: bool,
    pub(super) unplayable: bool,
}

impl Lane {
    pub(super) fn new(outage: Duration) -> Self {
        Self {
            packets: VecDeque::new(),
            in_hand: false,
            end: None,
            newest: None,
            step: Duration::ZERO,
            lateness: Lateness::new(outage),
            last_arrival: None,
            ended: false,
            unplayable: false,
        }
    }

    /// Media time between the oldest and the newest waiting unit.
    pub(super) fn backlog(&self) -> Duration {
        let first = self.packets.iter().find(|packet| is_unit(packet));
        let last = self.packets.iter().rev().find(|packet| is_unit(packet));
        match (first, last) {
            (Some(first), Some(last)) => last.dts.saturating_since(first.dts),
            _ => Duration::ZERO,
        }
    }

    /// Where the newest key frame is, when units that can go lie before it.
    pub(super) fn newer_key(&self) -> Option<Timestamp> {
        let newest = self.packets.iter().rposition(|packet| packet.kind == PacketKind::Key)?;
        let first = self.packets.iter().position(is_unit)?;
        (newest > first).then(|| self.packets[newest].dts)
    }

    pub(super) fn note(&mut self, packet: &Packet, now: Instant) {
        self.last_arrival = Some(now);
        self.ended = false;
        let newest = self.newest.map_or(packet.pts, |newest| newest.max(packet.pts));
        let step = self.newest.map_or(Duration::ZERO, |last| newest.saturating_since(last));
        if !step.is_zero() || self.end.is_none() {
            self.step = step.min(Duration::from_secs(1));
            self.end = Some(newest.saturating_add(self.step));
        }
        self.lateness.record(now, packet.dts);
        self.newest = Some(newest);
    }

    /// Keeps the packets that `keep` says, and every configuration; the number and bytes of those that went.
    pub(super) fn retain(&mut self, mut keep: impl FnMut(&Packet) -> bool) -> (u64, usize) {
        let (mut units, mut bytes) = (0, 0);
        self.packets.retain(|packet| {
            let stays = !is_unit(packet) || keep(packet);
            if !stays {
                units += 1;
                bytes += packet.data.len();
            }
            stays
        });
        self.drop_stale_configurations(&mut bytes);
        (units, bytes)
    }

    /// Of several configurations in a row only the last is of use.
    fn drop_stale_configurations(&mut self, bytes: &mut usize) {
        let is_config = |packet: &Packet| matches!(packet.kind, PacketKind::Config(_));
        while let [first, second, ..] = self.packets.make_contiguous()
            && is_config(first)
            && is_config(second)
        {
            *bytes += first.data.len();
            self.packets.pop_front();
        }
    }

    /// What the presenter sees of it.
    pub(super) fn state(&self) -> LaneState {
        LaneState {
            end: self.end,
            step: self.step,
            lateness: self.lateness.peak(),
            oldest: self.packets.iter().find(|packet| is_unit(packet)).map(|packet| packet.pts),
            has_newer_key: self.newer_key().is_some(),
            last_arrival: self.last_arrival,
            drained: self.packets.is_empty() && !self.in_hand,
            ended: self.ended,
            unplayable: self.unplayable,
        }
    }
}

/// A track as the presenter sees it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct LaneState {
    /// Where the newest received unit ends; `None` before the first.
    pub(crate) end: Option<Timestamp>,
    /// The distance of its last two units.
    pub(crate) step: Duration,
    /// How late its units come.
    pub(crate) lateness: Duration,
    /// The oldest unit that no decoder has taken.
    pub(crate) oldest: Option<Timestamp>,
    /// A key frame waits behind it, at which a decoder can go on without it.
    pub(crate) has_newer_key: bool,
    /// When the newest unit came.
    pub(crate) last_arrival: Option<Instant>,
    /// No unit of it waits for, or is in the hands of, a decoder.
    pub(crate) drained: bool,
    /// The publisher said that it is over.
    pub(crate) ended: bool,
    /// No decoder serves it.
    pub(crate) unplayable: bool,
}

/// Whether `packet` is an access unit of sound or pictures.
pub(super) fn is_unit(packet: &Packet) -> bool {
    packet.is_video_unit() || packet.kind == PacketKind::Audio
}
