//! The query string as an object: a parameter is a text, a repeated one a list of texts.
//!
//! `name[]=…` is a list too, however often it comes. What is not percent-encoded UTF-8 cannot be
//! read and is refused.

use serde_json::{Map, Value};

use crate::api::error::ApiError;

/// How many parameters a query may have.
const PARAMETERS: usize = 200;

/// Reads a query string, or a body in the same form.
pub(crate) fn parse_query(query: &str) -> Result<Map<String, Value>, ApiError> {
    let mut parameters = Map::new();
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    for (count, pair) in pairs.enumerate() {
        if count >= PARAMETERS {
            return Err(ApiError::QueryUnreadable);
        }
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (name, value) = (decode(name)?, Value::String(decode(value)?));
        let (name, is_list) = match name.strip_suffix("[]") {
            Some(stem) => (stem.to_owned(), true),
            None => (name, false),
        };
        match parameters.get_mut(&name) {
            Some(Value::Array(values)) => values.push(value),
            Some(first) => *first = Value::Array(vec![first.take(), value]),
            None if is_list => {
                parameters.insert(name, Value::Array(vec![value]));
            }
            None => {
                parameters.insert(name, value);
            }
        }
    }
    Ok(parameters)
}

fn decode(raw: &str) -> Result<String, ApiError> {
    if !raw.contains(['%', '+']) {
        return Ok(raw.to_owned());
    }
    let mut bytes = Vec::with_capacity(raw.len());
    let mut rest = raw.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digit = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
                match (digit(rest.next()), digit(rest.next())) {
                    (Some(high), Some(low)) => u8::try_from(high * 16 + low).unwrap_or_default(),
                    _ => return Err(ApiError::QueryUnreadable),
                }
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).map_err(|_| ApiError::QueryUnreadable)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(query: &str) -> Option<Value> {
        parse_query(query).ok().map(Value::Object)
    }

    #[test]
    fn parameters_are_texts_and_repeated_ones_lists() {
        assert_eq!(read(""), Some(json!({})));
        assert_eq!(read("a=1&b=x%20y+z&c"), Some(json!({"a": "1", "b": "x y z", "c": ""})));
        assert_eq!(read("a=1&a=2&a=3"), Some(json!({"a": ["1", "2", "3"]})));
        assert_eq!(read("a[]=1"), Some(json!({"a": ["1"]})));
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        assert_eq!(read("a=%zz"), None);
        assert_eq!(read("a=%f"), None);
        assert_eq!(read("a=%ff"), None);
        assert_eq!(read(&"a=1&".repeat(PARAMETERS + 1)), None);
    }
}
