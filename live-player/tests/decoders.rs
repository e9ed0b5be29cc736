//! Decoders that refuse, break and lose pictures on cue, and streams that change under them.
#![cfg(feature = "embedded")]

mod support;

use bytes::Bytes;
use live_core::conformance::scripted::DecoderFaults;
use live_core::event::{Delivery, PlayerEvent};
use live_core::registry::{AudioDecoderRow, Provenance, VideoDecoderRow};
use live_core::{
    Codec, CodecErrorKind, Packet, PacketKind, PlayerCode, Registry, Selection, Timestamp, VideoFrame,
};
use live_player::Builder;
use live_player::sink::Callback;
use std::time::Duration;
use support::{
    After, Connection, codes, count, noting, pictures, pictures_of, player_of, registry, stream, until,
};

/// Whatever decodes H.264 here.
fn h264() -> VideoDecoderRow {
    VideoDecoderRow::new("any", Provenance::Embedded, Codec::H264, |config: &Packet| {
        registry().video_decoders.open(Codec::H264, &Selection::Auto, config).map(|opened| opened.codec)
    })
}

/// Whatever decodes AAC here.
fn aac() -> AudioDecoderRow {
    AudioDecoderRow::new("any", Provenance::Embedded, Codec::Aac, |config: &Packet| {
        registry().audio_decoders.open(Codec::Aac, &Selection::Auto, config).map(|opened| opened.codec)
    })
}

/// The decoders there are, and before them "hardware" with these faults.
fn with_hardware(faults: DecoderFaults) -> Registry {
    let mut registry = registry();
    registry.video_decoders.add(faults.video("silicon", Provenance::Hardware, &h264()));
    registry
}

/// Embedded decoders with these faults.
fn faulty(video: DecoderFaults, audio: DecoderFaults) -> Registry {
    let mut faulty = Registry::default();
    faulty.video_decoders.add(video.video("scripted", Provenance::Embedded, &h264()));
    faulty.audio_decoders.add(audio.audio("scripted", Provenance::Embedded, &aac()));
    faulty
}

fn playing(packets: Vec<Packet>) -> Builder {
    player_of([Connection::Brings(packets, After::Ends)])
}

#[tokio::test]
async fn hardware_serves_where_it_opens() {
    let player = playing(pictures(20, 0)).registry(with_hardware(DecoderFaults::default())).build().unwrap();
    let codes = codes(&player).await;
    assert_eq!((count(&codes, 2008), count(&codes, 2106), count(&codes, 2108)), (1, 0, 0), "{codes:?}");
    assert_eq!(codes.last(), Some(&2006));
}

#[tokio::test]
async fn hardware_that_refuses_to_open_gives_way_to_software() {
    let faults = DecoderFaults::default().refusing(0.., CodecErrorKind::Open);
    let player = playing(pictures(20, 0)).registry(with_hardware(faults)).build().unwrap();
    let codes = codes(&player).await;
    let told: Vec<_> = codes.iter().filter(|code| [2106, 2008, 2101].contains(code)).collect();
    assert_eq!(told, [&2106, &2008], "{codes:?}");
    assert_eq!(codes.last(), Some(&2006));
}

#[tokio::test]
async fn hardware_that_is_asked_for_and_not_there_is_told_too() {
    let player = playing(pictures(20, 0)).video_decoder(Selection::Hardware).build().unwrap();
    let codes = codes(&player).await;
    assert_eq!(count(&codes, 2106), 1, "{codes:?}");
}

#[tokio::test]
async fn hardware_that_fails_on_the_first_key_frame_gives_way_and_that_picture_is_shown() {
    for kind in [CodecErrorKind::Frame, CodecErrorKind::Fatal, CodecErrorKind::Unsupported] {
        let faults = DecoderFaults::default().failing(0.., kind);
        let builder = playing(pictures(20, 0)).registry(with_hardware(faults));
        let (builder, shown) = noting(builder);
        let player = builder.build().unwrap();
        let codes = codes(&player).await;
        assert_eq!((count(&codes, 2108), count(&codes, 2101)), (1, 0), "{kind:?}: {codes:?}");
        assert_eq!(shown.lock().unwrap()[0], 0, "the first key frame");
        assert_eq!(codes.last(), Some(&2006));
    }
}

#[tokio::test]
async fn a_picture_that_fails_takes_its_dependants_with_it_and_no_torn_one_is_shown() {
    // The sixth picture; the next key frame is the eleventh.
    for (kind, code) in [(CodecErrorKind::Frame, 2101), (CodecErrorKind::MissingReference, 2107)] {
        let faults = DecoderFaults::default().failing(5..6, kind);
        let builder = playing(stream(25, 0)).registry(faulty(faults, DecoderFaults::default()));
        let (builder, shown) = noting(builder);
        let player = builder.build().unwrap();
        let codes = codes(&player).await;
        assert_eq!(count(&codes, code), 1, "once, not for each that refers to it: {codes:?}");
        let shown = shown.lock().unwrap();
        assert!(!shown.iter().any(|pts| (200..400).contains(pts)), "{shown:?}");
        assert!(shown.contains(&400), "the key frame behind it: {shown:?}");
        assert_eq!(codes.last(), Some(&2006));
    }
}

