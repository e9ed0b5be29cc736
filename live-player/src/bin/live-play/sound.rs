//! The loudspeaker, where there is one and the program was built for it.

use crate::args::Args;
use live_player::Builder;
use tokio::sync::mpsc::UnboundedSender;

/// Gives the player its loudspeaker; `missing` is told why it has none.
#[cfg(feature = "speaker")]
pub(crate) fn attach(builder: Builder, args: &Args, missing: UnboundedSender<String>) -> Builder {
    use live_player::sink::Speaker;
    if !args.sound.speaker {
        return builder;
    }
    builder.audio_sink(move || {
        let missing = missing.clone();
        Speaker::new().or_unheard(move |error| {
            // The program ends.
            let _ = missing.send(error.message.clone());
        })
    })
}

/// Says that there is none.
#[cfg(not(feature = "speaker"))]
pub(crate) fn attach(builder: Builder, args: &Args, missing: UnboundedSender<String>) -> Builder {
    if args.sound.speaker {
        let _ = missing.send("built without the feature `speaker`".to_owned());
    }
    builder
}
