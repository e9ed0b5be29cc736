//! Audio encoders and decoders.

use super::material::{audio_frames, sound};
use crate::error::{CodecError, CodecErrorKind};
use crate::frame::{AudioFrame, AudioSpec};
use crate::packet::{Packet, PacketKind};
use crate::time::Timestamp;
use crate::traits::{AudioDecoder, AudioEncoder, AudioEncoderConfig};
use bytes::Bytes;

/// Opens the encoder under examination.
pub type OpenAudioEncoder<'a> = &'a dyn Fn(&AudioEncoderConfig) -> Result<Box<dyn AudioEncoder>, CodecError>;
/// Opens the decoder under examination with a stream's configuration packet.
pub type OpenAudioDecoder<'a> = &'a dyn Fn(&Packet) -> Result<Box<dyn AudioDecoder>, CodecError>;

/// Samples by which the place of sound in time may be off.
const SEARCHED: i64 = 2500;

/// Examines an audio encoder; `open_decoder` has to read what it makes.
///
/// # Panics
/// When a promise of [`AudioEncoder`] is broken.
pub fn audio_encoder(open: OpenAudioEncoder<'_>, open_decoder: OpenAudioDecoder<'_>) {
    for (sample_rate, channels, kbps) in [(48_000, 2, 128), (48_000, 1, 64), (44_100, 2, 96), (16_000, 1, 32)]
    {
        let config = AudioEncoderConfig { spec: AudioSpec { sample_rate, channels }, kbps };
        sound_comes_back_at_its_time(open, open_decoder, &config);
        the_cutting_of_the_input_does_not_matter(open, &config);
    }
    let config = AudioEncoderConfig { spec: AudioSpec { sample_rate: 48_000, channels: 2 }, kbps: 128 };
    a_gap_moves_the_output_and_an_overlap_never_goes_back(open, &config);
    a_new_bitrate_is_followed(open, &config);
    flushing_twice_and_going_on_works(open, &config);
    wrong_input_is_an_error_and_no_end(open, &config);
}

fn encoder(open: OpenAudioEncoder<'_>, config: &AudioEncoderConfig) -> Box<dyn AudioEncoder> {
    open(config).unwrap_or_else(|error| panic!("the encoder does not open for {config:?}: {error}"))
}

fn encode(open: OpenAudioEncoder<'_>, config: &AudioEncoderConfig, frames: &[AudioFrame]) -> Vec<Packet> {
    let mut encoder = encoder(open, config);
    let mut packets = Vec::new();
    for frame in frames {
        encoder.encode(frame, &mut packets).unwrap_or_else(|error| panic!("sound does not encode: {error}"));
    }
    encoder.flush(&mut packets).expect("flushing works");
    let (first, rest) = packets.split_first().expect("packets come out");
    assert!(matches!(first.kind, PacketKind::Config(_)), "the first packet is no configuration: {first:?}");
    assert!(rest.iter().all(|packet| packet.kind == PacketKind::Audio), "something else than sound came out");
    assert!(packets.is_sorted_by_key(|packet| packet.dts), "times go back: {packets:?}");
    packets
}

fn decode(open: OpenAudioDecoder<'_>, packets: &[Packet]) -> Vec<AudioFrame> {
    let mut decoder = open(&packets[0]).unwrap_or_else(|error| panic!("the decoder does not open: {error}"));
    let mut frames = Vec::new();
    for packet in &packets[1..] {
        let decoded = decoder.decode(packet, &mut frames);
        decoded.unwrap_or_else(|error| panic!("{packet:?} of a good stream does not decode: {error}"));
    }
    decoder.flush(&mut frames).expect("flushing works");
    frames
}

/// Samples per channel from the first frame's time to `at`, to the nearest.
fn samples_until(frames: &[AudioFrame], at: Timestamp, rate: u32) -> i64 {
    let micros = i128::from(at.micros_since(frames[0].pts));
    ((micros * i128::from(rate) + 500_000).div_euclid(1_000_000)) as i64
}

fn sound_comes_back_at_its_time(
    open: OpenAudioEncoder<'_>,
    open_decoder: OpenAudioDecoder<'_>,
    config: &AudioEncoderConfig,
) {
    let (rate, channels) = (config.spec.sample_rate, usize::from(config.spec.channels));
    let start = Timestamp::from_millis(5000);
    let length = rate as usize / 2 + 123;
    let source = sound(length, channels);
    let packets = encode(open, config, &audio_frames(&source, channels, rate, 480, start));
    let frames = decode(open_decoder, &packets);
    let first = samples_until(&frames, start, rate);
    let decoded: Vec<f32> = frames.iter().flat_map(|frame| frame.samples.iter().copied()).collect();
    let held = (decoded.len() / channels) as i64;
    assert!(first >= 0, "{config:?}: the first sample of the input is before the first that comes out");
    assert!(
        held >= first + length as i64,
        "{config:?}: {held} samples came out, the last ones of the input are missing"
    );
    let best = (-SEARCHED..=SEARCHED)
        .max_by(|&a, &b| {
            let likeness = |offset| likeness(&source, &decoded, channels, first + offset);
            likeness(a).total_cmp(&likeness(b))
        })
        .expect("there are offsets to search");
    assert_eq!(best, 0, "{config:?}: sound comes back that many samples after its time");
}