#[tokio::test]
async fn a_decoder_that_breaks_is_opened_again_at_the_next_key_frame() {
    let faults = DecoderFaults::default().failing(3..4, CodecErrorKind::Fatal);
    let builder = playing(pictures(25, 0)).registry(faulty(faults, DecoderFaults::default()));
    let (builder, shown) = noting(builder);
    let player = builder.build().unwrap();
    let codes = codes(&player).await;
    assert_eq!((count(&codes, 2101), count(&codes, 2008)), (1, 2), "{codes:?}");
    assert!(shown.lock().unwrap().contains(&400));
}

#[tokio::test]
async fn pictures_go_on_at_a_key_frame_where_their_decoder_is_too_slow() {
    // A recorder holds its decoder up: ten pictures a second of 25. It has a thread of its own, and real time.
    let slow = || Callback::new(|_: &VideoFrame| std::thread::sleep(Duration::from_millis(100)));
    let player = player_of([Connection::Brings(stream(250, 0), After::StaysOpen)])
        .record_pictures(slow)
        .build()
        .unwrap();
    let mut events = player.events();
    player.start();
    let left_out = async {
        loop {
            if let Some(Delivery::Event(PlayerEvent::State { code, detail })) = events.next().await
                && code == PlayerCode::Discontinuity
            {
                return detail;
            }
        }
    };
    let detail = tokio::time::timeout(Duration::from_secs(6), left_out).await.unwrap();
    assert!(detail.contains("the decoder is"), "{detail}");
    until("what was left out is counted", || player.net_status().dropped_frames > 0).await;
    player.stop().await;
}

#[tokio::test]
async fn sound_that_fails_is_told_and_goes_on() {
    let faults = DecoderFaults::default().failing(10..11, CodecErrorKind::Frame);
    let builder = playing(stream(25, 0)).registry(faulty(DecoderFaults::default(), faults));
    let player = builder.build().unwrap();
    let codes = codes(&player).await;
    assert_eq!((count(&codes, 2102), count(&codes, 2101)), (1, 0), "{codes:?}");
    assert_eq!(codes.last(), Some(&2006));
}

#[tokio::test]
async fn another_size_in_the_middle_of_a_stream_is_followed_without_a_restart() {
    let mut packets = pictures_of((64, 48), 20, 0);
    packets.extend(pictures_of((128, 96), 20, 800));
    let (builder, shown) = noting(playing(packets));
    let player = builder.build().unwrap();
    let codes = codes(&player).await;
    assert_eq!(count(&codes, 2009), 2, "{codes:?}");
    assert_eq!((count(&codes, 2101), count(&codes, 2107), count(&codes, 2007)), (0, 0, 1), "{codes:?}");
    let status = player.net_status();
    assert_eq!((status.video_width, status.video_height), (128, 96));
    assert!(shown.lock().unwrap().contains(&800), "the first picture of the new size");
}

#[tokio::test]
async fn a_jump_of_the_timestamps_is_told_and_played_over() {
    for jump in [5_000, -20_000] {
        let mut packets = stream(25, 30_000);
        packets.extend(stream(25, 31_000 + jump));
        let (builder, shown) = noting(playing(packets));
        let player = builder.build().unwrap();
        let codes = codes(&player).await;
        assert_eq!(count(&codes, 2107), 1, "{codes:?}");
        assert_eq!((count(&codes, 2105), count(&codes, 2007)), (0, 1), "no freeze: {codes:?}");
        assert!(shown.lock().unwrap().len() > 45);
    }
}

#[tokio::test]
async fn a_codec_that_nothing_here_decodes_is_named() {
    let at = Timestamp::ZERO;
    let mut packets = vec![Packet::config(Codec::Hevc, at, Bytes::from_static(&[1; 23]))];
    packets.push(Packet::key(at, at, Bytes::from_static(&[0, 0, 0, 2, 0x26, 1])));
    let player = playing(packets).build().unwrap();
    let told = codes(&player).await;
    let failure = player.finished().await.unwrap_err();
    assert!(failure.message.contains(&Codec::Hevc.to_string()), "{failure}");
    assert_eq!(count(&told, 2101), 1, "{told:?}");

    // The other track is played all the same.
    let mut packets = vec![Packet::config(Codec::Hevc, at, Bytes::from_static(&[1; 23]))];
    packets.extend(
        stream(25, 0).into_iter().filter(|packet| {
            packet.kind == PacketKind::Audio || packet.kind == PacketKind::Config(Codec::Aac)
        }),
    );
    let player = playing(packets).build().unwrap();
    assert_eq!(codes(&player).await.last(), Some(&2006));
}
