//! The window, where there is a display and the program was built for one.

use crate::args::Args;
use crate::keys::Key;

#[cfg(feature = "window")]
pub(crate) use with::{Host, Screen, run};
#[cfg(not(feature = "window"))]
pub(crate) use without::{Host, Screen, run};

#[cfg(feature = "window")]
mod with {
    use super::{Args, Key};
    use crate::args::screen::Size;
    use live_core::event::EventStream;
    use live_player::sink::window::{self, Window, WindowEvent, WindowHost, WindowOptions};
    use live_player::{Builder, LivePlayerHandle};

    /// Opens windows; none when none are wanted.
    pub(crate) type Host = Option<WindowHost>;

    /// Runs `main` beside the loop of its windows.
    pub(crate) fn run<T: Send>(args: &Args, main: impl FnOnce(Host) -> T + Send) -> T {
        if args.screen.window { window::run(|host| main(Some(host))) } else { main(None) }
    }

    /// The window, if there is one.
    pub(crate) struct Screen(Option<(Window, EventStream<WindowEvent>)>);

    impl Screen {
        /// Opens the window, or says why there is none.
        pub(crate) fn open(host: &Host, args: &Args) -> Result<Self, String> {
            let Some(host) = host else { return Ok(Self(None)) };
            let mut options = WindowOptions::new(title(&args.src));
            options = match args.screen.size {
                Size::Default => options,
                Size::Logical(width, height) => options.size(width, height),
                Size::Picture => options.picture_size(),
            };
            if let Some(direction) = args.screen.full_screen {
                options = options.full_screen(direction);
            }
            let window = host.open(options).map_err(|error| error.to_string())?;
            let events = window.events();
            Ok(Self(Some((window, events))))
        }

        /// No window.
        pub(crate) const fn none() -> Self {
            Self(None)
        }

        pub(crate) fn is_there(&self) -> bool {
            self.0.is_some()
        }

        pub(crate) fn show(&self, builder: Builder) -> Builder {
            match &self.0 {
                Some((window, _)) => builder.window(window),
                None => builder,
            }
        }

        /// The next key that is pressed in the window; waits for ever when there is none. Cancel-safe.
        pub(crate) async fn next_key(&mut self) -> Key {
            if let Some((_, events)) = &mut self.0 {
                while let Some(delivery) = events.next().await {
                    if let Some(WindowEvent::Key(key)) = delivery.event()
                        && let Some(key) = Key::of(key)
                    {
                        return key;
                    }
                }
            }
            std::future::pending().await
        }
    }

    /// Fills the screen, or leaves it.
    pub(crate) fn set_full_screen(player: &LivePlayerHandle, full: bool, args: &Args) -> bool {
        let direction = args.screen.full_screen.unwrap_or_default();
        if full { player.request_full_screen(direction) } else { player.exit_full_screen() }
    }

    /// What stands above the window: where the stream comes from, without its secrets.
    fn title(src: &str) -> String {
        match src.parse::<live_core::StreamUrl>() {
            Ok(url) => format!("live-play: {url}"),
            Err(_) => "live-play".to_owned(),
        }
    }
}

#[cfg(feature = "window")]
pub(crate) use with::set_full_screen;

#[cfg(not(feature = "window"))]
pub(crate) fn set_full_screen(_: &live_player::LivePlayerHandle, _: bool, _: &Args) -> bool {
    false
}

#[cfg(not(feature = "window"))]
mod without {
    use super::{Args, Key};
    use live_player::Builder;

    /// Whether windows are wanted.
    pub(crate) struct Host(bool);

    pub(crate) fn run<T: Send>(args: &Args, main: impl FnOnce(Host) -> T + Send) -> T {
        main(Host(args.screen.window))
    }

    pub(crate) struct Screen(());

    impl Screen {
        pub(crate) fn open(host: &Host, _: &Args) -> Result<Self, String> {
            if host.0 { Err("built without the feature `window`".to_owned()) } else { Ok(Self(())) }
        }

        pub(crate) const fn none() -> Self {
            Self(())
        }

        pub(crate) fn is_there(&self) -> bool {
            false
        }

        pub(crate) fn show(&self, builder: Builder) -> Builder {
            builder
        }

        pub(crate) async fn next_key(&mut self) -> Key {
            std::future::pending().await
        }
    }
}
