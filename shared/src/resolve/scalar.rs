//! Scalars of a document as answers, whatever client wrote them.

use automerge::ScalarValue;
use mobile_schema::household::Value;

use crate::limits;

/// What a scalar is.
pub(super) enum Read {
    Value(Value),
    Nothing,
    Unreadable,
}

/// Writes a text in composed form; what is no text stays as it is.
pub(crate) fn one_form(value: Value) -> Value {
    match value {
        Value::Text(text) => Value::Text(crate::text::one_form(&text)),
        other => other,
    }
}

/// Reads a scalar as an answer; `None` where it is none or cannot be read.
pub(crate) fn scalar_value(scalar: &ScalarValue) -> Option<Value> {
    match read_scalar(scalar) {
        Read::Value(value) => Some(value),
        Read::Nothing | Read::Unreadable => None,
    }
}

/// JavaScript writes 3 and 3.0 alike, so every whole number is one kind of number here.
pub(super) fn read_scalar(scalar: &ScalarValue) -> Read {
    match scalar {
        ScalarValue::Str(text) => read_text(text),
        ScalarValue::Int(number) => Read::Value(Value::Int(*number)),
        ScalarValue::Uint(number) => match i64::try_from(*number) {
            Ok(number) => Read::Value(Value::Int(number)),
            Err(_) => Read::Unreadable,
        },
        ScalarValue::F64(number) => read_whole(*number),
        ScalarValue::Boolean(flag) => Read::Value(Value::Bool(*flag)),
        ScalarValue::Null => Read::Nothing,
        _ => Read::Unreadable,
    }
}

/// Takes a floating point number that is whole; ours are never written that way.
fn read_whole(number: f64) -> Read {
    match format!("{number}").parse() {
        Ok(whole) => Read::Value(Value::Int(whole)),
        Err(_) => Read::Unreadable,
    }
}

pub(super) fn read_text(text: &str) -> Read {
    if text.chars().nth(limits::TEXT_CHARS_MAX).is_some() {
        return Read::Unreadable;
    }
    Read::Value(Value::Text(text.to_owned()))
}
