//! Bounded queues between the stages of a pipeline.

mod frames;
mod packets;

pub use frames::{FrameReceiver, FrameSender, ReceiveError, frame_queue};
pub use packets::{DropRule, Dropped, PacketQueue, PacketReader, QueueLimits, QueueState, QueueWatch};
