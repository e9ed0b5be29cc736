//! The outline of an MP4 file (ISO/IEC 14496-12 section 4.2): where its boxes are, and whether the tables in its index
//! are as long as they say.
//!
//! The parser that reads the index reserves memory by the counts it finds, so they are held against the bytes that are
//! there beforehand.

use std::io::{self, Read, Seek, SeekFrom};

/// An index larger than this is none: a day of 60 pictures per second takes about 80 MB.
const MAX_INDEX: u64 = 256 << 20;

/// The smallest box: its size and its kind.
const MIN_BOX: usize = 8;

/// Sample descriptions per track. More than a few are never seen.
const MAX_DESCRIPTIONS: u32 = 16;

/// Why an MP4 file cannot be read.
#[derive(Debug)]
pub(super) enum OutlineError {
    Io(io::Error),
    Damaged(&'static str),
    Unsupported(&'static str),
}

impl From<io::Error> for OutlineError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// A box header.
#[derive(Clone, Copy, Debug)]
struct Header {
    kind: [u8; 4],
    /// Bytes of the header itself.
    head: u64,
    /// Bytes in all.
    size: u64,
}

/// Reads a box header from the front of `bytes`; a box that goes to the end of the `available` bytes may say 0.
fn parse_header(bytes: &[u8], available: u64) -> Option<Header> {
    let size = u32::from_be_bytes(*bytes.first_chunk()?);
    let kind = *bytes.get(4..)?.first_chunk()?;
    let (head, size) = match size {
        0 => (8, available),
        1 => (16, u64::from_be_bytes(*bytes.get(8..)?.first_chunk()?)),
        size => (8, u64::from(size)),
    };
    (size >= head).then_some(Header { kind, head, size })
}

/// Finds the index (`moov`) of a file of `len` bytes and returns it whole, with its header.
pub(super) fn read_index<R: Read + Seek>(file: &mut R, len: u64) -> Result<Vec<u8>, OutlineError> {
    let mut at = 0;
    let mut cut_short = false;
    while at < len {
        let mut bytes = [0; 16];
        file.seek(SeekFrom::Start(at))?;
        let filled = super::super::read_up_to(file, &mut bytes)?;
        let Some(header) = parse_header(&bytes[..filled], len - at) else { break };
        let end = at.saturating_add(header.size);
        cut_short |= end > len;
        match &header.kind {
            b"moof" => return Err(OutlineError::Unsupported("fragmented MP4 is not supported")),
            b"moov" if cut_short => break,
            b"moov" if header.size > MAX_INDEX => {
                return Err(OutlineError::Damaged("its index is implausibly long"));
            }
            b"moov" => {
                let mut index = vec![0; header.size as usize];
                file.seek(SeekFrom::Start(at))?;
                file.read_exact(&mut index)?;
                return Ok(index);
            }
            _ => at = end,
        }
    }
    Err(OutlineError::Damaged("it has no index (moov): it is truncated, or its recording never ended"))
}

/// What the outline of an index says that the parser does not.
#[derive(Debug, Default)]
pub(super) struct Outline {
    /// The code of the first sample description of each track.
    pub(super) formats: Vec<[u8; 4]>,
    /// Samples come in fragments.
    pub(super) fragmented: bool,
    /// What kind of media the track being walked has.
    handler: [u8; 4],
}

/// Walks the index and checks that every box fits into the one around it and every table into its box. What nobody
/// needs is made free space, so that the parser passes it over.
pub(super) fn check_index(index: &mut [u8]) -> Result<Outline, OutlineError> {
    let mut outline = Outline::default();
    walk(index, 0, &mut outline)?;
    Ok(outline)
}

fn walk(mut boxes: &mut [u8], depth: usize, outline: &mut Outline) -> Result<(), OutlineError> {
    const DEEPEST: usize = 10;
    if depth > DEEPEST {
        return Err(OutlineError::Damaged("its index is damaged: boxes are nested too deeply"));
    }
    // A few zeros at the end are how QuickTime ends a list.
    while boxes.len() >= MIN_BOX {
        let header = parse_header(boxes, boxes.len() as u64)
            .filter(|header| header.size <= boxes.len() as u64)
            .ok_or(OutlineError::Damaged("its index is damaged: a box is longer than what it lies in"))?;
        let (this, rest) = boxes.split_at_mut(header.size as usize);
        boxes = rest;
        if matches!(&header.kind, b"udta" | b"meta") {
            this[4..MIN_BOX].copy_from_slice(b"free");
            continue;
        }
        look_into(header.kind, &mut this[header.head as usize..], depth, outline)?;
    }
    Ok(())
}

fn look_into(
    kind: [u8; 4],
    content: &mut [u8],
    depth: usize,
    outline: &mut Outline,
) -> Result<(), OutlineError> {
    match &kind {
        b"trak" => {
            outline.formats.push(*b"none");
            outline.handler = *b"none";
            walk(content, depth + 1, outline)?;
        }
        b"moov" | b"edts" | b"mdia" | b"minf" | b"stbl" | b"wave" | b"sinf" | b"schi" => {
            walk(content, depth + 1, outline)?;
        }
        b"hdlr" => {
            outline.handler =
                content.get(8..).and_then(|rest| rest.first_chunk()).copied().unwrap_or_default()
        }
        b"mvex" => outline.fragmented = true,
        b"pssh" => return Err(OutlineError::Unsupported("encrypted MP4 is not supported")),
        b"stsd" => {
            check_table(content, 4, MIN_BOX as u64)?;
            check_descriptions(content, depth, outline)?;
        }
        b"elst" => check_table(content, 4, if content.first() == Some(&1) { 20 } else { 12 })?,
        b"stts" | b"ctts" | b"co64" => check_table(content, 4, 8)?,
        b"stss" | b"stco" => check_table(content, 4, 4)?,
        b"stsc" => check_table(content, 4, 12)?,
        // A common size of all samples comes first; there is a table only when it is 0.
        b"stsz" => check_table(content, 8, if content.get(4..8) == Some(&[0; 4]) { 4 } else { 0 })?,
        _ => {}
    }
    Ok(())
}

/// Checks a table whose 32-bit count lies at `count_at` and whose entries have `entry` bytes.
fn check_table(content: &[u8], count_at: usize, entry: u64) -> Result<(), OutlineError> {
    let fits = be_u32(content, count_at).is_some_and(|count| {
        let room = content.len() - count_at - 4;
        u64::from(count) * entry <= room as u64
    });
    if fits {
        Ok(())
    } else {
        Err(OutlineError::Damaged("its index is damaged: a table is shorter than it says"))
    }
}

/// Remembers the code of the first sample description, and walks the boxes in all of them.
fn check_descriptions(content: &mut [u8], depth: usize, outline: &mut Outline) -> Result<(), OutlineError> {
    if be_u32(content, 4).is_none_or(|count| count > MAX_DESCRIPTIONS) {
        return Err(OutlineError::Damaged("its index is damaged: a track has too many sample descriptions"));
    }
    let mut entries = content.get_mut(8..).unwrap_or_default();
    if let Some((format, first)) = outline.formats.last_mut().zip(parse_header(entries, entries.len() as u64))
    {
        *format = first.kind;
    }
    while entries.len() >= MIN_BOX {
        let header = parse_header(entries, entries.len() as u64)
            .filter(|header| header.size <= entries.len() as u64)
            .ok_or(OutlineError::Damaged("its index is damaged: a sample description is too long"))?;
        let (this, rest) = entries.split_at_mut(header.size as usize);
        entries = rest;
        let entry = &mut this[header.head as usize..];
        let fields = description_fields(outline.handler, entry);
        walk(entry.get_mut(fields..).unwrap_or_default(), depth + 1, outline)?;
    }
    Ok(())
}

/// Bytes of fields before the boxes in a sample description (sections 12.1.3 and 12.2.3, and QuickTime's version 1).
fn description_fields(handler: [u8; 4], entry: &[u8]) -> usize {
    match (&handler, entry.get(8..10)) {
        (b"soun", Some([0, 1])) => 44,
        (b"soun", Some([0, 2])) => 64,
        (b"soun", _) => 28,
        _ => 78,
    }
}

fn be_u32(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|number| u32::from_be_bytes(*number))
}
