//! What was measured in the pictures and the sound.

use super::{figure, legend};
use crate::demo::pictures::{Reading, Record};
use crate::demo::run::{Playback, Take};
use crate::demo::statistics::{Histogram, Summary};
use crate::demo::svg::{Band, HistogramChart, LineChart, Marker, Series, round_step};

/// Intervals of a histogram, about.
const INTERVALS: f64 = 36.0;
const WIDE: (f64, f64) = (520.0, 170.0);

impl Playback {
    /// What the strips of all pictures but the first said.
    pub fn readings(&self) -> impl Iterator<Item = Reading> {
        self.moving().filter_map(|record| record.read)
    }

    /// The pictures in motion.
    fn moving(&self) -> impl Iterator<Item = &Record> {
        self.pictures.records.iter().skip(1)
    }

    fn over_time(&self, value: fn(&Reading) -> f64) -> Series {
        let point = |record: &Record| Some((record.at.as_secs_f64(), value(record.read.as_ref()?)));
        let points = self.moving().filter_map(point).filter(|(_, value)| value.is_finite()).collect();
        Series { class: self.log.who.class(), name: self.log.who.name(), points }
    }
}

/// The latency of each picture in motion, ms.
pub fn latencies(player: &Playback) -> Vec<f64> {
    player.readings().map(|reading| reading.latency_ms).collect()
}

/// The latency as a histogram for each player, and over time.
pub fn latency(take: &Take) -> String {
    let all: Vec<f64> = take.players.iter().flat_map(latencies).collect();
    let Some(range) = Summary::of(&all) else { return "<p>No picture could be read.</p>".to_owned() };
    // All players share their intervals, so that they can be compared.
    let interval = round_step(((range.max - range.min) / INTERVALS).max(1.0));
    // The label of the median needs room on its left.
    let start = ((range.min / interval).floor() - INTERVALS / 8.0).floor() * interval;
    let intervals = ((range.max - start) / interval).ceil() as usize + 2;
    let histogram = |player: &Playback| {
        let values = latencies(player);
        let Some(summary) = Summary::of(&values) else { return String::new() };
        let chart = HistogramChart {
            title: "Latency",
            unit: "ms",
            class: player.log.who.class(),
            histogram: &Histogram::of(&values, start, interval, intervals),
            markers: [
                Marker { value: summary.median, name: "median" },
                Marker { value: summary.p95, name: "p95" },
            ],
            size: WIDE,
        };
        let note = format!("pictures per {interval} ms; {:.0} to {:.0} ms", summary.min, summary.max);
        figure(player.log.who.name(), &note, &chart.draw())
    };
    let histograms: String = take.players.iter().map(histogram).collect();
    let series: Vec<Series> =
        take.players.iter().map(|player| player.over_time(|reading| reading.latency_ms)).collect();
    let over_time = LineChart {
        title: "Latency",
        unit: "ms",
        series: &series,
        seconds: take.took.as_secs_f64(),
        size: (1060.0, 150.0),
        dots: false,
        band: None,
        from_zero: false,
    };
    format!(
        "<div class=\"pair\">{histograms}</div><div style=\"margin-top:18px\">{}</div>{}",
        figure("Over time", "ms, each picture", &over_time.draw()),
        legend(take.players.iter().map(|player| player.log.who))
    )
}

/// How far sound was from the picture, and pictures from the pattern.
pub fn sync_and_likeness(take: &Take) -> String {
    let offsets: Vec<Series> = take
        .players
        .iter()
        .map(|player| {
            let offsets = take.offsets(&player.pictures, &player.sound);
            let points = offsets.iter().map(|offset| (offset.at.as_secs_f64(), offset.ms)).collect();
            Series { class: player.log.who.class(), name: player.log.who.name(), points }
        })
        .collect();
    let psnr: Vec<Series> =
        take.players.iter().map(|player| player.over_time(|reading| reading.psnr_y)).collect();
    let chart = |title, unit, series, dots, band| LineChart {
        title,
        unit,
        series,
        seconds: take.took.as_secs_f64(),
        size: WIDE,
        dots,
        band,
        from_zero: false,
    };
    let noticed = Some(Band { low: -125.0, high: 45.0 });
    let sync = chart("Sound ahead of picture", "ms", &offsets[..], true, noticed).draw();
    let likeness = chart("PSNR-Y", "dB", &psnr[..], false, Some(Band { low: 30.0, high: 30.0 })).draw();
    format!(
        "<div class=\"pair\">{}{}</div>{}",
        figure("Sound ahead of picture", "ms, each flash with its beep", &sync),
        figure("Likeness to the pattern", "PSNR-Y in dB, each picture", &likeness),
        legend(take.players.iter().map(|player| player.log.who))
    )
}
