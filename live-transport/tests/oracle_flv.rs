//! FLV and AMF0 against independent implementations: what ours writes they read, and what they write ours reads.
#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

use bytes::{Buf, Bytes, BytesMut};
use live_core::{Codec, Metadata, Packet, PacketKind, Timestamp, Track};
use live_transport::amf0::{Value, read_all};
use live_transport::flv::{Demuxer, Depacketizer, Header, Muxer};
use proptest::collection::vec;
use proptest::prelude::*;
use scuffle_amf0::{Amf0Decoder, Amf0Encoder, Amf0Value as Scuffle};
use scuffle_flv::audio::body::AudioTagBody;
use scuffle_flv::audio::body::legacy::LegacyAudioTagBody;
use scuffle_flv::audio::body::legacy::aac::AacAudioData;
use scuffle_flv::file::FlvFile;
use scuffle_flv::script::ScriptData;
use scuffle_flv::tag::{FlvTag, FlvTagData};
use scuffle_flv::video::body::VideoTagBody;
use scuffle_flv::video::body::legacy::LegacyVideoTagBody;
use scuffle_flv::video::header::legacy::{LegacyVideoTagHeader, LegacyVideoTagHeaderAvcPacket};
use scuffle_flv::video::header::{VideoFrameType, VideoTagHeaderData};
use std::collections::HashMap;

const FLV: &[u8] = include_bytes!("data/bframes-aac.flv");

fn packets(mut input: BytesMut) -> Vec<Packet> {
    let (mut demuxer, mut depacketizer, mut packets) = (Demuxer::new(), Depacketizer::new(), Vec::new());
    while let Some(tag) = demuxer.read(&mut input).unwrap() {
        depacketizer.read_tag(tag, &mut packets).unwrap();
    }
    packets
}

fn mux(packets: &[Packet]) -> Bytes {
    let (mut out, mut muxer) = (BytesMut::new(), Muxer::new(Timestamp::ZERO));
    Header::default().write(&mut out);
    packets.iter().for_each(|packet| muxer.write(packet, &mut out).unwrap());
    out.freeze()
}

/// What a tag says, in terms that both sides have.
#[derive(Debug, PartialEq)]
enum Said {
    AacConfig(Bytes),
    Sound(Bytes),
    AvcConfig { profile: u8, level: u8, length_size: u8 },
    Picture { key: bool, composition: i64, unit: Bytes },
    EndOfSequence,
    Metadata { width: Option<u32>, height: Option<u32>, frame_rate: Option<f64>, sample_rate: Option<u32> },
}

fn ours(packet: &Packet) -> (i64, Said) {
    let data = packet.data.clone();
    let said = match &packet.kind {
        PacketKind::Config(Codec::H264) => {
            Said::AvcConfig { profile: data[1], level: data[3], length_size: (data[4] & 3) + 1 }
        }
        PacketKind::Config(_) => Said::AacConfig(data),
        PacketKind::Audio => Said::Sound(data),
        PacketKind::Key | PacketKind::Delta { .. } => Said::Picture {
            key: packet.kind == PacketKind::Key,
            composition: packet.pts.micros_since(packet.dts) / 1000,
            unit: data,
        },
        PacketKind::EndOfSequence => Said::EndOfSequence,
        PacketKind::Metadata(metadata) => Said::Metadata {
            width: metadata.width,
            height: metadata.height,
            frame_rate: metadata.frame_rate,
            sample_rate: metadata.sample_rate,
        },
        PacketKind::Data => panic!("no such packets here"),
    };
    (packet.dts.as_millis(), said)
}

