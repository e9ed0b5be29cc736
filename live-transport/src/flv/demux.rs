//! From bytes to tags.

use super::tag::TagHeader;
use super::{Error, ErrorKind, Header, Tag, TagKind};
use bytes::{Buf, BytesMut};

/// Cuts a byte stream into tags, however it arrives.
///
/// Sans-IO: the caller appends what it has read to a buffer and calls [`read`](Self::read) until it asks for more. At
/// most one tag (16 MiB) is ever waited for. A wrong back pointer is ignored as long as a tag follows it. A file header
/// in the middle of the stream, which relays leave behind when they change their source, begins anew.
#[derive(Clone, Debug, Default)]
pub struct Demuxer {
    state: State,
    header: Option<Header>,
    /// Bytes taken from the input so far.
    offset: u64,
    tags: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Header,
    /// Bytes of a header that is longer than it has to be.
    HeaderRest(u32),
    /// The back pointer after `tag`, or after the header.
    BackPointer(Option<TagHeader>),
    TagHeader,
    Body(TagHeader),
}

impl Demuxer {
    /// A demuxer at the start of a file or stream.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What the file header said, once it has been read. See there for how much it is worth.
    #[must_use]
    pub const fn header(&self) -> Option<Header> {
        self.header
    }

    /// Bytes taken from the input so far.
    #[must_use]
    pub const fn offset(&self) -> u64 {
        self.offset
    }

    /// Takes the next tag from the front of `input`; `None` when there is more needed for it, which the caller appends
    /// to `input`. The body is a slice of the memory of `input`.
    ///
    /// # Errors
    /// When this is not FLV, or the place of the next tag is lost. Nothing more can be read then.
    pub fn read(&mut self, input: &mut BytesMut) -> Result<Option<Tag>, Error> {
        loop {
            match self.state {
                State::Header => {
                    let Some(&header) = input.first_chunk() else {
                        return self.check_signature(input).map(|()| None);
                    };
                    self.check_signature(input)?;
                    self.start(header)?;
                    self.advance(input, Header::LEN);
                }
                State::HeaderRest(rest) => {
                    let skipped = input.len().min(rest as usize);
                    self.advance(input, skipped);
                    match rest - skipped as u32 {
                        0 => self.state = State::BackPointer(None),
                        more => {
                            self.state = State::HeaderRest(more);
                            return Ok(None);
                        }
                    }
                }
                State::BackPointer(before) => {
                    let Some(&pointer) = input.first_chunk() else { return Ok(None) };
                    self.check_sync(before, u32::from_be_bytes(pointer))?;
                    self.advance(input, pointer.len());
                    self.state = State::TagHeader;
                }
                State::TagHeader => {
                    if input.starts_with(&Header::SIGNATURE) {
                        self.state = State::Header;
                        continue;
                    }
                    let Some(&header) = input.first_chunk() else { return Ok(None) };
                    self.state = State::Body(TagHeader::parse(header));
                    self.advance(input, header.len());
                }
                State::Body(header) => {
                    let size = header.size as usize;
                    if input.len() < size {
                        return Ok(None);
                    }
                    self.offset += size as u64;
                    self.tags += 1;
                    self.state = State::BackPointer(Some(header));
                    return Ok(Some(header.with_body(input.split_to(size).freeze())));
                }
            }
        }
    }

    /// Says whether the input may end here, with `rest` left over: after the file header or any whole tag, its back
    /// pointer or not.
    ///
    /// # Errors
    /// [`Truncated`](ErrorKind::Truncated), or that this is not FLV.
    pub fn finish(&self, rest: &[u8]) -> Result<(), Error> {
        match self.state {
            State::BackPointer(_) => Ok(()),
            State::TagHeader if rest.is_empty() => Ok(()),
            State::Header => self.check_signature(rest).and(Err(self.error(ErrorKind::Truncated))),
            _ => Err(self.error(ErrorKind::Truncated)),
        }
    }

    fn advance(&mut self, input: &mut BytesMut, len: usize) {
        input.advance(len);
        self.offset += len as u64;
    }

    const fn error(&self, kind: ErrorKind) -> Error {
        Error { kind, offset: self.offset, tag: self.tags }
    }

    /// Judges as many bytes as there are, so that a peer that sends something else is found out at once.
    fn check_signature(&self, input: &[u8]) -> Result<(), Error> {
        let there = input.len().min(Header::SIGNATURE.len());
        if input[..there] == Header::SIGNATURE[..there] {
            return Ok(());
        }
        let mut found = [0; 4];
        let shown = input.len().min(found.len());
        found[..shown].copy_from_slice(&input[..shown]);
        Err(self.error(ErrorKind::NotFlv { found }))
    }

    /// Takes note of a file header whose signature is right. Its version is not judged: there has only been one.
    fn start(&mut self, header: [u8; Header::LEN]) -> Result<(), Error> {
        const LONGEST: u32 = 1 << 16;
        let [.., flags, l0, l1, l2, l3] = header;
        let len = u32::from_be_bytes([l0, l1, l2, l3]);
        if len > LONGEST {
            return Err(self.error(ErrorKind::HeaderTooLong(len)));
        }
        self.header = Some(Header::from_flags(flags));
        self.state = State::HeaderRest(len.saturating_sub(Header::LEN as u32));
        Ok(())
    }

    /// Tags of an unknown kind are passed over only while the back pointer behind them proves that they are tags.
    fn check_sync(&self, before: Option<TagHeader>, pointer: u32) -> Result<(), Error> {
        let Some(before) = before else { return Ok(()) };
        let is_known = !matches!(before.kind, TagKind::Other(_));
        if is_known || pointer == before.size + Tag::HEADER_LEN as u32 {
            return Ok(());
        }
        Err(self.error(ErrorKind::LostSync))
    }
}
