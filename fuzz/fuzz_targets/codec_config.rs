//! The decoder configurations and NAL unit framings that a stream's other end chooses: avcC, SPS, AudioSpecificConfig, Annex B.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use live_codec::aac::AudioSpecificConfig;
use live_codec::h264::annexb;
use live_codec::h264::avcc::{DecoderConfig, nal_units};
use live_codec::h264::sps::SpsInfo;

fuzz_target!(|data: &[u8]| {
    if let Ok(config) = AudioSpecificConfig::parse(data) {
        assert!(config.output().channels > 0 && config.output().sample_rate > 0);
    }
    if let Ok(info) = SpsInfo::parse(data) {
        assert!(info.width > 0 && info.height > 0 && info.max_reorder_depth <= 16);
    }
    if let Ok(record) = DecoderConfig::parse(&Bytes::copy_from_slice(data)) {
        for sps in &record.sps {
            let _ = SpsInfo::parse(sps);
        }
        let rebuilt = record.build().expect("what was read can be written");
        assert_eq!(DecoderConfig::parse(&rebuilt).as_ref(), Ok(&record));
    }
    for length_size in 1..=4 {
        let mut stream = Vec::new();
        let _ = annexb::write_length_prefixed(nal_units(data, length_size), &mut stream);
    }
    let held: usize = annexb::nal_units(data).map(<[u8]>::len).sum();
    assert!(held <= data.len());
});
