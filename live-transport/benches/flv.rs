//! FLV per tag: muxing, demuxing, and demuxing by an independent implementation in the same run.
//!
//! The stream is a second of 30 pictures and 47 sounds over and over, of the sizes of 1500 kbit/s video and 64 kbit/s
//! audio. Throughput is in tags.
#![allow(clippy::unwrap_used, reason = "in a benchmark a panic is the report")]
#![allow(missing_docs, reason = "the macros of criterion write functions without any")]

use bytes::{Buf, Bytes, BytesMut};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use live_core::{Packet, Timestamp};
use live_transport::flv::{Demuxer, Depacketizer, Header, Muxer};
use scuffle_flv::file::FlvFile;
use std::hint::black_box;
use std::io::Cursor;

/// Seconds of media.
const SECONDS: i64 = 20;

/// An access unit of one NAL unit of `len` bytes.
fn unit(header: u8, len: usize) -> Bytes {
    let mut unit = (len as u32).to_be_bytes().to_vec();
    unit.push(header);
    unit.resize(len + 4, 0x55);
    unit.into()
}

fn stream() -> Vec<Packet> {
    let (key, delta, sound) = (unit(0x65, 30_000), unit(0x41, 5_200), Bytes::from(vec![0x21; 170]));
    let mut packets = Vec::new();
    for n in 0..SECONDS * 30 {
        let at = Timestamp::from_micros(n * 1_000_000 / 30);
        packets.push(match n % 60 {
            0 => Packet::key(at, at, key.clone()),
            _ => Packet::delta(at, at, false, delta.clone()),
        });
    }
    packets
        .extend((0..SECONDS * 47).map(|n| Packet::audio(Timestamp::from_micros(n * 21_333), sound.clone())));
    packets.sort_by_key(|packet| packet.dts);
    packets
}

fn mux(packets: &[Packet]) -> BytesMut {
    let (mut out, mut muxer) = (BytesMut::new(), Muxer::new(Timestamp::ZERO));
    Header::default().write(&mut out);
    packets.iter().for_each(|packet| muxer.write(packet, &mut out).unwrap());
    out
}

fn demux(mut input: BytesMut) -> usize {
    let mut demuxer = Demuxer::new();
    let mut tags = 0;
    while let Some(tag) = demuxer.read(&mut input).unwrap() {
        tags += usize::from(!black_box(tag).body.is_empty());
    }
    tags
}

fn demux_to_packets(mut input: BytesMut) -> usize {
    let (mut demuxer, mut depacketizer) = (Demuxer::new(), Depacketizer::new());
    let (mut packets, mut count) = (Vec::new(), 0);
    while let Some(tag) = demuxer.read(&mut input).unwrap() {
        depacketizer.read_tag(tag, &mut packets).unwrap();
        count += black_box(packets.drain(..)).count();
    }
    count
}

fn benches(criterion: &mut Criterion) {
    let packets = stream();
    let file = mux(&packets).freeze();
    let mut group = criterion.benchmark_group("flv");
    group.throughput(Throughput::Elements(packets.len() as u64));

    group.bench_function("mux", |bencher| {
        bencher.iter(|| {
            let mut muxer = Muxer::new(Timestamp::ZERO);
            let tags = packets.iter().filter_map(|packet| muxer.mux(packet).unwrap());
            tags.map(|tag| black_box(tag).into_buf().remaining()).sum::<usize>()
        });
    });
    group.bench_function("mux, copied into one buffer", |bencher| bencher.iter(|| mux(&packets).len()));

    // Both are given memory of their own and do not pay for it; both give slices of it.
    let copy = || BytesMut::from(&file[..]);
    group.bench_function("demux, tags only", |bencher| {
        bencher.iter_batched(copy, demux, BatchSize::LargeInput)
    });
    group.bench_function("demux", |bencher| {
        bencher.iter_batched(copy, demux_to_packets, BatchSize::LargeInput);
    });
    group.bench_function("demux by scuffle-flv", |bencher| {
        let demux = |input: BytesMut| FlvFile::demux(&mut Cursor::new(input.freeze())).unwrap().tags.len();
        bencher.iter_batched(copy, demux, BatchSize::LargeInput);
    });
    group.finish();
}

criterion_group!(all, benches);
criterion_main!(all);
