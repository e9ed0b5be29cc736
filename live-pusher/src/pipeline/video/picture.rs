//! What the application changes about the picture while it runs.

use live_core::BeautyLevels;
use live_core::config::PusherConfig;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering::Relaxed};

/// Read by the worker for each picture.
#[derive(Debug, Default)]
pub(crate) struct PictureControls {
    pub(crate) beauty: AtomicU8,
    pub(crate) whiteness: AtomicU8,
    pub(crate) mirror: AtomicBool,
    /// Whether `zoom` may be changed.
    pub(crate) zoomable: AtomicBool,
    /// The bits of a factor; 0 is not zoomed.
    pub(crate) zoom: AtomicU32,
}

impl PictureControls {
    /// What a pusher begins with.
    pub(crate) fn begin(&self, config: &PusherConfig) {
        // Levels have passed the check.
        let level = |level: u32| u8::try_from(level).unwrap_or(u8::MAX);
        self.beauty.store(level(config.beauty), Relaxed);
        self.whiteness.store(level(config.whiteness), Relaxed);
        self.mirror.store(config.mirror, Relaxed);
        self.zoomable.store(config.zoom, Relaxed);
    }

    pub(crate) fn beauty_levels(&self) -> BeautyLevels {
        BeautyLevels::new(self.beauty.load(Relaxed), self.whiteness.load(Relaxed))
    }

    /// At least 1.
    pub(crate) fn zoom_factor(&self) -> f32 {
        f32::from_bits(self.zoom.load(Relaxed)).max(1.0)
    }
}
