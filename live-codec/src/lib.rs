//! live-codec

pub mod aac;
mod bits;
mod downmix;
#[cfg(feature = "fdk-aac")]
pub mod fdk;
pub mod h264;
#[cfg(feature = "openh264")]
pub mod openh264;
mod register;
#[cfg(feature = "symphonia")]
pub mod symphonia;
#[cfg(feature = "syom")]
pub mod syom;

pub use downmix::downmix;
pub use register::register_enabled;
