//! Brings a decoder of its own, as a row of the registry; this one only paints grey: `own_decoder SRC`.

use live_player::LivePlayer;
use live_player::core::registry::{Provenance, Row};
use live_player::core::{
    Codec, CodecError, Color, Packet, PicturePool, Registry, Selection, VideoDecoder, VideoFrame,
};

struct Grey(PicturePool);

impl VideoDecoder for Grey {
    fn decode(&mut self, packet: &Packet, out: &mut Vec<VideoFrame>) -> Result<(), CodecError> {
        if packet.is_video_unit() {
            let mut picture = self.0.black(320, 180);
            // The larger the access unit, the brighter.
            picture.planes_mut()[0].fill(u8::try_from(packet.data.len() / 100).unwrap_or(235));
            out.push(VideoFrame::new(packet.pts, Color::BT601, picture));
        }
        Ok(())
    }

    fn flush(&mut self, _: &mut Vec<VideoFrame>) -> Result<(), CodecError> {
        Ok(())
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let src = std::env::args().nth(1).ok_or("usage: own_decoder SRC")?;
    let mut registry = Registry::default();
    live_codec::register_enabled(&mut registry);
    let grey =
        Row::new("grey", Provenance::Embedded, Codec::H264, |_| Ok(Box::new(Grey(PicturePool::new())) as _));
    registry.video_decoders.add(grey);
    let chosen = Selection::Named("grey".to_owned());
    let player = LivePlayer::builder(src).registry(registry).video_decoder(chosen).autoplay(true).build()?;
    player.finished().await?;
    println!("{:?}", player.snapshot());
    Ok(())
}
