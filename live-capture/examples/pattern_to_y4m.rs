//! Writes ten seconds of the test pattern as raw video: `pattern_to_y4m 360 640 15 > pattern.y4m`.

use live_capture::pattern::{Painter, PatternSpec, PatternStyle, Stamp};
use live_core::PicturePool;
use live_core::formats::y4m;
use std::io::{BufWriter, stdout};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut number = |default: u32| arguments.next().map_or(Ok(default), |text| text.parse());
    let mut spec = PatternSpec::new(number(360)?, number(640)?, number(15)?);
    if arguments.next().as_deref() == Some("noise") {
        spec.style = PatternStyle::Noise;
    }
    let header = y4m::Header::new(spec.width, spec.height, (spec.fps, 1));
    let mut writer = y4m::Writer::new(BufWriter::new(stdout().lock()), header)?;
    let (painter, pool) = (Painter::new(spec), PicturePool::new());
    for frame in 0..spec.fps * 10 {
        let micros = 1_700_000_000_000_000 + spec.pts(frame).as_micros().unsigned_abs();
        writer.write(&painter.draw(Stamp { frame, micros }, &pool))?;
    }
    writer.finish()?;
    Ok(())
}
