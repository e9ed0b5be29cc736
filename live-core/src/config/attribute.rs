//! Attributes as rows of a table: the one place that connects a name, a field and what is allowed.

use super::{ConfigError, Mistake};
use crate::url::StreamUrl;
use serde::de::{MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::marker::PhantomData;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

/// What an attribute may be set to.
#[derive(Clone, Debug, PartialEq)]
pub enum Allowed {
    /// `true` or `false`.
    Bool,
    /// A whole number in a range.
    Number(RangeInclusive<u32>),
    /// A number of seconds in a range.
    Seconds(RangeInclusive<f64>),
    /// One of these words, in any case.
    Words(&'static [&'static str]),
    /// Something a sentence explains.
    Text(&'static str),
}

impl fmt::Display for Allowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool => f.write_str("true or false"),
            Self::Number(range) => write!(f, "a whole number from {} to {}", range.start(), range.end()),
            Self::Seconds(range) => write!(f, "seconds from {} to {}", range.start(), range.end()),
            Self::Words(words) => f.write_str(&words.join(", ")),
            Self::Text(text) => f.write_str(text),
        }
    }
}

/// An attribute's value between the field and its text or JSON form.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub(super) enum Value {
    Unset,
    Bool(bool),
    Number(u32),
    Seconds(f64),
    Text(String),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unset => Ok(()),
            Self::Bool(value) => value.fmt(f),
            Self::Number(value) => value.fmt(f),
            Self::Seconds(value) => value.fmt(f),
            Self::Text(value) => value.fmt(f),
        }
    }
}

/// A type of field an attribute can have.
pub(super) trait AttributeValue: Sized {
    /// Reads the text form. The error says what is wrong where the table's [`Allowed`] would say too little.
    fn read(text: &str) -> Result<Self, Option<String>>;

    fn value(&self) -> Value;
}

impl AttributeValue for bool {
    fn read(text: &str) -> Result<Self, Option<String>> {
        text.parse().map_err(|_| None)
    }

    fn value(&self) -> Value {
        Value::Bool(*self)
    }
}

impl AttributeValue for u32 {
    fn read(text: &str) -> Result<Self, Option<String>> {
        text.parse().map_err(|_| None)
    }

    fn value(&self) -> Value {
        Value::Number(*self)
    }
}

impl AttributeValue for Duration {
    fn read(text: &str) -> Result<Self, Option<String>> {
        text.parse().ok().and_then(|seconds| Self::try_from_secs_f64(seconds).ok()).ok_or(None)
    }

    fn value(&self) -> Value {
        Value::Seconds(self.as_secs_f64())
    }
}

impl AttributeValue for String {
    fn read(text: &str) -> Result<Self, Option<String>> {
        Ok(text.to_owned())
    }

    fn value(&self) -> Value {
        Value::Text(self.clone())
    }
}

impl AttributeValue for PathBuf {
    fn read(text: &str) -> Result<Self, Option<String>> {
        if text.is_empty() { Err(None) } else { Ok(Self::from(text)) }
    }

    fn value(&self) -> Value {
        Value::Text(self.to_string_lossy().into_owned())
    }
}

impl AttributeValue for StreamUrl {
    fn read(text: &str) -> Result<Self, Option<String>> {
        Self::parse(text).map_err(|error| Some(error.to_string()))
    }

    fn value(&self) -> Value {
        Value::Text(self.reveal())
    }
}

impl<T: AttributeValue> AttributeValue for Option<T> {
    fn read(text: &str) -> Result<Self, Option<String>> {
        T::read(text).map(Some)
    }

    fn value(&self) -> Value {
        self.as_ref().map_or(Value::Unset, T::value)
    }
}

/// One attribute of the configuration `C`.
#[derive(Debug)]
pub struct Attribute<C> {
    /// The specification's name, in kebab case.
    pub name: &'static str,
    /// What it does, in a line.
    pub help: &'static str,
    /// What it may be set to.
    pub allowed: Allowed,
    pub(super) read: fn(&mut C, &str) -> Result<(), Option<String>>,
    pub(super) value: fn(&C) -> Value,
}

