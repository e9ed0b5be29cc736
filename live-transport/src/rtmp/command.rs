//! Commands: calls, answers and status notices, as AMF0 values in a message (RTMP section 7.2).

use super::chunk::{Message, MessageType};
use crate::amf0::{self, Reader, Value};
use bytes::{Bytes, BytesMut};
use std::fmt;

/// One command message.
#[derive(Clone, PartialEq)]
pub struct Command {
    /// What is called, or `_result`, `_error`, `onStatus`.
    pub name: String,
    /// Pairs a call with its answer; 0 when no answer is wanted.
    pub transaction: f64,
    /// The command object; null for most commands.
    pub object: Value,
    /// What follows.
    pub arguments: Vec<Value>,
}

/// Hides the values: stream names and tokens are among them.
impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Command")
            .field("name", &self.name)
            .field("transaction", &self.transaction)
            .field("arguments", &self.arguments.len())
            .finish_non_exhaustive()
    }
}

impl Command {
    /// A command without command object.
    pub fn new(name: &str, transaction: f64, arguments: impl Into<Vec<Value>>) -> Self {
        Self { name: name.to_owned(), transaction, object: Value::Null, arguments: arguments.into() }
    }

    /// A status notice (RTMP section 7.2.2).
    #[must_use]
    pub fn on_status(level: &str, code: &str, description: &str) -> Self {
        let info = [("level", level.into()), ("code", code.into()), ("description", description.into())];
        Self::new("onStatus", 0.0, [Value::object(info)])
    }

    /// Reads a command message of either type: the AMF3 one is a format byte and the same AMF0 values.
    ///
    /// # Errors
    /// The body is not a sequence of AMF0 values that starts with a name.
    pub fn parse(message: &Message) -> Result<Self, amf0::Error> {
        let mut reader = Reader::new(amf0_body(message));
        let name = reader.read()?.as_str().unwrap_or_default().to_owned();
        let transaction = if reader.is_at_end() { None } else { reader.read()?.as_number() };
        let object = if reader.is_at_end() { Value::Null } else { reader.read()? };
        let mut arguments = Vec::new();
        while !reader.is_at_end() {
            arguments.push(reader.read()?);
        }
        Ok(Self { name, transaction: transaction.unwrap_or(0.0), object, arguments })
    }

    /// The message that carries it on a message stream.
    #[must_use]
    pub fn message(&self, stream_id: u32) -> Message {
        let mut body = BytesMut::with_capacity(256);
        Value::from(self.name.as_str()).write(&mut body);
        Value::from(self.transaction).write(&mut body);
        self.object.write(&mut body);
        for argument in &self.arguments {
            argument.write(&mut body);
        }
        Message { timestamp: 0, kind: MessageType::COMMAND_AMF0, stream_id, payload: body.freeze() }
    }

    /// The information object of a status notice or of a refusal.
    #[must_use]
    pub fn info(&self) -> Info<'_> {
        // Refusals carry it as an argument, some peers as the command object.
        let object = self.arguments.iter().chain([&self.object]).find(|value| value.get("code").is_some());
        let text =
            |name| object.and_then(|object| object.get(name)).and_then(Value::as_str).unwrap_or_default();
        Info { level: text("level"), code: text("code"), description: text("description") }
    }
}

/// What a peer says about a stream or a call. Empty where it says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Info<'a> {
    /// `status`, `warning` or `error`.
    pub level: &'a str,
    /// A dotted code such as `NetStream.Publish.Start`.
    pub code: &'a str,
    /// A sentence for people.
    pub description: &'a str,
}

/// The AMF0 values of a command or data message, behind the format byte of its AMF3 form.
pub(super) fn amf0_body(message: &Message) -> &[u8] {
    match message.kind {
        MessageType::COMMAND_AMF3 | MessageType::DATA_AMF3 => message.payload.get(1..).unwrap_or_default(),
        _ => &message.payload,
    }
}

/// As [`amf0_body`], sharing the memory of the message.
pub(super) fn amf0_bytes(message: &Message) -> Bytes {
    message.payload.slice_ref(amf0_body(message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_read_as_they_are_written() {
        let mut command = Command::new("publish", 5.0, ["cam1".into(), "live".into()]);
        assert_eq!(Command::parse(&command.message(1)).unwrap(), command);
        command.object = Value::object([("app", "live".into())]);
        assert_eq!(Command::parse(&command.message(0)).unwrap(), command);
    }

    #[test]
    fn t35_type_17_is_a_format_byte_and_then_amf0() {
        let command = Command::new("createStream", 4.0, []);
        let mut message = command.message(0);
        message.kind = MessageType::COMMAND_AMF3;
        message.payload = [&[0][..], &message.payload].concat().into();
        assert_eq!(Command::parse(&message).unwrap(), command);
        message.payload = Bytes::new();
        assert!(Command::parse(&message).is_err());
    }

    #[test]
    fn the_information_object_is_found_in_either_place() {
        let status = Command::on_status("error", "NetStream.Publish.BadName", "taken");
        assert_eq!(
            status.info(),
            Info { level: "error", code: "NetStream.Publish.BadName", description: "taken" }
        );
        let swapped = Command { object: status.arguments[0].clone(), arguments: vec![], ..status.clone() };
        assert_eq!(swapped.info(), status.info());
    }
}
