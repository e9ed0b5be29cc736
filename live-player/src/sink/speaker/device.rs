//! The thread that keeps a device open, and opens the next one when it is lost.

use super::choice::{Choice, Offer, candidates, choose};
use super::feed::Feed;
use super::tap::Tap;
use cpal::traits::{DeviceTrait as _, HostTrait as _, StreamTrait as _};
use cpal::{BufferSize, Device, Error, ErrorKind, SampleFormat, StreamConfig, SupportedBufferSize};
use live_core::{AudioSpec, SinkError};
use rtrb::{Producer, RingBuffer};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// What waits for the device, besides what is in its own buffer.
pub(crate) const RING: Duration = Duration::from_millis(100);
/// What the device takes at a time, where it can be asked for.
const PERIODS_PER_SECOND: u32 = 100;
/// How long opening may take: sound servers are started on demand.
const OPENING: Duration = Duration::from_secs(5);
/// A device is watched this long before it is trusted.
const PROBATION: Duration = Duration::from_millis(25);
/// From one try to find a lost device's successor to the next.
const RETRY: Duration = Duration::from_secs(2);

/// The sink's end of an open device.
pub(crate) struct Line {
    pub(crate) ring: Producer<f32>,
    pub(crate) tap: Arc<Tap>,
    pub(crate) spec: AudioSpec,
    offers: Vec<Offer>,
}

impl Line {
    #[cfg(test)]
    pub(crate) fn of(ring: Producer<f32>, tap: Arc<Tap>, spec: AudioSpec) -> Self {
        Self { ring, tap, spec, offers: Vec::new() }
    }

    /// Whether the device could be opened again so that sound of this layout is converted less.
    pub(crate) fn is_second_best(&self, wanted: AudioSpec) -> bool {
        self.spec.sample_rate != wanted.sample_rate
            && choose(wanted, &self.offers)
                .is_some_and(|choice| choice.spec.sample_rate == wanted.sample_rate)
    }
}

/// What the keeper and the sink share.
#[derive(Default)]
struct Shared {
    /// What became of the device and was not taken yet: another one, or none and why. Only the last word counts.
    news: Mutex<Option<Result<Line, String>>>,
    told: Condvar,
    /// The device of the moment.
    name: Mutex<String>,
    /// The sink is dropped: no further device is tried.
    is_over: AtomicBool,
}

