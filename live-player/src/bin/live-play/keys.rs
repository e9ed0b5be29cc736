//! Keys while playing: in the window, and where standard input is a terminal.

use tokio::sync::mpsc;

/// What a key asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    FullScreen,
    LeaveFullScreen,
    Mute,
    Pause,
    Snapshot,
    Quit,
}

/// For people: which keys there are.
pub(crate) const HELP: &str = "keys: f full screen, m mute, space pause, s snapshot, q quit";

impl Key {
    pub(crate) fn of(character: char) -> Option<Self> {
        Some(match character.to_ascii_lowercase() {
            'f' => Self::FullScreen,
            '\u{1b}' => Self::LeaveFullScreen,
            'm' => Self::Mute,
            ' ' => Self::Pause,
            's' => Self::Snapshot,
            'q' => Self::Quit,
            _ => return None,
        })
    }
}

/// Listens to the terminal until it is dropped, which leaves it as it was.
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
        let mut bytes = [0; 16];
        while !stop.load(Relaxed) {
            let mut ready = [PollFd::from_borrowed_fd(stdin(), PollFlags::IN)];
            match poll(&mut ready, Some(&TICK)) {
                Ok(0) | Err(rustix::io::Errno::INTR) => continue,
                Ok(_) => {}
                Err(_) => return,
            }
            match rustix::io::read(stdin(), &mut bytes) {
                // Arrows and the like are an escape with more behind it.
                Ok(2..) if bytes[0] == 0x1b => {}
                Ok(count @ 1..) => {
                    // More keys than can be followed are left out.
                    for key in bytes[..count].iter().filter_map(|byte| Key::of(char::from(*byte))) {
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
    fn keys_mean_the_same_with_and_without_shift() {
        assert_eq!(
            ['f', 'F', ' ', '\u{1b}'].map(Key::of),
            [Some(Key::FullScreen), Some(Key::FullScreen), Some(Key::Pause), Some(Key::LeaveFullScreen),]
        );
        assert_eq!(Key::of('\n'), None);
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