fn theirs(tag: &FlvTag<'_>) -> (i64, Said) {
    let said = match &tag.data {
        FlvTagData::Audio(audio) => match &audio.body {
            AudioTagBody::Legacy(LegacyAudioTagBody::Aac(AacAudioData::SequenceHeader(config))) => {
                Said::AacConfig(config.clone())
            }
            AudioTagBody::Legacy(LegacyAudioTagBody::Aac(AacAudioData::Raw(unit))) => {
                Said::Sound(unit.clone())
            }
            other => panic!("{other:?}"),
        },
        FlvTagData::Video(video) => {
            let key = video.header.frame_type == VideoFrameType::KeyFrame;
            match (&video.header.data, &video.body) {
                (_, VideoTagBody::Legacy(LegacyVideoTagBody::AvcVideoPacketSeqHdr(config))) => {
                    Said::AvcConfig {
                        profile: config.profile_indication,
                        level: config.level_indication,
                        length_size: config.length_size_minus_one + 1,
                    }
                }
                (
                    VideoTagHeaderData::Legacy(LegacyVideoTagHeader::AvcPacket(packet)),
                    VideoTagBody::Legacy(LegacyVideoTagBody::Other { data }),
                ) => match packet {
                    LegacyVideoTagHeaderAvcPacket::Nalu { composition_time_offset } => {
                        let composition = i64::from(*composition_time_offset);
                        Said::Picture { key, composition, unit: data.clone() }
                    }
                    _ => Said::EndOfSequence,
                },
                other => panic!("{other:?}"),
            }
        }
        FlvTagData::ScriptData(ScriptData::OnMetaData(metadata)) => Said::Metadata {
            width: metadata.width.map(|number| number as u32),
            height: metadata.height.map(|number| number as u32),
            frame_rate: metadata.framerate,
            sample_rate: metadata.audiosamplerate.map(|number| number as u32),
        },
        other => panic!("{other:?}"),
    };
    (i64::from(tag.timestamp_ms), said)
}

fn assert_same(packets: &[Packet], file: &Bytes) {
    let oracle = FlvFile::demux(&mut std::io::Cursor::new(file.clone())).unwrap();
    let (ours, theirs): (Vec<_>, Vec<_>) =
        (packets.iter().map(ours).collect(), oracle.tags.iter().map(theirs).collect());
    assert_eq!(ours, theirs);
}

#[test]
fn a_file_of_ffmpeg_means_the_same_to_both() {
    assert_same(&packets(FLV.into()), &Bytes::from_static(FLV));
}

/// Packets of all kinds, with the configurations of a real stream.
fn stream() -> impl Strategy<Value = Vec<Packet>> {
    let payload = || vec(any::<u8>(), 1..80).prop_map(Bytes::from);
    // Their composition time has no sign.
    let packet = (0_i64..40, 0_i64..8_000, 0..6, payload()).prop_map(|(step, ahead, kind, data)| {
        let (dts, pts) = (Timestamp::ZERO, Timestamp::from_millis(ahead));
        let packet = match kind {
            0 => Packet::key(pts, dts, data),
            1 | 2 => Packet::delta(pts, dts, false, data),
            3 => Packet::end_of_sequence(Track::Video, dts),
            _ => Packet::audio(dts, data),
        };
        (step, packet)
    });
    (0_i64..1 << 31, vec(packet, 0..40)).prop_map(|(mut millis, steps)| {
        let at = Timestamp::from_millis(millis);
        let metadata = Metadata {
            width: Some(640),
            height: Some(360),
            frame_rate: Some(15.0),
            sample_rate: Some(48_000),
            channels: Some(1),
            ..Metadata::default()
        };
        let mut stream = vec![Packet::metadata(at, metadata)];
        let real = packets(FLV.into());
        let configs = real.into_iter().filter(|packet| matches!(packet.kind, PacketKind::Config(_)));
        stream.extend(configs.map(|packet| Packet { pts: at, dts: at, ..packet }));
        for (step, packet) in steps {
            millis += step;
            let shift = millis * 1000;
            stream.push(Packet {
                pts: packet.pts.offset_micros(shift),
                dts: packet.dts.offset_micros(shift),
                ..packet
            });
        }
        stream
    })
}

/// Values that all three sides have: names are unique and never empty.
#[derive(Clone, Debug)]
enum Common {
    Number(f64),
    Boolean(bool),
    Text(String),
    Null,
    Object(HashMap<String, Common>),
    Array(Vec<Common>),
}

