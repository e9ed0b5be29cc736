//! The encoders against ffmpeg's decoders.

mod support;

use live_core::{Packet, Timestamp};
use support::{ffmpeg, ffmpeg_is_here};

#[cfg(feature = "openh264")]
#[test]
fn ffmpeg_reads_the_video_stream_and_its_colour() {
    use live_codec::h264::annexb;
    use live_codec::h264::avcc::{DecoderConfig, nal_units};
    use live_codec::openh264::Encoder;
    use live_core::{Color, Entropy, PacketKind, PicturePool, VideoEncoder, VideoEncoderConfig, VideoFrame};

    if !ffmpeg_is_here() {
        return;
    }
    for (entropy, slices, color, tags) in
        [(Entropy::Cavlc, 1, Color::BT709, "tv, bt709"), (Entropy::Cabac, 3, Color::BT601, "tv, smpte170m")]
    {
        let config = VideoEncoderConfig {
            width: 322,
            height: 178,
            frame_rate: 25.0,
            kbps: 400,
            gop: 10,
            color,
            entropy,
            threads: 2,
            slices,
        };
        let mut encoder = Encoder::open(&config).unwrap();
        let (pool, mut packets) = (PicturePool::new(), Vec::new());
        for index in 0..30u8 {
            let mut picture = pool.black(322, 178);
            picture.planes_mut()[0].fill(40 + index * 5);
            let pts = Timestamp::from_index(index.into(), 25);
            encoder.encode(&VideoFrame::new(pts, color, picture), &mut packets).unwrap();
        }
        let mut stream = Vec::new();
        for packet in &packets {
            match packet.kind {
                PacketKind::Config(_) => {
                    DecoderConfig::parse(&packet.data).unwrap().write_annexb(&mut stream)
                }
                _ => annexb::write_length_prefixed(nal_units(&packet.data, 4), &mut stream).unwrap(),
            }
        }
        let raw =
            ffmpeg(&["-f", "h264", "-i", "-", "-f", "rawvideo", "-pix_fmt", "yuv420p", "-"], Some(&stream));
        let size = 322 * 178 * 3 / 2;
        assert_eq!(raw.len(), 30 * size, "ffmpeg decodes every picture at its size");
        for (index, picture) in raw.chunks(size).enumerate() {
            let luma =
                picture[..322 * 178].iter().map(|&sample| f64::from(sample)).sum::<f64>() / (322.0 * 178.0);
            assert!((luma - (40 + index * 5) as f64).abs() < 2.0, "picture {index} has a mean of {luma}");
        }
        let description = support::describe("h264", &stream);
        assert!(description.contains(tags), "ffmpeg reads {description}");
    }
}

/// An FLV file is the plainest container for AAC with its configuration.
#[cfg(any(feature = "fdk-aac", feature = "syom"))]
fn to_flv(packets: &[Packet]) -> Vec<u8> {
    let mut flv = b"FLV\x01\x04\x00\x00\x00\x09\x00\x00\x00\x00".to_vec();
    let first = packets[0].dts.as_millis();
    for packet in packets {
        let size = packet.data.len() as u32 + 2;
        let time = ((packet.dts.as_millis() - first) as u32).to_be_bytes();
        flv.push(8);
        flv.extend(&size.to_be_bytes()[1..]);
        flv.extend([time[1], time[2], time[3], time[0], 0, 0, 0]);
        flv.extend([0xaf, u8::from(!packet.is_stream_information())]);
        flv.extend(&packet.data);
        flv.extend((size + 11).to_be_bytes());
    }
    flv
}

/// Decodes with ffmpeg and with each of our decoders: the same samples at the same places.
#[cfg(any(feature = "fdk-aac", feature = "syom"))]
fn compare_decoders(packets: &[Packet], decoders: Vec<Box<dyn live_core::AudioDecoder>>, least: f64) {
    let decoded = ffmpeg(&["-f", "flv", "-i", "-", "-f", "f32le", "-"], Some(&to_flv(packets)));
    let expected = support::floats(&decoded);
    for mut decoder in decoders {
        let mut frames = Vec::new();
        for packet in &packets[1..] {
            decoder.decode(packet, &mut frames).unwrap();
        }
        decoder.flush(&mut frames).unwrap();
        assert!(
            frames[0].pts.micros_since(packets[0].pts).abs() <= 1,
            "a decoder without delay starts with its packet"
        );
        let actual: Vec<f32> = frames.into_iter().flat_map(|frame| frame.samples).collect();
        let snr = support::snr(&expected, &actual);
        assert!(snr >= least, "{snr:.1} dB against ffmpeg");
    }
}