impl Shared {
    fn tell(&self, news: Result<Line, String>) {
        *lock(&self.news) = Some(news);
        self.told.notify_one();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What is told to the keeper.
enum Order {
    /// The device is lost, and why.
    Lost(String),
    End,
}

/// Keeps a device open until it is dropped.
pub(crate) struct Keeper {
    shared: Arc<Shared>,
    orders: SyncSender<Order>,
    thread: Option<JoinHandle<()>>,
}

impl Keeper {
    /// Begins to open a device for sound of this layout; a patient one goes on when none opens.
    pub(crate) fn start(
        wanted: AudioSpec,
        underruns: Arc<AtomicU64>,
        is_patient: bool,
    ) -> Result<Self, SinkError> {
        let (orders, inbox) = sync_channel(4);
        let shared = Arc::new(Shared::default());
        let cx =
            KeeperCx { wanted, underruns, is_patient, shared: Arc::clone(&shared), orders: orders.clone() };
        let thread = std::thread::Builder::new().name("live-play-card".into()).spawn(move || cx.run(&inbox));
        let thread = thread
            .map_err(|error| SinkError::new("speaker", "no thread for the sound device").because(error))?;
        Ok(Self { shared, orders, thread: Some(thread) })
    }

    /// The first device; waits until it is open. One that opens later is a [`change`](Self::change).
    pub(crate) fn first(&self) -> Result<Line, SinkError> {
        let news = lock(&self.shared.news);
        let waited = self.shared.told.wait_timeout_while(news, OPENING, |news| news.is_none());
        let (mut news, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let too_late = || Err(format!("no sound device opened within {OPENING:?}"));
        news.take().unwrap_or_else(too_late).map_err(|reason| SinkError::new("speaker", reason))
    }

    /// Whether the device has changed since the last call; with the new line, if there is one.
    pub(crate) fn change(&self) -> Option<Option<Line>> {
        // Held for a moment only, by a thread that does nothing meanwhile.
        lock(&self.shared.news).take().map(Result::ok)
    }

    /// Tells that the device does not behave: another one is looked for.
    pub(crate) fn distrust(&self, reason: &str) {
        let _ = self.orders.try_send(Order::Lost(reason.to_owned()));
    }

    /// The device of the moment.
    pub(crate) fn name(&self) -> String {
        lock(&self.shared.name).clone()
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Relaxed);
        // Waits while the inbox is full, as the next line does; a keeper that has given up has none.
        let _ = self.orders.send(Order::End);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct KeeperCx {
    wanted: AudioSpec,
    underruns: Arc<AtomicU64>,
    is_patient: bool,
    shared: Arc<Shared>,
    orders: SyncSender<Order>,
}

impl KeeperCx {
    fn run(self, inbox: &Receiver<Order>) {
        let mut stream = match self.open_any() {
            Ok((stream, line)) => {
                self.shared.tell(Ok(line));
                Some(stream)
            }
            Err(reason) => {
                self.shared.tell(Err(reason));
                if !self.is_patient {
                    return;
                }
                None
            }
        };
        loop {
            let order = match &stream {
                Some(_) => inbox.recv().map_err(|_| RecvTimeoutError::Disconnected),
                None => inbox.recv_timeout(RETRY),
            };
            match order {
                Ok(Order::Lost(reason)) if stream.is_some() => {
                    tracing::warn!(reason, "the sound device is lost: looking for the next one");
                    stream = None;
                    self.shared.tell(Err(reason));
                    // What was said of the old device is no word about the next one.
                    while let Ok(order) = inbox.try_recv() {
                        if matches!(order, Order::End) {
                            return;
                        }
                    }
                }
                Ok(Order::Lost(_)) | Err(RecvTimeoutError::Timeout) => {}
                Ok(Order::End) | Err(RecvTimeoutError::Disconnected) => return,
            }
            if stream.is_none() {
                match self.open_any() {
                    Ok((opened, line)) => {
                        stream = Some(opened);
                        self.shared.tell(Ok(line));
                    }
                    Err(reason) => tracing::debug!(reason, "no sound device yet"),
                }
            }
        }
    }

    /// Opens the default device, or the next one that can be opened.
    fn open_any(&self) -> Result<(cpal::Stream, Line), String> {
        // ALSA's library writes what it tries to standard error: into a buffer of this thread, emptied each time.
        #[cfg(target_os = "linux")]
        let _remarks = alsa::Output::local_error_handler();
        let host = cpal::default_host();
        let default = host.default_output_device().ok_or("there is no sound device")?;
        let refusal = match self.open(&default) {
            Ok(opened) => return Ok(opened),
            Err(refusal) => refusal,
        };
        for device in others(&host) {
            // One may take seconds to refuse, and there may be many.
            if self.shared.is_over.load(Relaxed) {
                break;
            }
            match self.open(&device) {
                Ok(opened) => return Ok(opened),
                Err(refusal) => tracing::debug!(device = %device, refusal, "a sound device does not open"),
            }
        }
        Err(format!("no sound device can be opened: {refusal}"))
    }

    fn open(&self, device: &Device) -> Result<(cpal::Stream, Line), String> {
        let name = device.to_string();
        let words = |error: Error| format!("{name}: {error}");
        let supported: Vec<_> = device.supported_output_configs().map_err(words)?.collect();
        let offers: Vec<Offer> = supported
            .iter()
            .map(|range| Offer {
                channels: range.channels(),
                rates: (range.min_sample_rate(), range.max_sample_rate()),
                format: range.sample_format(),
            })
            .collect();
        let choice = choose(self.wanted, &offers)
            .ok_or_else(|| format!("{name}: it offers no layout that can be played"))?;
        let period = supported
            .iter()
            .find(|range| {
                range.channels() == choice.spec.channels
                    && range.sample_format() == choice.format
                    && range.contains_rate(choice.spec.sample_rate)
            })
            .map_or(BufferSize::Default, |range| period(choice.spec.sample_rate, *range.buffer_size()));
        let (stream, mut line) = match self.build(device, choice, period) {
            // A device may not keep what it says about its buffer.
            Err(error) if error.kind() == ErrorKind::UnsupportedConfig && period != BufferSize::Default => {
                self.build(device, choice, BufferSize::Default).map_err(words)?
            }
            built => built.map_err(words)?,
        };
        stream.play().map_err(words)?;
        // The device's own time, on the keeper's thread: nothing ends it earlier, and a sink that is dropped waits for it.
        std::thread::sleep(PROBATION);
        if line.tap.is_unpaced(line.spec.sample_rate, Instant::now()) {
            return Err(format!("{name}: {UNPACED}"));
        }
        tracing::debug!(device = name, layout = ?choice.spec, format = %choice.format, "sound device opened");
        *lock(&self.shared.name) = name;
        line.offers = offers;
        Ok((stream, line))
    }

    fn build(
        &self,
        device: &Device,
        choice: Choice,
        buffer_size: BufferSize,
    ) -> Result<(cpal::Stream, Line), Error> {
        let AudioSpec { sample_rate, channels } = choice.spec;
        let config = StreamConfig { channels, sample_rate, buffer_size };
        let frames = RING.as_millis() as usize * sample_rate as usize / 1_000;
        let (producer, consumer) = RingBuffer::new(frames * usize::from(channels));
        let tap = Arc::new(Tap::new(Instant::now()));
        let feed = Feed {
            ring: consumer,
            tap: Arc::clone(&tap),
            underruns: Arc::clone(&self.underruns),
            channels: channels.into(),
            taken: 0,
            flows: false,
        };
        let stream = match choice.format {
            SampleFormat::F32 => self.stream::<f32>(device, config, feed),
            SampleFormat::I32 => self.stream::<i32>(device, config, feed),
            SampleFormat::I16 => self.stream::<i16>(device, config, feed),
            SampleFormat::U16 => self.stream::<u16>(device, config, feed),
            _ => self.stream::<u8>(device, config, feed),
        }?;
        Ok((stream, Line { ring: producer, tap, spec: choice.spec, offers: Vec::new() }))
    }

    fn stream<T: cpal::SizedSample + cpal::FromSample<f32>>(
        &self,
        device: &Device,
        config: StreamConfig,
        mut feed: Feed,
    ) -> Result<cpal::Stream, Error> {
        let orders = self.orders.clone();
        let failed = move |error: Error| match error.kind() {
            // It goes on: what was lost shows as an underrun, where it went as before.
            ErrorKind::Xrun | ErrorKind::DeviceChanged | ErrorKind::RealtimeDenied => {
                tracing::debug!(%error, "the sound device says");
            }
            _ => {
                let _ = orders.try_send(Order::Lost(error.to_string()));
            }
        };
        let take = move |data: &mut [T], info: &cpal::OutputCallbackInfo| {
            let times = info.timestamp();
            feed.fill(data, Instant::now(), times.playback.saturating_duration_since(times.callback));
        };
        device.build_output_stream(config, take, failed, Some(OPENING))
    }
}

/// Why a device is not trusted.
pub(crate) const UNPACED: &str =
    "it takes sound as fast as it gets it, so it is no sound card (ALSA's `null`?)";

/// What the device is to take at a time.
fn period(rate: u32, offered: SupportedBufferSize) -> BufferSize {
    match offered {
        SupportedBufferSize::Range { min, max } if min <= max => {
            BufferSize::Fixed((rate / PERIODS_PER_SECOND).clamp(min, max))
        }
        _ => BufferSize::Default,
    }
}

/// The devices besides the default one. ALSA lists much that is no card.
fn others(host: &cpal::Host) -> Vec<Device> {
    let Ok(devices) = host.output_devices() else { return Vec::new() };
    let mut named: Vec<(String, Device)> =
        devices.filter_map(|device| device.id().ok().map(|id| (id.id().to_owned(), device))).collect();
    if cfg!(target_os = "linux") {
        let names: Vec<String> = named.iter().map(|(name, _)| name.clone()).collect();
        let wanted = candidates(names.iter().map(String::as_str));
        let place = |name: &str| wanted.iter().position(|wanted| *wanted == name);
        named.retain(|(name, _)| place(name).is_some());
        named.sort_by_key(|(name, _)| place(name));
    }
    named.into_iter().map(|(_, device)| device).collect()
}
