//! The presenter's thread: does what the [`Presenter`] decides.

use crate::bell::Bell;
use crate::codes::Failure;
use crate::decoded::DecodedQueue;
use crate::gauges::Gauges;
use crate::media_queue::MediaQueue;
use crate::presenter::{Action, Presenter, View};
use crate::shared::Shared;
use crate::sound::{Sound, SoundLine, Supply};
use crate::volume::Fader;
use live_core::state::Step;
use live_core::{AudioSink, PlayerCode, Timestamp, VideoFrame, VideoSink};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// What a presenter's thread works with.
pub(crate) struct PlaybackCx {
    pub(crate) shared: Arc<Shared>,
    pub(crate) gauges: Arc<Gauges>,
    pub(crate) packets: MediaQueue,
    pub(crate) pictures: DecodedQueue<VideoFrame>,
    pub(crate) sounds: DecodedQueue<Sound>,
    pub(crate) bell: Bell,
    pub(crate) stop: Arc<AtomicBool>,
}

/// Plays until everything has been played, or the session is stopped; finishes the sinks.
pub(crate) fn run(
    cx: PlaybackCx,
    video: Box<dyn VideoSink>,
    audio: Box<dyn AudioSink>,
    [min_cache, max_cache]: [Duration; 2],
) -> Result<(), Failure> {
    let mut playback = Playback {
        line: SoundLine::new(Box::new(Fader::new(audio, Arc::clone(&cx.shared))), cx.sounds.clone()),
        presenter: Presenter::new(min_cache, max_cache, Instant::now()),
        video: Some(video),
        size: (0, 0),
        origin: None,
        cx,
    };
    let result = playback.play();
    playback.finish();
    result
}

struct Playback {
    cx: PlaybackCx,
    presenter: Presenter,
    line: SoundLine,
    /// `None` after it has failed.
    video: Option<Box<dyn VideoSink>>,
    size: (u32, u32),
    /// Where the first motion started: the zero of the position that is told.
    origin: Option<Timestamp>,
}

impl Playback {
    fn play(&mut self) -> Result<(), Failure> {
        while !self.cx.stop.load(Relaxed) {
            let now = Instant::now();
            let view = self.view(now);
            match self.presenter.poll(now, &view) {
                Action::Load => self.tell(PlayerCode::Loading, ""),
                Action::ShowStill => self.show(Some("the first picture, as a still")),
                Action::Start { from, tell } => self.start(from, tell),
                Action::Freeze => self.line.freeze(),
                Action::Skip { leave, exact, tell } => self.skip(now, leave, exact, tell),
                Action::CatchUp { behind } => self.catch_up(behind),
                Action::Show { stutter } => {
                    if let Some(gap) = stutter {
                        self.tell(
                            PlayerCode::Stutter,
                            format!("{} ms between two pictures", gap.as_millis()),
                        );
                    }
                    self.show(None);
                }
                Action::DropLate => {
                    self.cx.pictures.pop();
                    self.cx.gauges.count_dropped(1);
                }
                Action::Progress(position) => self.progress(position),
                Action::End => {
                    self.tell(PlayerCode::Ended, "");
                    return Ok(());
                }
                Action::Unplayable => {
                    let reason = self.cx.shared.unplayable();
                    return Err(Failure::uncoded(
                        reason.unwrap_or_else(|| "nothing of it can be decoded".to_owned()),
                    ));
                }
                Action::Wait(time) => {
                    self.supply(now, &view);
                    self.cx.bell.wait(time);
                }
            }
        }
        Ok(())
    }

    fn view(&mut self, now: Instant) -> View {
        // First, because what is drained here has been decoded and shows below.
        let queue = self.cx.packets.view();
        View {
            queue,
            accepted: self.cx.gauges.is_accepted(),
            pictures: self.cx.pictures.peek(|picture| picture.pts),
            sound: self.line.front(),
            heard: if self.presenter.is_playing() { self.line.heard(now) } else { None },
            sound_is_dry: self.line.is_dry(now),
            paused: self.cx.shared.controls.is_paused(),
        }
    }

