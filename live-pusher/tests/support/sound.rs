//! Reads the sound of recordings.

use live_core::{Codec, PacketKind, Registry, Selection};
use std::path::Path;

/// The times of a recording's sound in ms, and its samples, one channel of 48 kHz, from the first packet on. There is
/// no hole between the packets.
pub fn sound(path: &Path) -> (Vec<i64>, Vec<f32>) {
    let mut registry = Registry::default();
    live_codec::register_enabled(&mut registry);
    let mut file = live_transport::net::file::open(path).unwrap();
    let (mut decoder, mut times, mut frames) = (None, Vec::new(), Vec::new());
    while let Some(packet) = file.next_packet().unwrap() {
        match packet.kind {
            PacketKind::Config(Codec::Aac) if decoder.is_none() => {
                let opened = registry.audio_decoders.open(Codec::Aac, &Selection::Auto, &packet).unwrap();
                decoder = Some(opened.codec);
            }
            PacketKind::Audio => {
                times.push(packet.pts.as_millis());
                let decoder = decoder.as_mut().expect("the configuration comes first");
                decoder.decode(&packet, &mut frames).expect("every access unit decodes");
            }
            _ => {}
        }
    }
    let channels = decoder.and_then(|decoder| decoder.spec()).map_or(1, |spec| usize::from(spec.channels));
    assert!(times.windows(2).all(|pair| (20..=23).contains(&(pair[1] - pair[0]))), "{times:?}");
    (times, frames.iter().flat_map(|frame| frame.samples.iter().step_by(channels)).copied().collect())
}

#[allow(dead_code, reason = "each test program uses a part of it")]
/// The loudest sample of [`sound`] from one second to another.
pub fn peak(samples: &[f32], from: f64, to: f64) -> f32 {
    let place = |seconds: f64| ((seconds * 48_000.0) as usize).min(samples.len());
    samples[place(from)..place(to)].iter().fold(0.0, |peak, sample| peak.max(sample.abs()))
}
