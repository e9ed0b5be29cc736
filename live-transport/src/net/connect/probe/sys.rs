//! The two questions to the kernel: `TCP_INFO` and `SIOCOUTQ`.
#![allow(unsafe_code)]

use live_core::net_status::LinkInfo;
use std::ffi::c_int;
use std::os::fd::{AsFd, AsRawFd};
use std::time::Duration;

/// Enough for `struct tcp_info` up to `tcpi_delivery_rate`; the kernel fills what fits.
type Raw = [u8; 256];

// Where the fields are, from `linux/tcp.h`. The structure grows at its end only, so they never move.
const RATE_FLAGS: usize = 7;
const RTT_MICROS: usize = 68;
const NOT_SENT: usize = 144;
const DELIVERY_RATE: usize = 160;

/// How the connected TCP socket is doing; `None` when the kernel does not say.
pub(super) fn read(socket: &impl AsFd) -> Option<LinkInfo> {
    let socket = socket.as_fd().as_raw_fd();
    let mut raw: Raw = [0; 256];
    let mut length = raw.len() as libc::socklen_t;
    // SAFETY: `raw` is writable for the `length` bytes that the call is told of, and bytes need no alignment.
    let told = unsafe {
        libc::getsockopt(socket, libc::IPPROTO_TCP, libc::TCP_INFO, raw.as_mut_ptr().cast(), &raw mut length)
    };
    let mut held: c_int = 0;
    // SAFETY: SIOCOUTQ, which has the number of TIOCOUTQ, writes one int.
    let told_held = unsafe { libc::ioctl(socket, libc::TIOCOUTQ, &raw mut held) };
    if told != 0 || told_held != 0 || (length as usize) < NOT_SENT + 4 {
        return None;
    }
    let held = u64::try_from(held).unwrap_or(0);
    let unsent = u64::from(word(&raw, NOT_SENT)).min(held);
    let known_rate = length as usize >= DELIVERY_RATE + 8;
    let rate = u64::from_ne_bytes(raw[DELIVERY_RATE..DELIVERY_RATE + 8].try_into().ok()?);
    Some(LinkInfo {
        rtt: Duration::from_micros(u64::from(word(&raw, RTT_MICROS))),
        unsent,
        in_flight: held - unsent,
        delivery_rate: (known_rate && rate > 0).then_some(rate),
        app_limited: raw[RATE_FLAGS] & 1 != 0,
    })
}

fn word(raw: &Raw, at: usize) -> u32 {
    raw[at..at + 4].try_into().map_or(0, u32::from_ne_bytes)
}
