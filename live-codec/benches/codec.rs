//! What encoding and decoding cost: `cargo bench -p live-codec --features syom`.

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use live_codec::{fdk, openh264, symphonia};
use live_core::{
    AudioDecoder, AudioEncoder, AudioEncoderConfig, AudioFrame, AudioSpec, Color, Entropy, Packet,
    PicturePool, Timestamp, VideoDecoder, VideoEncoder, VideoEncoderConfig, VideoFrame,
};

/// Pictures of the live ladder, portrait, with the bitrates their modes start at.
const SIZES: [(u32, u32, u32); 3] = [(360, 640, 500), (540, 960, 900), (720, 1280, 1500)];
const PICTURES: u64 = 60;

/// A textured scene that pans: motion that is found, and detail that is not free.
fn scene(width: u32, height: u32) -> Vec<VideoFrame> {
    let pool = PicturePool::new();
    let texture = |x: u64, y: u64| {
        let hash = (x / 2).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (y / 2).wrapping_mul(0xc2b2_ae3d_27d4_eb4f);
        ((hash ^ hash >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 59) as u8
    };
    let frame = |index: u64| {
        let mut picture = pool.take(width, height);
        let strides = [live_core::Plane::Y, live_core::Plane::U, live_core::Plane::V]
            .map(|plane| picture.stride(plane));
        for (which, plane) in picture.planes_mut().into_iter().enumerate() {
            for (y, row) in plane.chunks_mut(strides[which]).enumerate() {
                for (x, sample) in row.iter_mut().enumerate() {
                    let (x, y) = (x as u64 + index * 3, y as u64 + index);
                    *sample = 60 + ((x + 2 * y) / 4 % 96) as u8 + texture(x, y);
                }
            }
        }
        VideoFrame::new(Timestamp::from_index(index, 30), Color::BT709, picture)
    };
    (0..PICTURES).map(frame).collect()
}

fn video_config(width: u32, height: u32, kbps: u32, entropy: Entropy) -> VideoEncoderConfig {
    let color = Color::BT709;
    VideoEncoderConfig {
        width,
        height,
        frame_rate: 30.0,
        kbps,
        gop: 60,
        color,
        entropy,
        threads: 1,
        slices: 1,
    }
}

fn encode_video(config: &VideoEncoderConfig, frames: &[VideoFrame]) -> Vec<Packet> {
    let mut encoder = openh264::Encoder::open(config).expect("the encoder opens");
    let mut packets = Vec::new();
    for frame in frames {
        encoder.encode(frame, &mut packets).expect("the picture encodes");
    }
    packets
}

fn video(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("h264");
    group.sample_size(10).throughput(Throughput::Elements(PICTURES));
    for (width, height, kbps) in SIZES {
        let frames = scene(width, height);
        for (name, entropy) in [("cavlc", Entropy::Cavlc), ("cabac", Entropy::Cabac)] {
            let config = video_config(width, height, kbps, entropy);
            group.bench_function(format!("encode/{name}/{width}x{height}"), |bencher| {
                bencher.iter(|| encode_video(&config, &frames));
            });
        }
        let packets = encode_video(&video_config(width, height, kbps, Entropy::Cavlc), &frames);
        group.bench_function(format!("decode/{width}x{height}"), |bencher| {
            bencher.iter_batched_ref(
                || openh264::Decoder::open(&packets[0]).expect("the decoder opens"),
                |decoder| {
                    let mut frames = Vec::new();
                    for packet in &packets[1..] {
                        decoder.decode(packet, &mut frames).expect("the packet decodes");
                        frames.clear();
                    }
                },
                BatchSize::PerIteration,
            );
        });
    }
}

const SPEC: AudioSpec = AudioSpec { sample_rate: 48_000, channels: 2 };
const SECONDS: u64 = 5;

/// A chord with vibrato and some breath.
fn sound() -> AudioFrame {
    let mut noise = 1u32;
    let samples = (0..SECONDS * 48_000).flat_map(|index| {
        let t = index as f32 / 48_000.0;
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let breath = (noise >> 8) as f32 / 16_777_216.0 - 0.5;
        let tone = |hz: f32| (t * hz * std::f32::consts::TAU + (t * 35.0).sin()).sin();
        let chord = (tone(220.0) + tone(277.0) + tone(1320.0)) * 0.15 + breath * 0.05;
        [chord, chord * 0.8]
    });
    AudioFrame { pts: Timestamp::ZERO, samples: samples.collect() }
}

fn encode_audio(mut encoder: impl AudioEncoder, sound: &AudioFrame) -> Vec<Packet> {
    let mut packets = Vec::new();
    encoder.encode(sound, &mut packets).expect("sound encodes");
    packets
}

fn decode_audio(mut decoder: impl AudioDecoder, packets: &[Packet]) -> Vec<AudioFrame> {
    let mut frames = Vec::new();
    for packet in &packets[1..] {
        decoder.decode(packet, &mut frames).expect("the packet decodes");
    }
    frames
}

fn audio(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("aac");
    // Elements a second are samples a second: divide by 48 000 for multiples of real time.
    group.sample_size(20).throughput(Throughput::Elements(SECONDS * 48_000));
    let (config, sound) = (AudioEncoderConfig { spec: SPEC, kbps: 128 }, sound());
    let open = || fdk::Encoder::open(&config).expect("the encoder opens");
    group.bench_function("encode/fdk-aac", |bencher| bencher.iter(|| encode_audio(open(), &sound)));
    #[cfg(feature = "syom")]
    group.bench_function("encode/syom", |bencher| {
        bencher.iter(|| {
            encode_audio(live_codec::syom::Encoder::open(&config).expect("the encoder opens"), &sound)
        });
    });
    let packets = encode_audio(open(), &sound);
    group.bench_function("decode/fdk-aac", |bencher| {
        bencher.iter(|| decode_audio(fdk::Decoder::open(&packets[0]).expect("the decoder opens"), &packets));
    });
    group.bench_function("decode/symphonia", |bencher| {
        bencher.iter(|| {
            decode_audio(symphonia::Decoder::open(&packets[0]).expect("the decoder opens"), &packets)
        });
    });
}

criterion_group!(benches, video, audio);
criterion_main!(benches);
