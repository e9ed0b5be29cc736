//! What holds for any bytes that are read as AMF0.

use bytes::BytesMut;
use live_transport::amf0::{Value, read_all};

/// Reading never panics, and what has been read can be written, and read again as the same.
pub fn check(data: &[u8]) {
    let Ok(values) = read_all(data) else { return };
    let bytes = written(&values);
    // Replacement characters are longer than what they replace, so the copy may be over the limit.
    if let Ok(again) = read_all(&bytes) {
        // By their bytes: NaN is equal to nothing.
        assert_eq!(written(&again), bytes);
    }
}

fn written(values: &[Value]) -> BytesMut {
    let mut out = BytesMut::new();
    values.iter().for_each(|value| value.write(&mut out));
    out
}