/// A row of an attribute table: name, field, what is allowed, help.
macro_rules! attribute {
    ($name:literal, $field:ident, $allowed:expr, $help:literal) => {
        Attribute {
            name: $name,
            help: $help,
            allowed: $allowed,
            read: |config, text| {
                config.$field = AttributeValue::read(text)?;
                Ok(())
            },
            value: |config| config.$field.value(),
        }
    };
}

pub(super) use attribute;

impl<C> Attribute<C> {
    /// Sets the attribute from text, as [`PusherConfig::set`](super::PusherConfig::set) does.
    pub(super) fn set(&self, config: &mut C, text: &str) -> Result<(), Mistake> {
        (self.read)(config, text).map_err(|problem| match problem {
            // A problem that explains itself belongs to an address, whose text may hold secrets.
            Some(problem) => Mistake::new(self.name, problem),
            None => self.not_allowed(&format!("\"{text}\"")),
        })
    }

    /// The mistake in the current value as far as it concerns this attribute alone.
    pub(super) fn check(&self, config: &C) -> Option<Mistake> {
        let value = (self.value)(config);
        let good = match (&value, &self.allowed) {
            (Value::Number(number), Allowed::Number(range)) => range.contains(number),
            (Value::Seconds(seconds), Allowed::Seconds(range)) => range.contains(seconds),
            _ => true,
        };
        (!good).then(|| self.not_allowed(&value.to_string()))
    }

    fn not_allowed(&self, value: &str) -> Mistake {
        Mistake::new(self.name, format!("expected {}", self.allowed)).with_value(value)
    }
}

/// A configuration that is described by a table of attributes.
pub(super) trait Configuration: Default + 'static {
    const ATTRIBUTES: &'static [Attribute<Self>];

    fn set_attribute(&mut self, name: &str, text: &str) -> Result<(), Mistake> {
        let attribute = Self::ATTRIBUTES.iter().find(|attribute| attribute.name == name);
        attribute.ok_or_else(|| unknown::<Self>(name))?.set(self, text)
    }

    fn serialize_attributes<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for attribute in Self::ATTRIBUTES {
            let value = (attribute.value)(self);
            if value != Value::Unset {
                map.serialize_entry(attribute.name, &value)?;
            }
        }
        map.end()
    }

    fn deserialize_attributes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(AttributesVisitor(PhantomData))
    }
}

fn unknown<C: Configuration>(name: &str) -> Mistake {
    let names: Vec<&str> = C::ATTRIBUTES.iter().map(|attribute| attribute.name).collect();
    Mistake::new(name, format!("there is no such attribute; there are {}", names.join(", ")))
}

struct AttributesVisitor<C>(PhantomData<C>);

impl<'de, C: Configuration> Visitor<'de> for AttributesVisitor<C> {
    type Value = C;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map of attributes")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<C, A::Error> {
        let mut config = C::default();
        let mut mistakes = Vec::new();
        while let Some((name, scalar)) = map.next_entry::<String, Scalar>()? {
            match scalar {
                Scalar::Null => {}
                Scalar::Text(text) => mistakes.extend(config.set_attribute(&name, &text).err()),
            }
        }
        ConfigError::unless_empty(mistakes).map_err(serde::de::Error::custom)?;
        Ok(config)
    }
}

/// A value of a document in its text form. Numbers and booleans may be quoted: markup has only strings.
enum Scalar {
    Null,
    Text(String),
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ScalarVisitor)
    }
}

struct ScalarVisitor;

impl Visitor<'_> for ScalarVisitor {
    type Value = Scalar;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("true, false, a number or a text")
    }

    fn visit_unit<E>(self) -> Result<Scalar, E> {
        Ok(Scalar::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Scalar, E> {
        Ok(Scalar::Text(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Scalar, E> {
        Ok(Scalar::Text(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Scalar, E> {
        Ok(Scalar::Text(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Scalar, E> {
        Ok(Scalar::Text(value.to_string()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Scalar, E> {
        Ok(Scalar::Text(value.to_owned()))
    }
}

/// Serde by the attribute table.
macro_rules! serde_by_attributes {
    ($config:ty) => {
        impl serde::Serialize for $config {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                self.serialize_attributes(serializer)
            }
        }

        impl<'de> serde::Deserialize<'de> for $config {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::deserialize_attributes(deserializer)
            }
        }
    };
}

pub(super) use serde_by_attributes;
