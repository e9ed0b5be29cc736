//! Pictures as the players showed them.

use super::escape;
use crate::demo::pictures::{Reading, Sample};
use crate::demo::run::{Playback, Take};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use live_player::sink::png;

/// A row of pictures for each player.
pub fn all(take: &Take) -> String {
    take.players.iter().map(row).collect()
}

fn row(player: &Playback) -> String {
    let samples = &player.pictures.samples;
    let is_wide = samples.first().is_some_and(|sample| sample.frame.width() > sample.frame.height());
    let shots: String = samples.iter().map(shot).collect();
    let class = if is_wide { "shots wide" } else { "shots" };
    format!("<h3>{}</h3><div class=\"{class}\">{shots}</div>", player.log.who.name())
}

fn shot(Sample { frame, record }: &Sample) -> String {
    let Ok(file) = png::encode(frame) else { return String::new() };
    let mut caption = format!("at {:.2} s", record.at.as_secs_f64());
    if let Some(Reading { frame, latency_ms, psnr_y, .. }) = record.read {
        caption = format!("no. {frame} {caption}, {latency_ms:.0} ms old, {psnr_y:.1} dB");
    }
    let (width, height) = (frame.width(), frame.height());
    format!(
        "<figure><img width=\"{width}\" height=\"{height}\" alt=\"the picture shown {caption}\" \
         src=\"data:image/png;base64,{}\"><figcaption>{}</figcaption></figure>",
        STANDARD.encode(file),
        escape(&caption)
    )
}
