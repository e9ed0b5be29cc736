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
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use rustix::process::getpgrp;
    use rustix::stdio::stdin;
    use rustix::termios::{LocalModes, OptionalActions, Termios, isatty, tcgetattr, tcgetpgrp, tcsetattr};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
    use std::thread::JoinHandle;
    use tokio::sync::mpsc;

    /// How often the listener looks whether it should end.
    const TICK: Timespec = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };

    /// The terminal in a mode that gives each key at once and shows none. Signals and output stay as they are.
    pub(super) struct Terminal {
        before: Termios,
        stop: Arc<AtomicBool>,
        listener: Option<JoinHandle<()>>,
    }

    impl Terminal {
        pub(super) fn listen(keys: mpsc::Sender<Key>) -> Option<Self> {
            // A program in the background would be stopped for touching the terminal.
            let ours = isatty(stdin()) && tcgetpgrp(stdin()).is_ok_and(|group| group == getpgrp());
            let before = ours.then(|| tcgetattr(stdin()).ok()).flatten()?;
            let mut raw = before.clone();
            raw.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO);
            tcsetattr(stdin(), OptionalActions::Now, &raw).ok()?;
            let stop = Arc::new(AtomicBool::new(false));
            let flag = Arc::clone(&stop);
            let listener =
                std::thread::Builder::new().name("keys".into()).spawn(move || read(&keys, &flag)).ok();
            Some(Self { before, stop, listener })
        }
    }

    fn read(keys: &mpsc::Sender<Key>, stop: &AtomicBool) {
        let mut byte = [0];
        while !stop.load(Relaxed) {
            let mut ready = [PollFd::from_borrowed_fd(stdin(), PollFlags::IN)];
            match poll(&mut ready, Some(&TICK)) {
                Ok(0) | Err(rustix::io::Errno::INTR) => continue,
                Ok(_) => {}
                Err(_) => return,
            }
            match rustix::io::read(stdin(), &mut byte) {
                Ok(1) => {
                    // More keys than can be followed are left out.
                    if let Some(key) = Key::of(byte[0]) {
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
            self.stop.store(true, Relaxed);
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
