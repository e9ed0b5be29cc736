//! The rules of AMF0 and AMF3 that implementations are known to break, by the numbers of the project's list.

use bytes::BytesMut;
use live_transport::amf0::{Error, ErrorKind, MAX_COST, MAX_DEPTH, Reader, Value, read_all};

fn one(message: &[u8]) -> Value {
    let mut reader = Reader::new(message);
    let value = reader.read().expect("the message is well formed");
    assert!(reader.is_at_end(), "bytes left after {value:?}");
    value
}

fn kind(message: &[u8]) -> ErrorKind {
    read_all(message).expect_err("the message breaks a rule").kind
}

fn written(value: &Value) -> BytesMut {
    let mut out = BytesMut::new();
    value.write(&mut out);
    out
}

#[test]
fn t61_ecma_array_count_is_advisory() {
    for count in [0_u8, 1, 200] {
        let message = [&[8, 0, 0, 0, count][..], b"\0\x01a\x05\0\x01b\x06\0\0\x09"].concat();
        assert_eq!(one(&message), Value::ecma_array([("a", Value::Null), ("b", Value::Undefined)]));
    }
}

#[test]
fn t61_ecma_array_may_lack_its_end_marker_at_the_end_of_the_message() {
    assert_eq!(one(b"\x08\0\0\0\x01\0\x01a\x05"), Value::ecma_array([("a", Value::Null)]));
    assert_eq!(kind(b"\x08\0\0\0\x01\0\x01a"), ErrorKind::UnexpectedEnd);
}

#[test]
fn t62_strict_array_has_exactly_its_count() {
    let message = b"\x0A\0\0\0\x02\x01\x01\x05\x02\0\x01x";
    let values = read_all(message).unwrap();
    assert_eq!(values[0].as_array(), Some(&[Value::Boolean(true), Value::Null][..]));
    assert_eq!(values[1].as_str(), Some("x"));
    assert_eq!(kind(b"\x0A\xFF\xFF\xFF\xFF\x05"), ErrorKind::UnexpectedEnd);
}

#[test]
fn t63_null_and_undefined_are_members_like_any_other() {
    let value = one(b"\x03\0\x01a\x05\0\x01b\x06\0\x01c\x01\x01\0\0\x09");
    assert!(value.get("a").is_some_and(Value::is_null));
    assert!(value.get("b").is_some_and(Value::is_null));
    assert_eq!(value.get("c").and_then(Value::as_bool), Some(true));
}

#[test]
fn t63_a_member_may_have_an_empty_name() {
    let value = Value::object([("", Value::Null), ("x", Value::from(1_u32))]);
    assert_eq!(one(&written(&value)), value);
}

#[test]
fn t64_a_reference_stands_for_an_earlier_object() {
    // [ {a: null}, reference 1 ]: the array itself is object 0, its first element object 1.
    let value = one(b"\x0A\0\0\0\x02\x03\0\x01a\x05\0\0\x09\x07\0\x01");
    let object = Value::object([("a", Value::Null)]);
    assert_eq!(value.as_array(), Some(&[object.clone(), object][..]));
}

#[test]
fn t64_a_reference_to_nothing_or_to_its_own_container_is_an_error() {
    assert_eq!(kind(b"\x07\0\0"), ErrorKind::BadReference(0));
    assert_eq!(kind(b"\x0A\0\0\0\x01\x07\0\0"), ErrorKind::BadReference(0));
}

#[test]
fn t65_long_strings_are_read_and_written() {
    assert_eq!(one(b"\x0C\0\0\0\x02hi").as_str(), Some("hi"));
    let long = Value::String("x".repeat(65_536));
    assert_eq!(written(&long)[0], 0x0C);
    assert_eq!(one(&written(&long)), long);
    let short = Value::String("x".repeat(65_535));
    assert_eq!(written(&short)[0], 0x02);
    assert_eq!(one(&written(&short)), short);
}

#[test]
fn t65_names_longer_than_the_format_allows_are_cut_between_characters() {
    let value = Value::object([("ä".repeat(40_000), Value::Null)]);
    let read = one(&written(&value));
    assert_eq!(read.members()[0].0, "ä".repeat(32_767));
}

#[test]
fn t66_depth_is_bounded() {
    let nested = |levels: usize| [b"\x0A\0\0\0\x01".repeat(levels), vec![5]].concat();
    assert!(read_all(&nested(MAX_DEPTH)).is_ok());
    assert_eq!(kind(&nested(MAX_DEPTH + 1)), ErrorKind::TooDeep);
    assert_eq!(kind(&nested(1_000_000)), ErrorKind::TooDeep);
}

#[test]
fn t66_count_is_bounded() {
    assert!(read_all(&vec![5; MAX_COST]).is_ok());
    assert_eq!(kind(&vec![5; MAX_COST + 1]), ErrorKind::TooLarge);
}