/// How much `decoded` from sample `offset` on resembles `source` (first channel, every third sample frame of the
/// middle).
fn likeness(source: &[f32], decoded: &[f32], channels: usize, offset: i64) -> f64 {
    let frames = source.len() / channels;
    (SEARCHED as usize..frames - SEARCHED as usize)
        .step_by(3)
        .filter_map(|index| {
            let at = usize::try_from(index as i64 + offset).ok()?;
            Some(f64::from(source[index * channels]) * f64::from(*decoded.get(at * channels)?))
        })
        .sum()
}

fn the_cutting_of_the_input_does_not_matter(open: OpenAudioEncoder<'_>, config: &AudioEncoderConfig) {
    let (rate, channels) = (config.spec.sample_rate, usize::from(config.spec.channels));
    let source = sound(6000, channels);
    let cut = |length| encode(open, config, &audio_frames(&source, channels, rate, length, Timestamp::ZERO));
    let whole = cut(6000);
    for length in [7, 480, 1024, 1025] {
        let packets = cut(length);
        let same = packets.len() == whole.len() && packets.iter().zip(&whole).all(|(a, b)| a.data == b.data);
        assert!(same, "{config:?}: frames of {length} samples give other packets than one long frame");
        let near = packets.iter().zip(&whole).all(|(a, b)| a.pts.micros_since(b.pts).abs() <= 1);
        assert!(near, "{config:?}: frames of {length} samples give other times than one long frame");
    }
}

fn a_gap_moves_the_output_and_an_overlap_never_goes_back(
    open: OpenAudioEncoder<'_>,
    config: &AudioEncoderConfig,
) {
    let (rate, channels) = (config.spec.sample_rate, usize::from(config.spec.channels));
    let source = sound(9600, channels);
    let later = Timestamp::from_millis(10_000);
    let mut frames = audio_frames(&source, channels, rate, 480, Timestamp::ZERO);
    frames.extend(audio_frames(&source, channels, rate, 480, later));
    frames.extend(audio_frames(&source, channels, rate, 480, Timestamp::from_millis(10_100)));
    // `encode` looks for times that go back.
    let packets = encode(open, config, &frames);
    let jump = packets.windows(2).map(|pair| pair[1].pts.saturating_since(pair[0].pts)).max();
    let expected = later.saturating_since(Timestamp::from_millis(200));
    let off = jump.map(|jump| jump.abs_diff(expected).as_millis());
    assert!(
        off.is_some_and(|off| off <= 50),
        "a gap of {expected:?} in the input is one of {jump:?} in the output"
    );
}

fn a_new_bitrate_is_followed(open: OpenAudioEncoder<'_>, config: &AudioEncoderConfig) {
    let (rate, channels) = (config.spec.sample_rate, usize::from(config.spec.channels));
    let frames = audio_frames(&sound(rate as usize * 2, channels), channels, rate, 480, Timestamp::ZERO);
    let mut encoder = encoder(open, config);
    let (mut before, mut after) = (Vec::new(), Vec::new());
    for frame in &frames {
        encoder.encode(frame, &mut before).expect("sound encodes");
    }
    match encoder.set_bitrate(config.kbps / 2) {
        Err(error) if error.kind == CodecErrorKind::Unsupported => return,
        result => result.unwrap_or_else(|error| panic!("the bitrate cannot be set: {error}")),
    }
    for frame in &frames {
        let pts = frame.pts.offset_micros(2_000_000);
        encoder
            .encode(&AudioFrame { pts, samples: frame.samples.clone() }, &mut after)
            .expect("sound encodes");
    }
    let mean = |packets: &[Packet]| {
        let units: Vec<_> = packets.iter().filter(|packet| packet.kind == PacketKind::Audio).collect();
        units.iter().map(|unit| unit.data.len()).sum::<usize>() as f64 / units.len() as f64
    };
    let ratio = mean(&after) / mean(&before);
    assert!((ratio - 0.5).abs() < 0.1, "half the bitrate gives packets of {ratio:.2} times the size");
}

fn flushing_twice_and_going_on_works(open: OpenAudioEncoder<'_>, config: &AudioEncoderConfig) {
    let channels = usize::from(config.spec.channels);
    let mut encoder = encoder(open, config);
    let mut packets = Vec::new();
    encoder.flush(&mut packets).expect("flushing before the first sound is harmless");
    assert!(packets.is_empty(), "flushing nothing gives packets");
    for millis in [0, 1000] {
        let pts = Timestamp::from_millis(millis);
        encoder
            .encode(&AudioFrame { pts, samples: sound(2000, channels) }, &mut packets)
            .expect("sound encodes");
        encoder.flush(&mut packets).expect("flushing works");
    }
    assert!(packets.is_sorted_by_key(|packet| packet.dts), "times go back after a flush: {packets:?}");
    let configurations = packets.iter().filter(|packet| packet.is_stream_information()).count();
    assert_eq!(configurations, 1, "the configuration is repeated without having changed");
}

