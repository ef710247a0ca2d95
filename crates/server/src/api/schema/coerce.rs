//! JavaScript's notion of a number, a text and white space, as far as the wire shows it.
//!
//! Upstream's validators turn scalars into the declared type before the endpoint sees them,
//! with JavaScript's own conversions. Evidence: `tests/data/ajv_verdicts.jsonl`, which holds
//! the values as they come out.

use super::{Kind, Mode, Null, Schema};
use serde_json::{Number, Value};

impl Schema {
    /// Makes `value` one of the declared type if it is not; `false` if it cannot be.
    pub(super) fn coerce(&self, mode: Mode, value: &mut Value) -> bool {
        if self.is_type_of(value) {
            return true;
        }
        // A type that nothing turns into does not unwrap a repeated parameter either.
        if matches!(self.kind, Kind::Record(_)) && self.null == Null::Refused {
            return false;
        }
        let coerced = match (mode, &mut *value) {
            (Mode::Query, Value::Array(items)) if items.len() == 1 => {
                // AJV wants the one item to be of both types at once, which none is.
                if self.null == Null::Refused && self.is_type_of(&items[0]) {
                    Some(items[0].take())
                } else {
                    self.converted(mode, &items[0])
                }
            }
            (_, value) => self.converted(mode, value),
        };
        match coerced {
            Some(coerced) => {
                *value = coerced;
                true
            }
            None => false,
        }
    }

    fn is_type_of(&self, value: &Value) -> bool {
        let is_type = match self.kind {
            Kind::Any | Kind::OneOf(_) | Kind::AnyOf(_) => true,
            Kind::Text(_) => value.is_string(),
            Kind::Number => value.is_number(),
            Kind::Integer => value.as_f64().is_some_and(|number| number.fract() == 0.0),
            Kind::Boolean => value.is_boolean(),
            Kind::List(_) => value.is_array(),
            Kind::Record(_) => value.is_object(),
        };
        is_type || (value.is_null() && self.null != Null::Refused)
    }

    fn converted(&self, mode: Mode, value: &Value) -> Option<Value> {
        let to_type = match self.kind {
            Kind::Text(_) => to_text(value).map(Value::String),
            Kind::Number => to_number(value).map(Value::Number),
            Kind::Integer => to_number(value)
                .filter(|number| number.as_f64().is_some_and(|number| number.fract() == 0.0))
                .map(Value::Number),
            Kind::Boolean => to_boolean(value).map(Value::Bool),
            Kind::List(_) if mode == Mode::Query && !value.is_object() => Some(Value::Array(vec![value.clone()])),
            _ => None,
        };
        to_type.or_else(|| (self.null != Null::Refused && is_void(value)).then_some(Value::Null))
    }
}

/// A text, or what a scalar becomes where one is declared; nothing for the rest.
pub(crate) fn scalar_text(value: Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text),
        other => to_text(&other),
    }
}

fn to_text(value: &Value) -> Option<String> {
    match value {
        Value::Null => Some(String::new()),
        Value::Bool(boolean) => Some(boolean.to_string()),
        Value::Number(number) => number.as_f64().map(number_text),
        _ => None,
    }
}

fn to_boolean(value: &Value) -> Option<bool> {
    match value {
        Value::Null => Some(false),
        Value::String(text) if text == "true" => Some(true),
        Value::String(text) if text == "false" => Some(false),
        Value::Number(number) if number.as_f64() == Some(0.0) => Some(false),
        Value::Number(number) if number.as_f64() == Some(1.0) => Some(true),
        _ => None,
    }
}

fn to_number(value: &Value) -> Option<Number> {
    match value {
        Value::Null => Some(0.into()),
        Value::Bool(boolean) => Some(i64::from(*boolean).into()),
        Value::String(text) if !text.is_empty() => number_from_text(text).and_then(json_number),
        _ => None,
    }
}

/// What becomes `null` where that is allowed and nothing else fits.
fn is_void(value: &Value) -> bool {
    match value {
        Value::String(text) => text.is_empty(),
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::Bool(boolean) => !boolean,
        _ => false,
    }
}

/// As JavaScript trims: the byte order mark goes, the next-line control stays.
pub(super) fn trimmed(text: &str) -> &str {
    text.trim_matches(|c: char| c == '\u{FEFF}' || (c.is_whitespace() && c != '\u{85}'))
}

/// JavaScript's `Number(text)`; `None` where that is not a number.
fn number_from_text(text: &str) -> Option<f64> {
    let text = trimmed(text);
    if text.is_empty() {
        return Some(0.0);
    }
    for (prefixes, radix) in [(["0x", "0X"], 16), (["0o", "0O"], 8), (["0b", "0B"], 2)] {
        if let Some(digits) = prefixes.iter().find_map(|prefix| text.strip_prefix(prefix)) {
            let digits = digits.chars().map(|c| c.to_digit(radix));
            return digits
                .map(|digit| digit.map(f64::from))
                .reduce(|sum, digit| Some(sum? * f64::from(radix) + digit?))
                .flatten();
        }
    }
    match text.trim_start_matches(['+', '-']) {
        "Infinity" => {}
        // Rust also reads `inf` and `nan`, which JavaScript does not.
        digits if digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') => {}
        _ => return None,
    }
    text.parse().ok()
}

/// JSON has no infinity: the largest number stands for it.
fn json_number(number: f64) -> Option<Number> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if number.fract() == 0.0 && number.abs() <= EXACT {
        #[expect(clippy::cast_possible_truncation, reason = "a whole number within 2^53")]
        return Some((number as i64).into());
    }
    Number::from_f64(number.clamp(f64::MIN, f64::MAX))
}

/// JavaScript's `String(number)`: the shortest digits that read back as the same number.
pub(super) fn number_text(number: f64) -> String {
    if number == 0.0 {
        return "0".to_owned();
    }
    let shortest = format!("{:e}", number.abs());
    let (mantissa, exponent) = shortest.split_once('e').unwrap_or((&shortest, "0"));
    let digits = mantissa.replace('.', "");
    let exponent: i32 = exponent.parse().unwrap_or_default();
    let sign = if number < 0.0 { "-" } else { "" };
    let zeros = |count: i32| "0".repeat(usize::try_from(count).unwrap_or_default());
    let length = i32::try_from(digits.len()).unwrap_or_default();
    let unsigned = match exponent {
        -6..0 => format!("0.{}{digits}", zeros(-exponent - 1)),
        0..=20 if length <= exponent + 1 => format!("{digits}{}", zeros(exponent + 1 - length)),
        0..=20 => {
            let (whole, fraction) = digits.split_at(usize::try_from(exponent + 1).unwrap_or_default());
            format!("{whole}.{fraction}")
        }
        _ => {
            let plus = if exponent > 0 { "+" } else { "" };
            format!("{mantissa}e{plus}{exponent}")
        }
    };
    format!("{sign}{unsigned}")
}
