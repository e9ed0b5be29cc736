//! An FLV stream as it arrives, in pieces that some other protocol cut.

use crate::flv::{Demuxer, Depacketizer, ErrorKind, ForeignCodec, Tag};
use bytes::{Bytes, BytesMut};
use live_core::{
    LinkEvent, MediaSender, Outcome, Packet, SubscriptionCx, TransportError, TransportErrorKind,
};
use std::future::Future;
use std::time::{Duration, Instant};
use tokio::time::timeout;

/// Tags of codecs that are not read before a stream without any other media is given up.
const PATIENCE_WITH_FOREIGN: u32 = 50;

/// Where the pieces come from.
pub(super) trait Pieces: Send {
    /// The next piece; `None` at the end of the stream.
    fn next(&mut self) -> impl Future<Output = Result<Option<Bytes>, TransportError>> + Send;

    /// Takes leave of the server of a stream that is over or not wanted any more, and did not break.
    fn leave(self) -> impl Future<Output = ()> + Send;
}

/// Plays the stream that `opened` gives.
pub(super) async fn play<P: Pieces>(
    opened: impl Future<Output = Result<Incoming<P>, TransportError>>,
    media: &mut dyn MediaSender,
    cx: &SubscriptionCx,
) -> Outcome {
    let opened = tokio::select! {
        biased;
        () = media.closed() => return Outcome::Ended,
        opened = opened => opened,
    };
    let mut stream = match opened {
        Ok(stream) => stream,
        Err(error) => return Outcome::Lost(error),
    };
    (cx.events)(LinkEvent::Accepted);
    match stream.receive(media, cx).await {
        Ok(()) => {
            stream.pieces.leave().await;
            Outcome::Ended
        }
        Err(error) => Outcome::Lost(error),
    }
}

/// An FLV stream that a server has begun to send.
pub(super) struct Incoming<P> {
    pieces: P,
    peer: String,
    content_type: Option<String>,
    /// This is a file, and the server waits while it is played.
    is_finite: bool,
    silence: Duration,
    input: BytesMut,
    demuxer: Demuxer,
    depacketizer: Depacketizer,
    foreign: Foreign,
}

/// What has been passed over because nothing here can read it.
#[derive(Debug, Default)]
struct Foreign {
    tags: u32,
    media_seen: bool,
}

impl<P: Pieces> Incoming<P> {
    /// A stream in `pieces` from `peer`, which may be silent for as long as `silence`.
    pub(super) fn new(pieces: P, peer: String, silence: Duration) -> Self {
        Self {
            pieces,
            peer,
            content_type: None,
            is_finite: false,
            silence,
            input: BytesMut::new(),
            demuxer: Demuxer::new(),
            depacketizer: Depacketizer::new(),
            foreign: Foreign::default(),
        }
    }

    /// The same, called `content_type` by its server, and a file if `is_finite`.
    pub(super) fn described(mut self, content_type: Option<String>, is_finite: bool) -> Self {
        (self.content_type, self.is_finite) = (content_type, is_finite);
        self
    }

    /// Hands over packets until the stream ends or nobody wants it any more.
    async fn receive(
        &mut self,
        media: &mut dyn MediaSender,
        cx: &SubscriptionCx,
    ) -> Result<(), TransportError> {
        let mut packets = Vec::new();
        loop {
            let data = tokio::select! {
                biased;
                () = media.closed() => return Ok(()),
                data = self.next_piece() => data?,
            };
            let Some(data) = data else { return self.finish() };
            let arrival = Instant::now();
            cx.counters.add_received(data.len() as u64);
            self.input.extend_from_slice(&data);
            while let Some(tag) =
                self.demuxer.read(&mut self.input).map_err(|error| self.no_flv(error.kind))?
            {
                self.depacketize(tag, &mut packets)?;
                cx.counters.add_packets(packets.len() as u64);
                for packet in packets.drain(..) {
                    media.send(Packet { arrival: Some(arrival), ..packet });
                }
                if self.is_finite {
                    media.room().await;
                }
            }
        }
    }

    async fn next_piece(&mut self) -> Result<Option<Bytes>, TransportError> {
        timeout(self.silence, self.pieces.next()).await.unwrap_or_else(|_| {
            let text = format!("the server has sent nothing for {} s", self.silence.as_secs_f32());
            Err(self.error(TransportErrorKind::Io, text))
        })
    }

    fn depacketize(&mut self, tag: Tag, packets: &mut Vec<Packet>) -> Result<(), TransportError> {
        match self.depacketizer.read_tag(tag, packets) {
            Ok(()) => {
                let is_media = |packet: &Packet| !packet.is_stream_information();
                self.foreign.media_seen |= packets.iter().any(is_media);
                Ok(())
            }
            Err(ErrorKind::ForeignCodec(codec)) => self.pass_over(codec),
            Err(error) => {
                tracing::debug!(peer = %self.peer, %error, "a tag is passed over");
                Ok(())
            }
        }
    }

    /// One track in a codec that is not read leaves the other one to play; without another there is nothing to wait
    /// for.
    fn pass_over(&mut self, codec: ForeignCodec) -> Result<(), TransportError> {
        if self.foreign.tags == 0 {
            tracing::warn!(peer = %self.peer, %codec, "the stream has a codec that is not supported");
        }
        self.foreign.tags += 1;
        if self.foreign.media_seen || self.foreign.tags < PATIENCE_WITH_FOREIGN {
            return Ok(());
        }
        let text = format!("the codec of this stream, {codec}, is not supported");
        Err(self.error(TransportErrorKind::Malformed, text).permanent())
    }

    /// Judges where the body ends.
    fn finish(&self) -> Result<(), TransportError> {
        self.demuxer.finish(&self.input).map_err(|error| match error.kind {
            ErrorKind::Truncated if self.demuxer.offset() == 0 => {
                self.error(TransportErrorKind::Malformed, "the server sent an empty answer".to_owned())
            }
            ErrorKind::Truncated => {
                let text = format!("the stream was cut off in the middle: {error}");
                self.error(TransportErrorKind::Closed, text)
            }
            kind => self.no_flv(kind),
        })
    }

    fn no_flv(&self, kind: ErrorKind) -> TransportError {
        let text = match (&kind, &self.content_type) {
            (ErrorKind::NotFlv { .. }, Some(content_type)) => {
                format!("the server sent {content_type} instead of an FLV stream: check the address ({kind})")
            }
            (ErrorKind::NotFlv { .. }, None) => {
                format!("the server sent no FLV stream: check the address ({kind})")
            }
            _ => format!("the stream is damaged: {kind}"),
        };
        self.error(TransportErrorKind::Malformed, text)
    }

    fn error(&self, kind: TransportErrorKind, text: String) -> TransportError {
        TransportError::new(kind, &self.peer, text)
    }
}
