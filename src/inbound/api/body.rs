//! JSON bodies: bounded in depth, strict about their fields, and with the place or the field in every complaint.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value, error::Category};

use super::{
    call::named,
    problem::{Kind, Problem},
};

/// How deep a body may be nested. What the API takes is five deep at most, an alert's own payload some ten.
const DEPTH_MAX: usize = 64;

/// The body as `T`; an empty one counts as `{}`.
///
/// # Errors
/// 400 when it cannot be read, 422 when a field is not as documented.
pub fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    let value = if body.iter().all(u8::is_ascii_whitespace) { Value::Object(Map::new()) } else { value(body)? };
    let Value::Object(fields) = value else { return Err(Problem::invalid("$", "must be an object")) };
    serde_json::from_value(Value::Object(fields.clone())).map_err(|error| complaint::<T>(&fields, &error.to_string()))
}

/// The body as JSON.
///
/// # Errors
/// 400 with the place where it is broken.
pub fn value(body: &[u8]) -> Result<Value, Problem> {
    check(body)?;
    serde_json::from_slice(body).map_err(|error| match error.classify() {
        Category::Io | Category::Data => Problem::new(Kind::Malformed, "the body cannot be read"),
        Category::Syntax | Category::Eof => {
            let reason = error.to_string();
            let reason = reason.split(" at line ").next().unwrap_or_default();
            Problem::malformed(reason, error.line(), error.column())
        }
    })
}

/// Whether it is text, and not too deep to be read.
///
/// # Errors
/// 400 with the place.
pub fn check(body: &[u8]) -> Result<(), Problem> {
    let text = std::str::from_utf8(body)
        .map_err(|error| Problem::new(Kind::Malformed, format!("the body is not UTF-8 from byte {} on", error.valid_up_to())))?;
    let (mut depth, mut in_string, mut escaped) = (0usize, false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => depth += 1,
            b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > DEPTH_MAX {
            let before = text.get(..at).unwrap_or_default();
            let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
            let column = at - before.rfind('\n').map_or(0, |newline| newline + 1) + 1;
            return Err(Problem::malformed(&format!("nested deeper than {DEPTH_MAX}"), line, column));
        }
    }
    Ok(())
}

/// What serde complains about, with the field. Where its message does not name one, each field is tried by itself.
fn complaint<T: DeserializeOwned>(fields: &Map<String, Value>, message: &str) -> Problem {
    if let Some(field) = named(message) {
        let reason = match message.split_once("`, ") {
            Some((_, known)) if message.starts_with("unknown") => format!("is not known; {known}"),
            _ if message.starts_with("unknown") => "is not known: nothing is wanted here".to_owned(),
            _ if message.starts_with("missing") => "is missing".to_owned(),
            _ => "comes twice".to_owned(),
        };
        return Problem::invalid(field, reason);
    }
    let culprit = fields.iter().find_map(|(name, value)| {
        let alone = Value::Object(Map::from_iter([(name.clone(), value.clone())]));
        let error = serde_json::from_value::<T>(alone).err()?.to_string();
        (!error.starts_with("missing field")).then_some((name, error))
    });
    match culprit {
        Some((name, error)) => match named(&error) {
            Some(inner) if inner != name => Problem::invalid(format!("{name}.{inner}"), error.clone()),
            _ => Problem::invalid(name, format!("cannot be read: {error}")),
        },
        None => Problem::invalid("$", message),
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Wanted {
        #[serde(rename = "to")]
        _to: String,
        #[serde(rename = "seconds", default)]
        _seconds: u32,
    }

    fn said(body: &str) -> String {
        let answer = read::<Wanted>(body.as_bytes()).unwrap_err();
        format!("{:?} {}", answer.kind, answer.detail())
    }

    #[test]
    fn complaints_name_the_field_or_the_place() {
        assert!(read::<Wanted>(br#"{"to": "a", "seconds": 3}"#).is_ok());
        for (body, parts) in [
            ("{}", ["Invalid", "`to` is missing"]),
            ("", ["Invalid", "`to` is missing"]),
            (r#"{"to": "a", "colour": 1}"#, ["`colour` is not known", "expected `to` or `seconds`"]),
            (r#"{"to": 7}"#, ["`to` cannot be read", "expected a string"]),
            (r#"{"to": "a", "seconds": -1}"#, ["`seconds`", "expected u32"]),
            ("[]", ["Invalid", "must be an object"]),
            ("{\"to\":\n nonsense}", ["Malformed", "line 2 column"]),
            (&format!("{}1{}", "[".repeat(65), "]".repeat(65)), ["Malformed", "line 1 column 65: nested deeper than 64"]),
        ] {
            let said = said(body);
            assert!(parts.iter().all(|part| said.contains(part)), "{body} → {said}");
        }
        assert_eq!(read::<Wanted>(b"{\"to\": \"\xff\"}").unwrap_err().kind, Kind::Malformed);
        // Brackets inside of texts count for nothing.
        assert!(check(format!("\"{}\\\"[\"", "[".repeat(100)).as_bytes()).is_ok());
    }
}
