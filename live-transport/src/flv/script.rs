//! Script data (E.4.4): `onMetaData` and everything else that is a name and AMF0 values.

use crate::amf0::{self, Reader, Value};
use bytes::BytesMut;
use live_core::{Codec, Metadata};
use std::time::Duration;

/// The name of the description of the stream.
pub const ON_METADATA: &str = "onMetaData";
/// What RTMP publishers put before it, to say that the server shall keep it.
const SET_DATA_FRAME: &str = "@setDataFrame";

/// Nominal rates and sizes above this are mistakes; it also keeps conversions exact.
const MAX_PLAUSIBLE: f64 = 1e9;

/// The metadata in the script data `body`; `None` when it is about something else.
///
/// Only the name and the description are read: what follows them is nobody's business.
///
/// # Errors
/// When the body is not AMF0.
pub fn read_metadata(body: &[u8]) -> Result<Option<Metadata>, amf0::Error> {
    let mut reader = Reader::new(body);
    let mut name = reader.read()?;
    if name.as_str() == Some(SET_DATA_FRAME) && !reader.is_at_end() {
        name = reader.read()?;
    }
    if name.as_str() != Some(ON_METADATA) {
        return Ok(None);
    }
    let description = if reader.is_at_end() { Value::Null } else { reader.read()? };
    Ok(Some(metadata(&description)))
}

/// What `description`, the argument of `onMetaData`, says. Members that are missing, not plausible or of another type
/// are `None`; numbers written as text are read.
#[must_use]
pub fn metadata(description: &Value) -> Metadata {
    let positive = |name: &str| description.get(name).and_then(number).filter(|number| *number > 0.0);
    let whole = |name: &str| positive(name).map(|number| number.round() as u32);
    Metadata {
        width: whole("width"),
        height: whole("height"),
        frame_rate: positive("framerate").or_else(|| positive("videoframerate")),
        video_kbps: positive("videodatarate"),
        audio_kbps: positive("audiodatarate"),
        sample_rate: whole("audiosamplerate"),
        channels: channels(description),
        duration: positive("duration").and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()),
        encoder: description.get("encoder").and_then(Value::as_str).map(str::to_owned),
    }
}

/// A number that can be true, also when written as text.
fn number(value: &Value) -> Option<f64> {
    let number = value.as_number().or_else(|| value.as_str()?.trim().parse().ok())?;
    (number.is_finite() && number.abs() <= MAX_PLAUSIBLE).then_some(number)
}

/// `audiochannels`, which newer encoders write, else `stereo`.
fn channels(description: &Value) -> Option<u16> {
    let counted =
        description.get("audiochannels").and_then(number).filter(|count| (1.0..=64.0).contains(count));
    let stereo = || description.get("stereo").and_then(Value::as_bool);
    counted.map(|count| count as u16).or_else(|| stereo().map(|stereo| 1 + u16::from(stereo)))
}

/// Appends `onMetaData` with what `metadata` says. `audio` is the codec of the sound.
pub fn write_metadata(metadata: &Metadata, audio: Codec, out: &mut BytesMut) {
    Value::from(ON_METADATA).write(out);
    description(metadata, audio).write(out);
}

/// The argument of `onMetaData` for `metadata`: an ECMA array, as the specification has it.
#[must_use]
pub fn description(metadata: &Metadata, audio: Codec) -> Value {
    let mut members: Vec<(&str, Value)> = Vec::new();
    let mut add = |name, value: Option<Value>| members.extend(value.map(|value| (name, value)));
    add("duration", metadata.duration.map(|duration| duration.as_secs_f64().into()));
    add("width", metadata.width.map(Value::from));
    add("height", metadata.height.map(Value::from));
    add("framerate", metadata.frame_rate.map(Value::from));
    add("videocodecid", metadata.width.map(|_| Value::Number(7.0)));
    add("videodatarate", metadata.video_kbps.map(Value::from));
    add("audiosamplerate", metadata.sample_rate.map(Value::from));
    add("audiosamplesize", metadata.sample_rate.map(|_| Value::Number(16.0)));
    add("stereo", metadata.channels.map(|channels| (channels > 1).into()));
    add("audiochannels", metadata.channels.map(|channels| u32::from(channels).into()));
    let audio_id = if audio == Codec::Mp3 { 2.0 } else { 10.0 };
    add("audiocodecid", metadata.sample_rate.map(|_| Value::Number(audio_id)));
    add("audiodatarate", metadata.audio_kbps.map(Value::from));
    add("encoder", metadata.encoder.clone().map(Value::from));
    Value::ecma_array(members)
}
