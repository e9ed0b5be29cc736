//! Where sound resembles itself.

use std::ops::Range;

/// The search looks at every fourth frame first.
const COARSE: usize = 4;
/// Places that resemble each other this much can be spliced unheard.
const ALIKE: f32 = 0.6;
/// Quieter than this (−54 dB) is spliced anywhere.
const QUIET: f32 = 0.002;

/// Memory for searches, which is kept.
#[derive(Debug, Default)]
pub(super) struct Searcher {
    template: Vec<f32>,
    region: Vec<f32>,
}

/// The best place that was found.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    lag: usize,
    /// The normalised correlation, −1 to 1.
    likeness: f32,
}

impl Found {
    /// The place, when it is good enough, or has to be.
    pub(super) fn lag(self, pressing: bool) -> Option<usize> {
        (pressing || self.likeness >= ALIKE).then_some(self.lag)
    }
}

impl Searcher {
    /// Finds the lag within `lags` at which the `fade` frames after, or before (`forward`), `head` are most like those at
    /// `head`. All of these frames must be there.
    pub(super) fn search(
        &mut self,
        samples: &[f32],
        channels: usize,
        head: usize,
        fade: usize,
        lags: Range<usize>,
        forward: bool,
    ) -> Found {
        let place = |lag: usize| if forward { head + lag } else { head - lag };
        let (first, last) =
            (place(lags.start).min(place(lags.end - 1)), place(lags.start).max(place(lags.end - 1)));
        mono(&mut self.template, samples, channels, head, fade);
        if energy(&self.template, 1) < QUIET * QUIET * fade as f32 {
            return Found { lag: lags.end - 1, likeness: 1.0 };
        }
        // What lies beyond the sound is silence.
        mono(&mut self.region, samples, channels, first, last + fade - first);
        let (template, region) = (&self.template, &self.region);
        let like = |lag: usize, step: usize| {
            let at = place(lag) - first;
            likeness(template, &region[at..at + fade], step)
        };
        let best = |lags: Range<usize>, by: usize, step: usize| {
            let lags = lags.step_by(by).map(|lag| (lag, like(lag, step)));
            lags.max_by(|a, b| a.1.total_cmp(&b.1))
        };
        let Some((near, _)) = best(lags.clone(), COARSE, COARSE) else {
            return Found { lag: lags.end - 1, likeness: 0.0 };
        };
        let around = near.saturating_sub(COARSE - 1).max(lags.start)..(near + COARSE).min(lags.end);
        let (lag, likeness) = best(around, 1, 1).unwrap_or((near, 0.0));
        Found { lag, likeness }
    }
}

/// `frames` from `from` on, all channels together.
fn mono(out: &mut Vec<f32>, samples: &[f32], channels: usize, from: usize, frames: usize) {
    out.clear();
    let wanted = samples.get(from * channels..).unwrap_or_default().chunks_exact(channels).take(frames);
    out.extend(wanted.map(|frame| frame.iter().sum::<f32>()));
    out.resize(frames, 0.0);
}

fn energy(samples: &[f32], step: usize) -> f32 {
    samples.iter().step_by(step).map(|sample| sample * sample).sum()
}

fn likeness(a: &[f32], b: &[f32], step: usize) -> f32 {
    let product: f32 = a.iter().step_by(step).zip(b.iter().step_by(step)).map(|(a, b)| a * b).sum();
    let norm = (energy(a, step) * energy(b, step)).sqrt();
    if norm > f32::EPSILON { product / norm } else { 0.0 }
}
