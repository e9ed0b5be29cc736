//! live-player
