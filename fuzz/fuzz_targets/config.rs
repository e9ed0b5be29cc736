//! Configuration documents: whatever is accepted is written and read back the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use live_core::{PlayerConfig, PusherConfig};

fuzz_target!(|document: &[u8]| {
    if let Ok(config) = serde_json::from_slice::<PusherConfig>(document) {
        let written = serde_json::to_vec(&config).expect("a configuration is a map of scalars");
        assert_eq!(
            serde_json::from_slice::<PusherConfig>(&written).expect("what was written can be read"),
            config
        );
        if let Ok(checked) = config.check() {
            assert!(!checked.ladder().is_empty());
            assert!((checked.min_bitrate..=checked.max_bitrate).contains(&checked.start_kbps()));
        }
    }
    if let Ok(config) = serde_json::from_slice::<PlayerConfig>(document)
        && let Ok(checked) = config.check()
    {
        assert!(checked.min_cache() <= checked.max_cache());
    }
});
