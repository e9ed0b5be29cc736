//! What tests of whole sessions share. Each of them uses a part of it.
#![allow(dead_code)]

pub mod valve;

use live_core::event::{Delivery, EventStream, PusherEvent};
use live_core::state::SessionState;
use live_core::{Codec, PacketKind, PusherCode, Registry, Selection, VideoFrame};
use live_pusher::LivePusher;
use std::path::Path;
use std::time::Duration;

/// How long a session may take to do what it is bound to do.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// What a session told, in order.
#[derive(Debug, Default)]
pub struct Told {
    /// State codes.
    pub codes: Vec<i32>,
    /// Error codes.
    pub errors: Vec<i32>,
    details: Vec<(i32, String)>,
}

impl Told {
    /// The detail that came with the first state code of this number.
    pub fn detail(&self, code: i32) -> &str {
        let found = self.details.iter().find(|(number, _)| *number == code);
        found.map_or_else(|| panic!("{code} in {self:?}"), |(_, detail)| detail)
    }

    /// The state codes that are not about the connection.
    pub fn device_codes(&self) -> Vec<i32> {
        self.codes.iter().copied().filter(|code| ![1001, 1002].contains(code)).collect()
    }

    /// How often a state code came.
    pub fn count(&self, code: i32) -> usize {
        self.codes.iter().filter(|other| **other == code).count()
    }

    /// Adds what has come since.
    pub fn take(&mut self, events: &mut EventStream<PusherEvent>) {
        while let Some(delivery) = events.try_next() {
            match delivery {
                Delivery::Event(PusherEvent::State { code, detail }) => {
                    self.codes.push(code.into());
                    self.details.push((code.into(), detail));
                }
                Delivery::Event(PusherEvent::Error { code, .. }) => self.errors.push(code.into()),
                Delivery::Event(_) => {}
                Delivery::Lagged(missed) => panic!("{missed} events were missed"),
            }
        }
    }
}

/// Runs a session that has to fail by itself; its failure carries a state code that was fired.
pub async fn failure(pusher: &LivePusher) -> Told {
    let mut events = pusher.events();
    assert!(pusher.start());
    let result = tokio::time::timeout(PATIENCE, pusher.finished()).await.expect("it fails by itself");
    assert_eq!(pusher.state(), SessionState::Failed);
    let mut told = Told::default();
    told.take(&mut events);
    let code = result.expect_err("it fails").code.map(i32::from);
    assert!(code.is_some_and(|code| told.codes.contains(&code)), "{code:?} in {told:?}");
    told
}

/// Runs a session for this long, and stops it; it has to be running then, and to end well.
pub async fn run_for(pusher: &LivePusher, time: Duration) -> Told {
    let mut events = pusher.events();
    assert!(pusher.start());
    tokio::time::sleep(time).await;
    let state = pusher.state();
    pusher.stop().await;
    let mut told = Told::default();
    told.take(&mut events);
    assert_eq!(state, SessionState::Running, "{told:?}");
    assert_eq!(pusher.finished().await, Ok(()), "{told:?}");
    told
}

/// The codes `wanted` come among `codes`, in this order.
#[track_caller]
pub fn assert_order(codes: &[i32], wanted: &[i32]) {
    let mut rest = codes.iter();
    assert!(wanted.iter().all(|code| rest.any(|other| other == code)), "{wanted:?} in {codes:?}");
}

/// Decodes a recording's video; every picture has to decode, in order.
pub fn decode(path: &Path) -> Vec<VideoFrame> {
    let mut registry = Registry::default();
    live_codec::register_enabled(&mut registry);
    let mut file = live_transport::net::file::open(path).unwrap();
    let (mut decoder, mut pictures) = (None, Vec::new());
    while let Some(packet) = file.next_packet().unwrap() {
        if packet.kind == PacketKind::Config(Codec::H264) && decoder.is_none() {
            let opened = registry.video_decoders.open(Codec::H264, &Selection::Auto, &packet).unwrap();
            decoder = Some(opened.codec);
        }
        if packet.is_video_unit() || packet.kind == PacketKind::Config(Codec::H264) {
            let decoder = decoder.as_mut().expect("the configuration comes first");
            decoder.decode(&packet, &mut pictures).expect("every picture decodes");
        }
    }
    if let Some(decoder) = &mut decoder {
        decoder.flush(&mut pictures).unwrap();
    }
    assert!(pictures.windows(2).all(|pair| pair[0].pts < pair[1].pts), "times increase");
    pictures
}

/// The sizes of a recording's pictures.
pub fn pictures(path: &Path) -> Vec<(u32, u32)> {
    decode(path).iter().map(|frame| (frame.width(), frame.height())).collect()
}

/// Waits until a state code comes.
pub async fn wait_for(events: &mut EventStream<PusherEvent>, wanted: PusherCode) {
    let found = async {
        while let Some(delivery) = events.next().await {
            if matches!(delivery, Delivery::Event(PusherEvent::State { code, .. }) if code == wanted) {
                return;
            }
        }
        panic!("the pusher is gone");
    };
    let found = tokio::time::timeout(PATIENCE, found).await;
    found.unwrap_or_else(|_| panic!("{wanted:?} within {PATIENCE:?}"));
}
