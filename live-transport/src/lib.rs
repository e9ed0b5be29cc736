//! live-transport
