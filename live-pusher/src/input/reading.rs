//! What decoding and copying encoded input have in common: looking ahead, and keeping real time pass after pass.

use crate::pipeline::StopFlag;
use live_core::{
    CaptureError, Codec, Packet, PacketKind, PacketSource, SessionClock, SourceInfo, Timestamp, Track,
};
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Packets looked at before the input's tracks are taken as known.
const MOST_AHEAD: usize = 256;

/// The longest sleep between two looks at the stop flag.
const NAP: Duration = Duration::from_millis(20);

/// The longest end of a pass that only the source's word stands for.
pub(super) const MOST_SILENCE: Duration = Duration::from_secs(1);

/// A source of which the first packets are known.
pub(super) struct Reading {
    source: Box<dyn PacketSource>,
    ahead: VecDeque<Packet>,
}

impl Reading {
    /// Reads until both tracks have shown themselves, or so far that the missing one is not there.
    pub(super) fn begin(source: Box<dyn PacketSource>) -> Result<Self, CaptureError> {
        let mut reading = Self { source, ahead: VecDeque::new() };
        let mut units = [false; 2];
        while units != [true; 2] && reading.ahead.len() < MOST_AHEAD {
            let Some(packet) = reading.source.next_packet()? else { break };
            units[0] |= packet.is_video_unit();
            units[1] |= packet.kind == PacketKind::Audio;
            reading.ahead.push_back(packet);
        }
        Ok(reading)
    }

    /// What is known.
    pub(super) fn ahead(&self) -> &VecDeque<Packet> {
        &self.ahead
    }

    /// The first configuration of `track`.
    pub(super) fn config(&self, track: Track) -> Option<(Codec, Packet)> {
        self.ahead.iter().find_map(|packet| match packet.kind {
            PacketKind::Config(codec) if packet.track == track => Some((codec, packet.clone())),
            _ => None,
        })
    }

    pub(super) fn info(&self) -> SourceInfo {
        self.source.info()
    }

    pub(super) fn next(&mut self) -> Result<Option<Packet>, CaptureError> {
        match self.ahead.pop_front() {
            Some(packet) => Ok(Some(packet)),
            None => self.source.next_packet(),
        }
    }

    pub(super) fn rewind(&mut self) -> Result<(), CaptureError> {
        self.source.rewind()
    }

    /// How long a pass is of which `seen` was seen: as long as the source says where that is plausible.
    pub(super) fn pass_length(&self, seen: Duration) -> Duration {
        self.source.duration().map_or(seen, |said| said.clamp(seen, seen + MOST_SILENCE))
    }
}

/// Puts the times of passes on the session's timeline, and keeps them.
pub(super) struct Pacing<'a> {
    clock: SessionClock,
    stop: &'a StopFlag,
    /// The session time at which the first pass began.
    start: Timestamp,
    /// Microseconds from there to the beginning of the current pass.
    pass: i64,
}

impl<'a> Pacing<'a> {
    /// The first pass begins now.
    pub(super) fn new(clock: SessionClock, stop: &'a StopFlag) -> Self {
        Self { clock, stop, start: clock.at(Instant::now()), pass: 0 }
    }

    pub(super) const fn start(&self) -> Timestamp {
        self.start
    }

    pub(super) const fn pass(&self) -> i64 {
        self.pass
    }

    /// A new pass follows one of this length.
    pub(super) fn next_pass(&mut self, length: Duration) {
        self.pass += i64::try_from(length.as_micros()).unwrap_or(i64::MAX);
    }

    /// A time of the current pass on the session's timeline.
    pub(super) fn session_time(&self, at: Timestamp) -> Timestamp {
        at.offset_micros(self.pass).offset_micros(self.start.as_micros())
    }

    /// Waits until the session reads `due`; `false` when the session stops first.
    pub(super) fn wait_until(&self, due: Timestamp) -> bool {
        loop {
            if self.stop.is_set() {
                return false;
            }
            let left = due.saturating_since(self.clock.at(Instant::now()));
            if left.is_zero() {
                return true;
            }
            std::thread::sleep(left.min(NAP));
        }
    }
}
