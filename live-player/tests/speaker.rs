//! The loudspeaker on machines without a card, and with a device that is none. Which devices there are is said to ALSA
//! by a file, which has to be named before the program begins: each test runs itself again.
#![cfg(all(feature = "embedded", feature = "speaker", target_os = "linux"))]

mod support;

use live_core::event::{Delivery, PlayerEvent};
use live_core::{AudioSink as _, AudioSpec};
use live_player::sink::Speaker;
use std::process::Command;
use std::time::{Duration, Instant};
use support::{After, Connection, player_of, stream};

/// Names the file that ALSA reads.
const CONFIG: &str = "ALSA_CONFIG_PATH";
const STEREO: AudioSpec = AudioSpec { sample_rate: 48_000, channels: 2 };

/// Runs the test of this name again where ALSA knows `devices` only; `true` when that is here already.
fn is_where_alsa_knows(devices: &str, name: &str) -> bool {
    if std::env::var_os(CONFIG).is_some_and(|path| path.to_string_lossy().contains(name)) {
        return true;
    }
    let path = std::env::temp_dir().join(format!("live-player-{name}-{}.conf", std::process::id()));
    std::fs::write(&path, devices).unwrap();
    let mut again = Command::new(std::env::current_exe().unwrap());
    let output = again.args(["--exact", name, "--nocapture"]).env(CONFIG, &path).output().unwrap();
    std::fs::remove_file(path).unwrap();
    let said =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
    false
}

#[test]
fn a_machine_without_a_card_is_told_and_the_player_plays_on() {
    let name = "a_machine_without_a_card_is_told_and_the_player_plays_on";
    if !is_where_alsa_knows("pcm.!default { type hw card 31 }\nctl.!default { type hw card 31 }\n", name) {
        return;
    }
    let refused = Speaker::new().open(STEREO).unwrap_err().to_string();
    assert!(refused.contains("speaker: no sound device can be opened"), "{refused}");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let player = player_of([Connection::Brings(stream(25, 0), After::Ends)]);
        let player = player.audio_sink(Speaker::new).build().unwrap();
        let mut events = player.events();
        let codes = support::codes(&player).await;
        assert!(codes.ends_with(&[2006]) && codes.contains(&2004), "{codes:?}");
        let failed = std::iter::from_fn(|| events.try_next()).filter_map(Delivery::event).any(|event| {
            matches!(event, PlayerEvent::SinkFailed { sink, reason }
                if sink == "speaker" && reason.contains("no sound device can be opened"))
        });
        assert!(failed, "the loss of sound is told");
        let (tell, told) = std::sync::mpsc::channel();
        let player = player_of([Connection::Brings(stream(25, 0), After::Ends)]);
        let player = player.audio_sink(move || {
            let tell = tell.clone();
            Speaker::new().or_unheard(move |error| tell.send(error.to_string()).unwrap())
        });
        let player = player.build().unwrap();
        let began = Instant::now();
        let codes = support::codes(&player).await;
        assert!(codes.ends_with(&[2006]), "{codes:?}");
        assert!(began.elapsed() > Duration::from_millis(900), "a second is played in its time");
        assert_eq!(told.try_iter().collect::<Vec<_>>(), [refused]);
    });
}

#[test]
fn a_device_that_swallows_sound_is_no_loudspeaker() {
    let name = "a_device_that_swallows_sound_is_no_loudspeaker";
    if !is_where_alsa_knows("pcm.!default { type null }\n", name) {
        return;
    }
    let refused = Speaker::new().open(STEREO).unwrap_err().to_string();
    assert!(refused.contains("takes sound as fast as it gets it"), "{refused}");
}
