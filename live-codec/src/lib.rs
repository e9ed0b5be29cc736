//! live-codec
