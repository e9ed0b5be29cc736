//! Every backend sits the examination of `live_core::conformance`.

mod support;

use live_core::{AudioSpec, CodecError, Packet, Timestamp};

#[cfg(feature = "openh264")]
mod openh264 {
    use super::*;
    use live_codec::openh264::{Decoder, Encoder};
    use live_core::conformance::{video_decoder, video_encoder};
    use live_core::{Color, PicturePool, VideoDecoder, VideoEncoder, VideoEncoderConfig, VideoFrame};

    fn open_encoder(config: &VideoEncoderConfig) -> Result<Box<dyn VideoEncoder>, CodecError> {
        Ok(Box::new(Encoder::open(config)?))
    }

    fn open_decoder(config: &Packet) -> Result<Box<dyn VideoDecoder>, CodecError> {
        Ok(Box::new(Decoder::open(config)?))
    }

    #[test]
    fn the_encoder_keeps_the_promises_of_its_trait() {
        video_encoder(&open_encoder, &open_decoder);
    }

    #[test]
    fn the_decoder_keeps_the_promises_of_its_trait() {
        let config = VideoEncoderConfig {
            width: 320,
            height: 180,
            frame_rate: 30.0,
            kbps: 500,
            gop: 10,
            color: Color::BT601,
            entropy: live_core::Entropy::Cavlc,
            threads: 1,
            slices: 2,
        };
        let (pool, mut encoder, mut stream) =
            (PicturePool::new(), Encoder::open(&config).unwrap(), Vec::new());
        for index in 0..35u64 {
            let mut picture = pool.black(320, 180);
            for (offset, sample) in picture.planes_mut()[0].iter_mut().enumerate() {
                *sample = ((offset as u64 * 3 + index * 5) % 199) as u8 + 20;
            }
            let frame = VideoFrame::new(Timestamp::from_index(index, 30), Color::BT601, picture);
            encoder.encode(&frame, &mut stream).unwrap();
        }
        video_decoder(&open_decoder, &stream);
    }

    #[test]
    fn the_decoder_keeps_them_for_b_frames_too() {
        for stream in b_frames() {
            video_decoder(&open_decoder, &stream);
        }
    }
}

/// Streams of x264 with and without B-frames; none where FFmpeg is missing.
#[cfg(any(feature = "openh264", feature = "rusty-h264"))]
fn b_frames() -> Vec<Vec<Packet>> {
    if !support::ffmpeg_is_here() {
        return Vec::new();
    }
    let stream = |options| {
        let source = "testsrc2=size=192x108:rate=25:duration=2";
        let args =
            ["-f", "lavfi", "-i", source, "-pix_fmt", "yuv420p", "-c:v", "libx264", "-x264-params", options];
        let output = ["-f", "flv", "-flvflags", "no_duration_filesize", "-"];
        support::read_flv(&support::ffmpeg(&[&args[..], &output].concat(), None), live_core::Track::Video)
    };
    ["keyint=12:min-keyint=12:scenecut=0:bframes=2:b-pyramid=none", "keyint=15:scenecut=0:bframes=0"]
        .map(stream)
        .to_vec()
}

#[cfg(feature = "rusty-h264")]
#[test]
fn rusty_h264_keeps_the_promises_of_its_trait() {
    for stream in b_frames() {
        live_core::conformance::video_decoder(
            &|config| Ok(Box::new(live_codec::rusty_h264::Decoder::open(config)?)),
            &stream,
        );
    }
}

/// Two seconds of a chord.
#[cfg(any(feature = "fdk-aac", feature = "syom"))]
fn stream(encoder: &mut dyn live_core::AudioEncoder, spec: AudioSpec) -> Vec<Packet> {
    let mut packets = Vec::new();
    for index in 0..200u64 {
        let length = u64::from(spec.sample_rate / 100);
        let at = |sample: u64| (index * length + sample) as f32 / spec.sample_rate as f32;
        let chord = |t: f32| (t * 2765.0).sin() * 0.2 + (t * 3480.0).sin() * 0.2;
        let samples =
            (0..length).flat_map(|sample| vec![chord(at(sample)); usize::from(spec.channels)]).collect();
        let pts = Timestamp::from_index(index * length, spec.sample_rate);
        encoder.encode(&live_core::AudioFrame { pts, samples }, &mut packets).unwrap();
    }
    encoder.flush(&mut packets).unwrap();
    packets
}

#[cfg(feature = "fdk-aac")]
mod fdk {
    use super::*;
    use live_codec::fdk::{Decoder, Encoder};
    use live_core::conformance::{audio_decoder, audio_encoder};
    use live_core::{AudioDecoder, AudioEncoder, AudioEncoderConfig};

    fn open_encoder(config: &AudioEncoderConfig) -> Result<Box<dyn AudioEncoder>, CodecError> {
        Ok(Box::new(Encoder::open(config)?))
    }

    fn open_decoder(config: &Packet) -> Result<Box<dyn AudioDecoder>, CodecError> {
        Ok(Box::new(Decoder::open(config)?))
    }

    #[test]
    fn the_encoder_keeps_the_promises_of_its_trait() {
        audio_encoder(&open_encoder, &open_decoder);
    }

    #[test]
    fn the_decoder_keeps_the_promises_of_its_trait() {
        let config = AudioEncoderConfig { spec: AudioSpec { sample_rate: 44_100, channels: 2 }, kbps: 96 };
        audio_decoder(&open_decoder, &stream(&mut *open_encoder(&config).unwrap(), config.spec));
    }

    #[cfg(feature = "symphonia")]
    #[test]
    fn symphonia_keeps_the_promises_of_its_trait() {
        let open = |config: &Packet| {
            Ok(Box::new(live_codec::symphonia::Decoder::open(config)?) as Box<dyn AudioDecoder>)
        };
        let config = AudioEncoderConfig { spec: AudioSpec { sample_rate: 48_000, channels: 1 }, kbps: 64 };
        audio_decoder(&open, &stream(&mut *open_encoder(&config).unwrap(), config.spec));
        audio_encoder(&open_encoder, &open);
    }
}

#[cfg(all(feature = "syom", feature = "symphonia"))]
#[test]
fn syom_keeps_the_promises_of_its_trait() {
    live_core::conformance::audio_encoder(
        &|config| Ok(Box::new(live_codec::syom::Encoder::open(config)?)),
        &|config| Ok(Box::new(live_codec::symphonia::Decoder::open(config)?)),
    );
}
