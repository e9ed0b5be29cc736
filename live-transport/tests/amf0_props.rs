//! AMF0 for any value and any bytes.

use bytes::BytesMut;
use live_transport::amf0::{Value, read_all};
use proptest::collection::vec;
use proptest::prelude::*;

fn value() -> impl Strategy<Value = Value> {
    let text = ".{0,12}";
    let leaf = prop_oneof![
        // NaN is equal to nothing, so the rules have a test of its own.
        any::<f64>().prop_filter("equality", |number| !number.is_nan()).prop_map(Value::Number),
        any::<bool>().prop_map(Value::Boolean),
        text.prop_map(Value::String),
        text.prop_map(Value::XmlDocument),
        Just(Value::Null),
        Just(Value::Undefined),
        Just(Value::Unsupported),
        (-1e15..1e15, any::<i16>()).prop_map(|(millis, zone)| Value::Date { millis, zone }),
    ];
    leaf.prop_recursive(4, 48, 6, move |inner| {
        let members = vec((text, inner.clone()), 0..6);
        prop_oneof![
            members.clone().prop_map(Value::Object),
            members.clone().prop_map(Value::EcmaArray),
            (text, members).prop_map(|(class, members)| Value::TypedObject { class, members }),
            vec(inner, 0..6).prop_map(Value::StrictArray),
        ]
    })
}

fn message(values: &[Value]) -> BytesMut {
    let mut out = BytesMut::new();
    values.iter().for_each(|value| value.write(&mut out));
    out
}

proptest! {
    #[test]
    fn what_is_written_is_read(values in vec(value(), 0..4)) {
        prop_assert_eq!(read_all(&message(&values)), Ok(values));
    }

    #[test]
    fn a_cut_message_is_an_error_or_shorter(values in vec(value(), 1..4), cut in any::<prop::sample::Index>()) {
        let bytes = message(&values);
        let cut = cut.index(bytes.len());
        if let Ok(read) = read_all(&bytes[..cut]) {
            prop_assert!(read.len() <= values.len());
        }
    }

    #[test]
    fn t90_any_bytes_are_read_or_refused(bytes in vec(prop_oneof![any::<u8>(), 0_u8..0x12], 0..200)) {
        let _ = read_all(&bytes);
    }

    #[test]
    fn t90_any_amf3_bytes_are_read_or_refused(bytes in vec(prop_oneof![any::<u8>(), 0_u8..0x0D], 0..200)) {
        let _ = read_all(&[&[0x11], &bytes[..]].concat());
    }

    #[test]
    fn t90_mutated_messages_are_read_or_refused(
        values in vec(value(), 1..4),
        changes in vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut bytes = message(&values);
        for (place, byte) in changes {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        let _ = read_all(&bytes);
    }
}
