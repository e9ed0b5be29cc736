//! Picture effects: the beauty stages of the pusher.
//!
//! Two stages smooth and brighten skin. [`SkinStage`] is the preferred one; [`PlainStage`] takes less time and knows less
//! about faces. Both find skin by its colour ([`tone`]), in whatever matrix and range the picture has, on maps of a
//! quarter or half of its width and height. Smoothing changes luma only. Brightening raises luma by what a curve that leaves black
//! and white where they are says of the place, which keeps the contrast between pixels, and takes a little of the colour away,
//! so that red does not leave its range. The second keeps no memory of earlier pictures, the first only of where there
//! was skin.
//!
//! ```
//! use live_capture::effect::SkinStage;
//! use live_core::{BeautyLevels, BeautyStage, Color, PicturePool, Timestamp, VideoEffect, VideoFrame};
//!
//! let pool = PicturePool::new();
//! let mut frame = VideoFrame::new(Timestamp::ZERO, Color::BT601, pool.black(360, 640));
//! let mut stage = SkinStage::new();
//! stage.set_levels(BeautyLevels::new(5, 3));
//! stage.apply(&mut frame, &pool).expect("this stage works in memory, and cannot fail");
//! ```
//!
//! An effect of your own is a [`VideoEffect`](live_core::VideoEffect); `live-pusher` takes it with
//! `Builder::video_effect`.

mod plain;
mod retouch;
mod shrink;
mod skin;
mod stretch;
pub mod tone;
mod window;

pub use plain::PlainStage;
pub use skin::SkinStage;
