//! live-pusher