fn wrong_input_is_an_error_and_no_end(open: OpenAudioEncoder<'_>, config: &AudioEncoderConfig) {
    let mut encoder = encoder(open, config);
    let mut packets = Vec::new();
    let half = AudioFrame { pts: Timestamp::ZERO, samples: vec![0.0; 2049] };
    assert!(encoder.encode(&half, &mut packets).is_err(), "half a sample frame is an error");
    let extremes = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1e30].repeat(2048);
    let extremes = AudioFrame { pts: Timestamp::ZERO, samples: extremes };
    // Refusing such samples is as good as encoding something for them; what matters is that good sound encodes
    // afterwards.
    let _ = encoder.encode(&extremes, &mut packets);
    let good = AudioFrame { pts: Timestamp::from_millis(100), samples: sound(4096, 2) };
    encoder.encode(&good, &mut packets).expect("sound encodes after samples that are no numbers");
    let none = AudioEncoderConfig { spec: AudioSpec { sample_rate: 0, channels: 0 }, kbps: 64 };
    assert!(open(&none).is_err(), "an encoder opens for sound without channels");
}

/// Examines an audio decoder with a good stream: its configuration packet first, at least 20 access units without a
/// gap.
///
/// # Panics
/// When a promise of [`AudioDecoder`] is broken, or the stream is not as described.
pub fn audio_decoder(open: OpenAudioDecoder<'_>, stream: &[Packet]) {
    assert!(
        stream[0].is_stream_information() && stream.len() > 20,
        "the stream is not fit for an examination"
    );
    let mut decoder = open(&stream[0]).unwrap_or_else(|error| panic!("the decoder does not open: {error}"));
    let frames = decode(open, stream);
    decoder.decode(&stream[1], &mut Vec::new()).expect("a good stream decodes");
    let spec = decoder.spec().expect("the layout is known after the first access unit");
    sound_is_continuous(&frames, spec);
    damage_is_an_error_and_no_end(open, stream, spec);
    a_new_configuration_is_taken(open, stream, &frames);
}

fn sound_is_continuous(frames: &[AudioFrame], spec: AudioSpec) {
    for pair in frames.windows(2) {
        assert!(
            pair[0].samples.len() % usize::from(spec.channels) == 0,
            "a frame ends within a sample frame"
        );
        let length = (pair[0].samples.len() / usize::from(spec.channels)) as u64;
        let end = pair[0].pts.offset_micros(Timestamp::from_index(length, spec.sample_rate).as_micros());
        let gap = pair[1].pts.micros_since(end).abs();
        // Containers round to milliseconds.
        assert!(
            gap <= 1100,
            "between the frames of {:?} and {:?} {gap} µs are missing",
            pair[0].pts,
            pair[1].pts
        );
    }
    assert!(
        frames.iter().flat_map(|frame| &frame.samples).all(|sample| sample.is_finite()),
        "samples are no numbers"
    );
}

fn damage_is_an_error_and_no_end(open: OpenAudioDecoder<'_>, stream: &[Packet], spec: AudioSpec) {
    let mut decoder = open(&stream[0]).expect("the decoder opens");
    let mut frames = Vec::new();
    for (index, packet) in stream.iter().enumerate().skip(1) {
        let mut packet = packet.clone();
        packet.data = match index {
            5 => Bytes::new(),
            7 => packet.data.slice(..packet.data.len() / 2),
            9 => packet.data.iter().map(|byte| byte ^ 0x5a).collect(),
            11 => vec![0xff; 2000].into(),
            _ => packet.data,
        };
        match decoder.decode(&packet, &mut frames) {
            Err(error) if error.kind == CodecErrorKind::Fatal => {
                panic!("bad input is the end of a decoder: {error}")
            }
            Err(error) => {
                assert!((5..14).contains(&index), "{packet:?} after the damage does not decode: {error}")
            }
            Ok(()) => {}
        }
    }
    assert_eq!(decoder.spec(), Some(spec), "damage changes the layout");
    let last = stream.last().map(|packet| packet.pts);
    assert!(
        frames.last().map(|frame| frame.pts) >= last.map(|pts| pts.offset_micros(-200_000)),
        "sound ends with damage"
    );
}

fn a_new_configuration_is_taken(open: OpenAudioDecoder<'_>, stream: &[Packet], good: &[AudioFrame]) {
    let mut decoder = open(&stream[0]).expect("the decoder opens");
    let mut frames = Vec::new();
    for (index, packet) in stream.iter().enumerate().skip(1) {
        if index == 10 {
            decoder.decode(&stream[0], &mut frames).expect("a configuration in the middle is taken");
        }
        decoder.decode(packet, &mut frames).expect("a good stream decodes");
    }
    decoder.flush(&mut frames).expect("flushing works");
    let lengths = |frames: &[AudioFrame]| frames.iter().map(|frame| frame.samples.len()).sum::<usize>();
    assert!(lengths(&frames) >= lengths(good), "sound gets lost at a configuration in the middle");
}