#[cfg(all(feature = "fdk-aac", feature = "symphonia"))]
#[test]
fn our_aac_decoders_agree_with_ffmpeg_on_our_encoder_to_the_sample() {
    use live_codec::{fdk, symphonia};
    use live_core::{AudioEncoder, AudioEncoderConfig, AudioFrame, AudioSpec};

    if !ffmpeg_is_here() {
        return;
    }
    for (sample_rate, channels) in [(48_000, 2u16), (44_100, 1)] {
        let rate = sample_rate.to_string();
        // Tones: for noise decoders put noise of their own.
        let source = "aevalsrc=0.3*sin(2000*t+900*t*t)+0.2*sin(8000*t):duration=1:sample_rate=48000";
        let pcm = ffmpeg(
            &["-f", "lavfi", "-i", source, "-ar", &rate, "-ac", &channels.to_string(), "-f", "f32le", "-"],
            None,
        );
        let spec = AudioSpec { sample_rate, channels };
        let mut encoder = fdk::Encoder::open(&AudioEncoderConfig { spec, kbps: 96 }).unwrap();
        let mut packets = Vec::new();
        let frame = AudioFrame { pts: Timestamp::ZERO, samples: support::floats(&pcm) };
        encoder.encode(&frame, &mut packets).unwrap();
        encoder.flush(&mut packets).unwrap();
        let config = &packets[0];
        compare_decoders(&packets, vec![Box::new(symphonia::Decoder::open(config).unwrap())], 90.0);
        compare_decoders(&packets, vec![Box::new(fdk::Decoder::open(config).unwrap())], 60.0);
    }
}

#[cfg(feature = "fdk-aac")]
#[test]
fn six_channels_of_the_clip_decode_as_ffmpeg_decodes_them() {
    use live_codec::fdk::Decoder;
    use live_core::{AudioSpec, Track};

    let (true, Some(path)) = (ffmpeg_is_here(), support::clip("bigbuckbunny.mp4")) else { return };
    let path = path.to_str().unwrap();
    let flv = ["-i", path, "-vn", "-c", "copy", "-f", "flv", "-flvflags", "no_duration_filesize", "-"];
    let packets = support::read_flv(&ffmpeg(&flv, None), Track::Audio);
    let decoder = Decoder::open(&packets[0]).unwrap();
    assert_eq!(live_core::AudioDecoder::spec(&decoder), Some(AudioSpec { sample_rate: 48_000, channels: 6 }));
    compare_decoders(&packets, vec![Box::new(decoder)], 60.0);
}

/// HE-AAC comes from syom's encoder; ffmpeg has none.
#[cfg(all(feature = "fdk-aac", feature = "syom"))]
#[test]
fn he_aac_decodes_as_ffmpeg_decodes_it_signalled_or_not() {
    use live_codec::fdk::Decoder;
    use live_core::{AudioDecoder, Codec};

    if !ffmpeg_is_here() {
        return;
    }
    let tone: Vec<f32> =
        (0..96_000).map(|n| (n as f32 * 0.05).sin() * 0.3 + (n as f32 * 1.1).sin() * 0.05).collect();
    let mut options = syom::EncodeOptions::raw().with_bitrate_bps(48_000);
    options.he = true;
    let mut encoder = syom::Encoder::new(48_000, 2, &options).unwrap();
    let mut units = Vec::new();
    encoder
        .feed(&[&tone, &tone], |unit| {
            units.push(unit.payload.to_vec());
            Ok(())
        })
        .unwrap();
    let explicit = encoder.asc().to_vec();
    // AAC-LC at the core's 24 kHz in stereo, and not a word about SBR.
    let implicit = vec![0x13, 0x10];
    for config in [explicit, implicit] {
        let mut decoder = Decoder::open(&Packet::config(Codec::Aac, Timestamp::ZERO, config.into())).unwrap();
        let mut frames = Vec::new();
        for (index, unit) in units.iter().enumerate() {
            let pts = Timestamp::from_index(index as u64 * 2048, 48_000);
            decoder.decode(&Packet::audio(pts, unit.clone().into()), &mut frames).unwrap();
        }
        let spec = decoder.spec().unwrap();
        assert_eq!((spec.sample_rate, spec.channels), (48_000, 2), "the full rate comes out");
        assert_eq!(frames[0].samples.len(), 2048 * 2);
        let delay = frames[0].pts.micros_since(Timestamp::ZERO);
        assert!(
            (-21_000..-19_000).contains(&delay),
            "{delay} µs instead of the 962 samples of band replication"
        );
    }
}
