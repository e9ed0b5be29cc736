//! Brings a sink of its own, which tells how bright the pictures are: `own_sink SRC`.

use live_player::LivePlayer;
use live_player::core::{PicturePool, Plane, SinkError, VideoFrame, VideoSink};

struct Brightness {
    pool: PicturePool,
    pictures: u64,
}

impl VideoSink for Brightness {
    fn present(&mut self, frame: &VideoFrame) -> Result<(), SinkError> {
        let picture = frame.surface.to_i420(&self.pool);
        let (width, height) = picture.plane_size(Plane::Y);
        let rows =
            (0..height).map(|row| picture.row(Plane::Y, row).iter().map(|y| u64::from(*y)).sum::<u64>());
        let mean = rows.sum::<u64>() / (width * height) as u64;
        self.pictures += 1;
        println!("{:?}: picture {}, {width}×{height}, mean luma {mean}", frame.pts, self.pictures);
        Ok(())
    }

    fn finish(&mut self) -> Result<(), SinkError> {
        println!("{} pictures", self.pictures);
        Ok(())
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let src = std::env::args().nth(1).ok_or("usage: own_sink SRC")?;
    let sink = || Brightness { pool: PicturePool::new(), pictures: 0 };
    let player = LivePlayer::builder(src).video_sink(sink).autoplay(true).build()?;
    Ok(player.finished().await?)
}
