//! Streams that FFmpeg makes for the players under test.

use super::lab::{ffmpeg, on_files};
use crate::process::Problem;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Width and height of the generated pictures.
pub const SIZE: (usize, usize) = (320, 240);
/// Samples per second of the generated sound, in two channels.
pub const SAMPLE_RATE: usize = 48_000;

/// A stream to be made.
#[derive(Clone, Copy)]
pub struct Recipe {
    /// What x264 is told beyond size and rate; `None` makes no video.
    pub video: Option<&'static [&'static str]>,
    /// Whether there is sound.
    pub sound: bool,
}

/// Every tool that High profile has: CABAC, 8×8 transform, B-frames as references, several slices.
pub const HIGH: Recipe = Recipe {
    video: Some(&["-profile:v", "high", "-bf", "3", "-x264-params", "b-pyramid=normal:slices=4:cabac=1"]),
    sound: true,
};

/// x264 as it comes, with grain: B-frames, three references, weights.
pub const MEDIUM: Recipe = Recipe { video: Some(&["-preset", "medium", "-vf", GRAIN]), sound: false };

/// x264 with five references, a fixed pattern of B-frames and both kinds of direct prediction, with grain.
pub const SLOW: Recipe = Recipe {
    video: Some(&["-preset", "slow", "-b_strategy", "0", "-bf", "2", "-slices", "4", "-vf", GRAIN]),
    sound: false,
};

/// Makes every difference in prediction or filtering show, and add up.
const GRAIN: &str = "noise=alls=12:allf=t";

/// What live encoders send: no B-frames, nothing that waits.
pub const MAIN: Recipe = Recipe {
    video: Some(&["-profile:v", "main", "-tune", "zerolatency", "-x264-params", "slices=2"]),
    sound: true,
};

/// Pictures without sound.
pub const VIDEO_ONLY: Recipe = Recipe { sound: false, ..MAIN };
/// Sound without pictures.
pub const AUDIO_ONLY: Recipe = Recipe { video: None, sound: true };

impl Recipe {
    /// Makes the stream as an FLV file of `seconds` with a key frame every second.
    pub fn make(self, folder: &Path, seconds: u32) -> Result<PathBuf, Problem> {
        let path = folder.join("source.flv");
        let mut command = ffmpeg();
        let (width, height) = SIZE;
        if self.video.is_some() {
            let pattern = format!("testsrc2=size={width}x{height}:rate=25:duration={seconds}");
            command.args(["-f", "lavfi", "-i", &pattern]);
        }
        if self.sound {
            // Two different noises: alike nowhere, so that sound can be aligned to the sample.
            let noise = |seed| {
                format!(
                    "anoisesrc=color=pink:amplitude=0.3:sample_rate={SAMPLE_RATE}:duration={seconds}:seed={seed}"
                )
            };
            let both = format!("{}[a];{}[b];[a][b]amerge", noise(1), noise(2));
            command.args(["-f", "lavfi", "-i", &both]);
        }
        if let Some(video) = self.video {
            command
                .args(["-c:v", "libx264", "-preset", "veryfast", "-g", "25", "-pix_fmt", "yuv420p"])
                .args(video);
        }
        if self.sound {
            // Substituted noise is made up by each decoder for itself, so no two agree on it.
            command.args(["-c:a", "aac", "-b:a", "128k", "-aac_pns", "0"]);
        }
        on_files("source", folder, command.args(["-flvflags", "no_duration_filesize"]).arg(&path))?;
        Ok(path)
    }
}

/// FFmpeg publishing a file at the speed it has to be played.
pub fn publishing(source: &Path, url: &str) -> Command {
    let mut command = ffmpeg();
    command.arg("-re").arg("-i").arg(source).args(["-map", "0", "-c", "copy", "-f", "flv", url]);
    command
}

/// The file with a header that claims the opposite of what is in it.
pub fn with_wrong_flags(source: &Path, folder: &Path) -> Result<Vec<u8>, Problem> {
    /// The fifth byte of an FLV file has a bit for video and one for sound.
    const FLAGS: usize = 4;
    const VIDEO_AND_SOUND: u8 = 0b101;
    let mut bytes =
        fs::read(source).map_err(|error| Problem::Failed(format!("{}: {error}", source.display())))?;
    let flags =
        bytes.get_mut(FLAGS).ok_or_else(|| Problem::Failed(format!("{}: empty", folder.display())))?;
    *flags ^= VIDEO_AND_SOUND;
    Ok(bytes)
}