    fn tell(&self, code: PlayerCode, detail: impl Into<String>) {
        self.cx.shared.tell(code, detail);
    }

    fn start(&mut self, from: Timestamp, tell: bool) {
        self.line.start(from);
        self.origin.get_or_insert(from);
        self.cx.shared.step(Step::MediaFlows);
        let took = self.cx.shared.note_first(true);
        if tell {
            let detail = took.map(|took| format!("{} ms after the start", took.as_millis()));
            self.tell(PlayerCode::PlaybackStarted, detail.unwrap_or_default());
        }
    }

    fn skip(&mut self, now: Instant, leave: Timestamp, exact: bool, tell: bool) {
        let skipped = self.cx.packets.skip(leave);
        let from = self.presenter.position();
        if let Some((_, cut)) = skipped {
            self.cx.gauges.count_dropped(cut.video);
        }
        let key = skipped.map(|(key, _)| key);
        let Some(to) = self.presenter.land(now, key, leave, exact) else { return };
        self.line.start(to);
        if tell {
            let behind = to.saturating_since(from).as_secs_f64();
            self.tell(PlayerCode::Discontinuity, format!("{behind:.1} s were skipped: too far behind"));
        }
    }

    fn catch_up(&self, behind: Duration) {
        let dropped = self.cx.packets.catch_up().video;
        self.cx.gauges.count_dropped(dropped);
        let behind = behind.as_secs_f64();
        let detail = format!("{dropped} pictures were dropped: the decoder is {behind:.1} s behind");
        self.tell(PlayerCode::Discontinuity, detail);
    }

    /// Shows the next picture; `first` is the detail of the 2004 that goes with it.
    fn show(&mut self, first: Option<&str>) {
        let Some(picture) = self.cx.pictures.pop() else { return };
        let size = (picture.width(), picture.height());
        if size != self.size {
            self.size = size;
            self.cx.gauges.media.set_size(size.0, size.1);
            self.tell(PlayerCode::ResolutionChanged, format!("{}×{}", size.0, size.1));
        }
        if let Some(sink) = &mut self.video
            && let Err(error) = sink.present(&picture)
        {
            self.cx.shared.sink_failed(&error);
            self.video = None;
        }
        self.cx.gauges.media.count_picture();
        if let Some(detail) = first {
            self.cx.shared.step(Step::MediaFlows);
            let took = self.cx.shared.note_first(false).unwrap_or_default();
            let detail = format!("{detail}, {} ms after the start", took.as_millis());
            self.tell(PlayerCode::PlaybackStarted, detail);
        } else {
            let heard = self.line.heard(Instant::now());
            self.cx.gauges.set_av_offset(heard.map(|heard| heard.micros_since(picture.pts)));
        }
        self.cx.shared.set_shown(picture);
    }

    fn progress(&self, position: Timestamp) {
        let seconds = position.saturating_since(self.origin.unwrap_or(position)).as_secs_f64();
        let detail = match self.cx.gauges.duration() {
            Some(duration) => format!("{seconds:.1} s of {:.1} s", duration.as_secs_f64()),
            None => format!("{seconds:.1} s"),
        };
        self.tell(PlayerCode::Progress, detail);
    }

    fn supply(&mut self, now: Instant, view: &View) {
        if !self.presenter.is_playing() {
            return;
        }
        let position = self.presenter.position();
        self.cx.gauges.set_position(position);
        let supply = Supply {
            position,
            picture: view.pictures[0],
            silence: self.presenter.misses_sound(now, view),
            rate: self.presenter.rate(),
        };
        if let Err(error) = self.line.supply(now, &supply) {
            self.cx.shared.sink_failed(&error);
        }
    }

    fn finish(&mut self) {
        let video = self.video.take().map_or(Ok(()), |mut sink| sink.finish());
        for result in [video, self.line.finish()] {
            if let Err(error) = result {
                self.cx.shared.sink_failed(&error);
            }
        }
    }
}
