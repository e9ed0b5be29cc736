//! What the figures say.

use super::players::{LIVE, LOWEST, Media, Player, RTC};
use std::fmt::Write as _;
use std::time::Duration;

/// What nobody can avoid when there is sound: an access unit of AAC, the encoder's look-ahead, and a period of the sound
/// device, at 48 kHz. 1024 and 2048 samples and 10 ms.
const FLOOR: Duration = Duration::from_millis(21 + 43 + 10);
/// How far sound and picture may be apart.
const TOGETHER_MS: f64 = 20.0;

/// What one run of one player looked like.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// From the start of the program to its first picture, without the wait for a key frame.
    pub first: Option<Duration>,
    /// From the start of the program to the second picture.
    pub motion: Option<Duration>,
    /// From capture to screen, of each picture after the start; sorted.
    pub latencies: Vec<Duration>,
    /// From one picture to the next.
    pub gaps: Vec<Duration>,
    /// The widest that sound and picture were apart, in ms, where the player tells.
    pub av_offset: Option<f64>,
}

impl Seen {
    fn percentile(&self, percent: usize) -> Option<Duration> {
        self.latencies.get(self.latencies.len().saturating_sub(1) * percent / 100).copied()
    }
}

/// The runs of a player at a server.
pub struct Row {
    pub media: Media,
    pub server: &'static str,
    pub player: Player,
    pub runs: Vec<Seen>,
}

impl Row {
    /// The median of what `figure` gives of each run; of runs that showed nothing, for ever.
    fn median(&self, figure: impl Fn(&Seen) -> Option<Duration>) -> Duration {
        let mut figures: Vec<_> =
            self.runs.iter().map(|run| figure(run).unwrap_or(Duration::from_secs(3600))).collect();
        figures.sort_unstable();
        figures.get(figures.len() / 2).copied().unwrap_or(Duration::from_secs(3600))
    }

    fn latency(&self) -> Duration {
        self.median(|run| run.percentile(95))
    }

    fn first(&self) -> Duration {
        self.median(|run| run.first)
    }

    fn av_offset(&self) -> Option<f64> {
        let offsets = self.runs.iter().filter_map(|run| run.av_offset);
        offsets.max_by(|one, other| one.abs().total_cmp(&other.abs()))
    }
}

/// A table for people.
pub fn table(rows: &[Row]) -> String {
    let mut table = String::from(
        "| media | server | player | latency: median, 95 % | first picture | motion | longest gap | sound |\n\
         |---|---|---|---|---|---|---|---|\n",
    );
    let ms = |time: Duration| {
        if time > Duration::from_secs(600) { "none".into() } else { format!("{} ms", time.as_millis()) }
    };
    for row in rows {
        let sound = row.av_offset().map_or_else(String::new, |offset| format!("{offset:+.1} ms"));
        let _ = writeln!(
            table,
            "| {} | {} | {} | {}, {} | {} | {} | {} | {sound} |",
            if row.media == Media::Video { "video" } else { "both" },
            row.server,
            row.player.name(),
            ms(row.median(|run| run.percentile(50))),
            ms(row.latency()),
            ms(row.first()),
            ms(row.median(|run| run.motion)),
            ms(row.median(|run| run.gaps.iter().max().copied())),
        );
    }
    let _ = write!(table, "\nfloor with sound: {} ms", FLOOR.as_millis());
    table
}

/// What misses its target, a line each.
pub fn judge(rows: &[Row]) -> Vec<String> {
    let mut wrong = Vec::new();
    for row in rows.iter().filter(|row| row.player.is_ours()) {
        let place = format!("{:?} through {}, {}", row.media, row.server, row.player.name());
        let peers = || {
            let beside = |other: &&Row| (other.media, other.server) == (row.media, row.server);
            rows.iter().filter(beside).filter(|other| !other.player.is_ours())
        };
        let most = match (row.player, row.media) {
            (LOWEST, Media::Video) => peers().map(Row::latency).min(),
            (LOWEST, Media::Both) => {
                let best = peers().map(Row::latency).min();
                best.map(|best| best.mul_f64(0.8).max(FLOOR + Duration::from_millis(20)))
            }
            (Player::Ours { cache, .. }, _) if row.player == RTC => {
                Some(cache + FLOOR + Duration::from_millis(60))
            }
            (Player::Ours { cache, .. }, _) if row.player == LIVE => {
                Some(cache + FLOOR + Duration::from_millis(100))
            }
            _ => None,
        };
        let mut over = |what: &str, is: Duration, most: Option<Duration>| {
            if let Some(most) = most.filter(|most| is > *most) {
                wrong.push(format!("{place}: {what} {} ms, at most {} ms", is.as_millis(), most.as_millis()));
            }
        };
        over("latency (95 %)", row.latency(), most);
        over("first picture", row.first(), peers().map(Row::first).min().map(|best| best / 2));
        if let Some(offset) = row.av_offset().filter(|offset| offset.abs() > TOGETHER_MS) {
            wrong.push(format!("{place}: sound {offset:+.1} ms off the picture"));
        }
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::latency::players;

    fn row(player: Player, latency: u64, first: u64) -> Row {
        let ms = Duration::from_millis;
        let run = Seen { first: Some(ms(first)), latencies: vec![ms(latency); 20], ..Seen::default() };
        Row { media: Media::Video, server: "nginx-rtmp", player, runs: vec![run] }
    }

    #[test]
    fn the_best_peer_is_the_measure() {
        let peers = players::of(Media::Video);
        let rows =
            |ours, first| vec![row(LOWEST, ours, first), row(peers[1], 50, 300), row(peers[2], 70, 100)];
        assert_eq!(judge(&rows(50, 50)), Vec::<String>::new());
        assert!(judge(&rows(51, 50))[0].contains("latency (95 %) 51 ms, at most 50 ms"));
        assert!(judge(&rows(50, 51))[0].contains("first picture 51 ms, at most 50 ms"));
        let mut silent = rows(50, 50);
        silent[0].runs[0] = Seen::default();
        assert_eq!(judge(&silent).len(), 2, "a player that shows nothing meets nothing");
    }
}
