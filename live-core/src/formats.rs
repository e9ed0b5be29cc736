//! Plain media formats that are written and read with nothing but [`std::io`] traits: raw video and raw sound.

pub mod wav;
pub mod y4m;
