//! Sound while it runs: volumes, music, rooms.

use super::LivePusherHandle;
use crate::pipeline::sound::controls::SoundControls;
use crate::pipeline::sound::music::Bgm;
use crate::pipeline::sound::reverb::ROOMS;
use live_core::PusherErrorCode;
use live_core::event::{EventSender, MusicEvent, PusherEvent};
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

impl LivePusherHandle {
    fn sound(&self) -> &SoundControls {
        &self.inner.shared.controls.sound
    }

    /// How loud the microphone (or whatever the sound comes from) is in the stream: a factor from 0.0 to 2.0 (+6 dB),
    /// into which `volume` is clamped. 1.0. From the next 20 ms on; what is not a number changes nothing.
    ///
    /// Together with the music the sound may come over full scale: a limiter turns it down and nothing is clipped.
    pub fn set_mic_volume(&self, volume: f32) {
        self.sound().mic_volume.set(volume);
    }

    /// How loud the background music is in the stream: as [`set_mic_volume`](Self::set_mic_volume).
    pub fn set_bgm_volume(&self, volume: f32) {
        self.sound().bgm_volume.set(volume);
    }

    /// Plays background music under the microphone, in place of what plays already. Returns at once: the file is opened and
    /// decoded on a thread of its own, and what becomes of it comes as [`PusherEvent::Music`]. A file that cannot be
    /// loaded is error 10003 as well, and the stream goes on.
    ///
    /// Before [`start`](Self::start), the music begins with the next session; it ends with its session. Mute silences it too,
    /// and it runs on meanwhile. `false`, and error 10003, when the session under way has no sound track.
    pub fn play_bgm(&self, music: Bgm) -> bool {
        if self.state().is_active() && self.sound().no_track.load(Relaxed) {
            refuse(&music, &self.inner.shared.events);
            return false;
        }
        self.sound().music.play(music);
        true
    }

    /// Ends the music. `false` when there is none.
    pub fn stop_bgm(&self) -> bool {
        self.sound().music.stop()
    }

    /// Halts the music where it is. `false` when there is none, or when it is halted already.
    pub fn pause_bgm(&self) -> bool {
        self.sound().music.pause(true)
    }

    /// Goes on with the music where it was halted. `false` when there is none, or when it is not halted.
    pub fn resume_bgm(&self) -> bool {
        self.sound().music.pause(false)
    }

    /// `audio-reverb-type` while running: 0 none, 1 KTV, 2 small room, 3 great hall, 4 deep, 5 resonant, 6 metal, 7 magnetic.
    /// From the next 20 ms on. `false`, and nothing changes, for any other number.
    pub fn set_reverb(&self, room: u32) -> bool {
        let known = room as usize <= ROOMS.len();
        if known {
            self.sound().reverb.store(room, Relaxed);
        }
        known
    }

    /// How often [`PusherEvent::AudioVolume`] tells how loud the microphone is (the specification's `audiovolumenotify`),
    /// in steps of 10 ms; `None` is never, which is the default. Under 100 ms it becomes 100 ms.
    pub fn set_audio_volume_interval(&self, interval: Option<Duration>) {
        let millis = interval.map_or(0, |interval| interval.as_millis().clamp(100, 3_600_000) as u32);
        self.sound().volume_interval.store(millis, Relaxed);
    }
}

/// Tells that music cannot be played in a stream of pictures.
pub(crate) fn refuse(music: &Bgm, events: &EventSender<PusherEvent>) {
    let reason = "the stream has no sound track; give an audio source, and leave enable-mic on";
    let file = music.file.display().to_string();
    let detail = format!("{file}: {reason}");
    events.send(PusherEvent::Error { code: PusherErrorCode::BgmFailed, detail });
    events.send(PusherEvent::Music(MusicEvent::Failed { file, reason: reason.into() }));
}
