//! Pixel work between capture, codec and screen.

pub mod color;
