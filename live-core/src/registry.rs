//! Codec backends as rows of a table.
//!
//! A row has a name, says what it can do, and opens a codec. Which row serves a session is decided by a
//! [`Selection`], in one written order of preference: *named by the user, then hardware, then ffmpeg, then embedded*.
//! Within a rank the row that was registered first is tried first. A row that refuses is passed over and told about,
//! never silently.

use crate::error::{CodecError, CodecErrorKind};
use crate::packet::{Codec, Packet};
use crate::traits::{
    AudioDecoder, AudioEncoder, AudioEncoderConfig, VideoDecoder, VideoEncoder, VideoEncoderConfig,
};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// Where a backend comes from; the order of the variants is the order of preference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Provenance {
    /// Silicon made for it.
    Hardware,
    /// FFmpeg's libraries, found on the system.
    Ffmpeg,
    /// Compiled into this program.
    Embedded,
}

/// Stands for the hardware that was asked for and is not there, in the refusal that says so.
pub const HARDWARE: &str = "hardware";

/// Which backends may serve.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Selection {
    /// All, in the order of preference.
    #[default]
    Auto,
    /// Hardware first, the others if it refuses.
    Hardware,
    /// No hardware.
    Software,
    /// The one with this name, the others if it refuses.
    Named(String),
}

impl FromStr for Selection {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "auto" => Self::Auto,
            "hardware" => Self::Hardware,
            "software" => Self::Software,
            name => Self::Named(name.to_owned()),
        })
    }
}

impl fmt::Display for Selection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::Hardware => "hardware",
            Self::Software => "software",
            Self::Named(name) => name,
        })
    }
}

/// One backend for one format: `C` is what it is opened with, `T` what it gives.
///
/// The codec is opened on the worker thread that will use it and never leaves it, so `T` need not be `Send`.
pub struct Row<C: ?Sized, T: ?Sized> {
    /// Its name, as users select it and events report it.
    pub name: &'static str,
    /// Where it comes from.
    pub provenance: Provenance,
    /// The format it makes or reads.
    pub codec: Codec,
    open: Arc<Open<C, T>>,
}

type Open<C, T> = dyn Fn(&C) -> Result<Box<T>, CodecError> + Send + Sync;

impl<C: ?Sized, T: ?Sized> Row<C, T> {
    /// A row that opens its codec with `open`. A refusal is an error of kind [`CodecErrorKind::Open`] or
    /// [`CodecErrorKind::Unsupported`].
    pub fn new(
        name: &'static str,
        provenance: Provenance,
        codec: Codec,
        open: impl Fn(&C) -> Result<Box<T>, CodecError> + Send + Sync + 'static,
    ) -> Self {
        Self { name, provenance, codec, open: Arc::new(open) }
    }

    /// Opens the codec.
    pub fn open(&self, config: &C) -> Result<Box<T>, CodecError> {
        (self.open)(config)
    }
}

impl<C: ?Sized, T: ?Sized> Clone for Row<C, T> {
    fn clone(&self) -> Self {
        Self { name: self.name, provenance: self.provenance, codec: self.codec, open: Arc::clone(&self.open) }
    }
}

impl<C: ?Sized, T: ?Sized> fmt::Debug for Row<C, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Row")
            .field("name", &self.name)
            .field("provenance", &self.provenance)
            .field("codec", &self.codec)
            .finish()
    }
}

/// A video encoder's row.
pub type VideoEncoderRow = Row<VideoEncoderConfig, dyn VideoEncoder>;
/// A video decoder's row; opened with the stream's first configuration packet.
pub type VideoDecoderRow = Row<Packet, dyn VideoDecoder>;
/// An audio encoder's row.
pub type AudioEncoderRow = Row<AudioEncoderConfig, dyn AudioEncoder>;
/// An audio decoder's row; opened with the stream's first configuration packet.
pub type AudioDecoderRow = Row<Packet, dyn AudioDecoder>;

/// The backends a session may use. Plain data: build one, fill it with the `register_enabled` of the codec crates
/// and with rows of your own, and hand it to a builder.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    /// Video encoders.
    pub video_encoders: Table<VideoEncoderConfig, dyn VideoEncoder>,
    /// Video decoders.
    pub video_decoders: Table<Packet, dyn VideoDecoder>,
    /// Audio encoders.
    pub audio_encoders: Table<AudioEncoderConfig, dyn AudioEncoder>,
    /// Audio decoders.
    pub audio_decoders: Table<Packet, dyn AudioDecoder>,
}

/// The rows of one kind.
pub struct Table<C: ?Sized, T: ?Sized>(Vec<Row<C, T>>);

/// A codec that opened, and what happened before it did.
pub struct Opened<T: ?Sized> {
    /// The codec.
    pub codec: Box<T>,
    /// Its row's name.
    pub backend: &'static str,
    /// Where it comes from.
    pub provenance: Provenance,
    /// The rows that were tried before and refused.
    pub refusals: Vec<CodecError>,
}

