//! What the viewer saw: how old each picture was, how its skin looked, and some of the pictures.

use super::portrait::SIDE;
use super::scene::{LEFT, TOP};
use live_capture::pattern::read_stamp;
use live_core::{I420, PicturePool, Plane, VideoFrame};
use live_player::sink::Callback;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Pictures that may wait to be looked at.
const WAITING: usize = 50;
/// The size the stream begins with; smaller pictures show the same on fewer pixels.
const WIDTH: f64 = 360.0;

/// One picture as it was shown.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    /// When, since the demo began.
    pub at: Duration,
    /// Width and height.
    pub size: (u32, u32),
    /// From being captured to being shown; `None` when it carries no strip.
    pub latency_ms: Option<f64>,
    /// Its skin, where there is some.
    pub skin: Option<Skin>,
}

/// What the skin of the portrait looks like.
#[derive(Clone, Copy, Debug)]
pub struct Skin {
    /// How bright it is, in code values.
    pub luma: f64,
    /// How much it bends from one pixel to the next, in code values.
    pub detail: f64,
}

/// What a viewer saw.
#[derive(Debug, Default)]
pub struct View {
    /// Every picture.
    pub seen: Vec<Seen>,
    /// Pictures to be seen in the report, with their time.
    pub samples: Vec<(Duration, VideoFrame)>,
}

/// The sink of the viewer's player.
pub type Sink = Callback<Box<dyn FnMut(&VideoFrame) + Send>>;

type Shown = (VideoFrame, Instant, SystemTime);

/// A player's sink and the thread that looks at what it is shown. One sample is kept for each of `moments`.
pub fn look(began: Instant, moments: Vec<Duration>) -> (impl Fn() -> Sink, JoinHandle<View>) {
    let (sender, receiver) = sync_channel::<Shown>(WAITING);
    let thread = std::thread::spawn(move || note(&receiver, began, &moments));
    let sink = move || {
        let sender: SyncSender<Shown> = sender.clone();
        let show = move |frame: &VideoFrame| {
            // One that cannot be looked at in time is not in the report.
            let _ = sender.try_send((frame.clone(), Instant::now(), SystemTime::now()));
        };
        Callback::new(Box::new(show) as Box<dyn FnMut(&VideoFrame) + Send>)
    };
    (sink, thread)
}

fn note(receiver: &Receiver<Shown>, began: Instant, moments: &[Duration]) -> View {
    let (mut view, pool) = (View::default(), PicturePool::new());
    for (frame, at, wall) in receiver {
        let picture = frame.surface.to_i420(&pool);
        let at = at.saturating_duration_since(began);
        let now = wall.duration_since(UNIX_EPOCH).unwrap_or_default().as_micros() as f64;
        view.seen.push(Seen {
            at,
            size: (picture.width(), picture.height()),
            latency_ms: read_stamp(&picture).map(|stamp| (now - stamp.micros as f64) / 1000.0),
            skin: skin(&picture),
        });
        if moments.get(view.samples.len()).is_some_and(|moment| at >= *moment) {
            view.samples.push((at, frame));
        }
    }
    view
}

/// Where the face is in the portrait: parts of its side, from and to.
const FACE: ([f64; 2], [f64; 2]) = ([0.355, 0.55], [0.15, 0.54]);
/// More of a bend from pixel to pixel is an edge, which no effect may touch, code values.
const EDGE: u8 = 8;

/// Looks at the skin of the face: what has the colour of skin, and no edge in it.
fn skin(picture: &I420) -> Option<Skin> {
    let scale = f64::from(picture.width()) / WIDTH;
    let place = |start: usize, part: f64| ((start as f64 + f64::from(SIDE) * part) * scale) as usize;
    let ([left, right], [top, bottom]) = FACE;
    let (columns, rows) = (place(LEFT, left)..place(LEFT, right), place(TOP, top)..place(TOP, bottom));
    let (mut luma, mut detail, mut count) = (0.0, 0.0, 0.0_f64);
    for y in rows {
        let [above, row, below] = [y - 1, y, y + 1].map(|y| picture.row(Plane::Y, y));
        let (cb, cr) = (picture.row(Plane::U, y / 2), picture.row(Plane::V, y / 2));
        for x in columns.clone() {
            if !(77..=127).contains(&cb[x / 2]) || !(138..=173).contains(&cr[x / 2]) {
                continue;
            }
            let bend = |one: u8, other: u8| {
                (2 * i16::from(row[x]) - i16::from(one) - i16::from(other)).unsigned_abs()
            };
            let (across, down) = (bend(row[x - 1], row[x + 1]), bend(above[x], below[x]));
            if across.max(down) <= u16::from(EDGE) {
                luma += f64::from(row[x]);
                detail += f64::from(across + down);
                count += 1.0;
            }
        }
    }
    (count > 300.0 * scale * scale).then(|| Skin { luma: luma / count, detail: detail / count })
}