#[test]
fn t66_references_cannot_multiply_a_message_past_the_bound() {
    // Each array refers ten times to the one before it.
    let mut bomb = b"\x0A\0\0\0\x14".to_vec();
    bomb.extend(b"\x0A\0\0\0\x01\x05");
    for previous in 1..20_u8 {
        bomb.extend(b"\x0A\0\0\0\x0A");
        bomb.extend([7, 0, previous].repeat(10));
    }
    assert_eq!(kind(&bomb), ErrorKind::TooLarge);

    // A long text, copied by reference.
    let text = written(&Value::StrictArray(vec![Value::String("x".repeat(60_000))]));
    let copies = [b"\x0A\0\0\xFF\xFF".to_vec(), text.to_vec(), b"\x07\0\x01".repeat(65_534)].concat();
    assert_eq!(kind(&copies), ErrorKind::TooLarge);
}

#[test]
fn t67_date_keeps_its_zone() {
    let date = Value::Date { millis: 1.7e12, zone: -480 };
    assert_eq!(one(&written(&date)), date);
    assert_eq!(written(&date).len(), 11);
}

#[test]
fn t68_typed_object_keeps_its_class() {
    let value = one(b"\x10\0\x03foo\0\x01a\x05\0\0\x09");
    assert_eq!(value, Value::TypedObject { class: "foo".into(), members: vec![("a".into(), Value::Null)] });
    assert_eq!(one(&written(&value)), value);
}

#[test]
fn t69_u29_has_one_to_four_bytes_and_a_sign() {
    let integer = |bytes: &[u8]| one(&[&[0x11, 4], bytes].concat()).as_number();
    assert_eq!(integer(&[0x7F]), Some(127.0));
    assert_eq!(integer(&[0x81, 0x00]), Some(128.0));
    assert_eq!(integer(&[0xFF, 0x7F]), Some(16_383.0));
    assert_eq!(integer(&[0x81, 0x80, 0x00]), Some(16_384.0));
    assert_eq!(integer(&[0x80, 0xC0, 0x80, 0x00]), Some(2_097_152.0));
    assert_eq!(integer(&[0xBF, 0xFF, 0xFF, 0xFF]), Some(268_435_455.0));
    assert_eq!(integer(&[0xC0, 0x80, 0x80, 0x00]), Some(-268_435_456.0));
    assert_eq!(integer(&[0xFF, 0xFF, 0xFF, 0xFF]), Some(-1.0));
}

#[test]
fn t69_string_table_leaves_out_the_empty_string() {
    // ["", "ab", "ab" by reference 0]
    let value = one(b"\x11\x09\x07\x01\x06\x01\x06\x05ab\x06\x00");
    let texts: Vec<_> = value.as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert_eq!(texts, ["", "ab", "ab"]);
}

#[test]
fn t69_traits_are_shared_by_objects_of_one_class() {
    // Two objects of class "P" with one sealed member "x"; the second refers to the traits of the first and has
    // dynamic members no more than the first.
    let value = one(b"\x11\x09\x05\x01\x0A\x13\x03P\x03x\x04\x01\x0A\x01\x04\x02");
    let point = |x: u32| Value::TypedObject { class: "P".into(), members: vec![("x".into(), x.into())] };
    assert_eq!(value.as_array(), Some(&[point(1), point(2)][..]));
}

#[test]
fn t69_dynamic_members_and_named_array_elements() {
    let object = one(b"\x11\x0A\x0B\x01\x03a\x03\x03b\x01\x01");
    assert_eq!(object, Value::object([("a", Value::Boolean(true)), ("b", Value::Null)]));
    let array = one(b"\x11\x09\x03\x03k\x02\x01\x01");
    assert_eq!(array, Value::ecma_array([("k", Value::Boolean(false)), ("0", Value::Null)]));
}

#[test]
fn t69_amf3_references_are_checked() {
    assert_eq!(kind(b"\x11\x0A\x00"), ErrorKind::BadReference(0));
    assert_eq!(kind(b"\x11\x06\x08"), ErrorKind::BadReference(4));
    assert_eq!(kind(b"\x11\x0A\x05"), ErrorKind::BadReference(1));
    assert_eq!(kind(b"\x11\x0A\x07\x03P"), ErrorKind::Externalizable);
    assert_eq!(kind(&[0x11, 9, 0xFF, 0xFF, 0xFF, 0xFF, 1]), ErrorKind::UnexpectedEnd);
}

#[test]
fn t69_nan_and_infinity_are_numbers() {
    assert!(one(&written(&f64::NAN.into())).as_number().is_some_and(f64::is_nan));
    assert_eq!(one(&written(&f64::NEG_INFINITY.into())).as_number(), Some(f64::NEG_INFINITY));
}

#[test]
fn text_that_is_not_utf8_is_kept_with_replacements() {
    assert_eq!(one(b"\x02\0\x03a\xD6b").as_str(), Some("a\u{FFFD}b"));
}

#[test]
fn errors_say_where() {
    let error = read_all(b"\x05\x05\x04").unwrap_err();
    assert_eq!(error, Error { kind: ErrorKind::UnknownMarker(4), offset: 2 });
    assert_eq!(error.to_string(), "unknown AMF type marker 0x04 at byte 2");
}