impl<T: ?Sized> fmt::Debug for Opened<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opened").field("backend", &self.backend).field("refusals", &self.refusals).finish()
    }
}

impl<C: ?Sized, T: ?Sized> Table<C, T> {
    /// Adds a row behind those of its rank.
    pub fn add(&mut self, row: Row<C, T>) {
        self.0.push(row);
    }

    /// All rows, in the order they were added.
    pub fn rows(&self) -> impl Iterator<Item = &Row<C, T>> {
        self.0.iter()
    }

    /// The rows for `codec` that `selection` allows, in the order they are tried.
    #[must_use]
    pub fn candidates(&self, codec: Codec, selection: &Selection) -> Vec<&Row<C, T>> {
        let allowed = |row: &&Row<C, T>| {
            row.codec == codec
                && (*selection != Selection::Software || row.provenance != Provenance::Hardware)
        };
        let mut rows: Vec<_> = self.0.iter().filter(allowed).collect();
        let named = |row: &Row<C, T>| matches!(selection, Selection::Named(name) if name == row.name);
        rows.sort_by_key(|row| (!named(row), row.provenance));
        rows
    }

    /// Opens the first candidate that does not refuse.
    ///
    /// # Errors
    /// The last refusal, or one of the registry itself when there is no candidate or the one that was named does
    /// not exist; the message lists what there is.
    pub fn open(&self, codec: Codec, selection: &Selection, config: &C) -> Result<Opened<T>, CodecError> {
        let candidates = self.candidates(codec, selection);
        if let Selection::Named(name) = selection
            && !candidates.iter().any(|row| row.name == name)
        {
            return Err(self.missing(codec, &format!("there is no backend named `{name}` for {codec}")));
        }
        let mut refusals = Vec::new();
        if *selection == Selection::Hardware
            && candidates.iter().all(|row| row.provenance != Provenance::Hardware)
        {
            let none = "no hardware backend is compiled in";
            refusals.push(CodecError::new(CodecErrorKind::Open, HARDWARE, none));
        }
        for row in candidates {
            match row.open(config) {
                Ok(codec) => {
                    return Ok(Opened { codec, backend: row.name, provenance: row.provenance, refusals });
                }
                Err(refusal) => refusals.push(refusal),
            }
        }
        let none = || self.missing(codec, &format!("no backend for {codec} is compiled in"));
        Err(refusals.pop().unwrap_or_else(none))
    }

    fn missing(&self, codec: Codec, what: &str) -> CodecError {
        let names: Vec<_> = self.0.iter().filter(|row| row.codec == codec).map(|row| row.name).collect();
        let there_is = if names.is_empty() { "nothing".to_owned() } else { names.join(", ") };
        CodecError::new(CodecErrorKind::Open, "registry", format!("{what} (registered: {there_is})"))
    }
}

impl<C: ?Sized, T: ?Sized> Default for Table<C, T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<C: ?Sized, T: ?Sized> Clone for Table<C, T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<C: ?Sized, T: ?Sized> fmt::Debug for Table<C, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.0).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Names = Table<str, str>;

    fn row(name: &'static str, provenance: Provenance, opens: bool) -> Row<str, str> {
        Row::new(name, provenance, Codec::H264, move |config: &str| {
            if opens {
                Ok(config.into())
            } else {
                Err(CodecError::new(CodecErrorKind::Open, name, "no device"))
            }
        })
    }

    fn table() -> Names {
        let mut table = Names::default();
        table.add(row("embedded", Provenance::Embedded, true));
        table.add(row("silicon", Provenance::Hardware, false));
        table.add(row("ffmpeg", Provenance::Ffmpeg, true));
        table
    }

    fn order(selection: &Selection) -> Vec<&'static str> {
        table().candidates(Codec::H264, selection).iter().map(|row| row.name).collect()
    }

    #[test]
    fn the_order_is_named_hardware_ffmpeg_embedded() {
        assert_eq!(order(&Selection::Auto), ["silicon", "ffmpeg", "embedded"]);
        assert_eq!(order(&Selection::Software), ["ffmpeg", "embedded"]);
        assert_eq!(order(&Selection::Named("embedded".into())), ["embedded", "silicon", "ffmpeg"]);
    }

    #[test]
    fn a_refusal_is_told_and_the_next_row_serves() {
        let opened = table().open(Codec::H264, &Selection::Hardware, "720p").unwrap();
        assert_eq!(opened.backend, "ffmpeg");
        assert_eq!(opened.refusals.len(), 1);
        assert_eq!(opened.refusals[0].backend, "silicon");
    }

    #[test]
    fn a_name_that_does_not_exist_lists_what_does() {
        let error = table().open(Codec::H264, &Selection::Named("x264".into()), "").unwrap_err().to_string();
        assert!(error.contains("x264") && error.contains("embedded, silicon, ffmpeg"), "{error}");
    }
}
