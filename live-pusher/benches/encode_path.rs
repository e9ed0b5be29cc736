//! The encode path: pictures in memory → encoder → packet queue → FLV tag bodies → RTMP chunks.
//!
//! Three rows a size: the encoder alone, the whole path, and the path behind the encoder alone, fed with packets made
//! before. The last over the first is what everything but the encoder costs; the aim is 3 % at most.

use bytes::{Buf, BytesMut};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use live_capture::pattern::{Painter, PatternSpec, Stamp};
use live_core::queue::{DropRule, PacketQueue, PacketReader, QueueLimits};
use live_core::{
    Codec, Color, Entropy, Packet, PicturePool, Registry, Selection, StreamUrl, Timestamp, VideoEncoder,
    VideoEncoderConfig, VideoFrame,
};
use live_transport::rtmp::{ClientConfig, ClientSession, Purpose, ServerConfig, ServerEvent, ServerSession};
use std::time::{Duration, Instant};

/// Sizes with the bitrates they are pushed at.
const SIZES: [(u32, u32, u32); 3] = [(360, 640, 500), (540, 960, 900), (720, 1280, 1500)];
const FRAME_RATE: u32 = 30;

fn frames(width: u32, height: u32) -> Vec<VideoFrame> {
    let (pool, painter) = (PicturePool::new(), Painter::new(PatternSpec::new(width, height, FRAME_RATE)));
    let frame = |number| {
        let pts = Timestamp::from_index(u64::from(number), FRAME_RATE);
        let stamp = Stamp { frame: number, micros: pts.as_micros().unsigned_abs() };
        VideoFrame::new(pts, Color::assumed_for(width, height), painter.draw(stamp, &pool))
    };
    (0..FRAME_RATE).map(frame).collect()
}

fn encoder(width: u32, height: u32, kbps: u32) -> Box<dyn VideoEncoder> {
    let mut registry = Registry::default();
    live_codec::register_enabled(&mut registry);
    let config = VideoEncoderConfig {
        width,
        height,
        frame_rate: f64::from(FRAME_RATE),
        kbps,
        gop: 2 * FRAME_RATE,
        color: Color::assumed_for(width, height),
        entropy: Entropy::Auto,
        threads: 1,
        slices: 0,
    };
    registry.video_encoders.open(Codec::H264, &Selection::Auto, &config).expect("the encoder opens").codec
}

/// Encodes the same second again and again, its timestamps going on.
struct Camera {
    frames: Vec<VideoFrame>,
    encoder: Box<dyn VideoEncoder>,
    next: u64,
}

impl Camera {
    fn new(width: u32, height: u32, kbps: u32) -> Self {
        Self { frames: frames(width, height), encoder: encoder(width, height, kbps), next: 0 }
    }

    fn second(&mut self, mut each: impl FnMut(Packet)) {
        let mut packets = Vec::new();
        for frame in &mut self.frames {
            frame.pts = Timestamp::from_index(self.next, FRAME_RATE);
            self.next += 1;
            self.encoder.encode(frame, &mut packets).expect("the picture is encoded");
            packets.drain(..).for_each(&mut each);
        }
    }
}

/// Everything behind the encoder but the socket.
struct Uplink {
    queue: PacketQueue,
    reader: PacketReader,
    session: ClientSession,
}

impl Uplink {
    fn new() -> Self {
        let queue = PacketQueue::new(QueueLimits::default());
        let reader = queue.reader(DropRule::default());
        let mut session = accepted_session();
        session.set_epoch(Timestamp::ZERO);
        Self { queue, reader, session }
    }

    fn send(&mut self, packet: Packet) {
        self.queue.push(packet);
        while let Some(packet) = self.reader.try_next() {
            self.session.send(&packet).expect("the packet can be sent");
            // What a vectored write would take.
            let outgoing = self.session.outgoing();
            let bytes = outgoing.remaining();
            outgoing.advance(bytes);
        }
    }
}

/// A session that a server in memory has allowed to publish.
fn accepted_session() -> ClientSession {
    let (now, url) =
        (Instant::now(), "rtmp://localhost/live/bench".parse::<StreamUrl>().expect("an address"));
    let mut client = ClientSession::new(now, ClientConfig::new(Purpose::Publish, url));
    let mut server = ServerSession::new(now, ServerConfig::default());
    let (mut up, mut down) = (BytesMut::new(), BytesMut::new());
    while !client.is_accepted() {
        carry(client.outgoing(), &mut up);
        server.handle_input(now, &mut up).expect("the server understands");
        while let Some(event) = server.poll_event() {
            if let ServerEvent::Publish { stream, .. } = event {
                server.accept(now, stream);
            }
        }
        carry(server.outgoing(), &mut down);
        client.handle_input(now, &mut down).expect("the client understands");
    }
    client
}

fn carry(from: &mut impl Buf, to: &mut BytesMut) {
    while from.has_remaining() {
        let chunk = from.chunk();
        to.extend_from_slice(chunk);
        let taken = chunk.len();
        from.advance(taken);
    }
}

fn encode_path(criterion: &mut Criterion) {
    for (width, height, kbps) in SIZES {
        let mut group = criterion.benchmark_group(format!("encode path {width}x{height}"));
        group.throughput(Throughput::Elements(u64::from(FRAME_RATE)));
        group.sample_size(10).measurement_time(Duration::from_secs(4));

        let mut camera = Camera::new(width, height, kbps);
        group.bench_function("encoder", |bencher| bencher.iter(|| camera.second(drop)));

        let (mut camera, mut uplink) = (Camera::new(width, height, kbps), Uplink::new());
        group.bench_function("whole path", |bencher| {
            bencher.iter(|| camera.second(|packet| uplink.send(packet)))
        });

        let (mut packets, mut uplink) = (Vec::new(), Uplink::new());
        Camera::new(width, height, kbps).second(|packet| packets.push(packet));
        group.bench_function("behind the encoder", |bencher| {
            bencher.iter_batched(
                || packets.clone(),
                |packets| packets.into_iter().for_each(|packet| uplink.send(packet)),
                BatchSize::SmallInput,
            );
        });
        group.finish();
    }
}

criterion_group!(benches, encode_path);
criterion_main!(benches);