fn common() -> impl Strategy<Value = Common> {
    let leaf = prop_oneof![
        (-1e12..1e12).prop_map(Common::Number),
        any::<bool>().prop_map(Common::Boolean),
        ".{0,20}".prop_map(Common::Text),
        Just(Common::Null),
    ];
    leaf.prop_recursive(3, 24, 5, |inner| {
        prop_oneof![
            prop::collection::hash_map("[a-z]{1,8}", inner.clone(), 0..5).prop_map(Common::Object),
            vec(inner, 0..5).prop_map(Common::Array),
        ]
    })
}

impl Common {
    fn ours(&self) -> Value {
        match self {
            Self::Number(number) => Value::Number(*number),
            Self::Boolean(truth) => Value::Boolean(*truth),
            Self::Text(text) => Value::String(text.clone()),
            Self::Null => Value::Null,
            Self::Object(members) => {
                Value::object(members.iter().map(|(name, value)| (name.clone(), value.ours())))
            }
            Self::Array(elements) => Value::StrictArray(elements.iter().map(Self::ours).collect()),
        }
    }

    fn scuffle(&self) -> Scuffle<'static> {
        match self {
            Self::Number(number) => Scuffle::Number(*number),
            Self::Boolean(truth) => Scuffle::Boolean(*truth),
            Self::Text(text) => Scuffle::String(text.clone().into()),
            Self::Null => Scuffle::Null,
            Self::Object(members) => Scuffle::Object(
                members.iter().map(|(name, value)| (name.clone().into(), value.scuffle())).collect(),
            ),
            Self::Array(elements) => Scuffle::Array(elements.iter().map(Self::scuffle).collect()),
        }
    }

    fn rml(&self) -> rml_amf0::Amf0Value {
        use rml_amf0::Amf0Value as Rml;
        match self {
            Self::Number(number) => Rml::Number(*number),
            Self::Boolean(truth) => Rml::Boolean(*truth),
            Self::Text(text) => Rml::Utf8String(text.clone()),
            Self::Null => Rml::Null,
            Self::Object(members) => {
                Rml::Object(members.iter().map(|(name, value)| (name.clone(), value.rml())).collect())
            }
            Self::Array(elements) => Rml::StrictArray(elements.iter().map(Self::rml).collect()),
        }
    }
}

/// Members in the order of their names: hash maps have none of their own.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let mut members: Vec<_> =
                members.into_iter().map(|(name, value)| (name, sorted(value))).collect();
            members.sort_by(|(one, _), (other, _)| one.cmp(other));
            Value::Object(members)
        }
        Value::StrictArray(elements) => Value::StrictArray(elements.into_iter().map(sorted).collect()),
        other => other,
    }
}

proptest! {
    #[test]
    fn what_we_mux_means_the_same_to_scuffle(stream in stream()) {
        assert_same(&stream, &mux(&stream));
    }

    #[test]
    fn scuffle_reads_our_amf0(value in common()) {
        let mut out = BytesMut::new();
        value.ours().write(&mut out);
        let mut decoder = Amf0Decoder::from_slice(out.chunk());
        prop_assert_eq!(decoder.decode_value().unwrap().into_owned(), value.scuffle());
    }

    #[test]
    fn we_read_the_amf0_of_scuffle(value in common()) {
        let mut out = Vec::new();
        value.scuffle().encode(&mut Amf0Encoder::new(&mut out)).unwrap();
        prop_assert_eq!(sorted(read_all(&out).unwrap().remove(0)), sorted(value.ours()));
    }

    #[test]
    fn rml_reads_our_amf0(value in common()) {
        let mut out = BytesMut::new();
        value.ours().write(&mut out);
        let read = rml_amf0::deserialize(&mut out.chunk()).unwrap();
        prop_assert_eq!(read, [value.rml()]);
    }

    #[test]
    fn we_read_the_amf0_of_rml(value in common()) {
        let out = rml_amf0::serialize(&vec![value.rml()]).unwrap();
        prop_assert_eq!(sorted(read_all(&out).unwrap().remove(0)), sorted(value.ours()));
    }
}
