//! Keys while pushing, when standard input is a terminal.

use tokio::sync::mpsc;

/// What a key asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    Mute,
    /// Smooth skin more, or less.
    Beauty(i8),
    /// Brighten skin more, or less.
    Whiteness(i8),
    /// Enlarge the middle of the picture more, or less.
    Zoom(i8),
    Pause,
    Snapshot,
    Quit,
}

/// For people: which keys there are.
pub(crate) const HELP: &str = "keys: m mute, b/B more/less beauty, w/W more/less whiteness, z/Z more/less zoom, p pause, s snapshot, q quit";

impl Key {
    fn of(byte: u8) -> Option<Self> {
        Some(match byte {
            b'm' | b'M' => Self::Mute,
            b'b' => Self::Beauty(1),
            b'B' => Self::Beauty(-1),
            b'w' => Self::Whiteness(1),
            b'W' => Self::Whiteness(-1),
            b'z' => Self::Zoom(1),
            b'Z' => Self::Zoom(-1),
            b'p' | b'P' => Self::Pause,
            b's' | b'S' => Self::Snapshot,
            b'q' | b'Q' => Self::Quit,
            _ => return None,
        })
    }
}

/// Listens for keys until it is dropped, which leaves the terminal as it was.
pub(crate) struct Keys {
    keys: mpsc::Receiver<Key>,
    #[cfg(unix)]
    _terminal: Option<unix::Terminal>,
}

impl Keys {
    /// Listens when this program owns a terminal; there are no keys otherwise.
    pub(crate) fn listen() -> Self {
        let (sender, keys) = mpsc::channel(16);
        #[cfg(unix)]
        return Self { keys, _terminal: unix::Terminal::listen(sender) };
        #[cfg(not(unix))]
        {
            drop(sender);
            Self { keys }
        }
    }

    /// Whether there is a keyboard.
    pub(crate) fn are_there(&self) -> bool {
        !self.keys.is_closed()
    }

    /// The next key; waits for ever when there are none. Cancel-safe.
    pub(crate) async fn next(&mut self) -> Key {
        match self.keys.recv().await {
            Some(key) => key,
            None => std::future::pending().await,
        }
    }
}

#[cfg(unix)]
mod unix {
    use super::Key;
    use rustix::event::{PollFd, PollFlags, poll};
    use rustix::process::getpgrp;
    use rustix::stdio::stdin;
    use rustix::termios::{LocalModes, OptionalActions, Termios, isatty, tcgetattr, tcgetpgrp, tcsetattr};
    use std::io::{PipeReader, PipeWriter};
    use std::os::fd::AsFd;
    use std::thread::JoinHandle;
    use tokio::sync::mpsc;

    /// The terminal in a mode that gives each key at once and shows none. Signals and output stay as they are.
    pub(super) struct Terminal {
        before: Termios,
        /// Closed to end the listener.
        owner: Option<PipeWriter>,
        listener: Option<JoinHandle<()>>,
    }

    impl Terminal {
        pub(super) fn listen(keys: mpsc::Sender<Key>) -> Option<Self> {
            // A program in the background would be stopped for touching the terminal.
            let ours = isatty(stdin()) && tcgetpgrp(stdin()).is_ok_and(|group| group == getpgrp());
            let before = ours.then(|| tcgetattr(stdin()).ok()).flatten()?;
            let (end, owner) = std::io::pipe().ok()?;
            let mut raw = before.clone();
            raw.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO);
            tcsetattr(stdin(), OptionalActions::Now, &raw).ok()?;
            let listener = std::thread::Builder::new().name("keys".into());
            let listener = listener.spawn(move || read(stdin(), &keys, &end)).ok();
            Some(Self { before, owner: Some(owner), listener })
        }
    }

    /// Reads keys until the other side of `end` is closed, or the terminal is.
    pub(super) fn read(terminal: impl AsFd, keys: &mpsc::Sender<Key>, end: &PipeReader) {
        let mut bytes = [0; 16];
        loop {
            let mut ready = [PollFd::new(&terminal, PollFlags::IN), PollFd::new(end, PollFlags::IN)];
            match poll(&mut ready, None) {
                Err(rustix::io::Errno::INTR) => continue,
                Err(_) => return,
                Ok(_) if !ready[1].revents().is_empty() => return,
                Ok(_) => {}
            }
            match rustix::io::read(&terminal, &mut bytes) {
                // Arrows and the like are an escape with more behind it.
                Ok(2..) if bytes[0] == 0x1b => {}
                Ok(count @ 1..) => {
                    // More keys than can be followed are left out.
                    for key in bytes[..count].iter().filter_map(|byte| Key::of(*byte)) {
                        let _ = keys.try_send(key);
                    }
                }
                // The terminal has gone away.
                _ => return,
            }
        }
    }

    impl Drop for Terminal {
        fn drop(&mut self) {
            self.owner = None;
            if let Some(listener) = self.listener.take() {
                let _ = listener.join();
            }
            // A terminal that has gone away needs nothing.
            let _ = tcsetattr(stdin(), OptionalActions::Now, &self.before);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shift_means_less() {
        assert_eq!(
            [b'b', b'B', b'w', b'W'].map(Key::of),
            [Some(Key::Beauty(1)), Some(Key::Beauty(-1)), Some(Key::Whiteness(1)), Some(Key::Whiteness(-1)),]
        );
        assert_eq!(Key::of(b'q'), Some(Key::Quit));
        assert_eq!(Key::of(b'\n'), None);
    }

    #[cfg(unix)]
    #[test]
    fn keys_are_heard_until_their_owner_is_gone_and_arrows_are_none() {
        use std::io::Write as _;
        let (sender, mut keys) = mpsc::channel(4);
        let (terminal, mut fingers) = std::io::pipe().unwrap();
        let waiting = terminal.try_clone().unwrap();
        let (end, owner) = std::io::pipe().unwrap();
        let listener = std::thread::spawn(move || unix::read(terminal, &sender, &end));
        fingers.write_all(b"\x1b[B").unwrap();
        // One read takes what is there: the arrow is to be gone before the next key.
        while rustix::io::ioctl_fionread(&waiting).is_ok_and(|bytes| bytes > 0) {
            std::thread::yield_now();
        }
        fingers.write_all(b"q").unwrap();
        assert_eq!(keys.blocking_recv(), Some(Key::Quit));
        drop(owner);
        listener.join().unwrap();
        assert_eq!(keys.blocking_recv(), None);
    }

    #[tokio::test]
    async fn without_a_terminal_no_key_ever_comes() {
        let mut keys = Keys {
            keys: mpsc::channel(1).1,
            #[cfg(unix)]
            _terminal: None,
        };
        assert!(!keys.are_there());
        let waited = tokio::time::timeout(std::time::Duration::from_millis(10), keys.next()).await;
        assert!(waited.is_err());
    }
}
