//! What FFmpeg's `framecrc` muxer says of a stream: one line for each packet or picture.

use crate::process::Problem;
use std::fs;
use std::path::Path;

/// The times of one track, in the order of the file.
#[derive(Debug, Default, PartialEq)]
pub struct Track {
    /// `video` or `audio`.
    pub kind: String,
    /// Decoding times in seconds.
    pub dts: Vec<f64>,
    /// Presentation times in seconds.
    pub pts: Vec<f64>,
}

/// Every track of a listing; a track of each kind at most is of interest.
#[derive(Debug, Default)]
pub struct Listing {
    tracks: Vec<Track>,
}

impl Listing {
    /// Reads a file that `ffmpeg -f framecrc` has written.
    pub fn load(path: &Path) -> Result<Self, Problem> {
        let text = fs::read_to_string(path);
        Ok(Self::parse(&text.map_err(|error| Problem::Failed(format!("{}: {error}", path.display())))?))
    }

    fn parse(text: &str) -> Self {
        let mut tracks: Vec<Track> = Vec::new();
        let mut units: Vec<f64> = Vec::new();
        for line in text.lines() {
            if let Some((index, unit)) = header(line, "#tb ") {
                units.resize(units.len().max(index + 1), 0.0);
                units[index] = ratio(unit);
                tracks.resize_with(units.len(), Track::default);
            } else if let Some((index, kind)) = header(line, "#media_type ") {
                kind.clone_into(&mut tracks[index].kind);
            } else if !line.starts_with('#') {
                let numbers: Vec<i64> =
                    line.split(',').map_while(|field| field.trim().parse().ok()).take(3).collect();
                if let [index, dts, pts] = numbers[..]
                    && let Some(track) = tracks.get_mut(index as usize)
                {
                    track.dts.push(dts as f64 * units[index as usize]);
                    track.pts.push(pts as f64 * units[index as usize]);
                }
            }
        }
        Self { tracks }
    }

    /// The track of this kind, if there is one.
    pub fn track(&self, kind: &str) -> Option<&Track> {
        self.tracks.iter().find(|track| track.kind == kind)
    }

    /// The track of this kind, which has to have something in it.
    pub fn expect(&self, kind: &str) -> Result<&Track, Problem> {
        self.track(kind)
            .filter(|track| !track.pts.is_empty())
            .ok_or_else(|| Problem::Failed(format!("no {kind} arrived")))
    }
}

/// Track number and value of a header line.
fn header<'a>(line: &'a str, name: &str) -> Option<(usize, &'a str)> {
    let (index, value) = line.strip_prefix(name)?.split_once(": ")?;
    Some((index.parse().ok().filter(|index| *index < 64)?, value))
}

fn ratio(text: &str) -> f64 {
    let (over, under) = text.split_once('/').unwrap_or((text, "1"));
    over.parse::<f64>().unwrap_or(0.0) / under.parse::<f64>().unwrap_or(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_in_seconds() {
        let listing = Listing::parse(
            "#software: x\n#tb 0: 1/1000\n#media_type 0: video\n#tb 1: 1/48000\n#media_type 1: audio\n\
             0,       0,      80,       40,    99, 0x1, F=0x0\n1,    1024,  1024,  1024,  12, 0x2\n",
        );
        let video = Track { kind: "video".into(), dts: vec![0.0], pts: vec![0.08] };
        assert_eq!(listing.expect("video").unwrap(), &video);
        assert!((listing.expect("audio").unwrap().pts[0] - 1024.0 / 48_000.0).abs() < 1e-9);
        assert!(listing.expect("subtitle").is_err());
    }
}
