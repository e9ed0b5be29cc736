//! FLV files out.

use crate::amf0::Value;
use crate::flv::{ErrorKind, Header, Muxer, script};
use bytes::BytesMut;
use live_core::{Codec, Metadata, Packet, PacketKind, Timestamp, Track};
use std::io::{self, Seek, SeekFrom, Write};

/// Writes packets into an FLV file, and at the end what is only known then: which tracks there are, how long they last
/// and how large the file is.
///
/// A file that is never [finished](Self::finish) plays too, with a duration of 0. Wrap a slow writer into a
/// [`BufWriter`](io::BufWriter): every tag is one write.
#[derive(Debug)]
pub struct FlvWriter<W> {
    out: W,
    muxer: Muxer,
    epoch: Timestamp,
    buffer: BytesMut,
    /// What the first tag says; `None` before it is written.
    description: Option<Vec<(String, Value)>>,
    header: Header,
    /// The latest presentation time so far.
    end: Timestamp,
    written: u64,
}

/// Members of `onMetaData` that are known at the end.
const DURATION: &str = "duration";
const FILE_SIZE: &str = "filesize";

impl<W: Write + Seek> FlvWriter<W> {
    /// A file that starts at the current position of `out`, with `epoch` for its zero, which must not be later than the
    /// smallest `dts` to come.
    ///
    /// # Errors
    /// Whatever `out` answers.
    pub fn new(mut out: W, epoch: Timestamp) -> io::Result<Self> {
        let mut buffer = BytesMut::new();
        Header::default().write(&mut buffer);
        out.write_all(&buffer)?;
        Ok(Self {
            out,
            muxer: Muxer::new(epoch),
            epoch,
            written: buffer.len() as u64,
            buffer,
            description: None,
            header: Header { audio: false, video: false },
            end: epoch,
        })
    }

    /// Bytes written so far.
    #[must_use]
    pub const fn written(&self) -> u64 {
        self.written
    }

    /// Appends a packet.
    ///
    /// # Errors
    /// Whatever the writer answers; of kind [`Unsupported`](io::ErrorKind::Unsupported), with an
    /// [`ErrorKind`] inside, when FLV cannot carry the packet, after which others may follow.
    pub fn write(&mut self, packet: &Packet) -> io::Result<()> {
        match &packet.kind {
            PacketKind::Metadata(metadata) if self.description.is_none() => return self.describe(metadata),
            _ if self.description.is_none() => self.describe(&Metadata::default())?,
            _ => {}
        }
        self.buffer.clear();
        self.muxer.write(packet, &mut self.buffer).map_err(cannot_carry)?;
        self.note(packet);
        self.flush_buffer()
    }

    /// Completes the file and gives the writer back, flushed.
    ///
    /// # Errors
    /// Whatever the writer answers.
    pub fn finish(mut self) -> io::Result<W> {
        if self.description.is_none() {
            self.describe(&Metadata::default())?;
        }
        let start = self.out.stream_position()? - self.written;
        self.buffer.clear();
        self.header.write(&mut self.buffer);
        self.put_description();
        self.out.seek(SeekFrom::Start(start))?;
        self.out.write_all(&self.buffer)?;
        self.out.seek(SeekFrom::Start(start + self.written))?;
        self.out.flush()?;
        Ok(self.out)
    }

    fn note(&mut self, packet: &Packet) {
        match packet.track {
            Track::Audio => self.header.audio = true,
            Track::Video => self.header.video = true,
            Track::Data => {}
        }
        if packet.is_video_unit() || packet.kind == PacketKind::Audio {
            self.end = self.end.max(packet.pts);
        }
    }

    /// Writes the first tag.
    fn describe(&mut self, metadata: &Metadata) -> io::Result<()> {
        let mut members = vec![(DURATION.to_owned(), Value::Null), (FILE_SIZE.to_owned(), Value::Null)];
        let stated = script::description(metadata, Codec::Aac);
        members.extend(stated.members().iter().filter(|(name, _)| name != DURATION).cloned());
        self.description = Some(members);
        self.buffer.clear();
        self.put_description();
        self.flush_buffer()
    }

    /// Puts the first tag, as of now, into the buffer. It always has the same length: numbers have eight bytes.
    fn put_description(&mut self) {
        let Some(members) = &mut self.description else { return };
        members[0].1 = Value::Number(self.end.saturating_since(self.epoch).as_secs_f64());
        members[1].1 = Value::Number(self.written as f64);
        let mut body = BytesMut::new();
        Value::from(script::ON_METADATA).write(&mut body);
        Value::ecma_array(members.iter().cloned()).write(&mut body);
        let at = self.epoch;
        let packet = Packet { kind: PacketKind::Data, ..Packet::metadata(at, Metadata::default()) };
        // A description is a few hundred bytes: it always fits.
        let _ = Muxer::new(at).write(&Packet { data: body.freeze(), ..packet }, &mut self.buffer);
    }

    fn flush_buffer(&mut self) -> io::Result<()> {
        self.out.write_all(&self.buffer)?;
        self.written += self.buffer.len() as u64;
        Ok(())
    }
}

fn cannot_carry(error: ErrorKind) -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, error)
}
