//! live-capture
